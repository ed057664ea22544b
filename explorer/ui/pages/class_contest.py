"""Class contest: the maps of one class, of another, and their difference."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import gradio as gr

from explorer.attribution.heatmaps import difference
from explorer.errors import InputError
from explorer.formatting import part
from explorer.render.overlays import diverging, diverging_bar
from explorer.ui import choices, html, text
from explorer.ui.widgets.tiles import Tile, grid, of_map

if TYPE_CHECKING:
    from explorer.ui.actions import Explorer, Silent
    from explorer.ui.controls import Controls
    from explorer.ui.state import Session
    from explorer.ui.wiring import Frame


KEY, LABEL = "contest", "Class contest"
ABOUT = (
    "Two classes on the same picture: what speaks for one, what for the other, and where they differ. A map that "
    "hardly changes with the class says where things are, not what they are."
)
SCALES = {"each": "each map by its own largest value", "raw": "raw values"}
FAINT = 0.1  # of the largest difference: below it a place counts for neither
MUCH = 1e3  # times the other: beside it nothing of the other can be seen


def build() -> dict[str, Any]:
    with gr.Row(elem_classes="tight contest-do"):
        rival = gr.Dropdown(label="Against the class", filterable=True, elem_id="rival", min_width=220)
        offered = [(words, key) for key, words in SCALES.items()]
        scale = gr.Radio(offered, value="each", label="Difference of", elem_id="contest-scale")
    return {"rival": rival, "contest_scale": scale, "contest": gr.HTML(elem_id="contest")}


def wire(frame: Frame, places: Mapping[str, Any]) -> None:
    inputs = [places["rival"], places["contest_scale"]]

    def against(session, controls, dark, tell, rival, scale):
        return {"contest": _contest(frame.explorer, session, controls, tell, rival, scale)}

    def redraw(session, controls, dark, rival, scale):
        return {"contest": _drawn(*session.page_data[KEY], controls, scale)} if KEY in session.page_data else {}

    frame.run(places["rival"].input, against, places, inputs)
    frame.redraw(places["contest_scale"].input, redraw, places, inputs)


def show(explorer: Explorer, session: Session, controls: Controls, dark: bool, tell: Silent) -> dict[str, Any]:
    result, classifier = session.result, session.result.classifier
    if len(classifier.class_names) < 2:
        raise InputError(f"A contest needs two classes; {classifier.name} has one.")
    order = [int(i) for i in result.probabilities.argsort()[::-1] if i != result.class_index]
    offered = [one for one in choices.classes(result, classifier) if one[1] != result.class_index]
    return {
        "rival": gr.update(choices=offered, value=order[0]),
        "contest_scale": "each",
        "contest": _contest(explorer, session, controls, tell, order[0], "each"),
    }


def _contest(explorer, session, controls, tell, rival, scale):
    result, (_, progress) = session.result, session.begin(tell)
    asks = result.asks | {"class_index": int(rival), "layer": result.layer.name}
    other = explorer.cache.explain(result.classifier, result.image, progress=progress, **asks)
    session.page_data[KEY] = result, other
    return _drawn(result, other, controls, scale)


def _drawn(one, other, controls, scale):
    rows = [(map_.label, _row(map_, other[map_.method], one, other, controls, scale)) for map_ in one]
    heads = [(side.class_name, f"p = {text.probability(side)}") for side in (one, other)]
    return html.render(
        "contest",
        grid=grid([*heads, ("the difference", f"of {SCALES[scale]}")], rows),
        one=one.class_name,
        other=other.class_name,
        bar=diverging_bar(1, 256),
        words=_unequal(one, other) if scale == "raw" else "",
    )


def _row(map_, rival, one, other, controls, scale):
    sides = ((one, map_), (other, rival))
    tiles = [of_map(of_side, side.image, f"for {side.class_name}", controls) for side, of_side in sides]
    values = difference(map_.raw, rival.raw, each=scale == "each")
    if values is None:
        return [*tiles, Tile(None, note="no difference to show")]
    note = f"{part((values > FAINT).mean())} for {one.class_name}, {part((values < -FAINT).mean())} for the other"
    picture = diverging(one.image, values, controls.opacity)
    return [*tiles, Tile(picture, f"{map_.label}: {one.class_name} minus {other.class_name}", note)]


def _unequal(one, other):
    """Which methods' raw values differ so much that the difference is one map alone, in a sentence."""
    maxima = {map_.label: (map_.statistics["maximum"], other[map_.method].statistics["maximum"]) for map_ in one}
    labels = [label for label, pair in maxima.items() if _apart(*pair)]
    if not labels:
        return ""
    return (
        f"{', '.join(labels)}: one class's raw values are over {MUCH:,.0f} times the other's, so the "
        "difference is the larger map alone. Explain the logit, or compare each map by its own largest value."
    )


def _apart(a, b):
    small, large = sorted((a or 0, b or 0))
    return large > MUCH * small
