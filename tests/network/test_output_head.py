"""Every form the end of a network takes: exact logits, checked against an explicit sub-model and NumPy."""

import keras
import numpy as np
import pytest
from keras import layers, ops

from explorer.attribution.scores import SCORES_OF
from explorer.engine.run import explain
from explorer.network.classifier import Classifier
from support import networks as nets
from support.networks import refused, softmax

PICTURES = np.stack([nets.picture(seed) for seed in range(3)])
FED = nets.preprocess(PICTURES.astype(np.float32))
SIZE = (nets.HEIGHT, nets.WIDTH, 3)


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def logits_of(bare):
    return nets.outputs(bare, FED).astype(np.float64)


class Own(layers.Layer):
    """A layer of somebody's own, whatever it computes."""

    def __init__(self, function):
        super().__init__()
        self.function = function

    def call(self, x):
        return self.function(x)


def pooled_softmax(z):
    """Fully convolutional: the softmax of a 1×1 map, then one of the ways to make a row of it."""
    return ops.softmax(layers.Reshape((1, 1, nets.CLASSES))(z))


SOFTMAX_ENDS = {
    "an operation": lambda z: ops.softmax(z),
    "an operation, then Reshape": lambda z: layers.Reshape((nets.CLASSES,))(ops.softmax(z)),
    "Softmax of a map, then Flatten": lambda z: layers.Flatten()(layers.Softmax()(layers.Reshape((1, 1, 7))(z))),
    "a softmax of a map, then pooling": lambda z: layers.GlobalAveragePooling2D()(pooled_softmax(z)),
    "a softmax of a map, then an operation": lambda z: ops.squeeze(pooled_softmax(z), axis=(1, 2)),
    "a softmax of a map, then an index": lambda z: pooled_softmax(z)[:, 0, 0, :],
    "a map of one place": pooled_softmax,
    "channels first": lambda z: ops.softmax(layers.Reshape((nets.CLASSES, 1, 1))(z), axis=1),
    "Softmax, then Dropout": lambda z: layers.Dropout(0.5)(layers.Softmax()(z)),
    "a Softmax inside an Activation": lambda z: layers.Activation(layers.Softmax())(z),
    "a nested model": lambda z: keras.Sequential([keras.Input((7,)), layers.Softmax()], name="end")(z),
    "logits, reshaped": lambda z: layers.Reshape((1, 1, nets.CLASSES))(z),
    "logits, added to": lambda z: z + 1.5,
    "log-softmax": lambda z: ops.log_softmax(z),
}


@pytest.mark.parametrize("end", SOFTMAX_ENDS)
def test_the_logits_in_front_of_a_softmax(end):
    model, bare = nets.ending(SOFTMAX_ENDS[end])
    classifier = nets.classifier(model)
    expected = logits_of(bare) + (1.5 if end == "logits, added to" else 0)
    assert (classifier.kind, classifier.logits_reason) == ("softmax", None), f"{end}: logits are had"
    np.testing.assert_allclose(classifier.logits(PICTURES), expected, rtol=1e-5, atol=1e-5, err_msg=end)
    np.testing.assert_allclose(classifier.predict(PICTURES), softmax(expected), rtol=1e-5, err_msg="probabilities")
    like = explain(nets.classifier(bare), PICTURES[0], "features", steps=4)
    for one in explain(classifier, PICTURES[0], "features", steps=4):
        np.testing.assert_allclose(one.cam, like[one.method].cam, rtol=1e-4, atol=1e-9, err_msg=f"{end}: one network")


CONVOLUTIONS = {
    "softmax inside it": ("softmax", []),
    "then Flatten": ("softmax", [layers.Flatten]),
    "then pooling": ("softmax", [layers.GlobalMaxPooling2D]),
    "then Softmax": (None, [layers.Flatten, layers.Softmax]),
}


@pytest.mark.parametrize("form", CONVOLUTIONS)
def test_a_convolution_as_the_last_layer(form):
    activation, tail = CONVOLUTIONS[form]
    p = nets.parts()
    last = layers.Conv2D(nets.CLASSES, (3, 4), activation=activation, name="last")
    x = keras.Input(SIZE)
    below = nets.chain(x, [p["stem"], p["pool"], p["features"], p["neck"]])
    model = nets.seed_weights(keras.Model(x, nets.chain(below, [last, *(make() for make in tail)])))
    kernel, bias = (w.astype(np.float64) for w in last.get_weights())
    maps = nets.outputs(keras.Model(x, below), FED).astype(np.float64)
    expected = np.einsum("nhwk,hwkc->nc", maps, kernel) + bias
    np.testing.assert_allclose(nets.classifier(model).logits(PICTURES), expected, rtol=1e-5, atol=1e-5, err_msg=form)


# Sigmoids

SIGMOID_ENDS = {
    "inside Dense": ("sigmoid", lambda z: z),
    "a function of keras.ops": (ops.sigmoid, lambda z: z),
    "an Activation layer": (None, lambda z: layers.Activation("sigmoid")(z)),
    "an operation": (None, lambda z: ops.sigmoid(z)),
    "then Reshape": ("sigmoid", lambda z: layers.Reshape((1, -1))(z)),
}


@pytest.mark.parametrize("units", [1, 2, 7])
@pytest.mark.parametrize("end", SIGMOID_ENDS)
def test_sigmoids(end, units):
    activation, tail = SIGMOID_ENDS[end]
    model, bare = nets.ending(tail, units, activation)
    classifier = Classifier("n", model, nets.preprocess)
    expected = logits_of(bare)
    assert (classifier.kind, classifier.logits_reason) == ("sigmoid", None), f"{units} labels, {end}"
    np.testing.assert_allclose(classifier.logits(PICTURES), expected, rtol=1e-5, atol=1e-5, err_msg="in front of it")
    np.testing.assert_allclose(classifier.predict(PICTURES), sigmoid(expected), rtol=1e-5, err_msg="each by itself")
    assert len(classifier.class_names) == units, "one class a unit"


def test_one_sigmoid_is_one_class_unless_it_is_given_two_names():
    model, bare = nets.ending(lambda z: z, 1, "sigmoid")
    assert Classifier("n", model, nets.preprocess).class_names == ("positive",), "the class of its 1"
    both = Classifier("n", model, nets.preprocess, ("cat", "dog"))
    p = sigmoid(logits_of(bare))
    np.testing.assert_allclose(both.predict(PICTURES), np.concatenate([1 - p, p], axis=1), rtol=1e-5, err_msg="0 and 1")
    dog = explain(both, PICTURES[0], "features", class_index="dog", steps=4, score="logit").path.scores
    cat = explain(both, PICTURES[0], "features", class_index="cat", steps=4, score="logit").path.scores
    np.testing.assert_allclose(cat, -dog, rtol=1e-6, err_msg="what speaks for one speaks against the other")
    assert explain(both, PICTURES[0]).class_index == int(p[0, 0] > 0.5), "the likelier of both is explained"


def test_one_output_without_an_activation_is_the_logit_of_a_sigmoid():
    model, bare = nets.ending(lambda z: z, 1)
    classifier = Classifier("n", model, nets.preprocess)
    assert classifier.kind == "sigmoid", "as losses with from_logits=True take it"
    np.testing.assert_allclose(classifier.predict(PICTURES), sigmoid(logits_of(bare)), rtol=1e-5)


@pytest.mark.parametrize("units", [1, 7])
@pytest.mark.parametrize("gain", [1.0, 40.0])
def test_the_stable_score_of_a_sigmoid(units, gain):
    """Against float64 through NumPy, finite differences of the explicit sub-model behind the layer."""
    model, bare = nets.ending(lambda z: z, units, "sigmoid", gain)
    classifier = Classifier("n", model, nets.preprocess)
    z = logits_of(bare)[0].astype(np.float64)
    c = int(z.argmax())
    found = {key: explain(classifier, PICTURES[0], "neck", c, steps=2, score=key) for key in SCORES_OF["sigmoid"]}
    logit = found["logit"].path.numpy().gradients[-1].astype(np.float64)
    slopes = {
        "probability": np.exp(-np.logaddexp(0, z[c]) - np.logaddexp(0, -z[c])),
        "log-probability": np.exp(-np.logaddexp(0, z[c])),
    }
    for key, slope in slopes.items():
        np.testing.assert_allclose(
            found[key].path.numpy().gradients[-1],
            slope * logit,
            rtol=1e-4,
            atol=1e-36,
            err_msg=f"{key} at z = {z[c]:.1f}",
        )
    if gain == 1.0:
        naive = found["probability-naive"].path.numpy().gradients[-1]
        np.testing.assert_allclose(naive, slopes["probability"] * logit, rtol=1e-3, err_msg="naive, away from rounding")
    assert found["probability"].probability == pytest.approx(sigmoid(z[c])), "p = σ(z)"
    assert found["probability"].complement == pytest.approx(np.exp(-np.logaddexp(0, z[c]))), "1 − p = σ(−z)"


def test_completeness_of_a_sigmoid():
    model, _ = nets.ending(lambda z: z, 4, "sigmoid")
    classifier = Classifier("n", model, nets.preprocess)
    for score in ("probability", "logit", "log-probability"):
        gap = explain(classifier, PICTURES[0], "neck", 2, steps=400, score=score).completeness_gap
        assert gap < 2e-3, f"the integrated gradients of the {score} add up: {gap:.1e}"


# Where logits cannot be had

HIDDEN_ENDS = {
    "a layer of one's own": (lambda z: Own(ops.softmax)(z), "add up to one"),
    "a Lambda layer": (lambda z: layers.Lambda(lambda v: ops.softmax(v))(z), "add up to one"),
    "a softmax that is cooled": (lambda z: Own(lambda v: ops.softmax(v / 3))(z), "add up to one"),
    "a softmax, then clipped": (lambda z: ops.clip(ops.softmax(z), 1e-3, 0.999), "add up to one"),
    "the mean of two": (lambda z: (ops.softmax(z) + ops.softmax(2 * z)) / 2, "add up to one"),
    "sigmoids of one's own": (lambda z: Own(ops.sigmoid)(z), "between 0 and 1"),
    "hard sigmoids": (lambda z: ops.hard_sigmoid(z), "between 0 and 1"),
}


@pytest.mark.parametrize("end", HIDDEN_ENDS)
def test_logits_that_cannot_be_had_are_refused(end):
    make, words = HIDDEN_ENDS[end]
    model, _ = nets.ending(make)
    classifier = nets.classifier(model)
    assert classifier.kind == "probabilities" and words in classifier.logits_reason, f"{end}: it is said why"
    for call in (
        lambda: classifier.logits(PICTURES),
        lambda: explain(classifier, PICTURES[0], score="logit"),
        lambda: explain(classifier, PICTURES[0], score="probability"),
    ):
        assert refused(call) == classifier.logits_reason, "the same sentence, and no approximation"
    out = nets.outputs(model, FED)
    np.testing.assert_allclose(classifier.predict(PICTURES), out, rtol=1e-6, err_msg="its own probabilities")
    found = explain(classifier, PICTURES[0], "features", steps=4)
    assert found.settings["score"] == classifier.default_score == "probability-naive", "what is left of the scores"
    assert found.probability == pytest.approx(out[0].max(), rel=1e-5), "of the likeliest class"


def test_probabilities_as_they_are_give_the_same_maps_as_the_naive_softmax():
    (hidden, _), (open_, _) = nets.ending(lambda z: Own(ops.softmax)(z)), nets.ending(ops.softmax)
    hidden, open_ = nets.classifier(hidden), nets.classifier(open_)
    for score in ("probability-naive", "log-probability"):
        found, like = (explain(c, PICTURES[0], "features", steps=5, score=score) for c in (hidden, open_))
        np.testing.assert_allclose(found.path.scores, like.path.scores, rtol=1e-4, err_msg=score)
        for one in found:
            np.testing.assert_allclose(one.cam, like[one.method].cam, rtol=1e-3, atol=1e-8, err_msg=score)


def test_a_softmax_inside_the_call_of_a_subclassed_model_is_out_of_reach():
    class Ends(nets.Subclassed):
        def call(self, x, training=False):
            return ops.softmax(super().call(x))

    model = Ends(nets.parts(softmax=None), ())
    model(np.zeros((1, *SIZE), np.float32))
    assert "add up to one" in nets.classifier(nets.seed_weights(model)).logits_reason, "it is nobody's layer"


@pytest.mark.parametrize("activation", [None, "relu", "tanh"])
def test_outputs_of_any_other_end_are_taken_as_logits(activation):
    model, _ = nets.ending(lambda z: z, activation=activation, gain=3.0)
    classifier = nets.classifier(model)
    out = nets.outputs(model, FED)
    assert (classifier.kind, classifier.logits_reason) == ("softmax", None), f"{activation} makes no probabilities"
    np.testing.assert_allclose(classifier.logits(PICTURES), out, rtol=1e-6, err_msg="as they are")


def test_a_name_is_not_believed():
    def softmax_of_the_wrong_kind(z):
        return ops.softmax(z / 2)

    softmax_of_the_wrong_kind.__name__ = "softmax"
    model, _ = nets.ending(lambda z: z, activation=softmax_of_the_wrong_kind)
    assert "add up to one" in nets.classifier(model).logits_reason, "what it computes is checked"


@pytest.mark.filterwarnings("ignore:You are using a softmax")
def test_a_softmax_of_one_unit_is_refused():
    model, _ = nets.ending(lambda z: z, 1, "softmax")
    sentence = refused(Classifier, "n", model, nets.preprocess)
    assert "softmax of one unit" in sentence and "sigmoid" in sentence, sentence


def test_a_network_that_overflows_still_has_an_end():
    model, _ = nets.ending(lambda z: z, activation="softmax", gain=1e38)
    model.get_layer("neck").set_weights([np.full_like(w, 1e30) for w in model.get_layer("neck").get_weights()])
    classifier = nets.classifier(model)
    assert classifier.kind == "softmax" and np.isnan(classifier.predict(PICTURES)).any(), "the verdicts tell the rest"
