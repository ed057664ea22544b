"""The only loop over the path: the network at points between baseline and picture, batch after batch."""

import numpy as np

from explorer.attribution import ops
from explorer.attribution.path import Samples
from explorer.network import backend

MEMORY_BUDGET = 1 << 30  # bytes that one batch may take on the device, estimated
# Progress and Stop come once a batch. On a processor larger batches are hardly faster: see benchmarks/RESULTS.md.
LARGEST_BATCH = {"CPU": 16, "GPU": 64}
AT_PICTURE, ENDS = np.ones(1, np.float32), np.array([0, 1], np.float32)  # α of the picture alone, of both ends
FULL = 8  # to which smaller batches are filled up where every length would be compiled anew


def sweep(classifier, layers, start, end, class_index, score, alphas, known=None, budget=MEMORY_BUDGET, progress=None):
    """Yield the network at these points of the path as Samples, each within the memory budget, in the order given.

    layers: the Layers to look at, all in one pass. start, end: (H, W, 3), baseline and picture as the model is fed.
    alphas: (n,) float32 in [0, 1]. known: (n, h, w, K), the activations of the one layer where only the class or the
    score is new; what comes before the layer is then not run.
    progress: called as progress("the path", points done, n); it may raise Cancelled.
    """
    run = classifier.sampler(layers, score, known is not None)
    total = len(alphas)
    size = batch_size(classifier, layers, budget, total, known is not None) if total else 1

    def work(where, size):
        given = () if known is None else (known[where],)
        return _sample(run, start, end, alphas[where], class_index, given, size)

    def tell(done):
        if progress is not None:
            progress("the path", done, total)

    for _, samples in in_batches(work, total, size, tell):
        yield samples
    tell(total)


def in_batches(work, total, size, tell):
    """Yield (where, work(where, size)) for slices `where` of range(total), of at most `size`, as equal as can be.

    tell(done) is called before each. Where memory runs out batches are halved, and it goes on: `size` is what they are
    at most by then.
    """
    done = 0
    size = even_share(total, size) if total else 0
    while done < total:
        tell(done)
        where = slice(done, done + even_share(total - done, size))
        try:
            found = work(where, size)
        except Exception as fault:
            if size == 1 or not backend.out_of_memory(fault):
                raise
            size = size // 2
            continue
        done = where.stop
        yield where, found


def _sample(run, start, end, alphas, class_index, given, size):
    """One batch, computed when this returns: a device that works ahead would tell of exhausted memory too late."""
    count = len(alphas)
    values, u, y, activations, gradients = run(
        start, end, padded(alphas, size), class_index, *(padded(a, size) for a in given)
    )
    values, u, y = (backend.fetch(value)[:count] for value in (values, u, y))
    if activations[0].shape[0] > count:
        activations, gradients = ([one[:count] for one in several] for several in (activations, gradients))
    return Samples(np.asarray(alphas[:count]), values, u, y, tuple(activations), tuple(gradients))


def padded(values, size):
    """The values of one batch, the last repeated up to `size` where every length would be compiled anew: one compiled
    program then serves every batch."""
    fill = max(size, FULL) - values.shape[0]
    if fill <= 0 or not backend.compiles_each_shape():
        return values
    return ops.concatenate([values, ops.repeat(values[-1:], fill, axis=0)], axis=0)


def batch_size(classifier, layers, budget, points, known=False):
    """How many points of the path go through the network at once; known: only behind the one layer.

    Behind the first of the layers every map is kept for the backward pass, and as much again is made on the way back;
    before it only the largest maps live at a time. Where that part is not run, as many more points make a batch as it
    would have been work, reckoned by the size of the maps: reading large weights then takes fewer turns.
    """
    sizes = classifier.anatomy.bytes_per_image
    names = [found.name for found in classifier.anatomy.layers]
    here = min(0 if layer.call is None else names.index(layer.name) for layer in layers)
    behind = sum(sizes[here:])
    per_point = 2 * behind + (0 if known else 2 * max(sizes[: here + 1]))
    largest = _largest_batch()
    if known:
        largest = largest * sum(sizes) // behind
    return int(np.clip(budget // max(per_point, 1), 1, min(largest, points)))


def forward_batch(classifier, budget, pictures):
    """How many pictures go through the network at once where nothing comes back."""
    per_picture = 2 * max(classifier.anatomy.bytes_per_image)
    return int(np.clip(budget // max(per_picture, 1), 1, min(_largest_batch(), max(pictures, 1))))


def _largest_batch():
    return LARGEST_BATCH.get(backend.device(), LARGEST_BATCH["GPU"])


def even_share(left, size):
    """The next batch when `left` points go in batches of at most `size`, as equal as can be."""
    batches = -(-left // size)
    return -(-left // batches)
