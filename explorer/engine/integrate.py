"""The points of the path that a question needs, from the network or an earlier result, summed into integrals.

Three ways: evenly spaced points that are all held (a coarse path first, so that maps can be shown and sharpen), evenly
spaced points that are summed batch by batch where all of them would take too much memory, and points that are placed
adaptively (`explorer.engine.adaptive`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from explorer.arrays import Array, Points
from explorer.attribution import ops
from explorer.attribution.methods import METHODS, PathMethod
from explorer.attribution.path import Path
from explorer.engine.sweep import joined
from explorer.network import backend
from explorer.network.layers import Layer

if TYPE_CHECKING:
    from explorer.attribution.methods.variants import Options
    from explorer.attribution.path import Samples
    from explorer.engine.network_paths import ImagePath, StraightLine


HELD_PATH = 256 << 20  # bytes: a path up to this size is held as a whole, and stays with the result


@dataclass(frozen=True)
class LayerTask:
    """One layer of the path. displayed: keys of the methods whose maps are asked for; besides: of those that are
    integrated too, for the completeness gap."""

    layer: Layer
    displayed: tuple[str, ...]
    besides: tuple[str, ...] = ()

    @property
    def integrated(self) -> tuple[str, ...]:
        """Keys of the methods that sum along the path."""
        keys = dict.fromkeys((*self.displayed, *self.besides))
        return tuple(key for key in keys if isinstance(METHODS[key], PathMethod))

    @property
    def complete(self) -> bool:
        """Whether it has a completeness gap."""
        return self.layer.separates and "rsi_grad_cam" in self.integrated


@dataclass(frozen=True, eq=False)
class Integration:
    """What one layer's path comes to."""

    integrals: dict  # {method: its integral along the path}
    ends: Path  # the two ends of the path
    path: Path
    error: float | None = None  # estimated, of the worst map, where points were placed adaptively

    def maps(self, keys: tuple[str, ...], options: Options) -> tuple[dict[str, Array], bool]:
        """({method: its raw map (h, w), NumPy}, whether every gradient at the end of the path is exactly zero)."""
        integrals = [self.integrals.get(key) for key in keys]
        *cams, reached = backend.fetch_all(_maps(keys, options)(integrals, self.ends.activations, self.ends.gradients))
        return dict(zip(keys, cams, strict=True)), not reached


def evenly(
    source: ImagePath | StraightLine,
    tasks: list[LayerTask],
    steps: int,
    options: Options,
    preview: Callable[[Any], object] | None = None,
) -> list[Integration]:
    """[Integration], one a task, of steps + 1 evenly spaced points, held where they fit into memory."""
    alphas = np.linspace(0, 1, steps + 1, dtype=np.float32)
    if len(alphas) * sum(point_bytes(task.layer) for task in tasks) <= HELD_PATH:
        return in_memory(source, tasks, alphas, options, preview)
    return streamed(source, tasks, alphas, options)


def in_memory(
    source: ImagePath | StraightLine,
    tasks: list[LayerTask],
    alphas: Points,
    options: Options,
    preview: Callable[[Any], object] | None = None,
) -> list[Integration]:
    """Evenly spaced points, all of them held. preview: called with the Integrations of the points so far."""
    parts = []
    for samples in source.samples(coarse_to_fine(alphas) if preview else alphas):
        parts.append(samples)
        if preview and sum(map(len, parts)) < len(alphas):
            so_far = joined(parts)
            if so_far.alphas[0] == alphas[0] and so_far.alphas[-1] == alphas[-1]:
                preview(integrations(so_far, tasks, options))
    return integrations(joined(parts), tasks, options)


def streamed(
    source: ImagePath | StraightLine, tasks: list[LayerTask], alphas: Points, options: Options
) -> list[Integration]:
    """Evenly spaced points in their order, summed batch by batch; of the path only the scores stay."""
    first = last = sums = None
    add, values = _add(tuple(task.integrated for task in tasks), options), []
    for samples in source.in_order(alphas):
        values.append((samples.alphas, samples.scores, samples.inner, samples.logits))
        layers = list(zip(samples.activations, samples.gradients, strict=True))
        sums, first, last = add(sums, first, last, samples.alphas, layers)
    alphas, scores, inner, logits = (np.concatenate(parts) for parts in zip(*values, strict=True))
    points = np.unique(alphas, return_index=True)[1]  # without the points that filled a batch up
    path = Path(alphas[points], None, None, scores[points], None, inner[points], logits[points])
    ends = [Path(path.alphas[[0, -1]], *maps, path.scores[[0, -1]]) for maps in _two_ends()(first[1], last[1])]
    return [
        Integration(dict(zip(task.integrated, integrals, strict=True)), two, path)
        for task, integrals, two in zip(tasks, sums, ends, strict=True)
    ]


def integrations(
    samples: Samples,
    tasks: list[LayerTask],
    options: Options,
    weights: Array | None = None,
    integrals_so_far: Sequence[dict] | None = None,
    error: float | None = None,
) -> list[Integration]:
    """One Integration a task, of points in the order of the path, all of which are held.

    weights: of the quadrature, where the points were placed adaptively; integrals_so_far: for each task
    {method: its integral}, as far as they are there; error: the estimated one.
    """
    results = []
    for index, task in enumerate(tasks):
        path, integrals = samples.path(index, weights), dict(integrals_so_far[index]) if integrals_so_far else {}
        keys = tuple(key for key in task.integrated if key not in integrals)
        parts, ends = _whole(keys, options)(_maps_of(path), weights)
        integrals |= dict(zip(keys, parts, strict=True))
        ends = Path(path.alphas[[0, -1]], *ends, path.scores[[0, -1]])
        results.append(Integration(integrals, ends, path, error))
    return results


def point_bytes(layer: Layer) -> int:
    """The memory that activations and gradients of one point take at a layer."""
    return 2 * 4 * int(np.prod(layer.shape))


def coarse_to_fine(alphas: Points) -> Array:
    """The same points, both ends first, so that any first few of them are spread over the whole path."""
    bits = max(1, int(len(alphas) - 1).bit_length())
    inner = sorted(range(1, len(alphas) - 1), key=lambda i: int(f"{i:0{bits}b}"[::-1], 2))
    return alphas[[0, len(alphas) - 1, *inner]]


def _maps_of(path):
    return path.alphas, path.activations, path.gradients


@cache
def _whole(keys, options):
    """A function ((α, A, ∂y/∂A), weights) -> ([the integral of each method], A and ∂y/∂A at the two ends)."""

    def whole(maps, weights):
        path = Path(*maps, weights=weights)
        integrals = [METHODS[key].integral(path, path.activations[0], options) for key in keys]
        ends = path.ends
        return integrals, (ends.activations, ends.gradients)

    return backend.fused(whole)


@cache
def _add(keys_of_layers, options):
    """A function (sums, first, last, α, [(A, ∂y/∂A) of each layer]) -> the same three with the points of a batch.

    sums: for each layer [the integral of each method]. first, last: the first and the last point so far, each
    (α (1,), [(A (1, h, w, K), ∂y/∂A) of each layer]). All three None before the first batch.
    """

    def add(sums, first, last, alphas, layers):
        point = alphas[:1], [tuple(values[:1] for values in maps) for maps in layers]
        first, last = first or point, last or point
        parts = []
        for index, keys in enumerate(keys_of_layers):
            maps = (last[0], *last[1][index]), (alphas, *layers[index])
            path = Path(*(ops.concatenate(both, axis=0) for both in zip(*maps, strict=True)))
            start = first[1][index][0][0]
            parts.append([METHODS[key].integral(path, start, options) for key in keys])
        if sums:
            parts = [[a + b for a, b in zip(*both, strict=True)] for both in zip(sums, parts, strict=True)]
        return parts, first, (alphas[-1:], [tuple(values[-1:] for values in maps) for maps in layers])

    return backend.fused(add)


@cache
def _two_ends():
    """A function (first, last), as `_add` has them, -> [(A, ∂y/∂A) at the two ends of each layer]."""

    def both(first, last):
        return [
            tuple(ops.concatenate(values, axis=0) for values in zip(*ends, strict=True))
            for ends in zip(first, last, strict=True)
        ]

    return backend.fused(both)


@cache
def _maps(keys, options):
    """A function ([the integral of each method, None of one that sums nothing], A and ∂y/∂A at the two ends of the
    path) -> [the map of each method, whether any gradient at its end is not zero]."""

    def maps(integrals, activations, gradients):
        ends = Path(np.array([0, 1], np.float32), activations, gradients)
        methods = [METHODS[key] for key in keys]
        cams = [
            method.cam(integral, ends, options) if isinstance(method, PathMethod) else method.cam(ends, options)
            for method, integral in zip(methods, integrals, strict=True)
        ]
        return [*cams, ops.any(ops.not_equal(gradients[-1], 0))]

    return backend.fused(maps)
