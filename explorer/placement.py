"""Where along the path the network is worth asking: points placed until the maps stand still.

A method sums over intervals, so what is not known yet about its map lies in the intervals where its integrand changes
most. Those are halved, several at a time, and every evaluation serves again. How far the map may still be off is told
by leaving out every other point: the map of half the points differs from the map of all by more, as a rule, than the
map of all from the limit.
"""

import heapq
from functools import cached_property
from itertools import pairwise

import numpy as np
from keras import ops

from explorer.integrals import product_shares, stieltjes
from explorer.methods import METHODS

FIRST = np.linspace(0, 1, 5, dtype=np.float32)
ROUNDS = (5, 10, 16, 24, 32, 48, 64, 96, 128)  # points in all after each round
FINEST = 2.0**-20  # intervals are not halved below this
HALVED = 0.35  # what is left of an interval's share of the error in either half: rough integrands give 2^-1.5
AT_ONCE = 1 << 24  # numbers that the maps of several intervals may take together


class Placement:
    """The state of one search. methods: keys of those whose maps are shown; slope: of the score, see `product_shares`;
    cutting: for each layer, whether it cuts the network."""

    def __init__(self, methods, options, slope, cutting):
        self.methods = [key for key in methods if METHODS[key].integrand]
        self.options, self.slope, self.cutting = options, slope, cutting
        self.known = {}  # (layer, method, α, α) -> how much that interval leaves open of the map

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
        count = len(self.alphas)
        if count < 2 * len(FIRST):
            return float("inf")
        thinner = [np.unique([0, *range(first, count - 1, 2), count - 1]) for first in (1, 2)]
        apart = [self._apart(place, key, thinner) for place in range(len(self.paths)) for key in self.search.methods]
        gaps = [np.abs(self._missing(place).sum()) for place, cuts in enumerate(self.search.cutting) if cuts]
        return float(np.max([0.0, *apart, *gaps]))

    def _apart(self, place, key, thinner):
        """The largest distance between the map of all points and one of some of them."""
        path, maps = self.paths[place], []
        for places in (np.arange(len(self.alphas)), *thinner):
            shares = product_shares(self.samples.inner[places], self.search.slope)[0]
            f, g = (_take(value, places) for value in self._integrand(place, key))
            maps.append(_unit(METHODS[key].cam(stieltjes(f, g, shares), path, self.search.options)))
        return max(np.linalg.norm(one - maps[0]) for one in maps[1:])

    @property
    def _open(self):
        """(T − 1,): what each interval leaves open of the maps and of the completeness gap, each relative."""
        found = np.zeros(len(self.shares))
        for place, cuts in enumerate(self.search.cutting):
            for key in self.search.methods:
                found += self._variation(place, key)
            if cuts:
                found += np.abs(self._missing(place))
        return np.nan_to_num(found, nan=0, posinf=0, neginf=0)

    def _variation(self, place, key):
        """(T − 1,): half of how much the map changes when an interval is taken as it is at its one or other end."""
        known, names = self.search.known, [(place, key, *map(float, ends)) for ends in pairwise(self.alphas)]
        new = [i for i, name in enumerate(names) if name not in known]  # one that stays leaves the same open as before
        path, (f, g) = self.paths[place], self._integrand(place, key)
        total = stieltjes(f, g, self.shares)
        most = max(1, AT_ONCE // int(np.prod(total.shape)))
        for some in (new[i : i + most] for i in range(0, len(new), most)):
            at = np.array(some)
            step = _take(g, at + 1) - _take(g, at)
            left, right = _times(step, _take(f, at)), _times(step, _take(f, at + 1))
            rest = total[None] - _scaled(left, self.shares[at, 0]) - _scaled(right, self.shares[at, 1])
            ends = [rest + _scaled(part, self.from_one_end[at, side]) for side, part in enumerate((left, right))]
            maps = [METHODS[key].cam(end, path, self.search.options) for end in ends]
            sizes = np.linalg.norm(_float64(maps[1] - maps[0]).reshape(len(some), -1), axis=1) / 2
            known.update((names[i], size) for i, size in zip(some, sizes, strict=True))
        size = np.linalg.norm(_float64(METHODS[key].cam(total, path, self.search.options))) or 1.0
        return np.array([known[name] for name in names]) / size

    def _missing(self, place):
        """(T − 1,): by how much the integrated gradients of an interval miss the change of the score, relatively."""
        path, scores = self.paths[place], self.samples.scores.astype(np.float64)
        if scores[-1] == scores[0]:
            return np.zeros(len(scores) - 1)
        steps = path.activations[1:] - path.activations[:-1]
        ends = path.gradients[:-1], path.gradients[1:]
        left, right = (_float64(ops.einsum("thwk,thwk->t", steps, gradients)) for gradients in ends)
        return (self.shares[:, 0] * left + self.shares[:, 1] * right - np.diff(scores)) / (scores[-1] - scores[0])

    def _integrand(self, place, key):
        path = self.paths[place]
        return METHODS[key].integrand(path, path.activations[0], self.search.options)


def _take(values, places):
    return ops.take(ops.convert_to_tensor(values), places, axis=0)


def _times(step, values):
    """step (n,) or (n, ...) times values (n, ...)."""
    return _scaled(values, step) if len(step.shape) == 1 else step * values


def _scaled(values, factors):
    """Every one of the values (n, ...) times its factor (n,)."""
    factors = ops.convert_to_tensor(factors)
    return values * ops.reshape(factors, (-1,) + (1,) * (len(values.shape) - 1))


def _unit(cam):
    cam = _float64(cam)
    size = np.linalg.norm(cam)
    return cam / size if size > 0 else cam


def _float64(values):
    return ops.convert_to_numpy(values).astype(np.float64)
