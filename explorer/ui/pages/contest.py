"""Class contest: the maps of one class, of another, and their difference."""

from html import escape

import gradio as gr

from explorer import formatting
from explorer.attribution.heatmaps import difference
from explorer.errors import InputError
from explorer.formatting import part
from explorer.render.overlays import diverging, diverging_bar, overlay
from explorer.ui import choices, text
from explorer.ui.results import data_uri
from explorer.ui.tiles import Tile, grid

KEY, LABEL = "contest", "Class contest"
ABOUT = (
    "Two classes on the same picture: what speaks for one, what for the other, and where they differ. A map that "
    "hardly changes with the class says where things are, not what they are."
)
SCALES = {"each": "each map by its own largest value", "raw": "raw values"}
FAINT = 0.1  # of the largest difference: below it a place counts for neither
MUCH = 1e3  # times the other: beside it nothing of the other can be seen


def build():
    with gr.Row(elem_classes="tight contest-do"):
        rival = gr.Dropdown(label="Against the class", filterable=True, elem_id="rival", min_width=220)
        offered = [(words, key) for key, words in SCALES.items()]
        scale = gr.Radio(offered, value="each", label="Difference of", elem_id="contest-scale")
    return {"rival": rival, "contest_scale": scale, "contest": gr.HTML(elem_id="contest")}


def wire(frame, places):
    inputs = [places["rival"], places["contest_scale"]]

    def against(session, asked, dark, tell, rival, scale):
        return {"contest": _contest(frame.explorer, session, asked, tell, rival, scale)}

    def redraw(session, asked, dark, rival, scale):
        return {"contest": _drawn(*session.kept[KEY], asked, scale)} if KEY in session.kept else {}

    frame.run(places["rival"].input, against, places, inputs)
    frame.redraw(places["contest_scale"].input, redraw, places, inputs)


def show(explorer, session, asked, dark, tell):
    result, classifier = session.result, session.result.classifier
    if len(classifier.class_names) < 2:
        raise InputError(f"A contest needs two classes; {classifier.name} has one.")
    order = [int(i) for i in result.probabilities.argsort()[::-1] if i != result.class_index]
    offered = [one for one in choices.classes(result, classifier) if one[1] != result.class_index]
    return {
        "rival": gr.update(choices=offered, value=order[0]),
        "contest_scale": "each",
        "contest": _contest(explorer, session, asked, tell, order[0], "each"),
    }


def _contest(explorer, session, asked, tell, rival, scale):
    result, (_, progress) = session.result, session.begin(tell)
    asks = result.asks | {"class_index": int(rival), "layer": result.layer.name}
    other = explorer.cache.explain(result.classifier, result.image, progress=progress, **asks)
    session.kept[KEY] = result, other
    return _drawn(result, other, asked, scale)


def _drawn(one, other, asked, scale):
    rows = [(found.label, _row(found, other[found.method], one, other, asked, scale)) for found in one]
    heads = [(side.class_name, f"p = {text.probability(side)}") for side in (one, other)] + [
        ("the difference", f"of {SCALES[scale]}")
    ]
    bar = data_uri(diverging_bar(1, 256))
    return grid(heads, rows) + (
        f'<div class="bar"><span>more for {escape(other.class_name)}</span>'
        f'<img src="{bar}" alt="From violet to orange">'
        f"<span>more for {escape(one.class_name)}</span></div>{_told(one, other, scale)}"
    )


def _row(found, rival, one, other, asked, scale):
    tiles = [
        Tile(
            overlay(side.image, map_.heatmap, asked.colormap, asked.opacity),
            f"{map_.label} for {side.class_name}",
            f"max {formatting.or_dash(map_.statistics['maximum'])}",
            badge="" if map_.verdict == "ok" else text.BADGES[map_.verdict],
            data={"verdict": map_.verdict},
        )
        for side, map_ in ((one, found), (other, rival))
    ]
    values = difference(found.raw, rival.raw, each=scale == "each")
    if values is None:
        return [*tiles, Tile(None, note="no difference to show")]
    note = f"{part((values > FAINT).mean())} for {one.class_name}, {part((values < -FAINT).mean())} for the other"
    picture = diverging(one.image, values, asked.opacity)
    return [*tiles, Tile(picture, f"{found.label}: {one.class_name} minus {other.class_name}", note)]


def _told(one, other, scale):
    far = [
        found.label
        for found in one
        if scale == "raw" and _apart(found.statistics["maximum"], other[found.method].statistics["maximum"])
    ]
    if not far:
        return ""
    return (
        f"<p class='caption'>{', '.join(far)}: one class's raw values are over {MUCH:,.0f} times the other's, so the "
        "difference is the larger map alone. Explain the logit, or compare each map by its own largest value.</p>"
    )


def _apart(a, b):
    small, large = sorted((a or 0, b or 0))
    return large > MUCH * small
