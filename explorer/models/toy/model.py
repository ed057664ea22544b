"""ToyVGG: the embedded classifier, a small network in the shape of VGG over the kinds of object scenes hold."""

import json
from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
from keras import layers

from explorer.arrays import Array, Images
from explorer.errors import InputError
from explorer.models.toy.classes import NAMES

SIZE = 224
WIDTHS = (8, 16, 32, 64, 96)
UNITS = 64
ASSETS = Path(__file__).resolve().parents[3] / "assets"
WEIGHTS = ASSETS / "toy_vgg.weights.h5"
CLASS_NAMES = ASSETS / "toy_vgg.classes.json"


def preprocess(images: Images) -> Array:
    """What the network is fed: RGB pixels 0..255 (n, 224, 224, 3) mapped to -1..1, float32; black is -1."""
    return np.asarray(images, np.float32) / 127.5 - 1.0


def blocks(x: Array, convolution: Callable[..., keras.layers.Layer]) -> Array:
    """Five blocks, each of two convolutions and a pooling that halves the sides; convolution(width, name) -> layer."""
    for block, width in enumerate(WIDTHS, 1):
        for i in (1, 2):
            x = convolution(width, f"block{block}_conv{i}")(x)
        x = layers.MaxPooling2D(2, name=f"block{block}_pool")(x)
    return x


def build(classifier_activation: str | None = "softmax") -> keras.Model:
    """ToyVGG with fresh weights: a keras.Model from (n, 224, 224, 3), preprocessed, to (n, 16).

    Layers: block1_conv1, block1_conv2, block1_pool, ..., block5_pool (7 x 7 x 96), flatten, fc1, predictions.
    classifier_activation: "softmax" as shipped, or None for the logits.
    """
    inputs = keras.Input((SIZE, SIZE, 3), name="image")
    x = blocks(inputs, lambda width, name: layers.Conv2D(width, 3, padding="same", activation="relu", name=name))
    x = layers.Flatten(name="flatten")(x)
    x = layers.Dense(UNITS, activation="relu", name="fc1")(x)
    outputs = layers.Dense(len(NAMES), activation=classifier_activation, name="predictions")(x)
    return keras.Model(inputs, outputs, name="toy_vgg")


def load(weights: Path | str | None = WEIGHTS, classifier_activation: str | None = "softmax") -> keras.Model:
    """ToyVGG with the weights of a file; raises InputError where there is no such file."""
    if not Path(weights).is_file():
        raise InputError(
            f"ToyVGG reads its weights from a file; none was found at {weights}: "
            "make it with `python -m explorer train`."
        )
    model = build(classifier_activation)
    model.load_weights(weights)
    return model


def class_names(path: Path = CLASS_NAMES) -> tuple[str, ...]:
    """The names of the classes, in the order of the network's outputs."""
    return tuple(json.loads(Path(path).read_text(encoding="utf-8")))
