"""Attributions of units: what each number of a layer, or each pixel, contributes; shown as the sum over channels.

Integrated Gradients (Sundararajan 2017), equations (6), (7) of the paper, of the picture; layer integrated gradients,
(8)-(10) and (22); layer conductance (Shrikumar 2018), which is the integral of RSI-Grad-CAM, (18), unit by unit;
internal influence (Leino 2018).

All but the last are the one integral ∫ ∂y/∂A dA, and differ in what A is and which way it takes.
"""

from explorer.attribution import ops
from explorer.attribution.methods.rsi_grad_cam import integrand

__all__ = ["cam", "influence", "integrand"]


def influence(path, start, options):
    """∂y/∂A (T, h, w, K), over α (T,): the mean gradient along the path, (1/m) Σ_ℓ ∂y/∂A(α_ℓ)"""
    return path.gradients, path.alphas


def cam(integral, ends, options):
    """ReLU(Σ_k of the integral), (..., h, w, K)  ->  (..., h, w): what speaks for the class at a place, all in all."""
    return ops.relu(ops.sum(integral, axis=-1))
