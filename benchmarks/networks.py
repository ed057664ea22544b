"""The networks that are measured, and the picture: the same numbers in every process, on every backend."""

import os
import zlib

import keras
import numpy as np
from keras import layers

import explorer
from benchmarks import results, usage
from explorer import models
from explorer.network import backend
from explorer.network.classifier import Classifier


def load(name):
    """The untrained Classifier `name` ("tiny", or one of `python -m explorer models`) with seeded weights."""
    classifier = _tiny() if name == "tiny" else explorer.load(name, weights=None)
    seed(classifier.model)
    return classifier


def model(name):
    """The Keras model of `load(name)` alone, unseeded, of whatever precision Keras builds at present."""
    if name == "tiny":
        return tiny_model()
    return getattr(keras.applications, models.find(name).builder)(weights=None)


def seed(model):
    """Weights as Keras draws them, uniform within Glorot's bounds, but from NumPy, whose numbers no backend changes."""
    for layer in model.layers:
        if not hasattr(layer, "kernel"):
            continue
        rng = np.random.default_rng(zlib.crc32(layer.name.encode()))
        shape = tuple(layer.kernel.shape)
        area = int(np.prod(shape[:-2]))
        bound = np.sqrt(6 / (area * (shape[-2] + shape[-1])))
        layer.kernel.assign((2 * rng.random(shape, np.float32) - 1) * np.float32(bound))
        if layer.use_bias:
            layer.bias.assign(np.zeros(shape[-1:], np.float32))


def picture(height, width):
    """Bright and dim areas under noise, uint8 (height, width, 3)."""
    rng = np.random.default_rng(0)
    areas = rng.integers(0, 256, (4, 5, 3)).repeat(-(-height // 4), axis=0).repeat(-(-width // 5), axis=1)
    return ((3 * areas[:height, :width] + rng.integers(0, 256, (height, width, 3))) // 4).astype(np.uint8)


def where():
    """What the figures were taken on, for the table's heading."""
    card = usage.device_name(backend.name())
    place = f"{backend.describe()}, {card}" if card else backend.describe()
    return f"{place}, {os.cpu_count()} processor cores, {results.today()}"


def block_ends(classifier):
    """Their names, the shallowest first."""
    return [layer.name for layer in classifier.block_ends]


def logits(model):
    """A model of the same layers that gives logits, for one that ends in a Dense with softmax."""
    last = model.layers[-1]
    dense = layers.Dense(last.units, name="logits", dtype=last.dtype_policy)
    y = dense(last.input)
    dense.set_weights(last.get_weights())
    return keras.Model(model.inputs[0], y)


def halves(model, name):
    """Two models, one up to the layer `name`, which must cut the network, and one from there to the output."""
    inner = model.get_layer(name).output
    return keras.Model(model.inputs[0], inner), keras.Model(inner, model.output)


def tiny_model():
    """A few thousand weights in every kind of layer that VGG and ResNet have."""
    x = keras.Input((32, 40, 3))
    y = layers.ZeroPadding2D(1, name="pad")(x)
    y = layers.Conv2D(6, 3, strides=2, name="stem_conv")(y)
    y = layers.BatchNormalization(epsilon=1.001e-5, name="stem_bn")(y)
    shortcut = y = layers.Activation("relu", name="stem")(y)
    y = layers.Conv2D(6, 3, padding="same", activation="relu", name="conv")(y)
    y = layers.Conv2D(6, 1, use_bias=False, name="mix")(y)
    y = layers.Add(name="add")([shortcut, y])
    y = layers.Activation("relu", name="block1")(y)
    y = layers.MaxPooling2D(2, name="pool")(y)
    y = layers.Conv2D(8, 3, padding="same", activation="relu", name="block2")(y)
    y = layers.Flatten(name="flat")(y)
    y = layers.Dense(12, activation="relu", name="hidden")(y)
    y = layers.Dense(7, activation="softmax", name="classes")(y)
    return keras.Model(x, y)


def _tiny():
    return Classifier("tiny", tiny_model(), lambda rgb: (rgb[..., ::-1] - 110) / 64, block_ends=("block1", "block2"))
