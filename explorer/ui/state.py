"""What one visitor has on the page: their pictures, which one is shown, and its result."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from explorer.engine.images import load_image
from explorer.engine.result import Result
from explorer.errors import Cancelled, InputError
from explorer.models.spec import Network


@dataclass(frozen=True, eq=False)
class Picture:
    name: str
    image: Any  # uint8 (H, W, 3)
    note: str = ""  # what an example shows
    example: bool = False
    asks: Mapping[str, str] = field(default_factory=dict)  # the layer and class at which an example shows it


class Superseded(Cancelled):
    """The visitor has asked for something newer; what was asked before is dropped without a word."""


@dataclass
class Job:
    """One run of the network for a visitor."""

    stopped: bool = False
    superseded: bool = False


@dataclass
class Session:
    pictures: list[Picture] = field(default_factory=list)
    shown: int = 0  # the picture that is chosen
    networks: dict[str, Network] = field(default_factory=dict)  # the visitor's own, by name
    job: Job = field(default_factory=Job)
    strip: Any = None  # what the page's strip holds, and which of it is chosen
    page: str = "explore"  # the page that is open
    shown_on: dict[str, Any] = field(default_factory=dict)  # page -> the Result it shows
    kept: dict[str, Any] = field(default_factory=dict)  # page -> what it has computed and draws again
    look: Any = None  # what the page asks of colours and ε, always the latest
    # What the results on the page are of; all None before the first
    result: Result | None = None
    explained: Picture | None = None
    network: Network | None = None
    model: str | None = None  # as the page's list calls the network
    head: str | None = None  # the output of it that is explained
    at_baseline: Any = None  # (classes,) probabilities of the baseline

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

    def bring(self, picture):
        """Add a picture and choose it; in place of the one with its name and pixels, where there is one."""
        same = [one for one in self.pictures if one.name == picture.name and np.array_equal(one.image, picture.image)]
        if same:
            self.shown = self.pictures.index(same[0])
            self.pictures[self.shown] = picture
        else:
            self.pictures.append(picture)
            self.shown = len(self.pictures) - 1

    def show_examples(self, examples):
        """Put these examples in place of the others; the visitor's own pictures stay, and so does one of them shown."""
        own = [picture for picture in self.pictures if not picture.example]
        kept = self.picture if own and not self.picture.example else None
        self.pictures = [*examples, *own]
        self.shown = self.pictures.index(kept) if kept else 0

    def begin(self, tell):
        """A new job in place of the one that may be running -> (the job, its progress callback).

        The callback passes on to `tell`, which also learns of its job; it raises Superseded once there is a newer job,
        Cancelled once stopped.
        """
        self.job.superseded = True
        job = self.job = tell.job = Job()

        def progress(stage, done, total):
            if job.superseded:
                raise Superseded
            if job.stopped:
                raise Cancelled
            tell(stage, done, total)

        return job, progress

    def strip_is_old(self):
        """Whether the page's strip has yet to be told of its pictures or of the chosen one; asked once."""
        now = ([id(picture) for picture in self.pictures], self.shown)
        was, self.strip = self.strip, now
        return now != was

    def choose(self, index):
        """The visitor clicked on the strip, which therefore knows."""
        self.shown = index
        self.strip_is_old()

    def go_back(self):
        """Choose again the picture that the results are of."""
        if self.explained in self.pictures:
            self.shown = self.pictures.index(self.explained)


def _name(file):
    return str(file).replace("\\", "/").rsplit("/", 1)[-1]
