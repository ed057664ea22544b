"""Charts of scores and weights: what a score's gradient loses, and how Grad-CAM++ shares positive gradients out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import plotly.graph_objects as go

from explorer.arrays import Array
from explorer.render.charts.histograms import GRID, LINE_COLOUR, METHOD_COLOURS, SHADE, layout

if TYPE_CHECKING:
    from plotly.graph_objects import Figure


BINS = 50  # of α in (0, ½]
ROUNDS_TO_ONE = 16.6  # the margin at which 1 − p falls below half of float32's resolution near one, 6e-8


def share_histogram(coefficients: Array, dark: bool = False) -> Figure:
    """How many positive gradients have which α. shares: (n,) in (0, ½]; dark as in
    `explorer.render.charts.histograms.histograms`."""
    counts, edges = np.histogram(np.asarray(coefficients, np.float64), BINS, (0, 0.5))
    figure = go.Figure(layout=layout(dark, height=250, margin={"l": 54, "r": 14, "t": 14, "b": 46}))
    figure.add_bar(
        x=(edges[1:] + edges[:-1]) / 2,
        y=counts,
        width=np.diff(edges),
        marker_color=METHOD_COLOURS["grad_cam"],
        hovertemplate="α ≈ %{x:.3f}: %{y} units<extra></extra>",
    )
    figure.update_xaxes(title="α; ½ is what positive gradients give to all", range=[0, 0.51], gridcolor=GRID)
    figure.update_yaxes(title="units", gridcolor=GRID, rangemode="tozero")
    return figure


def naive_error(margins: Array, errors: list[tuple[int, str, str]], at: int, dark: bool = False) -> Figure:
    """How far the naive float32 map is from the stable one, against the margin of the class.

    margins, errors: (n,), the errors relative; at: the margin that is shown beside.
    """
    figure = go.Figure(layout=layout(dark, height=270, margin={"l": 64, "r": 14, "t": 34, "b": 48}))
    figure.add_vrect(
        x0=ROUNDS_TO_ONE,
        x1=max(margins),
        fillcolor=SHADE,
        line_width=0,
        annotation_text="p rounds to 1 in float32",
        annotation_position="bottom left",
    )
    figure.add_scatter(
        x=margins,
        y=np.maximum(errors, 1e-8),
        mode="lines+markers",
        line_color=METHOD_COLOURS["integrated_grad_cam"],
        hovertemplate="margin %{x:.1f}: off by %{y:.2g}<extra></extra>",
    )
    figure.add_vline(x=at, line={"color": LINE_COLOUR, "width": 2, "dash": "dash"})
    figure.update_xaxes(title="margin: the class's logit above all others together", gridcolor=GRID)
    figure.update_yaxes(
        title="naive map, relative error", type="log", gridcolor=GRID, exponentformat="power", dtick=2, range=[-8, 0.6]
    )
    return figure
