"""What one sweep of the network along the path yields: values at points, and a layer's view of them."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from explorer.attribution import ops
from explorer.errors import InputError

Array = Any  # a NumPy array or a tensor of whichever backend Keras runs on


@dataclass(frozen=True, eq=False)
class LayerPath:
    """Values of one layer and of one score at T points of the path from baseline (α = 0) to picture (α = 1).

    A stretch of the path is a LayerPath too; consecutive stretches share their boundary point, so that
    integrals over them add up to the integral over the whole.

    shares: see `explorer.attribution.quadrature.product_shares`; None where the points are evenly spaced and the sums
    the published ones.
    """

    alphas: Array  # (T,)            increasing, in [0, 1]
    activations: Array  # (T, h, w, K)    A(α)
    gradients: Array  # (T, h, w, K)    ∂y/∂A at A(α)
    scores: Array  # (T,)            y(α)
    shares: Array | None = None  # (T − 1, 2)      how the sums are weighted, where the points were placed to suit

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
        return LayerPath(*(np.asarray(ops.convert_to_numpy(v)) for v in self.values()), self.shares)

    def rule(self, published):
        """How a method sums along this path: the rule it was published with, unless the path brings its own shares."""
        return published if self.shares is None else self.shares

    def values(self):
        return self.alphas, self.activations, self.gradients, self.scores


@dataclass(frozen=True, eq=False)
class Samples:
    """The network at some points of the path, in any order, at one layer or at several at once."""

    alphas: Array  # (n,) NumPy, as are the next three
    values: Array  # (n, C)   what scores are computed of
    inner: Array  # (n,)      u(α), of which the score is a function; see explorer.attribution.scores
    scores: Array  # (n,)     y(α)
    activations: tuple[Array, ...]  # (n, h, w, K) a layer, on the device
    gradients: tuple[Array, ...]  # (n, h, w, K) a layer

    def at(self, places):
        """Those of the points, in that order. places: (k,) indices."""
        places = np.asarray(places)
        first = [value[places] for value in (self.alphas, self.values, self.inner, self.scores)]
        kept = [tuple(_rows(value, places) for value in several) for several in (self.activations, self.gradients)]
        return Samples(*first, *kept)

    def path(self, index, shares=None):
        """What the points, which must be in order, are to the layer at that index."""
        return LayerPath(self.alphas, self.activations[index], self.gradients[index], self.scores, shares)


def joined(samples):
    """Several Samples as one, in the order of the path."""
    first = [
        np.concatenate([getattr(one, name) for one in samples]) for name in ("alphas", "values", "inner", "scores")
    ]
    maps = [
        tuple(map(_one_after_the_other, zip(*several, strict=True)))
        for several in ([one.activations for one in samples], [one.gradients for one in samples])
    ]
    return Samples(*first, *maps).at(np.argsort(first[0], kind="stable"))


def _one_after_the_other(values):
    return values[0] if len(values) == 1 else ops.concatenate(values, axis=0)


def _rows(value, places):
    """value[places]; consecutive ones, the usual case, are not copied."""
    if len(places) == len(value) and np.array_equal(places, np.arange(len(places))):
        return value
    if len(places) and np.array_equal(places, np.arange(places[0], places[0] + len(places))):
        return value[int(places[0]) : int(places[0]) + len(places)]
    return ops.take(value, places, axis=0)
