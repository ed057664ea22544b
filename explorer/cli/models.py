"""python -m explorer models"""

from __future__ import annotations

from typing import TYPE_CHECKING

from explorer.models import MODELS
from explorer.models.weights import megabytes

if TYPE_CHECKING:
    from argparse import Namespace


def run(arguments: Namespace) -> int:
    """One line for each classifier that can be loaded: whether its weights are there, and else how large they are."""
    wide = max(len(name) for name in MODELS)
    for name, entry in MODELS.items():
        place = "on disk" if entry.on_disk() else f"download {megabytes(entry.download_bytes)}"
        print(f"{name:<{wide}}  {place:<15}  {entry.label}: {entry.about}")
    return 0
