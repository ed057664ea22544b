"""The methods on the screen: each is its equation over a LayerPath. METHODS is the registry everything reads.

A method is what it integrates over what, ∫ f dg, and what it makes of the integral. In these two parts a path too long
for memory can be summed stretch by stretch, and one whose points are still being placed can be asked which of them are
missing. On a whole path, `METHODS[key](path)` does both. A few methods show the network masked pictures instead.
"""

from explorer.attribution.methods import (
    cam,
    grad_cam,
    grad_cam_plus_plus,
    integrated_grad_cam,
    integrated_gradients,
    rsi_grad_cam,
    score_cam,
    sise,
)
from explorer.attribution.methods.base import PATHS, Masking, Method
from explorer.attribution.methods.options import Options

# ∫ ∂y/∂A dA, summed over the channels
UNITS = {"cam": integrated_gradients.cam, "integrand": integrated_gradients.integrand}

METHODS = {
    method.key: method
    for method in (
        Method(
            "cam",
            "CAM",
            "the final Dense layer's weights",
            "Channels weighted as the network's final Dense layer weighs their means.",
            cam.cam,
            path="logit",
            objection=cam.objection,
        ),
        Method(
            "grad_cam",
            "Grad-CAM",
            "gradients at the picture alone",
            "Channels weighted by their mean gradient at the picture itself.",
            grad_cam.cam,
        ),
        Method(
            "grad_cam_plus_plus",
            "Grad-CAM++",
            "positive gradients at the picture, shared out",
            "Channels weighted by their positive gradients at the picture, less where they add up to much.",
            grad_cam_plus_plus.cam,
        ),
        Method(
            "integrated_gradients",
            "Integrated Gradients",
            "pixels, along the path",
            "Each pixel's gradient integrated over its own change along the path.",
            **UNITS,
            path="input",
        ),
        Method(
            "layer_integrated_gradients",
            "Layer IG",
            "units, along a straight line between the layer's ends",
            "Each unit's gradient integrated along a straight line from its value at the baseline to that at the "
            "picture.",
            **UNITS,
            path="straight",
        ),
        Method(
            "layer_conductance",
            "Layer conductance",
            "units, along the path",
            "Each unit's gradient integrated over its own change along the path: what flows through it.",
            **UNITS,
        ),
        Method(
            "internal_influence",
            "Internal influence",
            "units, mean gradient along the path",
            "Each unit's mean gradient along the path, whatever its own values.",
            integrated_gradients.cam,
            integrated_gradients.influence,
        ),
        Method(
            "integrated_grad_cam",
            "Integrated Grad-CAM",
            "Grad-CAM averaged along the path",
            "The average of Grad-CAM maps along the path from the baseline to the picture.",
            integrated_grad_cam.cam,
            integrated_grad_cam.integrand,
            integrated_grad_cam.rule,
        ),
        Method(
            "rsi_grad_cam",
            "RSI-Grad-CAM",
            "Riemann-Stieltjes integrated gradients",
            "Channels weighted by their gradient integrated over the change of their own activations.",
            rsi_grad_cam.cam,
            rsi_grad_cam.integrand,
        ),
        Method(
            "score_cam",
            "Score-CAM",
            "no gradient: the picture seen through each channel",
            "Channels weighted by the score of the picture seen through each of them.",
            path="masks",
            masking=Masking(score_cam.masks, score_cam.layer_map),
        ),
        Method(
            "sise",
            "SISE",
            "the picture seen through the maps of every block",
            "Maps of every block with a positive mean gradient, weighted by the score of the picture seen through each "
            "of them, fused from shallow to deep.",
            path="masks",
            masking=Masking(sise.masks, sise.layer_map, sise.fuse),
        ),
        Method(
            "ada_sise",
            "Ada-SISE",
            "SISE with fewer maps, chosen by Otsu's threshold",
            "SISE with the maps of each block whose mean gradients stand out from the rest.",
            path="masks",
            masking=Masking(sise.adaptive_masks, sise.layer_map, sise.fuse),
        ),
    )
}
DEFAULT = ("grad_cam", "integrated_grad_cam", "rsi_grad_cam")

__all__ = ["DEFAULT", "METHODS", "PATHS", "Masking", "Method", "Options"]
