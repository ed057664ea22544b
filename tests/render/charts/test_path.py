"""What the figures of the Path page draw, and that the line at α lies where they have it."""

import json
import re
from types import SimpleNamespace

import numpy as np
import pytest

from explorer.render.charts import path
from explorer.render.charts.histograms import INK
from explorer.studies.convergence import Curve
from explorer.studies.playback import Playback
from support import ROOT

ALPHAS = np.array([0, 0.25, 0.5, 1])
SCORES = np.array([0.1, 0.4, 0.9, 0.9])
STYLE = (ROOT / "assets" / "style.css").read_text(encoding="utf-8")


@pytest.fixture
def played():
    return Playback(
        np.arange(4),
        ALPHAS,
        SCORES,
        np.array([1.0, 3, 0, 1e-9]),
        np.array([1.0, 2, 4]),
        np.array([0, 0.25, 0.75, 0.8]),
        np.ones((4, 2)) / 2,
        {},
    )


def test_the_score_s_change_and_what_is_collected_share_an_axis(played):
    score, change, collected = path.rise(ALPHAS, SCORES, played, "probability", 0.5).data
    np.testing.assert_array_equal(score.y, SCORES)
    np.testing.assert_allclose(change.y, SCORES - 0.1)
    np.testing.assert_array_equal(collected.y, played.collected)
    assert change.yaxis == collected.yaxis != score.yaxis, "so that a gap between them shows"


def test_gradients_are_logarithmic_and_increments_per_unit_of_alpha(played):
    figure = path.why(played, None)
    gradient, rates = figure.data
    assert figure.layout.yaxis.type == "log" and figure.layout.yaxis2.type != "log"
    np.testing.assert_array_equal(gradient.y, [1, 3, np.nan, 1e-9], err_msg="zero has no logarithm, and leaves a gap")
    np.testing.assert_allclose(rates.y, [4, 4, 8, 8], err_msg="‖ΔA‖/Δα, drawn back over its interval")
    assert rates.line.shape == "vh", "the value of an interval stands over the whole of it"


def test_the_flat_zone_is_shaded_in_every_row(played):
    for figure in (path.rise(ALPHAS, SCORES, played, "p", 0.5), path.why(played, 0.5)):
        assert [(shape.x0, shape.x1) for shape in figure.layout.shapes] == [(0.5, 1), (0.5, 1)]
    assert not path.why(played, None).layout.shapes, "and where there is none, nothing is"


def test_the_style_sheet_draws_alpha_where_the_charts_have_it(played):
    rule = re.search(r"#path-rise::after, #path-why::after \{.*?\}", STYLE, re.S).group()
    left, both, out, span = re.search(
        r"left: calc\((\d+)px \+ \(100% - (\d+)px\) \* \(var\(--path-alpha, 1\) \+ ([\d.]+)\) / ([\d.]+)\)", rule
    ).groups()
    for figure in (path.rise(ALPHAS, SCORES, played, "p"), path.why(played)):
        margin, (low, high) = figure.layout.margin, figure.layout.xaxis.range
        assert (margin.l, margin.l + margin.r) == (int(left), int(both)), "margins"
        assert np.allclose([-low, high - low], [float(out), float(span)]), "and the span of the axis"
        assert not figure.layout.yaxis.automargin, "which no long label widens"


def curves():
    m = 2.0 ** np.arange(5)
    return {"right": Curve(m, 1 / m), "trapezoid": Curve(m, np.array([1, 0.1, 0, np.nan, 1e-4]))}


def test_errors_against_steps_are_log_log_each_rule_in_its_looks():
    figure = path.convergence(curves(), "RSI-Grad-CAM", "distance", floor=1e-3)
    assert figure.layout.xaxis.type == figure.layout.yaxis.type == "log"
    right, trapezoid = figure.data
    np.testing.assert_allclose(right.y, 1 / right.x)
    np.testing.assert_array_equal(trapezoid.y, [1, 0.1, np.nan, np.nan, 1e-4], err_msg="what has no logarithm")
    assert right.marker.symbol != trapezoid.marker.symbol, "told apart without colour too"
    shade = figure.layout.shapes[0]
    assert shade.y1 == 1e-3 and shade.y0 < 1e-4, "below the floor nothing is known, down to the lowest error"


@pytest.mark.parametrize("dark", [False, True])
def test_text_has_the_one_ink_and_figures_can_be_sent(played, dark):
    figures = (
        path.rise(ALPHAS, SCORES, played, "p", None, dark),
        path.why(played, None, dark),
        path.convergence(curves(), "t", "w", None, dark),
    )
    for figure in figures:
        assert figure.layout.font.color == INK[dark]
        json.loads(figure.to_json())


def test_a_gradient_that_is_zero_everywhere_is_drawn_as_nothing():
    played = SimpleNamespace(alphas=ALPHAS, gradients=np.zeros(4), increments=np.zeros(3))
    assert np.isnan(path.why(played).data[0].y).all()
