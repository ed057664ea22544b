"""The arrays that the functions exchange, named by what their axes are.

Array is an array of NumPy or a tensor of the framework that Keras runs on; the others say the axes of an Array:

    N  images        T  points of the path       H, W  pixels of the image      h, w  places of a layer
    K  units         C  classes                  M     masks                    c     channels of the image
"""

from typing import Annotated, Any, TypeAlias

Array: TypeAlias = Any

Image: TypeAlias = Annotated[Array, "H W c"]
Images: TypeAlias = Annotated[Array, "N H W c"]
Features: TypeAlias = Annotated[Array, "h w K"]  # activations, gradients or integrals of one layer at one image
PathFeatures: TypeAlias = Annotated[Array, "T h w K"]  # the same at every point of the path
UnitWeights: TypeAlias = Annotated[Array, "K"]  # the weight of every unit in a map
Cam: TypeAlias = Annotated[Array, "h w"]  # a raw map, at the resolution of the layer
Heatmap: TypeAlias = Annotated[Array, "H W"]  # in [0, 1], at the resolution of the image
Overlay: TypeAlias = Annotated[Array, "H W 3"]  # uint8
Masks: TypeAlias = Annotated[Array, "M H W"]  # in [0, 1]
Points: TypeAlias = Annotated[Array, "T"]  # one number a point of the path: α, a score
Logits: TypeAlias = Annotated[Array, "C"]  # of one image; probabilities where the logits cannot be had
BatchLogits: TypeAlias = Annotated[Array, "N C"]
