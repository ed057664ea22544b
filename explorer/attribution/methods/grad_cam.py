"""Grad-CAM (Selvaraju 2017), equations (1)-(3) and (21) of the paper."""

from __future__ import annotations

from typing import TYPE_CHECKING

from explorer.arrays import Cam
from explorer.attribution import ops
from explorer.attribution.methods.base import PointMethod

if TYPE_CHECKING:
    from explorer.attribution.methods.variants import Options
    from explorer.attribution.path import Path


def cam(path: Path, options: Options) -> Cam:
    """w_k = mean_ij ∂y/∂A_k,  L = ReLU(Σ_k w_k A_k), both at the last point of the path  ->  (h, w)"""
    gradients = ops.convert_to_tensor(path.gradients[-1])  # (h, w, K)
    if options.gradients == "positive":
        gradients = ops.relu(gradients)  # (2)
    weights = ops.mean(gradients, axis=(0, 1))  # (K,)
    return ops.relu(ops.matmul(path.activations[-1], weights))


GRAD_CAM = PointMethod(
    key="grad_cam",
    label="Grad-CAM",
    hint="gradients at the picture alone",
    about="Channels weighted by their mean gradient at the picture itself.",
    cam=cam,
)
