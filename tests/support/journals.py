"""What became of a few pictures, for a journal."""

import numpy as np

from explorer.evaluation.journal import Journal
from explorer.evaluation.measuring import Outcome
from explorer.evaluation.schema import SCHEMA


def row(index, method="grad_cam"):
    rng = np.random.default_rng(index)
    kinds = {
        "int32": lambda: int(rng.integers(100)),
        "double": rng.random,
        "bool": lambda: bool(rng.integers(2)),
        "string": lambda: f"ε “{index}”,\n",
    }
    values = {field.name: kinds[str(field.type)]() for field in SCHEMA}
    return values | {"index": index, "method": method, "energy": None if index % 3 else 0.1 + 0.2}


def outcomes():
    """As they come: in no order, some of them without rows."""
    found = [Outcome(i, f"{i}.png", "evaluated", rows=[row(i), row(i, "rsi_grad_cam")]) for i in range(12)]
    found[4] = Outcome(4, "4.png", "failed", "It is no picture.")
    found[7] = Outcome(7, "7.png", "dropped", "not exactly one box")
    return [found[i] for i in np.random.default_rng(0).permutation(12)]


def kept(folder, some):
    journal = Journal(folder)
    for outcome in some:
        journal.append(outcome)
    return journal
