"""Pictures in rows and columns with words at their heads: how pages compare many maps at once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from explorer import formatting
from explorer.arrays import Image
from explorer.render.overlays import overlay
from explorer.ui import html, text
from explorer.ui.assets import script

if TYPE_CHECKING:
    from markupsafe import Markup

    from explorer.engine.result import Explanation
    from explorer.ui.controls import Controls


CHOOSING = script("choose.js")


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


def of_map(one: Explanation, image: Image, words: str, look: Controls, choice: str | None = None) -> Tile:
    """The Tile of a Result's map with its verdict. words: what it is of, such as "at conv5"; look: the colours, as
    `explorer.ui.controls.Controls`."""
    badge = text.BADGES[one.verdict]
    return Tile(
        overlay(image, one.heatmap, look.colormap, look.opacity),
        f"{one.label} {words}: {badge}",
        f"max {formatting.or_dash(one.statistics['maximum'])}",
        choice,
        "" if one.verdict == "ok" else badge,
        {"verdict": one.verdict},
    )


def grid(heads: list, rows: list) -> Markup:
    """heads: of the columns, words or (words, smaller words). rows: [(head, [Tile])]."""
    return html.render("grid", heads=heads, rows=rows)


def row(tiles: list[Tile]) -> Markup:
    """Tiles side by side, each with its note beneath."""
    return html.render("tiles", tiles=tiles)
