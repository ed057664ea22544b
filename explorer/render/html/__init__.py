"""HTML from templates: whatever is put into one is text, and cannot become a tag."""

import base64
from functools import cache
from pathlib import Path

import cv2
import jinja2

from explorer.arrays import Overlay


@cache
def templates(folder: Path) -> jinja2.Environment:
    """The templates of a folder. `picture | data_uri` puts a picture into the page; see `data_uri`."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(folder),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["data_uri"] = data_uri
    return environment


def data_uri(picture: Overlay) -> str:
    """uint8 RGB (H, W, 3) as a PNG inside the page: nothing is written to disk."""
    encoded, png = cv2.imencode(".png", cv2.cvtColor(picture, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_PNG_COMPRESSION, 3])
    if not encoded:
        raise RuntimeError("OpenCV could not encode a picture")
    return "data:image/png;base64," + base64.b64encode(png.tobytes()).decode()
