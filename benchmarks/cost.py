"""What an explanation costs, against a plain forward pass over the same points of the path.

    python -m benchmarks.cost [--steps 50] [--repeat 7]

Every row is the median of ratios taken within one round, the two ways one after the other, so that a noisy machine
slows both alike. Absolute times are printed only where there is a GPU.
"""

import argparse
import statistics
import time

import numpy as np

import explorer
from explorer import backend
from explorer.sweep import sweep

LAYERS = ("block5_pool", "block4_pool", "block3_pool", "block1_pool")


def seconds(work):
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def rounds(repeat, *ways):
    """(repeat, ways) seconds, each way once a round, after one round to compile."""
    for way in ways:
        way()
    return np.array([[seconds(way) for way in ways] for _ in range(repeat)])


def plain_pass(classifier, picture, steps):
    """Logits of every point of the path, in pixels: what one forward pass over it costs."""
    alphas = np.linspace(0, 1, steps + 1, dtype=np.float32)[:, None, None, None]
    points = (alphas * picture[None].astype(np.float32)).astype(np.float32)
    return lambda: classifier.logits(points)


def table(classifier, picture, steps, repeat):
    forward = plain_pass(classifier, picture, steps)
    print("| layer | three methods ÷ forward pass | another class ÷ forward pass |")
    print("|---|---|---|")
    for layer in LAYERS:
        first = explorer.explain(classifier, picture, layer=layer, steps=steps)
        other = (first.class_index + 1) % len(classifier.class_names)

        def whole(layer=layer):
            explorer.explain(classifier, picture, layer=layer, steps=steps)

        def again(layer=layer, first=first, other=other):
            explorer.explain(classifier, picture, layer=layer, steps=steps, class_index=other, reuse=first)

        times = rounds(repeat, forward, whole, again)
        ratios = np.median(times[:, 1:] / times[:, :1], axis=0)
        kept = f"{ratios[1]:.2f}" if first.path.activations is not None else f"{ratios[1]:.2f} (path not kept)"
        print(f"| {layer} | {ratios[0]:.2f} | {kept} |", flush=True)
        if backend.device() != "CPU":
            print(f"<!-- {layer}: {1000 * np.median(times, axis=0)} ms -->")


def batches(classifier, picture, steps, repeat, sizes=(4, 8, 16, 32, 64)):
    """The sweep at the default layer by the largest batch, against batches of 16."""
    import explorer.sweep as module

    layer = classifier.layer(None)
    start, end = classifier.preprocess(np.stack([np.zeros_like(picture), picture]))
    alphas = np.linspace(0, 1, steps + 1, dtype=np.float32)
    usual = dict(module.LARGEST_BATCH)

    def at(size):
        def work():
            module.LARGEST_BATCH = dict.fromkeys(usual, size)
            for piece in sweep(classifier, layer, start, end, 0, "probability", alphas):
                backend.fetch(piece.gradients)

        return work

    times = rounds(repeat, *map(at, sizes))
    module.LARGEST_BATCH = usual
    reference = times[:, sizes.index(16)]
    print("\n| points a batch | time ÷ batches of 16 |\n|---|---|")
    for i, size in enumerate(sizes):
        print(f"| {size} | {statistics.median(times[:, i] / reference):.2f} |")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=50)
    parser.add_argument("--repeat", type=int, default=7)
    asked = parser.parse_args()
    classifier = explorer.load("toy-vgg")
    picture = np.random.default_rng(0).integers(0, 256, (*classifier.input_size, 3)).astype(np.uint8)
    print(f"ToyVGG, {asked.steps} steps, {backend.name()} on {backend.device()}\n")
    table(classifier, picture, asked.steps, asked.repeat)
    batches(classifier, picture, asked.steps, asked.repeat)


if __name__ == "__main__":
    main()
