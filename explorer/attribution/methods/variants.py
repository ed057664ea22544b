"""The published variants of the methods, as one small value; and how a setting is declared."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import MISSING, dataclass, field, fields
from typing import TYPE_CHECKING, Any

from explorer.attribution.quadrature import RULES
from explorer.errors import InputError

if TYPE_CHECKING:
    from dataclasses import Field


# Integrated Grad-CAM as it was published, and as its authors' notebook computes it
INTEGRATED = {
    "published": {"subtract_baseline": True, "endpoint": True},
    "notebook": {"subtract_baseline": False, "endpoint": False},
}

METHODS_GROUP = "Methods"


def setting(
    default: Any = MISSING,
    *,
    help: str,
    label: str | None = None,
    choices: tuple | None = None,
    group: str = METHODS_GROUP,
    parse: Callable[[str], Any] = str,
    option: str | None = None,
) -> Any:
    """A dataclass field that a person may choose. Command line, page and files are derived from what is said here.

    help: a phrase for the command line, without the default. label: on the page; None where the page has a control of
    its own making. choices: the values allowed, each a string; None where there are others. group: the heading under
    which the command line lists it. parse: text -> value, for the command line. option: its name there, by default its
    own; "" where it is part of another option.
    """
    metadata = {"help": help, "label": label, "choices": choices, "group": group, "parse": parse, "option": option}
    return field(default=default, metadata=metadata)


def settings_of(kind: type) -> dict[str, Field]:
    """{name: Field} of the settings of a dataclass."""
    return {one.name: one for one in fields(kind) if "help" in one.metadata}


def integrated(variant: str) -> dict[str, bool]:
    """The options of a variant of Integrated Grad-CAM, by its name."""
    if variant not in INTEGRATED:
        raise InputError(f"Integrated Grad-CAM is one of {', '.join(INTEGRATED)}; received {variant!r}.")
    return INTEGRATED[variant]


@dataclass(frozen=True, kw_only=True)
class Options:
    """gradients: Grad-CAM averages the gradients as they are, (1), or their positive part, (2).
    units: RSI-Grad-CAM averages the integrated gradients of "all" units, (19), of their "positive" part, (20),
        or of "selected" units only (section 4.1 of the paper, the authors' default).
    quadrature: how RSI-Grad-CAM's integral is summed; see `explorer.attribution.quadrature.stieltjes`.
    subtract_baseline, endpoint: Integrated Grad-CAM as published subtracts A(0) and samples α = 1/m .. 1; the
        authors' notebook does neither (with endpoint=False it samples α = 0 .. (m−1)/m).
    Where points are placed adaptively, the sums are weighted to suit them, whatever quadrature and endpoint say.
    """

    gradients: str = setting(
        "raw", help="of Grad-CAM: raw or positive", label="Gradients (Grad-CAM)", choices=("raw", "positive")
    )
    units: str = setting(
        "selected",
        help="of RSI-Grad-CAM: selected, positive or all",
        label="Units (RSI-Grad-CAM)",
        choices=("selected", "positive", "all"),
    )
    quadrature: str = setting(
        "trapezoid",
        help="of RSI-Grad-CAM: trapezoid or right",
        label="Quadrature of the other integrals",
        choices=RULES,
    )
    subtract_baseline: bool = setting(True, help="of Integrated Grad-CAM: whether A(0) is subtracted", option="")
    endpoint: bool = setting(True, help="of Integrated Grad-CAM: whether α = 1 is sampled, not α = 0", option="")

    def __post_init__(self):
        for name, one in settings_of(type(self)).items():
            choices = one.metadata["choices"]
            if choices and getattr(self, name) not in choices:
                raise InputError(f"{name} is one of {', '.join(choices)}; received {getattr(self, name)!r}.")
