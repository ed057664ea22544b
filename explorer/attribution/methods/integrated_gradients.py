"""Attributions of units: what each value of a layer, or each pixel, contributes; shown as the sum over channels.

Integrated Gradients (Sundararajan 2017), equations (6), (7) of the paper, of the image; layer integrated gradients,
(8)-(10) and (22), along a straight line between the layer's activations at the two ends of the path.

Both are the one integral ∫ ∂y/∂A dA, as is layer conductance, and differ in what A is and which way it takes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from explorer.arrays import Array, Cam
from explorer.attribution import ops
from explorer.attribution.methods.base import Curve, PathMethod
from explorer.attribution.methods.rsi_grad_cam import integrand

if TYPE_CHECKING:
    from explorer.attribution.methods.variants import Options
    from explorer.attribution.path import Path


def cam(integral: Array, ends: Path, options: Options) -> Cam:
    """ReLU(Σ_k of the integral), (..., h, w, K)  ->  (..., h, w): what supports the class at a place, in total."""
    return ops.relu(ops.sum(integral, axis=-1))


INTEGRATED_GRADIENTS = PathMethod(
    key="integrated_gradients",
    label="Integrated Gradients",
    hint="pixels, along the path",
    about="Each pixel's gradient integrated over its own change along the path.",
    integrand=integrand,
    cam=cam,
    curve=Curve.INPUT,
)
LAYER_INTEGRATED_GRADIENTS = PathMethod(
    key="layer_integrated_gradients",
    label="Layer IG",
    hint="units, along a straight line between the layer's ends",
    about="Each unit's gradient integrated along a straight line from its value at the baseline to that at the "
    "picture.",
    integrand=integrand,
    cam=cam,
    curve=Curve.STRAIGHT_LINE,
)
