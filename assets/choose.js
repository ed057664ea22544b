// A tile or cell that can be chosen says what it stands for in its data; choosing sends it as an event.
// Bound by gr.HTML: `element` is its place, `trigger` sends its event. See explorer/ui/widgets/tiles.py.
const choose = (event) => {
  if (event.type === 'keydown' && event.key !== 'Enter') return;
  const tile = event.target.closest('[data-choice]');
  if (tile) trigger('click', { choice: tile.dataset.choice });
};
element.addEventListener('click', choose);
element.addEventListener('keydown', choose);
