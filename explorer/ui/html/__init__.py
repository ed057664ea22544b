"""The page's pieces of HTML: a template each, which escapes whatever is put into it."""

from pathlib import Path

from markupsafe import Markup

from explorer.render.html import templates

_TEMPLATES = templates(Path(__file__).parent)


def render(name, /, **values):
    """The piece of a name, its values put in as text; pictures are uint8 RGB (H, W, 3)."""
    return Markup(_TEMPLATES.get_template(f"{name}.html").render(values))


def caption(words):
    """A small line of explanation; nothing where there are no words."""
    return render("caption", words=words)


def section(title, about=""):
    """The title of a part of a page, and what it shows."""
    return render("section", title=title, about=about)
