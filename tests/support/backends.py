"""Other backends than the one that runs here: a Python that has one, and what is compared."""

import importlib.util
import os
import sys

import numpy as np
import pytest
from keras import ops

from explorer.network import backend


def parts():
    """What `gradient` and `compiled` make of a convolution, a pooling and a softmax: (∂u/∂a, u, their sum compiled)."""
    rng = np.random.default_rng(9)
    a, kernel = (rng.normal(size=size).astype(np.float32) for size in ((3, 8, 9, 4), (3, 3, 4, 5)))

    def u_of(a):
        maps = ops.max_pool(ops.relu(ops.conv(a, kernel, padding="same")), 2, strides=2)
        values = ops.log_softmax(ops.mean(maps, axis=(1, 2)))
        return values[:, 2], maps

    def both(a, factor):
        slopes, u, maps = backend.gradient(u_of, a)
        return ops.cast(factor, "float32") * ops.sum(slopes, axis=3) + ops.reshape(u, (-1, 1, 1)) + ops.mean(maps)

    slopes, u, _ = backend.gradient(u_of, ops.convert_to_tensor(a))
    compiled = backend.compiled(both, [], (None, 8, 9, 4), "int")
    return [backend.fetch(value) for value in (slopes, u, compiled(a, 3))]


def python_with(name):
    """The Python that has a backend: this one, or the one an environment variable such as PYTHON_WITH_JAX names."""
    elsewhere = os.environ.get(f"PYTHON_WITH_{name.upper()}")
    if elsewhere:
        return elsewhere
    if importlib.util.find_spec(name) is None:
        pytest.skip(f"{name} is not installed here, so Keras cannot run on it; `pip install {name}` to test it too")
    return sys.executable
