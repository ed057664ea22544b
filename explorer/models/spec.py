"""What has to be known to load a network: small, comparable, and good for another machine too."""

from dataclasses import dataclass

from explorer.models import DEFAULT, MODELS, find, load
from explorer.models.custom import is_own


@dataclass(frozen=True)
class Network:
    """What has to be known to load a network; equal ones are loaded once."""

    name: str  # a registered one, or the path of a .keras file
    weights: str = DEFAULT
    labels: str | None = None
    preprocessing: str | None = None
    head: str | None = None

    @property
    def own(self):
        return self.name not in MODELS

    @property
    def label(self):
        named = self.name.replace("\\", "/").rsplit("/", 1)[-1] if self.own else MODELS[self.name].label
        return named if self.weights == DEFAULT else f"{named}, weights from a file"

    def load(self, progress):
        options = {"labels": self.labels, "preprocessing": self.preprocessing, "head": self.head}
        options = {option: value for option, value in options.items() if value is not None}
        if self.weights != DEFAULT:
            options["weights"] = self.weights
        return load(self.name, progress=progress, **options)


def network(name, weights=None, labels=None, preprocessing=None, head=None):
    """The Network that a person asks for on the command line, its name as it is registered."""
    name = str(name) if is_own(name) else find(name).name
    return Network(name, weights or DEFAULT, labels, preprocessing, head)
