"""Plain values -> Plotly figures: how large the raw values are, and where along the path the score rises.

The page that shows a figure does not tell it whether it is light or dark. So the paper is transparent, and marks
and lines have colours that stand out on both (at least 3 to 1). Text needs more than any one colour can give on
both: all of it has one ink, `INK`, that `dark` chooses and that one line of a style sheet can change.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from itertools import pairwise
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from explorer.arrays import Array, Cam, Points
from explorer.attribution.heatmaps import check_epsilon
from explorer.errors import InputError

if TYPE_CHECKING:
    from plotly.graph_objects import Figure


# From Okabe and Ito's set for every kind of colour sight, blue a little lighter for the sake of dark pages.
METHOD_COLOURS = MappingProxyType({"grad_cam": "#2a84c6", "integrated_grad_cam": "#d55e00", "rsi_grad_cam": "#009e73"})
OTHER_COLOURS = ("#b65f97", "#998000", "#7d7d85")  # for further maps, in turn
PATH_COLOUR = "#b65f97"
LINE_COLOUR = "#808080"
SHADE = "rgba(128, 128, 128, 0.16)"
GRID = "rgba(128, 128, 128, 0.25)"
INK = MappingProxyType({False: "#27272a", True: "#e4e4e7"})  # by `dark`

TEXT = 13  # pixels; the smallest text, superscripts aside
ROW, ROW_GAP, TOP, BOTTOM = 58, 28, 24, 46  # pixels: a histogram, its title, the margins
ZERO_WIDTH = 0.06  # share of the width
PER_DECADE = (20, 10, 8, 5, 4, 3, 2, 1)
NARROWEST_FLAT_ZONE = 10  # times the share: see flat_zone


def histograms(cams: dict[str, Array], epsilon: float, dark: bool = False) -> Figure:
    """How many cells have which raw value: one strip for each map, all on one logarithmic axis, ε marked.

    cams: {label: raw map of any shape}, labels as "RSI-Grad-CAM" or "rsi_grad_cam"; epsilon > 0.
    dark: whether the page is dark, for the colour of text. Returns a Plotly figure, as wide as its place.

    Exact zeros, which have no logarithm, fill the narrow column on the left, from none to all of the cells;
    values below zero or not finite are counted in the strip's title. Raises InputError where there is no map,
    a map without cells, or where ε is not a positive finite number.
    """
    epsilon = check_epsilon(epsilon)
    maps = {label: np.asarray(cam, np.float64).ravel() for label, cam in cams.items()}
    if not maps or not all(values.size for values in maps.values()):
        raise InputError("A histogram needs maps with at least one cell each, but one is empty or there are none.")
    edges = log_edges(maps.values(), epsilon)
    figure = _rows(len(maps), dark)
    for row, ((label, values), colour) in enumerate(zip(maps.items(), _colours(maps), strict=True), start=1):
        _add_zeros(figure, row, values, colour)
        _add_bars(figure, row, values, edges, colour)
        _add_epsilon(figure, row, epsilon, edges)
        _add_title(figure, row, f"<b>{label}</b>{_counted(values)}")
    _name_axes(figure, len(maps), edges)
    return figure


def score_path(
    alphas: Points, scores: Array | list, score_label: str = "score", flat_from: float | None = None, dark: bool = False
) -> Figure | None:
    """The score along the path from baseline to picture, its flat zone shaded.

    alphas, scores: (T,); score_label: the words at the vertical axis; flat_from: the α at which the flat zone
    begins, as `flat_zone` finds it, or None for none; dark as in `histograms`. Returns a Plotly figure.
    """
    alphas, scores = _path(alphas, scores)
    figure = go.Figure(layout=layout(dark, height=290, margin={"l": 60, "r": 14, "t": 48, "b": 48}))
    if flat_from is not None:
        _add_flat_zone(figure, flat_from, alphas[-1])
    figure.add_scatter(
        x=alphas,
        y=np.where(np.isfinite(scores), scores, np.nan),
        mode="lines+markers" if len(alphas) <= 101 else "lines",
        line={"color": PATH_COLOUR, "width": 2.5},
        marker={"size": 5},
        hovertemplate="α = %{x:.3g}<br>" + score_label + " = %{y:.6g}<extra></extra>",
    )
    if not np.isfinite(scores).all():
        words = f"{int((~np.isfinite(scores)).sum())} of {len(scores)} scores are not finite"
        figure.add_annotation(text=words, x=0.5, y=0.5, xref="x domain", yref="y domain", showarrow=False)
    ends = [alphas[0] - 0.02, alphas[-1] + 0.02]  # so that the markers at both ends are seen whole
    figure.update_xaxes(title_text="α, from baseline (0) to picture (1)", range=ends, dtick=0.2)
    figure.update_yaxes(title_text=score_label, automargin=True, nticks=6, exponentformat="power", minexponent=2)
    return figure


def flat_zone(alphas: Points, scores: Array, share: float = 0.01) -> float | None:
    """The α from which on the score stays within `share` of its whole range (greatest − least) of its last value.

    alphas, scores: (T,), alphas increasing. None where there is no such zone worth the name: even a straight line
    has one, as long as `share` of the path, so a zone counts when it is more than ten times as long, that is,
    when the score's mean slope in it is less than a tenth of that of the path. A constant score is flat from the
    start; one that is not finite has no zone.
    """
    alphas, scores = _path(alphas, scores)
    if not np.isfinite(scores).all():
        return None
    away = np.abs(scores - scores[-1]) > share * np.ptp(scores)
    start = int(np.flatnonzero(away)[-1]) + 1 if away.any() else 0
    if alphas[-1] - alphas[start] <= NARROWEST_FLAT_ZONE * share * (alphas[-1] - alphas[0]):
        return None
    return float(alphas[start])


def log_edges(maps: Iterable[Cam], epsilon: float) -> Array:
    """The edges of the bins all maps share, as logarithms to base 10, increasing and evenly spaced.

    They span whole decades around every positive value and one decade on either side of ε. There are about as
    many bins as the cells can fill: some forty for a map of 49, eighty for one of thousands.
    """
    positive = [values[(values > 0) & np.isfinite(values)] for values in maps]
    logs = np.log10(np.concatenate([*positive, [epsilon / 10, epsilon * 10]]))
    low, high = math.floor(logs.min() + 1e-9), math.ceil(logs.max() - 1e-9)
    bins = 40 if max(map(len, positive)) < 500 else 80
    per_decade = next((n for n in PER_DECADE if n * (high - low) <= bins), 1)
    return np.linspace(low, high, (high - low) * per_decade + 1)


def scientific(value: float) -> str:
    """A positive number in readable powers of ten, as Plotly's markup: 3.2e-4 -> "3.2×10<sup>−4</sup>"."""
    digits, exponent = f"{value:.1e}".split("e")
    digits = digits.removesuffix(".0")
    if int(exponent) == 0:
        return digits
    power = f"10<sup>{int(exponent)}</sup>".replace("-", "−")
    return power if digits == "1" else f"{digits}×{power}"


def _path(alphas, scores):
    alphas, scores = np.asarray(alphas, np.float64), np.asarray(scores, np.float64)
    if alphas.ndim != 1 or alphas.shape != scores.shape or len(alphas) < 2:
        raise InputError(
            "A path has one score for each of two or more values of α, "
            f"not shapes {alphas.shape} and {scores.shape}: pass both of shape (T,)."
        )
    return alphas, scores


def _colours(labels):
    """One colour for each label: a method's own, however it is spelt, or the next of the others."""
    others = 0
    for label in labels:
        key = re.sub(r"[^a-z0-9]+", "_", label.lower())
        if key in METHOD_COLOURS:
            yield METHOD_COLOURS[key]
        else:
            yield OTHER_COLOURS[others % len(OTHER_COLOURS)]
            others += 1


def layout(dark: bool, height: int, margin: dict[str, int]) -> dict[str, dict[str, dict]]:
    """What all figures share. No template: its colours would assume a white page."""
    title = {"font": {"size": TEXT}, "standoff": 8}
    axis = {"title": title, "gridcolor": GRID, "zeroline": False, "linecolor": LINE_COLOUR, "fixedrange": True}
    return {
        "template": {"layout": {"xaxis": axis | {"ticks": "outside", "tickcolor": LINE_COLOUR}, "yaxis": axis}},
        "height": height,
        "autosize": True,
        "margin": margin,
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "font": {"size": TEXT, "color": INK[dark], "family": "system-ui, -apple-system, 'Segoe UI', sans-serif"},
        "showlegend": False,
        "dragmode": False,  # a finger on the figure scrolls the page
        "modebar": {
            "remove": ["zoom", "pan", "select", "lasso", "zoomIn", "zoomOut", "autoScale", "resetScale"],
            "bgcolor": "rgba(0,0,0,0)",
            "color": LINE_COLOUR,
            "activecolor": LINE_COLOUR,
        },
    }


def _rows(count, dark):
    """Strips one above the other, each with its narrow column for zeros."""
    inner = count * (ROW + ROW_GAP) - ROW_GAP
    figure = make_subplots(
        rows=count,
        cols=2,
        shared_xaxes=True,
        column_widths=[ZERO_WIDTH, 1 - ZERO_WIDTH],
        horizontal_spacing=0.05,
        vertical_spacing=ROW_GAP / inner if count > 1 else 0,
    )
    margin = {"l": 10, "r": 48, "t": TOP, "b": BOTTOM}
    figure.update_layout(layout(dark, height=inner + TOP + BOTTOM, margin=margin), barmode="overlay", bargap=0.2)
    return figure


def _add_zeros(figure, row, values, colour):
    zeros = int((values == 0).sum())
    figure.add_bar(
        row=row,
        col=1,
        x=["0"],
        y=[zeros / values.size],
        width=0.8,
        marker={"color": colour, "line": {"width": 0}, "pattern": {"shape": "/", "fillmode": "overlay"}},
        hovertemplate=f"{zeros:,} of {values.size:,} cells are exactly zero<extra></extra>",
    )
    frame = {"x0": -0.4, "x1": 0.4, "y0": 0, "y1": 1, "line": {"color": LINE_COLOUR, "width": 1}}
    figure.add_shape(type="rect", row=row, col=1, **frame)


def _add_bars(figure, row, values, edges, colour):
    positive = values[(values > 0) & np.isfinite(values)]
    counts = np.histogram(np.log10(positive), edges)[0]
    bounds = [scientific(10.0**edge) for edge in edges]
    figure.add_bar(
        row=row,
        col=2,
        x=(edges[:-1] + edges[1:]) / 2,
        y=counts,
        width=(edges[1] - edges[0]) * 0.9,
        marker={"color": colour, "line": {"width": 0}},
        customdata=list(pairwise(bounds)),
        hovertemplate="%{y:,} of " + f"{values.size:,}" + "<br>%{customdata[0]} to %{customdata[1]}<extra></extra>",
    )
    tallest = int(counts.max())
    ticks = {"tickvals": [0, tallest], "ticktext": ["0", f"{tallest:,}<br>cells"]} if tallest else {"tickvals": []}
    # A third of headroom keeps ε's label clear of the bars.
    figure.update_yaxes(range=[0, 1.35 * max(1, tallest)], side="right", row=row, col=2, **ticks)


def _add_epsilon(figure, row, epsilon, edges):
    place = math.log10(epsilon)
    across = {"xref": f"x{2 * row}", "yref": f"y{2 * row} domain", "layer": "below"}
    figure.add_shape(type="rect", x0=edges[0] - 1, x1=place, y0=0, y1=1, fillcolor=SHADE, line={"width": 0}, **across)
    figure.add_shape(
        type="line", x0=place, x1=place, y0=0, y1=1, line={"color": LINE_COLOUR, "width": 2, "dash": "dash"}, **across
    )
    in_left_half = place < (edges[0] + edges[-1]) / 2
    figure.add_annotation(
        text=f"ε = {scientific(epsilon)}" if row == 1 else "ε",
        x=place,
        xref=across["xref"],
        xanchor="left" if in_left_half else "right",
        xshift=3 if in_left_half else -3,
        y=1,
        yref=across["yref"],
        yanchor="top",
        showarrow=False,
    )


def _add_title(figure, row, text):
    place = {"x": 0, "xref": "paper", "xanchor": "left", "y": 1, "yref": f"y{2 * row} domain", "yanchor": "bottom"}
    figure.add_annotation(text=text, showarrow=False, **place)


def _counted(values):
    """What a title says of the values the axis cannot show, or of a map with one value only."""
    if np.isfinite(values).all() and values[0] > 0 and not np.ptp(values):
        return f" · every cell is {scientific(values[0])}"
    kinds = {
        "zero": int((values == 0).sum()),
        "below zero": int((np.isfinite(values) & (values < 0)).sum()),
        "not finite": int((~np.isfinite(values)).sum()),
    }
    present = [(count, kind) for kind, count in kinds.items() if count]
    if not present:
        return ""
    count, kind = present[0]
    others = "".join(f", {more:,} {other}" for more, other in present[1:])
    if count == values.size:
        return f" · all {count:,} are {kind}" if count > 1 else f" · its one cell is {kind}"
    return f" · {count:,} of {values.size:,} {'is' if count == 1 else 'are'} {kind}{others}"


def _name_axes(figure, count, edges):
    decades = np.arange(edges[0], edges[-1] + 0.5)
    step = math.ceil(len(decades) / 5)  # five labels fit on a phone, unturned
    ticks = [decade for decade in decades[1:] if decade % step == 0]  # the first would touch the zero column's
    figure.update_xaxes(
        col=2,
        showgrid=True,
        range=[edges[0] - 0.1, edges[-1] + 0.1],
        tickvals=ticks,
        ticktext=[scientific(10.0**decade) for decade in ticks],
    )
    figure.update_xaxes(title_text="raw value · a map wholly in the grey is dark", row=count, col=2)
    figure.update_xaxes(col=1, type="category", range=[-0.5, 0.5], showgrid=False)
    figure.update_yaxes(col=1, range=[0, 1.02], showticklabels=False, showgrid=False)


def _add_flat_zone(figure, start, end):
    figure.add_vrect(x0=start, x1=end, fillcolor=SHADE, layer="below", line_width=0)
    line = {"color": LINE_COLOUR, "width": 1.5, "dash": "dash"}
    figure.add_vline(x=start, line=line, layer="below")
    figure.add_annotation(
        text="flat: gradients vanish here",
        x=end,
        xanchor="right",
        y=1,
        yref="y domain",
        yanchor="bottom",
        showarrow=False,
    )
