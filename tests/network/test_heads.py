"""Several outputs and the names of classes: which one is explained, and what its classes are called."""

import keras
import numpy as np
import pytest
from keras import layers, ops

from explorer.engine.run import explain
from explorer.network.classifier import Classifier
from support import networks as nets
from support.networks import refused

PICTURES = np.stack([nets.picture(seed) for seed in range(3)])
FED = nets.preprocess(PICTURES.astype(np.float32))
SIZE = (nets.HEIGHT, nets.WIDTH, 3)


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
    model = nets.with_heads(make)
    classifier = Classifier("n", model, nets.preprocess)
    assert sorted(classifier.heads) == sorted(names), f"the outputs of {structure}"
    assert classifier.chosen_head == names[0 if structure == "twice the same" else 1], "the first that holds classes"
    labels = Classifier("n", model, nets.preprocess, head=names[2])
    assert (classifier.kind, labels.kind) == ("softmax", "sigmoid"), "each head has its own end"
    values = map(ops.convert_to_numpy, keras.tree.flatten(model(FED, training=False)))
    rows = {value.shape[-1]: value for value in values if value.ndim == 2}
    np.testing.assert_allclose(classifier.predict(PICTURES), rows[7], rtol=1e-5, err_msg="the classes")
    np.testing.assert_allclose(labels.predict(PICTURES), rows[3], rtol=1e-5, err_msg="the labels")
    assert len(explain(labels, PICTURES[0], "features", steps=2).probabilities) == 3, "the head chosen is explained"


def test_a_head_that_is_not_there_or_no_classifier_is_refused():
    model = nets.with_heads(STRUCTURES["a list"][0])
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


# Names of classes


def test_classes_without_names_are_numbered():
    model, _ = nets.ending(ops.softmax)
    assert Classifier("n", model, nets.preprocess).class_names == tuple(f"class {i}" for i in range(7))


@pytest.mark.parametrize(("units", "names"), [(7, 6), (7, 8), (7, 0), (1, 3), (2, 1)])
def test_a_wrong_number_of_names_is_refused(units, names):
    model, _ = nets.ending(lambda z: z, units, "sigmoid")
    sentence = refused(Classifier, "net", model, nets.preprocess, ["x"] * names)
    assert f"{units} class" in sentence and f"{names} class name" in sentence, f"both numbers: {sentence}"
