// A board of cells, painted by dragging, or cell by cell with Enter and the space bar.
// Bound by gr.HTML: `element` is its place, `trigger` sends its event. See explorer/ui/widgets/painter.py.
let to = null;
const cellAt = (event) => document.elementFromPoint(event.clientX, event.clientY)?.closest('[data-cell]');
const touch = (cell) => {
  if (!cell || !element.contains(cell)) return;
  if (to === null) to = cell.dataset.cell === '1' ? '0' : '1';
  cell.dataset.cell = to;
};
const done = () => {
  if (to === null) return;
  to = null;
  const board = element.querySelector('.board');
  const cells = [...board.querySelectorAll('[data-cell]')].map((one) => one.dataset.cell).join('');
  trigger('click', { cells, rows: Number(board.dataset.rows) });
};
element.addEventListener('pointerdown', (event) => {
  if (!cellAt(event)) return;
  event.preventDefault();
  touch(cellAt(event));
});
element.addEventListener('pointermove', (event) => { if (to !== null) touch(cellAt(event)); });
window.addEventListener('pointerup', done);
element.addEventListener('keydown', (event) => {
  if (event.key !== 'Enter' && event.key !== ' ') return;
  event.preventDefault();
  touch(event.target.closest('[data-cell]'));
  done();
});
