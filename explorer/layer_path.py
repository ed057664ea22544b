"""What one sweep of the network along the path yields."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from explorer.errors import InputError

Array = Any  # a NumPy array or a tensor of whichever backend Keras runs on


@dataclass(frozen=True, eq=False)
class LayerPath:
    """Values of one layer and of one score at T points of the path from baseline (α = 0) to picture (α = 1).

    A stretch of the path is a LayerPath too; consecutive stretches share their boundary point, so that
    integrals over them add up to the integral over the whole.
    """

    alphas: Array  # (T,)            increasing, in [0, 1]
    activations: Array  # (T, h, w, K)    A(α)
    gradients: Array  # (T, h, w, K)    ∂y/∂A at A(α)
    scores: Array  # (T,)            y(α)

    def __post_init__(self):
        points = len(self.alphas)
        if points < 2:
            raise InputError(f"A path has at least its two ends; received {points} point.")
        shape = tuple(self.activations.shape)
        if len(shape) != 4 or shape[0] != points:
            raise InputError(f"Activations along a path are (T, h, w, K) with T = {points}; received {shape}.")
        if tuple(self.gradients.shape) != shape:
            raise InputError(
                f"Gradients have the shape of the activations, {shape}; received {tuple(self.gradients.shape)}."
            )
        if tuple(self.scores.shape) != (points,):
            raise InputError(
                f"Scores along the path are ({points},), one a point; received {tuple(self.scores.shape)}."
            )

    def numpy(self):
        """The same path as NumPy arrays, off the device."""
        from keras import ops

        return LayerPath(*(np.asarray(ops.convert_to_numpy(v)) for v in self.values()))

    def values(self):
        return self.alphas, self.activations, self.gradients, self.scores
