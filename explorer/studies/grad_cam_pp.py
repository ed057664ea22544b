"""Grad-CAM++ beside Grad-CAM with positive gradients: how far they are the same.

Lerma and Lucas, "Grad-CAM++ is Equivalent to Grad-CAM With Positive Gradients" (2022): with α = 1 / (2 + g S_k) the
weights Σ_ij α ReLU(g) are those of positive gradients, up to a factor, wherever g S_k is small beside 2.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from explorer.arrays import Array
from explorer.attribution.methods import METHODS, Options
from explorer.attribution.methods.grad_cam_plus_plus import coefficients
from explorer.attribution.metrics import cosine
from explorer.attribution.path import Path
from explorer.network.backend import fetch

if TYPE_CHECKING:
    from explorer.studies.at_image import AtImage


@dataclass(frozen=True, eq=False)
class Pair:
    """Both at one layer, for one score."""

    plus_plus: Array  # (h, w) the map of Grad-CAM++
    positive: Array  # (h, w) that of Grad-CAM with positive gradients
    coefficients: Array  # (n,) α of every unit whose gradient is positive, in (0, ½]
    cosine: float  # of the two layers of weights (K,); NaN where one of them is zero


def pair(at: AtImage) -> Pair:
    """at: `explorer.studies.at_image.AtImage`."""
    path = Path(np.array([0, 1]), *(np.stack([v, v]) for v in (at.activations, at.gradients)))
    alphas = fetch(coefficients(at.activations, at.gradients)).astype(np.float64)
    positive = np.maximum(at.gradients.astype(np.float64), 0)
    return Pair(
        fetch(METHODS["grad_cam_plus_plus"](path)),
        fetch(METHODS["grad_cam"](path, Options(gradients="positive"))),
        alphas[at.gradients > 0],
        cosine((alphas * positive).sum(axis=(0, 1)), positive.mean(axis=(0, 1))),
    )
