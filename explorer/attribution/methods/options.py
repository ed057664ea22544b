"""The published variants of the methods, as one small value."""

from dataclasses import dataclass

from explorer.attribution.quadrature import RULES
from explorer.errors import InputError

# Integrated Grad-CAM as it was published, and as its authors' notebook computes it
INTEGRATED = {
    "published": {"subtract_baseline": True, "endpoint": True},
    "notebook": {"subtract_baseline": False, "endpoint": False},
}
CHOICES = {"gradients": ("raw", "positive"), "units": ("selected", "positive", "all"), "quadrature": RULES}


def integrated(variant):
    """The options of a variant of Integrated Grad-CAM, by its name."""
    if variant not in INTEGRATED:
        raise InputError(f"Integrated Grad-CAM is one of {', '.join(INTEGRATED)}; received {variant!r}.")
    return INTEGRATED[variant]


@dataclass(frozen=True)
class Options:
    """gradients: Grad-CAM averages the gradients as they are, (1), or their positive part, (2).
    units: RSI-Grad-CAM averages the integrated gradients of "all" units, (19), of their "positive" part, (20),
        or of "selected" units only (section 4.1 of the paper, the authors' default).
    quadrature: how RSI-Grad-CAM's integral is summed; see `explorer.attribution.quadrature.stieltjes`.
    subtract_baseline, endpoint: Integrated Grad-CAM as published subtracts A(0) and samples α = 1/m .. 1; the
        authors' notebook does neither (with endpoint=False it samples α = 0 .. (m−1)/m).
    Where points are placed automatically, the sums are weighted to suit them, whatever quadrature and endpoint say.
    """

    gradients: str = "raw"
    units: str = "selected"
    quadrature: str = "trapezoid"
    subtract_baseline: bool = True
    endpoint: bool = True

    def __post_init__(self):
        for name, choices in CHOICES.items():
            if getattr(self, name) not in choices:
                raise InputError(f"{name} is one of {', '.join(choices)}; received {getattr(self, name)!r}.")
