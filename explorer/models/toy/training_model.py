"""The form ToyVGG has while it learns: normalised convolutions, one head shared by all places, any picture size."""

import keras
import numpy as np
from keras import layers

from explorer.models.toy import model as toy_vgg
from explorer.models.toy.classes import NAMES

PLACES = (toy_vgg.SIZE // 2 ** len(toy_vgg.WIDTHS)) ** 2


class _Convolution(layers.Layer):
    """A convolution, its outputs normalised over the batch, then ReLU."""

    def __init__(self, width, name):
        super().__init__(name=name)
        self.convolution = layers.Conv2D(width, 3, padding="same", use_bias=False, kernel_initializer="he_normal")
        self.normalisation = layers.BatchNormalization(momentum=0.97)

    def build(self, shape):
        self.convolution.build(shape)
        self.normalisation.build((*shape[:-1], self.convolution.filters))

    def call(self, x, training=False):
        return keras.ops.relu(self.normalisation(self.convolution(x), training=training))

    def folded(self):
        """The kernel and bias of the one plain convolution that does the same once learning is over."""
        gamma, beta, mean, variance = self.normalisation.get_weights()
        scale = gamma / np.sqrt(variance + self.normalisation.epsilon)
        return [self.convolution.get_weights()[0] * scale, beta - mean * scale]


def build() -> keras.Model:
    """A keras.Model from (n, h, w, 3), h and w multiples of 32, to logits (n, 16)."""
    inputs = keras.Input((None, None, 3), name="image")
    x = layers.GlobalAveragePooling2D(name="average")(toy_vgg.blocks(inputs, _Convolution))
    x = layers.Dense(toy_vgg.UNITS, activation="relu", kernel_initializer="he_normal", name="fc1")(x)
    return keras.Model(inputs, layers.Dense(len(NAMES), name="predictions")(x), name="toy_vgg_learner")


def settle(learner: keras.Model, temperature: float) -> keras.Model:
    """The plain VGG-shaped network that computes the learner's logits at 224 x 224, times the temperature.

    Averaging over places and then applying fc1 is a dense layer on the flattened maps with the same kernel, divided
    by the number of places, at every place.
    """
    model = toy_vgg.build(classifier_activation=None)
    for layer in learner.layers:
        if isinstance(layer, _Convolution):
            model.get_layer(layer.name).set_weights(layer.folded())
    kernel, bias = learner.get_layer("fc1").get_weights()
    model.get_layer("fc1").set_weights([np.tile(kernel / PLACES, (PLACES, 1)), bias])
    kernel, bias = learner.get_layer("predictions").get_weights()
    model.get_layer("predictions").set_weights([temperature * kernel, temperature * bias])
    return model
