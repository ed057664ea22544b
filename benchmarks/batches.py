"""How many points of the path to put through the network at once: time by the size of the batch.

python -m benchmarks.batches [--network toy-vgg] [--steps 50] [--rounds 5]
"""

import argparse

from benchmarks import networks, results
from benchmarks.timing import interleaved, ratio, seconds
from benchmarks.ways import Ours
from explorer.engine import sweep

SIZES = (4, 8, 16, 32, 64)


def at(ours, size, layer, steps):
    """Seconds of an explanation in batches of at most `size`."""
    usual = sweep.LARGEST_BATCH
    sweep.LARGEST_BATCH = dict.fromkeys(usual, size)
    try:
        return seconds(lambda: ours.run([layer], steps))
    finally:
        sweep.LARGEST_BATCH = usual


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--network", default="toy-vgg")
    parser.add_argument("--steps", type=int, default=50)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--folder", default=results.FOLDER, help="where RESULTS.md is")
    asked = parser.parse_args(arguments)

    ours = Ours(networks.load(asked.network), None)
    layer, usual = networks.block_ends(ours.classifier)[-1], sweep.LARGEST_BATCH["CPU"]
    ways = {size: lambda size=size: at(ours, size, layer, asked.steps) for size in sorted({*SIZES, usual})}
    times = interleaved(ways, asked.rounds)
    text = "\n\n".join(
        [
            f"### Batches: {asked.network} at `{layer}`, {asked.steps} steps",
            f"{networks.where()}; the median of {asked.rounds} rounds. On a processor we take {usual}.",
            results.table(
                ["points at once, at most", f"time ÷ that of {usual}"], [[n, ratio(times, n, usual)] for n in ways]
            ),
        ]
    )
    results.write_section("batches", text, asked.folder)
    print("\n" + text)


if __name__ == "__main__":
    main()
