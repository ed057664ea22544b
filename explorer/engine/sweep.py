"""The one batch loop: the network at points of the path between baseline and image."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from explorer.arrays import Array, Points
from explorer.attribution import ops
from explorer.attribution.path import Samples
from explorer.errors import Progress
from explorer.network import backend

if TYPE_CHECKING:
    from explorer.network.classifier import Classifier
    from explorer.network.layers import Layer


BATCH_MEMORY = {"CPU": 1 << 30, "GPU": 3 << 30}  # bytes that one batch may take on the device, estimated
# Progress and Stop come once a batch. On a processor larger batches are hardly faster: see benchmarks/RESULTS.md.
LARGEST_BATCH = {"CPU": 16, "GPU": 64}
AT_IMAGE, ENDS = np.ones(1, np.float32), np.array([0, 1], np.float32)  # α of the image alone, of both ends
SMALLEST_SHAPE = 8  # points to which smaller batches are filled up where every length would be compiled anew


@dataclass(frozen=True, eq=False)
class Target:
    """What a sweep is about: a score of a class, along a path through the input of a network.

    start, end: of `classifier.input.shape`, baseline and image as the model is fed. score: a key of
    `explorer.attribution.scores.SCORES`.
    """

    classifier: Any
    start: Array
    end: Array
    class_index: int
    score: str

    def of_score(self, score: str) -> Target:
        """The same about another score."""
        return replace(self, score=score)

    def from_image(self) -> Target:
        """The same along a path that stays at the image."""
        return replace(self, start=self.end)


def sweep(
    target: Target,
    layers: Sequence[Layer],
    alphas: Points,
    activations: Array | None = None,
    memory: int | None = None,
    progress: Progress | None = None,
    filled: bool = False,
) -> Iterator[Samples]:
    """Yield the network at these points of the path as Samples, batch after batch, in the order given.

    layers: the Layers to look at, all in one pass. alphas: (n,) float32 in [0, 1]. activations: (n, h, w, K), those of
    the one layer where only the class or the score is new; what comes before the layer is then not run.
    memory: bytes that a batch may take on the device; by default as much as suits it.
    progress: called as progress("the path", points done, n); it may raise Cancelled.
    filled: leave the last point repeated at the end of a batch that was filled up with it, so that all batches are of
    one length. Intervals of no length add nothing to an integral.
    """
    classifier, total = target.classifier, len(alphas)
    run = classifier.sampler(layers, target.score, activations is not None)
    size = batch_size(classifier, layers, memory, total, activations is not None) if total else 1
    ends = backend.on_device(target.start), backend.on_device(target.end)

    def begin(points, size):
        arguments = [padded(alphas[points], size), target.class_index]
        if activations is not None:
            arguments.append(padded(activations[points], size))
        return run(*ends, *arguments)

    def finish(points, batch):
        *values, maps, gradients = batch
        logits, inner, scores = backend.fetch_all(values)
        samples = Samples(padded(alphas[points], len(logits)), logits, inner, scores, tuple(maps), tuple(gradients))
        count = points.stop - points.start
        return samples if filled or len(logits) == count else samples.at(np.arange(count))

    def tell(done):
        if progress is not None:
            progress("the path", done, total)

    yield from in_batches(begin, finish, total, size, tell)
    tell(total)


def in_batches(begin: Callable, finish: Callable, total: int, size: int, tell: Progress) -> Iterator:
    """Yield finish(points, begin(points, size)) for slices `points` of range(total), of at most `size`.

    begin hands a batch to the device and finish waits for it: a graphics card is handed the next batch before the last
    is waited for, so that it is never idle in between. tell(done) is called before each. Where memory runs out batches
    are halved and it goes on; `size` is what they are at most by then.
    """
    in_flight = 2 if backend.device() == "GPU" else 1
    done, waiting = 0, deque()
    size = -(-total // -(-total // size)) if total else 1  # as equal as can be
    while done < total or waiting:
        try:
            while done < total and len(waiting) < in_flight:
                tell(done)
                points = slice(done, min(done + size, total))
                waiting.append((points, begin(points, size)))
                done = points.stop
            batch = finish(*waiting[0])
        except Exception as fault:
            if size == 1 or not backend.out_of_memory(fault):
                raise
            done = waiting[0][0].start if waiting else done
            waiting.clear()
            size = size // 2
            continue
        waiting.popleft()
        yield batch


def joined(samples: list[Samples], length: int | None = None) -> Samples:
    """Several Samples as one, in the order of the path, each point once. length: the last is repeated up to so many."""
    names = ("alphas", "logits", "inner", "scores")
    values = [np.concatenate([getattr(one, name) for one in samples]) for name in names]
    points = np.unique(values[0], return_index=True)[1]
    points = np.concatenate([points, np.repeat(points[-1:], max((length or 0) - len(points), 0))])
    maps = [
        list(zip(*layers, strict=True)) for layers in ([s.activations for s in samples], [s.gradients for s in samples])
    ]
    in_order = np.array_equal(points, np.arange(len(points)))
    activations, gradients = _gather(len(points) if in_order else None)(maps, points.astype(np.int32))
    return Samples(*(one[points] for one in values), tuple(activations), tuple(gradients))


@cache
def _gather(count):
    """A function (the parts of each array, points) -> each array whole, its first `count` rows; None: those points."""

    def gather(maps, points):
        whole = [[ops.concatenate(parts, axis=0) if len(parts) > 1 else parts[0] for parts in one] for one in maps]
        if count is None:
            return [[ops.take(values, points, axis=0) for values in one] for one in whole]
        return [[values if values.shape[0] == count else values[:count] for values in one] for one in whole]

    return backend.fused(gather)


def padded(values: Array, size: int) -> Array:
    """The values of one batch, the last repeated up to `size` where every length would be compiled anew: one compiled
    program then serves every batch."""
    fill = max(size, SMALLEST_SHAPE) - values.shape[0]
    if fill <= 0 or not backend.compiles_each_shape():
        return values
    if isinstance(values, np.ndarray):
        return np.concatenate([values, np.repeat(values[-1:], fill, axis=0)])
    return ops.concatenate([values, ops.repeat(values[-1:], fill, axis=0)], axis=0)


def batch_size(
    classifier: Classifier, layers: Sequence[Layer], memory: int | None, points: int, activations_given: bool = False
) -> int:
    """How many points of the path go through the network at once; activations_given: only behind the one layer.

    Behind the first of the layers every map is kept for the backward pass, and as much again is made on the way back;
    before it only the largest maps live at a time. Where that part is not run, as many more points make a batch as it
    would have been work, estimated by the size of the maps: reading large weights then takes fewer turns.
    """
    sizes = classifier.anatomy.bytes_per_image
    names = [layer.name for layer in classifier.anatomy.layers]
    first = min(0 if layer.call is None else names.index(layer.name) for layer in layers)
    behind = sum(sizes[first:])
    per_point = 2 * behind + (0 if activations_given else 2 * max(sizes[: first + 1]))
    largest = _by_device(LARGEST_BATCH)
    if activations_given:
        largest = largest * sum(sizes) // behind
    return int(np.clip(_memory(memory) // max(per_point, 1), 1, min(largest, points)))


def forward_batch(classifier: Classifier, memory: int | None, images: int) -> int:
    """How many images go through the network at once where nothing comes back."""
    per_image = 2 * max(classifier.anatomy.bytes_per_image)
    return int(np.clip(_memory(memory) // max(per_image, 1), 1, min(_by_device(LARGEST_BATCH), max(images, 1))))


def _memory(memory):
    return _by_device(BATCH_MEMORY) if memory is None else memory


def _by_device(values):
    return values.get(backend.device(), values["GPU"])
