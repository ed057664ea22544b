"""What an explanation costs as steps and layers grow, beside captum and a plain forward pass.

python -m benchmarks.scaling [--network resnet50] [--steps 10 20 50 100] [--layer-steps 20] [--rounds 3]
"""

import argparse
import contextlib
import statistics

from benchmarks import results
from benchmarks.compare import Row
from benchmarks.processes import Process, missing
from benchmarks.timing import interleaved

WAYS = {
    "RSI Explorer, three methods": Row("", "", "ours"),
    "captum, one integral": Row("", "", "captum", "torch"),
    "forward pass": Row("", "", "forward"),
}


def processes(network, stack):
    """{label: Process} of those whose library is installed."""
    first, *others = [label for label, row in WAYS.items() if not missing(row.way)]
    found = {first: stack.enter_context(Process(WAYS[first].way, network, None))}
    end = found[first].ask("block_ends")["names"][-1]
    class_index = found[first].ask("likeliest", layer=end)["class_index"]
    for label in others:
        row = WAYS[label]
        found[label] = stack.enter_context(Process(row.way, network, class_index, row.framework))
    return found


def curves(ways, places, rounds, run, tell):
    """{label: {"seconds": [...], "above": [...]}}, one entry a place, in their order.

    run: (process, place) -> the reply of the worker. Memory is the most above the loaded network so far, so the places
    go from small to large.
    """
    found = {label: {"seconds": [], "above": []} for label in ways}
    for process in ways.values():
        process.ask("forget")
    for place in places:
        above = {}

        def once(label, place=place, above=above):
            reply = run(ways[label], place)
            above[label] = reply["above"]
            return sum(reply["seconds"])

        tell(f"{place}")
        times = interleaved({label: lambda label=label: once(label) for label in ways}, rounds, tell)
        for label in ways:
            found[label]["seconds"].append(statistics.median(times[label]))
            found[label]["above"].append(above[label])
    return found


def in_units(found, unit):
    """The same curves with "time" in units of one measurement instead of seconds, which are this machine's own."""
    return {
        label: {"time": [value / unit for value in curve["seconds"]], "above": curve["above"]}
        for label, curve in found.items()
    }


def table(name, places, found):
    """Time and memory of every way at every place."""
    columns = [name, *(f"{label}: time, memory" for label in found)]
    rows = [
        [place, *(f"{curve['time'][i]:.2f}, {results.size(curve['above'][i])}" for curve in found.values())]
        for i, place in enumerate(places)
    ]
    return results.table(columns, rows)


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--network", default="resnet50")
    parser.add_argument("--steps", type=int, nargs="+", default=[10, 20, 50, 100])
    parser.add_argument("--layer-steps", type=int, default=20, help="steps while the number of layers grows")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--folder", default=results.FOLDER, help="where RESULTS.md is")
    asked = parser.parse_args(arguments)

    def tell(line):
        print(line, flush=True)

    with contextlib.ExitStack() as stack:
        ways = processes(asked.network, stack)
        ours = next(iter(ways))
        ends, where = ways[ours].ask("block_ends")["names"], ways[ours].about["where"]
        steps = sorted(asked.steps)
        by_steps = curves(ways, steps, asked.rounds, lambda process, m: process.run(ends[-1:], m), tell)
        counts = list(range(1, len(ends) + 1))
        with_layers = {label: process for label, process in ways.items() if WAYS[label].way != "forward"}
        by_layers = curves(
            with_layers, counts, asked.rounds, lambda process, n: process.run(ends[-n:], asked.layer_steps), tell
        )
    by_steps = in_units(by_steps, by_steps["forward pass"]["seconds"][-1] / (steps[-1] + 1) * (steps[0] + 1))
    by_layers = in_units(by_layers, by_layers[ours]["seconds"][0])
    measured = {
        "network": asked.network,
        "where": where,
        "layer": ends[-1],
        "layer_steps": asked.layer_steps,
        "steps": {"places": steps, "curves": by_steps},
        "layers": {"places": counts, "curves": by_layers},
    }
    results.keep("scaling", measured, asked.folder)
    text = "\n\n".join(
        [
            "### Cost against steps and layers",
            f"{asked.network}; {where}; the median of {asked.rounds} rounds. Memory is the most above the loaded "
            "network, from the top of the table on.",
            f"At `{ends[-1]}`; a time of 1 is a forward pass over {steps[0] + 1} pictures.",
            table("steps", steps, by_steps),
            f"{asked.layer_steps} steps at the last n block ends; a time of 1 is ours at one of them.",
            table("layers", counts, by_layers),
        ]
    )
    results.write_section("scaling", text, asked.folder)
    tell("\n" + text)


if __name__ == "__main__":
    main()
