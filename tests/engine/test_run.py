"""One call, from a picture to a Result: what it holds, what it reuses, and what it refuses."""

import json

import cv2
import numpy as np
import pytest
from PIL import Image

from explorer.attribution.heatmaps import normalise, resize
from explorer.attribution.methods import DEFAULT
from explorer.engine.run import completeness_gap, explain
from explorer.errors import InputError
from explorer.network.output_head import probability_of
from support import networks as nets

PICTURE = nets.picture(1)


@pytest.fixture(scope="module")
def net():
    """A classifier for tests that only ask it questions."""
    return nets.make()[0]


@pytest.fixture(scope="module")
def result(net):
    return explain(net, PICTURE, "features", 4, steps=6)


# What a Result holds


def test_a_comparison_holds_what_was_asked(net, result):
    assert [explanation.method for explanation in result] == list(DEFAULT), "the three of the page"
    assert len(result) == 3 and result["grad_cam"].label == "Grad-CAM", "by key, with the label people read"
    assert (result.class_index, result.class_name, result.layer.name) == (4, "egg", "features"), "class and layer"
    np.testing.assert_array_equal(result.image, PICTURE, err_msg="the picture as the network sees it")
    assert not result.baseline_image.any() and result.baseline_image.dtype == np.uint8, "black, in RGB"
    np.testing.assert_allclose(result.path.alphas, np.arange(7) / 6, atol=1e-7, err_msg="m + 1 points")
    assert result.path.scores.shape == (7,) and result.path.activations.shape == (7, 4, 6, 5), "the path along with it"
    assert result.path.gradients.shape == (7, 4, 6, 5), "and its gradients"


def test_every_explanation_hangs_together(result):
    for found in result:
        assert found.cam.shape == (4, 6) and found.cam.dtype == np.float32, "raw, at the layer's resolution"
        assert found.heatmap.shape == (12, 16) and found.heatmap.dtype == np.float32, "at the size the network sees"
        np.testing.assert_array_equal(found.raw, resize(found.cam, 12, 16), err_msg="up-sampled")
        np.testing.assert_array_equal(found.heatmap, normalise(found.raw, 1e-8), err_msg="then normalised")
        assert found.statistics["maximum"] == found.cam.max(), "statistics are of the raw map"
        assert found.verdict == ("ok" if found.cam.any() else "blank"), f"{found.method}: {found.verdict}"


def test_probabilities_are_the_networks(net, result):
    np.testing.assert_allclose(result.probabilities, net.predict(PICTURE[None])[0], rtol=1e-5, err_msg="of every class")
    assert abs(result.probability - result.probabilities[4]) < 1e-6, "and of the class explained"
    assert abs(result.probability + result.complement - 1) < 1e-12, "p and 1 − p"
    assert abs(result.path.scores[-1] - result.probability) < 1e-6, "the path ends at the picture's score"
    black = net.predict(np.zeros_like(PICTURE)[None])[0, 4]
    assert abs(result.path.scores[0] - black) < 1e-6, "and begins at the baseline's"


def test_the_most_probable_class_is_the_default(net):
    found = explain(net, PICTURE, steps=2)
    assert found.class_index == found.probabilities.argmax(), "None means what the network says"
    assert found.layer.name == net.default_layer == "neck", "and the last layer that cuts it"


@pytest.mark.parametrize("wanted", [4, np.int32(4), "egg", "EGG", "4"])
def test_a_class_by_index_or_name(net, result, wanted):
    found = explain(net, PICTURE, "features", wanted, steps=6)
    assert found.class_index == 4 and type(found.class_index) is int, f"{wanted!r} is class 4"
    np.testing.assert_array_equal(found["rsi_grad_cam"].cam, result["rsi_grad_cam"].cam, err_msg="the same map")


def test_settings_are_ready_for_json_and_ask_the_same_again(net):
    asked = {
        "layer": "features",
        "class_index": "egg",
        "baseline": "blurred:2",
        "steps": 5,
        "score": "logit",
        "gradients": "positive",
        "units": "positive",
        "quadrature": "right",
        "subtract_baseline": False,
        "endpoint": False,
        "methods": ("rsi_grad_cam", "grad_cam"),
    }
    found = explain(net, PICTURE, **asked)
    settings = json.loads(json.dumps(dict(found.settings)))
    assert settings.pop("model") == "test net" and settings.pop("class_name") == "egg", "model and class by name"
    assert settings == asked | {"class_index": 4, "methods": ["rsi_grad_cam", "grad_cam"]}, "every setting as asked"
    again = explain(net, PICTURE, **settings)
    for key in asked["methods"]:
        np.testing.assert_array_equal(again[key].cam, found[key].cam, err_msg="its settings reproduce a result")


@pytest.mark.parametrize("methods", ["grad_cam", ("grad_cam",), ["rsi_grad_cam", "grad_cam"]])
def test_only_the_methods_asked_for(net, result, methods):
    found = explain(net, PICTURE, "features", 4, steps=6, methods=methods)
    asked = [methods] if isinstance(methods, str) else list(methods)
    assert [explanation.method for explanation in found] == asked, "in the order asked for"
    np.testing.assert_array_equal(found["grad_cam"].cam, result["grad_cam"].cam, err_msg="whatever comes along")
    assert found.completeness_gap == result.completeness_gap, "the gap is known without RSI-Grad-CAM, too"


# Pictures


def test_a_picture_as_array_path_or_pil_image(net, result, tmp_path):
    file = tmp_path / "picture.png"
    Image.fromarray(PICTURE).save(file)
    for image in (file, str(file), Image.fromarray(PICTURE), PICTURE.copy()):
        found = explain(net, image, "features", 4, steps=6)
        np.testing.assert_array_equal(found.image, PICTURE, err_msg=f"{type(image).__name__}: the same pixels")
        np.testing.assert_array_equal(found["grad_cam"].cam, result["grad_cam"].cam, err_msg="the same map")


def test_a_picture_of_another_size_is_stretched(net):
    large = nets.picture(7, 50, 31)
    found = explain(net, large, "features", steps=2)
    np.testing.assert_array_equal(found.image, cv2.resize(large, (16, 12), interpolation=cv2.INTER_AREA))
    assert found["rsi_grad_cam"].heatmap.shape == (12, 16), "maps are at the size the network sees"


def test_the_baseline_is_defined_in_pixels(net):
    white = explain(net, PICTURE, "features", 4, baseline="white", steps=2)
    assert (white.baseline_image == 255).all(), "white pixels"
    given = explain(net, PICTURE, "features", 4, baseline=np.full_like(PICTURE, 255), steps=2)
    np.testing.assert_array_equal(given["rsi_grad_cam"].cam, white["rsi_grad_cam"].cam, err_msg="named or uploaded")
    expected = net.predict(np.full_like(PICTURE, 255)[None])[0, 4]
    assert abs(white.path.scores[0] - expected) < 1e-6, "sent through the classifier's own preprocessing"


def test_a_baseline_equal_to_the_picture_attributes_nothing(net):
    found = explain(net, PICTURE, "features", 4, baseline=PICTURE, steps=3)
    assert not found["rsi_grad_cam"].cam.any() and not found["integrated_grad_cam"].cam.any(), "nothing changed"
    assert found["rsi_grad_cam"].verdict == "blank", "which is told"
    assert found["grad_cam"].cam.any(), "Grad-CAM has no baseline"


# ε


@pytest.mark.parametrize("epsilon", [1e-12, 1e-3, 1.0])
def test_another_epsilon_without_the_network(net, result, epsilon, monkeypatch):
    fresh = explain(net, PICTURE, "features", 4, steps=6, epsilon=epsilon)
    monkeypatch.setattr(type(net), "_function", lambda *args: pytest.fail("the network was asked again"))
    other = result.at_epsilon(epsilon)
    for found in other:
        np.testing.assert_array_equal(found.cam, result[found.method].cam, err_msg="raw maps do not know ε")
        np.testing.assert_array_equal(found.heatmap, fresh[found.method].heatmap, err_msg="as if asked with that ε")
        assert found.verdict == fresh[found.method].verdict, "the verdict follows"
        assert (found.verdict == "dark") == (0 < found.raw.max() - found.raw.min() < epsilon), "dark: max − min < ε"
    assert result.epsilon == 1e-8, "the first result is as it was"
    with pytest.raises(InputError):
        result.at_epsilon(0)


# Verdicts on real sweeps


def biased(margin):
    """The net with its class 5 that much more certain."""
    classifier, layer, _ = nets.make()
    kernel, bias = classifier.model.get_layer("classes").get_weights()
    bias[5] += margin
    classifier.model.get_layer("classes").set_weights([kernel, bias])
    return classifier, layer


def test_a_saturated_picture_is_dark_and_the_advice_helps():
    classifier, layer = biased(25)
    found = explain(classifier, PICTURE, layer, steps=6)["grad_cam"]
    assert found.verdict == "dark" and 0 < found.raw.max() < 1e-8, "the gradient is scaled by 1 − p"
    seen = f"span only {np.ptp(found.raw):.1e}"[:-3]
    assert seen in found.verdict.reason and "saturated" in found.verdict.reason, "what was seen, and why"
    logit = explain(classifier, PICTURE, layer, steps=6, score="logit")["grad_cam"]
    assert logit.verdict == "ok", "the logit, as advised, is not dark"
    below = float(found.verdict.advice.split("below ")[1].split(". ")[0])
    mended = explain(classifier, PICTURE, layer, steps=6, epsilon=0.99 * below)["grad_cam"]
    assert mended.verdict == "ok", f"nor is ε below {below}"


def test_a_gradient_that_underflows_is_blank_for_that_reason():
    classifier, layer = biased(150)
    found = explain(classifier, PICTURE, layer, steps=6)
    assert found.vanished and found["grad_cam"].verdict == "blank", "1 − p is below what float32 can hold"
    assert "exactly zero" in found["grad_cam"].verdict.reason, "and the reason says so"


@pytest.mark.parametrize(("weak", "factor"), [("stem", 1e38), ("neck", np.inf), ("neck", np.nan)])
def test_a_network_that_overflows_is_non_finite(weak, factor):
    classifier, layer, _ = nets.make()
    kernel, bias = classifier.model.get_layer(weak).get_weights()
    classifier.model.get_layer(weak).set_weights([kernel * np.float32(factor), bias])
    with np.errstate(all="raise", under="ignore"):
        assert classifier.predict(PICTURE[None]).shape == (1, nets.CLASSES), "asked without a warning"
        found = explain(classifier, PICTURE, layer, 4, steps=3, score="logit")
        for explanation in found:
            assert explanation.verdict == "non-finite", f"{explanation.method}: {explanation.verdict.reason}"
            assert not explanation.heatmap.any(), "nothing is drawn"
            json.dumps(dict(explanation.statistics), allow_nan=False)


# The completeness gap and the probability


def test_the_gap_in_closed_form():
    integral = np.full((2, 3, 4), 0.5 / 24, np.float32)
    assert abs(completeness_gap(integral, np.array([0.1, 0.3, 0.5])) - 0.25) < 1e-6, "|0.5 − 0.4| / 0.4"
    assert abs(completeness_gap(-integral, np.array([0.5, 0.1])) - 0.25) < 1e-6, "a falling score is no less a change"
    assert completeness_gap(integral, np.array([0.3, 0.9, 0.3])) is None, "no change, no relative gap"


@pytest.mark.parametrize("margin", [-80, -3, 0, 3, 30, 80])
def test_probability_and_complement_keep_their_digits(margin):
    logits = np.array([1.0, 2.0, 0.0, 1.5])
    logits[2] = margin + np.log(np.exp(np.delete(logits, 2)).sum())
    p, complement = probability_of(logits, 2)
    np.testing.assert_allclose(p, 1 / (1 + np.exp(-margin)), rtol=1e-9, err_msg="p = σ(M)")
    np.testing.assert_allclose(complement, 1 / (1 + np.exp(margin)), rtol=1e-9, err_msg="1 − p = σ(−M), not by 1 − p")


def test_extreme_logits_make_no_warning():
    with np.errstate(all="raise", under="ignore"):
        assert probability_of(np.array([2000.0, 0, 0]), 0) == (1, 0), "certain"
        assert probability_of(np.array([2000.0, 0, 0]), 1)[0] == 0, "and ruled out"
