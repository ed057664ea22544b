"""The figures say in words and places what the values say, and can be read on light and on dark pages."""

import colorsys
import json

import numpy as np
import pytest

from explorer.errors import InputError
from explorer.render.charts import histograms as charts
from explorer.render.charts.histograms import METHOD_COLOURS, flat_zone, histograms, log_edges, score_path

LABELS = {"Grad-CAM": "grad_cam", "Integrated Grad-CAM": "integrated_grad_cam", "RSI-Grad-CAM": "rsi_grad_cam"}
RNG = np.random.default_rng(0)
ALPHAS = np.linspace(0, 1, 51)
SATURATING = 1 / (1 + np.exp(-30 * (ALPHAS - 0.35)))


def texts(figure):
    return [annotation.text for annotation in figure.layout.annotations]


def bars(figure):
    """The bars of the logarithmic axis, one trace for each map; those of the zeros are the other traces."""
    return figure.data[1::2]


def faint_and_clear(count):
    raws = np.exp(RNG.normal(np.log(1e-3), 1, (2, count)))
    raws[0] *= 1e-6
    raws[0, : count // 2] = 0
    return dict(zip(LABELS, raws, strict=False))


def contrast(one, other):
    """The contrast ratio of two "#rrggbb" colours, as web accessibility guidelines define it."""

    def luminance(colour):
        parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("count", [49, 50_000])
def test_every_positive_cell_is_in_its_bin(count):
    cams = faint_and_clear(count)
    figure = histograms(cams, 1e-8)
    for trace, cam in zip(bars(figure), cams.values(), strict=True):
        assert sum(trace.y) == (cam > 0).sum(), "each positive cell is counted once, zeros are not"
        for centre, many in zip(trace.x, trace.y, strict=True):
            half = (trace.x[1] - trace.x[0]) / 2
            inside = (cam > 10 ** (centre - half)) & (cam <= 10 ** (centre + half))
            assert inside.sum() == many, "a bar stands where its values are"
    assert len(bars(figure)[0].x) <= 80, "bars stay wide enough to see on a phone"


def test_a_millionth_is_six_decades_to_the_left():
    cam = np.exp(RNG.normal(np.log(1e-3), 1, 400))
    figure = histograms({"Grad-CAM": cam * 1e-6, "RSI-Grad-CAM": cam}, 1e-8)
    faint, clear = bars(figure)
    assert np.array_equal(faint.x, clear.x), "both maps have the same bins on the same axis"
    shift = (np.argmax(clear.y) - np.argmax(faint.y)) * (clear.x[1] - clear.x[0])
    assert shift == pytest.approx(6, abs=1e-9), "a map a million times fainter lies six decades to the left"
    assert figure.layout.xaxis2.matches == "x4", "the strips share one axis"
    assert figure.layout.xaxis2.range == figure.layout.xaxis4.range, "and both strips show the same decades"


@pytest.mark.parametrize("epsilon", [1e-12, 3e-8, 1.0])
def test_epsilon_is_marked_where_it_is(epsilon):
    figure = histograms(faint_and_clear(49), epsilon)
    lines = [shape for shape in figure.layout.shapes if shape.type == "line"]
    assert len(lines) == 2 and all(line.x0 == line.x1 == np.log10(epsilon) for line in lines), "one in each strip"
    low, high = figure.layout.xaxis2.range
    assert low + 0.9 < np.log10(epsilon) < high - 0.9, "ε is always on the axis, a decade from its ends or more"
    assert any(text == f"ε = {charts.scientific(epsilon)}" for text in texts(figure)), "and its value is written"
    shades = [shape for shape in figure.layout.shapes if shape.fillcolor == charts.SHADE]
    assert all(shade.x1 == np.log10(epsilon) and shade.x0 <= low for shade in shades), "all below ε is grey"


@pytest.mark.parametrize(
    "cam, words",
    [
        ([0, 0, 1, 2], "2 of 4 are zero"),
        ([0, 1, 1, 2], "1 of 4 is zero"),
        (np.zeros((7, 7)), "all 49 are zero"),
        (np.full((7, 7), np.nan), "all 49 are not finite"),
        ([np.inf, -np.inf, np.nan, 1], "3 of 4 are not finite"),
        ([0, 0, np.nan, -1, 5], "2 of 5 are zero, 1 below zero, 1 not finite"),
        (np.full((2, 3), 3.2e-4), "every cell is 3.2×10<sup>−4</sup>"),
        ([[0]], "its one cell is zero"),
        (np.r_[np.zeros(1931), np.ones(1205)], "1,931 of 3,136 are zero"),
        ([1, 2], None),
    ],
)
def test_what_has_no_place_on_the_axis_is_said(cam, words):
    figure = histograms({"RSI-Grad-CAM": np.asarray(cam, float)}, 1e-8)
    title = next(text for text in texts(figure) if "RSI-Grad-CAM" in text)
    assert title == "<b>RSI-Grad-CAM</b>" + (f" · {words}" if words else ""), "counted in words, or nothing to say"
    json.loads(figure.to_json())
    zeros = figure.data[0]
    assert zeros.y[0] == pytest.approx((np.asarray(cam) == 0).mean()), "zeros fill their column in proportion"


def test_edges_are_decades_and_span_what_is_there():
    for values in ([1e-30, 1e30], [1e-8], [], [5e-324, 1.7e308], [1e-3, 2e-3]):
        edges = log_edges([np.array(values, float)], 1e-8)
        assert edges[0] == int(edges[0]) and edges[-1] == int(edges[-1]), "whole decades"
        assert np.allclose(np.diff(edges), edges[1] - edges[0]), "evenly spaced"
        if values:
            assert edges[0] <= np.log10(min(values)) and np.log10(max(values)) <= edges[-1], "nothing is cut off"


def test_labels_on_the_axis_are_few_and_readable():
    for low, high in ((1e-45, 1e30), (1e-4, 1e-3), (1e-12, 1)):
        axis = histograms({"a": np.array([low, high])}, 1e-8).layout.xaxis2
        assert 2 <= len(axis.ticktext) <= 9, "so few that they do not touch on a phone"
        assert all(text == "1" or text.startswith("10<sup>") for text in axis.ticktext), "powers of ten"
    assert charts.scientific(1e-8) == "10<sup>−8</sup>" and charts.scientific(2500) == "2.5×10<sup>3</sup>"
    assert charts.scientific(1) == "1" and charts.scientific(9.99e-5) == "10<sup>−4</sup>", "rounded to two digits"


def test_methods_keep_their_colours():
    for label, key in LABELS.items():
        for name in (label, key):
            figure = histograms({"something else": np.ones(3), name: np.ones(3)}, 1e-8)
            assert bars(figure)[1].marker.color == METHOD_COLOURS[key], f"{name} has its colour beside any other map"
    many = histograms({str(i): np.ones(3) for i in range(7)}, 1e-8)
    assert len({trace.marker.color for trace in bars(many)[:3]}) == 3, "other maps have colours of their own"


@pytest.mark.parametrize("page, dark", [("#ffffff", False), ("#f4f4f5", False), ("#18181b", True), ("#27272a", True)])
def test_colours_stand_out_on_light_and_dark(page, dark):
    assert contrast(charts.INK[dark], page) >= 7, "text can be read"
    for colour in (*METHOD_COLOURS.values(), *charts.OTHER_COLOURS, charts.PATH_COLOUR, charts.LINE_COLOUR):
        assert contrast(colour, page) >= 3, f"{colour} is seen on {page}"
    hues = [colorsys.rgb_to_hsv(*bytes.fromhex(colour[1:]))[0] for colour in METHOD_COLOURS.values()]
    assert min(abs(a - b) for i, a in enumerate(hues) for b in hues[:i]) > 0.1, "methods differ in hue"


@pytest.mark.parametrize("dark", [False, True])
def test_all_text_has_one_ink_and_the_page_shines_through(dark):
    for figure in (
        histograms(faint_and_clear(49), 1e-8, dark=dark),
        score_path(ALPHAS, SATURATING, "probability", 0.5, dark=dark),
    ):
        layout = figure.layout
        assert layout.font.color == charts.INK[dark] and layout.font.size >= 12, "one ink, large enough"
        assert '"color":"#000' not in figure.to_json().replace(" ", ""), "no text is black whatever the page"
        assert layout.paper_bgcolor == layout.plot_bgcolor == "rgba(0,0,0,0)", "the page's own background"
        assert layout.autosize and layout.width is None, "as wide as its place"
        assert all(annotation.font.color is None for annotation in layout.annotations), "annotations use the ink"
        assert layout.title.text is None, "no title, for which the page would add a tall margin"


def test_histograms_refuse_in_a_sentence():
    for cams in ({}, {"a": np.array([])}, {"a": np.ones(3), "b": np.zeros((0, 7))}):
        with pytest.raises(InputError, match="at least one cell"):
            histograms(cams, 1e-8)
    for epsilon in (0, -1, float("nan"), float("inf"), "small"):
        with pytest.raises(InputError, match="ε"):
            histograms({"a": np.ones(3)}, epsilon)


def test_flat_zone_of_a_saturating_score():
    start = flat_zone(ALPHAS, SATURATING)
    inside = start <= ALPHAS
    assert np.abs(SATURATING[inside] - SATURATING[-1]).max() <= 0.01 * np.ptp(SATURATING), "within the share after it"
    before = SATURATING[start > ALPHAS][-1]
    assert abs(before - SATURATING[-1]) > 0.01 * np.ptp(SATURATING), "and not before it"
    for scale, shift in ((1e-9, 0), (-4, 7)):
        assert flat_zone(ALPHAS, scale * SATURATING + shift) == start, "the unit and sign of the score are no matter"
    assert flat_zone(ALPHAS, SATURATING, share=0.001) > start, "a stricter share begins later"


def test_no_flat_zone_where_there_is_none():
    for steps in (10, 50, 1000):
        alphas = np.linspace(0, 1, steps + 1)
        assert flat_zone(alphas, 3 * alphas - 40) is None, "a straight line is flat nowhere, however fine the steps"
        assert flat_zone(alphas, alphas**3) is None, "nor is one that rises ever faster"
    late = np.where(ALPHAS < 0.95, 0, 1.0)
    assert flat_zone(ALPHAS, late) is None, "the last few points alone are no zone"
    assert flat_zone(ALPHAS, np.where(ALPHAS == 0.2, np.nan, SATURATING)) is None, "nor is anything beside NaN"
    assert flat_zone(ALPHAS, np.full(51, 0.3)) == 0, "a constant score is flat from the start"
    there_and_back = np.exp(-(((ALPHAS - 0.3) / 0.1) ** 2))
    assert 0.5 < flat_zone(ALPHAS, there_and_back) < 0.55, "a score that comes back is judged by its whole range"


def test_score_path_draws_the_scores_and_the_zone():
    figure = score_path(ALPHAS, SATURATING, "probability", 0.5)
    assert np.array_equal(figure.data[0].x, ALPHAS) and np.array_equal(figure.data[0].y, SATURATING)
    assert figure.layout.yaxis.title.text == "probability" and "α" in figure.layout.xaxis.title.text
    zone = next(shape for shape in figure.layout.shapes if shape.type == "rect")
    assert (zone.x0, zone.x1) == (0.5, 1.0), "the zone runs from its start to the picture"
    assert texts(figure) == ["flat: gradients vanish here"], "and is named"
    plain = score_path(ALPHAS, SATURATING, "logit")
    assert not plain.layout.shapes and not plain.layout.annotations, "no zone, no shade"


def test_score_path_says_what_is_not_finite():
    figure = score_path([0, 0.5, 1], [0.1, np.inf, np.nan], "logit")
    assert texts(figure) == ["2 of 3 scores are not finite"], "said in words"
    json.loads(figure.to_json(), parse_constant=lambda word: pytest.fail(f"{word} is no JSON"))


def test_score_path_refuses_what_is_no_path():
    for alphas, scores in (([0, 1], [1]), ([0], [1]), ([[0, 1]], [[0, 1]]), ([], [])):
        with pytest.raises(InputError, match="one score for each"):
            score_path(alphas, scores)
