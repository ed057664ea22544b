"""Where Samples of a path come from: the image fading in, or a straight line between a layer's activations."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from explorer.arrays import Array, Points
from explorer.attribution.path import Samples
from explorer.engine.sweep import sweep
from explorer.errors import Progress
from explorer.network import backend

if TYPE_CHECKING:
    from explorer.engine.question import Target
    from explorer.network.layers import Layer


class ImagePath:
    """The path on which the image fades in: from an earlier result as far as it goes, from the network for the rest.

    earlier: the Path of an earlier result about the same baseline and image at the one layer, or None; same_score:
    whether it is of the same class and score too. Afterwards `passes` is how many points went through the network,
    `heads` how many through its part behind the layer.
    """

    def __init__(
        self,
        target: Target,
        layers: Sequence[Layer],
        earlier: Any = None,
        same_score: bool = False,
        memory: int | None = None,
        progress: Progress | None = None,
    ):
        self.target, self.layers, self.memory, self.progress = target, layers, memory, progress
        self.earlier, self.same_score = earlier, same_score
        self.passes = self.heads = 0

    def samples(self, alphas: Points, before: int = 0) -> Iterator:
        """Yield Samples until each of the points has been had: in their order from the network, after those of the
        earlier result. before: points had already, which count as progress. The last of a batch may be repeated; see
        `sweep`."""
        index = {} if self.earlier is None else {float(alpha): i for i, alpha in enumerate(self.earlier.alphas)}
        there = np.array([float(alpha) in index for alpha in alphas], bool)
        tell = _counted(self.progress, before, before + len(alphas))
        if there.any():
            earlier = _samples(self.earlier).at([index[float(alpha)] for alpha in alphas[there]])
            if self.same_score:
                yield earlier
            else:
                self.heads += len(earlier)
                yield from sweep(
                    self.target, self.layers, earlier.alphas, earlier.activations[0], self.memory, tell, filled=True
                )
        if not there.all():
            new = alphas[~there]
            self.passes += len(new)
            tell = _counted(self.progress, before + int(there.sum()), before + len(alphas))
            yield from sweep(self.target, self.layers, new, None, self.memory, tell, filled=True)

    def in_order(self, alphas: Points) -> Iterator:
        """Yield Samples of the points in their order, all from the network."""
        self.passes += len(alphas)
        return sweep(self.target, self.layers, alphas, None, self.memory, self.progress, filled=True)


class StraightLine:
    """The line A(0) + α (A(1) − A(0)) between a layer's activations at the two ends of the path.

    What by-passes the layer stays as it is at the image. ends: (2, h, w, K), A(0) and A(1). Afterwards `heads` is how
    many points went through the part behind the layer.
    """

    def __init__(
        self, target: Target, layer: Layer, ends: Array, memory: int | None = None, progress: Progress | None = None
    ):
        self.target, self.layers, self.memory = target.from_image(), [layer], memory
        self.ends, self.progress = backend.fetch(ends), progress
        self.heads = 0

    def samples(self, alphas: Points, before: int = 0) -> Iterator:
        """Yield Samples of the points, in their order. before: points had already, which count as progress."""
        self.heads += len(alphas)
        tell = _counted(self.progress, before, before + len(alphas), "the straight path")
        return sweep(self.target, self.layers, alphas, _Line(*self.ends, alphas), self.memory, tell, filled=True)

    in_order = samples


class _Line:
    """Points of the line, (n, h, w, K) of any few of the α at a time."""

    def __init__(self, first, last, alphas):
        self.first, self.last, self.alphas = first, last, np.asarray(alphas, np.float32)

    def __getitem__(self, points):
        alphas = self.alphas[points].reshape(-1, 1, 1, 1)
        return self.first + alphas * (self.last - self.first)


def _samples(path):
    """The points of a held path as the network gave them."""
    return Samples(path.alphas, path.logits, path.inner, path.scores, (path.activations,), (path.gradients,))


def _counted(progress, before, total, words=None):
    """The progress of a part: `before` points count as done, `words` take the place of the stage."""
    return progress and (lambda stage, done, _: progress(words or stage, before + done, total))
