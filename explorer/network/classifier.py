"""A classifier as the explorer needs it: pictures in, probabilities, logits, and any layer within reach."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from keras import ops

from explorer.arrays import Array, Images
from explorer.attribution.scores import SCORES, SCORES_OF
from explorer.errors import InputError
from explorer.network import backend, hooks, layers, name_lookup, output_head, traced
from explorer.network.input_spec import input_of
from explorer.network.layers import anatomy

if TYPE_CHECKING:
    import keras

    from explorer.attribution.scores import Score
    from explorer.network.layers import Layer


PREDICT_BATCH = 32


class Classifier:
    """A Keras model with what the model alone does not say: its preprocessing and the names of its classes.

    name: how people call it. model: the Keras model as loaded, never changed. preprocess: RGB pixels (n, H, W, 3)
    in 0..255 -> float32, what the model is fed, as RGB and channels last whatever the model takes; affine, so that a
    straight path in pixels is straight in its input. class_names: one a class; None makes "class 0", "class 1", ….
    Two names for a network of one sigmoid are those of its 0 and its 1. input_size: (H, W), needed where the model
    takes any size and 224 × 224 is not meant. head: the name of the output to explain, by default the first that holds
    classes. block_ends: the names of the layers that end the network's blocks, by default guessed.

    Attributes: heads, the names of the outputs, and chosen_head, the one explained. kind: "softmax" or "sigmoid", how
    probabilities come from the logits; "probabilities" where the logits cannot be had, for `logits_reason`, one
    sentence, else None. channels: colour channels of the model's input, 1 or 3. Raises InputError for a model that
    cannot be explained.
    """

    def __init__(
        self,
        name: str,
        model: keras.Model,
        preprocess: Callable[[Array], Array],
        class_names: tuple[str, ...] | None = None,
        input_size: Any = None,
        head: str | None = None,
        block_ends: tuple[str, ...] | None = None,
    ):
        self.name, self.model = name, model
        self._preprocess, self._block_ends = preprocess, block_ends
        self._functions = {}  # compiled functions, by what they compute
        self._lock = threading.RLock()
        self.input = input_of(name, model, input_size)
        self.input_size, self.channels = self.input.size, self.input.channels
        self._examined(self._build)
        self.anatomy = self._examined(lambda: anatomy(model, self.input, head, name))
        self._require_a_layer()
        self.heads, self.chosen_head = self.anatomy.heads, self.anatomy.head
        self.class_names = name_lookup.class_names(name, class_names, self.anatomy.classes)
        self.end = self._examined(self._end)
        self.kind, self.logits_reason = self.end.kind, self.end.reason

    def preprocess(self, images: Images) -> Array:
        """RGB pixels (n, H, W, 3), 0..255, as the float32 values (n, *input.shape) the model is fed."""
        images = np.asarray(images)
        if images.ndim != 4 or images.shape[1:] != (*self.input_size, 3):
            height, width = self.input_size
            raise InputError(
                f"{self.name} takes RGB pictures as an array (n, {height}, {width}, 3); received {images.shape}."
            )
        return self.input.prepare(self._preprocess, images.astype(np.float32))

    def logits(self, images: Images) -> Array:
        """RGB pixels (n, H, W, 3) -> float32 (n, classes), the values before softmax or sigmoid."""
        if self.logits_reason:
            raise InputError(self.logits_reason)
        return self.values(images)

    def predict(self, images: Images) -> Array:
        """RGB pixels (n, H, W, 3) -> float32 (n, classes), probabilities."""
        return output_head.probabilities(self.kind, self.values(images)).astype(np.float32)

    def values(self, images: Images) -> Array:
        """RGB pixels (n, H, W, 3) -> float32 (n, classes), what scores are computed of: see
        `explorer.network.output_head.End`."""
        inputs = self.preprocess(images)
        parts = [inputs[i : i + PREDICT_BATCH] for i in range(0, len(inputs), PREDICT_BATCH)]
        empty = np.zeros((0, len(self.class_names)), np.float32)
        return np.concatenate([backend.fetch(self._chosen(*self._forward(part))) for part in parts] or [empty])

    def score(self, key: str | None = None) -> Score:
        """The Score called `key`; None means the default."""
        key = self.default_score if key is None else key
        if key not in SCORES:
            raise InputError(f"A score is one of {', '.join(SCORES)}; received {key!r}.")
        if key not in SCORES_OF[self.kind]:
            raise InputError(self.logits_reason)
        return SCORES_OF[self.kind][key]

    @property
    def default_score(self) -> str:
        return next(iter(SCORES_OF[self.kind]))

    @property
    def bytes(self) -> int:
        """How much its weights take."""
        return sum(int(np.prod(v.shape)) * _bits(v.dtype) // 8 for v in self.model.variables)

    def layers(self) -> list[Layer]:
        """Every spatial layer the score depends on, in the order of the forward pass."""
        return [layer for layer in self.anatomy.layers if layer.reaches]

    @property
    def default_layer(self) -> str:
        """The name of the last spatial layer that separates input from output."""
        cutting = [layer.name for layer in self.layers() if layer.separates]
        return (cutting or [layer.name for layer in self.layers()])[-1]

    @property
    def block_ends(self) -> list[Layer]:
        """The Layers that end the network's blocks, in order."""
        if self._block_ends is None:
            return layers.block_ends(self.layers())
        return [self.layer(name) for name in self._block_ends]

    def layer(self, name: int | str | None) -> Layer | None:
        """The Layer called `name`; None means the default."""
        name = self.default_layer if name is None else name
        match = {other: layer for layer in self.anatomy.layers for other in (*layer.others, layer.name)}.get(name)
        if match is None:
            hint = name_lookup.nearest(name, [layer.name for layer in self.layers()])
            raise InputError(f"{self.name} has no spatial layer called {name!r}; {hint}")
        if not match.reaches:
            raise InputError(
                f"The activations of {name!r} do not reach the score of {self.name}, so there is nothing to explain; "
                f"choose another layer, for example {self.default_layer!r}."
            )
        return match

    def class_index(self, name_or_index: bool | float | str) -> int:
        """The index of a class given by index, by name, or by its index written as text."""
        return name_lookup.find_class(self.name, self.class_names, name_or_index)

    @property
    def input_layer(self) -> Layer:
        """What the network is fed, as a Layer: the last in front of all others. It always separates."""
        height, width = self.input_size
        return layers.Layer(
            layers.INPUT, (height, width, self.channels), separates=True, channels_first=self.input.channels_first
        )

    # What the sweep asks for

    def sampler(self, layers: Sequence[Layer], score: str, activations_given: bool = False) -> Callable:
        """The network at points of a path, with everything methods need of it: see
        `explorer.network.traced.sample`."""
        score = self.score(score)
        shapes = [self.input.shape, self.input.shape, (None,), "int"] + (
            [(None, *layers[0].shape)] if activations_given else []
        )
        key = tuple(layer.name for layer in layers), score.key, activations_given
        return self._compiled(key, partial(traced.sample, self, layers, score, activations_given), *shapes)

    def changed(self, how: str, layer: Layer, score: str) -> Callable:
        """The network behind a layer with another end: like `sampler`, with known activations and one argument more.

        how: "scaled", the argument a factor of the logits, or "shifted", the argument (K,) as `traced.shifted` tells.
        """
        score, fn = self.score(score), {"scaled": traced.scaled, "shifted": traced.shifted}[how]
        last = () if how == "scaled" else (layer.shape[2],)
        shapes = [self.input.shape, self.input.shape, (None,), "int", (None, *layer.shape), last]
        return self._compiled((how, layer.name, score.key), partial(fn, self, layer, score), *shapes)

    def scorer(self, score: str) -> Callable:
        """The scores of the picture seen through masks: see `explorer.network.traced.seen_through`."""
        score = self.score(score)
        shapes = [self.input.shape, self.input.shape, (None, *self.input_size), "int"]
        return self._compiled(("masks", score.key), partial(traced.seen_through, self, score), *shapes)

    def run(self, x: Array) -> Array:
        """What scores are computed of, (n, classes), for x (n, *input.shape): to be traced inside another function."""
        return self._chosen(*self._run(x))

    def _run(self, x):
        """(n, *input.shape) -> what comes out (n, outputs), and what its softmax or sigmoid is fed, the same shape."""
        place, logits = self.anatomy.place, []
        with hooks.LOCK, place.observed(logits) if place else nullcontext():
            outputs = self.model(self.input.pack(x), training=False)
        output = output_head.heads(self.model, outputs)[self.chosen_head]
        return [_rows(value, self.anatomy.classes) for value in (output, logits[0] if place else output)]

    def _forward(self, inputs):
        """`_run`, compiled."""
        return self._compiled("outputs", self._run, (None, *self.input.shape))(inputs)

    def _chosen(self, outputs, logits):
        """What scores are computed of, (n, classes), out of what `_run` gives."""
        values = logits if self.end.place else outputs
        if len(self.class_names) == self.anatomy.classes:
            return values
        return ops.concatenate([-values if self.kind == "sigmoid" else 1 - values, values], axis=1)

    # At the beginning

    def _end(self):
        """The End, found by trying what was seen on pictures that are unlike each other."""
        noise = np.random.default_rng(0).integers(0, 256, (3, *self.input_size, 3))
        pictures = self.preprocess(np.stack([noise[0], noise[1] // 8, 255 - noise[2] // 4]).astype(np.uint8))
        outputs, logits = map(backend.fetch, self._forward(pictures))
        precise = not any("16" in (getattr(part, "compute_dtype", None) or "") for part in self.model._flatten_layers())
        return output_head.settle(self.name, self.anatomy.place, outputs, logits, precise)

    def _build(self):
        """A model that has never been called has no weights yet: they come with the first picture."""
        if not self.model.built:
            self.model(self.input.pack(ops.zeros((1, *self.input.shape))), training=False)

    def _examined(self, examine):
        """What the model gives, or one sentence about why it takes no pictures."""
        try:
            return examine()
        except InputError:
            raise
        except Exception as fault:
            if backend.out_of_memory(fault):
                raise
            raise InputError(
                f"{self.name} cannot be run on pictures of the shape (n, {', '.join(map(str, self.input.shape))}): "
                f"{_in_short(fault)}."
            ) from fault

    def _require_a_layer(self):
        if not self.layers():
            raise InputError(
                f"{self.name} has no spatial layer, one that keeps height and width as a convolution does, so there is "
                "no place where a heatmap could be made."
            )

    def _compiled(self, key, fn, *shapes):
        return self._function(key, lambda: backend.compiled(fn, self.model.variables, *shapes))

    def _function(self, key, make):
        with self._lock:
            if key not in self._functions:
                self._functions[key] = make()
            return self._functions[key]


def _in_short(fault):
    """The first sentence of an exception, without what Keras puts around it."""
    lines = [re.sub(r"\x1b\[\d*m", "", line).strip() for line in str(fault).splitlines()]
    lines = [line for line in lines if line and not line.startswith("Exception encountered when calling")]
    return (lines or [type(fault).__name__])[0].split(". ")[0].rstrip(".")


def _bits(dtype):
    """32 of "float32", 8 of "bool"."""
    bits = re.search(r"\d+", dtype)
    return int(bits.group()) if bits else 8


def _rows(value, count):
    return ops.reshape(ops.cast(value, "float32"), (-1, count))
