"""The report of an evaluation: one HTML file that needs nothing else, and the pieces of it that the page shows."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import plotly.io
from markupsafe import Markup
from plotly.offline import get_plotlyjs

from explorer.errors import InputError
from explorer.evaluation.claims import claims
from explorer.evaluation.report.figures import figures
from explorer.evaluation.report.fragments import (
    claims_html,
    counts_html,
    errors_html,
    pairs_html,
    render,
    summary_html,
)
from explorer.evaluation.results import whole
from explorer.evaluation.statistics import OWN, pairs, summary
from explorer.render.charts.histograms import INK
from explorer.render.export import as_json

if TYPE_CHECKING:
    from explorer.evaluation.table import Table


REPORT = "report.html"
ASSETS = Path(__file__).resolve().parents[3] / "assets"
PAGE = "http://127.0.0.1:7860"  # where the page usually is
CONFIG = {"displaylogo": False, "responsive": True}
WORDS = {  # figure: (title, what to look for)
    "means_before": (
        "Raw values before normalisation (Figure 13)",
        "Look for a method far to the left of the others: its maps are so faint that ε decides what they show. Boxes "
        "hold the middle half of the pictures, whiskers 98 %.",
    ),
    "means_after": (
        "Heatmaps after normalisation (Figure 14)",
        "Look for boxes that reach down to zero: heatmaps that stayed dark although they were normalised.",
    ),
    "dark_epsilon": (
        "Dark heatmaps against ε (Figure 15)",
        "Look at how many heatmaps are dark at the ε of this run, and whether the mean p written above the bars comes "
        "near 1: then saturation is the cause. Hatched: blank maps, dark at every ε.",
    ),
    "drop_and_increase": (
        "Average drop and increase in confidence (Figures 16 and 17)",
        "A low drop and a high increase mean that what the heatmap shows is enough for the network. Look for methods "
        "that change towards the right, where the network is surest.",
    ),
    "energy": (
        "Pixel energy (Figure 19)",
        "The higher, the more of the heatmap lies inside the boxes. Look for the order of the methods at each layer.",
    ),
    "overlaps": (
        "Overlap with the boxes (Figures 20 and 21)",
        "Regions above a threshold against the boxes. Look for bands that stay apart: they are 95 % intervals of the "
        "mean over pictures.",
    ),
    "gap": (
        "Completeness of the integrals (not in the paper)",
        "How far the sums along the path are from the change of the score. Where much is above a few per cent, take "
        "more steps.",
    ),
}
PAPER = (
    "The paper measured VGG-19 on 12,525 pictures of ILSVRC2012 at block4_pool and block5_pool, with 50 steps and "
    "ε = 1e-8. Another network or other pictures may answer otherwise without either being wrong. Verdicts follow from "
    "95 % intervals alone: where methods differ in nothing, one claim in twenty is still decided, by chance."
)
READING = (
    "Intervals are 95 % bootstrap intervals of a mean over pictures. They say how much other pictures of the same kind "
    "would change it, not how other networks would.",
    "Drop, increase, insertion and deletion show the network pictures it was never trained on: dimmed, blurred or "
    "blacked out. A poor value may be the network's answer to a strange picture, not the heatmap's fault.",
    "Boxes say where the object is, not what the network uses. A heatmap on the background can be right about a "
    "network that looks there.",
    "A dark heatmap is no proof that nothing matters: its values are smaller than ε. A blank one is zero everywhere.",
    "Curves against p are averages over a thousand pictures next to each other in p, or a tenth of the set: points "
    "close together share most of their pictures.",
    "Pictures that a rule dropped, or that failed, are in no number.",
)


@dataclass(frozen=True)
class Card:
    """A picture of the gallery. link: a relative address of the page, or None. pictures: (label, PNG bytes, note) each.
    rank: "best" or "worst"."""

    title: str
    caption: str
    link: str | None
    pictures: list
    rank: str


@dataclass(frozen=True)
class Sections:
    """What the page shows too: HTML fragments, and {name: Plotly figure}."""

    counts: Markup
    claims: Markup
    summary: Markup
    pairs: Markup
    figures: dict


def write(
    folder: Path,
    table: Table,
    settings: Mapping[str, Any],
    errors: list[tuple[int, str, str]],
    gallery: list,
    counts: Mapping[str, Any],
) -> Path:
    """Write report.html into a folder; return its path.

    settings: as in settings.json; "model", "layers", "methods" and "epsilon" are needed. errors: (index, image, reason)
    each. gallery: Cards. counts: {"given", "evaluated", "failed", "dropped": {rule: how many}}. Raises InputError where
    it cannot be written.
    """
    folder = Path(folder)
    page = _page(folder.resolve(), sections(table, settings, counts), settings, errors, gallery)
    try:
        with whole(folder / REPORT) as temporary:
            temporary.write_text(page, encoding="utf-8", errors="replace")
    except OSError as error:
        raise InputError(
            f"The report is written to a folder that can be written to, but {folder.name!r} cannot "
            f"({error.strerror or error}): make room or choose another one."
        ) from error
    return folder / REPORT


def sections(table: Table, settings: Mapping[str, Any], counts: Mapping[str, Any], dark: bool = False) -> Sections:
    """The Sections of an evaluation; arguments as in `write`. dark: whether the page is, for the figures' text."""
    return Sections(
        counts_html(settings, counts),
        claims_html(claims(table, settings)),
        summary_html(summary(table)),
        pairs_html(pairs(table)),
        figures(table, settings, dark),
    )


def extremes(table: Table, count: int = 4) -> tuple:
    """(best, worst): indexes of pictures by RSI-Grad-CAM's energy at the deepest layer, by its drop where there are no
    boxes; no picture is both. Of another method where RSI-Grad-CAM was not evaluated: the last one."""
    if not len(table):
        return [], []
    method = OWN if OWN in table.methods else table.methods[-1]
    rows = table.of(table.layers[-1], method)
    energy = table["energy"][rows]
    goodness = energy if np.isfinite(energy).any() else -table["drop"][rows]
    rows, goodness = rows[np.isfinite(goodness)], goodness[np.isfinite(goodness)]
    ranked = [int(index) for index in table["index"][rows[np.argsort(-goodness, kind="stable")]]]
    return ranked[:count], ranked[count:][::-1][:count]


def _page(folder, parts, settings, errors, gallery):
    return render(
        "report",
        title=f"Evaluation of {settings['model']}",
        page=PAGE,
        ink=INK,
        style=Markup((ASSETS / "report.css").read_text(encoding="utf-8")),
        plotly=Markup(get_plotlyjs()),
        script=Markup((ASSETS / "report.js").read_text(encoding="utf-8")),
        paper=PAPER,
        sections=parts,
        figures=[(*WORDS[name], _drawn(name, figure)) for name, figure in parts.figures.items()],
        gallery=_gallery(folder, gallery),
        errors=errors_html(errors) if errors else "",
        reading=READING,
        settings=as_json(settings),
    )


def _drawn(name, figure):
    """Plotly's HTML of a figure, its script not included."""
    return Markup(plotly.io.to_html(figure, CONFIG, include_plotlyjs=False, full_html=False, div_id=f"figure-{name}"))


def _gallery(folder, gallery):
    ranks = [(rank, [card for card in gallery if card.rank == rank]) for rank in ("best", "worst")]
    ranks = [(rank.capitalize(), cards) for rank, cards in ranks if cards]
    return (
        render("gallery", ranks=ranks, command=f"python launch.py --report {shlex.quote(str(folder))}") if ranks else ""
    )
