"""Integrated Grad-CAM (Sattarzadeh 2021), equations (12), (13) and (23) of the paper."""

from __future__ import annotations

from typing import TYPE_CHECKING

from explorer.arrays import Array, Cam
from explorer.attribution import ops
from explorer.attribution.methods.base import PathMethod

if TYPE_CHECKING:
    from explorer.attribution.methods.variants import Options
    from explorer.attribution.path import Path


def integrand(path: Path, start: Array | None, options: Options) -> tuple[Array, Array]:
    """ReLU(Σ_k [Σ_ij ∂y/∂A_k] (A_k(α) − A_k(0))) (T, h, w), over α (T,)

    start: (h, w, K), the activations at α = 0. `endpoint=False` moves every value one point on, so that the sum over
    right ends takes the left one of each interval.
    """
    weights = ops.sum(path.gradients, axis=(1, 2))  # (T, K)
    activations = ops.convert_to_tensor(path.activations)  # (T, h, w, K)
    if options.subtract_baseline:
        activations = activations - ops.convert_to_tensor(start)
    maps = ops.relu(ops.einsum("thwk,tk->thw", activations, weights))
    if not options.endpoint:
        maps = ops.concatenate([maps[:1], maps[:-1]], axis=0)
    return maps, path.alphas


def rule(options: Options) -> str:
    """The published sum, (1/m) Σ_{ℓ=1..m}: the right end of each interval, whatever RSI-Grad-CAM's quadrature."""
    return "right"


def cam(integral: Array, ends: Path, options: Options) -> Cam:
    """The ReLU is inside the integral, so the integral is the map  ->  (..., h, w)"""
    return integral


INTEGRATED_GRAD_CAM = PathMethod(
    key="integrated_grad_cam",
    label="Integrated Grad-CAM",
    hint="Grad-CAM averaged along the path",
    about="The average of Grad-CAM maps along the path from the baseline to the picture.",
    integrand=integrand,
    cam=cam,
    rule=rule,
)
