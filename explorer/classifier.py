"""A classifier as the explorer needs it: pictures in, probabilities, logits, and any layer within reach."""

import threading
from difflib import get_close_matches
from functools import cached_property

import keras
import numpy as np
from keras import ops

from explorer import backend, tap
from explorer.errors import InputError
from explorer.layers import anatomy
from explorer.scores import SCORES

PREDICT_BATCH = 32


class Classifier:
    """A Keras model with what the model alone does not say: its preprocessing and the names of its classes.

    name: how people call it. model: the Keras model as loaded, never changed. preprocess: RGB pixels (n, H, W, 3)
    in 0..255 -> float32, what the model is fed; affine, so that a straight path in pixels is straight in its input.
    class_names: one a class. input_size: (H, W).
    """

    def __init__(self, name, model, preprocess, class_names, input_size):
        self.name, self.model, self.class_names, self.input_size = name, model, tuple(class_names), tuple(input_size)
        self._preprocess = preprocess
        self._functions = {}  # compiled functions, by what they compute
        self._lock = threading.RLock()

    def preprocess(self, images):
        """RGB pixels (n, H, W, 3), 0..255, as the float32 values the model is fed."""
        images = np.asarray(images)
        if images.ndim != 4 or images.shape[1:] != (*self.input_size, 3):
            height, width = self.input_size
            raise InputError(
                f"{self.name} takes RGB pictures as an array (n, {height}, {width}, 3); received {images.shape}."
            )
        return np.asarray(self._preprocess(images.astype(np.float32)), np.float32)

    def logits(self, images):
        """RGB pixels (n, H, W, 3) -> float32 (n, classes), the values before the softmax."""
        function = self._function("logits", lambda: backend.compiled(self._logits, self.model.variables, self._batch))
        inputs = self.preprocess(images)
        parts = [inputs[i : i + PREDICT_BATCH] for i in range(0, len(inputs), PREDICT_BATCH)]
        empty = np.zeros((0, len(self.class_names)), np.float32)
        return np.concatenate([backend.fetch(function(part)) for part in parts] or [empty])

    def predict(self, images):
        """RGB pixels (n, H, W, 3) -> float32 (n, classes), probabilities."""
        logits = self.logits(images).astype(np.float64)
        with np.errstate(invalid="ignore"):  # a network that overflowed has no probabilities: NaN
            powers = np.exp(logits - logits.max(axis=1, keepdims=True))
            return (powers / powers.sum(axis=1, keepdims=True)).astype(np.float32)

    @cached_property
    def anatomy(self):
        with self._lock:
            return anatomy(self.model, (*self.input_size, 3))

    def layers(self):
        """Every spatial layer the score depends on, in the order of the forward pass."""
        return [layer for layer in self.anatomy.layers if layer.reaches]

    @property
    def default_layer(self):
        """The name of the last spatial layer that cuts the network."""
        cutting = [layer.name for layer in self.layers() if layer.cuts]
        return (cutting or [layer.name for layer in self.layers()])[-1]

    def layer(self, name):
        """The Layer called `name`; None means the default."""
        name = self.default_layer if name is None else name
        found = {layer.name: layer for layer in self.anatomy.layers}.get(name)
        if found is None:
            raise InputError(
                f"{self.name} has no spatial layer called {name!r}; {_nearest(name, [x.name for x in self.layers()])}"
            )
        if not found.reaches:
            raise InputError(
                f"The activations of {name!r} do not reach the score of {self.name}, so there is nothing to explain; "
                f"choose another layer, for example {self.default_layer!r}."
            )
        return found

    def class_index(self, wanted):
        """The index of a class given by index, by name, or by its index written as text."""
        count = len(self.class_names)
        if isinstance(wanted, int | np.integer) and not isinstance(wanted, bool):
            if 0 <= wanted < count:
                return int(wanted)
            raise InputError(f"A class index of {self.name} is from 0 to {count - 1}; received {wanted}.")
        matches = [i for i, name in enumerate(self.class_names) if name.lower() == str(wanted).strip().lower()]
        if len(matches) == 1:
            return matches[0]
        if str(wanted).strip().isdigit():
            return self.class_index(int(wanted))
        if matches:
            raise InputError(f"{wanted!r} names the classes {matches} of {self.name}; give the index of one of them.")
        raise InputError(f"{self.name} knows no class {wanted!r}; {_nearest(wanted, self.class_names)}")

    # What the sweep asks for. Both functions take the two ends of the path, (H, W, 3) as the model is fed.

    def trunk(self, layer):
        """(start, end, alphas (n,)) -> A(α) (n, h, w, K): the part of the network up to the layer."""

        def activations(start, end, alphas):
            seen = []
            with tap.LOCK, tap.observed(layer.call.layer, layer.call.index, seen):
                self.model(_between(start, end, alphas), training=False)
            return ops.cast(seen[0], "float32")

        return self._compiled(("trunk", layer.name), activations, self._image, self._image, (None,))

    def head(self, layer, score):
        """(A (n, h, w, K), start, end, alphas (n,), class index) -> (y (n,), ∂y/∂A (n, h, w, K))

        Where the layer cuts the network the rest of it sees A alone, and the part before is left out; where a skip
        connection by-passes the layer, what flows around it is computed from the same point of the path.
        """
        score = SCORES[score]

        def scores_and_gradients(a, start, end, alphas, class_index):
            x = _between(start, end, alphas[:1] if layer.cuts else alphas)

            def inner(a):
                with tap.LOCK, tap.replaced(layer.call.layer, layer.call.index, ops.cast(a, _dtype_of(layer))):
                    logits = self._logits_of(x)
                return score.inner(logits, class_index), logits

            slopes, u, _ = backend.gradient(inner, a)
            return score.value(u), slopes * ops.reshape(score.slope(u), (-1, 1, 1, 1))

        return self._compiled(
            ("head", layer.name, score.key),
            scores_and_gradients,
            (None, *layer.shape),
            self._image,
            self._image,
            (None,),
            "int",
        )

    @property
    def _image(self):
        return (*self.input_size, 3)

    @property
    def _batch(self):
        return (None, *self._image)

    def _logits(self, x):
        with tap.LOCK:
            return self._logits_of(x)

    def _logits_of(self, x):
        """The model's output before its softmax; the layer that applies it is told to leave it out, for this call."""
        head = self.anatomy.head
        if head is None:
            return ops.cast(self.model(x, training=False), "float32")
        with tap.intercepted(head.layer, _without_softmax(head.layer)):
            return ops.cast(self.model(x, training=False), "float32")

    def _compiled(self, key, fn, *shapes):
        return self._function(key, lambda: backend.compiled(fn, self.model.variables, *shapes))

    def _function(self, key, make):
        with self._lock:
            self.anatomy  # traced first: it and `make` both patch the model  # noqa: B018
            if key not in self._functions:
                self._functions[key] = make()
            return self._functions[key]


def _between(start, end, alphas):
    """The points start + α (end − start) of the path; (n, H, W, 3).

    Reckoned from the nearer end, so that both ends are exact, and so is every point where the ends are equal: what
    does not change along the path must not seem to, or its rounding would be integrated into a map of noise.
    """
    alphas = ops.reshape(ops.convert_to_tensor(alphas), (-1, 1, 1, 1))
    start, end = ops.convert_to_tensor(start)[None], ops.convert_to_tensor(end)[None]
    return ops.where(alphas < 0.5, start + alphas * (end - start), end - (1 - alphas) * (end - start))


def _without_softmax(layer):
    """A handler under which the layer returns what it would feed its softmax."""
    if isinstance(layer, keras.layers.Softmax):
        return lambda original, inputs, *args, **kwargs: inputs
    if not _is_softmax(getattr(layer, "activation", None)):
        return lambda original, *args, **kwargs: original(*args, **kwargs)

    def handler(original, *args, **kwargs):
        softmax = layer.activation
        object.__setattr__(layer, "activation", keras.activations.linear)
        try:
            return original(*args, **kwargs)
        finally:
            object.__setattr__(layer, "activation", softmax)

    return handler


def _is_softmax(activation):
    """By its name, since Keras, `keras.ops` and every backend each have a softmax of their own."""
    return getattr(activation, "__name__", "").startswith("softmax")


def _dtype_of(layer):
    return getattr(layer.call.layer, "compute_dtype", None) or "float32"


def _nearest(wanted, names):
    close = get_close_matches(str(wanted), names, n=3, cutoff=0.5)
    if close:
        return "did you mean " + " or ".join(repr(name) for name in close) + "?"
    return "choose one of its own, such as " + ", ".join(repr(name) for name in names[:3]) + "."
