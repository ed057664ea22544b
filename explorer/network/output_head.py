"""How a network ends: which of its outputs is explained, and where the logits are, in front of softmax or sigmoid."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import keras
import numpy as np
from keras import tree

from explorer.arrays import Array
from explorer.errors import InputError
from explorer.network import hooks

if TYPE_CHECKING:
    from explorer.network.hooks import LayerCall


FUNCTIONS = ("softmax", "log_softmax", "sigmoid", "linear")  # what the last layer may do to its values, by name
# What may stand behind a softmax and only gives its values another shape.
RESHAPING = {
    "Reshape",
    "Flatten",
    "Permute",
    "Dropout",
    "Identity",
    "GlobalAveragePooling2D",
    "GlobalMaxPooling2D",
    "AveragePooling2D",
    "MaxPooling2D",
    "Squeeze",
    "ExpandDims",
    "Transpose",
    "Moveaxis",
    "Ravel",
    "GetItem",
    "Cast",
}


@dataclass(frozen=True)
class Place:
    """Where the logits are: `function` is the last thing this call does to them, or all it does."""

    call: hooks.LayerCall
    function: str  # of FUNCTIONS

    @contextmanager
    def observed(self, logits: Array) -> Iterator:
        """Inside, what the function is fed is appended to the list `seen`. Take hooks.LOCK around it."""
        layer, count = self.call.layer, iter(range(1 << 30))

        def handler(original, *args, **kwargs):
            if next(count) == self.call.index:
                logits.append(_before_activation(layer, original, args, kwargs))
            return original(*args, **kwargs)

        with hooks.intercepted(layer, handler):
            yield


@dataclass(frozen=True)
class End:
    """kind: how probabilities come from the values the scores are computed of.

    "softmax": the values are logits z, p = softmax(z). "sigmoid": logits too, p_c = σ(z_c), each class by itself.
    "probabilities": the values are the network's own probabilities, since its logits cannot be had for `reason`.
    """

    kind: str
    place: Place | None = None  # where the logits are seen; None: the outputs are the values
    reason: str | None = None


def heads(model: keras.Model, outputs: Array) -> dict[str, Array]:
    """{name: tensor} of every output of a model, in its own order."""
    tensors = tree.flatten_with_path(outputs)
    own = getattr(model, "output_names", None) or ()
    if isinstance(outputs, dict) or len(own) != len(tensors):
        own = ["/".join(map(str, path)) or "output" for path, _ in tensors]
    counts, named = Counter(), {}
    for name, (_, tensor) in zip(own, tensors, strict=True):
        counts[name] += 1
        named[name if counts[name] == 1 else f"{name}#{counts[name]}"] = tensor
    return named


def choose(name: str, heads: dict[str, Array], head: str | None = None) -> str:
    """The name of the output to explain: the one asked for, else the first that holds one value a class."""
    if head is not None and head not in heads:
        raise InputError(f"The outputs of {name} are {', '.join(map(repr, heads))}; received {head!r}.")
    rows = [head for head, tensor in heads.items() if _objection(tensor) is None]
    if head in rows or (head is None and rows):
        return head or rows[0]
    head = head or next(iter(heads))
    raise InputError(f"{name} is no classifier: its output {head!r} {_objection(heads[head])}.")


def class_count(tensor: Array) -> int:
    return int(np.prod(tensor.shape[1:]))


def find(calls: list[LayerCall], output: Array) -> Place:
    """The Place the output (n, classes) comes from; None where the last layer is none that is known."""
    for _ in calls:
        call = next((call for call in calls if call.output is output), None)  # the innermost: it finished first
        if call is None:
            return None
        function = _function(call.layer)
        if function:
            return Place(call.without_values(), function)
        if not _only_reshapes(call):
            return None
        output = call.input
    return None


def settle(name: str, place: Place, outputs: Array, logits: Array, precise: bool) -> keras.Model:
    """The End, checked on a few pictures. outputs, logits: (n, classes), what came out and what was seen at `place`.

    precise: whether the model computes in single precision, not half.
    """
    outputs, logits = outputs.astype(np.float64), logits.astype(np.float64)
    finite = np.isfinite(outputs).all(axis=1) & np.isfinite(logits).all(axis=1)
    outputs, logits = outputs[finite], logits[finite]
    count = outputs.shape[1]
    tolerance = {"rtol": 1e-2, "atol": 1e-4} if precise else {"rtol": 3e-2, "atol": 2e-3}  # graphics cards round too
    if place is not None and np.allclose(_applied(place.function, logits), outputs, **tolerance):
        if count == 1 and "softmax" in place.function:
            raise InputError(
                f"{name} ends in the softmax of one unit, which is 1 for every picture, so nothing can be explained; "
                "a network of one output ends in a sigmoid."
            )
        return End("sigmoid" if place.function == "sigmoid" or count == 1 else "softmax", place)
    reason = _like_probabilities(name, outputs, 1e-3 if precise else 3e-2)
    if reason:
        return End("probabilities", None, reason)
    return End("sigmoid" if count == 1 else "softmax")


def probabilities(kind: str, values: Array) -> Array:
    """The values scores are computed of, (n, classes) -> probabilities, float64; NaN where the network overflowed."""
    if kind == "probabilities":
        return values.astype(np.float64)
    with np.errstate(invalid="ignore"):
        return _applied(kind, values.astype(np.float64))


def _before_activation(layer, original, args, kwargs):
    """What a layer feeds its activation: the same call with the activation set aside; or what it is fed itself."""
    if not hasattr(layer, "activation"):
        return args[0]
    activation = layer.activation
    object.__setattr__(layer, "activation", keras.activations.linear)
    try:
        return original(*args, **kwargs)
    finally:
        object.__setattr__(layer, "activation", activation)


def _function(layer):
    """By its name, since Keras, `keras.ops` and every backend each have a softmax of their own."""
    own, of_keras = hasattr(layer, "activation"), type(layer).__module__.startswith("keras.")
    if not own and not of_keras:
        return None
    name = getattr(layer.activation, "__name__", "") if own else type(layer).__name__
    name = name.lower().replace("logsoftmax", "log_softmax")
    if name == "linear":  # then the outputs are logits, unless a layer of somebody's own does more than its activation
        return name if of_keras else None
    return next((function for function in FUNCTIONS[:3] if name.startswith(function)), None)


def _only_reshapes(call):
    shapes = getattr(call.input, "shape", None), call.output.shape
    return type(call.layer).__name__ in RESHAPING and None not in shapes and _size(shapes[0]) == _size(shapes[1])


def _size(shape):
    return int(np.prod(shape[1:]))


def _objection(tensor):
    """Why an output holds no classes; None where it does."""
    shape = tuple(tensor.shape)
    written = "(n, " + ", ".join(map(str, shape[1:])) + ")"
    if "float" not in keras.backend.standardize_dtype(tensor.dtype):
        return "holds whole numbers, no probabilities: a gradient needs the values before they are rounded"
    if len(shape) < 2:
        return "is one number for all pictures together"
    if sum(n != 1 for n in shape[1:]) <= 1:
        return None
    if len(shape) == 4:
        return f"is a map {written}, as in segmentation, not one value a class"
    return f"is of the shape {written}, not one value a class"


def _applied(function, logits):
    if function == "linear":
        return logits
    if function == "sigmoid":
        return np.exp(-np.logaddexp(0, -logits))
    logs = logits - np.logaddexp.reduce(logits, axis=1, keepdims=True)
    return logs if function == "log_softmax" else np.exp(logs)


def _like_probabilities(name, outputs, tolerance):
    """The reason, in one sentence, why outputs that look like probabilities are explained as they are."""
    if not len(outputs) or outputs.min() < -tolerance or outputs.max() > 1 + tolerance:
        return None
    if outputs.shape[1] > 1 and np.allclose(outputs.sum(axis=1), 1, atol=10 * tolerance):
        sign = "add up to one, though no layer of it ends in a softmax"
    elif np.ptp(outputs) > 1e-6:
        sign = "all lie between 0 and 1, though no layer of it ends in a sigmoid"
    else:
        return None
    return (
        f"The outputs of {name} {sign}: code of its own makes them, and the logits in front of it cannot be had "
        "exactly."
    )


def probability_of(values: Array, class_index: int, kind: str = "softmax") -> tuple[float, float]:
    """(p, 1 − p) of a class in float64, neither by subtraction: 1 − p stays right at 1e-30. NaN where a logit is.

    values: (classes,), of the kind that `End` tells. Probabilities as they are have lost
    their 1 − p.
    """
    values = np.asarray(values, np.float64)
    margin = values[class_index]
    if kind == "probabilities":
        return float(margin), float(1 - margin)
    with np.errstate(invalid="ignore"):
        if kind == "softmax":
            margin = margin - np.logaddexp.reduce(np.delete(values, class_index))
        return float(np.exp(-np.logaddexp(0, -margin))), float(np.exp(-np.logaddexp(0, margin)))
