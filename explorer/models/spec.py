"""What has to be known to load a network: small, comparable, and good for another machine too."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from explorer.errors import Progress
from explorer.models import DEFAULT, MODELS, find, load
from explorer.models.custom import is_own

if TYPE_CHECKING:
    from explorer.network.classifier import Classifier


@dataclass(frozen=True)
class Network:
    """What has to be known to load a network; equal ones are loaded once."""

    name: str  # a registered one, or the path of a .keras file
    weights: str = DEFAULT
    labels: str | None = None
    preprocessing: str | None = None
    head: str | None = None

    @property
    def own(self) -> bool:
        return self.name not in MODELS

    @property
    def label(self) -> str:
        named = self.name.replace("\\", "/").rsplit("/", 1)[-1] if self.own else MODELS[self.name].label
        return named if self.weights == DEFAULT else f"{named}, weights from a file"

    def load(self, progress: Progress | None) -> Classifier:
        options = {"labels": self.labels, "preprocessing": self.preprocessing, "head": self.head}
        options = {option: value for option, value in options.items() if value is not None}
        if self.weights != DEFAULT:
            options["weights"] = self.weights
        return load(self.name, progress=progress, **options)


def network(
    name: str,
    weights: Path | str | None = None,
    labels: Any = None,
    preprocessing: Any = None,
    head: str | None = None,
) -> Network:
    """The Network that a person asks for on the command line, its name as it is registered."""
    name = str(name) if is_own(name) else find(name).name
    return Network(name, weights or DEFAULT, labels, preprocessing, head)
