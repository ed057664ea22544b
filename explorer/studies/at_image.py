"""A layer at the picture alone: what the pages about scores and weights ask of the network, one point of the path."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from explorer.arrays import Array
from explorer.engine.sweep import AT_IMAGE, Target, sweep
from explorer.errors import Progress
from explorer.network.backend import fetch

if TYPE_CHECKING:
    from explorer.network.classifier import Classifier
    from explorer.network.layers import Layer


@dataclass(frozen=True, eq=False)
class AtImage:
    """One layer, one class, one score, at α = 1."""

    activations: Array  # (h, w, K)
    gradients: Array  # (h, w, K)
    logits: Array  # (C,), of every class; probabilities where the logits cannot be had
    score: float

    @property
    def weights(self) -> Array:
        """(K,) float64: Grad-CAM's, mean_ij ∂y/∂A_k."""
        return self.gradients.astype(np.float64).mean(axis=(0, 1))

    @property
    def signed(self) -> Array:
        """(h, w) float64: Grad-CAM in front of its ReLU, Σ_k w_k A_k."""
        return self.activations.astype(np.float64) @ self.weights


def at_picture(
    classifier: Classifier,
    layers: Sequence[Layer],
    picture: Array,
    class_index: int,
    score: str,
    progress: Progress | None = None,
) -> list[AtImage]:
    """[AtImage], one a layer, from one pass. picture: uint8 (H, W, 3), as the network sees it."""
    (fed,) = classifier.preprocess(picture[None])
    target = Target(classifier, fed, fed, class_index, score)
    (samples,) = sweep(target, layers, AT_IMAGE, progress=progress)
    maps = zip(samples.activations, samples.gradients, strict=True)
    return [_first(samples.logits, samples.scores, *both) for both in maps]


def changed(
    classifier: Classifier,
    how: str,
    layer: Layer,
    picture: Array,
    activations: Array,
    class_index: int,
    score: str,
    argument: Array | float,
) -> AtImage:
    """The same of a network with another end: see `Classifier.changed`. activations: (h, w, K), at the picture."""
    (fed,) = classifier.preprocess(picture[None])
    run = classifier.changed(how, layer, score)
    argument = np.asarray(argument, np.float32)
    logits, _, y, maps, gradients = run(fed, fed, AT_IMAGE, class_index, activations[None], argument)
    return _first(fetch(logits), fetch(y), maps[0], gradients[0])


def _first(logits, scores, activations, gradients):
    return AtImage(fetch(activations)[0], fetch(gradients)[0], logits[0], float(scores[0]))
