"""Pictures in rows and columns with words at their heads: how pages compare many maps at once."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from html import escape
from typing import Any

from explorer.ui.results import data_uri

# A tile that can be chosen says so to the page by its data; `gr.HTML` then brings them in an event.
CHOOSING = """
const choose = (event) => {
  if (event.type === 'keydown' && event.key !== 'Enter') return;
  const tile = event.target.closest('[data-choice]');
  if (tile) trigger('click', { choice: tile.dataset.choice });
};
element.addEventListener('click', choose);
element.addEventListener('keydown', choose);
"""


@dataclass(frozen=True)
class Tile:
    """picture: uint8 (H, W, 3), or None for an empty place. alt: what it is, in words. note: beneath it. choice: what
    choosing it means; badge: a word on it, such as "dark"."""

    picture: Any
    alt: str = ""
    note: str = ""
    choice: str | None = None
    badge: str = ""
    data: Mapping[str, str] = field(default_factory=dict)


def grid(heads, rows, corner=""):
    """heads: of the columns, words or (words, smaller words). rows: [(head, [Tile])]."""
    top = "".join(f"<th scope='col'>{_head(head)}</th>" for head in heads)
    body = "".join(
        f"<tr><th scope='row'>{_head(head)}</th>{''.join(f'<td>{_tile(one)}</td>' for one in tiles)}</tr>"
        for head, tiles in rows
    )
    head = f"<thead><tr><td>{escape(corner)}</td>{top}</tr></thead>"
    return f"<div class='grid'><table style='--columns: {len(heads)}'>{head}<tbody>{body}</tbody></table></div>"


def row(tiles):
    """Tiles side by side, each with its note beneath."""
    return f"<div class='tiles'>{''.join(f'<figure>{_tile(one)}</figure>' for one in tiles)}</div>"


def _head(head):
    words, smaller = (head, "") if isinstance(head, str) else head
    return f"{escape(words)}{f'<small>{escape(smaller)}</small>' if smaller else ''}"


def _tile(tile):
    if tile.picture is None:
        return f"<span class='none'>{escape(tile.note)}</span>"
    data = "".join(f' data-{name}="{escape(value, quote=True)}"' for name, value in tile.data.items())
    choice = tile.choice and f' data-choice="{escape(tile.choice, quote=True)}" role="button" tabindex="0"'
    badge = f"<span class='badge'>{escape(tile.badge)}</span>" if tile.badge else ""
    note = f"<small>{escape(tile.note)}</small>" if tile.note else ""
    return (
        f'<div class="tile"{choice or ""}{data}><img src="{data_uri(tile.picture)}" '
        f'alt="{escape(tile.alt, quote=True)}">{badge}{note}</div>'
    )
