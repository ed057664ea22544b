"""How pixels become what a network is fed: the known ways by name, or a scale and an offset.

Every one is affine in the pixels, so that a straight path in pixels is straight in the network's input too.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

import keras
import numpy as np

from explorer.errors import InputError


@dataclass(frozen=True)
class Preprocessing:
    """Call it on RGB pixels (n, H, W, 3) in 0..255: a new float32 array of that shape, as the network is fed."""

    name: str
    about: str
    function: Callable

    def __call__(self, images):
        return np.asarray(self.function(np.array(images, np.float32)), np.float32)


def _keras(mode):
    """What a family of keras.applications does to its pixels; it writes into the array it is given."""
    return lambda images: keras.applications.imagenet_utils.preprocess_input(images, "channels_last", mode)


PREPROCESSINGS = {
    one.name: one
    for one in (
        Preprocessing("none", "Pixels as they are, 0 to 255: the network scales them itself.", lambda images: images),
        Preprocessing("1/255", "0 to 1.", lambda images: images / 255),
        Preprocessing("tf", "-1 to 1: MobileNet, Inception, Xception, ResNet V2, NASNet.", _keras("tf")),
        Preprocessing("torch", "0 to 1, less ImageNet's mean, over its deviation: DenseNet.", _keras("torch")),
        Preprocessing("caffe", "Blue first, less ImageNet's mean, not scaled: VGG, ResNet V1.", _keras("caffe")),
    )
}

_NUMBER = r"(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?"
_FORMULA = re.compile(rf"(?P<minus>-?)(?:(?P<over>x|{_NUMBER})/)?(?P<number>{_NUMBER})(?P<offset>,?[+-]?{_NUMBER})?")


def parse(text: str) -> Preprocessing:
    """The Preprocessing that a person names, or writes as a scale and an offset: "tf", "1/255", "1/127.5, -1".

    The network is then fed scale × pixel + offset. Raises InputError for anything else.
    """
    words = "".join(str(text).lower().split())
    if words in PREPROCESSINGS:
        return PREPROCESSINGS[words]
    match = _FORMULA.fullmatch(words)
    scale, offset = _numbers(**match.groupdict()) if match else (0.0, 0.0)
    if not (scale and np.isfinite([scale, offset]).all()):
        raise InputError(
            f"A preprocessing is one of {', '.join(PREPROCESSINGS)}, or a scale other than 0 and an offset, "
            f"such as '1/127.5, -1'; received {str(text)!r}."
        )
    return Preprocessing(words, f"{scale:g} × pixel + {offset:g}.", lambda x: scale * x.astype(float) + offset)


def _numbers(minus, over, number, offset):
    """(scale, offset) of a formula's parts; a scale of 0 where a number is divided by 0."""
    scale = float(number)
    if over is not None:
        scale = (1.0 if over == "x" else float(over)) / scale if scale else 0.0
    return (-scale if minus else scale), float((offset or "0").lstrip(","))
