"""The whole page: the controls on the left, the pages in tabs on the right."""

from __future__ import annotations

from typing import TYPE_CHECKING

import gradio as gr

from explorer.ui import html, wiring
from explorer.ui.controls import choices_column, own_network, pictures_column
from explorer.ui.pages import OTHERS, explore
from explorer.ui.state import Session
from explorer.ui.wiring import Frame

if TYPE_CHECKING:
    from explorer.ui.actions import Explorer


def build(app: gr.Blocks, explorer: Explorer) -> None:
    """Lay out the page inside `app`, the gr.Blocks being built, and wire it to the shared Explorer."""
    session = gr.State(Session())
    dark = gr.Checkbox(False, visible=False)  # whether the page is dark, which only the browser knows
    with gr.Row(elem_id="columns"):
        with gr.Column(scale=1, min_width=320, elem_id="left"):
            with gr.Column(elem_id="pictures", min_width=0):
                pictures = pictures_column()
            with gr.Column(elem_id="choices", min_width=0):
                controls, control_places, parameters = choices_column()
                own = own_network(explorer.allow_own)
        with gr.Column(scale=3, min_width=340, elem_id="right"):
            places, button = _top()
            with gr.Tabs(elem_id="pages") as places["tabs"]:
                explore_places, others, tabs = _pages()
    places |= explore_places | control_places | {"strip": pictures.strip, "seen": pictures.seen}
    written = ("model", "head", "class_index", "layer", "score", "exponent", "number")
    places |= {name: getattr(controls, name) for name in written}
    wiring.wire(app, Frame(explorer, session, dark, controls, places), pictures, own, button, parameters, others, tabs)


def _top():
    """What stands above every page -> (places by name, the Explain button)."""
    with gr.Row(elem_id="top"):
        heading = gr.HTML(elem_id="heading", min_width=320)
        with gr.Row(elem_classes="tight", elem_id="do"):
            explain = gr.Button("Explain", variant="primary", size="sm", min_width=90)
            stop = gr.Button("Stop", variant="stop", size="sm", min_width=70, elem_id="stop", interactive=False)
    status = gr.HTML(elem_id="status")
    return {"heading": heading, "status": status, "stop": stop}, explain


def _pages():
    """Every page in its tab -> (the places of Explore, those of each other page by its key, the tabs by their key)."""
    tabs, others = {}, {}
    with gr.Tab(explore.LABEL, id=explore.KEY) as tabs[explore.KEY]:
        explore_places = explore.build()
    for key, page in OTHERS.items():
        with gr.Tab(page.LABEL, id=key) as tabs[key]:
            gr.HTML(html.caption(page.ABOUT))
            others[key] = page.build()
    return explore_places, others, tabs
