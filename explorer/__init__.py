"""RSI Explorer: visual explanations of convolutional networks, side by side.

    import explorer
    classifier = explorer.load("toy-vgg")
    result = explorer.explain(classifier, "picture.png")
    result["rsi_grad_cam"].heatmap
"""

from explorer.baselines import BASELINES
from explorer.errors import InputError
from explorer.explain import explain
from explorer.methods import METHODS
from explorer.zoo import MODELS, load

__all__ = ["BASELINES", "METHODS", "MODELS", "InputError", "explain", "load"]
