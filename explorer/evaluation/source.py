"""Which pictures are evaluated, described so that they can be found again: by --resume, by the report's links."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from explorer.errors import InputError
from explorer.evaluation import pictures

if TYPE_CHECKING:
    from explorer.evaluation.pictures import Item


MAX_SCENES = 100_000


@dataclass(frozen=True)
class Source:
    """Either a folder of images, with boxes, classes and limit as `explorer.evaluation.pictures.folder` takes them, or
    so many scenes, drawn from a seed, which bring classes and boxes along."""

    images: str | None = None
    boxes: str | None = None
    classes: str = "predicted"
    limit: int | None = None
    scenes: int = 0
    seed: int = 0

    def __post_init__(self):
        if bool(self.images) == bool(self.scenes):
            raise InputError("An evaluation is of a folder of images or of scenes: give --images or --scenes.")
        if not 0 <= self.scenes <= MAX_SCENES:
            raise InputError(f"Scenes are 1 to {MAX_SCENES:,}; received {self.scenes}.")

    def items(self) -> list[Item]:
        if self.scenes:
            return pictures.scenes(self.scenes, self.seed)
        return pictures.folder(self.images, self.boxes, self.classes, self.limit)
