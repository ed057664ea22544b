"""What a method is: its equation, and what it asks of a run of the network.

Three kinds. A path method integrates along a path; a point method looks at the gradient at the image; a mask method
shows the network the image through masks.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from explorer.arrays import Array
from explorer.attribution.methods.variants import Options
from explorer.attribution.quadrature import stieltjes
from explorer.errors import InputError

if TYPE_CHECKING:
    from explorer.attribution.path import Path


class Curve(Enum):
    """Which values a path method follows."""

    LAYER = "the layer's activations while the image fades in"
    INPUT = "the image itself while it fades in"
    STRAIGHT_LINE = "a straight line between the layer's activations at the two ends of the path"


@dataclass(frozen=True, kw_only=True)
class Method:
    """What methods of every kind have. objection: (a path of the logit) -> why it cannot be had there, or None."""

    key: str
    label: str
    hint: str  # a few words beside its map
    about: str  # one sentence for the page and the README table
    objection: Callable | None = None

    @property
    def at_image_only(self) -> bool:
        """Whether it looks at the gradient of the explained score where the path ends, and nowhere else."""
        return False

    @property
    def curve(self) -> Curve | None:
        """The Curve whose points give its map, the last one alone perhaps; None where it asks more of the network."""
        return None


def published_quadrature(options: Options) -> str:
    """The rule of methods that were published as an integral: the quadrature that is chosen."""
    return options.quadrature


@dataclass(frozen=True, kw_only=True)
class PathMethod(Method):
    """∫ f dg along a curve, made into a map.

    integrand: (path, A(0) (h, w, K), options) -> (f, g), values at the T points of the path.
    cam: (the integral, the two ends of the whole path, options) -> the raw map (h, w), ≥ 0.
    rule: options -> the quadrature that it was published with.
    In these parts a path too long for memory is summed piece by piece, and one whose points are still being placed
    tells which of them are missing.
    """

    integrand: Callable
    cam: Callable
    rule: Callable = published_quadrature
    curve: Curve = Curve.LAYER

    def integral(self, path: Path, start: Array | None, options: Options) -> Array:
        """∫ f dg over a part of the path; start: (h, w, K), the activations at α = 0 of the whole path."""
        return stieltjes(*self.integrand(path, start, options), path.rule(self.rule(options)))

    def __call__(self, path, options=None):
        """The raw map (h, w), ≥ 0, of a whole path."""
        options = options or Options()
        return self.cam(self.integral(path, path.activations[0], options), path, options)


@dataclass(frozen=True, kw_only=True)
class PointMethod(Method):
    """The gradient at the image, made into a map.

    cam: (a path, of which the last point is looked at, options) -> the raw map (h, w), ≥ 0.
    score: the key of the score whose gradient it is about; None: the score that is explained.
    """

    cam: Callable
    score: str | None = None

    @property
    def at_image_only(self) -> bool:
        return self.score is None

    @property
    def curve(self) -> Curve:
        return Curve.LAYER if self.at_image_only else None

    def __call__(self, path, options=None):
        """The raw map (h, w), ≥ 0, of a path that ends at the image."""
        return self.cam(path, options or Options())


@dataclass(frozen=True, kw_only=True)
class MaskMethod(Method):
    """The image shown through masks made of a layer's maps, which are weighted by the scores of what is seen.

    masks: (A (h, w, K), ∂y/∂A (h, w, K), size) -> `explorer.attribution.methods.masks.Masks`.
    layer_map: (masks, scores (n,), the score of the baseline) -> the map of one layer.
    fuse: ([layer map] from shallow to deep, size) -> the map; None for a method of the chosen layer alone.
    """

    masks: Callable
    layer_map: Callable
    fuse: Callable | None = None

    @property
    def every_block(self) -> bool:
        """Whether the last layer of every block is looked at, whichever layer is chosen."""
        return self.fuse is not None

    def __call__(self, path, options=None):
        raise InputError(
            f"{self.label} shows the network masked images, so a path alone does not give its map: "
            f"ask for it by explorer.explain(…, methods=[{self.key!r}])."
        )
