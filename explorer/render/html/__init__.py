"""HTML from templates: whatever is put into one is text, and cannot become a tag."""

import base64
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import jinja2
from markupsafe import Markup

from explorer.arrays import Overlay


def renderer(folder: Path) -> Callable[..., Markup]:
    """render(name, **values) -> the template `name`.html of a folder, with these values.

    Beside Jinja's own filters there are `data_uri`, `base64` and `unbroken`. A value that a template misses raises.
    """
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(folder),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"data_uri": data_uri, "base64": _base64, "unbroken": unbroken}

    def render(name: str, /, **values: Any) -> Markup:
        return Markup(environment.get_template(f"{name}.html").render(values))

    return render


def data_uri(picture: Overlay) -> str:
    """uint8 RGB (H, W, 3) as a PNG inside the page: nothing is written to disk."""
    encoded, png = cv2.imencode(".png", cv2.cvtColor(picture, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_PNG_COMPRESSION, 3])
    if not encoded:
        raise RuntimeError("OpenCV could not encode a picture")
    return "data:image/png;base64," + _base64(png.tobytes())


def unbroken(sentence: str) -> str:
    """The sentence with no line ending before a sign that belongs to a number."""
    return sentence.replace(" %", "\u00a0%").replace(" = ", "\u00a0=\u00a0").replace("1 − ", "1\u00a0−\u00a0")


def _base64(content: bytes) -> str:
    return base64.b64encode(content).decode("ascii")
