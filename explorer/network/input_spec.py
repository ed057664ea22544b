"""What a model is fed: how large its pictures are, in how many colours, and how it wants them handed over."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from keras import ops, tree

from explorer.arrays import Array
from explorer.errors import InputError
from explorer.network import backend

if TYPE_CHECKING:
    import keras


GREY_OF_RGB = np.array([0.299, 0.587, 0.114], np.float32)  # ITU-R BT.601
FREE_SIZE = (224, 224)  # for networks that take any size


@dataclass(frozen=True)
class Input:
    """The one picture a model takes."""

    size: tuple[int, int]  # (H, W)
    channels: int = 3  # colour channels: 1 or 3
    channels_first: bool = False
    whole: str | None = None  # the type of its numbers where they are whole ones, such as "uint8"
    structure: Any = None  # how the model wants its input packed: None as it is, otherwise a list or a dictionary

    @property
    def shape(self) -> tuple[int, ...]:
        """Of one picture as the model is fed, without the batch."""
        return (self.channels, *self.size) if self.channels_first else (*self.size, self.channels)

    def prepare(self, preprocess: Callable[[Array], Array], rgb: Array) -> Array:
        """RGB pixels (n, H, W, 3) float32, 0..255 -> (n, *shape) float32. Grey is made of RGB, then preprocessed."""
        if self.channels == 1:
            rgb = np.repeat((rgb @ GREY_OF_RGB)[..., None], 3, axis=-1)
        fed = np.asarray(preprocess(rgb), np.float32)
        if fed.shape != rgb.shape:
            raise InputError(f"A preprocessing keeps the shape of the pictures; {rgb.shape} became {fed.shape}.")
        if self.channels == 1:
            fed = fed.mean(axis=-1, keepdims=True)
        return np.ascontiguousarray(np.moveaxis(fed, -1, 1)) if self.channels_first else fed

    def pack(self, x: Array) -> Array:
        """The tensor (n, *shape) as the model's own argument."""
        if self.whole:
            x = ops.cast(ops.round(x), self.whole)
        return x if self.structure is None else tree.pack_sequence_as(self.structure, [x])


def input_of(name: str, model: keras.Model, size: tuple[int, int] | None = None) -> Input:
    """The Input of a model. size: (H, W) where the model leaves it free; by default 224 × 224."""
    shapes, dtype, structure, fixed = _declared(model)
    if len(shapes) > 1:
        raise InputError(
            f"{name} has {len(shapes)} inputs ({', '.join(shapes)}), and a heatmap explains one picture; "
            "give a model with a single input."
        )
    shape = next(iter(shapes.values()), (None, None, None, None))
    if len(shape) != 4:
        raise InputError(
            f"{name} takes no pictures: its input has the shape {_written(shape)}, where (n, height, width, channels) "
            "is needed."
        )
    whole = dtype if "int" in dtype else None
    if whole and backend.name() == "torch":
        raise InputError(
            f"{name} takes whole numbers ({dtype}), through which PyTorch follows no dependence; rebuild it with a "
            "float32 input."
        )
    first = _channels_first(model, shape)
    channels = shape[1] if first else shape[3]
    if channels not in (1, 3, None):
        raise InputError(f"A picture has 1 or 3 colour channels; {name} takes {channels}: {_written(shape)}.")
    return Input(_size(name, shape[2:] if first else shape[1:3], size, fixed), channels or 3, first, whole, structure)


def _declared(model):
    """({name: shape with the batch}, dtype, structure, whether the sizes are fixed) as far as the model says."""
    inputs = getattr(model, "inputs", None)
    if inputs:
        structure = getattr(model, "_inputs_struct", None)
        shapes = {tensor.name: tuple(tensor.shape) for tensor in inputs}
        return shapes, inputs[0].dtype, structure if tree.is_nested(structure) else None, True
    built = (model.get_build_config() or {}) if model.built else {}
    shapes, nested = built.get("input_shape"), None
    if isinstance(shapes, dict):
        nested = dict.fromkeys(shapes, 0)
    elif shapes and isinstance(shapes[0], list | tuple):
        shapes, nested = {f"input {i}": shape for i, shape in enumerate(shapes)}, [0] * len(shapes)
    elif shapes:
        shapes = {"input": shapes}
    return {key: tuple(shape) for key, shape in (shapes or {}).items()}, "float32", nested, False


def _channels_first(model, shape):
    first, last = shape[1] in (1, 3), shape[3] in (1, 3, None)
    if first and last:  # both could be colours: the layers know
        return any(getattr(part, "data_format", None) == "channels_first" for part in model._flatten_layers())
    return first


def _size(name, declared, asked_size, fixed):
    sides = declared if asked_size is None else _checked(asked_size)
    size = tuple(int(w or d or free) for w, d, free in zip(sides, declared, FREE_SIZE, strict=True))
    if fixed and any(d and d != s for s, d in zip(size, declared, strict=True)):
        raise InputError(
            f"{name} takes pictures of {_written(declared)} (height, width), no others; received the size {size}."
        )
    return size


def _checked(size):
    size = tuple(size)
    if len(size) != 2 or not all(isinstance(n, int | np.integer) and n > 0 for n in size):
        raise InputError(f"An input size is two whole numbers above zero, (height, width); received {size}.")
    return size


def _written(shape):
    return "(" + ", ".join("any" if n is None else str(n) for n in shape) + ")"
