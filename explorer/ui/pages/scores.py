"""Scores: the same map of four scores, where float32 loses one of them, and how the logit can be made to lie."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import gradio as gr
import numpy as np

from explorer import formatting
from explorer.attribution.heatmaps import normalise, resize
from explorer.attribution.methods import METHODS
from explorer.attribution.scores import SCORES, SCORES_OF
from explorer.formatting import float32, four_decimals
from explorer.network.output_head import probabilities
from explorer.render.charts.scores import naive_error
from explorer.render.overlays import overlay
from explorer.studies.at_image import at_picture
from explorer.studies.logit_shift import altered, constant, painted
from explorer.studies.softmax_margin import at_margin, errors_along, margin_of
from explorer.ui import html, text
from explorer.ui.widgets import painter
from explorer.ui.widgets.tiles import Tile, grid, of_map, row

if TYPE_CHECKING:
    from explorer.ui.actions import Explorer, Silent
    from explorer.ui.controls import Controls
    from explorer.ui.state import Session
    from explorer.ui.wiring import Frame


KEY, LABEL = "scores", "Scores"
ABOUT = (
    "A heatmap explains a number, and there are several to choose from: the probability, its logarithm, and the logit "
    "in front of the softmax. The same picture, class and layer give different maps."
)
LOST = (
    "The larger the margin, the closer p is to one. Once float32 rounds it to one, the published formula has lost the "
    "class itself: what is left of its gradient is about the other classes. The stable form keeps it."
)
LYING = (
    "Add the same number to every logit and no output changes: the softmax cancels it. But if that number depends on "
    "the picture, the logit's heatmap changes at will. Paint the map you want; the altered network is then really run."
)
MAX_MARGIN = 40
TIMES = 20  # the strongest term, against the logit's own map


def build() -> dict[str, Any]:
    gr.HTML(html.section("The same map of every score"))
    maps = gr.HTML(elem_id="score-maps")
    gr.HTML(html.section("Where float32 loses the class", LOST))
    with gr.Row(elem_id="margins"):
        with gr.Column(min_width=320, scale=3):
            margin = gr.Slider(
                0,
                MAX_MARGIN,
                value=20,
                step=1,
                label="Margin: all logits are scaled until the class is ahead by",
                elem_id="margin",
            )
            naive = gr.HTML(elem_id="naive")
        with gr.Column(min_width=320, scale=2):
            lost = gr.Plot(show_label=False, elem_id="lost")
    gr.HTML(html.section("A logit heatmap that says what you like", LYING))
    with gr.Row(elem_id="lying"):
        with gr.Column(min_width=230, scale=0):
            paint = painter.build("paint")
            strength = gr.Slider(
                -TIMES, TIMES, value=0, step=1, label="or one term for every channel, K", elem_id="strength"
            )
        with gr.Column(min_width=320, scale=3):
            lie = gr.HTML(elem_id="lie")
    return {
        "score_maps": maps,
        "margin": margin,
        "naive": naive,
        "lost": lost,
        "paint": paint,
        "strength": strength,
        "lie": lie,
    }


def wire(frame: Frame, places: Mapping[str, Any]) -> None:
    def at(session, controls, dark, tell, margin):
        return _at_margin(session, controls, dark, margin)

    def paint(session, controls, dark, tell, event):
        return {"lie": _lie(session, controls, lambda logit: painted(logit, painter.cells(event, logit.signed.shape)))}

    def strengthen(session, controls, dark, tell, strength):
        return {"lie": _lie(session, controls, lambda logit: _constant(logit, strength))}

    frame.run(places["margin"].input, at, places, [places["margin"]], latest=True)
    frame.run_chosen(places["paint"].click, paint, places)
    frame.run(places["strength"].input, strengthen, places, [places["strength"]], latest=True)


def show(explorer: Explorer, session: Session, controls: Controls, dark: bool, tell: Silent) -> dict[str, Any]:
    result, (_, progress) = session.result, session.begin(tell)
    classifier, scores = result.classifier, SCORES_OF[result.classifier.kind]
    by_score = {}
    for score in scores:
        asks = result.asks | {"score": score, "layer": result.layer.name}
        by_score[score] = explorer.cache.explain(classifier, result.image, progress=progress, **asks)
    places = {"score_maps": _maps(by_score, controls)}
    if classifier.kind != "softmax":
        reason = classifier.logits_reason or "Each class of this network has a sigmoid of its own: no softmax cancels."
        return places | {"naive": html.caption(reason), "lie": html.caption(reason)}
    keys = ("logit", "probability")
    of = [at_picture(classifier, [result.layer], result.image, result.class_index, key)[0] for key in keys]
    errors = errors_along(result, of[0], np.linspace(0, MAX_MARGIN, 17)[1:], progress)
    session.page_data[KEY] = result, *of, errors
    start = painter.corner(of[0].signed.shape)
    return (
        places
        | _at_margin(session, controls, dark, 20)
        | {
            "margin": 20,
            "strength": 0,
            "paint": painter.painting(start),
            "lie": _lie(session, controls, lambda logit: painted(logit, start)),
        }
    )


def _maps(by_score, controls):
    """A row a method, a column a score. by_score: {score: Result}."""
    heads = [(SCORES[key].label, _value(one, key)) for key, one in by_score.items()]
    rows = []
    for key in next(iter(by_score.values())).settings["methods"]:
        tiles = [of_map(one[key], one.image, f"of the {score}", controls) for score, one in by_score.items()]
        rows.append((METHODS[key].label, tiles))
    return grid(heads, rows)


def _value(one, score):
    return f"p = {text.probability(one)}" if score == "probability" else f"{float(one.path.scores[-1]):.6g}"


def _at_margin(session, controls, dark, margin):
    result, logit, _, (margins, errors) = session.page_data[KEY]
    ahead = margin_of(logit.logits, result.class_index)
    if margins is None:
        words = (
            f"Another class is ahead of {result.class_name} by {-ahead:.2g}, and scaling the logits only puts it "
            "further behind. Choose the class that the network names."
        )
        return {"naive": html.caption(words), "lost": None}
    naive, stable = at_margin(result, logit, margin)
    tiles = [
        _signed_tile(result, controls, one, f"{label}, p = {float32(one.score)}")
        for label, one in (("naive float32", naive), ("stable", stable))
    ]
    words = f"Before scaling the margin is {ahead:.3g}. Both maps are Grad-CAM by their own largest value, without ε."
    return {
        "naive": html.render("with_caption", html=row(tiles), words=words),
        "lost": naive_error(margins, errors, margin, dark),
    }


def _constant(logit, strength):
    """K as a multiple of the logit's own map: so strong that the term alone would be `strength` times as large."""
    sums = logit.activations.astype(np.float64).sum(axis=2)
    places = sums.size
    return constant(logit.activations, strength * np.abs(logit.signed).max() / (sums.max() or 1) * places)


def _lie(session, controls, weights_of):
    result, logit, probability, _ = session.page_data[KEY]
    network = altered(result.classifier, result.layer, result.image, logit, result.class_index, weights_of(logit))
    maps = {
        "the logit's, before": np.maximum(logit.signed, 0),
        "the logit's, altered": network.logit_map,
        "the probability's, before": np.maximum(probability.signed, 0),
        "the probability's, altered": network.probability_map,
    }
    tiles = [_tile(result, controls, cam, words) for words, cam in maps.items()]
    return row(tiles) + _outputs(result, logit.logits, network)


def _signed_tile(result, controls, one, words):
    return _tile(result, controls, np.maximum(one.signed, 0), words)


def _tile(result, controls, cam, words):
    heatmap = normalise(resize(cam, *result.image.shape[:2]), 1e-300)
    return Tile(overlay(result.image, heatmap, controls.colormap, controls.opacity), f"Grad-CAM: {words}", words)


def _outputs(result, before, network):
    """The five most probable classes of both networks, and by how much any probability has changed. before: the logits
    of the network as it is; network: as `explorer.studies.logit_shift.altered` returns it."""
    old, new = probabilities(result.classifier.kind, np.stack([before, network.logits]))
    names = result.classifier.class_names
    words = (
        f"Every logit has changed by {network.shift:+.4g}; no probability changes by more than "
        f"{formatting.short(float(np.abs(old - new).max()))}, which is rounding. All four maps are Grad-CAM, each by "
        "its own largest value, without ε."
    )
    rows = [(names[i], four_decimals(old[i]), four_decimals(new[i])) for i in old.argsort()[::-1][:5]]
    return html.render("outputs", rows=rows, words=words)
