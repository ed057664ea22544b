"""A small board of cells to paint a heatmap on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import gradio as gr
import numpy as np

from explorer.arrays import Array, Heatmap
from explorer.errors import InputError
from explorer.ui import html
from explorer.ui.assets import script

if TYPE_CHECKING:
    from markupsafe import Markup


MAX_CELLS = 14  # cells a side; finer layers are painted coarsely


def build(elem_id: str) -> gr.HTML:
    return gr.HTML(elem_id=elem_id, js_on_load=script("paint.js"))


def corner(shape: tuple[int, int]) -> Array:
    """(h, w): bright in the upper left corner."""
    board = np.zeros(_board(shape))
    board[: max(1, board.shape[0] // 3), : max(1, board.shape[1] // 3)] = 1
    return _onto(board, shape)


def painting(heatmap: Heatmap) -> Markup:
    """The board with what of a map, (h, w), is above zero painted on it."""
    rows, columns = _board(heatmap.shape)
    sizes = zip(heatmap.shape, (rows, columns), strict=True)
    places = [np.linspace(0, size - 1, count).round().astype(int) for size, count in sizes]
    return html.render("painter", bright=[bool(one > 0) for one in heatmap[np.ix_(*places)].ravel()], columns=columns)


def cells(event: Mapping[str, Any], shape: tuple[int, int]) -> Array:
    """(h, w) of the board that an event brings; raises InputError where it is not a board."""
    painted, rows = str(event.get("cells", "")), event.get("rows")
    if not painted or set(painted) - {"0", "1"} or not isinstance(rows, int) or rows < 1 or len(painted) % rows:
        raise InputError("A painted map is a board of cells, each bright or not; received something else: paint again.")
    return _onto(np.array([int(one) for one in painted], float).reshape(rows, -1), shape)


def _board(shape):
    return tuple(min(size, MAX_CELLS) for size in shape)


def _onto(board, shape):
    """The board's cells on a layer of that shape, the nearest one each."""
    places = [np.arange(size) * count // size for size, count in zip(shape, board.shape, strict=True)]
    return board[np.ix_(*places)]
