"""The pictures that are on the page when it opens, of the world that the network knows."""

from __future__ import annotations

import json
from functools import cache
from typing import TYPE_CHECKING

from gradio.media import get_image

from explorer.engine.images import load_image
from explorer.ui.assets import ASSETS
from explorer.ui.state import Picture

if TYPE_CHECKING:
    from explorer.models.spec import Network


FOLDER = ASSETS / "examples"
PHOTOGRAPHS = (("cheetah", "cheetah1.jpg"), ("lion", "lion.jpg"), ("tower", "tower.jpg"))  # they ship with Gradio


def examples(network: Network) -> tuple[Picture, ...]:
    """Scenes as ToyVGG learnt them, photographs for every other network."""
    return scenes() if network.name == "toy-vgg" else photographs()


@cache
def scenes() -> tuple[Picture, ...]:
    listed = json.loads((FOLDER / "examples.json").read_text(encoding="utf-8"))
    return tuple(
        Picture(
            one["title"],
            load_image(FOLDER / one["file"]),
            one["note"],
            True,
            {"layer": one["layer"], "class_index": one["class"]},
        )
        for one in listed
    )


@cache
def photographs() -> tuple[Picture, ...]:
    return tuple(Picture(name, load_image(get_image(file)), "", True) for name, file in PHOTOGRAPHS)
