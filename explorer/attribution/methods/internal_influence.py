"""Internal influence (Leino 2018): the mean gradient of every unit along the path."""

from __future__ import annotations

from typing import TYPE_CHECKING

from explorer.arrays import Array
from explorer.attribution.methods.base import PathMethod
from explorer.attribution.methods.integrated_gradients import cam

if TYPE_CHECKING:
    from explorer.attribution.methods.variants import Options
    from explorer.attribution.path import Path


def integrand(path: Path, start: Array | None, options: Options) -> tuple[Array, Array]:
    """∂y/∂A (T, h, w, K), over α (T,): the mean gradient along the path, (1/m) Σ_ℓ ∂y/∂A(α_ℓ)"""
    return path.gradients, path.alphas


INTERNAL_INFLUENCE = PathMethod(
    key="internal_influence",
    label="Internal influence",
    hint="units, mean gradient along the path",
    about="Each unit's mean gradient along the path, whatever its own values.",
    integrand=integrand,
    cam=cam,
)
