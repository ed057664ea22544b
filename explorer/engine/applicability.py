"""Where a method does not apply, and why."""

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import numpy as np

from explorer.attribution.methods import METHODS, Curve
from explorer.engine.sweep import ENDS, Target, sweep
from explorer.errors import InputError
from explorer.network.backend import fetch

if TYPE_CHECKING:
    from explorer.attribution.path import Path
    from explorer.network.classifier import Classifier
    from explorer.network.layers import Layer


_reasons = WeakKeyDictionary()  # classifier -> {(method, layer): the reason, or None}


def objection(key: str, classifier: Classifier, layer: Layer) -> str | None:
    """Why a method cannot be had at a layer, in one sentence; None where it can."""
    reasons = _reasons.setdefault(classifier, {})
    if (key, layer.name) not in reasons:
        reasons[key, layer.name] = _objection(METHODS[key], classifier, layer)
    return reasons[key, layer.name]


def objections(classifier: Classifier, layer: Layer, path: Path | None = None) -> dict[str, Any]:
    """{method: the reason} of all that do not apply there.

    path: a Path at the layer, of whatever score. Where its gradient at the picture settles the matter the network
    is not asked: one that differs from place to place is of no mean over all places.
    """
    reasons = _reasons.setdefault(classifier, {})
    if path is not None and path.held:
        at_picture = SimpleNamespace(gradients=fetch(path.gradients[-1])[None])
        for key, method in METHODS.items():
            reason = method.objection and method.objection(at_picture)
            if reason:
                reasons.setdefault((key, layer.name), reason)
    all_reasons = {key: objection(key, classifier, layer) for key in METHODS}
    return {key: reason for key, reason in all_reasons.items() if reason}


def require(methods: tuple[str, ...], classifier: Classifier, layers: Sequence[Layer]) -> None:
    """Raises InputError for the first that does not apply."""
    for layer in layers:
        for key in methods:
            reason = objection(key, classifier, layer)
            if reason:
                raise InputError(f"{METHODS[key].label} does not apply at {layer.name} of {classifier.name}: {reason}")


def _objection(method, classifier, layer):
    if method.curve is Curve.INPUT and classifier.input.whole:
        return f"{classifier.name} rounds its pixels to whole numbers, and through rounding no gradient passes."
    if method.objection is None:
        return None
    if classifier.logits_reason:
        return classifier.logits_reason
    reasons = (method.objection(path) for path in _two_pictures(classifier, layer))
    return next(filter(None, reasons), None)


def _two_pictures(classifier, layer):
    """The layer and the gradient of the logit on two pictures of noise, for the first class and the last."""
    noise = np.random.default_rng(0).integers(0, 256, (2, *classifier.input_size, 3), dtype=np.uint8)
    noise[0] //= 8
    start, end = classifier.preprocess(noise)
    for class_index in {0, len(classifier.class_names) - 1}:
        for samples in sweep(Target(classifier, start, end, class_index, "logit"), [layer], ENDS):
            yield samples.path(0)
