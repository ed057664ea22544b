"""What the paper says of the three methods (sections 4.3 and 5), held against the table of an evaluation.

Every verdict follows from a 95 % interval (see `explorer.evaluation.statistics`): wholly on the claimed side it
supports the claim, wholly on the other it contradicts it, else the claim is undecided. "Last" and "next to last" are
the two deepest layers of the table. The paper's one sentence on Figures 16 and 17 can be read in more than one way; it
is read here as: RSI-Grad-CAM does better than Grad-CAM at both layers, by both measures.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from explorer.evaluation.statistics import MEASURE, measured, paired, unpaired
from explorer.evaluation.table import label
from explorer.formatting import short, signed, with_interval

if TYPE_CHECKING:
    from explorer.evaluation.table import Table


SUPPORTED, CONTRADICTED, UNDECIDED, NOT_TESTED = "supported", "contradicted", "undecided", "not tested"
GRAD_CAM, INTEGRATED, RSI = "grad_cam", "integrated_grad_cam", "rsi_grad_cam"
BLOCKS = ("last", "next to last")
SIMILAR = 0.05  # a share of the energy that we call no difference; the paper says "similar" and gives no number
MIN_PICTURES = 10  # pictures; fewer give no interval worth the name
SMALLEST = 1e-38  # 1 − p below it, or zero, is taken for it: the logarithm has to be finite
WITH_BOXES = ("energy", "pointing", "iou_mean")


@dataclass(frozen=True)
class Claim:
    """text: the paper's claim in our words. where: section and figure. measured: what was found, or why the claim was
    not tested, in a sentence. low, high: the 95 % interval of the difference, NaN where not tested. verdict:
    "supported", "contradicted", "undecided" or "not tested"."""

    text: str
    where: str
    measured: str
    low: float
    high: float
    verdict: str


def claims(table: Table, settings: Mapping[str, Any]) -> list[Claim]:
    """The paper's claims, each a Claim, in its order. settings: as in settings.json; "epsilon" is read."""
    layers = dict(zip(BLOCKS, reversed(table.layers), strict=False))
    both = [(block, layers.get(block)) for block in BLOCKS]
    last, deeper = layers.get("last"), layers.get("next to last")
    return [
        *(_nearer_zero(table, block, layer, other) for block, layer in both for other in (RSI, INTEGRATED)),
        *(_darker(table, block, layer, other, settings) for block, layer in both for other in (RSI, INTEGRATED)),
        *(_dark_when_sure(table, block, layer) for block, layer in both),
        *(_better(table, "drop", block, layer, GRAD_CAM) for block, layer in both),
        *(_better(table, "increase", block, layer, GRAD_CAM) for block, layer in both),
        _compared(
            table,
            "Integrated Grad-CAM's average drop is worse at the next to last layer than at the last",
            "Section 4.3.3, Figures 16, 17",
            "drop",
            (deeper, INTEGRATED),
            (last, INTEGRATED),
            above,
        ),
        *(_better(table, "energy", block, layer, GRAD_CAM) for block, layer in both),
        _compared(
            table,
            f"RSI-Grad-CAM's and Integrated Grad-CAM's pixel energy are similar at the last layer (within "
            f"{100 * SIMILAR:.0f} points)",
            "Section 4.3.4, Figure 19",
            "energy",
            (last, RSI),
            (last, INTEGRATED),
            similar,
        ),
        _better(table, "energy", "next to last", deeper, INTEGRATED),
        *(_better(table, "iou_mean", "next to last", deeper, other) for other in (GRAD_CAM, INTEGRATED)),
    ]


def above(low: float, high: float) -> str:
    """The verdict on "the difference is above zero"."""
    return SUPPORTED if low > 0 else CONTRADICTED if high < 0 else UNDECIDED


def below(low: float, high: float) -> str:
    """The verdict on "the difference is below zero"."""
    return above(-high, -low)


def similar(low: float, high: float) -> str:
    """The verdict on "the difference is within ±SIMILAR"."""
    if max(-low, high) <= SIMILAR:
        return SUPPORTED
    return CONTRADICTED if low > SIMILAR or high < -SIMILAR else UNDECIDED


FIGURES = {
    "drop": ("Section 4.3.3", {"last": 16, "next to last": 17}),
    "increase": ("Section 4.3.3", {"last": 16, "next to last": 17}),
    "energy": ("Section 4.3.4", {"last": 19, "next to last": 19}),
    "iou_mean": ("Section 4.3.4", {"last": 20, "next to last": 21}),
}


def _better(table, key, block, layer, other):
    """RSI-Grad-CAM does better than another method by a measure."""
    section, figures = FIGURES[key]
    side, judge = {"lower": ("lower", below), "higher": ("higher", above)}[MEASURE[key].better]
    text = f"RSI-Grad-CAM's {MEASURE[key].label} is {side} than {label(other)}'s at the {block} layer"
    return _compared(table, text, f"{section}, Figure {figures[block]}", key, (layer, RSI), (layer, other), judge)


def _darker(table, block, layer, other, settings):
    text = (
        f"Grad-CAM gives more dark heatmaps than {label(other)} at the {block} layer, ε = {short(settings['epsilon'])}"
    )
    return _compared(table, text, "Section 4.3.2, Figure 15", "dark", (layer, GRAD_CAM), (layer, other), above)


def _compared(table, text, where, key, one, other, judge):
    """A claim on the mean difference of a measure, (layer, method) one minus other, over the pictures both have."""
    why = _missing(table, one, other)
    if why:
        return _not_tested(text, where, why)
    a, b = (measured(table, key)[rows] for rows in table.both(one, other))
    there = np.isfinite(a - b)
    if there.sum() < MIN_PICTURES:
        return _not_tested(text, where, _too_few(table, key, there.sum()))
    interval = paired(a, b)
    measured_words = (
        f"{_named(one, other)} {_per_cent(a[there])}, {_named(other, one)} {_per_cent(b[there])}: a difference of "
        f"{_points(interval)}; {_place(one, other)}{there.sum():,} pictures."
    )
    return Claim(text, where, measured_words, interval.low, interval.high, judge(interval.low, interval.high))


def _nearer_zero(table, block, layer, other):
    """Compared as logarithms to base 10 of the raw means, as Figure 13's values range over many decades."""
    text = f"Grad-CAM's raw values are nearer to zero than {label(other)}'s at the {block} layer"
    where = "Section 4.3.2, Figure 13"
    why = _missing(table, (layer, GRAD_CAM), (layer, other))
    if why:
        return _not_tested(text, where, why)
    means = np.stack([table["raw_mean"][rows] for rows in table.both((layer, GRAD_CAM), (layer, other))])
    blank = (means == 0).any(axis=0)
    logs = np.log10(np.where(means > 0, means, np.nan))
    count = int(np.isfinite(logs).all(axis=0).sum())
    if count < MIN_PICTURES:
        return _not_tested(text, where, _too_few(table, "raw_mean", count))
    interval = paired(*logs)
    factor, low, high = (short(10**number) for number in interval)
    words = (
        f"Grad-CAM's raw mean is {factor} times {label(other)}'s (95 %: {low} to {high}; geometric mean); {layer}, "
        f"{count:,} pictures{_left_out(blank.sum())}."
    )
    return Claim(text, where, words, interval.low, interval.high, below(interval.low, interval.high))


def _dark_when_sure(table, block, layer):
    text = f"Grad-CAM's dark heatmaps come where the network's output is close to 1, at the {block} layer"
    where = "Section 4.3.2, Figure 15"
    why = _missing(table, (layer, GRAD_CAM))
    if why:
        return _not_tested(text, where, why)
    rows = table.of(layer, GRAD_CAM)
    sureness = -np.log10(np.maximum(table["complement"][rows], SMALLEST))
    dark = table["dark"][rows]
    groups = sureness[dark == 1], sureness[dark == 0]
    if min(map(len, groups)) < MIN_PICTURES:
        counts = f"{len(groups[0]):,} of Grad-CAM's heatmaps are dark and {len(groups[1]):,} are not at {layer}"
        return _not_tested(text, where, f"{counts}; it takes {MIN_PICTURES} of each.")
    interval = unpaired(*groups)
    on_average = [f"1 − {short(10 ** -np.nanmean(group))}" for group in groups]
    ends = f"{signed(f'{interval.low:.1f}')} to {signed(f'{interval.high:.1f}')}"
    words = (
        f"On average p = {on_average[0]} where dark and {on_average[1]} where not (geometric means of 1 − p): "
        f"{interval.mean:.1f} decades nearer to 1 (95 %: {ends}); {layer}, "
        f"{len(groups[0]):,} dark and {len(groups[1]):,} others."
    )
    return Claim(text, where, words, interval.low, interval.high, above(interval.low, interval.high))


def _missing(table, *groups):
    """Why a comparison of these (layer, method) cannot be made, or None."""
    if not len(table):
        return "No picture was evaluated."
    for layer, method in groups:
        if layer is None:
            return "Only one layer was evaluated."
        if method not in table.methods:
            return f"{label(method)} was not evaluated."
        if not len(table.of(layer, method)):
            return f"{label(method)} was not evaluated at {layer}."
    return None


def _too_few(table, key, count):
    if key in WITH_BOXES and not (table["boxes"] > 0).any():
        return "No boxes were given."
    return f"{count:,} pictures have both values; it takes {MIN_PICTURES}."


def _not_tested(text, where, why):
    return Claim(text, where, why, math.nan, math.nan, NOT_TESTED)


def _named(group, other):
    """What tells one (layer, method) from the other."""
    return label(group[1]) if group[1] != other[1] else group[0]


def _place(one, other):
    return f"{one[0]}, " if one[0] == other[0] else ""


def _per_cent(values):
    """The mean, in as many digits as its standard error supports."""
    mean, error = values.mean(), 1.96 * values.std() / math.sqrt(len(values))
    return with_interval(mean, mean - error, mean + error, share=True)[0]


def _points(interval):
    mean, ends = with_interval(100 * interval.mean, 100 * interval.low, 100 * interval.high)
    return f"{mean} point{'' if mean in ('1', '−1') else 's'} (95 %: {ends})"


def _left_out(count):
    return f", {count:,} left out whose map is blank" if count else ""
