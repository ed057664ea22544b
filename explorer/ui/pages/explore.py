"""Explore: the maps side by side, what is wrong with them, their raw values, and the score along the path."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import gradio as gr

from explorer.ui import html, results, text
from explorer.ui.actions import lower_exponent

if TYPE_CHECKING:
    from explorer.ui.state import Session


KEY, LABEL = "explore", "Explore"


def build() -> dict[str, Any]:
    cards = gr.HTML(elem_id="cards")
    with gr.Row(elem_id="announcement"):
        notice = gr.HTML(elem_id="notice")
        with gr.Column(elem_id="remedies", min_width=0):
            lower_epsilon = gr.Button("Lower ε", size="sm", visible=False)
            use_logit = gr.Button("Explain the logit", size="sm", visible=False)
    with gr.Row(elem_id="charts"):
        with gr.Column(min_width=320, scale=3):
            gr.HTML(html.section("Raw values of each map, on one logarithmic axis"))
            histograms = gr.Plot(show_label=False, elem_id="histograms")
        with gr.Column(min_width=320, scale=2):
            gr.HTML(html.section("The score along the path"))
            path = gr.Plot(show_label=False, elem_id="path")
            completeness = gr.HTML(elem_id="completeness")
    gr.HTML(html.caption(text.CAPTION), elem_id="caption")
    machine = gr.HTML(elem_id="machine")
    with gr.Accordion("What the words mean", open=False, elem_id="words"):
        gr.HTML(results.glossary())
    return {
        "cards": cards,
        "notice": notice,
        "lower_epsilon": lower_epsilon,
        "use_logit": use_logit,
        "histograms": histograms,
        "path": path,
        "completeness": completeness,
        "machine": machine,
    }


def lower_epsilon(session: Session) -> int | None:
    return lower_exponent(session.result)
