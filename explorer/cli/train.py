"""python -m explorer train"""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import TYPE_CHECKING

from explorer.cli.progress import ProgressLine
from explorer.formatting import duration
from explorer.models.toy import train

if TYPE_CHECKING:
    from argparse import Namespace


SETTLED = 0.03  # of the work, after which the time to go can be told: the start is slower than the rest


def run(arguments: Namespace) -> int:
    """Make the embedded classifier again, or try it on scenes that it has not seen."""
    if arguments.check:
        weights = Path(arguments.out) / "toy_vgg.weights.h5" if arguments.out else None
        print(json.dumps(train.check(arguments.seed, arguments.count, weights)))
        return 0
    begun = time.monotonic()

    def progress(stage, done, total):
        spent = time.monotonic() - begun
        left = f", about {duration(spent * (total / done - 1))} to go" if done > SETTLED * total else ""
        line(f"{stage}{left},", done / total, 1)

    with ProgressLine("ToyVGG", "{:.1%}".format) as line:
        print(train.train(arguments.seed, arguments.out, progress))
    return 0
