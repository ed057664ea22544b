"""The figures of an evaluation show what the table says, and can be read on light and dark pages and on a phone."""

import json
import re

import numpy as np
import pytest

from explorer.evaluation.report.figures import figures
from explorer.evaluation.schema import THRESHOLDS, overlap
from explorer.evaluation.statistics import interval, window
from explorer.evaluation.table import Table
from explorer.render.charts.histograms import INK, METHOD_COLOURS, TEXT
from support import evaluated

SETTINGS = {"epsilon": 1e-8}
ROWS = evaluated.plausible(200)
NAMES = ["means_before", "means_after", "dark_epsilon", "drop_and_increase", "energy", "overlaps", "gap"]
LABELS = {"Grad-CAM": "grad_cam", "Integrated Grad-CAM": "integrated_grad_cam", "RSI-Grad-CAM": "rsi_grad_cam"}


@pytest.fixture(scope="module")
def drawn():
    return figures(Table.of_rows(ROWS), SETTINGS)


def rows_of(layer, method):
    return [row for row in ROWS if (row["layer"], row["method"]) == (layer, method)]


def panel(trace):
    """From which panel a trace is, counted from the top."""
    return int((trace.xaxis or "x")[1:] or 1)


def titles(figure):
    return [re.sub("<.*?>", "", annotation.text) for annotation in figure.layout.annotations]


def test_all_figures_in_the_order_of_the_paper(drawn):
    assert list(drawn) == NAMES, "one after the other as in the report"
    for figure in drawn.values():
        json.loads(figure.to_json())
        assert titles(figure)[0].startswith("block5_pool"), "the last layer first"


def test_figures_without_values_are_left_out():
    without = figures(Table.of_rows(evaluated.plausible(30, boxes=False)), SETTINGS)
    assert list(without) == [name for name in NAMES if name not in ("energy", "overlaps")], "no boxes, no overlap"
    by_pass = [row | {"completeness_gap": None} for row in ROWS]
    assert "gap" not in figures(Table.of_rows(by_pass), SETTINGS), "a layer that does not cut has no gap"
    assert figures(Table.of_rows([]), SETTINGS) == {}, "nothing of nothing"


def test_boxes_hold_the_middle_half_and_zeros_are_counted(drawn):
    figure = drawn["means_before"]
    for place, method in enumerate(reversed(evaluated.METHODS)):
        values = np.array([row["raw_mean"] for row in rows_of("block5_pool", method)])
        (box,) = [trace for trace in figure.data if panel(trace) == 1 and trace.y[0] == place]
        inside = np.mean((values[values > 0] >= box.q1[0]) & (values[values > 0] <= box.q3[0]))
        assert inside == pytest.approx(0.5, abs=0.02), "half of the pictures with a map are in the box"
        assert np.mean(values[values > 0] < box.median[0]) == pytest.approx(0.5, abs=0.01), "half below its line"
        assert box.line.color == METHOD_COLOURS[method], "in the method's colour"
        words = figure.layout.yaxis.ticktext[place]
        assert f"{(values == 0).sum()} of 200 are 0" in words, "blank maps have no place on the axis: words"
    assert figure.layout.xaxis.type == figure.layout.xaxis2.type == "log", "values range over decades"


def test_bars_are_the_dark_heatmaps(drawn):
    figure = drawn["dark_epsilon"]
    assert titles(figure)[:2] == ["block5_pool · Grad-CAM", "block5_pool · Integrated Grad-CAM"], "a panel each"
    blank, dark = (trace for trace in figure.data if panel(trace) == 1)
    here = rows_of("block5_pool", "grad_cam")
    for power, many, words in zip(dark.x, dark.y, dark.text, strict=True):
        found = [row for row in here if row["spread"] < 10.0**power and not row["blank"]]
        assert many == len(found), f"counted at ε = 10^{power:.0f}"
        if found and (complement := np.mean([row["complement"] for row in found])) < 1e-4:
            assert float(words.split("− ")[1]) == pytest.approx(complement, rel=0.5), "the mean p, in one digit"
    assert set(blank.y) == {sum(row["blank"] for row in here)} and blank.marker.pattern.shape, "hatched below"
    shades = [shape for shape in figure.layout.shapes if shape.type == "rect"]
    assert len(shades) == 6 and {(s.x0 + s.x1) / 2 for s in shades} == {-8}, "the run's ε is marked in every panel"
    clear = figures(Table.of_rows([evaluated.row(i, method="cam") for i in range(20)]), SETTINGS)["dark_epsilon"]
    assert titles(clear) == ["block5_pool · CAM: none"], "an empty panel is said to be so"
    tops = {axis.range[1] for axis in figure.select_yaxes()}
    assert len(tops) == 1, "all panels have one scale, so that bars compare"


def test_rolling_curves_are_means_over_the_window(drawn):
    figure = drawn["drop_and_increase"]
    assert titles(figure)[:2] == ["block5_pool · average drop", "block5_pool · increase in confidence"], "one each"
    (curve,) = [trace for trace in figure.data if panel(trace) == 1 and trace.name == "RSI-Grad-CAM"]
    ordered = sorted(rows_of("block5_pool", "rsi_grad_cam"), key=lambda row: -row["complement"])
    width = window(200)
    assert len(curve.x) == 200 - width + 1, "a point a place of the window"
    for point in (0, 77, 200 - width):
        inside = ordered[point : point + width]
        log_odds = [np.log(row["p"] / row["complement"]) for row in inside]
        assert curve.y[point] == pytest.approx(np.mean([row["drop"] for row in inside])), "the mean drop"
        assert curve.x[point] == pytest.approx(np.mean(log_odds)), "at the mean log-odds"


def test_ticks_of_p_are_where_their_words_say(drawn):
    axis = drawn["energy"].layout.xaxis2
    assert 2 <= len(axis.ticktext) <= 5, "so few that they do not touch on a phone"
    for place, words in zip(axis.tickvals, axis.ticktext, strict=True):
        power = re.search(r"1−10<sup>−(\d+)</sup>", words)
        odds = 10.0 ** int(power[1]) if power else float(words) / (1 - float(words))
        assert place == pytest.approx(np.log(odds)), f"{words} stands at its log-odds"
        assert axis.range[0] <= place <= axis.range[1], "on the axis"
    narrow = Table.of_rows([evaluated.row(i, p=0.94, complement=0.06) for i in range(30)])
    axis = figures(narrow, SETTINGS)["drop_and_increase"].layout.xaxis2
    assert len(axis.ticktext) == 1 and float(axis.ticktext[0]) == pytest.approx(0.94, abs=1e-3), "never without any"


def test_certainty_itself_is_on_the_axis():
    table = Table.of_rows([evaluated.row(i, p=1.0, complement=10.0**-i if i < 30 else 0.0) for i in range(40)])
    for trace in figures(table, SETTINGS)["drop_and_increase"].data:
        assert np.isfinite(trace.x).all() and len(trace.x) > 20, "1 − p = 0 has no logarithm, but a place"


def test_long_curves_are_thinned_to_what_a_screen_shows():
    many = Table.of_rows(evaluated.plausible(3000, ("block5_pool",), ("rsi_grad_cam",), boxes=False))
    curve = figures(many, SETTINGS)["drop_and_increase"].data[0]
    assert 100 < len(curve.x) <= 402, "few enough for a report of 50,000 pictures"
    assert np.all(np.diff(curve.x) >= 0), "in order"


def test_overlap_bands_are_the_intervals(drawn):
    figure = drawn["overlaps"]
    assert [t.split(" · ")[1][:3] for t in titles(figure)] == ["IoU", "IoB", "IoR"] * 2, "each measure, each layer"
    band, line = [trace for trace in figure.data if panel(trace) == 3][:2]
    here = rows_of("block5_pool", "grad_cam")
    for number in (0, 7, 19):
        values = [np.nan if (v := row[overlap("ior", THRESHOLDS[number])]) is None else v for row in here]
        mean, low, high = interval(values)
        assert line.y[number] == pytest.approx(mean), "the mean at the threshold"
        assert (band.y[-1 - number], band.y[number]) == pytest.approx((low, high)), "and its interval around it"


def test_the_gap_counts_every_picture_once(drawn):
    for trace in drawn["gap"].data:
        assert sum(trace.y) == 200, "a path belongs to a layer and a picture, whatever the methods"


def test_every_method_looks_its_own(drawn):
    everyone = (
        "cam",
        "grad_cam",
        "grad_cam_plus_plus",
        "layer_conductance",
        "integrated_grad_cam",
        "rsi_grad_cam",
        "score_cam",
    )
    many = figures(Table.of_rows(evaluated.plausible(30, methods=everyone)), SETTINGS)
    for figure in (drawn["energy"], drawn["overlaps"], many["energy"]):
        lines = {trace.name: (trace.line.color, trace.line.dash) for trace in figure.data if trace.mode == "lines"}
        assert len(set(lines.values())) == len(lines), "no two alike"
        assert len({dash for _, dash in lines.values()}) == len(lines), "not even for eyes that see no colours"
        assert sum(bool(trace.showlegend) for trace in figure.data if trace.mode == "lines") == len(lines), "named once"
    for name, key in LABELS.items():
        line = next(trace for trace in drawn["energy"].data if trace.name == name)
        assert line.line.color == METHOD_COLOURS[key], "as everywhere in the explorer"


@pytest.mark.parametrize("dark", [False, True])
def test_text_can_be_read(dark):
    for name, figure in figures(Table.of_rows(ROWS), SETTINGS, dark).items():
        assert figure.layout.font.color == INK[dark], f"{name}: ink for the page"
        assert figure.layout.font.size == TEXT, "no smaller than elsewhere"
        assert figure.layout.paper_bgcolor == "rgba(0,0,0,0)", "on the page's own paper"
        *_, last = figure.select_xaxes()
        assert last.title.text, "the axis has a name"


def test_a_hostile_layer_stays_text():
    name = "<a href='javascript:alert(1)'>" + "x" * 60
    table = Table.of_rows([evaluated.row(i, layer=name) for i in range(30)])
    for figure in figures(table, SETTINGS).values():
        assert "<a" not in figure.layout.annotations[0].text, "markup of a name is none of ours"
        assert len(titles(figure)[0]) < 60, "and a long one leaves room"
    short = Table.of_rows([evaluated.row(i, layer="<b>&x") for i in range(30)])
    assert "&lt;b&gt;&amp;x" in figures(short, SETTINGS)["gap"].layout.annotations[0].text, "escaped"
