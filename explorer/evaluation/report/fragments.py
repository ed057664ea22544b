"""Pieces of an evaluation's report as HTML, for the report and for the page: a template each in html/, and what fills
it in. Looks: assets/report.css."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from markupsafe import Markup

from explorer.evaluation.claims import Claim
from explorer.evaluation.statistics import MEASURES, Estimate, Measure
from explorer.evaluation.table import label
from explorer.formatting import raw_with_interval, short, with_interval
from explorer.render.html import renderer

MAX_ERRORS = 200
RAW = "raw_mean"
BETTER = {"higher": "↑ better", "lower": "↓ better", "": ""}

render = renderer(Path(__file__).parent / "html")


def counts_html(settings: Mapping[str, Any], counts: Mapping[str, Any]) -> Markup:
    """What was run: network, layers, methods, and what became of the pictures. settings, counts: see
    `document.write`."""
    dropped = [f"{count:,} dropped: {rule}" for rule, count in counts.get("dropped", {}).items() if count]
    failed = [f"{counts['failed']:,} failed"] if counts.get("failed") else []
    words = {"steps": "{} steps", "baseline": "baseline {}", "score": "score {}"}
    named = [form.format(settings[key]) for key, form in words.items() if settings.get(key) is not None]
    return render(
        "counts",
        network=settings["model"],
        layers=settings["layers"],
        methods=", ".join(map(label, settings["methods"])),
        settings=", ".join([f"ε = {short(settings['epsilon'])}", *named]),
        pictures=[f"{counts['given']:,} given", *dropped, *failed],
        evaluated=f"{counts['evaluated']:,}",
    )


def claims_html(claims: Iterable[Claim]) -> Markup:
    """A table of Claims, their verdicts as badges."""
    return render("claims", claims=claims)


def summary_html(summary: list[Estimate]) -> Markup:
    """Means and intervals, a table a layer: `explorer.evaluation.statistics.summary`."""
    return _by_layer(summary, "", _cell)


def pairs_html(pairs: list[Estimate]) -> Markup:
    """RSI-Grad-CAM minus each other method, a table a layer: `explorer.evaluation.statistics.pairs`. Marked where the
    interval leaves zero out."""
    return _by_layer(pairs, "minus ", _difference)


def errors_html(errors: list[tuple[int, str, str]]) -> Markup:
    """The first pictures that could not be explained, and why. errors: (index, image, reason) each."""
    more = len(errors) - MAX_ERRORS
    return render("errors", errors=errors[:MAX_ERRORS], more=f"{more:,}" if more > 0 else "")


def _by_layer(estimates, before, cell):
    """A table a layer, the deepest first: measures down, methods across. before: the name of each method."""
    tables = []
    for layer in reversed(dict.fromkeys(one.layer for one in estimates)):
        here = {(one.measure, one.method): one for one in estimates if one.layer == layer}
        methods = list(dict.fromkeys(method for _, method in here))
        pictures = max(one.count for one in here.values())
        rows = []
        for measure in MEASURES:
            of_methods = [here.get((measure.key, method)) for method in methods]
            if any(of_methods):
                cells = [one and cell(measure, one, pictures) for one in of_methods]
                rows.append((measure.label, BETTER[measure.better], cells))
        tables.append((layer, f"{pictures:,}", [f"{before}{label(method)}" for method in methods], rows))
    return render("estimates", tables=tables)


def _cell(measure: Measure, estimate, pictures, unit=" %"):
    """One number with its interval; the number of pictures where some have no value. unit: of shares."""
    numbers = estimate.mean, estimate.low, estimate.high
    both = raw_with_interval(*numbers) if measure.key == RAW else with_interval(*numbers, measure.share)
    mean, interval = (words.replace(" %", unit) for words in both)
    count = f"{estimate.count:,}" if estimate.count < pictures else ""
    return {"mean": mean, "interval": interval, "pictures": count, "style": "", "mark": ""}


def _difference(measure, estimate, pictures):
    cell = _cell(measure, estimate, pictures, " points")
    if measure.better and (estimate.low > 0 or estimate.high < 0):
        good = (estimate.low > 0) == (measure.better == "higher")
        cell |= {"style": "good", "mark": " better"} if good else {"style": "bad", "mark": " worse"}
    return cell
