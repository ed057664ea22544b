"""WordNet's ids of ImageNet's 1,000 classes: in their order, the classes of every network trained on them."""

from functools import cache
from pathlib import Path
from typing import Any

IDS = Path(__file__).resolve().parents[2] / "assets" / "imagenet_wordnet_ids.txt"


@cache
def class_indices() -> dict[str, Any]:
    """{"n01440764": 0, …}"""
    return {wnid: index for index, wnid in enumerate(IDS.read_text(encoding="ascii").split())}
