"""Times as ratios: the ways one after the other in every round, and the median over the rounds."""

import statistics
import time
from dataclasses import dataclass


def seconds(work):
    """How long `work()` takes."""
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def interleaved(ways, rounds, tell=None):
    """{name: [seconds, one a round]}, in every round each way once, so that a noisy machine slows all alike.

    ways: {name: a function that does the work once and returns its seconds}. One round before these, which is not
    counted, compiles and warms up. tell: called with a line about each step.
    """
    times = {name: [] for name in ways}
    for done in range(rounds + 1):
        for name, way in ways.items():
            taken = way()
            if tell:
                tell(f"  {f'round {done} of {rounds}' if done else 'warm-up'}: {name} {taken:.2f} s")
            if done:
                times[name].append(taken)
    return times


@dataclass(frozen=True)
class Ratio:
    """Of times taken in the same rounds."""

    median: float
    lowest: float
    highest: float

    def __str__(self):
        digits = 3 if self.median < 0.1 else 2
        return f"{self.median:.{digits}f} ({self.lowest:.{digits}f}–{self.highest:.{digits}f})"


def ratio(times, name, to):
    """The Ratio of one way's times to another's, each round's by itself."""
    ratios = [mine / other for mine, other in zip(times[name], times[to], strict=True)]
    return Ratio(statistics.median(ratios), min(ratios), max(ratios))
