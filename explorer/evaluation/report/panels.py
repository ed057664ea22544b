"""What the figures of an evaluation share: panels one above the other, and how each method differs from the others."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, NamedTuple

from plotly.subplots import make_subplots

from explorer.arrays import Array
from explorer.evaluation.table import label
from explorer.render.charts.histograms import GRID, METHOD_COLOURS, OTHER_COLOURS, layout

if TYPE_CHECKING:
    from plotly.graph_objects import Figure


DASHES = {"grad_cam": "dash", "integrated_grad_cam": "dot", "rsi_grad_cam": "solid"}
OTHER_DASHES = ("dashdot", "longdash", "longdashdot", "2px 6px", "10px 3px 2px 3px", "14px 4px")
GAP, BOTTOM, TITLE = 36, 52, 30  # pixels: between panels with a title in it, below, above the first
LEGEND_LINE = 29  # pixels
LONGEST = 24  # characters of a layer's name


class Look(NamedTuple):
    """How a method is drawn: colour, and dash for those who do not see it."""

    label: str
    colour: str
    dash: str


def looks(methods: tuple) -> dict[str, Look]:
    """{method: Look}, the paper's three always alike, the others in turn."""
    others = [method for method in methods if method not in METHOD_COLOURS]
    by_method = {}
    for method in methods:
        turn = others.index(method) if method in others else 0
        colour = METHOD_COLOURS.get(method, OTHER_COLOURS[turn % len(OTHER_COLOURS)])
        dash = DASHES.get(method, OTHER_DASHES[turn % len(OTHER_DASHES)])
        by_method[method] = Look(label(method), colour, dash)
    return by_method


def panels(titles: list[tuple[str, str]], height: int, dark: bool, legend: dict[str, Look] | tuple = ()) -> Figure:
    """A figure of panels one above the other on one x axis.

    titles: (layer, words) of each; height: of each, pixels; dark: as in `explorer.render.charts.histograms.histograms`;
    legend: the Looks that a legend above names, one on a line where it is narrow.
    """
    count = max(1, len(titles))
    inner = count * (height + GAP) - GAP
    top = TITLE + LEGEND_LINE * len(legend)
    figure = make_subplots(rows=count, cols=1, shared_xaxes=True, vertical_spacing=GAP / inner if count > 1 else 0)
    margin = {"l": 10, "r": 16, "t": top, "b": BOTTOM}
    figure.update_layout(layout(dark, height=inner + top + BOTTOM, margin=margin), showlegend=bool(legend))
    # At the container: beside the panels it would push them aside
    figure.update_layout(
        legend={
            "orientation": "h",
            "x": 0,
            "xref": "container",
            "y": 1,
            "yref": "container",
            "yanchor": "top",
            "bgcolor": "rgba(0,0,0,0)",
        }
    )
    for row, (layer, words) in enumerate(titles, 1):
        figure.add_annotation(
            text=f"<b>{shortened(layer)}</b>" + (f" · {words}" if words else ""),
            x=0,
            xref="x domain",
            xanchor="left",
            y=1,
            yref=f"y{row if row > 1 else ''} domain",
            yanchor="bottom",
            showarrow=False,
        )
    figure.update_yaxes(automargin=True, gridcolor=GRID, ticklabelstandoff=4)
    figure.update_xaxes(gridcolor=GRID, showticklabels=False)
    figure.update_xaxes(showticklabels=True, row=count, col=1)
    return figure


def add_line(
    figure: Figure, row: int, x: Array, y: Array, look: Look, words: str, customdata: list[str] | None = None
) -> None:
    """A method's curve; the legend names it once. words: Plotly's template of what a point says."""
    named = any(trace.name == look.label for trace in figure.data)
    figure.add_scatter(
        row=row,
        col=1,
        x=x,
        y=y,
        mode="lines",
        name=look.label,
        legendgroup=look.label,
        showlegend=not named,
        line={"color": look.colour, "width": 2.5, "dash": look.dash},
        customdata=customdata,
        hovertemplate=f"{look.label}: {words}<extra></extra>",
    )


def shortened(layer: str) -> str:
    """A layer's name for a figure: its end where it is long, safe inside Plotly's markup."""
    return escape(layer if len(layer) <= LONGEST else "…" + layer[1 - LONGEST :])


def two_lines(words: str) -> str:
    """Broken at the first space, to be narrow beside a box."""
    return words.replace(" ", "<br>", 1)
