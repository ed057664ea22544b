"""Grad-CAM++ and Grad-CAM with positive gradients: the same thing, where they are."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import gradio as gr

from explorer import formatting
from explorer.attribution.heatmaps import normalise, resize
from explorer.attribution.methods import METHODS
from explorer.attribution.scores import SCORES_OF
from explorer.render.charts.scores import share_histogram
from explorer.render.overlays import overlay
from explorer.studies.at_image import at_picture
from explorer.studies.grad_cam_pp import pair
from explorer.ui import choices, html
from explorer.ui.widgets.tiles import CHOOSING, Tile, row

if TYPE_CHECKING:
    from explorer.ui.actions import Explorer, Silent
    from explorer.ui.controls import Controls
    from explorer.ui.state import Session
    from explorer.ui.wiring import Frame


KEY, LABEL = "positive", "Grad-CAM++"
ABOUT = (
    "Grad-CAM++ weighs every positive gradient by α = 1 / (2 + g·S), S being the sum of its feature map. Where g·S is "
    "small α is ½ everywhere, and Grad-CAM++ is Grad-CAM with positive gradients. That is so for a saturated "
    "probability, and not so for a logit. Choose a cell of the table."
)
SAME = 0.999  # cosine above which two layers of weights draw the same map to the eye


def build() -> dict[str, Any]:
    gr.HTML(html.section("How alike the weights are: cosine similarity"))
    table = gr.HTML(elem_id="cosines", js_on_load=CHOOSING)
    with gr.Row():
        with gr.Column(min_width=320, scale=3):
            maps = gr.HTML(elem_id="positive-maps")
        with gr.Column(min_width=320, scale=2):
            title = gr.HTML(elem_id="alpha-title")
            alphas = gr.Plot(show_label=False, elem_id="alphas")
    return {"cosines": table, "positive_maps": maps, "alpha_title": title, "alphas": alphas}


def wire(frame: Frame, places: Mapping[str, Any]) -> None:
    def choose(session, controls, dark, tell, event):
        score, layer = event["choice"].split("|")
        return _drawn(session, controls, dark, score, layer)

    frame.run_chosen(places["cosines"].click, choose, places)


def show(explorer: Explorer, session: Session, controls: Controls, dark: bool, tell: Silent) -> dict[str, Any]:
    result, (_, progress) = session.result, session.begin(tell)
    classifier = result.classifier
    layers = choices.film(classifier)
    layers += [result.layer] if result.layer not in layers else []
    scores = [key for key in SCORES_OF[classifier.kind] if not key.endswith("naive")] or [classifier.default_score]
    pairs = {}
    for done, score in enumerate(scores):
        progress("scores", done, len(scores))
        at = at_picture(classifier, layers, result.image, result.class_index, score)
        pairs |= {(score, layer.name): pair(one) for layer, one in zip(layers, at, strict=True)}
    session.page_data[KEY] = pairs
    score = result.settings["score"] if (result.settings["score"], result.layer.name) in pairs else scores[0]
    return _drawn(session, controls, dark, score, result.layer.name)


def _drawn(session, controls, dark, score, layer):
    pairs, result = session.page_data[KEY], session.result
    one = pairs[score, layer]
    tiles = []
    for label, cam in ((METHODS["grad_cam_plus_plus"].label, one.plus_plus), ("positive gradients", one.positive)):
        heatmap = normalise(resize(cam, *result.image.shape[:2]), 1e-300)
        picture = overlay(result.image, heatmap, controls.colormap, controls.opacity)
        tiles.append(Tile(picture, f"{label} at {layer}", f"{label}, max {formatting.or_dash(float(cam.max()))}"))
    words = f"{_agreement(one, score, layer)} Both maps are drawn by their own largest value, without ε."
    return {
        "cosines": _table(pairs, (score, layer)),
        "positive_maps": html.render("with_caption", html=row(tiles), words=words),
        "alpha_title": html.section(f"α of every positive gradient: {score} at {layer}"),
        "alphas": share_histogram(one.coefficients, dark=dark),
    }


def _agreement(one, score, layer):
    if math.isnan(one.cosine):
        return f"At {layer} no gradient of the {score} is positive: neither map can be had."
    low, high = (formatting.or_dash(float(v)) for v in (one.coefficients.min(), one.coefficients.max()))
    if one.cosine > SAME:
        return f"α lies between {low} and {high}: the weights point the same way (cosine {one.cosine:.6f})."
    return f"α lies between {low} and {high}: the weights differ (cosine {one.cosine:.3f}), and so do the maps."


def _table(pairs, open_cell):
    """open_cell: the (score, layer) whose maps are shown."""
    scores, layers = (list(dict.fromkeys(key[i] for key in pairs)) for i in (0, 1))
    rows = [
        (score, [_cell(pairs[score, layer], f"{score}|{layer}", (score, layer) == open_cell) for layer in layers])
        for score in scores
    ]
    return html.render("cosines", layers=layers, rows=rows)


def _cell(one, choice, is_open):
    kind = "same" if one.cosine > SAME else "other"
    words = "–" if math.isnan(one.cosine) else f"{one.cosine:.4f}"
    return choice, f"{kind} chosen" if is_open else kind, words
