"""Baselines: methods against baselines, the blind spot of a colour, and the baseline that is neutral to every class."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import gradio as gr

from explorer.engine.baselines import canonical
from explorer.studies import class_neutral
from explorer.ui import html, results, text
from explorer.ui.widgets import lineup, neutral_lab, spot

if TYPE_CHECKING:
    from explorer.ui.actions import Explorer, Silent
    from explorer.ui.controls import Controls
    from explorer.ui.state import Session
    from explorer.ui.wiring import Frame


KEY, LABEL = "baselines", "Baselines"
ABOUT = (
    "The path to the picture begins at a baseline: a picture of nothing in particular. To the network it may be "
    "something all the same. What it says of each, how undecided it is (its entropy, at most log₂ of the number of "
    "classes), and how much the maps depend on the choice."
)
SPOT_ABOUT = "Choose a colour as the baseline by clicking a pixel that has it, and watch that colour vanish from a map."
NEUTRAL_ABOUT = (
    "Black is no class, yet a network may favour one there. From black on, the pixels are moved until no class stands "
    "out (Lerma and Lucas 2022): loss = 0.99·max|p − 1/N| + 0.01·mean (difference from black)². Of 200 steps the one "
    "of the least loss is kept."
)
DONE = {"status": results.status(text.READY)}


def build() -> dict[str, Any]:
    with gr.Row(elem_classes="tight", elem_id="lineup-do"):
        others = gr.Button("Compute the missing ones", size="sm", elem_id="lineup-start", visible=False)
        lineup_cost = gr.HTML(elem_id="lineup-cost")
    board = gr.HTML(elem_id="lineup")
    gr.HTML(html.section("The blind spot", SPOT_ABOUT))
    with gr.Row(elem_id="spot-row"):
        with gr.Column(min_width=230, scale=0):
            pick = gr.HTML(elem_id="pick", js_on_load=spot.PICKING)
        with gr.Column(min_width=320, scale=3):
            blind = gr.HTML(elem_id="spot")
    gr.HTML(html.section("The class-neutral baseline", NEUTRAL_ABOUT))
    with gr.Row(elem_classes="tight", elem_id="neutral-do"):
        start = gr.Button("Optimise it", size="sm", elem_id="neutral-start")
        neutral_cost = gr.HTML(elem_id="neutral-cost")
    with gr.Row(elem_id="neutral-row"):
        with gr.Column(min_width=320, scale=3):
            curve = gr.Plot(show_label=False, elem_id="neutral-curve", visible=False)
        with gr.Column(min_width=320, scale=2):
            picture = gr.HTML(elem_id="neutral-picture")
    return {
        "lineup": board,
        "lineup_start": others,
        "lineup_cost": lineup_cost,
        "pick": pick,
        "spot": blind,
        "neutral_start": start,
        "neutral_cost": neutral_cost,
        "neutral_curve": curve,
        "neutral_picture": picture,
        "neutral_maps": gr.HTML(elem_id="neutral-maps"),
    }


def wire(frame: Frame, places: Mapping[str, Any]) -> None:
    explorer = frame.explorer

    def others(session, controls, dark, tell):
        _, progress = session.begin(tell)
        return DONE | _fill(explorer, session.page_data[KEY], controls, progress, tell)

    def pick(session, controls, dark, tell, event):
        _, progress = session.begin(tell)
        return DONE | {"spot": spot.look(explorer, session.result, event["x"], event["y"], progress, controls)}

    def optimise(session, controls, dark, tell):
        return DONE | _optimise(explorer, session, controls, dark, tell)

    frame.run(places["lineup_start"].click, others, places)
    frame.run_chosen(places["pick"].click, pick, places)
    frame.run(places["neutral_start"].click, optimise, places)


def show(explorer: Explorer, session: Session, controls: Controls, dark: bool, tell: Silent) -> dict[str, Any]:
    result, (_, progress) = session.result, session.begin(tell)
    pace = explorer.pace(result.classifier)
    line = session.page_data[KEY] = lineup.lineup(result)
    places = _neutral(result, pace, dark) | {"pick": spot.board(result), "spot": spot.invitation(result, pace)}
    tell.show(lambda: places | _board(explorer, line, controls))  # so that all of it stands, should the rest be stopped
    return places | _fill(explorer, line, controls, progress, tell, lineup.AT_ONCE)


def _fill(explorer, line, controls, progress, tell, seconds=None):
    lineup.fill(line, explorer, progress, lambda: tell.show(lambda: _board(explorer, line, controls)), seconds)
    return _board(explorer, line, controls)


def _board(explorer, line, controls):
    return {
        "lineup": lineup.board(line, controls),
        "lineup_start": gr.update(visible=bool(line.missing)),
        "lineup_cost": lineup.cost(line, explorer.pace(line.result.classifier)),
    }


def _neutral(result, pace, dark):
    """What stands of the class-neutral baseline before it is asked for."""
    reason, neutral = neutral_lab.reason(result.classifier), class_neutral.cached(result.classifier)
    return {
        "neutral_start": gr.update(interactive=reason is None, value="Show its maps" if neutral else "Optimise it"),
        "neutral_cost": html.caption(reason) if reason else neutral_lab.cost(result, pace),
        "neutral_curve": _curve(neutral, dark) if neutral else gr.update(visible=False),
        "neutral_picture": neutral_lab.picture(neutral) if neutral else "",
        "neutral_maps": "",
    }


def _curve(neutral, dark):
    return gr.update(value=neutral_lab.curve(neutral, dark), visible=True)


def _optimise(explorer, session, controls, dark, tell):
    result, (_, progress) = session.result, session.begin(tell)

    def live(neutral):
        tell.show(lambda: {"neutral_curve": _curve(neutral, dark), "neutral_picture": neutral_lab.picture(neutral)})

    neutral = class_neutral.class_neutral(result.classifier, progress, live)
    live(neutral)
    both = neutral_lab.before_and_after(explorer, result, neutral, progress)
    columns = session.page_data[KEY].results | dict(zip(("black", canonical(neutral.baseline)), both, strict=True))
    line = session.page_data[KEY] = lineup.lineup(result, columns)  # it has one column more
    places = _neutral(result, explorer.pace(result.classifier), dark) | {
        "neutral_maps": neutral_lab.maps(both, controls)
    }
    return places | _board(explorer, line, controls)
