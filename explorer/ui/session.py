"""What one visitor has on the page: their pictures, which one is shown, and its result."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from explorer.comparison import Comparison
from explorer.errors import Cancelled, InputError
from explorer.images import load_image
from explorer.ui.networks import Network


@dataclass(frozen=True, eq=False)
class Picture:
    name: str
    image: Any  # uint8 (H, W, 3)
    note: str = ""  # what an example shows
    example: bool = False
    asks: Mapping[str, str] = field(default_factory=dict)  # the layer and class at which an example shows it


@dataclass
class Session:
    pictures: list[Picture] = field(default_factory=list)
    shown: int = 0
    result: Comparison | None = None
    stopped: bool = False
    networks: dict[str, Network] = field(default_factory=dict)  # the visitor's own, by name
    model: str | None = None  # the network that the result is of, as the page's list calls it
    head: str | None = None  # and the output of it

    @property
    def picture(self):
        return self.pictures[self.shown]

    def add(self, files):
        """Add every file that is a picture, show the first of them; return what is wrong with the others."""
        complaints, first = [], len(self.pictures)
        for file in files:
            try:
                self.pictures.append(Picture(_name(file), load_image(file)))
            except InputError as mistake:
                complaints.append(str(mistake))
        if len(self.pictures) > first:
            self.shown = first
        return complaints

    def show_examples(self, examples):
        """Put these examples in place of the others; the visitor's own pictures stay, and so does one of them shown."""
        own = [picture for picture in self.pictures if not picture.example]
        kept = self.picture if own and not self.picture.example else None
        self.pictures = [*examples, *own]
        self.shown = self.pictures.index(kept) if kept else 0

    def until_stopped(self, tell):
        """A progress callback that passes on to `tell` and raises Cancelled once the visitor asked to stop."""
        self.stopped = False

        def progress(stage, done, total):
            if self.stopped:
                raise Cancelled
            tell(stage, done, total)

        return progress


def _name(file):
    return str(file).replace("\\", "/").rsplit("/", 1)[-1]
