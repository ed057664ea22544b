"""The paper's figures of section 4.3, drawn from the table of an evaluation as Plotly figures.

One panel above the other, so that they can be read on a phone; the deepest layer first, as in the paper.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from explorer import formatting
from explorer.evaluation.report.panels import Look, add_line, looks, panels, two_lines
from explorer.evaluation.schema import OVERLAPS, THRESHOLDS, overlap
from explorer.evaluation.statistics import EPSILONS, MEASURE, dark_against_epsilon, intervals, rolling, window
from explorer.evaluation.table import label
from explorer.formatting import short
from explorer.render.charts.histograms import LINE_COLOUR, SHADE, scientific

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

    from explorer.evaluation.table import Table


BOX = (1, 25, 50, 75, 99)  # percentiles: whiskers, box and median
SMALLEST = 1e-38  # p or 1 − p below it, or zero, is drawn there: the logarithm has to be finite
NEAR_ONE = 1e-4  # 1 − p; from there on p is written as 1 − 2e-8: its nines cannot be counted
POINTS = 400  # of a curve; a screen shows no more
GAP_BINS = 40
OVERLAP_WORDS = {"iou": "IoU", "iob": "IoB, of the box", "ior": "IoR, of the region"}
# p where the axis of log-odds may have a tick, as (log-odds, words)
TICKS = (
    *((np.log(10.0**-n), scientific(10.0**-n)) for n in range(38, 2, -1)),
    *((np.log(p / (1 - p)), f"{p:g}") for p in (0.01, 0.1, 0.5, 0.9, 0.99, 0.999)),
    *((np.log(10.0**n), f"1−{scientific(10.0**-n)}") for n in range(4, 39)),
)


def figures(table: Table, settings: Mapping[str, Any], dark: bool = False) -> dict:
    """{name: Plotly figure} in the order of the report; one whose measure has no value is left out.

    settings: as in settings.json; "epsilon" is read. dark: whether the page is, as in
    `explorer.render.charts.histograms.histograms`.
    """
    drawn = {
        "means_before": ("raw_mean", lambda: means_before(table, dark)),
        "means_after": ("heatmap_mean", lambda: means_after(table, dark)),
        "dark_epsilon": ("spread", lambda: dark_epsilon(table, settings["epsilon"], dark)),
        "drop_and_increase": ("drop", lambda: rolling_averages(table, ("drop", "increase"), dark)),
        "energy": ("energy", lambda: rolling_averages(table, ("energy",), dark)),
        "overlaps": (overlap("iou", 0.5), lambda: overlaps(table, dark)),
        "gap": ("completeness_gap", lambda: gap(table, dark)),
    }
    return {name: draw() for name, (column, draw) in drawn.items() if np.isfinite(table[column]).any()}


def means_before(table: Table, dark: bool = False) -> Figure:
    """Figure 13: box plots of the raw maps' means on a logarithmic axis; exact zeros, which have no place there, are
    counted in words."""
    figure = _boxes(table, "raw_mean", dark, without_zero=True)
    positive = table["raw_mean"][table["raw_mean"] > 0]
    ends = np.log10([positive.min(), positive.max()]) if len(positive) else (-1, 0)
    places, words = _decades(np.floor(ends[0]), np.ceil(ends[1]))
    figure.update_xaxes(type="log", tickvals=10.0**places, ticktext=words)
    figure.update_xaxes(title_text="mean of the raw map, logarithmic", row=len(table.layers), col=1)
    return figure


def means_after(table: Table, dark: bool = False) -> Figure:
    """Figure 14: box plots of the heatmaps' means, after normalisation."""
    figure = _boxes(table, "heatmap_mean", dark)
    figure.update_xaxes(rangemode="tozero", nticks=6)
    figure.update_xaxes(title_text="mean of the heatmap, 0 to 1", row=len(table.layers), col=1)
    return figure


def dark_epsilon(table: Table, epsilon: float, dark: bool = False) -> Figure:
    """Figure 15: how many heatmaps are dark at which ε, the mean p of their pictures written; blank ones hatched."""
    groups = [(layer, method) for layer in reversed(table.layers) for method in table.methods]
    figure = panels([(layer, _dark_words(table, layer, method)) for layer, method in groups], 120, dark)
    styles = looks(table.methods)
    for row, group in enumerate(groups, 1):
        _dark_bars(figure, row, table, group, styles[group[1]])
        figure.add_shape(
            type="rect",
            x0=np.log10(epsilon) - 0.5,
            x1=np.log10(epsilon) + 0.5,
            y0=0,
            y1=1,
            row=row,
            col=1,
            yref="y domain",
            fillcolor=SHADE,
            line_width=0,
            layer="below",
        )
    powers = np.round(np.log10(EPSILONS)).astype(int)[::3]
    words = [scientific(10.0 ** int(power)) for power in powers]
    figure.update_xaxes(tickvals=powers, ticktext=words, range=[np.log10(min(EPSILONS)) - 0.6, -3.4])
    title = f"ε, logarithmic; shaded: this run's, {scientific(epsilon)}"
    figure.update_xaxes(title_text=title, row=len(groups), col=1)
    highest = max(1, *(sum(max(trace.y) for trace in figure.data[i : i + 2]) for i in range(0, len(figure.data), 2)))
    figure.update_yaxes(range=[0, 1.9 * highest], tickvals=[0, highest], tickformat=",")
    figure.update_layout(barmode="stack", bargap=0.15)
    return figure


def rolling_averages(table: Table, measures: tuple, dark: bool = False) -> Figure:
    """Figures 16, 17 and 19: rolling averages of measures over pictures sorted by p, against log-odds.

    A saturated network has nearly all p within 1e-6 of 1, so the axis is ln(p/(1 − p)), its ticks named by p; a point
    stands at the mean log-odds of its window.
    """
    rows = [(layer, key) for layer in reversed(table.layers) for key in measures]
    figure = panels([(layer, MEASURE[key].label) for layer, key in rows], 150, dark, looks(table.methods))
    log_odds = np.log(np.maximum(table["p"], SMALLEST) / np.maximum(table["complement"], SMALLEST))
    spans = []
    for row, (layer, key) in enumerate(rows, 1):
        for method, look in looks(table.methods).items():
            here = table.of(layer, method)
            x, y = _thinned(*rolling(log_odds[here], table[key][here], window(len(here))))
            words = f"{MEASURE[key].label} %{{y:.1%}}, p ≈ %{{customdata}}"
            add_line(figure, row, x, y, look, words, _probabilities(x))
            spans += [x]
        figure.update_yaxes(rangemode="tozero", nticks=5, tickformat=".0%", row=row, col=1)
    _name_probabilities(figure, np.concatenate(spans), len(rows))
    return figure


def overlaps(table: Table, dark: bool = False) -> Figure:
    """Figures 20 and 21: IoU, IoB and IoR against the threshold, with 95 % bands of the mean over pictures."""
    rows = [(layer, name) for layer in reversed(table.layers) for name in OVERLAPS]
    styles = looks(table.methods)
    figure = panels([(layer, OVERLAP_WORDS[name]) for layer, name in rows], 150, dark, styles)
    for row, (layer, name) in enumerate(rows, 1):
        columns = [table[overlap(name, threshold)] for threshold in THRESHOLDS]
        for method, look in styles.items():
            here = table.of(layer, method)
            means = intervals(np.stack([column[here] for column in columns], axis=1))
            _add_band(figure, row, *means, look)
    figure.update_yaxes(rangemode="tozero", nticks=5, tickformat=".0%")
    figure.update_xaxes(range=[0, 1], dtick=0.2)
    figure.update_xaxes(title_text="threshold of the heatmap, 0 to 1", row=len(rows), col=1)
    return figure


def gap(table: Table, dark: bool = False) -> Figure:
    """How far the sums along the paths are from complete: one value a picture and layer, the same for all methods."""
    gaps = {layer: values for layer in reversed(table.layers) if len(values := _gaps(table, layer))}
    figure = panels([(layer, f"{len(values):,} pictures") for layer, values in gaps.items()], 120, dark)
    logs = {layer: np.log10(np.maximum(values, np.finfo(float).tiny)) for layer, values in gaps.items()}
    ends = np.percentile(np.concatenate(list(logs.values())), (0, 100))
    edges = np.linspace(np.floor(ends[0]), np.ceil(ends[1] + 1e-9), GAP_BINS + 1)
    for row, values in enumerate(logs.values(), 1):
        counts = np.histogram(values, edges)[0]
        figure.add_bar(
            row=row,
            col=1,
            x=(edges[1:] + edges[:-1]) / 2,
            y=counts,
            width=0.9 * (edges[1] - edges[0]),
            marker_color=LINE_COLOUR,
            customdata=[short(100 * 10**edge) for edge in edges[1:]],
            hovertemplate="%{y:,} pictures with a gap up to %{customdata} %<extra></extra>",
        )
    places, words = _decades(edges[0], edges[-1])
    figure.update_xaxes(tickvals=places, ticktext=words, range=[edges[0], edges[-1]])
    figure.update_xaxes(title_text="completeness gap, relative, logarithmic", row=len(gaps), col=1)
    figure.update_yaxes(title_text="pictures", nticks=4)
    return figure


def _boxes(table, key, dark, without_zero=False):
    figure = panels([(layer, "") for layer in reversed(table.layers)], 62 * len(table.methods), dark)
    for row, layer in enumerate(reversed(table.layers), 1):
        names = []
        for method, look in reversed(looks(table.methods).items()):  # from the bottom up
            values = table[key][table.of(layer, method)]
            values = values[np.isfinite(values)]
            zeros = int((values == 0).sum()) if without_zero else 0
            names.append(two_lines(label(method)) + (f"<br>{zeros:,} of {len(values):,} are 0" if zeros else ""))
            _add_box(figure, row, len(names) - 1, values[values > 0] if without_zero else values, look)
        places = list(range(len(names)))
        figure.update_yaxes(tickvals=places, ticktext=names, range=[-0.5, len(names) - 0.5], row=row, col=1)
    figure.update_yaxes(showgrid=False)
    return figure


def _add_box(figure, row, place, values, look):
    if not len(values):
        return
    low, first, median, third, high = np.percentile(values, BOX)
    figure.add_box(
        row=row,
        col=1,
        orientation="h",
        y=[place],
        q1=[first],
        median=[median],
        q3=[third],
        lowerfence=[low],
        upperfence=[high],
        width=0.5,
        line={"color": look.colour, "width": 2},
        hoverinfo="x",
    )


def _dark_words(table, layer, method):
    rows = table.of(layer, method)
    any_dark = (table["spread"][rows] < max(EPSILONS)).any()
    return label(method) + ("" if any_dark else ": none")


def _dark_bars(figure, row, table, group, look):
    counts = dark_against_epsilon(table, *group)
    blank = int(np.nansum(table["blank"][table.of(*group)]))
    x = np.log10([dark.epsilon for dark in counts])
    figure.add_bar(
        row=row,
        col=1,
        x=x,
        y=[blank] * len(x),
        hovertemplate="%{y:,} blank: no ε helps<extra></extra>",
        marker={
            "color": "rgba(0,0,0,0)",
            "line": {"color": look.colour, "width": 1},
            "pattern": {"shape": "/", "fgcolor": look.colour, "size": 6},
        },
    )
    words = [_probability(dark.p, dark.complement) if dark.count else "" for dark in counts]
    figure.add_bar(
        row=row,
        col=1,
        x=x,
        y=[dark.count for dark in counts],
        marker_color=look.colour,
        text=words,
        textangle=-90,
        textposition="outside",
        cliponaxis=False,
        constraintext="none",
        hovertemplate="%{y:,} dark, mean p %{text}<extra></extra>",
    )


def _thinned(x, y):
    """At most about POINTS points of a curve, evenly spaced along x, both ends among them. x: (n,) increasing."""
    if len(x) <= POINTS:
        return x, y
    places = np.unique([0, *np.searchsorted(x, np.linspace(x[0], x[-1], POINTS)).clip(0, len(x) - 1), len(x) - 1])
    return x[places], y[places]


def _probability(p, complement):
    return f"1 − {short(complement, 1)}" if complement < NEAR_ONE else formatting.probability(p, complement)


def _probabilities(log_odds):
    return [_probability(1 / (1 + np.exp(-x)), 1 / (1 + np.exp(x))) for x in log_odds]


def _decades(low, high):
    """(exponents, words): at most five round powers of ten from 10^low to 10^high, so that a phone has room."""
    step = max(1, -(-int(high - low + 1) // 5))
    places = np.arange(low, high + 0.5)
    places = places[places % step == 0]
    return places, [scientific(10.0 ** int(place)) for place in places]


def _name_probabilities(figure, log_odds, last_row):
    """Ticks at round p, so far apart that they do not touch on a phone."""
    low, high = (log_odds.min(), log_odds.max()) if len(log_odds) else (-1.0, 1.0)
    margin = max(0.02 * (high - low), 0.1)
    low, high = low - margin, high + margin
    ticks = []
    for place, words in TICKS:
        if low <= place <= high and (not ticks or place - ticks[-1][0] >= (high - low) / 4.5):
            ticks.append((place, words))
    ticks = ticks or [(middle := (low + high) / 2, _probabilities([middle])[0])]
    places, words = zip(*ticks, strict=True)
    figure.update_xaxes(range=[low, high], tickvals=places, ticktext=words)
    figure.update_xaxes(title_text="p, on an axis of log-odds ln(p/(1−p))", row=last_row, col=1)


def _add_band(figure, row, mean, low, high, look: Look):
    x = np.array(THRESHOLDS)
    there = np.isfinite(low)
    if there.any():
        around = np.concatenate([x[there], x[there][::-1]]), np.concatenate([high[there], low[there][::-1]])
        figure.add_scatter(
            row=row,
            col=1,
            x=around[0],
            y=around[1],
            fill="toself",
            fillcolor=look.colour,
            opacity=0.25,
            mode="none",
            hoverinfo="skip",
            showlegend=False,
            legendgroup=look.label,
        )
    add_line(figure, row, x, mean, look, "%{y:.1%} above threshold %{x:.2f}")


def _gaps(table, layer):
    """(pictures,): of the first method that has them, the gap being the path's, not the method's."""
    for method in table.methods:
        values = table["completeness_gap"][table.of(layer, method)]
        if np.isfinite(values).any():
            return values[np.isfinite(values)]
    return np.empty(0)
