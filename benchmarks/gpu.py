"""What an explanation takes on a graphics card: milliseconds, memory of the card, and the error of each precision.

    python -m benchmarks.gpu [--backends jax torch] [--precisions float32 tf32 bfloat16] [--parts time captum error]

It runs on the Python it is started with, which needs this project's packages but TensorFlow, Gradio and the pins, and
captum for the comparison with it. Every figure is taken in a process of its own. Figures accumulate in
measured.json beside RESULTS.md, so that a long run can be made in several commands. Without a graphics card it
measures nothing and says so; `--allow-cpu --network tiny --steps 4 --rounds 1` tries the same code on a processor.
"""

import argparse
import importlib.util
import os
import statistics
import sys

from benchmarks import gpu_tables, results
from benchmarks.agreement import distance
from benchmarks.processes import Fault, Process, missing

BACKENDS = ("jax", "torch")
PRECISIONS = ("float32", "tf32", "bfloat16")
PARTS = ("time", "captum", "error")
WARM_UP = 3
SIXTEEN = 15  # steps, for 16 evaluations
SCORE = "probability"  # what the page shows first
# Memory is taken as it is needed, so that what was taken at most can be told.
ENVIRONMENT = {"XLA_PYTHON_CLIENT_PREALLOCATE": "false", "TF_FORCE_GPU_ALLOW_GROWTH": "true"}


def works(ends, steps):
    """{name: (layers, steps)} of what is timed, the shallowest block end first in `ends`."""
    deepest = ends[:-3:-1]
    found = {f"`{layer}`": ([layer], steps) for layer in deepest}
    found[f"{len(ends)} block ends"] = (ends, steps)
    found[f'`{deepest[0]}`, steps="auto"'] = (deepest[:1], "auto")
    found[f"`{deepest[0]}`, 16 evaluations"] = (deepest[:1], SIXTEEN)
    return found


class Run:
    """One invocation of the command: what was asked, and the figures so far."""

    def __init__(self, asked):
        self.asked = asked
        self.class_index = None  # the most probable; all processes are then told which that is
        self.kept = results.recall(asked.folder).get("gpu", {})

    def process(self, way, backend, precision=None, environment=None, **options):
        environment = ENVIRONMENT | (environment or {})
        return Process(way, self.asked.network, self.class_index, backend, environment, precision=precision, **options)

    def ours(self, backend, precision):
        return self.process("ours", backend, precision, score=SCORE)

    def keep(self, table, *key, **figures):
        """Figures under kept[table][network, steps, backend, …], on disk at once."""
        name = " / ".join([self.asked.network, str(self.asked.steps), *key])
        self.kept.setdefault(table, {})[name] = figures
        results.keep("gpu", self.kept, self.asked.folder)
        print(f"{table}: {name}: {figures}", flush=True)

    def time_of(self, process, layers, steps):
        """Median milliseconds after warming up, with the card's memory at most (bytes, or None)."""
        process.ask("run", layers=layers, steps=steps, rounds=WARM_UP)
        reply = process.ask("run", layers=layers, steps=steps, rounds=self.asked.rounds)
        return {"ms": 1000 * statistics.median(reply["seconds"]), "memory": reply["device_peak"]}

    def times(self, backend, precision, ends):
        """Ours at every work, and the forward pass in the same batches."""
        steps = self.asked.steps
        for name, (layers, number) in works(ends, steps).items():
            with self.ours(backend, precision) as process:
                figures = self.time_of(process, layers, number)
                evaluations = process.ask("evaluations", layers=layers, steps=number)["evaluations"]
                where = process.about["where"]
            self.keep("time", backend, precision, name, **figures, evaluations=evaluations, where=where)
        with self.ours(backend, precision) as process:
            batches = process.ask("batches", layer=ends[-1], steps=steps)["batches"]
        with self.process("forward", backend, precision, batches=batches) as process:
            figures = self.time_of(process, ends[-1:], steps)
            self.keep(
                "time",
                backend,
                precision,
                "forward pass",
                **figures,
                evaluations=steps + 1,
                where=process.about["where"],
            )

    def captum(self, precision, ends):
        """captum's LayerConductance at the last two block ends, on PyTorch, in bfloat16 the whole network."""
        half = precision == "bfloat16"
        settings = {"precision": None if half else precision, "dtype": "bfloat16" if half else "float32"}
        for layer in ends[:-3:-1]:
            with self.process("captum", "torch", **settings) as process:
                figures = self.time_of(process, [layer], self.asked.steps)
                self.keep(
                    "time",
                    "captum",
                    precision,
                    f"`{layer}`",
                    **figures,
                    evaluations=self.asked.steps + 1,
                    where=process.about["where"],
                )

    def peer(self, ends):
        if package := missing("captum"):
            print(f"{package} is not installed here, so nothing is measured against it.")
            return
        for precision in self.asked.precisions:
            self.captum(precision, ends)

    def errors(self, backend, precisions, ends):
        """How far the maps of each precision are from those in float64, at every block end."""
        with self.process("float64", backend, environment={"JAX_ENABLE_X64": "1"}) as process:
            exact = {layer: process.answers(layer, self.asked.steps) for layer in ends}
        for precision in precisions:
            with self.ours(backend, precision) as process:
                for layer in ends:
                    found = process.answers(layer, self.asked.steps)
                    off = {method: distance(found[method], exact[layer][method]) for method in exact[layer]}
                    self.keep("error", backend, precision, f"`{layer}`", **off)

    def run(self, backend):
        """What is asked for of ours, on one backend. The names of the block ends, or None without a graphics card."""
        with self.ours(backend, None) as process:
            device, ends = process.about["device"], process.ask("block_ends")["names"]
            self.class_index = process.ask("likeliest", layer=ends[-1])["class_index"]
        if device != "GPU" and not self.asked.allow_cpu:
            print(f"{backend} sees no graphics card here, so nothing is measured with it.")
            return None
        if "time" in self.asked.parts:
            for precision in self.asked.precisions:
                self.times(backend, precision, ends)
        if "error" in self.asked.parts:
            self.errors(backend, self.asked.precisions, ends)
        return ends


def parser():
    found = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    found.add_argument("--backends", nargs="+", default=None, help="jax, torch or tensorflow; by default those found")
    found.add_argument("--precisions", nargs="+", default=list(PRECISIONS), choices=PRECISIONS)
    found.add_argument("--parts", nargs="+", default=list(PARTS), choices=PARTS)
    found.add_argument("--network", default="vgg19")
    found.add_argument("--steps", type=int, default=200)
    found.add_argument("--rounds", type=int, default=10)
    found.add_argument("--allow-cpu", action="store_true", help="where there is no graphics card, use the processor")
    found.add_argument("--folder", default=results.FOLDER, help="where RESULTS.md and measured.json are")
    return found


def installed():
    """The backends to measure: the one KERAS_BACKEND names, else those of BACKENDS that are installed."""
    named = os.environ.get("KERAS_BACKEND")
    return [named] if named else [name for name in BACKENDS if importlib.util.find_spec(name)]


def main(arguments=None):
    asked = parser().parse_args(arguments)
    backends = asked.backends or installed()
    if not backends:
        print("Neither JAX nor PyTorch is installed here, so there is nothing to measure a graphics card with.")
        return
    run = Run(asked)
    try:
        ends = [found for found in map(run.run, backends) if found]
        if ends and "captum" in asked.parts:
            run.peer(ends[0])
    except Fault as fault:
        sys.exit(f"The measurement broke off: {fault}")
    if ends:
        text = gpu_tables.text(run.kept)
        results.write_section("gpu", text, asked.folder)
        print("\n" + text)


if __name__ == "__main__":
    main()
