"""The example pictures that ship with the explorer: python -m explorer.models.toy.examples draws them again."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import cv2

from explorer.models.toy.scenes import draw_scene

if TYPE_CHECKING:
    from explorer.models.toy.scenes import Scene


FOLDER = Path(__file__).resolve().parents[3] / "assets" / "examples"


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
    Example(
        "bicycle",
        "Bicycle",
        "So sure that Grad-CAM goes dark; RSI-Grad-CAM lights up the wheels.",
        "bicycle",
        "block5_pool",
        14,
        "one",
        ("bicycle",),
    ),
    Example(
        "butterfly-and-car",
        "Butterfly and car",
        "Choose butterfly, then car: the map moves to the chosen one.",
        "car",
        "block5_pool",
        15,
        "two",
        ("butterfly", "car"),
    ),
    Example(
        "ladybirds",
        "Three ladybirds",
        "At block4_pool the map parts into three spots, one for each.",
        "ladybird",
        "block4_pool",
        0,
        "several",
        ("ladybird",),
        3,
    ),
    Example(
        "die",
        "Die",
        "At block4_pool the map finds the pips one by one, at block5_pool the die as a whole.",
        "die",
        "block4_pool",
        16,
        "one",
        ("die",),
    ),
    Example(
        "house",
        "House",
        "Less sure, so Grad-CAM is bright too, and the three methods agree: roof and windows.",
        "house",
        "block5_pool",
        36,
        "one",
        ("house",),
    ),
    Example(
        "snowman-and-clock",
        "Snowman and clock",
        "About half and half: each class has a map of its own.",
        "snowman",
        "block5_pool",
        28,
        "two",
        ("snowman", "clock"),
    ),
    Example(
        "fish",
        "Four fish",
        "At block4_pool the map marks four heads; at block5_pool they run together.",
        "fish",
        "block4_pool",
        29,
        "several",
        ("fish",),
        4,
    ),
    Example(
        "guitar",
        "Guitar",
        "At block4_pool Integrated Grad-CAM strays to the edges, RSI-Grad-CAM does not.",
        "guitar",
        "block4_pool",
        33,
        "one",
        ("guitar",),
    ),
    Example(
        "flower",
        "Flower among leaves",
        "Grad-CAM also marks the leaves; RSI-Grad-CAM stays with the blossom.",
        "flower",
        "block5_pool",
        20,
        "one",
        ("flower",),
    ),
    Example(
        "umbrellas",
        "Four umbrellas",
        "At block4_pool each canopy has a spot of its own.",
        "umbrella",
        "block4_pool",
        2,
        "several",
        ("umbrella",),
        4,
    ),
)


def draw(example: Example) -> Scene:
    """The example's Scene."""
    return draw_scene(example.seed, example.layout, example.kinds, example.count)


def write(folder: Path | str = FOLDER) -> None:
    """Draw every example as a PNG into the folder, with examples.json: file, title, note, class and layer of each."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    for example in EXAMPLES:
        cv2.imwrite(str(folder / f"{example.name}.png"), cv2.cvtColor(draw(example).image, cv2.COLOR_RGB2BGR))
    listed = [
        {
            "file": f"{example.name}.png",
            "title": example.title,
            "note": example.note,
            "class": example.class_name,
            "layer": example.layer,
        }
        for example in EXAMPLES
    ]
    (folder / "examples.json").write_text(json.dumps(listed, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    write()
