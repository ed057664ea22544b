"""How a network can be made to show any logit heatmap one likes while its outputs stay what they are.

Lerma and Lucas, "Pre- or Post-Softmax Scores in Gradient-based Attribution Methods" (2023): a term t(x) added to every
logit cancels in the softmax, but not in the gradient of a logit. With t = Σ_k c_k Σ_ij A_k, Grad-CAM's weights of a
logit become w_k + c_k, so its map becomes ReLU(L + Σ_k c_k A_k), where L is the map in front of its ReLU.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from explorer.arrays import Array, Heatmap
from explorer.errors import InputError
from explorer.studies.at_image import changed

if TYPE_CHECKING:
    from explorer.network.classifier import Classifier
    from explorer.network.layers import Layer
    from explorer.studies.at_image import AtImage


MAX_SHIFT = 300.0  # of |t|: float32 then carries a probability to about five digits


@dataclass(frozen=True, eq=False)
class Altered:
    """A network with t added to every logit, beside the one it was made of."""

    weights: Array  # (K,) c_k
    shift: float  # t at the picture
    logit_map: Array  # (h, w) ≥ 0, Grad-CAM of the logit
    probability_map: Array  # (h, w) ≥ 0, Grad-CAM of the probability
    logits: Array  # (C,) of the altered network


def constant(maps: Array, strength: float) -> Array:
    """(K,): K/Z for every channel, what t = K Σ_k A_k at one of the Z places comes to once Grad-CAM has averaged.

    maps: (h, w, K). Here t is of all places alike, K times the mean: its gradient has the same average.
    """
    height, width, channels = maps.shape
    return np.full(channels, strength / (height * width), np.float32)


def painted(at: AtImage, heatmap: Heatmap) -> Array:
    """(K,): the smallest c_k, in the sense of least squares, that make the logit's map the one that is wanted.

    at: AtImage of the logit. wanted: (h, w), above zero where the map shall be bright, in any unit. Where it is zero
    the map is pushed below zero, which the ReLU cuts off. Raises InputError where nothing is wanted anywhere.
    """
    heatmap = np.asarray(heatmap, np.float64)
    if heatmap.shape != at.signed.shape or not (heatmap > 0).any():
        height, width = at.signed.shape
        raise InputError(
            f"The map wanted is {height}×{width} cells with some of them bright; received "
            f"{heatmap.shape} with {int((heatmap > 0).sum())} bright: paint some."
        )
    size = np.abs(at.signed).max() or 1.0
    target = np.where(heatmap > 0, heatmap / heatmap.max(), -0.25) * size
    maps = at.activations.astype(np.float64).reshape(-1, at.activations.shape[2])  # (Z, K)
    return np.linalg.lstsq(maps, (target - at.signed).ravel(), rcond=1e-4)[0].astype(np.float32)


def altered(
    classifier: Classifier, layer: Layer, picture: Array, at: AtImage, class_index: int, weights: Array
) -> Altered:
    """The Altered network, run: nothing in it is worked out by formula. at: AtImage; weights: (K,) c_k."""
    shift = float(at.activations.astype(np.float64).sum(axis=(0, 1)) @ weights)
    if not abs(shift) <= MAX_SHIFT:
        raise InputError(
            f"The term added to the logits is at most ±{MAX_SHIFT:g} here, since float32 rounds what is added to "
            f"large numbers; this one is {shift:.3g}: choose a smaller strength or paint less."
        )
    logit, probability = (
        changed(classifier, "shifted", layer, picture, at.activations, class_index, score, weights)
        for score in ("logit", "probability")
    )
    maps = [np.maximum(one.signed, 0) for one in (logit, probability)]
    return Altered(np.asarray(weights), shift, *maps, logit.logits)


def expected(at: AtImage, weights: Array) -> Array:
    """ReLU(L + Σ_k c_k A_k): what the logit's map has to become."""
    return np.maximum(at.signed + at.activations.astype(np.float64) @ np.asarray(weights, np.float64), 0)
