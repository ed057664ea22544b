"""The only loop over the path: the network at every point between baseline and picture, stretch by stretch."""

import numpy as np
from keras import ops

from explorer import backend
from explorer.layer_path import LayerPath

MEMORY_BUDGET = 1 << 30  # bytes that one stretch of the path may take on the device, estimated
# Progress and Stop come once a batch, and batches of 64 would be a tenth faster on a processor than these of 16: see
# benchmarks/RESULTS.md. On a graphics card nothing has been measured.
LARGEST_BATCH = {"CPU": 16, "GPU": 64}


def sweep(
    classifier, layer, start, end, class_index, score, alphas, activations=None, budget=MEMORY_BUDGET, progress=None
):
    """Yield the path as consecutive LayerPaths that share their boundary points, each within the memory budget.

    start, end: (H, W, 3), baseline and picture as the model is fed. alphas: (T,) float32, from 0 to 1.
    activations: (T, h, w, K) where they are already known (only the score changed): the trunk is then not run.
    progress: called as progress("the path", points done, T); it may raise Cancelled.
    """
    trunk, head = classifier.trunk(layer), classifier.head(layer, score)
    total, size = len(alphas), batch_size(classifier, layer, budget, len(alphas))
    done, carried = 0, None
    while done < total:
        _tell(progress, done, total)
        stop = done + even_share(total - done, size)
        at = alphas[done:stop]
        try:
            a = trunk(start, end, at) if activations is None else ops.convert_to_tensor(activations[done:stop])
            y, gradients = head(a, start, end, at, class_index)
        except Exception as fault:
            if size == 1 or not backend.out_of_memory(fault):
                raise
            size = size // 2
            continue
        done = stop
        piece = (at, a, gradients, y)
        if carried is not None:
            piece = tuple(ops.concatenate(pair, axis=0) for pair in zip(carried, piece, strict=True))
        carried = tuple(value[-1:] for value in piece)
        if len(piece[0]) > 1:  # a batch of one point is half an interval: it waits for its neighbour
            yield LayerPath(*piece)
    _tell(progress, total, total)


def batch_size(classifier, layer, budget, points):
    """How many points of the path go through the network at once.

    Behind the layer every map is kept for the backward pass, and as much again is made on the way back; before it
    only the largest maps live at a time.
    """
    sizes = classifier.anatomy.bytes_per_image
    here = [found.name for found in classifier.anatomy.layers].index(layer.name)
    per_point = 2 * sum(sizes[here:]) + 2 * max(sizes[: here + 1])
    largest = LARGEST_BATCH.get(backend.device(), LARGEST_BATCH["GPU"])
    return int(np.clip(budget // max(per_point, 1), 1, min(largest, points)))


def even_share(left, size):
    """The next batch when `left` points go in batches of at most `size`, as equal as can be."""
    batches = -(-left // size)
    return -(-left // batches)


def _tell(progress, done, total):
    if progress is not None:
        progress("the path", done, total)
