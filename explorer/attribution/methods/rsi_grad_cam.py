"""RSI-Grad-CAM (Lucas, Lerma, Furst, Raicu 2022), equations (16)-(20), (24) and section 4.1 of the paper."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from explorer.arrays import Array, Cam
from explorer.attribution import ops
from explorer.attribution.methods.base import PathMethod

if TYPE_CHECKING:
    from explorer.attribution.methods.variants import Options
    from explorer.attribution.path import Path


def integrand(path: Path, start: Array | None, options: Options) -> tuple[Array, Array]:
    """∂y/∂A (T, h, w, K), over A (T, h, w, K): the integrated gradients of every unit, (18)

    Summed over all units the integral is y(1) − y(0) where the layer separates input from output (14); unit by unit
    it is the layer conductance of Shrikumar 2018.
    """
    return path.gradients, path.activations


def cam(integral: Array, ends: Path, options: Options) -> Cam:
    """w_k = mean_ij ∫ ∂y/∂A_k dA_k,  L = ReLU(Σ_k w_k A_k(1)), (19) and (24)

    integral: (h, w, K), or several (n, h, w, K)  ->  (h, w), or (n, h, w)
    """
    weights = ops.mean(chosen_units(integral, ends, options.units), axis=(-3, -2))  # (..., K)
    return ops.relu(ops.einsum("hwk,...k->...hw", ends.activations[-1], weights))


def chosen_units(integral: Array, ends: Path, units: str) -> Array:
    """The integrated gradients (..., h, w, K), the units left out set to zero: the mean stays over all of them."""
    if units == "all":
        return integral
    if units == "positive":
        return ops.relu(integral)  # (20)
    first, last = ops.convert_to_tensor(ends.activations[0]), ops.convert_to_tensor(ends.activations[-1])
    left_out = ops.logical_or(ops.logical_or(last <= 0, integral <= 0), last - first <= 0)
    return ops.where(left_out, ops.zeros_like(integral), integral)  # asked this way round, NaN stays to be noticed


def completeness_gap(integral: Array, scores: Array) -> float:
    """|Σ_ijk IG − (y(1) − y(0))| / |y(1) − y(0)|, equation (14); None where the score does not change at all."""
    change = float(scores[-1]) - float(scores[0])
    with np.errstate(invalid="ignore"):  # the verdicts say where a network overflowed
        total = float(ops.convert_to_numpy(integral).astype(np.float64).sum())
    return abs(total - change) / abs(change) if change else None


RSI_GRAD_CAM = PathMethod(
    key="rsi_grad_cam",
    label="RSI-Grad-CAM",
    hint="Riemann-Stieltjes integrated gradients",
    about="Channels weighted by their gradient integrated over the change of their own activations.",
    integrand=integrand,
    cam=cam,
)
