"""Every method and every variant, on paths of any values, against the slow reference; and the laws they keep.

The paths here are random numbers of both signs, far from any network: the methods are mathematics over arrays.
"""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from explorer.attribution.methods import DEFAULT, METHODS, Curve, MaskMethod, Options, PathMethod
from explorer.attribution.methods.cam import objection
from explorer.attribution.methods.rsi_grad_cam import chosen_units
from explorer.attribution.path import Path
from explorer.errors import InputError
from support import reference as ref

POINTS, H, W, K = 7, 3, 5, 4
REFERENCE = {
    "grad_cam": lambda path, o: ref.grad_cam(path, o.gradients),
    "integrated_grad_cam": lambda path, o: ref.integrated_grad_cam(
        path, "right" if o.endpoint else "left", o.subtract_baseline
    ),
    "rsi_grad_cam": lambda path, o: ref.rsi_grad_cam(path, o.quadrature, o.units),
    "cam": lambda path, o: ref.map_of(path.gradients[-1].sum(axis=(0, 1)), path.activations[-1]),
    "grad_cam_plus_plus": lambda path, o: plus_plus(path),
    **dict.fromkeys(
        ("integrated_gradients", "layer_integrated_gradients", "layer_conductance"),
        lambda path, o: np.maximum(ref.unit_integrals(path, o.quadrature).sum(axis=2), 0),
    ),
    "internal_influence": lambda path, o: np.maximum(mean_gradient(path, o.quadrature).sum(axis=2), 0),
}
VARIANTS = {
    "grad_cam": [Options(gradients=g) for g in ("raw", "positive")],
    "integrated_grad_cam": [Options(subtract_baseline=s, endpoint=e) for s in (True, False) for e in (True, False)],
    "rsi_grad_cam": [
        Options(units=u, quadrature=q) for u in ("all", "positive", "selected") for q in ("trapezoid", "right")
    ],
}
RULES = [Options(quadrature=q) for q in ("trapezoid", "right")]
VARIANTS |= {"cam": [Options()], "grad_cam_plus_plus": [Options()]}
ON_A_PATH = [key for key, method in METHODS.items() if not isinstance(method, MaskMethod)]
VARIANTS |= {key: RULES for key in ON_A_PATH if key not in VARIANTS}
SUMMED = [key for key, method in METHODS.items() if isinstance(method, PathMethod)]
CASES = [pytest.param(key, options, id=f"{key}-{i}") for key in VARIANTS for i, options in enumerate(VARIANTS[key])]


def plus_plus(path):
    """Grad-CAM++ unit by unit, in the first form of its α; S_k of a negative sum counts as zero."""
    a, g = path.activations[-1], path.gradients[-1]
    weights = []
    for k in range(K):
        total = max(a[:, :, k].sum(), 0)
        slopes = [slope for slope in g[:, :, k].ravel() if slope > 0]
        weights.append(sum(slope**2 / (2 * slope**2 + slope**3 * total) * slope for slope in slopes))
    return ref.map_of(weights, a)


def mean_gradient(path, rule):
    """(1/m) Σ g over the right ends of the intervals, or over the mean of both ends."""
    right, left = (sum(part) / (POINTS - 1) for part in (path.gradients[1:], path.gradients[:-1]))
    return right if rule == "right" else (right + left) / 2


def random_path(seed):
    rng = np.random.default_rng(seed)
    activations, gradients = rng.normal(size=(2, POINTS, H, W, K))
    return Path(np.linspace(0, 1, POINTS), activations, gradients, rng.normal(size=POINTS))


def cam(key, path, options=None):
    return np.asarray(METHODS[key](path, options))


def scaled(path, a=1.0, g=1.0):
    return Path(path.alphas, a * path.activations, g * path.gradients, path.scores)


@pytest.mark.parametrize(("key", "options"), CASES)
def test_equal_to_the_reference(key, options):
    lit = 0
    for seed in range(5):
        path = random_path(seed)
        expected = REFERENCE[key](path, options)
        np.testing.assert_allclose(cam(key, path, options), expected, rtol=1e-10, atol=1e-12, err_msg=f"{options}")
        lit += (expected > 0).any()
    assert lit >= 3, "the reference itself is not blank, or nothing was compared"


@pytest.mark.parametrize("key", ON_A_PATH)
def test_the_variants_differ(key):
    maps = [cam(key, random_path(1), options) for options in VARIANTS[key]]
    for i, one in enumerate(maps):
        assert all(np.abs(one - other).max() > 1e-3 for other in maps[:i]), f"variant {i} is no copy of another"


@pytest.mark.parametrize(("key", "options"), [case for case in CASES if case.values[0] in SUMMED])
@pytest.mark.parametrize("cuts", [(1,), (5,), (2, 3)])
def test_a_path_may_be_summed_part_by_part(key, options, cuts):
    path, method = random_path(2), METHODS[key]
    parts = [path.part(slice(a, b + 1)) for a, b in pairwise([0, *cuts, POINTS - 1])]
    total = sum(method.integral(part, path.activations[0], options) for part in parts)
    found = np.asarray(method.cam(total, path.ends, options))
    np.testing.assert_allclose(
        found, cam(key, path, options), rtol=1e-10, atol=1e-12, err_msg="the sum over parts is the whole integral"
    )


@pytest.mark.parametrize(("key", "options"), [case for case in CASES if case.values[0] not in SUMMED])
def test_a_method_of_a_point_looks_at_the_last_one_alone(key, options):
    path = random_path(2)
    np.testing.assert_array_equal(cam(key, path.part(slice(4, None)), options), cam(key, path, options))


@pytest.mark.parametrize(("key", "options"), [case for case in CASES if case.values[0] != "grad_cam_plus_plus"])
def test_scaling_the_score_scales_the_map(key, options):
    path = random_path(3)
    np.testing.assert_allclose(
        cam(key, scaled(path, g=7.0), options),
        7 * cam(key, path, options),
        rtol=1e-10,
        err_msg="a map is linear in y for y → a·y, a > 0, so its normalised heatmap does not change",
    )


@pytest.mark.parametrize(("key", "options"), CASES)
def test_the_order_of_channels_does_not_matter(key, options):
    path, order = random_path(4), [2, 0, 3, 1]
    shuffled = Path(path.alphas, path.activations[..., order], path.gradients[..., order], path.scores)
    np.testing.assert_allclose(
        cam(key, shuffled, options), cam(key, path, options), rtol=1e-10, atol=1e-12, err_msg="channels are a sum"
    )


@pytest.mark.parametrize(("key", "options"), CASES)
def test_places_are_treated_alike(key, options):
    path = random_path(4)
    turned = Path(path.alphas, path.activations[:, ::-1], path.gradients[:, ::-1], path.scores)
    np.testing.assert_allclose(
        cam(key, turned, options),
        cam(key, path, options)[::-1],
        rtol=1e-10,
        atol=1e-12,
        err_msg="turning the maps upside down turns the heatmap upside down",
    )


@pytest.mark.parametrize("key", ON_A_PATH)
def test_maps_are_at_the_layers_size_and_never_negative(key):
    for seed in range(5):
        found = cam(key, random_path(seed))
        assert found.shape == (H, W), "a raw map has the resolution of the layer"
        assert (found >= 0).all(), "every method ends in a ReLU"


def test_grad_cam_sees_the_picture_alone():
    path = random_path(6)
    other = Path(path.alphas, path.activations.copy(), path.gradients.copy(), path.scores)
    other.activations[:-1], other.gradients[:-1] = 0, 0
    np.testing.assert_array_equal(cam("grad_cam", other), cam("grad_cam", path), "only α = 1 counts for Grad-CAM")


def test_integrated_grad_cam_takes_its_relu_inside_the_integral():
    """Two maps that are the opposite of each other: outside, they would cancel."""
    activations = np.zeros((3, 1, 2, 1))
    activations[1:, 0, :, 0] = [[1, 2], [1, 2]]
    gradients = np.zeros((3, 1, 2, 1))
    gradients[1], gradients[2] = 1, -1
    found = cam("integrated_grad_cam", Path(np.array([0, 0.5, 1]), activations, gradients, np.zeros(3)))
    np.testing.assert_allclose(found, [[1.0, 2.0]], err_msg="½ (ReLU(2·[1, 2]) + ReLU(−2·[1, 2])), weights summed")


def one_unit(activations, gradients):
    """A path of one unit over T points, beside a second unit that never moves: (T, 1, 2, 1)."""
    shape = (len(activations), 1, 2, 1)
    a, g = np.full(shape, 1.0), np.zeros(shape)
    a[:, 0, 0, 0], g[:, 0, 0, 0] = activations, gradients
    return Path(np.linspace(0, 1, len(a)), a, g, np.zeros(len(a)))


@pytest.mark.parametrize(
    ("activations", "gradients", "units", "weight", "said"),
    [
        ([0, 2], [1, 1], "selected", 1.0, "a unit that grew and gained counts: 2, over Z = 2 units"),
        ([0, 2], [-1, -1], "selected", 0.0, "a negative integral is left out"),
        ([0, 2], [-1, -1], "all", -1.0, "all units are averaged as they are"),
        ([0, 2], [-1, -1], "positive", 0.0, "the positive part is zero"),
        ([3, 1], [-1, -1], "selected", 0.0, "A(1) − A(0) < 0: left out though A(1) > 0 and the integral is 2"),
        ([3, 1], [-1, -1], "positive", 1.0, "the positive variant asks about the integral alone"),
        ([1, 2, 1], [2, 2, 0.5], "selected", 0.0, "A(1) − A(0) = 0 is not an increase: strict"),
        ([1, 2, 1], [2, 2, 0.5], "positive", 0.375, "and (20) keeps that unit: ½ (2 − 1.25)"),
        ([-3, -1], [1, 1], "selected", 0.0, "A(1) < 0 is left out though it grew and gained"),
        ([-2, 0], [1, 1], "selected", 0.0, "A(1) = 0 is left out: strict"),
        ([-2, 0], [1, 1], "positive", 1.0, "and kept by (20)"),
    ],
)
def test_unit_selection(activations, gradients, units, weight, said):
    path = one_unit(activations, gradients)
    integral = METHODS["rsi_grad_cam"].integral(path, path.activations[0], Options(units=units))
    kept = np.asarray(chosen_units(integral, path, units))
    np.testing.assert_allclose(kept.mean(axis=(0, 1)), [weight], err_msg=said)


@pytest.mark.parametrize(("key", "options"), [case for case in CASES if case.values[0] in SUMMED])
def test_several_integrals_at_once_make_the_maps_of_each(key, options):
    """What the placement of points relies on: the maps a path would have if one interval were another."""
    path, method = random_path(7), METHODS[key]
    integrals = [method.integral(random_path(seed), random_path(seed).activations[0], options) for seed in range(4)]
    integrals = np.stack([np.asarray(one) for one in integrals])
    found = np.asarray(method.cam(integrals, path, options))
    assert found.shape == (4, H, W), "one map an integral"
    for several, one in zip(found, integrals, strict=True):
        alone = np.asarray(method.cam(one, path, options))
        np.testing.assert_allclose(several, alone, rtol=1e-10, atol=1e-12, err_msg="as if it were alone")
    assert np.abs(found[0] - found[1]).max() > 1e-3, "different integrals, different maps"


@pytest.mark.parametrize(("key", "options"), [case for case in CASES if case.values[0] in SUMMED])
def test_a_path_that_brings_its_weights_is_summed_with_them(key, options):
    path, method = random_path(5), METHODS[key]
    weights = np.random.default_rng(1).uniform(size=(POINTS - 1, 2))
    f, g = (np.asarray(value) for value in method.integrand(path, path.activations[0], options))
    steps = np.diff(g, axis=0).reshape(POINTS - 1, *(g.shape[1:] or (1,) * (f.ndim - 1)))
    left, right = (weights[:, side].reshape((-1,) + (1,) * (f.ndim - 1)) for side in (0, 1))
    expected = ((left * f[:-1] + right * f[1:]) * steps).sum(axis=0)
    weighted = replace(path, weights=weights)
    found = np.asarray(method.integral(weighted, path.activations[0], options))
    np.testing.assert_allclose(found, expected, rtol=1e-10, atol=1e-12, err_msg="Σ (weight f + weight f) Δg")
    halves = replace(path, weights=np.full((POINTS - 1, 2), 0.5))
    trapezoid = np.asarray(method.integral(halves, path.activations[0], options))
    assert np.abs(found - trapezoid).max() > 1e-3, "whatever the published rule is"


def test_selected_is_within_positive_is_above_all():
    path = random_path(8)
    integral = METHODS["rsi_grad_cam"].integral(path, path.activations[0], Options())
    every, positive, selected = (np.asarray(chosen_units(integral, path, u)) for u in ("all", "positive", "selected"))
    assert (positive >= every).all() and (positive >= selected).all(), "dropping negative units only adds"
    assert ((selected == 0) | (selected == positive)).all(), "a selected unit keeps its whole integral"
    assert (selected != positive).any(), "and some positive unit is not selected here"


@pytest.mark.parametrize(("key", "options"), CASES)
def test_a_gradient_that_is_no_number_is_not_swept_under(key, options):
    path = random_path(9)
    path.activations[-1] = np.abs(path.activations[-1]) + np.abs(path.activations[0])
    path.gradients[:, 1, 2, 3] = np.nan
    assert np.isnan(cam(key, path, options)).any(), "NaN comes through, so that the verdict can be about it"


@pytest.mark.parametrize("name", ["gradients", "units", "quadrature"])
def test_an_unknown_variant_is_refused(name):
    with pytest.raises(InputError, match=rf"^{name} is one of .*; received 'sideways'\.$"):
        Options(**{name: "sideways"})


def test_the_defaults_are_those_of_the_authors():
    assert (Options().units, Options().quadrature, Options().gradients) == ("selected", "trapezoid", "raw"), (
        "selected units by the trapezoid, raw gradients"
    )
    assert Options().subtract_baseline and Options().endpoint, "Integrated Grad-CAM as published, (13)"


def test_cam_tells_where_it_does_not_apply():
    path, weights = random_path(1), np.arange(1.0, K + 1)
    path.gradients[:] = weights
    assert objection(path) is None, "the same at every place and on every picture: the logit is a weighted mean"
    for place in ((-1, 0, 0, 0), (0, 2, 4, 1)):
        uneven = Path(path.alphas, path.activations, path.gradients.copy(), path.scores)
        uneven.gradients[place] *= 1.1
        assert "last Dense layer" in objection(uneven.ends), f"not the same at {place}"


def test_the_registry_names_its_methods():
    assert list(METHODS) == [
        "cam",
        "grad_cam",
        "grad_cam_plus_plus",
        "integrated_gradients",
        "layer_integrated_gradients",
        "layer_conductance",
        "internal_influence",
        "integrated_grad_cam",
        "rsi_grad_cam",
        "score_cam",
        "sise",
        "ada_sise",
    ], "every system of the papers"
    assert DEFAULT == ("grad_cam", "integrated_grad_cam", "rsi_grad_cam"), "the three methods of the screen"
    assert all(method.key == key for key, method in METHODS.items()), "each knows its own key"
    assert len({method.label for method in METHODS.values()}) == len(METHODS), "no two are called alike"
    assert all(method.hint and method.about.endswith(".") for method in METHODS.values()), "and says what it does"
    assert {method.curve for method in METHODS.values()} == {*Curve, None}, "no curve that nobody follows"


@pytest.mark.parametrize("key", ["score_cam", "sise", "ada_sise"])
def test_a_path_alone_does_not_make_a_map_of_masks(key):
    with pytest.raises(InputError, match=rf"methods=\['{key}'\]"):
        METHODS[key](random_path(0))
