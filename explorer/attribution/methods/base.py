"""What a method is: its equation, and what it needs of the network to be worked out."""

from collections.abc import Callable
from dataclasses import dataclass

from explorer.attribution.methods.options import Options
from explorer.attribution.quadrature import stieltjes
from explorer.errors import InputError


def published_trapezoid(options):
    """The sum of methods that were published as an integral: the quadrature that is chosen."""
    return options.quadrature


@dataclass(frozen=True)
class Masking:
    """A method that shows the network the picture through masks made of a layer's maps, and weighs them by its answers.

    masks: (A (h, w, K), ∂y/∂A (h, w, K), size) -> `explorer.attribution.methods.masks.Masks`.
    layer_map: (masks, scores (n,), the score of the baseline) -> the map of one layer.
    fuse: ([layer map] from shallow to deep, size) -> the map; None for a method of the chosen layer alone.
    """

    masks: Callable
    layer_map: Callable
    fuse: Callable | None = None

    @property
    def every_block(self):
        """Whether the last layer of every block is looked at, whichever layer is chosen."""
        return self.fuse is not None


@dataclass(frozen=True)
class Method:
    key: str
    label: str
    hint: str  # a few words beside its map
    about: str  # one sentence for the page and the README table
    cam: Callable | None = None  # (integral, the two ends of the path, options) -> the raw map (h, w), ≥ 0
    integrand: Callable | None = None  # (path, A(0), options) -> (f, g); None where nothing is summed along the path
    rule: Callable = published_trapezoid  # options -> the rule it was published with
    path: str = "layer"  # of PATHS
    objection: Callable | None = None  # the two ends -> why it does not apply there, or None
    masking: Masking | None = None

    @property
    def at_picture_only(self):
        """Whether it looks at the gradient where the path ends, and nowhere else."""
        return self.integrand is None and self.path == "layer"

    def integral(self, path, start, options):
        """∫ f dg over a stretch of the path; start: (h, w, K), the activations at α = 0 of the whole path."""
        if self.integrand is None:
            return 0.0
        return stieltjes(*self.integrand(path, start, options), path.rule(self.rule(options)))

    def __call__(self, path, options=None):
        """The raw map (h, w), ≥ 0, of a whole path. Raises InputError where it takes more than a path to know it."""
        if self.masking:
            raise InputError(
                f"{self.label} shows the network masked pictures, so a path alone does not give its map: "
                f"ask for it by explorer.explain(…, methods=[{self.key!r}])."
            )
        options = options or Options()
        return self.cam(self.integral(path, path.activations[0], options), path, options)


# Which values along which path a method is about.
PATHS = {
    "layer": "the layer's activations while the picture fades in, and the gradient of the score",
    "input": "the same of the picture itself",
    "straight": "a straight line between the layer's activations at the two ends, and the gradient on it",
    "logit": "the layer's activations at the two ends, and the gradient of the logit there",
    "masks": "none: the scores of masked pictures",
}
