"""A classifier over every kind of Keras model: logits reached wherever the softmax is, layers and classes by name."""

import threading

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

from explorer.engine.run import explain
from explorer.network.classifier import PREDICT_BATCH, Classifier
from support import networks as nets
from support.networks import refused, softmax

PICTURES = np.stack([nets.picture(seed) for seed in range(3)])
ENDS = {  # where people put the softmax: (activation of the last Dense, what comes after it)
    "inside Dense": ("softmax", lambda: []),
    "a Softmax layer": (None, lambda: [layers.Softmax(name="end")]),
    "an Activation layer": (None, lambda: [layers.Activation("softmax", name="end")]),
    "a function of keras.ops": (keras.ops.softmax, lambda: []),
    "a function of TensorFlow": (tf.nn.softmax, lambda: []),
    "before a Dropout": ("softmax", lambda: [layers.Dropout(0.5)]),
    "absent": (None, lambda: []),
}


def exact_logits(network, classifier):
    fed = nets.preprocess(PICTURES.astype(np.float64))
    return np.stack([network.head(x, network.trunk(x)) for x in fed])


@pytest.mark.parametrize("kind", nets.KINDS)
@pytest.mark.parametrize("end", ENDS)
def test_logits_wherever_the_softmax_is(kind, end):
    softmax_inside, tail = ENDS[end]
    model = nets.seed_weights(nets.KINDS[kind][0](nets.parts(softmax=softmax_inside), tail()))
    classifier = nets.classifier(model)
    expected = exact_logits(nets.chain_network(model, "relu"), classifier)
    assert np.abs(expected.sum(axis=1)).min() > 0.1, "logits cannot be taken for their own softmax here"
    np.testing.assert_allclose(
        classifier.logits(PICTURES), expected, rtol=1e-5, atol=1e-5, err_msg=f"softmax {end} of a {kind} model"
    )
    found = classifier.predict(PICTURES)
    np.testing.assert_allclose(found, softmax(expected), rtol=1e-4, err_msg="probabilities are their softmax")
    assert found.dtype == np.float32 and np.abs(found.sum(axis=1) - 1).max() < 1e-6, "float32, adding up to one"
    plain = np.asarray(model(nets.preprocess(PICTURES.astype(np.float32)), training=False))
    if end != "absent":
        np.testing.assert_allclose(found, plain, rtol=1e-5, err_msg="the user's own call still gives probabilities")


def test_black_is_black_before_preprocessing():
    classifier, *_ = nets.make()
    black = classifier.preprocess(np.zeros((1, nets.HEIGHT, nets.WIDTH, 3), np.uint8))
    assert black.dtype == np.float32, "the model is fed single precision"
    np.testing.assert_allclose(black[0, 0, 0], -nets.MEAN / 64, err_msg="minus the mean, not zero")
    red = classifier.preprocess(np.full((1, nets.HEIGHT, nets.WIDTH, 3), (255, 0, 0), np.uint8))
    assert (red[0, 0, 0] - black[0, 0, 0]).argmax() == 2, "RGB outside; the order of the network inside"


@pytest.mark.parametrize("shape", [(12, 16, 3), (1, 16, 12, 3), (1, 12, 16), (1, 12, 16, 4), (2, 12, 15, 3)])
def test_pictures_of_another_shape_are_refused(shape):
    classifier, *_ = nets.make()
    sentence = refused(classifier.predict, np.zeros(shape, np.uint8))
    assert "(n, 12, 16, 3)" in sentence and str(shape) in sentence, f"what is taken, what came: {sentence}"


def test_any_number_of_pictures():
    classifier, *_ = nets.make()
    many = np.stack([nets.picture(seed) for seed in range(PREDICT_BATCH + 5)])
    one_by_one = np.concatenate([classifier.logits(many[i : i + 1]) for i in range(len(many))])
    np.testing.assert_allclose(classifier.logits(many), one_by_one, rtol=1e-5, atol=1e-6, err_msg="batches do not mix")
    assert classifier.predict(many[:0]).shape == (0, nets.CLASSES), "no pictures, no rows"


# Classes


@pytest.mark.parametrize("wanted", [3, np.int64(3), "drum", "Drum ", "3", " 3"])
def test_a_class_by_index_or_name(wanted):
    assert nets.make()[0].class_index(wanted) == 3, f"{wanted!r} is the drum"


@pytest.mark.parametrize(
    ("wanted", "words"),
    [
        (7, ("from 0 to 6", "received 7")),
        (-1, ("from 0 to 6", "received -1")),
        ("7", ("from 0 to 6", "received 7")),
        ("drumm", ("'drumm'", "did you mean 'drum'?")),
        ("zzz", ("'zzz'", "such as 'anchor', 'bell', 'candle'")),
        (True, ("True",)),
        (2.5, ("2.5",)),
        ("", ("''",)),
    ],
)
def test_an_unknown_class_is_refused(wanted, words):
    sentence = refused(nets.make()[0].class_index, wanted)
    assert all(word in sentence for word in words), f"{words} are said in: {sentence}"


def test_a_name_that_two_classes_bear_is_refused():
    classifier = Classifier("n", nets.make()[0].model, nets.preprocess, ["crane", "crane", *"abcde"], (12, 16))
    sentence = refused(classifier.class_index, "crane")
    assert "[0, 1]" in sentence, f"both are named: {sentence}"
    assert classifier.class_index(1) == 1, "and their indices still serve"


def test_a_number_that_is_a_name_means_the_class_of_that_name():
    digits = Classifier("n", nets.make()[0].model, nets.preprocess, "6543210", (12, 16))
    assert "'²'" in nets.refused(digits.class_index, "²"), "a sign that only looks like a number"
    assert digits.class_index("6") == 0 and digits.class_index(6) == 6, "text is a name first, a number is an index"


# Layers


def test_a_layer_by_name():
    classifier, name, _ = nets.make("nested functional")
    assert classifier.layer(name).shape == (4, 6, 5), "path-style"
    assert classifier.layer(None).name == classifier.default_layer == "neck", "by default the last that cuts"


@pytest.mark.parametrize("wanted", ["feature", "backbone/feature", "classes", "flat", "", 3])
def test_an_unknown_layer_is_refused(wanted):
    sentence = refused(nets.make("nested functional")[0].layer, wanted)
    assert repr(wanted) in sentence, f"what was asked for: {sentence}"
    if "feature" in str(wanted):
        assert "did you mean" in sentence and "'backbone/features'" in sentence, f"a near match: {sentence}"


def test_a_layer_that_does_not_reach_the_score_is_refused():
    sentence = refused(nets.dead_end().layer, "side")
    assert "'side'" in sentence and "do not reach the score" in sentence and "'neck'" in sentence, sentence


# The model stays the user's


@pytest.mark.parametrize("kind", nets.KINDS)
@pytest.mark.parametrize("end", ["inside Dense", "an Activation layer"])
def test_the_model_is_never_changed(kind, end):
    softmax_inside, tail = ENDS[end]
    model = nets.seed_weights(nets.KINDS[kind][0](nets.parts(softmax=softmax_inside), tail()))
    parts = list(model._flatten_layers())
    fed = nets.preprocess(PICTURES.astype(np.float32))
    before = np.asarray(model(fed, training=False))
    attributes = [dict(vars(part)) for part in parts]
    weights = [np.asarray(v.value).copy() for v in model.variables]
    config = None if kind == "subclassed" else model.to_json()

    classifier = nets.classifier(model)
    classifier.predict(PICTURES)
    for score in ("probability", "logit", "probability-naive"):
        explain(classifier, PICTURES[0], layer=nets.KINDS[kind][1], steps=3, score=score)

    assert [id(part) for part in model._flatten_layers()] == [id(part) for part in parts], "the same layers"
    for part, old in zip(parts, attributes, strict=True):
        new = vars(part)
        assert "call" not in new, f"{part.name}: its call is its class's"
        changed = {name for name in {*old, *new} if old.get(name) is not new.get(name)}
        assert not changed, f"{part.name}: {changed} changed"
    assert all(np.array_equal(w, v.value) for w, v in zip(weights, model.variables, strict=True)), "no weight moved"
    assert config is None or model.to_json() == config, "its configuration is what it was"
    np.testing.assert_array_equal(np.asarray(model(fed, training=False)), before, err_msg="it computes what it did")


def test_a_trained_flag_and_dropout_are_left_out_of_it():
    x = keras.Input((nets.HEIGHT, nets.WIDTH, 3))
    p = nets.parts()
    body = [p["stem"], layers.BatchNormalization(), layers.Dropout(0.9), p["flat"], p["classes"]]
    classifier = nets.classifier(nets.seed_weights(keras.Model(x, nets.chain(x, body))))
    first = explain(classifier, PICTURES[0], layer="stem", steps=3)
    second = explain(classifier, PICTURES[0], layer="stem", steps=3)
    np.testing.assert_array_equal(first["grad_cam"].cam, second["grad_cam"].cam, err_msg="inference, no chance in it")
    np.testing.assert_allclose(
        classifier.predict(PICTURES),
        np.asarray(classifier.model(classifier.preprocess(PICTURES), training=False)),
        rtol=1e-5,
        err_msg="as the model predicts when it does not train",
    )


class WithoutTraining(nets.Subclassed):
    def call(self, x):
        return super().call(x)


def test_a_subclassed_model_whose_call_knows_no_training():
    model = WithoutTraining(nets.parts(), ())
    model(np.zeros((1, nets.HEIGHT, nets.WIDTH, 3), np.float32))
    classifier = nets.classifier(nets.seed_weights(model))
    like = explain(nets.make()[0], PICTURES[0], layer="features", steps=3)["rsi_grad_cam"].cam
    found = explain(classifier, PICTURES[0], layer="features", steps=3)["rsi_grad_cam"].cam
    np.testing.assert_allclose(found, like, rtol=1e-5, err_msg="the same network, the same map")


def test_half_precision_models_come_near():
    keras.config.set_dtype_policy("mixed_float16")
    try:
        model = nets.seed_weights(nets.functional(nets.parts()))
    finally:
        keras.config.set_dtype_policy("float32")
    found = explain(nets.classifier(model), PICTURES[0], layer="features", steps=5)
    like = explain(nets.make()[0], PICTURES[0], layer="features", steps=5, class_index=found.class_index)
    for key in ("grad_cam", "integrated_grad_cam", "rsi_grad_cam"):
        off = np.abs(found[key].cam - like[key].cam).max() / like[key].cam.max()
        assert found[key].cam.dtype == np.float32 and off < 0.05, f"{key} within half precision: {off:.1e}"


# Threads


def in_threads(*calls):
    """Run the calls at the same moment; their results, or the first exception."""
    results, start = [None] * len(calls), threading.Barrier(len(calls))

    def work(i, call):
        try:
            start.wait(10)
            results[i] = call()
        except BaseException as fault:
            results[i] = fault

    threads = [threading.Thread(target=work, args=item) for item in enumerate(calls)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    for result in results:
        if isinstance(result, BaseException):
            raise result
    return results


def maps(classifier, layer, score="probability"):
    return explain(classifier, PICTURES[1], layer=layer, steps=6, score=score, class_index=2)


def assert_same_maps(found, alone):
    for explanation in alone:
        np.testing.assert_allclose(
            found[explanation.method].cam,
            explanation.cam,
            rtol=1e-5,
            atol=1e-9,
            err_msg=f"{explanation.method} as without company",
        )


def test_threads_share_one_model():
    """None of the functions is compiled yet: both threads trace the model, and patch it, at the same time."""
    requests = [("features", "probability"), ("features", "logit"), ("stem", "probability"), ("neck", "logit")]
    alone = [maps(nets.make()[0], *request) for request in requests]
    shared = nets.make()[0]
    found = in_threads(*(lambda r=request: maps(shared, *r) for request in requests))
    for one, other in zip(found, alone, strict=True):
        assert_same_maps(one, other)
    assert all("call" not in vars(part) for part in shared.model._flatten_layers()), "nothing is left patched"


def test_two_models_at_once():
    alone = maps(nets.make("nested functional")[0], "backbone/features"), maps(nets.residual()[0], "branch")
    first, second = nets.make("nested functional")[0], nets.residual()[0]
    found = in_threads(lambda: maps(first, "backbone/features"), lambda: maps(second, "branch"))
    for one, other in zip(found, alone, strict=True):
        assert_same_maps(one, other)


def test_a_model_shared_by_two_classifiers():
    model = nets.make()[0].model
    alone = maps(nets.make()[0], "features")
    found = in_threads(*(lambda: maps(nets.classifier(model), "features") for _ in range(3)))
    for one in found:
        assert_same_maps(one, alone)
