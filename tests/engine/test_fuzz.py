"""Every method on networks nobody designed: finite maps of the right shape and never negative, or a clear refusal."""

import keras
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from keras import layers

from explorer.attribution.methods import METHODS
from explorer.attribution.methods.base import Curve
from explorer.engine.applicability import objections
from explorer.engine.run import explain
from explorer.errors import InputError
from explorer.network.classifier import Classifier

ACTIVATIONS = ("relu", "softplus", "tanh", "linear", "elu", "silu", "leaky_relu")
ENDS = ("softmax", "sigmoid", "linear")
WITHOUT_PATH = 3  # steps: enough for a path to have an inside

networks = st.fixed_dictionaries(
    {
        "size": st.tuples(st.integers(6, 12), st.integers(6, 12)),
        "colours": st.sampled_from((1, 3)),
        "blocks": st.lists(
            st.tuples(
                st.integers(1, 5), st.sampled_from(ACTIVATIONS), st.sampled_from(("conv", "strided", "by-pass", "norm"))
            ),
            min_size=1,
            max_size=3,
        ),
        "pooled": st.booleans(),
        "hidden": st.sampled_from((0, 4)),
        "classes": st.integers(1, 5),
        "end": st.sampled_from(ENDS),
        "gain": st.sampled_from((0.0, 1e-6, 1.0, 30.0)),
        "seed": st.integers(0, 9),
    }
)


def built(size, colours, blocks, pooled, hidden, classes, end, gain, seed):
    keras.utils.set_random_seed(seed)
    x = start = keras.Input((*size, colours))
    for i, (channels, activation, kind) in enumerate(blocks):
        before, stride = x, 2 if kind == "strided" else 1
        x = layers.Conv2D(channels, 3, stride, "same", activation=activation, name=f"conv{i}")(x)
        if kind == "norm":
            x = layers.BatchNormalization(name=f"norm{i}")(x)
        if kind == "by-pass":
            x = layers.Add(name=f"add{i}")([x, layers.Conv2D(channels, 1, name=f"around{i}")(before)])
    x = layers.GlobalAveragePooling2D()(x) if pooled else layers.Flatten()(x)
    x = layers.Dense(hidden, activation="relu")(x) if hidden else x
    last = layers.Dense(classes, activation=end, name="classes")
    model = keras.Model(start, last(x))
    last.set_weights([gain * one for one in last.get_weights()])
    return model


def opened(network):
    return Classifier("fuzz", built(**network), lambda rgb: rgb / 127.5 - 1, None, network["size"])


def fuzzed(examples):
    asked = settings(max_examples=examples, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
    return lambda test: asked(given(network=networks, data=st.data())(test))


@fuzzed(3)
def test_every_method_gives_a_sound_map_or_a_clear_refusal_on_a_few(network, data):
    check(network, data)


@pytest.mark.slow
@fuzzed(25)
def test_every_method_gives_a_sound_map_or_a_clear_refusal(network, data):
    check(network, data)


def check(network, data):
    try:
        classifier = opened(network)
    except InputError as refusal:  # such as the softmax of one unit, or no layer with more than one place
        assert str(refusal).endswith("."), "a sentence"
        return
    layer = data.draw(st.sampled_from(classifier.layers()))
    score = data.draw(st.sampled_from(("probability", "logit", "log-probability")))
    class_index = data.draw(st.integers(0, len(classifier.class_names) - 1))
    height, width = network["size"]
    rng = np.random.default_rng(network["seed"])
    picture = rng.integers(0, 256, (height, width, 3), dtype=np.uint8)
    asked = {"layer": layer.name, "class_index": class_index, "score": score, "steps": WITHOUT_PATH}
    refused = objections(classifier, layer)
    for key in refused:
        try:
            explain(classifier, picture, methods=key, **asked)
        except InputError as refusal:
            assert METHODS[key].label in str(refusal) and layer.name in str(refusal), "which, and where"
        else:
            raise AssertionError(f"{key} is refused by objections() and explained all the same")
    methods = [key for key in METHODS if key not in refused]
    found, in_small_batches = (
        explain(classifier, picture, methods=methods, memory_budget=budget, **asked) for budget in (1 << 30, 1)
    )
    for one in found:
        at_input = METHODS[one.method].curve is Curve.INPUT or one.method in ("sise", "ada_sise")
        assert one.cam.shape == ((height, width) if at_input else layer.shape[:2]), f"{one.method} is {one.cam.shape}"
        assert np.isfinite(one.cam).all() and (one.cam >= 0).all(), f"{one.method}: {one.cam}"
        assert one.heatmap.shape == (height, width) and 0 <= one.heatmap.min() <= one.heatmap.max() <= 1
        assert one.verdict in ("ok", "dark", "blank"), f"{one.method}: {one.verdict}"
        other = in_small_batches[one.method].cam
        size = max(np.abs(one.cam).max(), 1e-6 * _largest(found))
        if one.method not in ("sise", "ada_sise"):  # whose thresholds may fall between two roundings
            np.testing.assert_allclose(other, one.cam, atol=2e-4 * size, err_msg=f"{one.method}, one point at a time")


def _largest(found):
    """Of the activations and gradients a map is made of: what cancels leaves rounding of that size."""
    return max(np.abs(one).max() for one in (found.path.numpy().activations, found.path.numpy().gradients)) or 1.0
