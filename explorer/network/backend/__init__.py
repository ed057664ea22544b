"""Gradients, compilation, graphs and precision of the framework that Keras runs on; a file for each knows how."""

from collections.abc import Callable
from importlib import import_module

import numpy as np
from keras import backend, ops

from explorer.arrays import Array
from explorer.errors import InputError

PRECISIONS = ("float32", "tf32", "bfloat16")
_framework = import_module(f"{__name__}.{backend.backend()}")
_precision = "float32"

# How the three frameworks, and NumPy, say so.
SHORT_OF_MEMORY = (
    "ResourceExhausted",
    "RESOURCE_EXHAUSTED",
    "OutOfMemory",
    "OOM when",
    "can't allocate memory",
    "MemoryError",
)


def name() -> str:
    """ "tensorflow", "jax" or "torch"."""
    return backend.backend()


def device() -> str:
    """ "GPU" or "CPU", in words for the page."""
    return _framework.device()


def describe() -> str:
    """Backend, device and precision for the page: "TensorFlow · CPU · float32"."""
    where = device()
    computed = "float32" if (where, _precision) == ("CPU", "tf32") else _precision  # only graphics cards have TF32
    return f"{_framework.NAME} · {where} · {computed}"


def precision() -> str:
    """ "float32", "tf32" or "bfloat16": what set_precision was called with last."""
    return _precision


def set_precision(name: str | None) -> None:
    """How precisely networks compute, in this whole process; "float32" unless something else is asked for.

    "float32": single precision, on a graphics card too. Left to themselves TensorFlow, JAX and cuDNN round what a card
    multiplies to ten bits, and the raw values shown would be the card's as much as the network's. "tf32": they may.
    "bfloat16": networks loaded from now on compute in it, see `explorer.models.mixed_precision`; what is made of their
    activations and gradients stays float32. Raises InputError for any other word.
    """
    global _precision
    if name not in PRECISIONS:
        raise InputError(f"The precision is one of {', '.join(PRECISIONS)}; received {name!r}.")
    _framework.allow_tf32(name == "tf32")
    _precision = name


def compiled(fn: Callable, variables: list, *shapes: tuple) -> Callable:
    """`fn` as one compiled function of the network. shapes: one a parameter, None where the length varies, "int" for
    a whole number, "places" for indices (n,).

    `fn` is traced once (TensorFlow), once a shape (JAX), or runs as it is (PyTorch). On JAX the network's variables
    are arguments of the compiled program: as constants inside it they would be copied into every one.
    """
    return _framework.compiled(fn, variables, shapes)


def fused(fn: Callable) -> Callable:
    """A pure function of arrays as one program where starting operations one by one costs most: compiled on JAX, once
    a shape; as it is elsewhere."""
    return _framework.fused(fn)


def compiles_each_shape() -> bool:
    """Whether a compiled function is compiled anew for every length of its arguments."""
    return _framework.COMPILES_EACH_SHAPE


def gradient(fn: Callable, a: Array) -> tuple:
    """fn: a (n, ...), or several in a list -> (u (n,), anything).

    Returns (∂u_i/∂a_i (n, ...) for every sample i, in a list where a is one; u; anything).
    """
    return _framework.gradient(fn, a)


def take_graphics_card() -> None:
    """Make networks on this process's graphics card from now on: in a process forked from one that had none, which is
    how ZeroGPU lends it to PyTorch. Without a card they stay on the processor.
    """
    import_module(f"{__name__}.torch").take_graphics_card()


def out_of_memory(fault: BaseException) -> bool:
    """Whether an exception says that the device's memory is exhausted."""
    words = f"{type(fault).__name__} {fault}"
    return any(sign in words for sign in SHORT_OF_MEMORY)


def fetch(value: Array) -> Array:
    """The value as a NumPy array, once it is computed."""
    return np.asarray(ops.convert_to_numpy(value))


def fetch_all(values: Array) -> list:
    """Several as NumPy arrays, waited for once."""
    return [fetch(value) for value in _framework.computed(list(values))]


def on_device(value: Array) -> Array:
    """The array where the network computes, float32: handed over once, however often it is used."""
    return ops.convert_to_tensor(value, "float32")


def flow(fn: Callable, shape: tuple[int, ...]) -> tuple:
    """The graph of one pass through the network, for finding which layers cut it.

    fn: x -> (output, list of inner values). shape: that of one input, without the batch.
    Returns (count, edges, source, output, inner): nodes are 0 .. count − 1, every edge (u, v) has u < v; source,
    output and each of `inner` are nodes (an inner one is None where it does not depend on x at all).
    """
    return _framework.flow(fn, (1, *shape))


set_precision(_precision)
