"""From the table of an evaluation to means, their intervals, paired differences, rolling averages and dark heatmaps.

An interval is the 95 % percentile bootstrap interval of a mean over pictures (Efron and Tibshirani, An Introduction to
the Bootstrap, 1993, chapter 13): pictures are drawn with replacement, as many as there are, again and again; it spans
the middle 95 % of the means. It is seeded: the same values give the same numbers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from explorer.arrays import Array
from explorer.evaluation.schema import THRESHOLDS, overlap

if TYPE_CHECKING:
    from explorer.evaluation.table import Table


RESAMPLES = 2000
TAILS = (2.5, 97.5)  # per cent
AT_ONCE = 5_000_000  # numbers held at a time: 40 MB
WINDOW = 1000  # pictures in a rolling average, as in the paper's section 4.3.3
EPSILONS = tuple(10.0**-power for power in range(4, 17))
OWN = "rsi_grad_cam"  # the method that the others are compared with


class Interval(NamedTuple):
    """A mean and its 95 % interval; NaN where there is no value, low and high also where there is only one."""

    mean: float
    low: float
    high: float


class Estimate(NamedTuple):
    """A mean over pictures. method: of which method, or, of a difference, the one that is subtracted."""

    layer: str
    method: str
    measure: str
    mean: float
    low: float
    high: float
    count: int


class Dark(NamedTuple):
    """The dark heatmaps at one ε: how many, and the means of p and of 1 − p over their pictures, NaN where none is."""

    epsilon: float
    count: int
    p: float
    complement: float


@dataclass(frozen=True)
class Measure:
    """key: a column of the table, or one of the MEANS below. share: in per cent. better: "higher", "lower" or ""
    where neither is. compared: whether it differs from method to method."""

    key: str
    label: str
    share: bool = False
    better: str = ""
    compared: bool = True


MEANS = {f"{name}_mean": tuple(overlap(name, level) for level in THRESHOLDS) for name in ("iou", "iob", "ior")}
AT = {"25": "at 0.25", "50": "at 0.5", "mean": "(mean over thresholds)"}
MEASURES = (
    Measure("raw_mean", "raw mean, before normalisation"),
    Measure("heatmap_mean", "heatmap mean, after normalisation"),
    Measure("dark", "dark heatmaps", share=True, better="lower"),
    Measure("blank", "blank heatmaps", share=True, better="lower"),
    Measure("drop", "average drop", share=True, better="lower"),
    Measure("increase", "increase in confidence", share=True, better="higher"),
    Measure("energy", "pixel energy", share=True, better="higher"),
    Measure("pointing", "pointing game", share=True, better="higher"),
    *(
        Measure(f"{name}_{at}", f"{words} {AT[at]}", share=True, better="higher")
        for name, words in (("iou", "IoU"), ("iob", "IoB"), ("ior", "IoR"))
        for at in AT
    ),
    Measure("insertion", "insertion, area", better="higher"),
    Measure("deletion", "deletion, area", better="lower"),
    Measure("completeness_gap", "completeness gap", share=True, compared=False),
)
MEASURE = {measure.key: measure for measure in MEASURES}


def interval(values: Array, resamples: int = RESAMPLES, seed: int = 0) -> Interval:
    """The mean of values, (pictures,), and its 95 % interval; those that are not finite are left out."""
    return Interval(*(float(column[0]) for column in intervals(np.asarray(values)[:, None], resamples, seed)))


def intervals(values: Array, resamples: int = RESAMPLES, seed: int = 0) -> tuple[Array, Array, Array]:
    """As `interval`, of many columns at once: values (pictures, columns) -> mean, low, high, each (columns,).

    All columns see the same draws of pictures. What is not finite counts in no mean, whichever picture is drawn.
    """
    values = np.asarray(values, np.float64)
    values = values[np.isfinite(values).any(axis=1)]
    there = np.isfinite(values).astype(np.float64)
    filled = np.where(there, values, 0.0)
    mean = _ratio(filled.sum(axis=0), there.sum(axis=0))
    means = np.concatenate([_ratio(drawn @ filled, drawn @ there) for drawn in _draws(len(values), resamples, seed)])
    low, high = _percentiles(means)
    enough = there.sum(axis=0) > 1
    return mean, np.where(enough, low, np.nan), np.where(enough, high, np.nan)


def paired(a: Array, b: Array, resamples: int = RESAMPLES, seed: int = 0) -> Interval:
    """The interval of the mean of a − b, both (pictures,), over the pictures that have a finite value in both."""
    return interval(np.asarray(a, np.float64) - np.asarray(b, np.float64), resamples, seed)


def unpaired(a: Array, b: Array, resamples: int = RESAMPLES, seed: int = 0) -> Interval:
    """The interval of mean a − mean b of different pictures, (n,) and (m,): each group is drawn from by itself."""
    a, b = (np.asarray(values, np.float64)[np.isfinite(values)] for values in (a, b))
    difference = Interval(float("nan"), float("nan"), float("nan"))
    if len(a) and len(b):
        difference = difference._replace(mean=float(a.mean() - b.mean()))
    if min(len(a), len(b)) > 1:
        means = [
            np.concatenate([drawn @ group / len(group) for drawn in _draws(len(group), resamples, (seed, number))])
            for number, group in enumerate((a, b))
        ]
        low, high = np.percentile(means[0] - means[1], TAILS)
        difference = difference._replace(low=float(low), high=float(high))
    return difference


def window(count: int) -> int:
    """How many pictures a rolling average of `count` takes: 1000, or a tenth of the set where that is less."""
    return max(1, min(WINDOW, count // 10))


def rolling(p: Array, values: Array, window: int) -> tuple[Array, Array]:
    """Means over `window` consecutive pictures sorted by p (section 4.3.3): mean p and mean value, each (n − window +
    1,) for the n pictures that have both; nothing where there are fewer than `window`. p, values: (pictures,)."""
    p, values = np.asarray(p, np.float64), np.asarray(values, np.float64)
    there = np.isfinite(p) & np.isfinite(values)
    order = np.argsort(p[there], kind="stable")
    if len(order) < window:
        return np.empty(0), np.empty(0)
    sums = (np.cumsum(np.concatenate([[0.0], column[there][order]])) for column in (p, values))
    return tuple((total[window:] - total[:-window]) / window for total in sums)


def measured(table: Table, key: str) -> Array:
    """A measure's values, (rows,), by the key of MEASURES: of MEANS the mean over its thresholds, NaN where one
    of them has none: above the lowest, a dark heatmap has no region."""
    if key not in MEANS:
        return table[key]
    return sum(table[column] for column in MEANS[key]) / len(MEANS[key])


def summary(table: Table) -> list:
    """An Estimate a layer, method and measure; none where a measure has no value at all."""
    columns = {measure.key: measured(table, measure.key) for measure in MEASURES}
    estimates = []
    for layer in table.layers:
        for method in table.methods:
            rows = table.of(layer, method)
            estimates += _estimates(layer, method, {key: column[rows] for key, column in columns.items()})
    return estimates


def pairs(table: Table) -> list:
    """An Estimate a layer, other method and measure: RSI-Grad-CAM minus the other, over the pictures both have."""
    columns = {measure.key: measured(table, measure.key) for measure in MEASURES if measure.compared}
    estimates = []
    for layer in table.layers:
        for other in (method for method in table.methods if method != OWN):
            ours, theirs = table.both((layer, OWN), (layer, other))
            estimates += _estimates(
                layer, other, {key: column[ours] - column[theirs] for key, column in columns.items()}
            )
    return estimates


def dark_against_epsilon(table: Table, layer: str, method: str, epsilons: tuple = EPSILONS) -> list[Dark]:
    """One Dark for each ε, as Figure 15: heatmaps with max L − min L < ε, those of blank maps left out."""
    rows = table.of(layer, method)
    rows = rows[table["blank"][rows] != 1]
    spread, p, complement = (table[name][rows] for name in ("spread", "p", "complement"))
    estimates = []
    for epsilon in epsilons:
        dark = spread < epsilon
        count = int(dark.sum())
        means = (float(column[dark].mean()) if count else float("nan") for column in (p, complement))
        estimates.append(Dark(epsilon, count, *means))
    return estimates


def _estimates(layer, method, columns):
    """columns: {measure: (pictures,)}."""
    if not columns or not len(next(iter(columns.values()))):
        return []
    values = np.stack(list(columns.values()), axis=1)
    counts = np.isfinite(values).sum(axis=0)
    return [
        Estimate(layer, method, key, *map(float, numbers), int(count))
        for key, *numbers, count in zip(columns, *intervals(values), counts, strict=True)
        if count
    ]


def _draws(pictures, resamples, seed):
    """Yield how often each picture is drawn, (some resamples, pictures) float64, all `resamples` in turn."""
    rng = np.random.default_rng(seed)
    some = max(1, AT_ONCE // max(1, pictures))
    for start in range(0, resamples, some):
        drawn = np.empty((min(some, resamples - start), pictures))
        for times in drawn:  # one resample at a time stays in the processor's cache
            times[:] = np.bincount(rng.integers(0, max(1, pictures), pictures), minlength=pictures)
        yield drawn


def _ratio(total, count):
    return np.divide(total, count, out=np.full(np.shape(total), np.nan), where=np.asarray(count) > 0)


def _percentiles(means):
    """Of each column of means (resamples, columns), those left out that are NaN: draws that hold no value."""
    ends = np.full((2, means.shape[1]), np.nan)
    for column, numbers in enumerate(means.T):
        numbers = numbers[np.isfinite(numbers)]
        if len(numbers):
            ends[:, column] = np.percentile(numbers, TAILS)
    return ends
