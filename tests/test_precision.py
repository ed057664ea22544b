"""Networks and inputs of other types than single precision: whole numbers, half and double precision."""

import keras
import networks as nets
import numpy as np
import pytest
from keras import layers

from explorer import backend
from explorer.classifier import Classifier
from explorer.explain import explain

PICTURES = np.stack([nets.picture(seed) for seed in range(3)])
SIZE = (nets.HEIGHT, nets.WIDTH, 3)


def unit(rgb):
    return rgb / 255


def model_on(x, below=None):
    """The chain of layers of tests/networks.py on an input, with something between."""
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
