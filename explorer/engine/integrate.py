"""The points of the path a question needs, from the network or from an earlier answer, folded into what methods sum.

Three ways: evenly spaced points that all stay (a coarse path first, so that maps can be shown and sharpen), evenly
spaced points summed stretch by stretch where all of them would take too much room, and points placed automatically.
"""

from dataclasses import dataclass

import numpy as np

from explorer.attribution.methods import METHODS
from explorer.attribution.path import LayerPath, joined
from explorer.engine.adaptive import FIRST, ROUNDS, Placement
from explorer.engine.result import PathRecord
from explorer.engine.sweep import sweep
from explorer.network.layers import Layer

KEPT_PATH = 256 << 20  # bytes: a path up to this size is held as a whole, and stays with the result


@dataclass(frozen=True)
class View:
    """One layer of the path, the methods whose maps are shown of it, and those that are summed besides."""

    layer: Layer
    shown: tuple[str, ...]
    besides: tuple[str, ...] = ()

    @property
    def summed(self):
        return tuple(dict.fromkeys((*self.shown, *self.besides)))

    @property
    def complete(self):
        """Whether a completeness gap is told of it."""
        return self.layer.cuts and "rsi_grad_cam" in self.summed


@dataclass(frozen=True, eq=False)
class Track:
    """What one layer's path comes to."""

    integrals: dict  # method -> what it sums along the path
    ends: LayerPath  # the two ends of the path
    record: PathRecord
    estimate: float | None = None  # how far the worst map may be off, where points were placed automatically


class Source:
    """Where Samples come from: an earlier answer as far as it goes, the network for the rest.

    question: arguments of `explorer.engine.sweep.sweep` up to the score. known: the PathRecord of an earlier answer
    about the same path at the one layer, or None; same_score: whether it is of the same class and score too.
    Afterwards `passes` is how many points went through the network, `heads` how many through its part behind the layer.
    """

    def __init__(self, question, known=None, same_score=False, budget=None, progress=None):
        self.question, self.budget, self.progress = question, budget, progress
        self.known, self.same_score = known, same_score
        self.passes = self.heads = 0

    def look(self, alphas):
        """Yield Samples until every one of the points has been had, in whatever order suits."""
        places = {} if self.known is None else {float(a): i for i, a in enumerate(self.known.alphas)}
        there = np.array([float(a) in places for a in alphas], bool)
        if there.any():
            kept = self.known.samples().at([places[float(a)] for a in alphas[there]])
            if self.same_score:
                yield kept
            else:
                self.heads += len(kept.alphas)
                yield from self._sweep(kept.alphas, kept.activations[0], of=len(alphas))
        if not there.all():
            yield from self.walk(alphas[~there], before=int(there.sum()))

    def walk(self, alphas, before=0):
        """Yield Samples of the points in their order, all from the network. before: points had already."""
        self.passes += len(alphas)
        return self._sweep(alphas, None, before, before + len(alphas))

    def _sweep(self, alphas, known, before=0, of=None):
        tell = self.progress and (lambda stage, done, _: self.progress(stage, before + done, of))
        return sweep(*self.question, alphas, known, self.budget, tell)


def tracks(samples, views, options, standing=None):
    """One Track a view, of points in the order of the path, all of which stay with it.

    standing: of the search that placed them, which has summed some of the methods already.
    """
    shares, estimate = (standing.shares, standing.estimate) if standing else (None, None)
    found = []
    for index, view in enumerate(views):
        path, integrals = samples.path(index, shares), standing.integrals(index) if standing else {}
        for key in view.summed:
            if key not in integrals:
                integrals[key] = METHODS[key].integral(path, path.activations[0], options)
        found.append(Track(integrals, _ends(samples, index), _record(samples, index, shares), estimate))
    return found


def held(source, views, alphas, options, preview=None):
    """Evenly spaced points, all of them held. preview: called with the Tracks of the points there are so far."""
    parts = []
    for samples in source.look(coarse_to_fine(alphas) if preview else alphas):
        parts.append(samples)
        if preview and sum(len(part.alphas) for part in parts) < len(alphas):
            so_far = joined(parts)
            if so_far.alphas[0] == alphas[0] and so_far.alphas[-1] == alphas[-1]:
                preview(tracks(so_far, views, options))
    return tracks(joined(parts), views, options)


def streamed(source, views, alphas, options):
    """Evenly spaced points in their order, summed stretch by stretch; of the path only the scores stay."""
    integrals, kept, first, last = [{} for _ in views], [], None, None
    for samples in source.walk(alphas):
        first = first or samples.at([0])
        stretch = joined([last, samples]) if last else samples
        last = stretch.at([len(stretch.alphas) - 1])
        kept.append((samples.alphas, samples.scores, samples.inner, samples.values))
        if len(stretch.alphas) < 2:  # a batch of one point is half an interval: it waits for its neighbour
            continue
        for index, (view, sums) in enumerate(zip(views, integrals, strict=True)):
            path = stretch.path(index)
            for key in view.summed:
                part = METHODS[key].integral(path, first.activations[index][0], options)
                sums[key] = sums[key] + part if key in sums else part
    record, ends = PathRecord(*map(np.concatenate, zip(*kept, strict=True))), joined([first, last])
    return [Track(sums, ends.path(index), record) for index, sums in enumerate(integrals)]


def placed(source, views, options, slope, tolerance, preview=None):
    """Points placed where the integrals need them, until the estimated error is at most the tolerance."""
    search = Placement([view.shown for view in views], options, slope, [view.complete for view in views])
    tell, parts, new, most = source.progress, [], FIRST, most_points([view.layer for view in views])
    while True:
        source.progress = _going_on(tell, sum(len(part.alphas) for part in parts))
        samples = joined([*parts, *source.look(new)])
        parts, count, standing = [samples], len(samples.alphas), search.of(samples)
        aim = min(most, next((total for total in ROUNDS if total > count), count))
        new = standing.next(aim - count) if standing.estimate > tolerance else ()
        if len(new) == 0:
            return tracks(samples, views, options, standing)
        if preview:
            preview(tracks(samples, views, options, standing))


def most_points(layers):
    """How many points an automatic path may take at most: as many as can be held."""
    room = KEPT_PATH // sum(point_bytes(layer) for layer in layers)
    return int(np.clip(room, ROUNDS[2] + 1, ROUNDS[-1]))


def point_bytes(layer):
    """What activations and gradients of one point take at a layer."""
    return 2 * 4 * int(np.prod(layer.shape))


def coarse_to_fine(alphas):
    """The same points, both ends first, so that any first few of them are spread over the whole path."""
    bits = max(1, int(len(alphas) - 1).bit_length())
    inner = sorted(range(1, len(alphas) - 1), key=lambda i: int(f"{i:0{bits}b}"[::-1], 2))
    return alphas[[0, len(alphas) - 1, *inner]]


def _going_on(tell, before):
    """The progress of one round of several: points had before count as done."""
    return tell and (lambda stage, done, total: tell(stage, before + done, before + total))


def _ends(samples, index):
    return samples.at([0, len(samples.alphas) - 1]).path(index)


def _record(samples, index, shares):
    maps = samples.activations[index], samples.gradients[index]
    return PathRecord(samples.alphas, samples.scores, samples.inner, samples.values, maps, shares)
