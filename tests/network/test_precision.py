"""The precision that is asked for, against float64; and networks and inputs of other types than single precision."""

import keras
import numpy as np
import pytest
from keras import layers

from explorer.engine.run import explain
from explorer.models.mixed_precision import in_precision
from explorer.network import backend
from explorer.network.classifier import Classifier
from support import networks as nets
from support import reference as ref
from support.paths import PICTURE, STEPS, assert_same, path_of, telling_class

UNIT = 2.0**-9  # what rounding to the eight bits of bfloat16 may take from a number, or add, as a share of it
KINDS = {"relu": ("nested functional", "relu"), "smooth": ("functional", "softplus")}  # as in tests/support/paths.py
PICTURES = np.stack([nets.picture(seed) for seed in range(3)])
SIZE = (nets.HEIGHT, nets.WIDTH, 3)


def unit(rgb):
    return rgb / 255


def model_on(x, below=None):
    """The chain of layers of tests/support/networks.py on an input, with something between."""
    p = nets.parts()
    return nets.seed_weights(keras.Model(x, nets.chain(below(x) if below else x, p.values())))


@pytest.mark.skipif(backend.name() == "torch", reason="PyTorch follows no dependence through whole numbers")
@pytest.mark.parametrize("dtype", ["uint8", "int32"])
def test_whole_number_inputs(dtype):
    x = keras.Input(SIZE, dtype=dtype)
    model = model_on(x, layers.Rescaling(1 / 255))
    classifier = Classifier("n", model, lambda rgb: rgb)
    like = Classifier("n", model_on(keras.Input(SIZE)), unit)
    np.testing.assert_allclose(classifier.predict(PICTURES), like.predict(PICTURES), rtol=1e-5, err_msg="one function")
    assert [layer.name for layer in classifier.layers()][-1] == "neck", "the picture is followed through the rounding"
    found = explain(classifier, PICTURES[0], "features", steps=100, units="all", score="logit")
    other = explain(like, PICTURES[0], "features", steps=100, units="all", score="logit", class_index=found.class_index)
    assert found.completeness_gap < 0.02, f"along a path of whole pixels too: {found.completeness_gap:.1e}"
    cam, near = found["rsi_grad_cam"].cam, other["rsi_grad_cam"].cam
    assert np.abs(cam - near).max() < 0.02 * near.max(), "nearly the map of the smooth path"


@pytest.mark.parametrize("dtype", ["float16", "float64", "bfloat16"])
def test_inputs_of_another_precision(dtype):
    if dtype == "float64" and backend.name() == "jax":
        pytest.skip("JAX computes in single precision")
    classifier = nets.classifier(model_on(keras.Input(SIZE, dtype=dtype)))
    like = nets.make()[0]
    tolerance = {"float16": 0.02, "float64": 1e-5, "bfloat16": 0.2}[dtype]
    np.testing.assert_allclose(classifier.predict(PICTURES), like.predict(PICTURES), rtol=tolerance, atol=tolerance / 9)
    assert explain(classifier, PICTURES[0], "features", steps=3)["rsi_grad_cam"].cam.dtype == np.float32


@pytest.mark.parametrize("policy", ["float16", "bfloat16", "float64", "mixed_bfloat16"])
def test_networks_of_another_precision(policy):
    keras.config.set_dtype_policy(policy)
    try:
        model = model_on(keras.Input(SIZE))
    finally:
        keras.config.set_dtype_policy("float32")
    classifier = nets.classifier(model)
    assert (classifier.kind, classifier.logits_reason) == ("softmax", None), f"the softmax of a {policy} network"
    np.testing.assert_allclose(classifier.predict(PICTURES).sum(axis=1), 1, rtol=1e-5, err_msg="adding up to one")
    found = explain(classifier, PICTURES[0], "features", steps=3)
    assert found["rsi_grad_cam"].cam.dtype == np.float32 and np.isfinite(found["rsi_grad_cam"].cam).all(), policy


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
@pytest.mark.parametrize("activation", ["softmax", "sigmoid"])
def test_half_precision_ends_are_found(policy, activation):
    keras.config.set_dtype_policy(policy)
    try:
        model, _ = nets.ending(lambda z: z, activation=activation)
        separate, _ = nets.ending(lambda z: layers.Activation(activation, dtype="float32")(z))
    finally:
        keras.config.set_dtype_policy("float32")
    for one in (model, separate):
        classifier = nets.classifier(one)
        assert (classifier.kind, classifier.logits_reason) == (activation, None), f"{activation} under {policy}"
        assert classifier.logits(PICTURES).dtype == np.float32, "the scores are computed in single precision"


# The precision that is asked for


@pytest.fixture
def set_precision():
    yield backend.set_precision
    backend.set_precision("float32")


def tf32_allowed():
    """What the backend itself says."""
    if backend.name() == "tensorflow":
        import tensorflow as tf

        return tf.config.experimental.tensor_float_32_execution_enabled()
    if backend.name() == "jax":
        import jax

        return {"float32": False, "tensorfloat32": True}[jax.config.jax_default_matmul_precision]
    import torch

    allowed = {torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32}
    assert len(allowed) == 1, "products and convolutions alike"
    return allowed.pop()


def test_graphics_cards_round_only_when_asked(set_precision):
    assert backend.precision() == "float32" and not tf32_allowed(), "single precision unless something else is asked"
    for wanted in ("tf32", "float32", "bfloat16"):
        set_precision(wanted)
        assert backend.precision() == wanted
        assert tf32_allowed() == (wanted == "tf32"), f"what is computed in float32 is, where {wanted} was asked for"


@pytest.mark.parametrize("wanted", ["float16", "FLOAT32", "", None, 32])
def test_an_unknown_precision_is_refused(set_precision, wanted):
    said = nets.refused(set_precision, wanted)
    assert all(word in said for word in ("float32, tf32, bfloat16", repr(wanted))), "the rule, and what was received"
    assert backend.precision() == "float32", "and nothing has changed"


def test_the_page_is_told_what_computes(set_precision, monkeypatch):
    named = {"tensorflow": "TensorFlow", "jax": "JAX", "torch": "PyTorch"}[backend.name()]
    assert backend.describe() == f"{named} · {backend.device()} · float32"
    for device, wanted, said in (
        ("GPU", "tf32", "tf32"),
        ("CPU", "tf32", "float32"),  # no processor has it, and the page tells what is computed
        ("CPU", "bfloat16", "bfloat16"),
    ):
        set_precision(wanted)
        monkeypatch.setattr(backend, "device", lambda device=device: device)
        assert backend.describe() == f"{named} · {device} · {said}"


def maps_of(path):
    """{method: the reference's map}"""
    return {
        "grad_cam": ref.grad_cam(path),
        "integrated_grad_cam": ref.integrated_grad_cam(path),
        "rsi_grad_cam": ref.rsi_grad_cam(path),
    }


def excess(path):
    """{method: how many times the terms of the map's sum, whatever their sign, are as large as the map}: what their
    relative errors are multiplied with."""
    a, g = (np.abs(np.stack(values)) for values in (path.activations, path.gradients))
    along = [(now + a[0]) @ slopes.sum(axis=(0, 1)) for now, slopes in zip(a[1:], g[1:], strict=True)]
    terms = {
        "grad_cam": a[-1] @ g[-1].mean(axis=(0, 1)),
        "integrated_grad_cam": np.mean(along, axis=0),
        "rsi_grad_cam": a[-1] @ np.abs(ref.unit_integrals(path)).mean(axis=(0, 1)),
    }
    return {method: terms[method].max() / cam.max() for method, cam in maps_of(path).items()}


@pytest.mark.parametrize("score", ["probability", "logit"])
@pytest.mark.parametrize("net", KINDS)
def test_the_maps_of_each_precision_against_float64(set_precision, net, score):
    """float32: 1e-5. bfloat16: each number has been rounded some sixteen times on its way forth and back, about four
    times a layer, and the sum of a map cancels: 16 · 2⁻⁹ times the excess of its terms. Terms that cancel inside the
    network come on top; there are none that matter in these. No bound holds where a rounding switches a ReLU.
    """
    c = telling_class(net, score)
    path = path_of(net, STEPS, c, score, "black")
    expected, of_terms, found = maps_of(path), excess(path), {}
    for precision in backend.PRECISIONS:
        set_precision(precision)
        base, layer, _ = nets.make(*KINDS[net])  # a network that is nobody else's
        classifier = nets.classifier(in_precision(base.model))
        found[precision] = explain(classifier, PICTURE, layer, c, steps=STEPS, score=score, units="all")
    for method, cam in expected.items():
        assert_same(found["float32"][method].cam, cam, f"{method} of the {score} in float32")
        assert_same(found["bfloat16"][method].cam, cam, f"{method} in bfloat16", 16 * UNIT * of_terms[method])
        off = np.abs(found["bfloat16"][method].cam - cam).max() / cam.max()
        assert off > 2e-4, f"what is called bfloat16 was computed in it: {method} off by {off:.1e}"
        if backend.device() == "CPU":
            np.testing.assert_array_equal(found["tf32"][method].cam, found["float32"][method].cam)
        assert found["bfloat16"][method].cam.dtype == np.float32, "maps are summed up in float32"
