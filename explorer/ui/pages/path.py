"""Path: the path from baseline to picture played back point by point, and how the maps converge with its steps."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import gradio as gr
import numpy as np

from explorer import formatting
from explorer.attribution.methods import METHODS
from explorer.attribution.scores import SCORES
from explorer.errors import InputError
from explorer.render.charts import histograms
from explorer.render.charts import path as path_charts
from explorer.studies.convergence import PLACED, ROUNDING, converge, finest_steps, most_points
from explorer.studies.playback import MAX_STOPS, playback
from explorer.ui import html, results, text
from explorer.ui.widgets import player

if TYPE_CHECKING:
    from explorer.ui.actions import Explorer, Silent
    from explorer.ui.controls import Controls
    from explorer.ui.state import Session
    from explorer.ui.wiring import Frame


KEY, LABEL = "path", "Path"
ABOUT = (
    "The picture fades in from the baseline (α = 0 to 1). Drag the slider: the maps show what each method has by then."
)
CONVERGENCE_ABOUT = (
    "An integral is a limit, a map a sum of so many steps. How far is it off? Each map is held against that of the "
    "finest trapezoid sum, every coarser sum being a part of the same path. In theory twice the steps halve the error "
    "of the right end-point, as the paper writes it (slope 1), and quarter that of the trapezoid (slope 2); points "
    "placed automatically pay where the score rises sharply."
)
DISTANCE = "relative distance to limit"
MAPS = 3  # methods whose convergence is drawn

_played = WeakKeyDictionary()  # Path -> its Playback


def build() -> dict[str, Any]:
    path_player = gr.HTML(elem_id="path-player", js_on_load=player.SCRIPT)
    with gr.Row(elem_id="path-charts"):
        rise = gr.Plot(show_label=False, elem_id="path-rise", min_width=320)
        why = gr.Plot(show_label=False, elem_id="path-why", min_width=320)
    gr.HTML(html.section("Convergence: maps and gap against steps", CONVERGENCE_ABOUT))
    with gr.Row(elem_classes="tight", elem_id="converge-do"):
        start = gr.Button("Measure", size="sm", elem_id="converge-start")
        cost = gr.HTML(elem_id="converge-cost")
    key = gr.HTML(elem_id="converge-key")
    with gr.Row(elem_id="converge-charts"):
        plots = [
            gr.Plot(show_label=False, elem_id=f"converge-{n}", min_width=320, visible=False) for n in range(MAPS + 1)
        ]
    words = gr.HTML(elem_id="converge-words")
    return {
        "path_player": path_player,
        "path_rise": rise,
        "path_why": why,
        "converge_start": start,
        "converge_cost": cost,
        "converge_key": key,
        "converge_words": words,
        **{f"converge_{n}": plot for n, plot in enumerate(plots)},
    }


def wire(frame: Frame, places: Mapping[str, Any]) -> None:
    controls = frame.controls

    def measure(session, controls, dark, tell):
        _, progress = session.begin(tell)
        return _converged(converge(session.result, frame.explorer.cache.explain, progress), dark)

    def colours(session, controls, dark):
        """The same path in other colours, or with another ε."""
        if session.page != KEY or session.result is None or session.result.path not in _played:
            return {}
        return {"path_player": _player(session.result, controls)}

    frame.run(places["converge_start"].click, measure, places)
    frame.redraw([controls.colormap.input, controls.opacity.change, controls.exponent.change], colours, places)


def show(explorer: Explorer, session: Session, controls: Controls, dark: bool, tell: Silent) -> dict[str, Any]:
    result = session.result
    places = {"converge_key": "", "converge_words": ""}
    places |= {f"converge_{n}": gr.update(visible=False) for n in range(MAPS + 1)}
    places |= _cost(result, explorer.pace(result.classifier))
    try:
        played = _playback(result)
    except InputError as why:
        return places | {
            "path_player": html.caption(str(why)),
            "path_rise": _score(result, dark),
            "path_why": gr.update(visible=False),
        }
    points, flat = result.path, _flat(result)
    label = SCORES[result.settings["score"]].label
    return places | {
        "path_player": _player(result, controls),
        "path_rise": gr.update(
            value=path_charts.rise(points.alphas, points.scores, played, label, flat, dark), visible=True
        ),
        "path_why": gr.update(value=path_charts.why(played, flat, dark), visible=True),
    }


def _playback(result):
    if result.path not in _played:
        _played[result.path] = playback(result, player.max_stops(result, MAX_STOPS))
    return _played[result.path]


def _player(result, controls):
    return player.player(result, _playback(result), _flat(result), controls)


def _flat(result):
    return histograms.flat_zone(result.path.alphas, result.path.scores)


def _score(result, dark):
    points, label = result.path, SCORES[result.settings["score"]].label
    return histograms.score_path(points.alphas, points.scores, label, _flat(result), dark)


def _cost(result, pace):
    try:
        finest, points = finest_steps(result.layer), most_points(result.layer)
    except InputError as why:
        return {
            "converge_cost": html.caption(str(why)),
            "converge_start": gr.update(interactive=False),
        }
    time = f", about {formatting.duration(pace * points)}" if pace else ""
    words = (
        f"Takes up to {points} points{time}: a path of {finest} steps, and those placed besides. It can be stopped, "
        "and points that are still there serve again."
    )
    return {"converge_cost": html.caption(words), "converge_start": gr.update(interactive=True)}


def _converged(measured, dark):
    """measured: as `explorer.studies.convergence.converge` returns it."""
    keys = sorted(measured.maps, key=lambda key: key != "rsi_grad_cam")[:MAPS]
    figures = [
        path_charts.convergence(measured.maps[key], METHODS[key].label, DISTANCE, measured.floor[key], dark)
        for key in keys
    ]
    if measured.gaps:
        figures.append(path_charts.convergence(measured.gaps, "Completeness gap", "share of the change", None, dark))
    figures += [None] * (MAPS + 1 - len(figures))
    plots = {f"converge_{n}": gr.update(value=one, visible=one is not None) for n, one in enumerate(figures)}
    status = results.status(text.READY)
    return plots | {"converge_key": _key(), "converge_words": _words(measured, keys), "status": status}


def _key():
    """Which line is of which rule, once for all charts."""
    marks = {"square": "■", "circle": "●", "diamond": "◆"}
    styles = path_charts.RULE_STYLES.values()
    return html.render("converge_key", rules=[(label, colour, marks[mark]) for label, colour, mark, _ in styles])


def _words(measured, keys):
    """The measured slopes and what automatic placement reached, a line each."""
    lines = [(METHODS[key].label, measured.maps[key], measured.floor[key]) for key in keys]
    lines += [("Completeness gap", measured.gaps, 0)] if measured.gaps else []
    return html.render(
        "slopes",
        curves=[(name, _slopes(measured, curves, floor)) for name, curves, floor in lines],
        first=measured.finest // 32,
        last=measured.finest // 4,
    )


def _slopes(measured, curves, floor):
    """Of each rule: its name, the order at which its error falls (None: at once), more words."""
    right, trapezoid = curves["right"], curves["trapezoid"]
    if np.allclose(right.errors, trapezoid.errors, rtol=0.01):
        alike = ", being the same where the ends of the path contribute alike"
        laws = [_law("both rules", measured.order(right), alike)]
    else:
        laws = [
            _law("right end-point", measured.order(right)),
            _law("trapezoid", measured.order(trapezoid)),
        ]
    if PLACED in curves:
        laws.append((f"points placed automatically {_reached(curves[PLACED], floor)}", None, ""))
    return laws


def _law(rule, order, more=""):
    if order is None:
        return f"{rule} below {formatting.or_dash(ROUNDING)}, exact to rounding", None, more
    return rule, f"{order:.1f}", more


def _reached(curve, floor):
    """What placing came to: below the floor the error is not known."""
    near = np.flatnonzero(curve.errors < floor)
    if len(near):
        return f"with {int(curve.steps[near[0]]) + 1} are as near as the finest sum itself is known"
    return f"reach {formatting.or_dash(curve.errors[-1])} with {int(curve.steps[-1]) + 1}"
