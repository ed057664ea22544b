"""SISE and Ada-SISE (Sattarzadeh 2021): masks of several layers, weighed by the network's answers and fused."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import cv2
import numpy as np

from explorer.arrays import Array, Heatmap
from explorer.attribution.methods.base import MaskMethod
from explorer.attribution.methods.masks import Masks, stretched

LEVELS = 255  # of grey, in which Otsu's threshold is looked for


def masks(activations: Array, gradients: Array, size: tuple[int, int], *, adaptive: bool = False) -> Masks:
    """The maps of A (h, w, K) that speak for the class, as masks.

    α_k = mean_ij ∂y/∂A_k. SISE keeps a map where α_k > μ max α with μ = 0; Ada-SISE puts Otsu's threshold over the
    positive α_k / max α in the place of μ, and keeps all positive ones where it cannot tell two kinds among them.
    """
    alphas = np.asarray(gradients, np.float64).mean(axis=(0, 1))  # (K,)
    most = alphas.max(initial=0)
    selection = alphas > 0
    if adaptive and selection.any():
        mu = otsu(alphas[selection] / most)
        selection = alphas / most > mu if mu is not None else selection
    return Masks.of(activations, size, selection)


def layer_map(masks: Masks, scores: list[float], at_baseline: float) -> Heatmap:
    """V = minmax(Σ_k y(x ∘ M_k) M_k / Σ M_k)  ->  (H, W) in [0, 1]; None where there is no mask, or V prefers no place.

    Σ M_k is over the places of the one mask. The baseline is not looked at.
    """
    total = np.zeros(masks.size)
    for where, some in masks.in_turn():
        sums = some.sum(axis=(1, 2), dtype=np.float64)
        weights = np.divide(np.asarray(scores, np.float64)[where], sums, out=np.zeros(len(some)), where=sums > 0)
        total += np.tensordot(weights, some, 1)
    return stretched(total) if np.ptp(total) > 0 else None


@dataclass(frozen=True, eq=False)
class Step:
    """One layer's turn in the fusion."""

    layer_map: np.ndarray  # (H, W) V_b, in [0, 1]
    mask: np.ndarray | None  # (H, W) bool: where Otsu's threshold leaves it; None for the first layer, which all pass
    fused: np.ndarray  # (H, W) what there is of the map after this layer


def fusion(layer_maps: list[Array]) -> list[Step]:
    """E ← (E + V_b) · Otsu(V_b), from shallow to deep: a list of Steps. A layer map that is None is passed over."""
    steps = []
    for layer_map in layer_maps:
        if layer_map is None:
            continue
        if not steps:
            steps.append(Step(layer_map, None, layer_map))
            continue
        mask = layer_map > otsu(layer_map)
        steps.append(Step(layer_map, mask, (steps[-1].fused + layer_map) * mask))
    return steps


def fuse(layer_maps: list[Array], size: tuple[int, int]) -> Heatmap:
    """The last of the `fusion`; zeros (H, W) where no layer has a map."""
    steps = fusion(layer_maps)
    return steps[-1].fused if steps else np.zeros(size, np.float32)


def otsu(values: Array) -> float | None:
    """Otsu's threshold of values in [0, 1], among 256 levels; None where they all fall on one level."""
    levels = np.rint(np.asarray(values, np.float64).ravel() * LEVELS).astype(np.uint8)
    if np.ptp(levels) == 0:
        return None
    threshold, _ = cv2.threshold(levels, 0, LEVELS, cv2.THRESH_BINARY | cv2.THRESH_OTSU)
    return (threshold + 0.5) / LEVELS  # between two levels, so that rounding to them changes no side


SISE = MaskMethod(
    key="sise",
    label="SISE",
    hint="the picture seen through the maps of every block",
    about="Maps of every block with a positive mean gradient, weighted by the score of the picture seen through each "
    "of them, fused from shallow to deep.",
    masks=masks,
    layer_map=layer_map,
    fuse=fuse,
)
ADA_SISE = MaskMethod(
    key="ada_sise",
    label="Ada-SISE",
    hint="SISE with fewer maps, chosen by Otsu's threshold",
    about="SISE with the maps of each block whose mean gradients stand out from the rest.",
    masks=partial(masks, adaptive=True),
    layer_map=layer_map,
    fuse=fuse,
)
