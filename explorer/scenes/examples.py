"""The example pictures that ship with the explorer: python -m explorer.scenes.examples draws them again."""

import json
from pathlib import Path
from typing import NamedTuple

import cv2

from explorer.scenes.scene import draw_scene

FOLDER = Path(__file__).resolve().parents[2] / "assets" / "examples"


class Example(NamedTuple):
    """A scene to show: file name without ending, title, what to see, what to ask for, and how it is drawn."""

    name: str
    title: str
    note: str
    class_name: str
    layer: str
    seed: int
    layout: str
    kinds: tuple[str, ...]
    count: int | None = None


EXAMPLES = (
    Example("bicycle", "A bicycle", "So sure that Grad-CAM goes dark, while RSI-Grad-CAM shows the bicycle.",
            "bicycle", "block5_pool", 21, "one", ("bicycle",)),
    Example("butterfly-and-car", "A butterfly and a car", "Choose the one class or the other: the map moves.",
            "car", "block5_pool", 14, "two", ("butterfly", "car")),
    Example("fish", "Four fish", "The fourth block's map finds each of the four.",
            "fish", "block4_pool", 13, "several", ("fish",), 4),
)


def draw(example):
    """The example's Scene."""
    return draw_scene(example.seed, example.layout, example.kinds, example.count)


def write(folder=FOLDER):
    """Draw every example as a PNG into the folder, with examples.json: file, title, note, class and layer of each."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    for example in EXAMPLES:
        cv2.imwrite(str(folder / f"{example.name}.png"), cv2.cvtColor(draw(example).image, cv2.COLOR_RGB2BGR))
    listed = [{"file": f"{example.name}.png", "title": example.title, "note": example.note,
               "class": example.class_name, "layer": example.layer} for example in EXAMPLES]
    (folder / "examples.json").write_text(json.dumps(listed, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    write()
