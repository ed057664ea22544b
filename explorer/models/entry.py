"""What is known of a classifier before it is loaded."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from explorer.errors import Progress

if TYPE_CHECKING:
    from explorer.network.classifier import Classifier

DEFAULT = "default"  # in place of a weights file: the network's own trained weights


@dataclass(frozen=True)
class Entry:
    """One classifier that can be loaded by name. input_size: (H, W) in pixels. download_bytes: about what its weights
    take, 0 where they come with the project. block_ends: the names of the layers that end its blocks, in order.
    """

    name: str
    label: str
    about: str
    input_size: tuple[int, int]
    download_bytes: int
    block_ends: tuple[str, ...]

    @property
    def default_layer(self) -> str:
        """The last spatial layer that separates input from output; the last block ends there."""
        return self.block_ends[-1]

    def on_disk(self) -> Path | None:
        """The path of its weights, None where they have yet to be downloaded."""
        raise NotImplementedError

    def load(self, weights: Path | str | None = DEFAULT, progress: Progress | None = None) -> Classifier:
        """A new Classifier. weights: DEFAULT, the path of a file, or None for the untrained network."""
        raise NotImplementedError
