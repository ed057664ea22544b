"""Many machines: the same outcomes from a cluster of Ray, each worker with a network of its own."""

import os
import pickle

from explorer.errors import InputError
from explorer.evaluation.measuring import Outcome, measure

IN_A_TASK = 4  # pictures; what a worker has of them is done again where it dies
RETRIES = 2
LOST = "The worker that explained it ended, three times over: there was no room for it, or it was stopped."


def on_ray(address=None, workers=2, gpus_per_worker=0.0):
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
    """One network on some machine."""

    def __init__(self, questions):
        from explorer import backend

        backend.set_precision(questions.precision)
        self.questions, self.classifier = questions, questions.network.load(None)

    def __call__(self, batch):
        items = map(pickle.loads, batch["item"])
        return {"outcome": [pickle.dumps(measure(self.classifier, item, self.questions)) for item in items]}


def _evaluated(ray, questions, items, workers, gpus):
    """Yield an Outcome for every item, as they come."""
    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = False
    context.max_errored_blocks = -1  # pictures whose worker died every time are told of at the end
    tasks = -(-len(items) // IN_A_TASK)
    given = ray.data.from_items([{"item": pickle.dumps(item)} for item in items], override_num_blocks=tasks)
    found = given.map_batches(
        Worker, fn_constructor_args=(questions,), batch_size=IN_A_TASK, num_cpus=1, num_gpus=gpus or None,
        concurrency=min(workers, tasks), max_restarts=-1, max_task_retries=RETRIES,
    )  # fmt: skip
    left = {item.index: item for item in items}
    for batch in found.iter_batches(batch_size=None, prefetch_batches=0):
        for outcome in map(pickle.loads, batch["outcome"]):
            left.pop(outcome.index, None)
            yield outcome
    yield from (Outcome(item.index, item.name, "failed", LOST) for item in left.values())


def _connect(ray, address):
    quiet = {"log_to_driver": False, "logging_level": "ERROR", "include_dashboard": False}
    try:
        if address:
            del quiet["include_dashboard"]
            ray.init(address, runtime_env={"env_vars": _environment()}, **quiet)
        else:
            ray.init(**quiet)
    except (ConnectionError, ValueError, RuntimeError, TimeoutError) as fault:
        raise InputError(f"No cluster of Ray answers at {address!r}: start one, or leave its address out.") from fault


def _environment():
    """What of this process's surroundings decides how a network computes."""
    return {name: os.environ[name] for name in ("KERAS_BACKEND", "KERAS_HOME") if name in os.environ}


def _ray():
    try:
        import ray
        import ray.data
    except ImportError as fault:
        raise InputError("A cluster needs Ray: pip install -r requirements-ray.txt.") from fault
    return ray
