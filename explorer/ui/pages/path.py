"""Path: the path from baseline to picture played back point by point, and how the maps converge with its steps."""

from html import escape
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
from explorer.ui import player, results, text

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

_played = WeakKeyDictionary()  # PathRecord -> its Playback


def build():
    shown = gr.HTML(elem_id="path-player", js_on_load=player.SCRIPT)
    with gr.Row(elem_id="path-charts"):
        rise = gr.Plot(show_label=False, elem_id="path-rise", min_width=320)
        why = gr.Plot(show_label=False, elem_id="path-why", min_width=320)
    gr.HTML(f"<h3>Convergence: maps and gap against steps</h3><p class='caption'>{CONVERGENCE_ABOUT}</p>")
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
        "path_player": shown,
        "path_rise": rise,
        "path_why": why,
        "converge_start": start,
        "converge_cost": cost,
        "converge_key": key,
        "converge_words": words,
        **{f"converge_{n}": plot for n, plot in enumerate(plots)},
    }


def wire(frame, places):
    asked = frame.asked

    def measure(session, asked, dark, tell):
        _, progress = session.begin(tell)
        found = converge(session.result, frame.explorer.cache.explain, progress)
        return _converged(found, dark)

    def colours(session, asked, dark):
        """The same path in other colours, or with another ε."""
        if session.page != KEY or session.result is None or session.result.path not in _played:
            return {}
        return {"path_player": _player(session.result, asked)}

    frame.run(places["converge_start"].click, measure, places)
    frame.redraw([asked.colormap.input, asked.opacity.change, asked.exponent.change], colours, places)


def show(explorer, session, asked, dark, tell):
    result = session.result
    places = {"converge_key": "", "converge_words": ""}
    places |= {f"converge_{n}": gr.update(visible=False) for n in range(MAPS + 1)}
    places |= _cost(result, explorer.pace(result.classifier))
    try:
        played = _playback(result)
    except InputError as why:
        return places | {
            "path_player": f"<p class='caption'>{escape(str(why))}</p>",
            "path_rise": _score(result, dark),
            "path_why": gr.update(visible=False),
        }
    record, flat = result.path, _flat(result)
    label = SCORES[result.settings["score"]].label
    return places | {
        "path_player": _player(result, asked),
        "path_rise": gr.update(
            value=path_charts.rise(record.alphas, record.scores, played, label, flat, dark), visible=True
        ),
        "path_why": gr.update(value=path_charts.why(played, flat, dark), visible=True),
    }


def _playback(result):
    if result.path not in _played:
        _played[result.path] = playback(result, player.max_stops(result, MAX_STOPS))
    return _played[result.path]


def _player(result, asked):
    return player.html(result, _playback(result), _flat(result), asked)


def _flat(result):
    return histograms.flat_zone(result.path.alphas, result.path.scores)


def _score(result, dark):
    record, label = result.path, SCORES[result.settings["score"]].label
    return histograms.score_path(record.alphas, record.scores, label, _flat(result), dark)


def _cost(result, pace):
    try:
        finest, most = finest_steps(result.layer), most_points(result.layer)
    except InputError as why:
        return {
            "converge_cost": f"<p class='caption'>{escape(str(why))}</p>",
            "converge_start": gr.update(interactive=False),
        }
    time = f", about {formatting.duration(pace * most)}" if pace else ""
    words = (
        f"Takes up to {most} points{time}: a path of {finest} steps, and those placed besides. It can be stopped, and "
        "points that are still there serve again."
    )
    return {"converge_cost": f"<p class='caption'>{words}</p>", "converge_start": gr.update(interactive=True)}


def _converged(found, dark):
    places, keys = {}, sorted(found.maps, key=lambda key: key != "rsi_grad_cam")[:MAPS]
    figures = [
        path_charts.convergence(found.maps[key], METHODS[key].label, DISTANCE, found.floor[key], dark) for key in keys
    ]
    if found.gaps:
        figures.append(path_charts.convergence(found.gaps, "Completeness gap", "share of the change", None, dark))
    for n in range(MAPS + 1):
        there = n < len(figures)
        places[f"converge_{n}"] = gr.update(value=figures[n] if there else None, visible=there)
    done = results.status(text.READY)
    return places | {"converge_key": _key(), "converge_words": _words(found, keys), "status": done}


def _key():
    """Which line is of which rule, once for all charts."""
    styles = path_charts.RULE_STYLES.values()
    marks = {"square": "■", "circle": "●", "diamond": "◆"}
    told = "".join(
        f"<span><b style='color:{colour}'>{marks[mark]}</b> {label}</span>" for label, colour, mark, _ in styles
    )
    return f"<p class='converge-key'>{told}</p>"


def _words(found, keys):
    """The measured slopes and what automatic placement reached, a line each."""
    lines = [(METHODS[key].label, found.maps[key], found.floor[key]) for key in keys]
    lines += [("Completeness gap", found.gaps, 0)] if found.gaps else []
    told = "".join(f"<li><strong>{name}</strong>: {_slopes(found, *curves)}</li>" for name, *curves in lines)
    return (
        f"<ul class='slopes'>{told}</ul><p class='caption'>Slopes are measured from {found.finest // 32} to "
        f"{found.finest // 4} steps. They are those of theory where the path is smooth; ReLU and max pooling put kinks "
        "into it, and a saturated softmax a sharp rise, and then a law shows late or not at all. Shaded: nearer than "
        "the finest sum itself is known.</p>"
    )


def _slopes(found, curves, floor):
    right, trapezoid = curves["right"], curves["trapezoid"]
    if np.allclose(right.errors, trapezoid.errors, rtol=0.01):
        parts = [f"both rules {_law(found.order(right))}, being the same where the ends of the path contribute alike"]
    else:
        parts = [f"right end-point {_law(found.order(right))}", f"trapezoid {_law(found.order(trapezoid))}"]
    if PLACED in curves:
        parts.append(f"points placed automatically {_reached(curves[PLACED], floor)}")
    return "; ".join(parts) + "."


def _reached(curve, floor):
    """What placing came to: below the floor an error is not told, for nobody knows it."""
    near = np.flatnonzero(curve.errors < floor)
    if len(near):
        return f"with {int(curve.steps[near[0]]) + 1} are as near as the finest sum itself is known"
    return f"reach {formatting.or_dash(curve.errors[-1])} with {int(curve.steps[-1]) + 1}"


def _law(order):
    if order is None:
        return f"below {formatting.or_dash(ROUNDING)}, exact to rounding"
    return f"falls as 1/m<sup>{order:.1f}</sup>"
