"""The path from the baseline to the image, as the network sees it: values at points, of one layer or of several."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace

import numpy as np

from explorer.arrays import Array
from explorer.attribution import ops
from explorer.errors import InputError


@dataclass(frozen=True, eq=False)
class Path:
    """One layer and one score at T points between the baseline (α = 0) and the image (α = 1).

    A part of the path is a Path too; consecutive parts share their boundary point, so that integrals over them add up
    to the integral over the whole. Activations and gradients stay on the device where the network left them, and are
    None where the path takes too much memory to be held.

    weights: of the quadrature, at the two ends of every interval, where the points were placed adaptively; see
    `explorer.attribution.quadrature.product_weights`. None: evenly spaced points and the published sums.
    """

    alphas: Array  # (T,) increasing, in [0, 1]
    activations: Array | None = field(repr=False)  # (T, h, w, K) A(α)
    gradients: Array | None = field(repr=False)  # (T, h, w, K) ∂y/∂A at A(α)
    scores: Array | None = None  # (T,) y(α)
    weights: Array | None = None  # (T − 1, 2)
    inner: Array | None = None  # (T,) u(α), of which the score is a function; see `explorer.attribution.scores`
    logits: Array | None = field(default=None, repr=False)  # (T, C); probabilities where the logits cannot be had

    def __post_init__(self):
        points = self.alphas.shape[0]
        if not self.held or None in (points, self.activations.shape[0]):  # unknown inside a function of TensorFlow's
            return
        if points < 2:
            raise InputError(f"A path has at least its two ends; received {points} point.")
        shape = tuple(self.activations.shape)
        if len(shape) != 4 or shape[0] != points:
            raise InputError(f"Activations along a path are (T, h, w, K) with T = {points}; received {shape}.")
        if tuple(self.gradients.shape) != shape:
            raise InputError(
                f"Gradients have the shape of the activations, {shape}; received {tuple(self.gradients.shape)}."
            )
        if self.scores is not None and tuple(self.scores.shape) != (points,):
            raise InputError(
                f"Scores along the path are ({points},), one a point; received {tuple(self.scores.shape)}."
            )

    @property
    def held(self) -> bool:
        """Whether activations and gradients are there."""
        return self.activations is not None

    @property
    def ends(self) -> Path:
        """The Path of its two ends alone."""
        return self.part(slice(None, None, max(len(self.alphas) - 1, 1)))

    @property
    def bytes(self) -> int:
        """The memory that it takes, activations and gradients first of all."""
        arrays = (self.alphas, self.activations, self.gradients, self.scores, self.inner, self.logits)
        return sum(4 * math.prod(one.shape) for one in arrays if one is not None)

    def part(self, points: slice) -> Path:
        """The Path of some of its points. points: a slice; consecutive points keep the weights of their intervals."""
        first, stop, step = points.indices(len(self.alphas))
        weights = self.weights[first : stop - 1] if self.weights is not None and step == 1 else None
        arrays = (self.alphas, self.activations, self.gradients, self.scores, self.inner, self.logits)
        alphas, activations, gradients, scores, inner, logits = (one if one is None else one[points] for one in arrays)
        return Path(alphas, activations, gradients, scores, weights, inner, logits)

    def numpy(self) -> Path:
        """The same off the device, as NumPy arrays."""
        activations, gradients = (np.asarray(ops.convert_to_numpy(one)) for one in (self.activations, self.gradients))
        return replace(self, activations=activations, gradients=gradients)

    def released(self) -> Path:
        """The same without activations and gradients."""
        return replace(self, activations=None, gradients=None)

    def rule(self, published: str) -> str:
        """How a method is summed along this path: by the rule of its publication, or by the path's own weights."""
        return published if self.weights is None else self.weights


@dataclass(frozen=True, eq=False)
class Samples:
    """The network at n points of the path, in any order, at several layers of one batch."""

    alphas: Array  # (n,) NumPy, as are the next three
    logits: Array  # (n, C)
    inner: Array  # (n,) u(α)
    scores: Array  # (n,) y(α)
    activations: tuple[Array, ...]  # of each layer (n, h, w, K), on the device
    gradients: tuple[Array, ...]  # of each layer (n, h, w, K), on the device

    def __len__(self):
        return len(self.alphas)

    def at(self, points: Array) -> Samples:
        """Those of the points, in that order. points: (k,) indices."""
        points = np.asarray(points)
        values = [one[points] for one in (self.alphas, self.logits, self.inner, self.scores)]
        maps = [tuple(_rows(one, points) for one in layers) for layers in (self.activations, self.gradients)]
        return Samples(*values, *maps)

    def path(self, index: int, weights: Array | None = None) -> Path:
        """The Path of the layer at that index; the points must be in order."""
        return Path(
            self.alphas, self.activations[index], self.gradients[index], self.scores, weights, self.inner, self.logits
        )


def _rows(values, points):
    """values[points]; consecutive ones, the usual case, are not copied."""
    first = int(points[0]) if len(points) else 0
    if not np.array_equal(points, np.arange(first, first + len(points))):
        return ops.take(values, points, axis=0)
    return values if len(points) == len(values) else values[first : first + len(points)]
