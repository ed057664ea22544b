"""Layer conductance (Shrikumar 2018): the integral of RSI-Grad-CAM, (18) of the paper, unit by unit."""

from explorer.attribution.methods.base import PathMethod
from explorer.attribution.methods.integrated_gradients import cam
from explorer.attribution.methods.rsi_grad_cam import integrand

LAYER_CONDUCTANCE = PathMethod(
    key="layer_conductance",
    label="Layer conductance",
    hint="units, along the path",
    about="Each unit's gradient integrated over its own change along the path: what flows through it.",
    integrand=integrand,
    cam=cam,
)
