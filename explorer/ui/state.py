"""What one visitor has on the page: their pictures, which one is shown, and its result."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from explorer.engine.images import load_image
from explorer.engine.result import Result
from explorer.errors import Cancelled, InputError, Progress
from explorer.models.spec import Network

if TYPE_CHECKING:
    from explorer.ui.actions import Silent
    from explorer.ui.controls import Controls


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
    at_work: bool = False  # for a page that shows its progress
    about: Any = None  # the question of the controls, while it is being answered
    number: int = 0  # of the result that it was asked from
    controls: Any = None  # what they said then, which may be something else
    newer: Job | None = field(default=None, repr=False)  # which has replaced it
    is_question: bool = False  # one that every place of the page is about
    has_answer: bool = False  # the session holds its answer
    shows: tuple = ()  # (the number of the result, what the strip holds) once its answer is on the page

    @property
    def is_dropped(self) -> bool:
        """Whether its answer no longer reaches the page. One that the session holds already does, unless the next
        question is about to put another in its place."""
        return self.superseded and (not self.has_answer or self.newer.is_question)


@dataclass
class Session:
    pictures: list[Picture] = field(default_factory=list)
    picture_index: int = 0  # of the one that is chosen
    networks: dict[str, Network] = field(default_factory=dict)  # the visitor's own, by name
    job: Job = field(default_factory=Job)
    strip: Any = None  # what the page's strip holds, and which of it is chosen
    page: str = "explore"  # the page that is open
    shown_on: dict[str, Any] = field(default_factory=dict)  # page -> the Result it shows
    page_data: dict[str, Any] = field(default_factory=dict)  # page -> what it has computed and draws again
    look: Any = None  # what the page asks of colours and ε, always the latest
    # What the results on the page are of; all None before the first
    result: Result | None = None
    explained: Picture | None = None
    network: Network | None = None
    model: str | None = None  # as the page's list calls the network
    head: str | None = None  # the output of it that is explained
    at_baseline: Any = None  # (classes,) probabilities of the baseline
    # Lists and controls tell of a choice more than once, and late: what they ask comes with the number of the result
    # that they belonged to.
    number: int = 0  # of the result on the page: how many there were
    number_on_page: int = 0  # that of the last answer that reached it
    since: int = 0  # the number from which on it has been this network and this picture
    question_on_page: Any = None  # what the controls say, and which picture is chosen, once the answer is on the page
    refused: Any = None  # what the controls ask since a question was refused or stopped
    sentence: str = ""  # what of the question could not be had, and what was taken in its place
    note: str = ""  # what is said of the picture as an example

    @property
    def picture(self) -> Picture:
        return self.pictures[self.picture_index]

    def is_old(self, controls: Controls) -> bool:
        """Whether the controls' class, layer, output and strip were those of another network or picture."""
        return controls.number is not None and controls.number < self.since

    def is_asked_again(self, controls: Controls) -> bool:
        """Whether this very question is being answered, or a later one than was asked from an older result; or whether
        the controls say what they said when something else was asked, a list being left perhaps."""
        job = self.job
        if job.stopped or job.superseded:
            return False
        as_before = controls.sweep == job.controls and controls.number == job.number
        if job.about is None:
            return job.has_answer and as_before
        is_same = as_before or job.about == (controls.sweep, self.picture_index)
        return is_same or (controls.number is not None and controls.number < job.number)

    def add(self, files: list[str]) -> list:
        """Add every file that is a picture, show the first of them; return what is wrong with the others."""
        complaints, first = [], len(self.pictures)
        for file in files:
            try:
                self.pictures.append(Picture(_name(file), load_image(file)))
            except InputError as mistake:
                complaints.append(str(mistake))
        if len(self.pictures) > first:
            self.picture_index = first
        return complaints

    def bring(self, picture: Picture) -> None:
        """Add a picture and choose it; in place of the one with its name and pixels, where there is one."""
        same = [one for one in self.pictures if one.name == picture.name and np.array_equal(one.image, picture.image)]
        if same:
            self.picture_index = self.pictures.index(same[0])
            self.pictures[self.picture_index] = picture
        else:
            self.pictures.append(picture)
            self.picture_index = len(self.pictures) - 1

    def with_examples(self, examples: tuple[Picture, Picture, Picture]) -> tuple[list[Picture], int]:
        """The pictures with these examples in place of the others, and which of them is shown: the visitor's own stay,
        and so does one of them that is shown."""
        own = [picture for picture in self.pictures if not picture.example]
        still_chosen = self.picture if own and not self.picture.example else None
        pictures = [*examples, *own]
        return pictures, pictures.index(still_chosen) if still_chosen else 0

    def is_shown(self, controls: Controls) -> bool:
        """Whether the page shows the answer already."""
        on_page = self.job.about is None and self.number_on_page == self.number
        return on_page and self.question_on_page == (controls.sweep, self.picture_index)

    def is_corrected(self, controls: Controls) -> bool:
        """Whether a field that led to a refusal, or to a stop, holds again what the answer on the page is of."""
        return self.refused is not None and self.refused != controls.sweep

    def with_shown_lists(self, controls: Controls) -> Controls:
        """The controls once their lists are those of the result."""
        question = {"class_index": self.result.class_index, "score": self.result.question.score}
        return replace(controls, model=self.model, head=self.head, layer=self.result.layer.name, **question)

    def show_result(self, result: Result, picture: Picture, network: Network, controls: Controls) -> None:
        """The page shows this result from now on."""
        self.number += 1
        if network != self.network or picture is not self.explained:
            self.since = self.number
        self.result, self.explained, self.network, self.model = result, picture, network, controls.model
        self.question_on_page, self.refused = (self.with_shown_lists(controls).sweep, self.picture_index), None

    def begin(self, tell: Silent, about: Any = None, number: int = 0, controls: Any = None) -> tuple[Job, Progress]:
        """A new job in place of the one that may be running -> (the job, its progress callback).

        The callback passes on to `tell`, which also learns of its job; it raises Superseded once there is a newer job,
        Cancelled once stopped.
        """
        job = Job(about=about, number=number, controls=controls, is_question=about is not None)
        self.job.newer, self.job.superseded = job, True
        self.job = job
        tell.begun(job)

        def progress(stage, done, total):
            if job.superseded:
                raise Superseded
            if job.stopped:
                raise Cancelled
            tell(stage, done, total)

        return job, progress

    @property
    def strip_now(self) -> tuple[list[int], int]:
        """What the page's strip has to hold, and which of it is chosen."""
        return [id(picture) for picture in self.pictures], self.picture_index

    def is_on_page(self, shows: tuple[int, tuple[list, int]]) -> None:
        """What an answer shows, (number, strip), has reached the page."""
        self.number_on_page, self.strip = shows

    def choose(self, index: int) -> None:
        """The visitor clicked on the strip, which therefore knows."""
        self.picture_index = index
        self.strip = self.strip_now

    def go_back(self) -> None:
        """Choose again the picture that the results are of."""
        if self.explained in self.pictures:
            self.picture_index = self.pictures.index(self.explained)


def _name(file):
    return str(file).replace("\\", "/").rsplit("/", 1)[-1]
