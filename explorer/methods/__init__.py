"""The methods on the screen: each is its equation over a LayerPath. METHODS is the registry everything reads.

A method is two functions, so that a path too long for memory can be folded stretch by stretch:
`integral(path, start, options)` adds up over consecutive stretches, `cam(integral, ends, options)` turns the sum
and the two ends of the path into the map. On a whole path, `METHODS[key](path)` does both.
"""

from collections.abc import Callable
from dataclasses import dataclass

from explorer.methods import grad_cam, integrated_grad_cam, rsi_grad_cam
from explorer.methods.options import Options


@dataclass(frozen=True)
class Method:
    key: str
    label: str
    about: str  # one sentence for the page and the README table
    integral: Callable
    cam: Callable

    def __call__(self, path, options=None):
        """The raw map (h, w), ≥ 0, of a whole path."""
        options = options or Options()
        return self.cam(self.integral(path, path.activations[0], options), path, options)


METHODS = {
    method.key: method
    for method in (
        Method(
            "grad_cam",
            "Grad-CAM",
            "Channels weighted by their mean gradient at the picture itself.",
            grad_cam.integral,
            grad_cam.cam,
        ),
        Method(
            "integrated_grad_cam",
            "Integrated Grad-CAM",
            "The average of Grad-CAM maps along the path from the baseline to the picture.",
            integrated_grad_cam.integral,
            integrated_grad_cam.cam,
        ),
        Method(
            "rsi_grad_cam",
            "RSI-Grad-CAM",
            "Channels weighted by their gradient integrated over the change of their own activations.",
            rsi_grad_cam.integral,
            rsi_grad_cam.cam,
        ),
    )
}

__all__ = ["METHODS", "Method", "Options"]
