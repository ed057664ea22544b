"""The whole explorer, from picture to map, against what is known otherwise: the oracles of the method's literature.

Networks, pictures, baselines and maps are nowhere square, and height, width and channels all differ. The reference
(tests/support/reference.py) is float64, has no backward pass, and shares no line with the product.
"""

import keras
import numpy as np
import pytest
from keras import layers

from explorer.engine.run import explain
from support import networks as nets
from support import reference as ref
from support.paths import BASELINE, PICTURE, STEPS, assert_same, built, fed, path_of, telling_class

SCORES = ("probability", "logit", "log-probability", "probability-naive")


@pytest.mark.parametrize("baseline", ["black", "picture"])
@pytest.mark.parametrize("score", SCORES)
@pytest.mark.parametrize("net", ["relu", "smooth", "branch", "first call", "second call"])
def test_every_map_equals_the_slow_reference(net, score, baseline):
    classifier, layer, _ = built(net)
    given = BASELINE if baseline == "picture" else baseline
    c = telling_class(net, score, baseline)
    found = explain(classifier, PICTURE, layer, c, baseline=given, steps=STEPS, score=score, units="all")
    path = path_of(net, STEPS, c, score, baseline)
    np.testing.assert_allclose(found.path.alphas, path.alphas, atol=1e-7, err_msg="α_ℓ = ℓ/m, m + 1 points")
    np.testing.assert_allclose(found.path.scores, path.scores, rtol=1e-4, atol=1e-6, err_msg="y(α)")
    assert_same(found["grad_cam"].cam, ref.grad_cam(path), f"Grad-CAM of the {score} at {layer}")
    assert_same(found["integrated_grad_cam"].cam, ref.integrated_grad_cam(path), f"Integrated Grad-CAM, {score}")
    assert_same(found["rsi_grad_cam"].cam, ref.rsi_grad_cam(path), f"RSI-Grad-CAM of the {score}")
    expected = ref.resize(ref.rsi_grad_cam(path), nets.HEIGHT, nets.WIDTH)
    heatmap = ref.normalise(expected, 1e-8)
    np.testing.assert_allclose(found["rsi_grad_cam"].heatmap, heatmap, atol=2e-5, err_msg="up-sampled, then (26)")


@pytest.mark.parametrize("net", ["relu", "branch"])
@pytest.mark.parametrize("rule", ["trapezoid", "right"])
@pytest.mark.parametrize("units", ["all", "positive", "selected"])
def test_every_variant_of_rsi_grad_cam(net, rule, units):
    classifier, layer, _ = built(net)
    c = telling_class(net)
    found = explain(classifier, PICTURE, layer, c, steps=STEPS, methods="rsi_grad_cam", units=units, quadrature=rule)
    expected = ref.rsi_grad_cam(path_of(net, STEPS, c, "probability", "black"), rule, units)
    assert_same(found["rsi_grad_cam"].cam, expected, f"{units} units by the {rule} rule")


@pytest.mark.parametrize("net", ["relu", "branch"])
def test_every_variant_of_the_other_methods(net):
    classifier, layer, _ = built(net)
    c = telling_class(net)
    path = path_of(net, STEPS, c, "probability", "black")
    for positive in ("raw", "positive"):
        found = explain(classifier, PICTURE, layer, c, steps=STEPS, methods="grad_cam", gradients=positive)
        assert_same(found["grad_cam"].cam, ref.grad_cam(path, positive), f"{positive} gradients")
    for subtract in (True, False):
        for endpoint in (True, False):
            options = {"subtract_baseline": subtract, "endpoint": endpoint}
            found = explain(classifier, PICTURE, layer, c, steps=STEPS, methods="integrated_grad_cam", **options)
            expected = ref.integrated_grad_cam(path, "right" if endpoint else "left", subtract)
            assert_same(found["integrated_grad_cam"].cam, expected, f"{options}")


def test_the_notebooks_variant_reproduces_its_sum():
    """The authors' notebook adds the maps of α = 0 .. (m−1)/m up, where the paper averages: m times ours."""
    classifier, layer, _ = built("relu")
    path = path_of("relu", STEPS, 4, "probability", "black")
    notebook = sum(
        ref.map_of([g[:, :, k].sum() for k in range(g.shape[2])], a)
        for a, g in zip(path.activations[:-1], path.gradients[:-1], strict=True)
    )
    found = explain(classifier, PICTURE, layer, 4, steps=STEPS, subtract_baseline=False, endpoint=False)[
        "integrated_grad_cam"
    ].cam
    assert_same(STEPS * found, notebook, "the notebook's map, which normalisation cannot tell from ours")


# Oracle 1: completeness, and its order


@pytest.mark.parametrize("layer", ["stem", "pool", "features", "neck"])
@pytest.mark.parametrize(("rule", "order"), [("trapezoid", 2), ("right", 1)])
def test_completeness_and_its_measured_order(layer, rule, order):
    classifier, *_ = built("smooth")
    gaps = {
        steps: explain(classifier, PICTURE, layer, steps=steps, methods="rsi_grad_cam", quadrature=rule)
        for steps in (8, 16, 32)
    }
    gaps = {steps: result.completeness_gap for steps, result in gaps.items()}
    assert gaps[32] < (1e-3 if order == 2 else 0.2), f"Σ IG = y(1) − y(0) at {layer}: {gaps}"
    measured = np.log2(gaps[16] / gaps[32])
    assert abs(measured - order) < 0.25, f"the gap falls as 1/m^{order} at {layer}, here as 1/m^{measured:.2f}: {gaps}"


@pytest.mark.parametrize("net", ["relu", "smooth", "second call"])
@pytest.mark.parametrize("rule", ["trapezoid", "right"])
def test_the_gap_shown_is_the_gap(net, rule):
    classifier, layer, _ = built(net)
    found = explain(classifier, PICTURE, layer, 4, steps=STEPS, quadrature=rule, units="selected").completeness_gap
    expected = ref.completeness_gap(path_of(net, STEPS, 4, "probability", "black"), rule)
    assert abs(found - expected) < 1e-4, f"of all units, whatever is selected: {found} against {expected}"


def test_no_gap_is_shown_where_completeness_does_not_hold():
    classifier, layer, _ = built("branch")
    path = path_of("branch", 64, 4, "probability", "black")
    assert ref.completeness_gap(path) > 0.05, "at a by-passed layer the integrals do not add up, however many steps"
    found = explain(classifier, PICTURE, layer, 4, steps=64)
    assert found.completeness_gap is None and not found.layer.separates, "so no gap is shown, rather than a wrong alarm"
    joined = explain(classifier, PICTURE, "joined", 4, steps=64)
    assert joined.completeness_gap < 0.03, "where the branches meet they do"


# Oracle 2: layer conductance


def test_rsi_weights_are_the_spatial_mean_of_layer_conductance():
    classifier, layer, network = built("smooth")
    exact = ref.conductance(network, fed(np.zeros_like(PICTURE)), fed(PICTURE), 4)
    path = {}
    for steps in (32, 64):
        result = explain(classifier, PICTURE, layer, 4, steps=steps, units="all")
        values = [np.asarray(v, np.float64) for v in (result.path.activations, result.path.gradients)]
        path[steps] = ref.Path(result.path.alphas, *values, result.path.scores)
    coarse, fine = (ref.unit_integrals(path[steps]) for steps in (32, 64))
    assert np.abs(fine - exact).max() < 2e-3 * np.abs(exact).max(), "every unit's integral is its conductance"
    extrapolated = fine + (fine - coarse) / 3  # the error of the trapezoid falls by four
    weights, expected = extrapolated.mean(axis=(0, 1)), exact.mean(axis=(0, 1))
    assert np.abs(weights - expected).max() < 1e-5 * np.abs(expected).max(), f"{weights} against {expected}"
    expected = ref.map_of(expected, network.trunk(fed(PICTURE)))
    for steps, tolerance in ((64, 1e-2), (512, 2e-4)):
        found = explain(classifier, PICTURE, layer, 4, steps=steps, units="all", methods="rsi_grad_cam")
        assert_same(found["rsi_grad_cam"].cam, expected, f"the map of the conductances, m = {steps}", tolerance)


# Oracle 3: global average pooling and one dense layer


def test_grad_cam_and_rsi_on_a_network_made_for_cam():
    classifier, network = nets.pooled()
    kernel, _ = nets.weights_of(classifier.model)["classes"]
    first, last = network.trunk(fed(np.zeros_like(PICTURE))), network.trunk(fed(PICTURE))
    units = last.shape[0] * last.shape[1]
    seen = 0
    for c in range(nets.CLASSES):
        found = explain(classifier, PICTURE, "features", c, steps=3, score="logit", units="all")
        cam = ref.map_of(kernel[:, c], last)
        if cam.max() > 0.1 * (last @ np.abs(kernel[:, c])).max():
            seen += 1
            assert_same(units * found["grad_cam"].cam, cam, f"CAM (Zhou 2016) of class {c}, over Z")
        weights = kernel[:, c] / units * (last - first).mean(axis=(0, 1))
        expected = ref.map_of(weights, last)
        if expected.max() > 0.1 * (last @ np.abs(weights)).max():
            assert_same(found["rsi_grad_cam"].cam, expected, f"w_k = (W_kc/Z) mean ΔA of class {c}, for any steps")
        assert found.completeness_gap < 1e-5, "a linear head: the integral is exact"
    assert seen >= 2, "for some classes at least the maps are not blank"


# Oracle 6: f(x) = 1 − ReLU(1 − x) at x = 2, from 0


def test_the_sensitivity_example_of_the_paper():
    """Every pixel channel is the x of (4); the logit of class 0 is the mean of f over them, 1×1 maps apart."""
    x = keras.Input((4, 6, 3))
    a = layers.Conv2D(1, 1, name="x", use_bias=False)(x)
    one_minus = layers.Rescaling(-1.0, 1.0)(layers.ReLU()(layers.Rescaling(-1.0, 1.0)(a)))
    scores = layers.Dense(2, name="classes", use_bias=False)(layers.GlobalAveragePooling2D()(one_minus))
    model = keras.Model(x, scores)
    model.get_layer("x").set_weights([np.full((1, 1, 3, 1), 1 / 3, np.float32)])
    model.get_layer("classes").set_weights([np.array([[1.0, 0.0]], np.float32)])
    classifier = nets.Classifier("f", model, lambda rgb: rgb / 100, ("f", "other"), (4, 6))
    picture = np.full((4, 6, 3), 200, np.uint8)  # x = 2
    found = explain(classifier, picture, "x", 0, steps=50, score="logit")
    np.testing.assert_allclose(found.path.scores[[0, -1]], [0, 1], atol=1e-6, err_msg="f(0) = 0, f(2) = 1")
    assert not found["grad_cam"].cam.any() and found["grad_cam"].verdict == "blank", "f'(2) = 0: Grad-CAM is blank"
    assert "exactly zero" in found["grad_cam"].verdict.reason, "and says why"
    integrated = 24 * found["rsi_grad_cam"].cam / 2  # its map is w · A(1) = (Σ IG / 24) · 2
    np.testing.assert_allclose(integrated, 1, rtol=0.03, err_msg="the integrated gradient is 1, not 0")
    assert found.completeness_gap < 0.03, "all of the change is attributed, but for the step across the kink"


# Oracle 7: a saturated softmax


def saturated(margin):
    """A classifier whose logits at PICTURE have this margin for class 5, by way of that class's bias."""
    classifier, layer, network = nets.make()
    logits = network.head(None, network.trunk(fed(PICTURE)))
    wanted = margin + np.log(np.exp(np.delete(logits, 5)).sum())
    kernel, bias = classifier.model.get_layer("classes").get_weights()
    bias[5] += wanted - logits[5]
    classifier.model.get_layer("classes").set_weights([kernel, bias])
    return classifier, layer, nets.chain_network(classifier.model, "relu")


@pytest.mark.parametrize("margin", [5, 12, 17, 20, 30, 45, 60])
def test_float32_maps_of_a_saturated_probability(margin):
    classifier, layer, network = saturated(margin)
    found = explain(classifier, PICTURE, layer, steps=STEPS, units="all")
    assert found.class_index == 5, "the most probable class is explained"
    assert abs(np.log(found.complement) + margin) < 0.01, f"1 − p = {found.complement:.2g}"
    path = ref.path(network, fed(np.zeros_like(PICTURE)), fed(PICTURE), STEPS, 5)
    assert_same(found["grad_cam"].cam, ref.grad_cam(path), f"Grad-CAM at 1 − p = {found.complement:.1g}")
    assert_same(found["rsi_grad_cam"].cam, ref.rsi_grad_cam(path), "RSI-Grad-CAM")
    assert_same(found["integrated_grad_cam"].cam, ref.integrated_grad_cam(path), "Integrated Grad-CAM")
    naive = explain(classifier, PICTURE, layer, steps=STEPS, score="probability-naive")["grad_cam"].cam
    expected = ref.grad_cam(path)
    off = np.abs(naive - expected).max() / expected.max()
    if margin >= 18:
        assert off > 0.5, f"where p rounds to 1, the published form is about the wrong classes: off by {off:.1e}"
    if margin == 5:
        assert off < 1e-3, "where nothing rounds, the two agree"
