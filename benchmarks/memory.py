"""The most memory an explanation takes, above the loaded network and in all.

    python -m benchmarks.memory                       both figures below; about an hour on two processor cores
    python -m benchmarks.memory --network vgg19 --layer block1_pool --steps 100

Without arguments: VGG-19 at `block1_pool` with 100 and with 1,000 steps, and ResNet-50 with 50 at its last layer. Each
in a process of its own, the first explanation in it, with whatever it compiles.
"""

import argparse

from benchmarks import results
from benchmarks.processes import Process

USUAL = (("resnet50", None, 50), ("vgg19", "block1_pool", 100), ("vgg19", "block1_pool", 1000))


def measured(network, layer, steps):
    """(the layer, the worker's reply, where)"""
    with Process("ours", network, 0) as process:
        layer = layer or process.ask("block_ends")["names"][-1]
        return layer, process.run([layer], steps), process.about["where"]


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--network", help="by default the three measurements named above")
    parser.add_argument("--layer", help="by default the last block's end")
    parser.add_argument("--steps", type=int, default=50)
    parser.add_argument("--folder", default=results.FOLDER, help="where RESULTS.md is")
    asked = parser.parse_args(arguments)
    wanted = ((asked.network, asked.layer, asked.steps),) if asked.network else USUAL

    kept = results.recall(asked.folder).get("memory", [])
    for network, layer, steps in wanted:
        layer, reply, where = measured(network, layer, steps)
        print(f"{network}, {layer}, {steps} steps: {results.size(reply['above'])} above the network", flush=True)
        kept = [row for row in kept if row[:3] != [network, layer, steps]]
        kept.append([network, layer, steps, reply["above"], reply["peak"], where])
    kept.sort(key=lambda row: row[:3])
    results.keep("memory", kept, asked.folder)
    rows = [
        [network, f"`{layer}`", f"{steps:,}", results.size(above), results.size(peak), where]
        for network, layer, steps, above, peak, where in kept
    ]
    columns = ["network", "layer", "steps", "above the loaded network", "in all", "taken on"]
    text = "### Memory\n\n" + results.table(columns, rows)
    results.write_section("memory", text, asked.folder)
    print("\n" + text)


if __name__ == "__main__":
    main()
