"""Scores: the same map of four scores, where float32 loses one of them, and how the logit can be made to lie."""

from html import escape

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
from explorer.ui import painter, text
from explorer.ui.tiles import Tile, grid, row

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


def build():
    gr.HTML("<h3>The same map of every score</h3>")
    maps = gr.HTML(elem_id="score-maps")
    gr.HTML(f"<h3>Where float32 loses the class</h3><p class='caption'>{LOST}</p>")
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
    gr.HTML(f"<h3>A logit heatmap that says what you like</h3><p class='caption'>{LYING}</p>")
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


def wire(frame, places):
    def at(session, asked, dark, tell, margin):
        return _at_margin(session, asked, dark, margin)

    def paint(session, asked, dark, tell, told):
        return {"lie": _lie(session, asked, lambda logit: painted(logit, painter.cells(told, logit.signed.shape)))}

    def strengthen(session, asked, dark, tell, strength):
        return {"lie": _lie(session, asked, lambda logit: _constant(logit, strength))}

    frame.run(places["margin"].input, at, places, [places["margin"]], latest=True)
    frame.run_chosen(places["paint"].click, paint, places)
    frame.run(places["strength"].input, strengthen, places, [places["strength"]], latest=True)


def show(explorer, session, asked, dark, tell):
    result, (_, progress) = session.result, session.begin(tell)
    classifier, scores = result.classifier, SCORES_OF[result.classifier.kind]
    found = {}
    for score in scores:
        asks = result.asks | {"score": score, "layer": result.layer.name}
        found[score] = explorer.cache.explain(classifier, result.image, progress=progress, **asks)
    shown = {"score_maps": _maps(found, asked)}
    if classifier.kind != "softmax":
        why = classifier.logits_reason or "Each class of this network has a sigmoid of its own: no softmax cancels."
        told = f"<p class='caption'>{escape(why)}</p>"
        return shown | {"naive": told, "lie": told}
    keys = ("logit", "probability")
    of = [at_picture(classifier, [result.layer], result.image, result.class_index, key)[0] for key in keys]
    errors = errors_along(result, of[0], np.linspace(0, MAX_MARGIN, 17)[1:], progress)
    session.kept[KEY] = result, *of, errors
    start = painter.corner(of[0].signed.shape)
    return (
        shown
        | _at_margin(session, asked, dark, 20)
        | {
            "margin": 20,
            "strength": 0,
            "paint": painter.html(start),
            "lie": _lie(session, asked, lambda logit: painted(logit, start)),
        }
    )


def _maps(found, asked):
    heads = [(SCORES[key].label, _value(one, key)) for key, one in found.items()]
    rows = []
    for key in next(iter(found.values())).settings["methods"]:
        tiles = []
        for score, one in found.items():
            map_, badge = one[key], text.BADGES[one[key].verdict]
            picture = overlay(one.image, map_.heatmap, asked.colormap, asked.opacity)
            tiles.append(
                Tile(
                    picture,
                    f"{map_.label} of the {score}: {badge}",
                    f"max {formatting.or_dash(map_.statistics['maximum'])}",
                    badge="" if map_.verdict == "ok" else badge,
                    data={"verdict": map_.verdict},
                )
            )
        rows.append((METHODS[key].label, tiles))
    return grid(heads, rows)


def _value(one, score):
    return f"p = {text.probability(one)}" if score == "probability" else f"{float(one.path.scores[-1]):.6g}"


def _at_margin(session, asked, dark, margin):
    result, logit, _, (margins, errors) = session.kept[KEY]
    ahead = margin_of(logit.logits, result.class_index)
    if margins is None:
        told = (
            f"Another class is ahead of {result.class_name} by {-ahead:.2g}, and scaling the logits only puts it "
            "further behind. Choose the class that the network names."
        )
        return {"naive": f"<p class='caption'>{escape(told)}</p>", "lost": None}
    naive, stable = at_margin(result, logit, margin)
    tiles = [
        _signed_tile(result, asked, one, f"{label}, p = {float32(one.score)}")
        for label, one in (("naive float32", naive), ("stable", stable))
    ]
    told = f"Before scaling the margin is {ahead:.3g}. Both maps are Grad-CAM by their own largest value, without ε."
    return {
        "naive": f"{row(tiles)}<p class='caption'>{escape(told)}</p>",
        "lost": naive_error(margins, errors, margin, dark),
    }


def _constant(logit, strength):
    """K as a multiple of the logit's own map: so strong that the term alone would be `strength` times as large."""
    sums = logit.activations.astype(np.float64).sum(axis=2)
    places = sums.size
    return constant(logit.activations, strength * np.abs(logit.signed).max() / (sums.max() or 1) * places)


def _lie(session, asked, weights_of):
    result, logit, probability, _ = session.kept[KEY]
    found = altered(result.classifier, result.layer, result.image, logit, result.class_index, weights_of(logit))
    maps = {
        "the logit's, before": np.maximum(logit.signed, 0),
        "the logit's, altered": found.logit_map,
        "the probability's, before": np.maximum(probability.signed, 0),
        "the probability's, altered": found.probability_map,
    }
    tiles = [_tile(result, asked, cam, words) for words, cam in maps.items()]
    return row(tiles) + _outputs(result, logit.logits, found)


def _signed_tile(result, asked, one, words):
    return _tile(result, asked, np.maximum(one.signed, 0), words)


def _tile(result, asked, cam, words):
    heatmap = normalise(resize(cam, *result.image.shape[:2]), 1e-300)
    return Tile(overlay(result.image, heatmap, asked.colormap, asked.opacity), f"Grad-CAM: {words}", words)


def _outputs(result, before, found):
    """The five most probable classes of both networks, and by how much any probability has changed."""
    old, new = probabilities(result.classifier.kind, np.stack([before, found.logits]))
    names = result.classifier.class_names
    rows = "".join(
        f"<tr><th scope='row'>{escape(names[i])}</th>"
        f"<td>{four_decimals(old[i])}</td><td>{four_decimals(new[i])}</td></tr>"
        for i in old.argsort()[::-1][:5]
    )
    head = "<thead><tr><td></td><th>before</th><th>altered</th></tr></thead>"
    most = float(np.abs(old - new).max())
    told = (
        f"Every logit has changed by {found.shift:+.4g}; no probability changes by more than "
        f"{formatting.short(most)}, which is rounding. All four maps are Grad-CAM, each by its own largest value, "
        "without ε."
    )
    table = f"<div class='grid'><table class='numbers'>{head}<tbody>{rows}</tbody></table></div>"
    return f"{table}<p class='caption'>{told}</p>"
