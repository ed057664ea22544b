"""Adaptive integration: points are placed on the path where the maps still change, until an estimated error is reached.

The error estimate of an interval is how much the maps change when its integrand is taken as constant, at its one end
or at its other. Intervals with the largest estimates are bisected, several a round, and no evaluation is lost. The
error of the whole is estimated by leaving out every other point: the map of half the points differs from the map of
all by more, as a rule, than the map of all from its limit. Refinement stops when that is at most the tolerance.

What the points say of one method's map and of completeness is compiled, for layers and paths of any size: on small
networks starting a few hundred operations one by one takes longer than the network does.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Sequence
from functools import cache, cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from explorer.arrays import Array
from explorer.attribution import ops
from explorer.attribution.methods import METHODS
from explorer.attribution.path import Path
from explorer.attribution.quadrature import product_weights, stieltjes
from explorer.engine import integrate
from explorer.engine.integrate import integrations, point_bytes
from explorer.engine.sweep import joined, padded
from explorer.network import backend
from explorer.network.backend import fetch

if TYPE_CHECKING:
    from explorer.attribution.methods.variants import Options
    from explorer.attribution.path import Samples
    from explorer.engine.integrate import Integration, LayerTask
    from explorer.engine.network_paths import ImagePath, StraightLine
    from explorer.network.layers import Layer


FIRST = np.linspace(0, 1, 5, dtype=np.float32)
ROUNDS = (5, 10, 16, 24, 32, 48, 64, 96, 128)  # points in all after each round
FILLED = (32, 128)  # lengths to which a path is filled up where every length would be compiled anew
SHORTEST = 2.0**-20  # intervals are not bisected below this
HALVED = 0.35  # what is left of an interval's error estimate in either half: rough integrands give 2^-1.5
MAX_VALUES = 1 << 24  # that the units of several intervals may take together
ENDS = np.array([0, 1], np.float32)  # α at the two ends of a path
VECTOR, PAIRS, MAPS = (None,), (None, 2), (None,) * 4  # shapes of arguments


def adaptive(
    source: ImagePath | StraightLine,
    tasks: list[LayerTask],
    options: Options,
    slope: Callable,
    tolerance: float,
    preview: Callable[[Any], object] | None = None,
) -> list[Integration]:
    """[Integration], one a task, of points placed until the estimated error is at most the tolerance.

    slope: of the score, see `explorer.attribution.quadrature.product_weights`. preview: called with the Integrations
    after each round but the last.
    """
    parts, new, count, most = [], FIRST, 0, max_points([task.layer for task in tasks])
    while True:
        parts += source.samples(new, before=count)
        count += len(new)
        parts = [joined(parts, _length(count))]
        refinement = Refinement(*parts, tasks, options, slope)
        aim = min(most, next((total for total in ROUNDS if total > count), count))
        new = refinement.next_points(aim - count) if refinement.error > tolerance else ()
        if len(new) == 0:
            return refinement.integrations()
        if preview:
            preview(refinement.integrations())


def max_points(layers: Sequence[Layer]) -> int:
    """How many points an adaptive path may take at most: as many as can be held."""
    in_memory = integrate.HELD_PATH // sum(point_bytes(layer) for layer in layers)
    return int(np.clip(in_memory, ROUNDS[2] + 1, ROUNDS[-1]))


def _length(count):
    """To how many points a path of `count` is filled up, its last one repeated, where every length would be compiled
    anew. Intervals of no length add nothing, and none of them is refined."""
    if not backend.compiles_each_shape():
        return count
    return next((length for length in FILLED if length >= count), count)


class Refinement:
    """What the points there are so far say of the maps, and where further ones are needed.

    samples: in the order of the path, the last perhaps repeated. Refinement is for the methods that a task shows, and
    for completeness where it is told of its layer.
    """

    def __init__(self, samples: Samples, tasks: list[LayerTask], options: Options, slope: Callable):
        self.samples, self.tasks, self.options, self.slope = samples, tasks, options, slope
        self.alphas = samples.alphas
        self.count = len(np.unique(self.alphas))
        self.weights, self.constant_weights = product_weights(samples.inner, slope)
        self.paths = [samples.path(index, self.weights) for index in range(len(tasks))]

    @cached_property
    def error(self) -> float:
        """The estimated error of the worst map: the relative L2 distance of maps of unit norm, and where a layer
        separates input from output the completeness gap. Infinite while there are too few points to leave some out."""
        if self.count < 2 * len(FIRST):
            return float("inf")
        distances = [_apart(cams) for _, cams in self._sums.values()]
        gaps = [np.abs(missing.sum()) for missing in self._missing]
        return float(np.max([0.0, *distances, *gaps]))

    def next_points(self, count: int) -> Array:
        """(k,) float32, k ≤ count: the α to ask for next; fewer where intervals get too short to bisect."""
        intervals = zip(self.interval_errors, self.alphas[:-1], self.alphas[1:], strict=True)
        heap = [(-float(error), float(a), float(b)) for error, a, b in intervals]
        heapq.heapify(heap)
        new = []
        while heap and len(new) < count:
            error, a, b = heapq.heappop(heap)
            if b - a < 2 * SHORTEST:
                continue
            middle = (a + b) / 2
            new.append(middle)
            for half in ((a, middle), (middle, b)):
                heapq.heappush(heap, (error * HALVED, *half))
        return np.sort(np.array(new, np.float32))

    @property
    def interval_errors(self) -> Array:
        """(T − 1,): the error estimate of every interval, of the maps and of the completeness gap, each relative."""
        parts = [self._variation(index, key) for index, key in self._sums]
        parts += [np.abs(missing) for missing in self._missing]
        return np.nan_to_num(np.sum([np.zeros(len(self.weights)), *parts], axis=0), nan=0, posinf=0, neginf=0)

    def integrations(self) -> list[Integration]:
        """[Integration] of the points so far."""
        integrals, samples = [{} for _ in self.tasks], self.samples.at(np.arange(self.count))
        for (index, key), (integral, _) in self._sums.items():
            integrals[index][key] = integral
        return integrations(samples, self.tasks, self.options, self.weights[: self.count - 1], integrals, self.error)

    @cached_property
    def _sums(self):
        """{(index of a task, method): (integral, cams (3, h, w))}: of all points, and twice of half of them."""
        last, halves = self.count - 1, []
        for first in (1, 2):
            points = np.array([0, *range(first, last, 2), last], np.int32)
            points = padded(points, _length(self.count))
            halves += [points, product_weights(self.samples.inner[points], self.slope)[0]]
        return {
            (index, key): sums(key, self.options)(*_maps(path), self.weights, *halves)
            for index, (task, path) in enumerate(zip(self.tasks, self.paths, strict=True))
            for key in task.integrated
            if key in task.displayed
        }

    def _variation(self, index, key):
        """(T − 1,): half of how much the map changes when an interval is constant, as at its one or its other end."""
        integral, cams = self._sums[index, key]
        path, count = self.paths[index], len(self.weights)
        ends = fetch(path.activations[0]), fetch(path.activations[-1])
        most, sizes = max(1, MAX_VALUES // ends[0].size), []
        for one in range(0, count, most):
            some, points = slice(one, one + most), slice(one, one + most + 1)
            maps = _maps(path) if most >= count else [values[points] for values in _maps(path)]
            intervals = *maps, self.weights[some], self.constant_weights[some]
            change = variation(key, self.options, intervals, np.stack(ends), integral)
            sizes.append(_norms(change) / 2)
        return np.concatenate(sizes) / (_norms(cams)[0] or 1.0)

    @cached_property
    def _missing(self):
        """A (T − 1,) for every layer that has a completeness gap: by how much the integrated gradients of an interval
        miss the change of the score, relatively."""
        scores = self.samples.scores.astype(np.float64)
        change = scores[-1] - scores[0]
        paths = [path for path, task in zip(self.paths, self.tasks, strict=True) if task.complete and change]
        sides = [map(_float64, gains()(path.activations, path.gradients)) for path in paths]
        return [(self.weights[:, 0] * a + self.weights[:, 1] * b - np.diff(scores)) / change for a, b in sides]


@cache
def sums(key: str, options: Options) -> Callable:
    """A function (alphas, A, ∂y/∂A, weights, *two times (points, weights)) -> (integral, cams (3, h, w)).

    The integral is that of all points. The cams are of all points, and of the first and the second of the given ones
    alone, summed with weights of their own.
    """
    method = METHODS[key]

    def fn(alphas, activations, gradients, weights, *halves):
        path = Path(alphas, activations, gradients)
        f, g = method.integrand(path, activations[0], options)
        integral = stieltjes(f, g, weights)
        some = [
            stieltjes(ops.take(f, points, axis=0), ops.take(g, points, axis=0), their_weights)
            for points, their_weights in (halves[:2], halves[2:])
        ]
        return integral, method.cam(ops.stack([integral, *some]), path, options)

    return backend.compiled(fn, [], VECTOR, MAPS, MAPS, PAIRS, "places", PAIRS, "places", PAIRS)


def variation(key: str, options: Options, intervals: tuple, ends: Array, integral: Array) -> Array:
    """(n, h, w): how much the map changes when one interval of n is constant, as at its one or as at its other end.

    intervals: arguments (alphas, A, ∂y/∂A, weights, constant weights) of n + 1 points; see
    `explorer.attribution.quadrature`. ends: (2, h, w, K), the activations at the two ends of the whole path. integral:
    that of the whole path.
    """
    return _variation(key, options, len(integral.shape))(*intervals, ends, integral)


@cache
def _variation(key, options, axes):
    method = METHODS[key]

    def fn(alphas, activations, gradients, weights, constant_weights, ends, integral):
        f, g = method.integrand(Path(alphas, activations, gradients), ends[0], options)
        step = g[1:] - g[:-1]
        left, right = _times(step, f[:-1]), _times(step, f[1:])
        rest = integral[None] - _scaled(left, weights[:, 0]) - _scaled(right, weights[:, 1])
        sums = [rest + _scaled(part, constant_weights[:, side]) for side, part in enumerate((left, right))]
        one, other = (method.cam(one, Path(ENDS, ends, ends), options) for one in sums)
        return other - one

    return backend.compiled(fn, [], VECTOR, MAPS, MAPS, PAIRS, PAIRS, MAPS, (None,) * axes)


@cache
def gains() -> Callable:
    """A function (A, ∂y/∂A) of T points -> two (T − 1,): Σ ∂y/∂A ΔA of every interval by the gradient at either end."""

    def fn(activations, gradients):
        steps = activations[1:] - activations[:-1]
        return [ops.einsum("thwk,thwk->t", steps, ends) for ends in (gradients[:-1], gradients[1:])]

    return backend.compiled(fn, [], MAPS, MAPS)


def _maps(path):
    return path.alphas, path.activations, path.gradients


def _apart(cams):
    """The largest distance of the first of the maps (n, h, w) to the others, each of unit norm."""
    sizes = _norms(cams)
    first, *others = _float64(cams) / np.where(sizes > 0, sizes, 1)[:, None, None]
    return max(np.linalg.norm(other - first) for other in others)


def _norms(maps):
    """(n,) of (n, h, w)."""
    return np.linalg.norm(_float64(maps).reshape(len(maps), -1), axis=1)


def _float64(values):
    return fetch(values).astype(np.float64)


def _times(step, values):
    """step (n,) or (n, ...) times values (n, ...)."""
    return _scaled(values, step) if len(step.shape) == 1 else step * values


def _scaled(values, factors):
    """Every one of the values (n, ...) times its factor (n,)."""
    return values * ops.reshape(factors, (-1,) + (1,) * (len(values.shape) - 1))
