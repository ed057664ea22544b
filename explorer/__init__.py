"""RSI Explorer: visual explanations of convolutional networks, side by side.

    import explorer
    classifier = explorer.load("toy-vgg")
    result = explorer.explain(classifier, "picture.png")
    result["rsi_grad_cam"].heatmap
"""

import os

from explorer.errors import InputError
from explorer.stderr import quietly

# TensorFlow leaves this off on processors without AVX-512, where it still makes the backward pass of a convolution as
# fast as the forward one, and networks with the channels first run at all. Read when TensorFlow is imported.
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")

with quietly():  # the notes of the libraries below on the hardware they did not find
    from explorer.attribution.methods import METHODS
    from explorer.engine.baselines import BASELINES
    from explorer.engine.run import explain, explain_layers
    from explorer.models import MODELS, from_model, load

__all__ = ["BASELINES", "METHODS", "MODELS", "InputError", "explain", "explain_layers", "from_model", "load"]
