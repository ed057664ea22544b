"""Grad-CAM++ (Chattopadhay 2018), in the form that has no ε and does not collapse on tiny gradients."""

from __future__ import annotations

from typing import TYPE_CHECKING

from explorer.arrays import Array, Cam
from explorer.attribution import ops
from explorer.attribution.methods.base import PointMethod

if TYPE_CHECKING:
    from explorer.attribution.methods.variants import Options
    from explorer.attribution.path import Path


def cam(path: Path, options: Options) -> Cam:
    """w_k = Σ_ij α ReLU(g),  L = ReLU(Σ_k w_k A_k), both at the last point of the path  ->  (h, w)"""
    activations, gradients = (ops.convert_to_tensor(value[-1]) for value in (path.activations, path.gradients))
    weights = ops.sum(coefficients(activations, gradients) * ops.relu(gradients), axis=(0, 1))  # (K,)
    return ops.relu(ops.matmul(activations, weights))


def coefficients(activations: Array, gradients: Array) -> Array:
    """α = g² / (2 g² + g³ S_k) = 1 / (2 + g S_k) with S_k = Σ_ab A_k, where g > 0, else 0  ->  (h, w, K) in [0, ½]

    The paper's derivation takes A ≥ 0, as behind a ReLU. Where a map's sum is negative 2 + g S_k can be zero; S_k
    counts as zero there, so that α stays what it is, a share of at most ½.
    """
    positive = ops.relu(gradients)
    sums = ops.relu(ops.sum(activations, axis=(0, 1)))  # (K,)
    return ops.where(gradients > 0, 1 / (2 + positive * sums), ops.zeros_like(gradients))


GRAD_CAM_PLUS_PLUS = PointMethod(
    key="grad_cam_plus_plus",
    label="Grad-CAM++",
    hint="positive gradients at the picture, shared out",
    about="Channels weighted by their positive gradients at the picture, less where they add up to much.",
    cam=cam,
)
