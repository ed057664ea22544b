"""An explanation against a plain forward pass, and what the second question about a picture costs.

    python -m benchmarks.forward [--network vgg19] [--steps 50] [--rounds 3] [--ends-steps 8]

Everything runs in one process; see benchmarks/RESULTS.md for what the rows are.
"""

import argparse

from benchmarks import networks, results
from benchmarks.timing import interleaved, ratio, seconds
from benchmarks.ways import Forward, Ours


def layers_table(ours, layers, steps, rounds, tell):
    """Ways against the forward pass in the same batches, and against the sweep: (Markdown, numbers)."""
    rows, numbers = [], {}
    for layer in layers:
        first = ours.explain(layer, steps)
        other = (first.class_index + 1) % len(ours.classifier.class_names)
        forward = Forward(ours.classifier, first.class_index, ours.batches(layer, steps))
        ways = {
            "forward pass": lambda forward=forward, layer=layer: forward.run([layer], steps),
            "three methods": lambda layer=layer: ours.explain(layer, steps),
            "another class": lambda layer=layer, first=first, other=other: ours.explain(
                layer, steps, class_index=other, reuse=first
            ),
        }
        tell(f"{layer}, {steps} steps, batches of {forward.batches}")
        times = interleaved({name: lambda way=way: seconds(way) for name, way in ways.items()}, rounds, tell)
        whole, again = ratio(times, "three methods", "forward pass"), ratio(times, "another class", "three methods")
        rows.append([f"`{layer}`", whole, again])
        numbers[layer] = {"three methods": whole.median, "another class": again.median}
    columns = ["layer", "three methods ÷ forward pass", "another class ÷ three methods"]
    return results.table(columns, rows), numbers


def ends_table(ours, ends, steps, rounds, tell):
    """All block ends in one sweep against the shallowest alone."""
    tell(f"{len(ends)} block ends, {steps} steps")
    ways = {"all": lambda: ours.run(ends, steps), "shallowest": lambda: ours.run(ends[:1], steps)}
    times = interleaved({name: lambda way=way: seconds(way) for name, way in ways.items()}, rounds, tell)
    found = ratio(times, "all", "shallowest")
    row = [f"{len(ends)} block ends at once, {steps} steps", found]
    return results.table(["layers", f"÷ `{ends[0]}` alone"], [row]), {"ends": found.median}


def free_table(ours, layer, steps, rounds):
    """What needs no network: how many pictures were put through it or a part of it, and the time against the sweep."""
    with Counter(ours.classifier) as counter:
        first = ours.explain(layer, steps)
        ways = {
            "the sweep itself": lambda: ours.explain(layer, steps),
            "another ε": lambda: first.at_epsilon(1e-4)["rsi_grad_cam"].heatmap,
            "another variant": lambda: ours.explain(layer, steps, reuse=first, units="all", gradients="positive"),
            "another quadrature": lambda: ours.explain(layer, steps, reuse=first, quadrature="right"),
        }
        counts = {name: counter.during(way) for name, way in ways.items()}
    times = interleaved({name: lambda way=way: seconds(way) for name, way in ways.items()}, rounds)
    rows = [[name, counts[name], f"{ratio(times, name, 'the sweep itself').median:.4f}"] for name in ways]
    columns = ["question", "pictures put through the network", "time ÷ sweep"]
    return results.table(columns, rows), {"pictures": counts}


class Counter:
    """Counts the pictures that a classifier's network is asked about, wholly or in part, by standing in front of it."""

    def __init__(self, classifier):
        self.classifier, self.count = classifier, 0

    def during(self, work):
        before = self.count
        work()
        return self.count - before

    def __enter__(self):
        sampler, values = self.classifier.sampler, self.classifier.values

        def counting(*question):
            run = sampler(*question)

            def counted(start, end, alphas, *rest):
                self.count += len(alphas)
                return run(start, end, alphas, *rest)

            return counted

        def counted_values(images):
            self.count += len(images)
            return values(images)

        self.classifier.sampler, self.classifier.values = counting, counted_values
        return self

    def __exit__(self, *fault):
        del self.classifier.sampler, self.classifier.values


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--network", default="vgg19")
    parser.add_argument("--steps", type=int, default=50)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--ends-steps", type=int, default=8, help="steps for all block ends at once")
    parser.add_argument("--folder", default=results.FOLDER, help="where RESULTS.md is")
    asked = parser.parse_args(arguments)

    def tell(line):
        print(line, flush=True)

    ours = Ours(networks.load(asked.network), None)
    ends = networks.block_ends(ours.classifier)
    deepest = ends[:-3:-1]  # the last two, the last one first
    tables, numbers = [], {}
    for text, found in (
        layers_table(ours, deepest, asked.steps, asked.rounds, tell),
        ends_table(ours, ends, asked.ends_steps, asked.rounds, tell),
        free_table(ours, deepest[0], asked.steps, asked.rounds),
    ):
        tables.append(text)
        numbers |= found
    title, where = f"### {ours.classifier.name}, {asked.steps} steps", networks.where()
    text = "\n\n".join([title, f"{where}; the median of {asked.rounds} rounds.", *tables])
    results.write_section(f"forward-{asked.network}", text, asked.folder)
    results.keep(f"forward-{asked.network}", numbers, asked.folder)
    tell("\n" + text)


if __name__ == "__main__":
    main()
