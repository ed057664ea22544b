"""Layers: every method at the end of every block, from one sweep; and SISE, which fuses them, step by step."""

from dataclasses import replace

import gradio as gr
import numpy as np

from explorer import formatting
from explorer.attribution.heatmaps import resize
from explorer.attribution.methods import METHODS, Curve
from explorer.attribution.methods.sise import fusion
from explorer.engine.masking import max_masks
from explorer.engine.run import explain_layers
from explorer.render.overlays import overlay
from explorer.ui import choices, text
from explorer.ui.tiles import CHOOSING, Tile, grid

KEY, LABEL = "layers", "Layers"
ABOUT = (
    "The same question at the end of every block, from one sweep of the network: early layers see edges and colours in "
    "fine detail, late ones whole things, coarsely. Choose a map to look at its layer on Explore."
)
SISE_ABOUT = (
    "SISE shows the network the picture through the maps of every block, adds up the masks by its answers, and keeps "
    "from each layer what Otsu's threshold keeps."
)


def build():
    film = gr.HTML(elem_id="film", js_on_load=CHOOSING)
    gr.HTML(f"<h3>SISE, step by step</h3><p class='caption'>{SISE_ABOUT}</p>")
    with gr.Row(elem_classes="tight", elem_id="sise-do"):
        start = gr.Button("Show the steps", size="sm", elem_id="sise-start")
        cost = gr.HTML(elem_id="sise-cost")
    return {"film": film, "sise_start": start, "sise_cost": cost, "sise": gr.HTML(elem_id="sise")}


def wire(frame, places):
    def steps(session, asked, dark, tell):
        return {"sise": _steps(frame.explorer, session, asked, tell)}

    def choose(session, asked, dark, tell, told):
        session.page = "explore"
        found = frame.explorer.explain(session, replace(asked, layer=told["choice"]), dark, tell)
        return found | {"tabs": gr.Tabs(selected="explore")}

    frame.run(places["sise_start"].click, steps, places)
    frame.run_chosen(places["film"].click, choose, frame.answer)


def show(explorer, session, asked, dark, tell):
    result = session.result
    chosen, (_, progress) = choices.film(result.classifier), session.begin(tell)
    methods = [key for key in result.settings["methods"] if METHODS[key].curve is Curve.LAYER] or ["rsi_grad_cam"]
    asks = result.asks | {"methods": methods}
    found = explain_layers(result.classifier, result.image, [one.name for one in chosen], progress=progress, **asks)
    most = max_masks("sise", result.classifier, result.layer)
    return {"film": _film(found, asked), "sise_cost": _cost(most, explorer.pace(result.classifier)), "sise": ""}


def _film(found, asked):
    heads = [(name, _size(one.layer)) for name, one in found.items()]
    methods = next(iter(found.values())).settings["methods"]
    rows = []
    for key in methods:
        maps = [one[key] for one in found.values()]
        pictures = [overlay(one.image, one[key].heatmap, asked.colormap, asked.opacity) for one in found.values()]
        rows.append(
            (
                METHODS[key].label,
                [
                    Tile(
                        picture,
                        f"{METHODS[key].label} at {name}: {text.BADGES[map_.verdict]}",
                        f"max {formatting.or_dash(map_.statistics['maximum'])}",
                        name,
                        "" if map_.verdict == "ok" else text.BADGES[map_.verdict],
                        {"verdict": map_.verdict},
                    )
                    for name, map_, picture in zip(found, maps, pictures, strict=True)
                ],
            )
        )
    return grid(heads, rows)


def _size(layer):
    h, w, channels = layer.shape
    return f"{h}×{w}×{channels}"


def _cost(most, pace):
    time = f", about {formatting.duration(pace * most)}" if pace else ""
    return f"<p class='caption'>Takes up to {most:,} masked pictures{time}; it can be stopped.</p>"


def _steps(explorer, session, asked, tell):
    result, (_, progress) = session.result, session.begin(tell)
    asks = result.asks | {"methods": ("sise",), "layer": result.layer.name}
    found = explorer.cache.explain(result.classifier, result.image, progress=progress, **asks)
    maps = [(layer, layer_map) for layer, layer_map in found.layer_maps["sise"] if layer_map is not None]
    if not maps:
        return "<p class='caption'>No map of any block speaks for this class: SISE is blank.</p>"
    rows = {"the layer's own map": [], "what Otsu's threshold keeps": [], "fused so far": []}
    for (layer, _), step in zip(maps, fusion([layer_map for _, layer_map in maps]), strict=True):
        fused = step.fused / (step.fused.max() or 1)
        kept = np.ones_like(fused) if step.chosen is None else step.chosen.astype(np.float32)
        for values, tiles in zip((step.layer_map, kept, fused), rows.values(), strict=True):
            picture = overlay(result.image, resize(values, *result.image.shape[:2]), asked.colormap, asked.opacity)
            tiles.append(Tile(picture, f"{layer.name}"))
    rows["what Otsu's threshold keeps"][0] = Tile(None, note="all of it: the first layer")
    return grid([(layer.name, _size(layer)) for layer, _ in maps], list(rows.items()))
