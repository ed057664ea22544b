"""Score-CAM (Wang 2020): channels weighted by what the network says of the picture seen through each of them."""

import numpy as np

from explorer.arrays import Array, Heatmap
from explorer.attribution.methods.base import MaskMethod
from explorer.attribution.methods.masks import Masks


def masks(activations: Array, gradients: Array, size: tuple[int, int]) -> Masks:
    """H_k = minmax(up(A_k)): one mask a channel of A (h, w, K). The gradients are not looked at."""
    return Masks.of(activations, size)


def layer_map(masks: Masks, scores: list[float], at_baseline: float) -> Heatmap:
    """ReLU(Σ_k softmax(CIC)_k A_k), CIC_k = y(x ∘ H_k) − y(x')  ->  (h, w)"""
    increase = np.asarray(scores, np.float64) - at_baseline
    weights = np.exp(increase - increase.max())
    return np.maximum(np.tensordot(weights / weights.sum(), masks.maps.astype(np.float64), 1), 0).astype(np.float32)


SCORE_CAM = MaskMethod(
    key="score_cam",
    label="Score-CAM",
    hint="no gradient: the picture seen through each channel",
    about="Channels weighted by the score of the picture seen through each of them.",
    masks=masks,
    layer_map=layer_map,
)
