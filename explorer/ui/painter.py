"""A small board of cells to paint a heatmap on."""

import gradio as gr
import numpy as np

from explorer.errors import InputError

MAX_CELLS = 14  # cells a side; finer layers are painted coarsely

PAINTING = """
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
"""


def build(elem_id):
    return gr.HTML(elem_id=elem_id, js_on_load=PAINTING)


def corner(shape):
    """(h, w): bright in the upper left corner."""
    board = np.zeros(_board(shape))
    board[: max(1, board.shape[0] // 3), : max(1, board.shape[1] // 3)] = 1
    return _onto(board, shape)


def html(wanted):
    """The board with what is wanted, (h, w), painted on it."""
    rows, columns = _board(wanted.shape)
    sizes = zip(wanted.shape, (rows, columns), strict=True)
    places = [np.linspace(0, size - 1, count).round().astype(int) for size, count in sizes]
    bright = wanted[np.ix_(*places)] > 0
    cells = "".join(
        f"<span data-cell='{int(one)}' role='button' tabindex='0' aria-label='row {i // columns + 1}, "
        f"column {i % columns + 1}'></span>"
        for i, one in enumerate(bright.ravel())
    )
    board = f"<div class='board' data-rows='{rows}' style='--columns: {columns}'>{cells}</div>"
    return f"{board}<p class='caption'>Paint here.</p>"


def cells(told, shape):
    """(h, w) of what the board tells; raises InputError where it is not a board."""
    painted, rows = str(told.get("cells", "")), told.get("rows")
    if not painted or set(painted) - {"0", "1"} or not isinstance(rows, int) or rows < 1 or len(painted) % rows:
        raise InputError("A painted map is a board of cells, each bright or not; received something else: paint again.")
    return _onto(np.array([int(one) for one in painted], float).reshape(rows, -1), shape)


def _board(shape):
    return tuple(min(size, MAX_CELLS) for size in shape)


def _onto(board, shape):
    """The board's cells on a layer of that shape, the nearest one each."""
    places = [np.arange(size) * count // size for size, count in zip(shape, board.shape, strict=True)]
    return board[np.ix_(*places)]
