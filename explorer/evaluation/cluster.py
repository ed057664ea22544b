"""Many machines: the same outcomes from a cluster of Ray, each worker with a network of its own."""

import logging
import os
import pickle
import re
import socket
from collections.abc import Callable, Mapping
from pathlib import Path

from explorer.errors import InputError
from explorer.evaluation.measuring import Outcome, measure
from explorer.network.backend import set_precision

IN_A_TASK = 4  # pictures; what a worker has of them is done again where it dies
MAX_TRIES = 3
TRIES = "tries of pictures"
PATIENCE = 10  # seconds for a cluster's first answer
ROOT = Path(__file__).resolve().parents[2]
NOT_SENT = (".git", ".venv", "build", "tests", "docs", "benchmarks")
LOST = f"A worker is replaced where it ends, but {MAX_TRIES} ended while they explained this one: give them more room."


def on_ray(address: Mapping[str, str] | None = None, workers: int = 2, gpus_per_worker: float = 0.0) -> Callable:
    """What `evaluate` takes as its cluster.

    address: of a cluster that is running; None: one of this machine's own, for as long as the evaluation takes.
    workers: how many networks, each loaded once. Raises InputError where Ray is not installed or cannot be reached.
    """
    if workers < 1 or gpus_per_worker < 0:
        raise InputError(
            f"A cluster has at least 1 worker with 0 or more GPUs each; received {workers} and {gpus_per_worker}."
        )
    ray = _ray()

    def outcomes(questions, items):
        _connect(ray, address)
        try:
            yield from _evaluated(ray, questions, items, workers, gpus_per_worker)
        finally:
            ray.shutdown()

    return outcomes


class Worker:
    """One network on some machine, loaded for its first pictures; nothing is lost with it that cannot be had again."""

    def __init__(self):
        self.questions = self.classifier = None

    def __call__(self, batch):
        requests = [pickle.loads(one) for one in batch["request"]]
        return {"outcome": [pickle.dumps(self._outcome(*one)) for one in requests]}

    def _outcome(self, questions, item):
        ray = _ray()
        if ray.get(ray.get_actor(TRIES).once_more.remote(item.index)) > MAX_TRIES:
            return Outcome(item.index, item.name, "failed", LOST)
        if questions != self.questions:
            set_precision(questions.precision)
            self.questions, self.classifier = questions, questions.network.load(None)
        return measure(self.classifier, item, questions)


def _count_tries(ray):
    """The actor that counts how often each picture has been begun: one that ends its worker is not tried for ever."""

    class Tries:  # in here it travels by value, to a process that has no use for Keras
        def __init__(self):
            self.begun = {}

        def once_more(self, index):
            self.begun[index] = self.begun.get(index, 0) + 1
            return self.begun[index]

    tries = ray.remote(num_cpus=0)(Tries).options(name=TRIES).remote()
    ray.get(tries.once_more.remote(None))  # it is there
    return tries


def _evaluated(ray, questions, items, workers, gpus):
    """Yield an Outcome for every item, as they come."""
    tries = _count_tries(ray)  # for as long as somebody holds on to it
    tasks = -(-len(items) // IN_A_TASK)
    requests = [{"request": pickle.dumps((questions, item))} for item in items]
    outcomes = ray.data.from_items(requests, override_num_blocks=tasks).map_batches(
        Worker,
        batch_size=IN_A_TASK,
        num_cpus=1,
        num_gpus=gpus or None,
        compute=ray.data.ActorPoolStrategy(size=min(workers, tasks)),
    )
    for batch in outcomes.iter_batches(batch_size=None, prefetch_batches=0):
        yield from map(pickle.loads, batch["outcome"])
    ray.kill(tries)


def _connect(ray, address):
    quiet = {"log_to_driver": False, "logging_level": logging.ERROR}
    if not address:
        ray.init("local", include_dashboard=False, **quiet)  # left to itself it waits for one that ended long ago
        return
    try:
        if re.fullmatch(r"[^:/]+:\d+", address):
            socket.create_connection(address.split(":"), PATIENCE).close()  # Ray itself would try for minutes
        ray.init(address, runtime_env=_surroundings(), **quiet)
    except (OSError, ValueError, RuntimeError) as fault:
        raise InputError(f"No cluster of Ray answers at {address!r}: start one, or leave its address out.") from fault


def _surroundings():
    """What the workers on other machines have of this one: the explorer itself, and what decides how it computes. The
    pictures they find under the same path."""
    variables = {name: os.environ[name] for name in ("KERAS_BACKEND", "KERAS_HOME") if name in os.environ}
    return {"working_dir": str(ROOT), "excludes": list(NOT_SENT), "env_vars": variables}


def _ray():
    try:
        import ray
        import ray.data
    except ImportError as fault:
        raise InputError("A cluster needs Ray: pip install -r requirements-ray.txt.") from fault
    logging.getLogger("ray.data").setLevel(logging.ERROR)
    ray.data.DataContext.get_current().enable_progress_bars = False
    return ray
