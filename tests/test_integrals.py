"""The one quadrature, held to the laws of integration: closed forms, integration by parts, additivity, order."""

import numpy as np
import pytest

from explorer.errors import InputError
from explorer.integrals import RULES, stieltjes

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
