"""Watching and replacing what a layer returns, while a model is called: how any layer is reached.

Only the layer's `call` is set aside for the length of one call of the model, under a lock, and always put back. So
layers inside residual branches, nested models and subclassed models are reached alike, and the model is never changed.
"""

from __future__ import annotations

import re
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from typing import Any

import keras

from explorer.arrays import Array

# Setting `call` aside is visible to every thread, so one call of any model at a time goes through here.
LOCK = threading.RLock()


@dataclass(frozen=True, eq=False)
class LayerCall:
    """The `index`-th call of `layer` in one pass through the model, by its path-style name."""

    name: str  # "block1_conv1", "backbone/conv4_block6_out"; "conv#2" for a second call, "add#2" for a second operation
    layer: Any  # a layer, or an operation of a functional model, such as keras.ops.softmax
    index: int
    output: Any  # what it returned in the recorded pass
    input: Any = None  # the first value it was given there

    def without_values(self) -> LayerCall:
        """The call alone: a value of a trace must not outlive it."""
        return replace(self, output=None, input=None)


@contextmanager
def intercepted(layer: keras.layers.Layer | keras.Operation, handler: Callable) -> Iterator:
    """Inside, `layer.call(...)` is `handler(original_call, ...)`. Take LOCK around it."""
    own = layer.__dict__.get("call")
    original = layer.call

    def call(*args, **kwargs):
        return handler(original, *args, **kwargs)

    # Keras's own __setattr__ tracks what it is given, and would keep a trace of it in the user's model
    object.__setattr__(layer, "call", call)
    try:
        yield
    finally:
        if own is None:
            object.__delattr__(layer, "call")
        else:
            object.__setattr__(layer, "call", own)


def record(model: keras.Model, x: Array) -> tuple[Array, list[LayerCall]]:
    """Call the model and return (its output, every LayerCall inside it in the order they finished).

    x: what the model takes, packed as it wants it.
    """
    calls, counts, stack = [], Counter(), []

    def watch(layer):
        def handler(original, *args, **kwargs):
            stack.append(_name(layer))
            name = "/".join(stack)
            try:
                output = original(*args, **kwargs)
            finally:
                stack.pop()
            index = counts[id(layer)]
            counts[id(layer)] += 1
            inputs = keras.tree.flatten((args, kwargs))
            calls.append(LayerCall(name, layer, index, output, inputs[0] if inputs else None))
            return output

        return intercepted(layer, handler)

    with LOCK, ExitStack() as patches:
        for layer in [*layers_of(model), *operations_of(model)]:
            patches.enter_context(watch(layer))
        output = model(x, training=False)
    return output, _with_unique_names(calls)


def layers_of(model: keras.Model) -> list:
    """Every layer inside the model that is called by name: not the wrapper a Sequential keeps around its layers."""
    wrappers = {
        id(getattr(part, "_functional", None)) for part in model._flatten_layers() if isinstance(part, keras.Sequential)
    }
    return [part for part in model._flatten_layers(include_self=False) if id(part) not in wrappers]


def operations_of(model: keras.Model) -> list:
    """What functional models are made of besides layers: operations such as `keras.ops.softmax(x)` on their inputs."""
    operations = {id(op): op for part in model._flatten_layers() for op in getattr(part, "_operations", ())}
    return [op for op in operations.values() if not isinstance(op, keras.layers.Layer)]


def replaced(layer: keras.layers.Layer | keras.Operation, index: int, value: Array) -> Iterator[None]:
    """A context in which the `index`-th call of `layer` does no work and returns `value`."""
    count = iter(range(1 << 30))

    def handler(original, *args, **kwargs):
        return value if next(count) == index else original(*args, **kwargs)

    return intercepted(layer, handler)


def altered(layer: keras.layers.Layer | keras.Operation, index: int, change: Callable | None) -> Iterator[None]:
    """A context in which the `index`-th call of `layer` returns change(its output)."""
    count = iter(range(1 << 30))

    def handler(original, *args, **kwargs):
        output = original(*args, **kwargs)
        return change(output) if next(count) == index else output

    return intercepted(layer, handler)


def observed(layer: keras.layers.Layer | keras.Operation, index: int, outputs: list) -> Iterator[None]:
    """A context in which the output of the `index`-th call of `layer` is appended to the list `seen`."""

    def change(output):
        outputs.append(output)
        return output

    return altered(layer, index, change)


def _name(part):
    """Of a layer its own; of an operation what it does: Keras numbers those anew every time a model is made."""
    return part.name if isinstance(part, keras.layers.Layer) else re.sub(r"_\d+$", "", part.name)


def _with_unique_names(calls):
    counts, unique = Counter(), []
    for call in calls:
        counts[call.name] += 1
        suffix = f"#{counts[call.name]}" if counts[call.name] > 1 else ""
        unique.append(replace(call, name=call.name + suffix))
    return unique
