"""Every form the end of a network takes: exact logits, checked against an explicit sub-model and NumPy."""

import keras
import networks as nets
import numpy as np
import pytest
from keras import layers, ops
from test_classifier import refused, softmax

from explorer.classifier import Classifier
from explorer.explain import explain
from explorer.scores import SCORES_OF

PICTURES = np.stack([nets.picture(seed) for seed in range(3)])
FED = nets.preprocess(PICTURES.astype(np.float32))
SIZE = (nets.HEIGHT, nets.WIDTH, 3)


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def built(end, units=nets.CLASSES, activation=None, gain=1.0):
    """(a model whose Dense layer "classes" is followed by `end`, a sub-model up to that layer's values)"""
    p = nets.parts(softmax=None)
    x = keras.Input(SIZE)
    features = nets.chain(x, [p["stem"], p["pool"], p["features"], p["neck"], p["flat"]])
    dense = layers.Dense(units, activation=activation, name="classes")
    model = nets.seed_weights(keras.Model(x, end(dense(features))), gain)
    plain = layers.Dense(units, name="plain")
    bare = keras.Model(x, plain(features))
    plain.set_weights(dense.get_weights())
    return model, bare


def logits_of(bare):
    return np.asarray(bare(FED, training=False), np.float64)


class Own(layers.Layer):
    """A layer of somebody's own, whatever it computes."""

    def __init__(self, function):
        super().__init__()
        self.function = function

    def call(self, x):
        return self.function(x)


class OwnSoftmax(layers.Layer):
    def call(self, x):
        return ops.softmax(x)


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
    model, bare = built(SOFTMAX_ENDS[end])
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
    kernel, bias = (np.asarray(w, np.float64) for w in last.get_weights())
    maps = np.asarray(keras.Model(x, below)(FED, training=False), np.float64)
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
    model, bare = built(tail, units, activation)
    classifier = Classifier("n", model, nets.preprocess)
    expected = logits_of(bare)
    assert (classifier.kind, classifier.logits_reason) == ("sigmoid", None), f"{units} labels, {end}"
    np.testing.assert_allclose(classifier.logits(PICTURES), expected, rtol=1e-5, atol=1e-5, err_msg="in front of it")
    np.testing.assert_allclose(classifier.predict(PICTURES), sigmoid(expected), rtol=1e-5, err_msg="each by itself")
    assert len(classifier.class_names) == units, "one class a unit"


def test_one_sigmoid_is_one_class_unless_it_is_given_two_names():
    model, bare = built(lambda z: z, 1, "sigmoid")
    assert Classifier("n", model, nets.preprocess).class_names == ("positive",), "the class of its 1"
    both = Classifier("n", model, nets.preprocess, ("cat", "dog"))
    p = sigmoid(logits_of(bare))
    np.testing.assert_allclose(both.predict(PICTURES), np.concatenate([1 - p, p], axis=1), rtol=1e-5, err_msg="0 and 1")
    dog = explain(both, PICTURES[0], "features", class_index="dog", steps=4, score="logit").path.scores
    cat = explain(both, PICTURES[0], "features", class_index="cat", steps=4, score="logit").path.scores
    np.testing.assert_allclose(cat, -dog, rtol=1e-6, err_msg="what speaks for one speaks against the other")
    assert explain(both, PICTURES[0]).class_index == int(p[0, 0] > 0.5), "the likelier of both is explained"


def test_one_output_without_an_activation_is_the_logit_of_a_sigmoid():
    model, bare = built(lambda z: z, 1)
    classifier = Classifier("n", model, nets.preprocess)
    assert classifier.kind == "sigmoid", "as losses with from_logits=True take it"
    np.testing.assert_allclose(classifier.predict(PICTURES), sigmoid(logits_of(bare)), rtol=1e-5)


@pytest.mark.parametrize("units", [1, 7])
@pytest.mark.parametrize("gain", [1.0, 40.0])
def test_the_stable_score_of_a_sigmoid(units, gain):
    """Against float64 through NumPy, finite differences of the explicit sub-model behind the layer."""
    model, bare = built(lambda z: z, units, "sigmoid", gain)
    classifier = Classifier("n", model, nets.preprocess)
    z = logits_of(bare)[0].astype(np.float64)
    c = int(z.argmax())
    found = {key: explain(classifier, PICTURES[0], "neck", c, steps=2, score=key) for key in SCORES_OF["sigmoid"]}
    logit = found["logit"].path.gradients[-1].astype(np.float64)
    slopes = {
        "probability": np.exp(-np.logaddexp(0, z[c]) - np.logaddexp(0, -z[c])),
        "log-probability": np.exp(-np.logaddexp(0, z[c])),
    }
    for key, slope in slopes.items():
        np.testing.assert_allclose(
            found[key].path.gradients[-1], slope * logit, rtol=1e-4, atol=1e-36, err_msg=f"{key} at z = {z[c]:.1f}"
        )
    if gain == 1.0:
        naive = found["probability-naive"].path.gradients[-1]
        np.testing.assert_allclose(naive, slopes["probability"] * logit, rtol=1e-3, err_msg="naive, away from rounding")
    assert found["probability"].probability == pytest.approx(sigmoid(z[c])), "p = σ(z)"
    assert found["probability"].complement == pytest.approx(np.exp(-np.logaddexp(0, z[c]))), "1 − p = σ(−z)"


def test_completeness_of_a_sigmoid():
    model, _ = built(lambda z: z, 4, "sigmoid")
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
    model, _ = built(make)
    classifier = nets.classifier(model)
    assert classifier.kind == "probabilities" and words in classifier.logits_reason, f"{end}: it is said why"
    for call in (
        lambda: classifier.logits(PICTURES),
        lambda: explain(classifier, PICTURES[0], score="logit"),
        lambda: explain(classifier, PICTURES[0], score="probability"),
    ):
        assert refused(call) == classifier.logits_reason, "the same sentence, and no approximation"
    out = np.asarray(model(FED, training=False))
    np.testing.assert_allclose(classifier.predict(PICTURES), out, rtol=1e-6, err_msg="its own probabilities")
    found = explain(classifier, PICTURES[0], "features", steps=4)
    assert found.settings["score"] == classifier.default_score == "probability-naive", "what is left of the scores"
    assert found.probability == pytest.approx(out[0].max(), rel=1e-5), "of the likeliest class"


def test_probabilities_as_they_are_give_the_same_maps_as_the_naive_softmax():
    (hidden, _), (open_, _) = built(lambda z: Own(ops.softmax)(z)), built(ops.softmax)
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
    model, _ = built(lambda z: z, activation=activation, gain=3.0)
    classifier = nets.classifier(model)
    out = np.asarray(model(FED, training=False))
    assert (classifier.kind, classifier.logits_reason) == ("softmax", None), f"{activation} makes no probabilities"
    np.testing.assert_allclose(classifier.logits(PICTURES), out, rtol=1e-6, err_msg="as they are")


def test_a_name_is_not_believed():
    def softmax_of_the_wrong_kind(z):
        return ops.softmax(z / 2)

    softmax_of_the_wrong_kind.__name__ = "softmax"
    model, _ = built(lambda z: z, activation=softmax_of_the_wrong_kind)
    assert "add up to one" in nets.classifier(model).logits_reason, "what it computes is checked"


@pytest.mark.filterwarnings("ignore:You are using a softmax")
def test_a_softmax_of_one_unit_is_refused():
    model, _ = built(lambda z: z, 1, "softmax")
    sentence = refused(Classifier, "n", model, nets.preprocess)
    assert "softmax of one unit" in sentence and "sigmoid" in sentence, sentence


def test_a_network_that_overflows_still_has_an_end():
    model, _ = built(lambda z: z, activation="softmax", gain=1e38)
    model.get_layer("neck").set_weights([np.full_like(w, 1e30) for w in model.get_layer("neck").get_weights()])
    classifier = nets.classifier(model)
    assert classifier.kind == "softmax" and np.isnan(classifier.predict(PICTURES)).any(), "the verdicts tell the rest"


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
@pytest.mark.parametrize("activation", ["softmax", "sigmoid"])
def test_half_precision_ends_are_found(policy, activation):
    keras.config.set_dtype_policy(policy)
    try:
        model, _ = built(lambda z: z, activation=activation)
        separate, _ = built(lambda z: layers.Activation(activation, dtype="float32")(z))
    finally:
        keras.config.set_dtype_policy("float32")
    for one in (model, separate):
        classifier = nets.classifier(one)
        assert (classifier.kind, classifier.logits_reason) == (activation, None), f"{activation} under {policy}"
        assert classifier.logits(PICTURES).dtype == np.float32, "the scores are computed in single precision"


# Several outputs


def with_heads(make):
    p = nets.parts(softmax=None)
    x = keras.Input(SIZE)
    maps = nets.chain(x, [p["stem"], p["pool"], p["features"]])
    row = p["flat"](p["neck"](maps))
    first = layers.Dense(nets.CLASSES, activation="softmax", name="classes")(row)
    second = layers.Dense(3, activation="sigmoid", name="labels")(row)
    return nets.seed_weights(keras.Model(x, make(maps, first, second)))


STRUCTURES = {
    "a list": (lambda maps, a, b: [maps, a, b], ("features", "classes", "labels")),
    "a tuple": (lambda maps, a, b: (maps, a, b), ("features", "classes", "labels")),
    "a dictionary": (lambda maps, a, b: {"map": maps, "kind": a, "tags": b}, ("map", "kind", "tags")),
    "nested": (lambda maps, a, b: {"map": maps, "rows": [a, b]}, ("map", "rows/0", "rows/1")),
    "twice the same": (lambda maps, a, b: [a, a, b], ("classes", "classes#2", "labels")),
}


@pytest.mark.parametrize("structure", STRUCTURES)
def test_heads(structure):
    make, names = STRUCTURES[structure]
    model = with_heads(make)
    classifier = Classifier("n", model, nets.preprocess)
    assert sorted(classifier.heads) == sorted(names), f"the outputs of {structure}"
    assert classifier.chosen_head == names[0 if structure == "twice the same" else 1], "the first that holds classes"
    labels = Classifier("n", model, nets.preprocess, head=names[2])
    assert (classifier.kind, labels.kind) == ("softmax", "sigmoid"), "each head has its own end"
    by_name = dict(zip(("maps", "a", "b"), keras.tree.flatten(model(FED, training=False)), strict=True))
    rows = {value.shape[-1]: np.asarray(value) for value in by_name.values() if len(value.shape) == 2}
    np.testing.assert_allclose(classifier.predict(PICTURES), rows[7], rtol=1e-5, err_msg="the classes")
    np.testing.assert_allclose(labels.predict(PICTURES), rows[3], rtol=1e-5, err_msg="the labels")
    assert len(explain(labels, PICTURES[0], "features", steps=2).probabilities) == 3, "the head chosen is explained"


def test_a_head_that_is_not_there_or_no_classifier_is_refused():
    model = with_heads(STRUCTURES["a list"][0])
    sentence = refused(lambda: Classifier("n", model, nets.preprocess, head="tags"))
    assert all(repr(name) in sentence for name in ("tags", "features", "classes", "labels")), sentence
    sentence = refused(lambda: Classifier("n", model, nets.preprocess, head="features"))
    assert "'features'" in sentence and "map (n, 4, 6, 5)" in sentence, sentence


def test_layers_of_another_head_are_not_offered():
    p = nets.parts(softmax=None)
    x = keras.Input(SIZE)
    maps = nets.chain(x, [p["stem"], p["pool"]])
    sides = [layers.Conv2D(4, 3, name=name)(maps) for name in ("left", "right")]
    rows = [layers.Dense(3, activation="softmax", name=f"{i}")(layers.Flatten()(side)) for i, side in enumerate(sides)]
    model = nets.seed_weights(keras.Model(x, rows))
    for head, name in (("0", "left"), ("1", "right")):
        found = Classifier("n", model, nets.preprocess, head=head).layers()
        assert [layer.name for layer in found] == ["stem", "pool", name], "what its score depends on"


@pytest.mark.parametrize(
    ("tail", "words"),
    [
        (lambda maps: layers.Conv2D(3, 1, activation="softmax")(maps), "map (n, 4, 6, 3), as in segmentation"),
        (lambda maps: layers.Reshape((24, 5))(maps), "of the shape (n, 24, 5)"),
        (lambda maps: ops.argmax(layers.Flatten()(maps), axis=1), "whole numbers"),
    ],
)
def test_outputs_that_are_no_classes_are_refused(tail, words):
    p = nets.parts()
    x = keras.Input(SIZE)
    model = keras.Model(x, tail(nets.chain(x, [p["stem"], p["pool"], p["features"]])))
    sentence = refused(Classifier, "net", model, nets.preprocess)
    assert words in sentence and "net is no classifier" in sentence, sentence


# The model stays the user's

FORMS = {
    "softmax inside Dense": lambda: built(lambda z: z, activation="softmax")[0],
    "Activation": lambda: built(layers.Activation("softmax"))[0],
    "an operation": lambda: built(ops.softmax)[0],
    "a sigmoid, reshaped": lambda: built(SIGMOID_ENDS["then Reshape"][1], activation="sigmoid")[0],
    "no logits": lambda: built(OwnSoftmax())[0],
    "several heads": lambda: with_heads(STRUCTURES["nested"][0]),
    "frozen": lambda: frozen(built(ops.softmax)[0]),
}


def frozen(model):
    model.get_layer("stem").trainable = False
    return model


@pytest.mark.parametrize("form", FORMS)
def test_the_model_is_never_changed(form):
    model = FORMS[form]()
    model(FED[:1], training=False)  # Keras notes in a model that it was called
    before, out = nets.state_of(model), model(FED, training=False)
    classifier = Classifier("n", model, nets.preprocess)
    classifier.predict(PICTURES)
    for score in SCORES_OF[classifier.kind]:
        explain(classifier, PICTURES[0], "features", steps=2, score=score)
    after = nets.state_of(model)
    for what in before:
        assert after[what] == before[what], f"{form}: {what} as before"
    for one, other in zip(keras.tree.flatten(out), keras.tree.flatten(model(FED, training=False)), strict=True):
        np.testing.assert_array_equal(np.asarray(one), np.asarray(other), err_msg="it computes what it did")


def test_a_change_of_the_model_would_be_noticed():
    model, _ = built(ops.softmax)
    before = nets.state_of(model)
    model.get_layer("stem").trainable = False
    assert nets.state_of(model)["trainable"] != before["trainable"], "a flag"
    keras.Model(model.inputs, model.get_layer("neck").output)
    model.get_layer("flat")(model.get_layer("stem").output)
    assert nets.state_of(model)["nodes"] != before["nodes"], "a connection"
    model.get_layer("classes").activation = keras.activations.relu
    assert nets.state_of(model)["attributes"] != before["attributes"], "an activation"


# Names of classes


def test_classes_without_names_are_numbered():
    model, _ = built(ops.softmax)
    assert Classifier("n", model, nets.preprocess).class_names == tuple(f"class {i}" for i in range(7))


@pytest.mark.parametrize(("units", "names"), [(7, 6), (7, 8), (7, 0), (1, 3), (2, 1)])
def test_a_wrong_number_of_names_is_refused(units, names):
    model, _ = built(lambda z: z, units, "sigmoid")
    sentence = refused(Classifier, "net", model, nets.preprocess, ["x"] * names)
    assert f"{units} class" in sentence and f"{names} class name" in sentence, f"both numbers: {sentence}"
