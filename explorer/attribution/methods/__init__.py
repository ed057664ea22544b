"""The methods, each its equation over a Path. METHODS is the registry that everything reads.

A path method is what it integrates over what, ∫ f dg, and what it makes of the integral; on a whole path
`METHODS[key](path)` does both. A new method is a file beside these and a line in METHODS.
"""

from explorer.attribution.methods.base import Curve, MaskMethod, Method, PathMethod, PointMethod
from explorer.attribution.methods.cam import CAM
from explorer.attribution.methods.grad_cam import GRAD_CAM
from explorer.attribution.methods.grad_cam_plus_plus import GRAD_CAM_PLUS_PLUS
from explorer.attribution.methods.integrated_grad_cam import INTEGRATED_GRAD_CAM
from explorer.attribution.methods.integrated_gradients import INTEGRATED_GRADIENTS, LAYER_INTEGRATED_GRADIENTS
from explorer.attribution.methods.internal_influence import INTERNAL_INFLUENCE
from explorer.attribution.methods.layer_conductance import LAYER_CONDUCTANCE
from explorer.attribution.methods.rsi_grad_cam import RSI_GRAD_CAM
from explorer.attribution.methods.score_cam import SCORE_CAM
from explorer.attribution.methods.sise import ADA_SISE, SISE
from explorer.attribution.methods.variants import Options

METHODS = {
    method.key: method
    for method in (
        CAM,
        GRAD_CAM,
        GRAD_CAM_PLUS_PLUS,
        INTEGRATED_GRADIENTS,
        LAYER_INTEGRATED_GRADIENTS,
        LAYER_CONDUCTANCE,
        INTERNAL_INFLUENCE,
        INTEGRATED_GRAD_CAM,
        RSI_GRAD_CAM,
        SCORE_CAM,
        SISE,
        ADA_SISE,
    )
}
DEFAULT = (GRAD_CAM.key, INTEGRATED_GRAD_CAM.key, RSI_GRAD_CAM.key)

__all__ = ["DEFAULT", "METHODS", "Curve", "MaskMethod", "Method", "Options", "PathMethod", "PointMethod"]
