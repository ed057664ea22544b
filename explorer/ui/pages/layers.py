"""Layers: every method at the end of every block, from one sweep; and SISE, which fuses them, step by step."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import gradio as gr
import numpy as np

from explorer import formatting
from explorer.attribution.heatmaps import resize
from explorer.attribution.methods import METHODS, Curve
from explorer.attribution.methods.sise import fusion
from explorer.engine.masking import max_masks
from explorer.engine.run import explain_layers
from explorer.render.overlays import overlay
from explorer.ui import choices, html
from explorer.ui.widgets.tiles import CHOOSING, Tile, grid, of_map

if TYPE_CHECKING:
    from explorer.ui.actions import Explorer, Silent
    from explorer.ui.controls import Controls
    from explorer.ui.state import Session
    from explorer.ui.wiring import Frame


KEY, LABEL = "layers", "Layers"
ABOUT = (
    "The same question at the end of every block, from one sweep of the network: early layers see edges and colours in "
    "fine detail, late ones whole things, coarsely. Choose a map to look at its layer on Explore."
)
SISE_ABOUT = (
    "SISE shows the network the picture through the maps of every block, adds up the masks by its answers, and keeps "
    "from each layer what Otsu's threshold keeps."
)


def build() -> dict[str, Any]:
    film = gr.HTML(elem_id="film", js_on_load=CHOOSING)
    gr.HTML(html.section("SISE, step by step", SISE_ABOUT))
    with gr.Row(elem_classes="tight", elem_id="sise-do"):
        start = gr.Button("Show the steps", size="sm", elem_id="sise-start")
        cost = gr.HTML(elem_id="sise-cost")
    return {"film": film, "sise_start": start, "sise_cost": cost, "sise": gr.HTML(elem_id="sise")}


def wire(frame: Frame, places: Mapping[str, Any]) -> None:
    def steps(session, controls, dark, tell):
        return {"sise": _steps(frame.explorer, session, controls, tell)}

    def choose(session, controls, dark, tell, event):
        session.page = "explore"
        places = frame.explorer.explain(session, controls, dark, tell, layer=event["choice"])
        return places | {"tabs": gr.Tabs(selected="explore")}

    frame.run(places["sise_start"].click, steps, places)
    frame.run_chosen(places["film"].click, choose, frame.answer)


def show(explorer: Explorer, session: Session, controls: Controls, dark: bool, tell: Silent) -> dict[str, Any]:
    result = session.result
    layers, (_, progress) = choices.film(result.classifier), session.begin(tell)
    methods = [key for key in result.settings["methods"] if METHODS[key].curve is Curve.LAYER] or ["rsi_grad_cam"]
    asks = result.asks | {"methods": methods}
    by_layer = explain_layers(result.classifier, result.image, [one.name for one in layers], progress=progress, **asks)
    masks = max_masks("sise", result.classifier, result.layer)
    cost = _cost(masks, explorer.pace(result.classifier))
    return {"film": _film(by_layer, controls), "sise_cost": cost, "sise": ""}


def _film(by_layer, controls):
    """A row a method, a column a layer. by_layer: {layer: Result}."""
    heads = [(name, _size(one.layer)) for name, one in by_layer.items()]
    rows = []
    for key in next(iter(by_layer.values())).settings["methods"]:
        tiles = [of_map(one[key], one.image, f"at {name}", controls, name) for name, one in by_layer.items()]
        rows.append((METHODS[key].label, tiles))
    return grid(heads, rows)


def _size(layer):
    h, w, channels = layer.shape
    return f"{h}×{w}×{channels}"


def _cost(masks, pace):
    time = f", about {formatting.duration(pace * masks)}" if pace else ""
    return html.caption(f"Takes up to {masks:,} masked pictures{time}; it can be stopped.")


def _steps(explorer, session, controls, tell):
    result, (_, progress) = session.result, session.begin(tell)
    asks = result.asks | {"methods": ("sise",), "layer": result.layer.name}
    sise = explorer.cache.explain(result.classifier, result.image, progress=progress, **asks)
    maps = [(layer, layer_map) for layer, layer_map in sise.layer_maps["sise"] if layer_map is not None]
    if not maps:
        return html.caption("No map of any block speaks for this class: SISE is blank.")
    rows = {"the layer's own map": [], "what Otsu's threshold keeps": [], "fused so far": []}
    for (layer, _), step in zip(maps, fusion([layer_map for _, layer_map in maps]), strict=True):
        fused = step.fused / (step.fused.max() or 1)
        mask = np.ones_like(fused) if step.mask is None else step.mask.astype(np.float32)
        for values, tiles in zip((step.layer_map, mask, fused), rows.values(), strict=True):
            picture = overlay(
                result.image, resize(values, *result.image.shape[:2]), controls.colormap, controls.opacity
            )
            tiles.append(Tile(picture, f"{layer.name}"))
    rows["what Otsu's threshold keeps"][0] = Tile(None, note="all of it: the first layer")
    return grid([(layer.name, _size(layer)) for layer, _ in maps], list(rows.items()))
