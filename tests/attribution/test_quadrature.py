"""The one quadrature, held to the laws of integration: closed forms, integration by parts, additivity, order."""

import numpy as np
import pytest
from keras import ops

from explorer.attribution.quadrature import RULES, product_weights, stieltjes
from explorer.attribution.scores import log_sigmoid_slope, sigmoid_slope, unit_slope
from explorer.errors import InputError

RNG = np.random.default_rng(5)
F, G = RNG.normal(size=(2, 9, 2, 5, 3))  # (T, h, w, K): any values at all


def close(found, expected, said, rtol=1e-12):
    np.testing.assert_allclose(np.asarray(found), expected, rtol=rtol, atol=1e-12, err_msg=said)


def test_the_right_sum_written_out():
    f, g = np.array([7.0, 2, 3]), np.array([1.0, 4, 10])
    close(stieltjes(f, g, "right"), 2 * 3 + 3 * 6, "Σ f(α_ℓ) Δg(α_ℓ) takes f at the right end of each interval")
    close(stieltjes(f, g, "trapezoid"), 4.5 * 3 + 2.5 * 6, "the trapezoid takes the mean of f at both ends")


def test_the_trapezoid_is_the_default():
    close(stieltjes(F, G), stieltjes(F, G, "trapezoid"), "without a rule the trapezoid is used")


@pytest.mark.parametrize("rule", RULES)
def test_a_constant_integrates_to_the_change_of_the_integrator(rule):
    close(stieltjes(np.full_like(G, 3.0), G, rule), 3 * (G[-1] - G[0]), "∫ c dg = c (g(1) − g(0)), whatever g does")


def test_a_function_over_itself_telescopes():
    half_squares = (G[-1] ** 2 - G[0] ** 2) / 2
    close(stieltjes(G, G), half_squares, "∫ g dg = ½ g² between the ends, exactly so by the trapezoid")
    excess = (np.diff(G, axis=0) ** 2).sum(axis=0) / 2
    close(stieltjes(G, G, "right"), half_squares + excess, "the right sum exceeds it by ½ Σ (Δg)²")


def test_integration_by_parts():
    close(stieltjes(F, G) + stieltjes(G, F), F[-1] * G[-1] - F[0] * G[0], "∫ f dg + ∫ g df = f g between the ends")


@pytest.mark.parametrize("rule", RULES)
def test_linear_in_both(rule):
    close(stieltjes(2 * F + G, G, rule), 2 * stieltjes(F, G, rule) + stieltjes(G, G, rule), "linear in the integrand")
    close(stieltjes(F, 2 * G - F, rule), 2 * stieltjes(F, G, rule) - stieltjes(F, F, rule), "linear in the integrator")
    close(stieltjes(F, G + 10, rule), stieltjes(F, G, rule), "only increments of the integrator count", rtol=1e-9)


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("cut", [1, 4, 7])
def test_stretches_add_up(rule, cut):
    parts = stieltjes(F[: cut + 1], G[: cut + 1], rule) + stieltjes(F[cut:], G[cut:], rule)
    close(parts, stieltjes(F, G, rule), "integrals over stretches that share their boundary add up to the whole")


def test_walking_back_undoes_the_walk():
    close(stieltjes(F[::-1], G[::-1]), -stieltjes(F, G), "the integral from picture to baseline is minus the other")


@pytest.mark.parametrize("rule", RULES)
def test_one_integrator_serves_every_entry(rule):
    alphas = np.linspace(0, 1, len(F)) ** 2
    spread = np.broadcast_to(alphas[:, None, None, None], F.shape)
    found = stieltjes(F, alphas, rule)
    assert found.shape == F.shape[1:], "a (T,) integrator leaves the shape of one value of the integrand"
    close(found, stieltjes(F, spread, rule), "it is the same as giving that integrator to every entry")


@pytest.mark.parametrize(("rule", "order"), [("right", 1), ("trapezoid", 2)])
def test_measured_order(rule, order):
    """∫ sin(3α) d(α³) over [0, 1] = ∫ 3α² sin(3α) dα, known in closed form."""
    exact = (-np.cos(3) * (9 - 2) + 6 * np.sin(3) - 2) / 9

    def error(m):
        alphas = np.linspace(0, 1, m + 1)
        return abs(float(stieltjes(np.sin(3 * alphas), alphas**3, rule)) - exact)

    assert error(1000) < 1e-2, "both rules come to the closed form"
    measured = np.log2(error(200) / error(400))
    assert abs(measured - order) < 0.05, f"the error of the {rule} rule falls as 1/m^{order}, not 1/m^{measured:.2f}"


def test_single_precision_stays_single():
    found = stieltjes(F.astype(np.float32), np.linspace(0, 1, len(F)))
    assert np.asarray(found).dtype == np.float32, "a float64 integrator does not widen a float32 sweep"


def test_an_unknown_rule_is_refused():
    with pytest.raises(InputError, match=r"trapezoid, right; received 'simpson'\.$"):
        stieltjes(F, G, "simpson")


def test_weights_written_out():
    f, g, weights = np.array([7.0, 2, 3]), np.array([1.0, 4, 10]), np.array([[0.25, 1], [0.5, 2]])
    close(
        stieltjes(f, g, weights), (0.25 * 7 + 1 * 2) * 3 + (0.5 * 2 + 2 * 3) * 6, "each end of an interval by its own"
    )
    spread = np.broadcast_to(f[:, None, None], (3, 2, 4)), np.broadcast_to(g[:, None, None], (3, 2, 4))
    close(stieltjes(*spread, weights), np.full((2, 4), 53.25), "the same weights for every entry", rtol=1e-6)
    halves = np.full((len(F) - 1, 2), 0.5)
    close(stieltjes(F, G, halves), stieltjes(F, G), "a half and a half is the trapezoid")


# Product integration. Where u is straight, everything is known in closed form, or is summed finely in float64.

PLACES = 200_000


def sigmoid(u):
    return np.exp(-np.logaddexp(0, -np.asarray(u, np.float64)))


def at_ends(u, slope=sigmoid_slope):
    """slope(u) as the sweep has it, in single precision."""
    return np.asarray(slope(ops.convert_to_tensor(np.asarray(u, np.float32))), np.float64)


def summed(u, q, a, slope=sigmoid_slope):
    """∫ slope(u) q dA (K,) from values at points, by weights. u: (T,); q, a: (T, K)."""
    weights, _ = product_weights(u, slope)
    return np.asarray(stieltjes(at_ends(u, slope)[:, None] * q, a, weights))


def finely(u, q, dadt):
    """∫ σ(u) σ(−u) q dA (K,) of functions of α, at the middles of many small intervals."""
    t = (np.arange(PLACES) + 0.5) / PLACES
    slopes = sigmoid(u(t)) * sigmoid(-u(t))
    return (slopes[:, None] * q(t) * dadt(t)).mean(axis=0)


# (from, to, intervals, how near: where the path ends within the rise of the sigmoid, its edge is cut less finely)
STRAIGHT = [
    (-60, 60, 3, 1e-6),
    (-60, 60, 4, 1e-6),
    (60, -60, 5, 1e-6),
    (-30, 30, 1, 1e-6),
    (-20, 40, 2, 1e-6),
    (-1.3, 1.3, 1, 1e-4),
    (0, 4, 2, 1e-4),
    (-8, -0.5, 1, 3e-4),
    (-1.3, 60, 1, 3e-4),
    (20, 60, 3, 1e-3),
    (0.2, 0.2, 2, 1e-6),
]


@pytest.mark.parametrize(("a", "b", "intervals", "near"), STRAIGHT)
def test_the_slope_is_integrated_as_the_function_it_is(a, b, intervals, near):
    """∫ σ(M) σ(−M) dα = (σ(b) − σ(a))/(b − a) for M straight from a to b, however steep."""
    u, alphas = np.linspace(a, b, intervals + 1), np.linspace(0, 1, intervals + 1)
    low, high = min(-abs(a), -abs(b)), min(abs(a), abs(b)) * (-1 if a * b > 0 else 1)  # σ(b) − σ(a), cancelling nothing
    exact = (sigmoid(high) - sigmoid(low)) / (high - low) if a != b else sigmoid(a) * sigmoid(-a)
    ones = np.ones((intervals + 1, 1))
    close(summed(u, ones, alphas[:, None]), [exact], "q = 1: the weights of both ends add up to it", rtol=near)
    _, constant_weights = product_weights(u, sigmoid_slope)
    slopes, widths = at_ends(u), np.diff(alphas)
    for side, ends in enumerate((slopes[:-1], slopes[1:])):
        alone = (constant_weights[:, side] * ends * widths).sum()
        close(alone, exact, "and so does what either end makes by itself", rtol=near)


@pytest.mark.parametrize(("a", "b", "intervals", "near"), STRAIGHT)
def test_exact_where_all_is_straight(a, b, intervals, near):
    q0, q1, slope = np.random.default_rng(4).normal(size=(3, 6))
    t = np.linspace(0, 1, intervals + 1)[:, None]
    exact = finely(lambda t: a + (b - a) * t, lambda t: q0 + (q1 - q0) * t[:, None], lambda t: slope)
    found = summed(a + (b - a) * t[:, 0], q0 + (q1 - q0) * t, slope * t)
    most = np.abs(exact).max()
    np.testing.assert_allclose(found, exact, rtol=0, atol=near * most, err_msg="u, q and A straight, slope(u) anything")
    if abs(b - a) > 20:
        alone = np.asarray(stieltjes(at_ends(a + (b - a) * t[:, 0])[:, None] * (q0 + (q1 - q0) * t), slope * t))
        assert np.abs(alone - exact).max() > 0.3 * most, "where the trapezoid is of no use"


def test_second_order_where_all_is_curved():
    def u(t):
        return 9 * np.sin(2 * t) - 3

    def q(t):
        return np.stack([np.exp(t), np.cos(5 * t)], axis=1)

    def a(t):
        return np.stack([t**3, np.sin(3 * t)], axis=1)

    exact = finely(u, q, lambda t: np.stack([3 * t**2, 3 * np.cos(3 * t)], axis=1))

    def error(intervals):
        t = np.linspace(0, 1, intervals + 1)
        return np.abs(summed(u(t), q(t), a(t)) - exact)

    measured = np.log2(error(32) / error(64))
    assert (np.abs(measured - 2) < 0.1).all(), f"the error falls as 1/T², not {measured}"
    assert (error(64) < 1e-3).all(), "to the integral itself"


@pytest.mark.parametrize("u", [np.linspace(-3, 5, 7), np.array([0.0, 40, -60, -61, 3])])
def test_a_slope_of_one_is_the_trapezoid(u):
    weights, constant_weights = product_weights(u, unit_slope)
    assert weights.dtype == constant_weights.dtype == np.float32 and weights.shape == (len(u) - 1, 2), (
        "(T − 1, 2), single"
    )
    np.testing.assert_array_equal(weights, 0.5, err_msg="a half of either end, exactly")
    np.testing.assert_array_equal(constant_weights, 1, err_msg="or the whole of one")


@pytest.mark.parametrize("slope", [sigmoid_slope, log_sigmoid_slope])
def test_walking_back_exchanges_the_ends(slope):
    u = np.array([-7.0, -2, 5, 3, 30])
    there, back = product_weights(u, slope), product_weights(u[::-1], slope)
    for one, other in zip(there, back, strict=True):
        np.testing.assert_allclose(one, other[::-1, ::-1], rtol=1e-5, err_msg="left is right from the other side")
    assert np.abs(there[0][:, 0] - there[0][:, 1]).max() > 0.1, "and the two are not the same"


def test_the_flat_end_of_an_interval_has_the_larger_share():
    """A value at the flat end stands for a slope that is many times as steep at the other."""
    (weight,), (alone,) = product_weights(np.array([0.0, 8.0]), sigmoid_slope)
    assert alone[1] > 100 and 0 < alone[0] < 1, "from the flat end everything is taken many times"
    slopes = at_ends([0.0, 8.0])
    assert (weight * slopes)[0] > 2 * (weight * slopes)[1], "yet the steep end decides"


@pytest.mark.parametrize(("u", "there"), [((-90, 0), (0, 1)), ((0, 90), (1, 0)), ((2, -90), (1, 0))])
def test_an_end_whose_slope_has_vanished_is_stood_for_by_the_other(u, there):
    (weights,), (alone,) = product_weights(np.array(u, np.float64), sigmoid_slope)
    whole = abs(sigmoid(u[1]) - sigmoid(u[0])) / abs(u[1] - u[0])
    expected = np.array(there) * whole / max(at_ends(u))
    close(weights, expected, "all of it from the end that has kept its digits", rtol=1e-3)
    close(alone, expected, "one end or both, there is only one", rtol=1e-3)


@pytest.mark.parametrize("u", [(-90.0, 90.0), (-120.0, -100.0), (-3e38, 3e38)])
def test_where_both_slopes_have_vanished_nothing_is_made_up(u):
    (weights,), (alone,) = product_weights(np.array(u), sigmoid_slope)
    close(weights, [0.5, 0.5], "the trapezoid of what is zero")
    close(alone, [1, 1], "stays zero")


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_what_is_no_number_stays_visible_and_alone(value):
    """Without a warning: a network that overflowed is told of by the verdicts."""
    u = np.array([-1.0, 0.5, value, 2.0, 3.0])
    clean, _ = product_weights(np.array([-1.0, 0.5, 1.0, 2.0, 3.0]), sigmoid_slope)
    with np.errstate(all="raise", under="ignore"):
        weights, constant_weights = product_weights(u, sigmoid_slope)
    for found in (weights, constant_weights):
        assert np.isnan(found[1:3]).any(), "the intervals that end there are no numbers"
        assert np.isfinite(found[[0, 3]]).all(), "the others are as ever"
    np.testing.assert_allclose(weights[[0, 3]], clean[[0, 3]], rtol=1e-5)
