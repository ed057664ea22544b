"""CAM (Zhou 2016): the weights of the final Dense layer on the maps that its input is the mean of."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from explorer.arrays import Cam
from explorer.attribution import ops
from explorer.attribution.methods.base import PointMethod

if TYPE_CHECKING:
    from explorer.attribution.methods.variants import Options
    from explorer.attribution.path import Path


UNEVEN = 1e-3  # of the largest weight: rounding is a thousandth of that, a network of another form far more


def cam(path: Path, options: Options) -> Cam:
    """L = ReLU(Σ_k W_kc A_k), A at the last point of the path  ->  (h, w)

    Where the logit is z_c = Σ_k W_kc mean_ij A_k + b_c, its gradient is W_kc / Z at every place: so W_kc is read from
    ∂z_c/∂A, `path.gradients`, whatever layer of the network holds it. As published there is no ReLU; it is applied
    here for a map of what speaks for the class, like the others.
    """
    gradients = ops.convert_to_tensor(path.gradients[-1])  # (h, w, K)
    return ops.relu(ops.matmul(path.activations[-1], ops.sum(gradients, axis=(0, 1))))


def objection(path: Path) -> str | None:
    """Why the logit is not the weighted mean of these maps, in one sentence; None where it is."""
    gradients = np.asarray(ops.convert_to_numpy(path.gradients), np.float64)  # (2, h, w, K)
    uneven = np.abs(gradients - gradients[-1].mean(axis=(0, 1))).max()
    if uneven <= UNEVEN * np.abs(gradients).max():
        return None
    return (
        "CAM needs a layer whose maps, averaged over all places, go straight into the last Dense layer; between this "
        "layer and the logit there is more than that."
    )


CAM = PointMethod(
    key="cam",
    label="CAM",
    hint="the final Dense layer's weights",
    about="Channels weighted as the network's final Dense layer weighs their means.",
    cam=cam,
    score="logit",
    objection=objection,
)
