"""What refinement weighs every round, against the same worked out interval by interval in plain NumPy."""

import numpy as np
import pytest

from explorer.attribution.methods import METHODS, Options, PathMethod
from explorer.attribution.quadrature import product_weights
from explorer.engine import adaptive
from explorer.engine.adaptive import FIRST
from explorer.network import backend
from support.formulas import CASES, H, K, W, random, refinement

ALPHAS = np.array([0, 0.1, 0.25, 0.3, 0.55, 0.6, 0.8, 0.85, 0.9, 1], np.float32)
VARIANTS = [Options(), Options(units="all"), Options(units="positive", subtract_baseline=False)]
PATH_METHODS = [key for key, method in METHODS.items() if isinstance(method, PathMethod)]


def of_points(case=(4, True), alphas=ALPHAS, options=None, separates=False):
    return refinement(random(*case)(alphas), PATH_METHODS, separates, options)


def integrated(now, key, weights):
    """Σ (w₀ f(a) + w₁ f(b)) (g(b) − g(a)), with weights (T − 1, 2), one interval after the other."""
    f, g = METHODS[key].integrand(now.paths[0], now.paths[0].activations[0], now.options)
    f, g = np.asarray(f, np.float64), np.asarray(g, np.float64)
    return sum((left * f[i] + right * f[i + 1]) * (g[i + 1] - g[i]) for i, (left, right) in enumerate(weights))


def cam(now, key, integral):
    return np.asarray(METHODS[key].cam(np.float32(integral), now.paths[0], now.options), np.float64)


@pytest.mark.parametrize("options", VARIANTS, ids=str)
@pytest.mark.parametrize("key", PATH_METHODS)
@pytest.mark.parametrize("case", [(4, True), (9, False)])
def test_what_an_interval_leaves_open_is_how_far_its_two_ends_disagree(case, key, options):
    now, expected = of_points(case, options=options), []
    for i in range(len(ALPHAS) - 1):
        maps = []
        for side in (0, 1):
            weights = np.array(now.weights, np.float64)
            weights[i] = 0
            weights[i, side] = now.constant_weights[i, side]
            maps.append(cam(now, key, integrated(now, key, weights)))
        expected.append(np.linalg.norm(maps[1] - maps[0]) / 2)
    expected = np.array(expected) / np.linalg.norm(cam(now, key, integrated(now, key, now.weights)))
    np.testing.assert_allclose(now._variation(0, key), expected, rtol=1e-4, atol=1e-6)
    assert expected.max() > 3 * np.median(expected) > 0, "intervals differ, or nothing was compared"


@pytest.mark.parametrize("key", PATH_METHODS)
def test_the_estimate_compares_with_the_maps_of_every_other_point(key):
    now = of_points()
    whole = cam(now, key, integrated(now, key, now.weights))
    apart = []
    for kept in ([0, 1, 3, 5, 7, 9], [0, 2, 4, 6, 8, 9]):
        fewer = of_points(alphas=ALPHAS[kept])
        part = cam(fewer, key, integrated(fewer, key, product_weights(fewer.samples.inner, now.slope)[0]))
        apart.append(np.linalg.norm(part / np.linalg.norm(part) - whole / np.linalg.norm(whole)))
    integral, cams = now._sums[0, key]
    np.testing.assert_allclose(adaptive._apart(cams), max(apart), rtol=1e-3)
    np.testing.assert_allclose(np.asarray(integral), integrated(now, key, now.weights), rtol=1e-4, atol=1e-6)
    assert min(apart) > 1e-3, "leaving points out changes the map here"


def test_what_is_missing_of_the_score_is_told_interval_by_interval():
    now = of_points(separates=True)
    path, scores = now.paths[0], np.asarray(now.samples.scores, np.float64)
    weights = np.asarray(now.weights, np.float64)
    expected = [
        (
            sum(
                w * np.vdot(path.gradients[i + side], path.activations[i + 1] - path.activations[i])
                for side, w in enumerate(weights[i])
            )
            - (scores[i + 1] - scores[i])
        )
        / (scores[-1] - scores[0])
        for i in range(len(scores) - 1)
    ]
    np.testing.assert_allclose(now._missing[0], expected, rtol=1e-3, atol=1e-5)
    assert of_points(separates=False)._missing == [], "where the layer does not cut the network nothing is asked of it"


@pytest.mark.parametrize("most", [1, 2, 4, 8, 9, 100])
def test_intervals_weighed_a_few_at_a_time_weigh_the_same(most, monkeypatch):
    at_once = [of_points()._variation(0, key) for key in PATH_METHODS]
    monkeypatch.setattr(adaptive, "MAX_VALUES", most * H * W * K)
    in_turn = [of_points()._variation(0, key) for key in PATH_METHODS]
    np.testing.assert_allclose(in_turn, at_once, rtol=1e-5, atol=1e-7)


def test_one_compiled_function_serves_every_layer_and_every_length(monkeypatch):
    made, compile_ = [], backend.compiled
    monkeypatch.setattr(backend, "compiled", lambda *args: made.append(args) or compile_(*args))
    for parts in (adaptive.sums, adaptive._variation, adaptive.gains):
        parts.cache_clear()
    for case in CASES[:3]:
        for alphas in (FIRST, ALPHAS):
            now = of_points(case, alphas, separates=True)
            assert now.error >= 0 and len(now.next_points(3)) == 3
    assert len(made) == 2 * len(PATH_METHODS) + 1, f"two a method and one for completeness: {len(made)}"
