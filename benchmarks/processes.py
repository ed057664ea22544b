"""Starts a way of explaining in a process of its own (`benchmarks.worker`) and talks to it.

Imports no framework, so that a command that starts ten of them stays small itself.
"""

import importlib.util
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from benchmarks.worker import WAYS

ROOT = Path(__file__).resolve().parents[1]


class Fault(Exception):
    """What went wrong inside the process, in its words."""


class Process:
    """way: a key of WAYS. framework: what Keras runs on there, and `environment` what else is set for it.

    settings: for `benchmarks.worker.Worker`. Use it as a context manager. Raises Fault where the way cannot begin.
    """

    def __init__(self, way, network, class_index, framework="tensorflow", environment=None, **settings):
        path = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
        quiet = {"TF_CPP_MIN_LOG_LEVEL": "3", "PYTHONWARNINGS": "ignore"}
        settings_there = quiet | {"KERAS_BACKEND": framework, "PYTHONPATH": path} | (environment or {})
        self._said = tempfile.TemporaryFile("w+", errors="replace")  # noqa: SIM115
        self._child = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._said,
            text=True,
            cwd=ROOT,
            env=os.environ | settings_there,
        )
        try:
            self.about = self.ask("begin", way=way, network=network, class_index=class_index, **settings)
        except BaseException:
            self.close()
            raise

    def ask(self, verb, **request):
        """What the worker answers, a dictionary."""
        try:
            self._child.stdin.write(json.dumps({"do": verb} | request) + "\n")
            self._child.stdin.flush()
            line = self._child.stdout.readline()
        except BrokenPipeError:
            line = ""
        if not line:
            raise Fault(f"the process ended: {self._last_words()}")
        reply = json.loads(line)
        if "fault" in reply:
            raise Fault(reply["fault"])
        return reply

    def run(self, layers, steps):
        return self.ask("run", layers=list(layers), steps=steps)

    def answers(self, layer, steps):
        """{name: array}, see `benchmarks.ways`."""
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "answers.npz"
            self.ask("answers", layer=layer, steps=steps, file=str(file))
            with np.load(file) as found:
                return dict(found)

    def answers_at(self, layers, steps):
        """{layer: {name: array}} of several layers from one sweep."""
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "answers.npz"
            self.ask("answers_at", layers=list(layers), steps=steps, file=str(file))
            found = {layer: {} for layer in layers}
            with np.load(file) as arrays:
                for name, array in arrays.items():
                    layer, _, method = name.rpartition(":")
                    found[layer][method] = array
            return found

    def close(self):
        self._child.stdin.close()
        try:
            self._child.wait(30)
        except subprocess.TimeoutExpired:
            self._child.kill()
            self._child.wait()
        self._child.stdout.close()
        self._said.close()

    def __enter__(self):
        return self

    def __exit__(self, *fault):
        self.close()

    def _last_words(self):
        self._child.wait(30)
        self._said.seek(0)
        lines = self._said.read().strip().splitlines()
        return lines[-1] if lines else f"exit status {self._child.returncode}"


def missing(way):
    """The package a way needs that is not installed; None where nothing is missing."""
    package = WAYS[way][2]
    return package if package and importlib.util.find_spec(package) is None else None
