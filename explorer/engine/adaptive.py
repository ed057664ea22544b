"""Where along the path the network is worth asking: points placed until the maps stand still.

A method sums over intervals, so what is not known yet about its map lies in the intervals where its integrand changes
most. Those are halved, several at a time, and every evaluation serves again. How far the map may still be off is told
by leaving out every other point: the map of half the points differs from the map of all by more, as a rule, than the
map of all from the limit.

What the points say of one method's map and of completeness is compiled, for layers and paths of any size: on small
networks starting a few hundred operations one by one takes longer than the network does.
"""

import heapq
from functools import cache, cached_property
from typing import NamedTuple

import numpy as np

from explorer.attribution import ops
from explorer.attribution.methods import METHODS
from explorer.attribution.path import Array
from explorer.attribution.quadrature import product_shares, stieltjes
from explorer.network import backend
from explorer.network.backend import fetch

FIRST = np.linspace(0, 1, 5, dtype=np.float32)
ROUNDS = (5, 10, 16, 24, 32, 48, 64, 96, 128)  # points in all after each round
FINEST = 2.0**-20  # intervals are not halved below this
HALVED = 0.35  # what is left of an interval's share of the error in either half: rough integrands give 2^-1.5
AT_ONCE = 1 << 24  # numbers that the units of several intervals may take together
ONE, TWO, MAPS = (None,), (None, 2), (None,) * 4  # shapes of arguments


class Placement:
    """What a search is about. methods: for each layer, keys of those whose maps are shown; slope: of the score, see
    `product_shares`; cutting: for each layer, whether its integrated gradients are to add up to the score's change."""

    def __init__(self, methods, options, slope, cutting):
        self.methods = [[key for key in shown if METHODS[key].integrand] for shown in methods]
        self.options, self.slope, self.cutting = options, slope, cutting

    def of(self, samples):
        """What the points there are so far, in the order of the path, say."""
        return Standing(self, samples)


class Standing:
    """Where a search stands."""

    def __init__(self, search, samples):
        self.search, self.samples, self.alphas = search, samples, samples.alphas
        self.shares, self.from_one_end = product_shares(samples.inner, search.slope)
        self.paths = [samples.path(index, self.shares) for index in range(len(search.cutting))]

    def next(self, count):
        """(k,) float32, k ≤ count: the α to ask for next; fewer where intervals get too small to halve."""
        intervals = zip(self._open, self.alphas[:-1], self.alphas[1:], strict=True)
        heap = [(-float(error), float(a), float(b)) for error, a, b in intervals]
        heapq.heapify(heap)
        new = []
        while heap and len(new) < count:
            error, a, b = heapq.heappop(heap)
            if b - a < 2 * FINEST:
                continue
            middle = (a + b) / 2
            new.append(middle)
            for half in ((a, middle), (middle, b)):
                heapq.heappush(heap, (error * HALVED, *half))
        return np.sort(np.array(new, np.float32))

    @cached_property
    def estimate(self):
        """How far the worst map may be off: the relative L2 distance of unit-norm maps, and where a layer cuts the
        network the completeness gap. Infinite as long as there are too few points to leave some out."""
        if len(self.alphas) < 2 * len(FIRST):
            return float("inf")
        apart = [_apart(cams) for _, cams in self._sums.values()]
        gaps = [np.abs(missing.sum()) for missing in self._missing]
        return float(np.max([0.0, *apart, *gaps]))

    def integrals(self, place):
        """{method: its integral} at a layer, of the methods whose maps are shown."""
        return {key: integral for (at, key), (integral, _) in self._sums.items() if at == place}

    @cached_property
    def _sums(self):
        """{(layer, method): (integral, cams (3, h, w))}: the cams of all points and of two times half of them."""
        last, thinner = len(self.alphas) - 1, []
        for first in (1, 2):
            places = np.unique([0, *range(first, last, 2), last]).astype(np.int32)
            thinner += [places, product_shares(self.samples.inner[places], self.search.slope)[0]]
        return {
            (place, key): sums(key, self.search.options)(*_maps(path), self.shares, *thinner)
            for place, path in enumerate(self.paths)
            for key in self.search.methods[place]
        }

    @property
    def _open(self):
        """(T − 1,): what each interval leaves open of the maps and of the completeness gap, each relative."""
        parts = [self._variation(place, key) for place, key in self._sums]
        parts += [np.abs(missing) for missing in self._missing]
        return np.nan_to_num(np.sum([np.zeros(len(self.shares)), *parts], axis=0), nan=0, posinf=0, neginf=0)

    def _variation(self, place, key):
        """(T − 1,): half of how much the map changes when an interval is taken as it is at its one or other end."""
        integral, cams = self._sums[place, key]
        path, count = self.paths[place], len(self.shares)
        ends = fetch(path.activations[0]), fetch(path.activations[-1])
        most, sizes = max(1, AT_ONCE // ends[0].size), []
        for one in range(0, count, most):
            some, points = slice(one, one + most), slice(one, one + most + 1)
            maps = _maps(path) if most >= count else [value[points] for value in _maps(path)]
            stretch = *maps, self.shares[some], self.from_one_end[some]
            change = variation(key, self.search.options, stretch, np.stack(ends), integral)
            sizes.append(_norms(change) / 2)
        return np.concatenate(sizes) / (_norms(cams)[0] or 1.0)

    @cached_property
    def _missing(self):
        """A (T − 1,) for every layer that cuts the network: by how much the integrated gradients of an interval miss
        the change of the score, relatively."""
        scores = self.samples.scores.astype(np.float64)
        change = scores[-1] - scores[0]
        paths = [path for path, cuts in zip(self.paths, self.search.cutting, strict=True) if cuts and change]
        sides = [map(_float64, gains()(path.activations, path.gradients)) for path in paths]
        return [(self.shares[:, 0] * a + self.shares[:, 1] * b - np.diff(scores)) / change for a, b in sides]


class Points(NamedTuple):
    """A LayerPath inside a compiled function, where lengths are not known."""

    alphas: Array
    activations: Array
    gradients: Array


@cache
def sums(key, options):
    """A function (alphas, A, ∂y/∂A, shares, *two times (places, shares)) -> (integral, cams (3, h, w)).

    The integral is that of all points. The cams are of all points, and of those at the first and the second places
    alone, summed with shares of their own.
    """
    method = METHODS[key]

    def fn(alphas, activations, gradients, shares, *thinner):
        path = Points(alphas, activations, gradients)
        f, g = method.integrand(path, activations[0], options)
        integral = stieltjes(f, g, shares)
        some = [
            stieltjes(ops.take(f, places, axis=0), ops.take(g, places, axis=0), theirs)
            for places, theirs in (thinner[:2], thinner[2:])
        ]
        return integral, method.cam(ops.stack([integral, *some]), path, options)

    return backend.compiled(fn, [], ONE, MAPS, MAPS, TWO, "places", TWO, "places", TWO)


def variation(key, options, stretch, first, integral):
    """(n, h, w): how much the map changes when one interval of n is taken as it is at its one or at its other end.

    stretch: arguments (alphas, A, ∂y/∂A, shares, from_one_end) of n + 1 points; see `explorer.attribution.quadrature`
    for the last. first: (2, h, w, K), the activations at the two ends of the whole path. integral: that of the whole
    path.
    """
    return _variation(key, options, len(integral.shape))(*stretch, first, integral)


@cache
def _variation(key, options, axes):
    method = METHODS[key]

    def fn(alphas, activations, gradients, shares, from_one_end, first, integral):
        f, g = method.integrand(Points(alphas, activations, gradients), first[0], options)
        step = g[1:] - g[:-1]
        left, right = _times(step, f[:-1]), _times(step, f[1:])
        rest = integral[None] - _scaled(left, shares[:, 0]) - _scaled(right, shares[:, 1])
        ends = [rest + _scaled(part, from_one_end[:, side]) for side, part in enumerate((left, right))]
        one, other = (method.cam(end, Points(None, first, None), options) for end in ends)
        return other - one

    return backend.compiled(fn, [], ONE, MAPS, MAPS, TWO, TWO, MAPS, (None,) * axes)


@cache
def gains():
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
