"""Watching and replacing what a layer returns: everything is reached, and nothing is left behind."""

import threading

import keras
import numpy as np
import pytest
from keras import ops

from explorer.network import hooks
from support import networks as nets

X = nets.preprocess(nets.picture(3)[None].astype(np.float32))


def model(kind="functional"):
    build, _ = nets.KINDS[kind]
    return nets.seed_weights(build(nets.parts()))


def output(model):
    return ops.convert_to_numpy(model(X, training=False))


def layer_called(model, name):
    return next(part for part in hooks.layers_of(model) if part.name == name)


@pytest.mark.parametrize("kind", nets.KINDS)
def test_record_sees_every_layer_in_the_order_they_finish(kind):
    net = model(kind)
    out, calls = hooks.record(net, X)
    names = [call.name.split("/")[-1] for call in calls]
    order = [names.index(name) for name in ("stem", "pool", "features", "neck", "flat", "classes")]
    assert order == sorted(order), f"the layers in the order of the pass: {names}"
    assert len({call.name for call in calls}) == len(calls), f"no name twice: {names}"
    assert any(call.output is out for call in calls), "the last layer's output is the network's own"
    np.testing.assert_array_equal(ops.convert_to_numpy(out), output(net), err_msg="watching changes no value")


def test_path_style_names():
    names = [call.name for call in hooks.record(model("nested functional"), X)[1]]
    assert "backbone/features" in names and "neck" in names, f"a layer's name begins with its model's: {names}"
    names = [call.name for call in hooks.record(model("nested sequential"), X)[1]]
    assert "backbone/features" in names and "head/neck" in names, f"no wrapper of Keras's shows in them: {names}"


def test_the_second_call_of_a_layer_has_a_name_of_its_own():
    classifier, *_ = nets.twice()
    calls = {call.name: call for call in hooks.record(classifier.model, X)[1]}
    first, second = calls["shared"], calls["shared#2"]
    assert first.layer is second.layer and (first.index, second.index) == (0, 1), "one layer, two calls"
    one, other = ops.convert_to_numpy(first.output), ops.convert_to_numpy(second.output)
    assert np.abs(one - other).max() > 0.1, "with two outputs"


@pytest.mark.parametrize("kind", nets.KINDS)
def test_replacing_an_output_by_itself_changes_nothing(kind):
    net = model(kind)
    seen = []
    layer = layer_called(net, "features")
    with hooks.observed(layer, 0, seen):
        plain = output(net)
    with hooks.replaced(layer, 0, seen[0]):
        np.testing.assert_array_equal(output(net), plain, err_msg="the rest of the network sees the same values")
    with hooks.replaced(layer, 0, seen[0] + 1):
        assert np.abs(output(net) - plain).max() > 1e-3, "and other values where it is given others"


def test_only_the_call_asked_for_is_replaced():
    classifier, *_ = nets.twice()
    layer = layer_called(classifier.model, "shared")
    zeros = np.zeros((1, 6, 8, 4), np.float32)
    seen = {}
    for index in (0, 1):
        with hooks.replaced(layer, index, zeros):
            seen[index] = output(classifier.model)
    assert np.abs(seen[0] - seen[1]).max() > 1e-4, "zeros in the first call are not zeros in the second"
    bias = ops.convert_to_numpy(layer_called(classifier.model, "classes").bias)
    powers = np.exp(bias - bias.max())
    np.testing.assert_allclose(
        seen[1][0], powers / powers.sum(), rtol=1e-5, err_msg="zeros out of the second call leave the bias alone"
    )


@pytest.mark.parametrize("kind", nets.KINDS)
def test_an_altered_output_is_what_the_rest_of_the_network_sees(kind):
    net = model(kind)
    layer, seen, plain = layer_called(net, "features"), [], output(net)
    with hooks.observed(layer, 0, seen):
        output(net)
    with hooks.altered(layer, 0, lambda value: 2 * value - 1):
        altered = output(net)
    with hooks.replaced(layer, 0, 2 * seen[0] - 1):
        np.testing.assert_array_equal(altered, output(net), err_msg="the layer's own output, changed")
    assert np.abs(altered - plain).max() > 1e-3, "which makes a difference"
    np.testing.assert_array_equal(output(net), plain, err_msg="only as long as the context lasts")


def test_both_calls_of_one_layer_are_altered_each_in_its_own_way():
    model = nets.twice()[0].model
    layer, plain, first, second = layer_called(model, "shared"), [], [], []
    with hooks.observed(layer, 0, plain), hooks.observed(layer, 1, plain):
        output(model)
    altered = hooks.altered(layer, 0, lambda value: value + 1)
    with altered, hooks.observed(layer, 0, first), hooks.observed(layer, 1, second):
        output(model)
    np.testing.assert_array_equal(first[0], plain[0] + 1, err_msg="the first call's output is altered")
    assert np.abs(second[0] - plain[1]).max() > 0.1, "and the second call is given what it was made into"
    with hooks.altered(layer, 0, lambda value: value + 1), hooks.altered(layer, 1, lambda value: 3 * value):
        both = output(model)
    with hooks.replaced(layer, 1, 3 * second[0]):
        np.testing.assert_allclose(output(model), both, rtol=1e-5, err_msg="plus 1, and what comes of it times 3")


def test_a_replaced_layer_does_no_work():
    net = model()
    layer = layer_called(net, "features")
    seen = []
    with hooks.observed(layer, 0, seen), hooks.replaced(layer, 0, np.zeros((1, 4, 6, 5), np.float32)):
        output(net)
    assert seen == [], "its own call is never made"


def state(model):
    """All that Keras and Python hold of a model: its layers' attributes by identity, its weights by value."""
    parts = [model, *model._flatten_layers(include_self=False)]
    attributes = [{name: id(value) for name, value in vars(part).items()} for part in parts]
    return attributes, [ops.convert_to_numpy(v.value).copy() for v in model.variables], model.get_config()


def assert_untouched(before, model):
    attributes, weights, config = state(model)
    for old, new in zip(before[0], attributes, strict=True):
        assert set(old) == set(new), f"no attribute came or went: {set(old) ^ set(new)}"
        assert "call" not in new, "the layer's call is its class's again"
    assert all(np.array_equal(a, b) for a, b in zip(before[1], weights, strict=True)), "no weight moved"
    assert before[2] == config, "the configuration is the one before"


@pytest.mark.parametrize("kind", [kind for kind in nets.KINDS if kind != "subclassed"])
def test_the_model_is_as_before(kind):
    net = model(kind)
    output(net)
    before = state(net)
    hooks.record(net, X)
    with hooks.observed(layer_called(net, "stem"), 0, []):
        output(net)
    with hooks.replaced(layer_called(net, "features"), 0, np.zeros((1, 4, 6, 5), np.float32)):
        output(net)
    with hooks.altered(layer_called(net, "features"), 0, lambda value: value + 1):
        output(net)
    assert_untouched(before, net)


class Breaks(keras.layers.Layer):
    def call(self, x):
        raise ArithmeticError("inside the layer")


def test_the_call_is_restored_after_an_exception_inside():
    x = keras.Input((4, 6, 3))
    stem = keras.layers.Conv2D(2, 3, name="stem")
    breaks = Breaks(name="breaks")
    breaks.compute_output_spec = lambda x: keras.KerasTensor(x.shape)
    net = keras.Model(x, breaks(stem(x)))
    with pytest.raises(ArithmeticError, match="inside the layer"):
        hooks.record(net, np.zeros((1, 4, 6, 3), np.float32))
    assert all("call" not in vars(part) for part in hooks.layers_of(net)), "every call is back where it was"
    assert hooks.LOCK.acquire(timeout=1), "and the lock is free"
    hooks.LOCK.release()
    _, calls = hooks.record(keras.Model(x, stem.output), np.zeros((1, 4, 6, 3), np.float32))
    assert [call.name for call in calls] == ["stem"], "a later pass is named as if nothing had happened"


def test_a_layer_that_has_a_call_of_its_own_keeps_it():
    net = model()
    layer = layer_called(net, "features")

    def own(x):
        return type(layer).call(layer, x) * 2

    object.__setattr__(layer, "call", own)
    doubled = output(net)
    with hooks.replaced(layer, 0, np.zeros((1, 4, 6, 5), np.float32)):
        output(net)
    assert vars(layer)["call"] is own, "what the user had put there is there again"
    np.testing.assert_array_equal(output(net), doubled, err_msg="and does what it did")


def test_nested_interceptions_unwind_in_order():
    net = model()
    layer, plain = layer_called(net, "features"), output(net)
    with hooks.intercepted(layer, lambda call, x: call(x) * 2):
        with hooks.intercepted(layer, lambda call, x: call(x) + 1):
            assert np.abs(output(net) - plain).max() > 1e-3, "both are at work"
        with hooks.replaced(layer, 0, np.zeros((1, 4, 6, 5), np.float32)):
            output(net)
    np.testing.assert_array_equal(output(net), plain, err_msg="nothing is left of either")


def test_the_lock_keeps_other_threads_out():
    taken = []
    with hooks.LOCK:
        other = threading.Thread(target=lambda: taken.append(hooks.LOCK.acquire(blocking=False)))
        other.start()
        other.join()
    assert taken == [False], "one call of any model at a time goes through the hooks"
