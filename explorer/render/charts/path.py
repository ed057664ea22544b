"""Plotly figures of a path played back, and of how maps and the completeness gap converge, in the style of `charts`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from explorer.arrays import Array, Points
from explorer.render.charts.histograms import LINE_COLOUR, PATH_COLOUR, SHADE, layout

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

    from explorer.attribution.methods.base import Curve
    from explorer.studies.playback import Playback


LEFT, RIGHT = 58, 14  # pixels beside every plot, fixed: the style sheet places the line at α by them
FROM, TO = -0.02, 1.02  # of α: so that the markers at both ends are seen whole
ROW, GAP, TOP, BOTTOM = 150, 40, 26, 46  # pixels
POWERS = {"exponentformat": "power", "minexponent": 3}
COLLECTED_COLOUR = "#009e73"
RULE_STYLES = {  # rule: (label, colour, marker, dash)
    "right": ("right end-point", "#d55e00", "square", "dot"),
    "trapezoid": ("trapezoid", "#2a84c6", "circle", "solid"),
    "placed": ("points placed automatically", "#009e73", "diamond", "dash"),
}


def rise(
    alphas: Points,
    scores: Array,
    played: Playback,
    score_label: str,
    flat_from: float | None = None,
    dark: bool = False,
) -> Figure:
    """Where the score rises, and the integrated gradients that add up to it.

    alphas, scores: (T,) of the whole path; played: `explorer.studies.playback.Playback`; flat_from: see
    `histograms.flat_zone`.
    """
    figure = _two_rows(
        f"<b>Score</b> y(α): the {score_label}", "<b>Completeness</b>: Σ integrated gradients so far", flat_from, dark
    )
    change = np.asarray(scores, np.float64) - float(scores[0])
    mode = "lines+markers" if len(alphas) <= 101 else "lines"
    line, dots = {"color": PATH_COLOUR, "width": 2.5}, {"size": 4}
    _line(figure, 1, alphas, scores, "y(α)", mode=mode, line=line, marker=dots)
    _line(figure, 2, alphas, change, "y(α) − y(0)", mode="lines", line=line | {"width": 5}, opacity=0.45)
    collected = {"color": COLLECTED_COLOUR, "width": 2, "dash": "dash"}
    _line(figure, 2, played.alphas, played.collected, "Σ so far", mode="lines", line=collected)
    _key(figure, (("the score's change", PATH_COLOUR), ("Σ so far", COLLECTED_COLOUR)))
    figure.update_yaxes(nticks=5, **POWERS)
    return figure


def why(played: Playback, flat_from: float | None = None, dark: bool = False) -> Figure:
    """How large the gradient is, on a logarithmic axis, and how fast the layer changes: the factors of ∫ ∂y/∂A dA."""
    figure = _two_rows(
        "<b>Gradient</b> ‖∂y/∂A‖, logarithmic", "<b>Increments</b>: ‖ΔA‖ per unit of α", flat_from, dark, 0.8
    )
    line = {"color": "#2a84c6", "width": 2.5}
    mode = "lines+markers" if len(played.alphas) <= 101 else "lines"
    sizes = np.where(played.gradients > 0, played.gradients, np.nan)  # zero has no logarithm
    _line(figure, 1, played.alphas, sizes, "‖∂y/∂A‖", mode=mode, line=line, marker={"size": 4})
    rates = played.increments / np.diff(played.alphas)
    steps = {"color": "#998000", "width": 2, "shape": "vh"}  # each value holds back to the point before
    _line(figure, 2, played.alphas, np.concatenate([rates[:1], rates]), "‖ΔA‖/Δα", mode="lines", line=steps)
    figure.update_yaxes(row=1, type="log", dtick=_decades(sizes), exponentformat="power")
    figure.update_yaxes(row=2, rangemode="tozero", nticks=5, **POWERS)
    return figure


def convergence(
    curves: dict[str, Curve], title: str, words: str, floor: float | None = None, dark: bool = False
) -> Figure:
    """Errors against steps, both logarithmic.

    curves: {rule: `explorer.studies.convergence.Curve`}, each in the looks of RULE_STYLES; title above, words at the
    vertical axis; floor: the error below which nothing is known, shaded; dark as in `charts`. Errors of exactly zero
    have no place.
    """
    figure = go.Figure(layout=layout(dark, height=270, margin={"l": LEFT, "r": RIGHT, "t": TOP, "b": BOTTOM}))
    for rule, curve in curves.items():
        label, colour, symbol, dash = RULE_STYLES[rule]
        errors = np.where(np.isfinite(curve.errors) & (curve.errors > 0), curve.errors, np.nan)
        figure.add_scatter(
            x=curve.steps,
            y=errors,
            name=label,
            mode="lines+markers",
            line={"color": colour, "width": 2, "dash": dash},
            marker={"color": colour, "symbol": symbol, "size": 8},
            hovertemplate=f"{label}<br>%{{x}} steps: %{{y:.2g}}<extra></extra>",
        )
    if floor and floor > 0:
        _add_floor(figure, curves, floor)
    figure.add_annotation(
        text=f"<b>{title}</b>",
        x=0,
        xref="paper",
        xanchor="left",
        y=1,
        yref="y domain",
        yanchor="bottom",
        showarrow=False,
    )
    most = max(float(curve.steps.max()) for curve in curves.values())
    ticks = [2**n for n in range(0, int(np.log2(most)) + 1, 2)]
    figure.update_xaxes(type="log", title_text="steps (intervals)", tickvals=ticks, ticktext=[str(t) for t in ticks])
    figure.update_yaxes(type="log", title_text=words, dtick=1, exponentformat="power")
    return figure


def _two_rows(first, second, flat_from, dark, label_at=0.04):
    """label_at: how high in the upper row "flat zone" is written, where its line is not."""
    height = 2 * ROW + GAP
    figure = make_subplots(rows=2, cols=1, shared_xaxes=True, vertical_spacing=GAP / height)
    margin = {"l": LEFT, "r": RIGHT, "t": TOP, "b": BOTTOM}
    figure.update_layout(layout(dark, height=height + TOP + BOTTOM, margin=margin))
    for axis, title in (("", first), ("2", second)):
        figure.add_annotation(
            text=title,
            x=0,
            xref="paper",
            xanchor="left",
            y=1,
            yref=f"y{axis} domain",
            yanchor="bottom",
            showarrow=False,
        )
        if flat_from is not None:
            across = {"xref": f"x{axis}", "yref": f"y{axis} domain", "layer": "below", "line": {"width": 0}}
            figure.add_shape(type="rect", x0=flat_from, x1=1, y0=0, y1=1, fillcolor=SHADE, **across)
    if flat_from is not None:
        figure.add_annotation(
            text="flat zone",
            x=1,
            xanchor="right",
            xref="x",
            y=label_at,
            yref="y domain",
            yanchor="bottom",
            showarrow=False,
        )
    figure.update_xaxes(range=[FROM, TO], dtick=0.2)
    figure.update_xaxes(title_text="α, from baseline (0) to picture (1)", row=2)
    figure.update_yaxes(automargin=False)
    return figure


def _line(figure, row, x, y, words, **looks):
    y = np.where(np.isfinite(y), y, np.nan)
    hover = f"α = %{{x:.3g}}<br>{words} = %{{y:.4g}}<extra></extra>"
    figure.add_scatter(row=row, col=1, x=x, y=y, hovertemplate=hover, **looks)


def _key(figure, lines):
    """What the lines of the lower row are, in their own colours, in its lower right corner."""
    words = "   ".join(f"<span style='color:{colour}'>━</span> {label}" for label, colour in lines)
    figure.add_annotation(
        text=words,
        x=0.98,
        xref="x2 domain",
        xanchor="right",
        y=0.06,
        yref="y2 domain",
        yanchor="bottom",
        showarrow=False,
    )


def _add_floor(figure, curves, floor):
    errors = np.concatenate([curve.errors for curve in curves.values()])
    lowest = errors[np.isfinite(errors) & (errors > 0)].min(initial=floor)
    figure.add_shape(
        type="rect",
        x0=0,
        x1=1,
        xref="x domain",
        y0=min(lowest, floor) / 2,
        y1=floor,
        fillcolor=SHADE,
        line={"width": 0},
        layer="below",
    )
    figure.add_shape(
        type="line",
        x0=0,
        x1=1,
        xref="x domain",
        y0=floor,
        y1=floor,
        layer="below",
        line={"color": LINE_COLOUR, "width": 1.5, "dash": "dash"},
    )


def _decades(values):
    """Decades between two ticks, for about five of them."""
    there = values[np.isfinite(values)]
    spread = np.log10(there.max() / there.min()) if len(there) else 0
    return max(1, int(np.ceil(spread / 5)))
