"""What an explanation takes on a graphics card: milliseconds, memory of the card, and the error of each precision.

    python -m benchmarks.gpu [--networks vgg19 resnet50 toy-vgg] [--backends jax torch]
                             [--precisions float32 tf32 bfloat16] [--parts time peers error] [--deadline 540]

It runs on the Python it is started with, which needs this project's packages but TensorFlow, Gradio and the pins, and
captum and pytorch-grad-cam for the comparison with them. One process for each backend and precision: of one network
they load and compile side by side, then each is timed while the others wait. Figures go to measured.json beside
RESULTS.md as they come, so that half a run is a result too, and a long one can be made in several commands; after
`--deadline` seconds nothing more is begun. Without a graphics card it measures nothing and says so;
`--allow-cpu --networks tiny --steps 4 --rounds 1` tries the same code on a processor.
"""

import argparse
import importlib.util
import os
import statistics
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass

from benchmarks import gpu_tables, results
from benchmarks.agreement import distance
from benchmarks.processes import Fault, Process, missing

BACKENDS = ("jax", "torch")
PRECISIONS = ("float32", "tf32", "bfloat16")
PARTS = ("time", "peers", "error")
NETWORKS = ("vgg19", "resnet50", "toy-vgg")
WARM_UP = 2  # runs after the first, which compiles
ERROR_STEPS = 50
SCORE = "probability"  # what the page shows first
# Memory is taken as it is needed, so that what was taken at most can be told.
ENVIRONMENT = {"XLA_PYTHON_CLIENT_PREALLOCATE": "false", "TF_FORCE_GPU_ALLOW_GROWTH": "true"}


@dataclass(frozen=True)
class Work:
    """What is timed: verb(layers, steps) of a process; see `benchmarks.worker`."""

    name: str
    layers: tuple
    steps: int | str
    verb: str = "run"


def works(ends, steps_wanted):
    """What is timed of ours, the shallowest block end first in `ends`; what takes more memory comes later."""
    last, found = (ends[-1],), []
    for steps in sorted(steps_wanted):
        found.append(Work(gpu_tables.FORWARD, last, steps, "forward"))
        found.append(Work(f"`{last[0]}`", last, steps))
        found.append(Work(f"`{last[0]}`, another class", last, steps, "another_class"))
    found += [Work(f"{len(ends)} block ends", tuple(ends), steps) for steps in sorted(steps_wanted)]
    return [*found, Work("Grad-CAM alone", last, 1, "grad_cam"), Work(f'`{last[0]}`, steps="auto"', last, "auto")]


class Run:
    """One invocation of the command: what was asked, and the figures so far."""

    def __init__(self, asked):
        self.asked = asked
        self.kept = results.recall(asked.folder).get("gpu", {})
        self.begun = time.monotonic()

    def left(self):
        """Seconds until nothing more is begun."""
        return self.asked.deadline - (time.monotonic() - self.begun)

    def keep(self, table, *key, **figures):
        """Figures under kept[table]["network / steps / backend / …"], on disk at once."""
        name = " / ".join(map(str, key))
        self.kept.setdefault(table, {})[name] = figures
        results.keep("gpu", self.kept, self.asked.folder)
        print(f"{time.monotonic() - self.begun:5.0f} s  {table}: {name}: {figures}", flush=True)

    def fault(self, what, fault):
        print(f"{time.monotonic() - self.begun:5.0f} s  {what} broke off: {fault}", flush=True)

    def run(self):
        """Everything that is asked for, as far as the time goes."""
        measured = []
        for network in self.asked.networks:
            if self.left() <= 0:
                print(f"No time is left for {network}.")
                continue
            measured.append(Measured(self, network))
            measured[-1].all()
        if "peers" in self.asked.parts:
            for one in measured:
                one.peers()


class Measured:
    """One network on every backend in every precision."""

    def __init__(self, run, network):
        self.run, self.network, self.asked = run, network, run.asked
        self.class_index, self.ends = None, None

    def all(self):
        """Every backend and precision: loaded side by side, then compiled and timed one after the other."""
        ways = [(backend, precision) for backend in self.asked.backends for precision in self.asked.precisions]
        with ExitStack() as opened, ThreadPoolExecutor(len(ways)) as together:
            loading = {way: together.submit(self.loaded, opened, *way) for way in ways}
            processes = {way: one.result() for way, one in loading.items()}
            processes = {way: process for way, process in processes.items() if process}
            for way, process in processes.items():
                if "time" in self.asked.parts:
                    self.times(process, *way)
            if processes and "error" in self.asked.parts and self.run.left() > 0:
                self.errors(processes)

    def process(self, way, backend, precision=None, environment=None, **options):
        environment = ENVIRONMENT | (environment or {})
        return Process(way, self.network, self.class_index, backend, environment, precision=precision, **options)

    def loaded(self, opened, backend, precision):
        """A process with the network loaded; None where there is no graphics card."""
        try:
            process = opened.enter_context(self.process("ours", backend, precision, score=SCORE))
            if process.about["device"] != "GPU" and not self.asked.allow_cpu:
                print(f"{backend} sees no graphics card here, so nothing is measured with it.")
                return None
            self.ends = process.ask("block_ends")["names"]
            return process
        except Fault as fault:
            self.run.fault(f"{self.network} on {backend} in {precision}", fault)
            return None

    def times(self, process, backend, precision):
        for work in works(self.ends, self.asked.steps):
            if self.run.left() <= 0:
                return
            ask = {"layers": work.layers, "steps": work.steps, "work": work.verb}
            try:
                process.ask("forget")
                memory = process.ask("run", rounds=1, **ask)["device_peak"]  # compiles
                process.ask("run", rounds=WARM_UP, **ask)
                seconds = process.ask("run", rounds=self.asked.rounds, **ask)["seconds"]
                if work.steps == "auto":
                    evaluations = process.ask("evaluations", layers=work.layers, steps=work.steps)["evaluations"]
                else:
                    evaluations = work.steps + 1
            except Fault as fault:
                self.run.fault(f"{work.name} of {self.network} on {backend} in {precision}", fault)
                continue
            self.run.keep(
                "time",
                self.network,
                work.steps,
                backend,
                precision,
                work.name,
                ms=1000 * statistics.median(seconds),
                lowest=1000 * min(seconds),
                memory=memory,
                evaluations=evaluations,
                where=process.about["where"],
            )

    def errors(self, processes):
        """How far the maps of each precision are from those in float64, at every block end."""
        exact_on, first = next(iter(processes.items()))[0][0], next(iter(processes.values()))
        self.class_index = first.ask("likeliest", layer=self.ends[-1])["class_index"]
        try:
            with self.process("float64", exact_on, environment={"JAX_ENABLE_X64": "1"}) as process:
                exact = {layer: process.answers(layer, ERROR_STEPS) for layer in reversed(self.ends)}
        except Fault as fault:
            self.run.fault(f"{self.network} in float64", fault)
            return
        for (backend, precision), process in processes.items():
            for layer, found in process.answers_at(self.ends, ERROR_STEPS).items():
                off = {method: distance(found[method], exact[layer][method]) for method in exact[layer]}
                self.run.keep("error", self.network, ERROR_STEPS, backend, precision, f"`{layer}`", **off)

    def peers(self):
        """captum's LayerConductance and pytorch-grad-cam's Grad-CAM, in bfloat16 the whole network."""
        if not self.ends:
            return
        self.class_index = self.class_index or 0  # they have to be told one; the time does not depend on which
        for precision in self.asked.precisions:
            half = precision == "bfloat16"
            settings = {"precision": None if half else precision}
            dtype = {"dtype": "bfloat16"} if half else {}
            self.peer("captum", precision, settings | dtype, [(layer, self.asked.steps) for layer in self.ends[:-3:-1]])
            if not half:
                self.peer("pytorch-grad-cam", precision, settings, [(self.ends[-1], [1])])

    def peer(self, way, precision, settings, places):
        if package := missing(way):
            print(f"{package} is not installed here, so nothing is measured against it.")
            return
        if self.run.left() <= 0:
            return
        try:
            with self.process(way, "torch", **settings) as process:
                for layer, all_steps in places:
                    for steps in all_steps:
                        process.ask("forget")
                        process.ask("run", layers=[layer], steps=steps, rounds=WARM_UP)
                        reply = process.ask("run", layers=[layer], steps=steps, rounds=self.asked.rounds)
                        self.run.keep(
                            "time",
                            self.network,
                            steps,
                            way,
                            precision,
                            f"`{layer}`",
                            ms=1000 * statistics.median(reply["seconds"]),
                            lowest=1000 * min(reply["seconds"]),
                            memory=reply["device_peak"],
                            evaluations=steps + 1,
                            where=process.about["where"],
                        )
        except Fault as fault:
            self.run.fault(f"{way} of {self.network} in {precision}", fault)


def parser():
    found = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    found.add_argument("--networks", nargs="+", default=list(NETWORKS))
    found.add_argument("--backends", nargs="+", default=None, help="jax, torch or tensorflow; by default those found")
    found.add_argument("--precisions", nargs="+", default=list(PRECISIONS), choices=PRECISIONS)
    found.add_argument("--parts", nargs="+", default=list(PARTS), choices=PARTS)
    found.add_argument("--steps", type=int, nargs="+", default=[50, 200])
    found.add_argument("--rounds", type=int, default=10)
    found.add_argument("--deadline", type=float, default=540, help="seconds after which nothing more is begun")
    found.add_argument("--allow-cpu", action="store_true", help="where there is no graphics card, use the processor")
    found.add_argument("--folder", default=results.FOLDER, help="where RESULTS.md and measured.json are")
    return found


def installed():
    """The backends to measure: the one KERAS_BACKEND names, else those of BACKENDS that are installed."""
    named = os.environ.get("KERAS_BACKEND")
    return [named] if named else [name for name in BACKENDS if importlib.util.find_spec(name)]


def main(arguments=None):
    asked = parser().parse_args(arguments)
    asked.backends = asked.backends or installed()
    if not asked.backends:
        print("Neither JAX nor PyTorch is installed here, so there is nothing to measure a graphics card with.")
        return
    run = Run(asked)
    try:
        run.run()
    except Fault as fault:
        sys.exit(f"The measurement broke off: {fault}")
    if run.kept:
        text = gpu_tables.text(run.kept)
        results.write_section("gpu", text, asked.folder)
        print("\n" + text)


if __name__ == "__main__":
    main()
