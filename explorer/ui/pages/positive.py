"""Grad-CAM++ and Grad-CAM with positive gradients: the same thing, where they are."""

import math
from html import escape

import gradio as gr

from explorer import formatting
from explorer.attribution.heatmaps import normalise, resize
from explorer.attribution.methods import METHODS
from explorer.attribution.scores import SCORES_OF
from explorer.render.charts.scores import share_histogram
from explorer.render.overlays import overlay
from explorer.studies.at_image import at_picture
from explorer.studies.grad_cam_pp import pair
from explorer.ui import choices
from explorer.ui.tiles import CHOOSING, Tile, row

KEY, LABEL = "positive", "Grad-CAM++"
ABOUT = (
    "Grad-CAM++ weighs every positive gradient by α = 1 / (2 + g·S), S being the sum of its feature map. Where g·S is "
    "small α is ½ everywhere, and Grad-CAM++ is Grad-CAM with positive gradients. That is so for a saturated "
    "probability, and not so for a logit. Choose a cell of the table."
)
SAME = 0.999  # cosine above which two layers of weights draw the same map to the eye


def build():
    gr.HTML("<h3>How alike the weights are: cosine similarity</h3>")
    table = gr.HTML(elem_id="cosines", js_on_load=CHOOSING)
    with gr.Row():
        with gr.Column(min_width=320, scale=3):
            maps = gr.HTML(elem_id="positive-maps")
        with gr.Column(min_width=320, scale=2):
            title = gr.HTML(elem_id="alpha-title")
            alphas = gr.Plot(show_label=False, elem_id="alphas")
    return {"cosines": table, "positive_maps": maps, "alpha_title": title, "alphas": alphas}


def wire(frame, places):
    def choose(session, asked, dark, tell, told):
        score, layer = told["choice"].split("|")
        return _drawn(session, asked, dark, score, layer)

    frame.run_chosen(places["cosines"].click, choose, places)


def show(explorer, session, asked, dark, tell):
    result, (_, progress) = session.result, session.begin(tell)
    classifier = result.classifier
    layers = choices.film(classifier)
    layers += [result.layer] if result.layer not in layers else []
    scores = [key for key in SCORES_OF[classifier.kind] if not key.endswith("naive")] or [classifier.default_score]
    found = {}
    for done, score in enumerate(scores):
        progress("scores", done, len(scores))
        at = at_picture(classifier, layers, result.image, result.class_index, score)
        found |= {(score, layer.name): pair(one) for layer, one in zip(layers, at, strict=True)}
    session.kept[KEY] = found
    score = result.settings["score"] if (result.settings["score"], result.layer.name) in found else scores[0]
    return _drawn(session, asked, dark, score, result.layer.name)


def _drawn(session, asked, dark, score, layer):
    found, result = session.kept[KEY], session.result
    one = found[score, layer]
    tiles = []
    for label, cam in ((METHODS["grad_cam_plus_plus"].label, one.plus_plus), ("positive gradients", one.positive)):
        heatmap = normalise(resize(cam, *result.image.shape[:2]), 1e-300)
        picture = overlay(result.image, heatmap, asked.colormap, asked.opacity)
        tiles.append(Tile(picture, f"{label} at {layer}", f"{label}, max {formatting.or_dash(float(cam.max()))}"))
    told = f"{_told(one, score, layer)} Both maps are drawn by their own largest value, without ε."
    return {
        "cosines": _table(found, score, layer),
        "positive_maps": f"{row(tiles)}<p class='caption'>{escape(told)}</p>",
        "alpha_title": f"<h3>α of every positive gradient: {escape(score)} at {escape(layer)}</h3>",
        "alphas": share_histogram(one.coefficients, dark=dark),
    }


def _told(one, score, layer):
    if math.isnan(one.cosine):
        return f"At {layer} no gradient of the {score} is positive: neither map can be had."
    low, high = (formatting.or_dash(float(v)) for v in (one.coefficients.min(), one.coefficients.max()))
    if one.cosine > SAME:
        return f"α lies between {low} and {high}: the weights point the same way (cosine {one.cosine:.6f})."
    return f"α lies between {low} and {high}: the weights differ (cosine {one.cosine:.3f}), and so do the maps."


def _table(found, chosen_score, chosen_layer):
    scores, layers = (list(dict.fromkeys(key[i] for key in found)) for i in (0, 1))
    head = "".join(f"<th scope='col'>{escape(layer)}</th>" for layer in layers)
    body = ""
    for score in scores:
        cells = (_cell(found[score, layer], score, layer, (chosen_score, chosen_layer)) for layer in layers)
        body += f"<tr><th scope='row'>{escape(score)}</th>{''.join(cells)}</tr>"
    head = f"<thead><tr><td></td>{head}</tr></thead>"
    return f"<div class='grid'><table class='numbers'>{head}<tbody>{body}</tbody></table></div>"


def _cell(one, score, layer, chosen):
    words = "–" if math.isnan(one.cosine) else f"{one.cosine:.4f}"
    kind = "same" if one.cosine > SAME else "other"
    return (
        f'<td data-choice="{escape(f"{score}|{layer}", quote=True)}" role="button" tabindex="0" '
        f'class="{kind}{" chosen" if (score, layer) == chosen else ""}">{words}</td>'
    )
