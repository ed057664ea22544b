"""Which networks a visitor can choose, and loading the one they chose."""

from dataclasses import dataclass

from explorer.zoo import DEFAULT, MODELS, find, is_own, load


@dataclass(frozen=True)
class Network:
    """What has to be known to load a network; equal ones are loaded once."""

    name: str  # an entry of the zoo, or the path of a .keras file
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
        given = {} if self.weights == DEFAULT else {"weights": self.weights}
        if self.own:
            given = {"labels": self.labels, "preprocessing": self.preprocessing or "1/255", "head": self.head}
        return load(self.name, progress=progress, **given)


def network(name, weights=None, labels=None, preprocessing=None):
    """The Network that a person asks for on the command line, its name as the zoo spells it."""
    name = str(name) if is_own(name) else find(name).name
    return Network(name, weights or DEFAULT, labels, preprocessing)


def choices(own=()):
    """What the page's list shows: every network of the zoo with what choosing it costs, then the visitor's own."""
    return [(_words(entry), name) for name, entry in MODELS.items()] + [(f"{name} · yours", name) for name in own]


def _words(entry):
    if not entry.download_bytes:
        return entry.label
    if entry.on_disk():
        return f"{entry.label} · on disk"
    return f"{entry.label} · {entry.download_bytes / 1e6:.0f} MB to download"
