"""Ours against the libraries of others: same network, same weights, same picture, each in a process of its own.

    python -m benchmarks.compare [--network resnet50] [--layer conv5_block3_out] [--steps 50] [--rounds 3]

Before anything is timed, each way has to give what ours gives, to 1e-5 of the greatest value, in all that both compute;
one that does not is told of in the table, not timed, and the exit status is 1. The libraries are those of
requirements-bench.txt; one that is not installed is left out, and the table says so.
"""

import argparse
import contextlib
import sys
from dataclasses import dataclass, field

from benchmarks import results
from benchmarks.agreement import Disagreement, agreement
from benchmarks.processes import Fault, Process, missing
from benchmarks.timing import interleaved, ratio


@dataclass(frozen=True)
class Row:
    label: str
    computes: str
    way: str  # a key of benchmarks.worker.WAYS
    framework: str = "tensorflow"
    options: dict = field(default_factory=dict)


OURS = Row("**RSI Explorer**", "three methods", "ours")
ROWS = (
    Row("forward pass, TensorFlow", "logits of the path", "forward"),
    Row("forward pass, PyTorch", "logits of the path", "forward-pytorch", "torch"),
    Row("the paper in eager TensorFlow", "three methods", "eager"),
    Row("captum LayerConductance", "one integral", "captum", "torch"),
    Row("the same, internal_batch_size=16", "one integral", "captum", "torch", {"batch": 16}),
    Row("pytorch-grad-cam, whole path", "Grad-CAM, m + 1 times", "pytorch-grad-cam", "torch", {"whole_path": True}),
    Row("pytorch-grad-cam", "Grad-CAM, once", "pytorch-grad-cam", "torch"),
    Row("xplique", "Grad-CAM, once", "xplique"),
)


@dataclass
class Seat:
    """A way at the table: its process, or why it has none."""

    row: Row
    process: Process | None = None
    off: float | None = None  # the greatest difference from ours
    reason: str | None = None  # why it is not timed
    disagrees: bool = False
    reply: dict | None = None  # of the last run

    def run(self, layer, steps):
        self.reply = self.process.run([layer], steps)
        return self.reply["seconds"][0]


def seat(row, network, layer, steps, class_index, expected, batches, stack):
    """A Seat whose process has shown that it agrees with ours, or the reason why there is none."""
    if package := missing(row.way):
        return Seat(row, reason=f"not installed: {package}")
    options = row.options | ({"batches": batches} if row.way == "forward" else {})
    try:
        process = stack.enter_context(Process(row.way, network, class_index, row.framework, **options))
        differences = agreement(process.answers(layer, steps), expected)
    except Disagreement as fault:
        process.close()
        return Seat(row, reason=f"not timed: {fault}", disagrees=True)
    except Fault as fault:
        return Seat(row, reason=f"not timed: {fault}")
    return Seat(row, process, max(differences.values()))


def compare(network, layer, steps, rounds, tell, rows=ROWS):
    """(the Seats, ours first, and the seconds of those that are timed, {label: [a round]})"""
    with contextlib.ExitStack() as stack:
        ours = Seat(OURS, stack.enter_context(Process("ours", network, None)), 0.0)
        layer = layer or ours.process.ask("block_ends")["names"][-1]
        class_index = ours.process.ask("likeliest", layer=layer)["class_index"]
        expected = ours.process.answers(layer, steps)
        batches = ours.process.ask("batches", layer=layer, steps=steps)["batches"]
        tell(f"{network}, {layer}, {steps} steps, class {class_index}, batches of {batches}")
        seats = [ours]
        for row in rows:
            seats.append(seat(row, network, layer, steps, class_index, expected, batches, stack))
            tell(f"  {row.label}: {seats[-1].reason or f'agrees to {seats[-1].off:.0e}'}")
        timed = [one for one in seats if one.process]
        ways = {one.row.label: lambda one=one: one.run(layer, steps) for one in timed}
        return layer, seats, interleaved(ways, rounds, tell)


def table(seats, times):
    rows = []
    for one in seats:
        if one.reason:
            rows.append([one.row.label, one.row.computes, one.reason, "", "", ""])
            continue
        share = "1" if one.row is OURS else ratio(times, one.row.label, OURS.label)
        agrees = "" if one.row is OURS else f"{one.off:.0e}"
        memory = [results.size(one.reply[key]) for key in ("peak", "above")]
        rows.append([one.row.label, one.row.computes, agrees, share, *memory])
    columns = ["way", "computes", "differs by", "time ÷ ours", "peak memory", "above the loaded network"]
    return results.table(columns, rows)


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--network", default="resnet50")
    parser.add_argument("--layer", help="by default the last block's end")
    parser.add_argument("--steps", type=int, default=50)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--folder", default=results.FOLDER, help="where RESULTS.md is")
    asked = parser.parse_args(arguments)

    def tell(line):
        print(line, flush=True)

    layer, seats, times = compare(asked.network, asked.layer, asked.steps, asked.rounds, tell)
    title = f"### {asked.network} at `{layer}`, {asked.steps} steps"
    text = f"{title}\n\n{where(seats)}; the median of {asked.rounds} rounds.\n\n{table(seats, times)}"
    results.write_section(f"compare-{asked.network}-{asked.steps}", text, asked.folder)
    tell("\n" + text)
    sys.exit(any(one.disagrees for one in seats))


def where(seats):
    """What the figures were taken on, as the first process tells it, and the versions of what is compared."""
    installed = results.versions("tensorflow", "torch", "captum", "grad-cam", "xplique")
    named = ", ".join(f"{name} {version}" for name, version in installed.items())
    return f"{seats[0].process.about['where']}; {named}"


if __name__ == "__main__":
    main()
