"""A Result as the page shows it: pieces of HTML and figures, from plain values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import cv2

from explorer import formatting
from explorer.arrays import Array
from explorer.attribution.methods import METHODS
from explorer.attribution.scores import SCORES
from explorer.engine.baselines import describe, displayed
from explorer.render import overlays
from explorer.render.charts import histograms as charts
from explorer.ui import html, text

if TYPE_CHECKING:
    from markupsafe import Markup
    from plotly.graph_objects import Figure

    from explorer.engine.result import Result
    from explorer.ui.controls import Controls
    from explorer.ui.state import Picture


STATISTICS = {"min": "minimum", "mean": "mean", "max": "maximum"}


def heading(result: Result) -> Markup:
    """The class, its probability and the question, in one line."""
    return html.render(
        "heading",
        class_name=result.class_name,
        probability=text.probability(result),
        saturation=text.saturation(result),
        saturation_means=text.SATURATED,
        question=text.question(result),
        baseline=describe(result.settings["baseline"]),
    )


def cards(result: Result, colormap: str, opacity: float, scale: str, sharpening: bool = False) -> Markup:
    """One card a method: overlay, verdict, raw minimum, mean and maximum; the colour bar beneath.

    sharpening: whether the result is a preview, of a path that is still being walked.
    """
    heatmaps = {one.method: one.heatmap for one in result}
    if scale == "shared":
        heatmaps = overlays.shared_scale({one.method: one.raw for one in result}, result.epsilon)
    maps = []
    for key in result.settings["methods"]:
        picture = key in heatmaps and overlays.overlay(result.image, heatmaps[key], colormap, opacity)
        maps.append((METHODS[key], _card(result[key], result, picture) if key in heatmaps else None))
    low, high = text.SHARED_BAR if scale == "shared" else text.OWN_BAR
    bar = {"low": low, "high": high, "strip": overlays.colour_bar(colormap, 1, 256)}
    return html.render("cards", maps=maps, bar=bar, sharpening=sharpening)


def _card(one, result, picture):
    badge = text.BADGES[one.verdict]
    return {
        "verdict": one.verdict,
        "badge": badge,
        "picture": picture,
        "alt": f"{one.label} for {result.class_name}: {badge}. {one.verdict.reason}",
        "numbers": [(name, formatting.or_dash(one.statistics[key])) for name, key in STATISTICS.items()],
    }


def preview(result: Result, look: Controls) -> dict[str, Any]:
    """What can be shown of a path that is still being walked; look: the colours, as `explorer.ui.controls.Controls`."""
    result = result.at_epsilon(look.epsilon)
    return {"cards": cards(result, look.colormap, look.opacity, look.scale, True), "heading": heading(result)}


def methods_note(objections: dict[str, str], counts: list[tuple[str, int]], pace: float | None) -> Markup:
    """Which methods cannot be had at the layer, and why; what others would take. The first are greyed in their list.

    objections: {method: the reason}; counts, pace: see `text.masked`.
    """
    order = list(METHODS)
    return html.render(
        "methods_note",
        positions=[order.index(key) + 1 for key in objections],
        reasons=[(METHODS[key].label, reason) for key, reason in objections.items()],
        masks=text.masked(counts, pace),
    )


def notice(result: Result, at_baseline: float) -> Markup:
    """The announcement in words of every dark, blank or non-finite map; a quiet line where all is well.

    at_baseline: p of the class at the baseline.
    """
    return html.render(
        "notice",
        notices=text.notices(result),
        warning=text.baseline_warning(result, at_baseline),
        largest=text.largest_values(result),
        epsilon=formatting.short(result.epsilon),
    )


def glossary() -> Markup:
    """The words of the page, each in one sentence."""
    explained = {word for word, _ in text.WORDS}
    others = [(method.label, method.about) for method in METHODS.values() if method.label not in explained]
    return html.render("glossary", words=[*text.WORDS, *others])


def histograms(result: Result, dark: bool) -> Figure:
    return charts.histograms({one.label: one.cam for one in result}, result.epsilon, dark=dark)


def path(result: Result, dark: bool) -> Figure:
    points = result.path
    flat = charts.flat_zone(points.alphas, points.scores)
    return charts.score_path(
        points.alphas, points.scores, SCORES[result.settings["score"]].label, flat_from=flat, dark=dark
    )


def completeness(result: Result) -> Markup:
    return html.render("completeness", words=f"{text.completeness(result)} {text.exactness(result)}".strip())


def network_input(picture: Picture, result: Result) -> Markup:
    """The picture as it came beside what the network sees of it."""
    return html.render(
        "seen",
        name=picture.name,
        original=thumbnail(picture.image),
        size=_size(picture.image),
        fitted=result.image,
        fitted_size=_size(result.image),
    )


def _size(picture):
    return f"{picture.shape[1]}×{picture.shape[0]}"


def baseline_preview(picture: Array, class_name: str, probability: float) -> Markup:
    """The baseline picture and what the network makes of it."""
    return html.render(
        "baseline_preview",
        picture=displayed(picture),
        class_name=class_name,
        probability=formatting.about(probability),
    )


def status(words: str, kind: str = "ready", detail: str = "", items: list = ()) -> Markup:
    """The line that says what is going on; kind: ready or wrong. detail: what an answer took, beside it. items: a list
    beneath it, such as what is wrong with each of several files."""
    return html.render("status", words=words, kind=kind, detail=detail, items=items)


def machine(words: str) -> Markup:
    """What computes: backend, device, precision."""
    return html.caption(f"Computed by {words}.")


def progress(stage: str, done: int, total: int) -> Markup:
    """The same line while the network works: "the path: 17 of 51"."""
    return html.render("progress", stage=stage, done=done, total=total)


def thumbnail(picture: Array, longest: int = 224) -> Array:
    shrink = min(1, longest / max(picture.shape[:2]))
    size = [max(1, round(side * shrink)) for side in picture.shape[1::-1]]
    return cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
