"""RSI Explorer: visual explanations of convolutional networks, side by side.

    import explorer
    classifier = explorer.load("toy-vgg")
    result = explorer.explain(classifier, "picture.png")
    result["rsi_grad_cam"].heatmap
"""

from explorer.errors import InputError
from explorer.quiet import quietly

with quietly():  # the notes of the libraries below on the hardware they did not find
    from explorer.baselines import BASELINES
    from explorer.explain import explain
    from explorer.methods import METHODS
    from explorer.zoo import MODELS, from_model, load

__all__ = ["BASELINES", "METHODS", "MODELS", "InputError", "explain", "from_model", "load"]
