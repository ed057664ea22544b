"""Evaluations as the page has them: what its controls ask for, and one visitor's run."""

from __future__ import annotations

import shutil
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from explorer.attribution.methods import METHODS, MaskMethod
from explorer.engine.applicability import objection
from explorer.engine.masking import max_masks
from explorer.errors import InputError, Progress
from explorer.evaluation.journal import Journal
from explorer.evaluation.matching import suffixes
from explorer.evaluation.questions import PAPER, Questions, Rules
from explorer.evaluation.run import SETTINGS, evaluate
from explorer.evaluation.source import Source
from explorer.network import backend
from explorer.ui.question import question
from explorer.ui.reports import Place, Report

if TYPE_CHECKING:
    from explorer.engine.result import Result
    from explorer.network.classifier import Classifier
    from explorer.ui.controls import Controls
    from explorer.ui.state import Session


SCENES, FILES = "scenes", "files"
CORRECT, ONE_BOX, SMALL_BOX = "correct", "one_box", "box_under"
MIN_SCENES, DEFAULT_SCENES, MAX_PICTURES = 5, 20, 200
MAX_BYTES = 64_000_000
CURVE_STEPS = 10


@dataclass(frozen=True)
class Form:
    """What stands in the page's own controls; files and boxes are paths."""

    kind: str = SCENES
    scenes: int | None = DEFAULT_SCENES
    seed: int | None = 0
    files: list | None = None
    boxes: list | None = None
    classes: str = "predicted"
    layers: list | tuple = ()
    rules: list | tuple = ()
    curves: bool = True


@dataclass(frozen=True)
class Plan:
    """What is to be evaluated: Questions of so many scenes, or of files of pictures. Equal ones can go on from each
    other. boxes: files that mark the objects; classes: as `Source` has it. Raises InputError for what cannot be."""

    questions: Questions
    scenes: int = 0
    seed: int = 0
    files: tuple[str, ...] = ()
    boxes: tuple[str, ...] = ()
    classes: str = "predicted"

    def __post_init__(self):
        if self.scenes:
            return
        _check_files(self.files)
        rules = self.questions.rules
        if rules.correct and self.classes == "predicted":
            raise InputError(
                "Whether the network is right is known of labelled pictures only: take the class from the boxes, or "
                "leave that rule out."
            )
        if not self.boxes and (rules.one_box or rules.box_under or self.classes == "boxes"):
            raise InputError("Boxes are asked for, and none are given: add their files, or leave them out.")

    @property
    def count(self) -> int:
        return self.scenes or len(self.files)

    def source(self, place: Path) -> Source:
        """The Source of it; files are gathered in a folder, since that is what a set of pictures is."""
        if self.scenes:
            return Source(scenes=self.scenes, seed=self.seed)
        images = _gathered(self.files, place / "pictures")
        xml = all(name.lower().endswith(".xml") for name in self.boxes)
        if not xml and len(self.boxes) > 1:
            raise InputError(
                f"Boxes are XML files, or one CSV, or one JSON file; received {len(self.boxes)} files: choose others."
            )
        boxes = _gathered(self.boxes, place / "boxes") if self.boxes and xml else next(iter(self.boxes), None)
        return Source(images=images, boxes=boxes, classes=self.classes)


def plan_of(session: Session, controls: Controls, form: Form) -> Plan:
    """The Plan of the page's own controls and those on its left, for the network on the screen."""
    if session.result is None:
        raise InputError("An evaluation is of a network, and none is loaded yet: choose one under Classifier.")
    questions = _questions(session, controls, form)
    if form.kind == FILES:
        return Plan(questions, files=tuple(form.files or ()), boxes=tuple(form.boxes or ()), classes=form.classes)
    for number, words in ((form.scenes, "The number of scenes"), (form.seed, "The seed")):
        if number is None:
            raise InputError(f"{words} is empty; write a number.")
    if not MIN_SCENES <= form.scenes <= MAX_PICTURES:
        raise InputError(f"Here {MIN_SCENES} to {MAX_PICTURES} scenes are drawn; received {form.scenes}: choose fewer.")
    return Plan(questions, int(form.scenes), int(form.seed))


def _questions(session, controls, form):
    classifier = session.result.classifier
    settings, _ = question(session, controls, classifier, session.network, session.picture)
    if not form.layers:
        raise InputError("Maps are of layers, and none is chosen: choose one or more.")
    layers = [classifier.layer(name) for name in form.layers]
    rules = Rules(CORRECT in form.rules, ONE_BOX in form.rules, PAPER.box_under if SMALL_BOX in form.rules else None)
    own = {"layers": tuple(form.layers), "methods": _methods(controls, classifier, layers), "class_index": None}
    settings = {name: value for name, value in settings.items() if name != "layer"}
    return Questions(
        network=session.network,
        precision=backend.precision(),
        epsilon=controls.epsilon,
        curve_steps=CURVE_STEPS if form.curves else 0,
        rules=rules,
        **settings | own,
    )


def _methods(controls, classifier, layers):
    """The methods chosen that apply at every layer."""
    methods = tuple(
        key for key in METHODS if key in controls.methods and not any(objection(key, classifier, one) for one in layers)
    )
    if not methods:
        raise InputError("No method is chosen that applies at all of these layers; choose one under Methods.")
    return methods


def passes(result: Result, questions: Questions) -> int:
    """About how often the network runs for each picture. result: the one on the page; where steps are automatic, as
    many points as on its path are reckoned with; questions: Questions."""
    points = len(result.path.alphas) if questions.steps == "auto" else questions.steps + 1
    layers = [result.classifier.layer(name) for name in questions.layers]
    masked = [key for key in questions.methods if isinstance(METHODS[key], MaskMethod)]
    masks = sum(max_masks(key, result.classifier, layer) for key in masked for layer in layers)
    curves = 2 * (questions.curve_steps - 1) if questions.curve_steps else 0
    return points + masks + len(layers) * len(questions.methods) * (1 + curves)


def _check_files(files):
    if not files:
        raise InputError("Pictures of your own are files, and none is chosen yet: drop some here.")
    if len(files) > MAX_PICTURES:
        raise InputError(
            f"The page evaluates at most {MAX_PICTURES} pictures; received {len(files):,}: choose fewer, or use "
            "python -m explorer evaluate."
        )
    for file in map(Path, files):
        if file.suffix.lower() not in suffixes():
            raise InputError(f"Pictures are PNG, JPEG and the like, but {file.name!r} is not: leave it out.")
        if file.stat().st_size > MAX_BYTES:
            raise InputError(f"A picture has at most {MAX_BYTES // 10**6} MB, but {file.name!r} has more.")


def _gathered(files, folder):
    """The path of a new folder that holds these files, each under a name of its own."""
    folder.mkdir()
    for file in map(Path, files):
        name, number = file.name, 1
        while (folder / name).exists():
            number += 1
            name = f"{file.stem}-{number}{file.suffix}"
        shutil.copyfile(file, folder / name)
    return str(folder)


class Run:
    """One visitor's evaluation, that can be stopped and gone on with."""

    def __init__(self, plan: Plan):
        self.plan, self._place, self._one_at_a_time = plan, Place(), threading.Lock()
        self.source, self.folder = plan.source(self._place.path), self._place.path / "evaluation"

    @property
    def done(self) -> int:
        """How many pictures are."""
        return len(Journal(self.folder))

    def evaluate(self, progress: Progress | None, classifier: Classifier) -> Report:
        """Begin, or go on; the Report."""
        with self._one_at_a_time:  # one that was replaced ends with the picture it is at
            begun = (self.folder / SETTINGS).exists()
            evaluate(self.plan.questions, self.source, self.folder, begun, progress, classifier)
        return Report.read(self.folder, self._place)
