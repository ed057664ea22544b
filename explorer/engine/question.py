"""A question: an image, a network and every setting, checked before the network runs."""

from __future__ import annotations

import copy
import hashlib
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from explorer.arrays import Array
from explorer.engine.applicability import require
from explorer.engine.baselines import canonical, make_baseline
from explorer.engine.images import fit, load_image
from explorer.engine.settings import Settings
from explorer.errors import InputError

if TYPE_CHECKING:
    from explorer.network.classifier import Classifier
    from explorer.network.layers import Layer


@dataclass(frozen=True, kw_only=True, eq=False)
class Question(Settings):
    """Settings, an image and the network that is asked: checked once, hashable by content.

    image: whatever `explorer.engine.images.load_image` reads; then uint8 (H, W, 3), stretched to the network's size.
    layers, class_index and score are then spelt as the classifier does; class_index stays None where the most probable
    class is meant.
    """

    classifier: Any = field(repr=False)
    image: Array = field(repr=False)
    baseline_image: Array = field(init=False, repr=False)  # uint8 (H, W, 3); float32 where it is class-neutral

    def __post_init__(self):
        super().__post_init__()
        if not self.layers:
            raise InputError("At least one layer is needed; received none.")
        classifier = self.classifier
        layers = tuple(dict.fromkeys(classifier.layer(layer) for layer in self.layers))
        image = fit(load_image(self.image), *classifier.input_size)
        self._set(
            score=classifier.score(self.score).key,
            layers=tuple(layer.name for layer in layers),
            image=image,
            baseline_image=make_baseline(self.baseline, image),
        )
        require(self.methods, classifier, layers)
        if self.class_index is not None:
            self._set(class_index=classifier.class_index(self.class_index))

    @property
    def layer_objects(self) -> tuple[Layer, ...]:
        """The Layers."""
        return tuple(self.classifier.layer(name) for name in self.layers)

    @property
    def baseline_name(self) -> str:
        """The baseline as settings spell it, "blurred:10"."""
        return canonical(self.baseline)

    @cached_property
    def image_digest(self) -> str:
        """A name for the pixels."""
        return digest(self.image)

    @cached_property
    def content(self) -> tuple[int, ...]:
        images = self.image_digest, digest(self.baseline_image)
        return (id(self.classifier), *images, *super().content)

    @cached_property
    def key(self) -> tuple[int, ...]:
        """The content of what the network is asked: all of it but ε, which is applied afterwards."""
        return tuple(part for part in self.content if part != ("epsilon", self.epsilon))

    def record(self, layer: Layer, class_index: int) -> dict[str, Any]:
        """{name: value} of every setting but ε, ready for JSON, as files have it: of one layer and the chosen class."""
        settings = {
            "model": self.classifier.name,
            "layer": layer.name,
            "class_index": class_index,
            "class_name": self.classifier.class_names[class_index],
            **self.settings,
            "baseline": self.baseline_name,
            "methods": list(self.methods),
        }
        left_out = {"layers", "epsilon"} | (set() if self.automatic else {"tolerance"})
        settings["class_index"] = class_index
        return {name: value for name, value in settings.items() if name not in left_out}

    def of(self, classifier: Classifier | None) -> Question:
        """The same of another Classifier of the same network, or of None where it is to be sent away."""
        other = copy.copy(self)
        for name in ("content", "key"):
            other.__dict__.pop(name, None)
        other._set(classifier=classifier)
        return other


def digest(array: Array) -> str:
    """A name for the values of an array."""
    return hashlib.sha256(
        repr((array.shape, str(array.dtype))).encode() + np.ascontiguousarray(array).tobytes()
    ).hexdigest()
