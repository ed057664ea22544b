"""The page's pieces of HTML: a template each, in this folder."""

from pathlib import Path

from explorer.render.html import renderer

render = renderer(Path(__file__).parent)


def caption(words):
    """A small line of explanation; nothing where there are no words."""
    return render("caption", words=words)


def section(title, about=""):
    """The title of a part of a page, and what it shows."""
    return render("section", title=title, about=about)
