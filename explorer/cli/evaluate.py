"""python -m explorer evaluate"""

from __future__ import annotations

import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from explorer.cli.options import OWN_CLUSTER, settings
from explorer.cli.progress import INTERRUPTED, ProgressLine
from explorer.errors import InputError
from explorer.evaluation import run as evaluation
from explorer.evaluation.journal import Journal
from explorer.evaluation.questions import PAPER, Questions, Rules
from explorer.evaluation.source import Source
from explorer.models.spec import network
from explorer.network.backend import device
from explorer.stderr import quietly

if TYPE_CHECKING:
    from argparse import Namespace


WORDS_EVERY = 60  # seconds between two lines of progress where the output is a file


def run(arguments: Namespace) -> int:
    """Evaluate, with progress on the terminal; the exit status."""
    rules = Rules(arguments.only_correct, arguments.one_box, arguments.box_under)
    if arguments.paper:
        rules = replace(PAPER, box_under=arguments.box_under or PAPER.box_under)
    source = Source(
        _absolute(arguments.images),
        _absolute(arguments.boxes),
        _classes(arguments.classes),
        arguments.limit,
        arguments.scenes,
        arguments.seed,
    )
    questions = Questions(
        network=network(arguments.model, arguments.weights, arguments.labels, arguments.preprocessing, arguments.head),
        precision=arguments.precision,
        curve_steps=arguments.curve_steps,
        rules=rules,
        **settings(arguments),
    )
    with quietly():  # TensorFlow looks for a graphics card when first used, and complains where there is none
        device()
    try:
        with ProgressLine(arguments.out) as line:
            progress = _Lines(line)
            path = evaluation.evaluate(
                questions, source, arguments.out, arguments.resume, progress, cluster=_cluster(arguments)
            )
    except KeyboardInterrupt:
        print("Stopped; the same command with --resume goes on.", file=sys.stderr)
        return INTERRUPTED
    return _conclude(path)


def _conclude(path):
    """Say what came of the pictures, and where; the exit status."""
    journal = Journal(path.parent)
    counts = evaluation.counts(journal.counts, len(journal))
    dropped = sum(counts["dropped"].values())
    print(
        f"{counts['evaluated']:,} of {len(journal):,} pictures evaluated, {dropped:,} dropped by the rules, "
        f"{counts['failed']:,} failed; see {path}"
    )
    if not counts["evaluated"] and counts["failed"]:
        first = next(one.reason for one in journal if one.status == "failed")
        raise InputError(f"No picture could be evaluated. Of the first that failed: {first}")
    return 0


class _Lines:
    """Progress as a line that is written over, or as one a minute where nobody watches."""

    def __init__(self, line):
        self.line, self.last = line, time.monotonic()

    def __call__(self, stage, done, total):
        self.line(stage, done, total)
        if not self.line.watched and time.monotonic() - self.last >= WORDS_EVERY:
            self.last = time.monotonic()
            print(f"{stage} {done}/{total}", file=sys.stderr, flush=True)


def _cluster(arguments):
    if arguments.ray is None:
        return None
    from explorer.evaluation.cluster import on_ray

    address = None if arguments.ray == OWN_CLUSTER else arguments.ray
    return on_ray(address, arguments.workers, arguments.gpus_per_worker)


def _absolute(path):
    return path and str(Path(path).resolve())


def _classes(word):
    return word if word in ("predicted", "folders", "boxes") else _absolute(word)
