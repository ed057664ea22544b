"""A layer at the picture alone: what the pages about scores and weights ask of the network, one point of the path."""

from dataclasses import dataclass

import numpy as np

from explorer.attribution.path import Array
from explorer.engine.sweep import AT_PICTURE, sweep
from explorer.network.backend import fetch


@dataclass(frozen=True, eq=False)
class AtPicture:
    """One layer, one class, one score, at α = 1."""

    activations: Array  # (h, w, K)
    gradients: Array  # (h, w, K)
    values: Array  # (C,), of every class, what scores are computed of
    score: float

    @property
    def weights(self):
        """(K,) float64: Grad-CAM's, mean_ij ∂y/∂A_k."""
        return self.gradients.astype(np.float64).mean(axis=(0, 1))

    @property
    def signed(self):
        """(h, w) float64: Grad-CAM in front of its ReLU, Σ_k w_k A_k."""
        return self.activations.astype(np.float64) @ self.weights


def at_picture(classifier, layers, picture, class_index, score, progress=None):
    """[AtPicture], one a layer, from one pass. picture: uint8 (H, W, 3), as the network sees it."""
    (fed,) = classifier.preprocess(picture[None])
    (samples,) = sweep(classifier, layers, fed, fed, class_index, score, AT_PICTURE, progress=progress)
    maps = zip(samples.activations, samples.gradients, strict=True)
    return [_first(samples.values, samples.scores, *both) for both in maps]


def changed(classifier, how, layer, picture, activations, class_index, score, argument):
    """The same of a network with another end: see `Classifier.changed`. activations: (h, w, K), at the picture."""
    (fed,) = classifier.preprocess(picture[None])
    run = classifier.changed(how, layer, score)
    argument = np.asarray(argument, np.float32)
    values, _, y, maps, slopes = run(fed, fed, AT_PICTURE, class_index, activations[None], argument)
    return _first(fetch(values), fetch(y), maps[0], slopes[0])


def _first(values, scores, activations, gradients):
    return AtPicture(fetch(activations)[0], fetch(gradients)[0], values[0], float(scores[0]))
