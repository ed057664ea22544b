"""What is drawn of baselines: how one became class-neutral, what it looks like, and which pixels one makes blind."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from plotly.subplots import make_subplots

from explorer.arrays import Array, Image
from explorer.render.charts.histograms import GRID, LINE_COLOUR, METHOD_COLOURS, PATH_COLOUR, layout, scientific

if TYPE_CHECKING:
    from plotly.graph_objects import Figure


MARK = (255, 0, 200)  # of no natural picture


def descent_chart(
    losses: Array, greatest: Array, classes: int, best_step: int, steps: int, dark: bool = False
) -> Figure:
    """The greatest probability on its way to 1/N, and the loss beneath it, both logarithmic.

    losses, greatest: one at black and one after each step so far; chosen: the step that is kept; steps: how many there
    will be; dark as in `explorer.render.charts.histograms.histograms`. Returns a Plotly figure.
    """
    figure = make_subplots(rows=2, cols=1, shared_xaxes=True, vertical_spacing=0.13)
    figure.update_layout(layout(dark, height=330, margin={"l": 62, "r": 62, "t": 24, "b": 46}))
    curves = ((greatest, PATH_COLOUR, "greatest probability of any class"), (losses, LINE_COLOUR, "loss"))
    for row, (values, colour, words) in enumerate(curves, 1):
        hover = "after %{x} steps: %{y:.3g}<extra></extra>"
        figure.add_scatter(
            row=row,
            col=1,
            x=np.arange(len(values)),
            y=values,
            mode="lines",
            line={"color": colour, "width": 2},
            hovertemplate=hover,
        )
        figure.add_scatter(
            row=row,
            col=1,
            x=[best_step],
            y=[values[best_step]],
            mode="markers",
            hovertemplate="kept: " + hover,
            marker={"size": 10, "color": METHOD_COLOURS["rsi_grad_cam"]},
        )
        place = {"xref": "paper", "yref": f"y{'' if row == 1 else row} domain", "x": 0, "y": 1}
        figure.add_annotation(text=f"<b>{words}</b>", xanchor="left", yanchor="bottom", showarrow=False, **place)
    figure.add_hline(y=1 / classes, row=1, col=1, line={"color": LINE_COLOUR, "width": 1.5, "dash": "dash"})
    figure.add_annotation(
        text=f"1/{classes:,}",
        x=1,
        y=np.log10(1 / classes),
        xref="paper",
        yref="y",
        xanchor="left",
        yanchor="middle",
        showarrow=False,
    )
    _probability_axis(figure, [*greatest, 1 / classes])
    _probability_axis(figure, losses, row=2)
    figure.update_xaxes(range=[-2, steps + 2], gridcolor=GRID)
    figure.update_xaxes(title_text="step; the dot is the one kept", row=2, col=1)
    return figure


def _probability_axis(figure, values, row=1):
    """A logarithmic axis that leaves room, and names one, two and five of each decade."""
    low, high = min(values) / 1.25, max(values) * 1.25
    ticks = [n * 10.0**k for k in range(-9, 2) for n in (1, 2, 5) if low <= n * 10.0**k <= high]
    ticks = ticks[:: -(-len(ticks) // 4)] if ticks else [float(f"{max(values):.1g}")]
    words = [f"{tick:g}" if tick >= 1e-3 else scientific(tick) for tick in ticks]
    figure.update_yaxes(
        type="log",
        range=[np.log10(low), np.log10(high)],
        tickvals=ticks,
        ticktext=words,
        gridcolor=GRID,
        row=row,
        col=1,
    )


def amplified(pixels: Array) -> tuple[Array, float]:
    """(a picture of differences from black too small or negative to be displayed, the factor they are shown with).

    pixels: (H, W, 3). Mid-grey is no difference, the factor such that the largest just reaches black or white.
    """
    largest = float(np.abs(pixels).max())
    factor = 127 / largest if largest else 1.0
    return np.clip(np.rint(128 + factor * pixels), 0, 255).astype(np.uint8), factor


def marked(image: Image, places: Array) -> Array:
    """The picture in pale grey, these pixels in a colour that no other has. places: (H, W) bool."""
    grey = 128 + image.mean(axis=-1, keepdims=True).repeat(3, axis=-1) / 2
    return np.where(places[..., None], np.array(MARK, np.uint8), np.rint(grey).astype(np.uint8))
