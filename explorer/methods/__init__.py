"""The methods on the screen: each is its equation over a LayerPath. METHODS is the registry everything reads.

A method is what it integrates over what, ∫ f dg, and what it makes of the integral. In these two parts a path too long
for memory can be summed stretch by stretch, and one whose points are still being placed can be asked which of them are
missing. On a whole path, `METHODS[key](path)` does both.
"""

from collections.abc import Callable
from dataclasses import dataclass

from explorer.integrals import stieltjes
from explorer.methods import grad_cam, integrated_grad_cam, rsi_grad_cam
from explorer.methods.options import Options


@dataclass(frozen=True)
class Method:
    key: str
    label: str
    about: str  # one sentence for the page and the README table
    cam: Callable  # (integral, the two ends of the path, options) -> the raw map (h, w), ≥ 0
    integrand: Callable | None = None  # (path, A(0), options) -> (f, g); None where nothing is summed along the path
    rule: Callable | None = None  # options -> the rule it was published with

    def integral(self, path, start, options):
        """∫ f dg over a stretch of the path; start: (h, w, K), the activations at α = 0 of the whole path."""
        if self.integrand is None:
            return 0.0
        return stieltjes(*self.integrand(path, start, options), path.rule(self.rule(options)))

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
            grad_cam.cam,
        ),
        Method(
            "integrated_grad_cam",
            "Integrated Grad-CAM",
            "The average of Grad-CAM maps along the path from the baseline to the picture.",
            integrated_grad_cam.cam,
            integrated_grad_cam.integrand,
            integrated_grad_cam.rule,
        ),
        Method(
            "rsi_grad_cam",
            "RSI-Grad-CAM",
            "Channels weighted by their gradient integrated over the change of their own activations.",
            rsi_grad_cam.cam,
            rsi_grad_cam.integrand,
            rsi_grad_cam.rule,
        ),
    )
}

__all__ = ["METHODS", "Method", "Options"]
