"""RSI Explorer: visual explanations of convolutional networks, side by side.

In Python:

    import explorer
    classifier = explorer.load("toy-vgg")
    result = explorer.explain(classifier, "picture.png")
    result["rsi_grad_cam"].heatmap
"""

import os
from importlib import import_module

from explorer.errors import InputError

# TensorFlow leaves this off on processors without AVX-512, where it still makes the backward pass of a convolution as
# fast as the forward one, and networks with the channels first run at all. Read when TensorFlow is imported.
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")

_PLACES = {
    "BASELINES": "explorer.engine.baselines",
    "METHODS": "explorer.attribution.methods",
    "MODELS": "explorer.models",
    "explain": "explorer.engine.run",
    "explain_layers": "explorer.engine.run",
    "from_model": "explorer.models",
    "load": "explorer.models",
}
__all__ = ["BASELINES", "METHODS", "MODELS", "InputError", "explain", "explain_layers", "from_model", "load"]


def __getattr__(name):
    """Each is imported when first used, and the framework with it."""
    if name not in _PLACES:
        raise AttributeError(f"module 'explorer' has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(_PLACES[name]), name)
    return value


def __dir__():
    return sorted({*globals(), *__all__})
