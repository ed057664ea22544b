"""Every form a network's input takes: sizes, colours, channels first, types; and what is refused, with the reason."""

import warnings

import keras
import numpy as np
import pytest
from keras import layers, ops

from explorer.engine.run import explain
from explorer.network.classifier import Classifier
from explorer.network.input_spec import Input, input_of
from support import networks as nets
from support.networks import refused

PICTURES = np.stack([nets.picture(seed) for seed in range(3)])
SIZE = (nets.HEIGHT, nets.WIDTH, 3)


def unit(rgb):
    return rgb / 255


def model_on(x, below=None):
    """The chain of layers of tests/support/networks.py on an input, with something between."""
    p = nets.parts()
    return nets.seed_weights(keras.Model(x, nets.chain(below(x) if below else x, p.values())))


# How the input is handed over


@pytest.mark.parametrize("pack", [lambda x: x, lambda x: [x], lambda x: (x,), lambda x: {"picture": x}])
def test_a_single_input_in_any_packing(pack):
    x = keras.Input(SIZE, name="picture")
    p = nets.parts()
    model = nets.seed_weights(keras.Model(pack(x), nets.chain(x, p.values())))
    classifier = nets.classifier(model)
    like = explain(nets.make()[0], PICTURES[0], "features", steps=4)
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)  # Keras warns of an input packed otherwise than it wants
        found = explain(classifier, PICTURES[0], "features", steps=4)
    for one in found:
        np.testing.assert_allclose(one.cam, like[one.method].cam, rtol=1e-5, err_msg="the same network, the same map")


def test_a_subclassed_model_that_takes_a_dictionary():
    class FromDictionary(nets.Subclassed):
        def call(self, x, training=False):
            return super().call(x["picture"])

    model = FromDictionary(nets.parts(), ())
    model({"picture": np.zeros((1, *SIZE), np.float32)})
    classifier = nets.classifier(nets.seed_weights(model))
    np.testing.assert_allclose(classifier.predict(PICTURES), nets.make()[0].predict(PICTURES), rtol=1e-5)


@pytest.mark.parametrize("kind", ["sequential", "subclassed"])
def test_a_model_that_was_never_called_is_built(kind):
    p = nets.parts()
    model = keras.Sequential(list(p.values())) if kind == "sequential" else nets.Subclassed(p, ())
    assert not model.built, "nothing is known of its input"
    classifier = nets.classifier(model)
    assert classifier.layer("features").shape == (4, 6, 5), "its layers are found all the same"
    nets.seed_weights(model)
    np.testing.assert_allclose(classifier.predict(PICTURES), nets.make()[0].predict(PICTURES), rtol=1e-5)


# Sizes


def free(height=None, width=None):
    p = nets.parts()
    p["flat"] = layers.GlobalAveragePooling2D(name="flat")
    x = keras.Input((height, width, 3))
    return nets.seed_weights(keras.Model(x, nets.chain(x, p.values())))


@pytest.mark.parametrize(
    ("declared", "asked", "size"),
    [
        ((None, None), None, (224, 224)),
        ((None, None), (40, 60), (40, 60)),
        ((30, None), None, (30, 224)),
        ((30, None), (30, 50), (30, 50)),
        ((30, 50), None, (30, 50)),
        ((30, 50), (30, 50), (30, 50)),
    ],
)
def test_sizes(declared, asked, size):
    classifier = Classifier("n", free(*declared), unit, input_size=asked)
    assert classifier.input_size == size, f"an input of {declared}, asked to be {asked}"
    assert classifier.layer("stem").shape == (*size, 4), "and its layers are of that size"


def test_one_free_network_at_two_sizes():
    model = free()
    for size in ((20, 28), (33, 17)):
        classifier = Classifier("n", model, unit, input_size=size)
        picture = nets.picture(1, *size)[None]
        plain = nets.outputs(model, unit(picture.astype(np.float32)))
        np.testing.assert_allclose(classifier.predict(picture), plain, rtol=1e-5, err_msg=f"at {size}")
        assert explain(classifier, picture[0], steps=3)["grad_cam"].heatmap.shape == size, "the map is as large"


@pytest.mark.parametrize("asked", [(31, 50), (50, 30), (224, 224)])
def test_another_size_than_the_network_takes_is_refused(asked):
    sentence = refused(lambda: Classifier("net", free(30, 50), unit, input_size=asked))
    assert "(30, 50)" in sentence and str(asked) in sentence, f"both sizes: {sentence}"


@pytest.mark.parametrize("asked", [(0, 50), (-3, 50), (50,), (50, 50, 3), "ab", (2.5, 50)])
def test_a_size_that_is_none_is_refused(asked):
    assert "two whole numbers" in refused(lambda: Classifier("net", free(), unit, input_size=asked))


def test_a_size_too_small_for_the_network_is_refused():
    sentence = refused(lambda: Classifier("net", free(), unit, input_size=(4, 4)))
    assert "net cannot be run on pictures of the shape (n, 4, 4, 3)" in sentence, sentence


# Colours


def grey_model(channels_first=False):
    x = keras.Input((1, *SIZE[:2]) if channels_first else (*SIZE[:2], 1))
    return model_on(x, layers.Permute((2, 3, 1)) if channels_first else None)


@pytest.mark.parametrize("channels_first", [False, True])
def test_a_grey_network_sees_the_luma(channels_first):
    model = grey_model(channels_first)
    classifier = Classifier("n", model, unit)
    assert classifier.channels == 1 and classifier.input_size == (12, 16), "one colour channel"
    rgb = PICTURES.astype(np.float64)
    luma = (0.299 * rgb[..., 0] + 0.587 * rgb[..., 1] + 0.114 * rgb[..., 2]) / 255
    fed = classifier.preprocess(PICTURES)
    assert fed.dtype == np.float32, "single precision"
    np.testing.assert_allclose(fed, luma[:, None] if channels_first else luma[..., None], rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(classifier.predict(PICTURES), nets.outputs(model, fed), rtol=1e-5, err_msg="is seen")
    found = explain(classifier, PICTURES[0], "features", steps=100, units="all", score="logit")
    assert found.completeness_gap < 0.01 and found["rsi_grad_cam"].cam.shape == (4, 6), "gradients are at the layer"
    assert found.image.shape == SIZE, "the picture that is shown keeps its colours"


def test_grey_is_made_before_the_preprocessing():
    """A preprocessing that changes the order of the colours must not change their weights."""
    classifier = Classifier("n", grey_model(), lambda rgb: rgb[..., ::-1] / 255 - 0.5)
    red = np.zeros((1, *SIZE), np.uint8)
    red[..., 0] = 255
    np.testing.assert_allclose(classifier.preprocess(red), 0.299 - 0.5, rtol=1e-5, err_msg="red counts 0.299")


# Channels first


def channels_first_parts():
    p = nets.parts()
    for name, layer in p.items():
        if hasattr(layer, "data_format"):
            p[name] = type(layer).from_config(layer.get_config() | {"data_format": "channels_first"})
    return p


def channels_first_model():
    """The chain of tests/support/networks.py with its channels first, and the order of the flattened values put
    right."""
    p = channels_first_parts()
    p["flat"] = layers.Flatten(name="flat", data_format="channels_last")
    x = keras.Input((3, *SIZE[:2]))
    maps = nets.chain(x, [p["stem"], p["pool"], p["features"], p["neck"]])
    row = p["flat"](layers.Permute((2, 3, 1), name="last")(maps))
    return nets.seed_weights(keras.Model(x, p["classes"](row)))


def test_channels_first_is_the_same_network():
    classifier, like = nets.classifier(channels_first_model()), nets.make()[0]
    fed = classifier.preprocess(PICTURES)
    np.testing.assert_array_equal(fed, np.moveaxis(like.preprocess(PICTURES), -1, 1), err_msg="(n, 3, H, W)")
    np.testing.assert_allclose(classifier.predict(PICTURES), like.predict(PICTURES), rtol=1e-5, err_msg="one function")
    for name in ("stem", "pool", "features", "neck"):
        assert classifier.layer(name) == like.layer(name) or classifier.layer(name).shape == like.layer(name).shape
        found, other = (explain(c, PICTURES[0], name, steps=6, units="all") for c in (classifier, like))
        np.testing.assert_allclose(found.path.activations, other.path.activations, rtol=1e-4, atol=1e-5, err_msg=name)
        np.testing.assert_allclose(found.path.gradients, other.path.gradients, rtol=1e-3, atol=1e-7, err_msg=name)
        for one in found:
            np.testing.assert_allclose(one.cam, other[one.method].cam, rtol=1e-3, atol=1e-8, err_msg=one.method)
        assert abs(found.completeness_gap - other.completeness_gap) < 1e-4, "completeness as well"
    assert classifier.layer("last").shape == (3, 4, 6), "behind the Permute the channels are last"


def test_channels_first_through_layers_that_do_not_say_so():
    p = channels_first_parts()
    x = keras.Input((3, *SIZE[:2]))
    below = p["pool"](p["stem"](x))
    branch = layers.BatchNormalization(axis=1, name="norm")(below)
    joined = layers.Add(name="joined")([layers.Activation("relu", name="act")(branch), below])
    operation = ops.relu(joined) * 2
    after = layers.Dropout(0.5, name="drop")(layers.Activation("tanh", name="after")(operation))
    model = keras.Model(x, layers.Dense(7)(layers.Flatten()(after)))
    shapes = {layer.name: layer.shape for layer in nets.classifier(model).layers()}
    below = ("pool", "norm", "act", "joined", "relu", "multiply", "after")
    expected = dict.fromkeys(below, (6, 8, 4)) | {"stem": (12, 16, 4)}
    assert shapes == expected, "(h, w, K), told from what each layer is given"


@pytest.mark.parametrize("first", [False, True])
def test_an_input_that_could_be_either_is_told_by_its_layers(first):
    shape = (3, 20, 3)
    layer = layers.Conv2D(5, 1, data_format="channels_first" if first else "channels_last")
    x = keras.Input(shape)
    model = keras.Model(x, layers.Dense(4)(layers.Flatten()(layer(x))))
    assert input_of("n", model).channels_first is first, "three rows or three colours"
    assert input_of("n", model).size == ((20, 3) if first else (3, 20))


# Refused, with the reason


def two_inputs():
    a, b = keras.Input(SIZE, name="left"), keras.Input(SIZE, name="right")
    return keras.Model([a, b], layers.Dense(3)(layers.Flatten()(layers.Conv2D(2, 3)(a) + layers.Conv2D(2, 3)(b))))


class TakesTwo(keras.Model):
    def __init__(self):
        super().__init__()
        self.dense = layers.Dense(3)

    def call(self, x):
        return self.dense(x["left"] + x["right"])


def subclassed_with_two():
    model = TakesTwo()
    model({"left": np.zeros((1, 4), np.float32), "right": np.zeros((1, 4), np.float32)})
    return model


def text_model():
    x = keras.Input((None,), dtype="int32")
    return keras.Model(x, layers.Dense(2)(layers.GlobalAveragePooling1D()(layers.Embedding(50, 4)(x))))


def on(shape):
    x = keras.Input(shape)
    return keras.Model(x, layers.Dense(2)(layers.Flatten()(x)))


def without_a_map():
    x = keras.Input(SIZE)
    return keras.Model(x, layers.Dense(3)(layers.Dense(8)(layers.Flatten()(x))))


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (two_inputs, ("2 inputs", "left", "right")),
        (subclassed_with_two, ("2 inputs", "left", "right")),
        (text_model, ("takes no pictures", "(any, any)")),
        (lambda: on((5, 8)), ("takes no pictures", "(any, 5, 8)")),
        (lambda: on((4, 12, 16, 3)), ("takes no pictures", "(any, 4, 12, 16, 3)")),
        (lambda: on((12, 16, 4)), ("1 or 3 colour channels", "(any, 12, 16, 4)")),
        (without_a_map, ("no spatial layer",)),
    ],
)
def test_networks_that_cannot_be_explained_are_refused(make, words):
    sentence = refused(Classifier, "net", make(), unit)
    assert "net" in sentence and all(word in sentence for word in words), sentence


def test_a_preprocessing_that_changes_the_shape_is_refused():
    sentence = refused(lambda: Classifier("net", free(12, 16), lambda rgb: rgb[:, :8]))
    assert "(3, 12, 16, 3)" in sentence and "(3, 8, 16, 3)" in sentence, sentence


def test_a_network_that_fails_says_so_in_one_sentence():
    class Fails(nets.Subclassed):
        def call(self, x, training=False):
            raise ValueError("needs a mask.\nAnd more.")

    model = Fails(nets.parts(), ())
    model.built = True
    assert "needs a mask" in refused(lambda: Classifier("net", model, unit, input_size=(12, 16)))


def test_the_input_of_a_network_in_words():
    assert Input((12, 16)).shape == (12, 16, 3) and Input((12, 16), 1, True).shape == (1, 12, 16), "as it is fed"
