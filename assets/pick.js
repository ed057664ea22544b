// Where a picture was clicked, in its own pixels. From the keyboard: arrows move the cross, Enter picks.
// Bound by gr.HTML: `element` is its place, `trigger` sends its event. See explorer/ui/widgets/spot.py.
const place = (part, count) => Math.min(count - 1, Math.max(0, Math.floor(part * count)));
const pick = (board, x, y) => {
  const picture = board.querySelector('img');
  board.style.setProperty('--x', x);
  board.style.setProperty('--y', y);
  trigger('click', { x: place(x, picture.naturalWidth), y: place(y, picture.naturalHeight) });
};
element.addEventListener('click', (event) => {
  const board = event.target.closest('.pick');
  if (!board) return;
  const box = board.querySelector('img').getBoundingClientRect();
  pick(board, (event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height);
});
element.addEventListener('keydown', (event) => {
  const board = event.target.closest('.pick');
  const step = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
  if (!board || (!step && event.key !== 'Enter')) return;
  event.preventDefault();
  const [x, y] = ['--x', '--y'].map((name) => Number(getComputedStyle(board).getPropertyValue(name)));
  const moved = [x + (step?.[0] ?? 0) / 32, y + (step?.[1] ?? 0) / 32].map((at) => Math.min(1, Math.max(0, at)));
  if (!step) return pick(board, x, y);
  board.style.setProperty('--x', moved[0]);
  board.style.setProperty('--y', moved[1]);
});
