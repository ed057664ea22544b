"""The measured order of every rule, on a network smooth enough for the law to hold."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from explorer.engine.integrate import HELD_PATH
from explorer.engine.run import explain
from explorer.errors import Cancelled
from explorer.studies import convergence
from explorer.studies.convergence import FINEST, PLACED, Curve, apart, converge, finest_steps, measure
from support import networks as nets
from support import paths

SHOWN = ("integrated_grad_cam", "rsi_grad_cam")


def ask(net, **asks):
    given = {"layer": "features", "class_index": 4, "units": "all", "methods": SHOWN, "steps": FINEST}
    return explain(net, paths.PICTURE, **given | asks)


@pytest.fixture(scope="module")
def smooth():
    return paths.built("smooth")[0]


@pytest.fixture(scope="module")
def fine(smooth):
    return ask(smooth)


@pytest.fixture(scope="module")
def found(fine):
    return measure(fine)


def test_the_right_end_point_is_of_first_order_and_the_trapezoid_of_second(found):
    curves = {"the gap": found.gaps, "RSI-Grad-CAM": found.maps["rsi_grad_cam"]}
    for name, rules in curves.items():
        right, trapezoid = found.order(rules["right"]), found.order(rules["trapezoid"])
        assert abs(right - 1) < 0.1, f"{name}: twice the steps halve the error of the right end-point, not {right:.2f}"
        assert abs(trapezoid - 2) < 0.2, f"{name}: and quarter that of the trapezoid, not {trapezoid:.2f}"


@pytest.mark.parametrize("rule", ["right", "trapezoid"])
@pytest.mark.parametrize("steps", [4, 32])
def test_every_part_of_the_path_is_what_so_many_steps_would_have_given(smooth, fine, found, rule, steps):
    alone = ask(smooth, steps=steps, quadrature=rule)
    at = list(found.gaps[rule].steps).index(steps)
    assert abs(found.gaps[rule].errors[at] / alone.completeness_gap - 1) < 1e-2, "the gap of a path of its own"
    away = apart(alone.cams["rsi_grad_cam"], fine.cams["rsi_grad_cam"])
    assert abs(found.maps["rsi_grad_cam"][rule].errors[at] - away) < 2e-6, "and the distance of its map"


def test_the_finest_sum_is_the_limit_itself(fine, found):
    assert list(found.gaps["trapezoid"].steps) == [2**n for n in range(9)], "1, 2, 4, … 256 steps"
    assert abs(found.gaps["trapezoid"].errors[-1] - fine.completeness_gap) < 1e-6, "with the gap of that path"
    for key in SHOWN:
        curve = found.maps[key]["trapezoid"]
        assert list(curve.steps) == [2**n for n in range(8)], "held against itself it has no distance to tell"
        assert found.floor[key] == curve.errors[-1], "the last doubling tells how well it is known"
        assert curve.errors[-1] < curve.errors[2] / 100, "which is far better than a few steps are"


def test_rounds_of_placed_points_get_nearer_and_mostly_reuse_the_path(smooth):
    told, asked = [], []

    def counted(*given, **asks):
        asked.append(asks)
        return explain(*given, **asks)

    found = converge(ask(smooth, steps=4), counted, lambda *count: told.append(count))
    placed = found.maps["rsi_grad_cam"][PLACED]
    assert len(asked) == 1 and asked[0]["steps"] == FINEST, "one sweep for all the evenly spaced ones"
    assert placed.steps[0] == 4 and (np.diff(placed.steps) > 0).all(), "round by round from five points on"
    assert placed.errors[-1] < placed.errors[0] / 10, "nearer to the same limit"
    assert told and told[0][2] <= FINEST + 1, "with a count of the points on the way"


def test_it_can_be_stopped(smooth):
    def stop(*count):
        raise Cancelled

    with pytest.raises(Cancelled):
        converge(ask(smooth, steps=2), progress=stop)


def test_no_gap_where_a_skip_connection_leads_around_the_layer():
    net = nets.residual("softplus")[0]
    found = measure(explain(net, paths.PICTURE, "branch", 4, steps=16))
    assert not found.gaps and found.finest == 16 and set(found.maps["rsi_grad_cam"]) == {"right", "trapezoid"}


def test_orders_of_curves_whose_law_is_known():
    m = 2.0 ** np.arange(1, 8)
    assert abs(Curve(m, 3 / m**2).order(1, 128) - 2) < 1e-9, "3/m² falls as 1/m²"
    assert abs(Curve(m, 0.3 / m**1.5).order(8, 64) - 1.5) < 1e-9
    assert Curve(m, 1e-7 / m).order(1, 128) is None, "below rounding there is no law to see"
    bent = np.where(m < 16, 1, 5 / m)
    assert abs(Curve(m, bent).order(16, 128) - 1) < 1e-9, "only the steps asked for count"


def test_distances_of_maps_are_of_their_shapes():
    a, b = np.float32([[1, 0], [0, 0]]), np.float32([[0, 2], [0, 0]])
    assert abs(apart(a, b) - np.sqrt(2)) < 1e-7, "nothing in common"
    assert apart(a, 7 * a) < 1e-7, "the same map, brighter"
    assert apart(0 * a, a) == 1 and apart(0 * a, 0 * a) == 0, "a blank one has no shape"
    assert np.isnan(apart(a * np.nan, a)), "and one that is not finite none either"


def test_the_finest_path_is_one_that_can_be_held():
    def layer(points):  # at which just so many points can be held
        return SimpleNamespace(shape=(1, 1, HELD_PATH // (8 * points)), name="made up")

    assert finest_steps(layer(257)) == FINEST and finest_steps(layer(256)) == FINEST // 2
    assert finest_steps(layer(convergence.COARSEST + 1)) == convergence.COARSEST
    assert "later layer" in nets.refused(finest_steps, layer(convergence.COARSEST))


def test_a_path_that_is_not_kept_is_refused_in_a_sentence(fine):
    gone = replace(fine, path=fine.path.released())
    assert "kept" in nets.refused(converge, fine, lambda *given, **asks: gone)
