"""The page's pieces of HTML: a template each, in this folder."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from explorer.render.html import renderer

if TYPE_CHECKING:
    from markupsafe import Markup


render = renderer(Path(__file__).parent)


def caption(words: str) -> Markup:
    """A small line of explanation; nothing where there are no words."""
    return render("caption", words=words)


def section(title: str, about: str = "") -> Markup:
    """The title of a part of a page, and what it shows."""
    return render("section", title=title, about=about)
