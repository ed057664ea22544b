"""The model stays the user's: whatever is asked of it, nothing in it changes."""

import keras
import numpy as np
import pytest
from keras import layers, ops

from explorer.attribution.scores import SCORES_OF
from explorer.engine.run import explain
from explorer.network.classifier import Classifier
from support import networks as nets

PICTURES = np.stack([nets.picture(seed) for seed in range(2)])
FED = nets.preprocess(PICTURES.astype(np.float32))


class OwnSoftmax(layers.Layer):
    def call(self, x):
        return ops.softmax(x)


FORMS = {
    "softmax inside Dense": lambda: nets.ending(lambda z: z, activation="softmax")[0],
    "Activation": lambda: nets.ending(layers.Activation("softmax"))[0],
    "an operation": lambda: nets.ending(ops.softmax)[0],
    "a sigmoid, reshaped": lambda: nets.ending(layers.Reshape((1, -1)), activation="sigmoid")[0],
    "no logits": lambda: nets.ending(OwnSoftmax())[0],
    "several heads": lambda: nets.with_heads(lambda maps, a, b: {"map": maps, "rows": [a, b]}),
    "frozen": lambda: frozen(nets.ending(ops.softmax)[0]),
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
        np.testing.assert_array_equal(*map(ops.convert_to_numpy, (one, other)), err_msg="it computes what it did")


def test_a_change_of_the_model_would_be_noticed():
    model, _ = nets.ending(ops.softmax)
    before = nets.state_of(model)
    model.get_layer("stem").trainable = False
    assert nets.state_of(model)["trainable"] != before["trainable"], "a flag"
    keras.Model(model.inputs, model.get_layer("neck").output)
    model.get_layer("flat")(model.get_layer("stem").output)
    assert nets.state_of(model)["nodes"] != before["nodes"], "a connection"
    model.get_layer("classes").activation = keras.activations.relu
    assert nets.state_of(model)["attributes"] != before["attributes"], "an activation"
