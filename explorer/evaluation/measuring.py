"""One picture of the set: its class, whether it counts, and the measures of every layer and method."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from explorer.attribution import metrics
from explorer.attribution.quadrature import stieltjes
from explorer.engine.baselines import make_baseline
from explorer.engine.images import fit
from explorer.engine.run import answer
from explorer.errors import InputError, Progress
from explorer.evaluation.boxes import fitted
from explorer.evaluation.pictures import class_of, load
from explorer.evaluation.schema import OVERLAPS, SCHEMA, THRESHOLDS, overlap
from explorer.network.output_head import probability_of

if TYPE_CHECKING:
    from explorer.evaluation.boxes import Marked
    from explorer.evaluation.pictures import Item
    from explorer.evaluation.questions import Questions, Rules
    from explorer.network.classifier import Classifier


log = logging.getLogger("explorer")

BLURRED = "blurred"  # where insertion begins: the explorer's blurred baseline


@dataclass
class Outcome:
    """What became of one picture. status: "evaluated", "dropped" (by the rule that `reason` names) or "failed"
    (`reason` is the sentence). rows: of the table, each {column: value}, in the order of layers and methods."""

    index: int
    image: str
    status: str
    reason: str = ""
    rows: list[dict] = field(default_factory=list)


@dataclass(frozen=True, eq=False)
class View:
    """A picture as the network sees it, with what is known of it.

    predicted, chosen: class indices; labelled: whether the chosen one is the picture's own, not the prediction.
    boxes: whole pixels, of the chosen class where they tell classes; None where the set has none. count: of all boxes.
    before: (p, 1 − p) of the chosen class.
    """

    image: np.ndarray  # uint8 (H, W, 3)
    predicted: int
    class_index: int
    labelled: bool
    right: bool
    boxes: list | None
    count: int | None
    before: tuple[float, float]

    @property
    def box_share(self) -> float | None:
        return None if self.boxes is None else float(metrics.inside(self.boxes, *self.image.shape[:2]).mean())


def measure(
    classifier: Classifier, item: Item, questions: Questions, read: Callable = load, progress: Progress | None = None
) -> Outcome:
    """The Outcome of one Item; whatever is wrong with it becomes part of the Outcome.

    questions: as `Questions.checked` returns them. read: called with the Item, gives what
    `explorer.evaluation.pictures.load` does or raises what it does: for pictures that are read ahead.
    """
    try:
        view = _see(classifier, read(item))
        reason = dropped_by(questions.rules, view)
        if reason:
            return Outcome(item.index, item.name, "dropped", reason)
        return Outcome(item.index, item.name, "evaluated", rows=_rows(classifier, item, view, questions, progress))
    except InputError as mistake:
        return Outcome(item.index, item.name, "failed", str(mistake))
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as fault:
        log.exception("%s could not be evaluated", item.name)  # one odd picture is no reason to lose the others
        return Outcome(item.index, item.name, "failed", f"A fault of the explorer's, see its log: {fault!r}"[:300])


def dropped_by(rules: Rules, view: View) -> str | None:
    """Which rule drops a picture, in the words of the counts; None where it stays."""
    if rules.correct and not view.right:
        return "most probable class is not the picture's"
    if rules.one_box and view.count != 1:
        return "not exactly one box"
    if rules.box_under is not None and view.box_share is not None and view.box_share >= rules.box_under:
        return f"boxes cover {rules.box_under:.0%} of the picture or more"
    return None


def _see(classifier, sample):
    height, width = classifier.input_size
    image = fit(sample.image, height, width)
    values = classifier.values(image[None])[0]
    predicted, own = int(values.argmax()), _classes(classifier, sample.classes)
    class_index = predicted if predicted in own or not own else own[0]
    boxes, count = None, None
    if sample.marked is not None:
        count = len(sample.marked.boxes)
        boxes = fitted(of_class(classifier, sample.marked, class_index), *sample.image.shape[1::-1], width, height)
    before = probability_of(values, class_index, classifier.kind)
    return View(image, predicted, class_index, bool(own), predicted in own, boxes, count, before)


def _classes(classifier, called):
    """Class indices, without what names no class of this network; InputError where that is all there is."""
    indices = [class_of(classifier, name) for name in called]
    if called and all(one is None for one in indices):
        raise InputError(
            f"A picture's class is one of the {len(classifier.class_names):,} that {classifier.name} knows, by name or "
            f"index; received {', '.join(map(repr, called))[:80]}."
        )
    return [one for one in indices if one is not None]


def of_class(classifier: Classifier, marked: Marked, class_index: int) -> Marked:
    """The boxes of the class that is explained, and those that say no class the network has."""
    of = [label and class_of(classifier, label) for label in marked.labels]
    places = [i for i, one in enumerate(of) if one in (None, "", class_index)]
    return marked._replace(
        boxes=tuple(marked.boxes[i] for i in places), labels=tuple(marked.labels[i] for i in places)
    )  # fmt: skip


def _rows(classifier, item, view, questions, progress):
    question = questions.about(classifier, view.image, view.class_index)
    by_layer = answer(question, progress=progress)
    changed = _Changed(classifier, view, questions.curve_steps)
    about = {
        "index": item.index, "image": item.name, "class_index": view.class_index,
        "class_name": classifier.class_names[view.class_index], "predicted_index": view.predicted,
        "labelled": view.labelled, "p": view.before[0], "complement": view.before[1],
        "boxes": None if view.boxes is None else len(view.boxes), "box_share": view.box_share,
    }  # fmt: skip
    return [
        _plain(about | {"layer": layer, "depth": depth} | _of_map(result, one, view, changed))
        for depth, (layer, result) in enumerate(by_layer.items())
        for one in result
    ]


def _of_map(result, one, view, changed):
    """Every column that depends on the map."""
    raw, heatmap = np.asarray(one.raw, np.float64), one.heatmap
    low, high = float(raw.min()), float(raw.max())
    row = {
        "method": one.method, "verdict": str(one.verdict), "raw_minimum": low, "raw_mean": float(raw.mean()),
        "raw_maximum": high, "spread": high - low, "heatmap_mean": float(np.mean(heatmap, dtype=np.float64)),
        "dark": high - low < result.epsilon, "blank": not raw.any(),
        "completeness_gap": result.completeness_gap, "points": len(result.path.alphas),
    }  # fmt: skip
    return row | changed.of(raw, heatmap) | (_beside_boxes(heatmap, view.boxes) if view.boxes else {})


def _beside_boxes(heatmap, boxes):
    overlaps = zip(OVERLAPS, metrics.overlaps(heatmap, boxes, THRESHOLDS), strict=True)
    return {
        "energy": metrics.pixel_energy(heatmap, boxes),
        "pointing": metrics.pointing_game(heatmap, boxes),
        **{overlap(name, t): value for name, values in overlaps for t, value in zip(THRESHOLDS, values, strict=True)},
    }


class _Changed:
    """What the network says of the picture changed by a map: the explanation map, insertion and deletion."""

    def __init__(self, classifier, view, steps):
        self.classifier, self.view, self.steps = classifier, view, steps
        if steps:
            self.black, self.blurred = (make_baseline(word, view.image) for word in ("black", BLURRED))
            self.ends = [p for p, _ in self._say([self.black, self.blurred])]

    def of(self, raw, heatmap):
        if not np.isfinite(raw).all():
            return {}
        image, before = self.view.image, self.view.before
        pictures = [heatmap[..., None] * image, *self._exchanged(raw)]
        after, *along = self._say(pictures)
        row = {
            "masked_p": after[0], "drop": metrics.drop(before, after), "increase": metrics.increases(before, after)
        }  # fmt: skip
        return row | self._areas([p for p, _ in along])

    def _exchanged(self, raw):
        if not self.steps:
            return []
        ranked = metrics.ranks(raw)
        return [
            *metrics.exchanged(self.blurred, self.view.image, ranked, self.steps),
            *metrics.exchanged(self.view.image, self.black, ranked, self.steps),
        ]

    def _areas(self, along):
        if not self.steps:
            return {}
        inner, (black, blurred), p = self.steps - 1, self.ends, self.view.before[0]
        curves = {"insertion": [blurred, *along[:inner], p], "deletion": [p, *along[inner:], black]}
        parts = np.linspace(0, 1, self.steps + 1)
        return {name: float(stieltjes(np.array(curve), parts)) for name, curve in curves.items()}

    def _say(self, pictures):
        """[(p, 1 − p)] of the class."""
        values = self.classifier.values(np.stack(pictures).astype(np.float32))
        return [probability_of(one, self.view.class_index, self.classifier.kind) for one in values]


def _plain(row):
    """Plain numbers for every column, None where there is none."""

    def plain(value):
        value = value.item() if isinstance(value, np.generic) else value
        return None if isinstance(value, float) and not np.isfinite(value) else value

    return {name: plain(row.get(name)) for name in SCHEMA.names}
