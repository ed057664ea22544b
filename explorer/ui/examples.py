"""The pictures that are on the page when it opens."""

import json
from functools import cache
from pathlib import Path

from explorer.images import load_image
from explorer.ui.session import Picture

FOLDER = Path(__file__).resolve().parents[2] / "assets" / "examples"


@cache
def examples():
    listed = json.loads((FOLDER / "examples.json").read_text(encoding="utf-8"))
    return tuple(Picture(one["title"], load_image(FOLDER / one["file"]), one["note"]) for one in listed)
