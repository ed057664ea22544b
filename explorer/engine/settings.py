"""Everything that can be chosen of an explanation, each setting said once.

A setting is one field of Settings: its name, default, help and choices are said there, and the command line, the page's
controls, the settings in saved files and the key of the cache are derived from it. No framework is imported here.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from explorer.attribution import heatmaps
from explorer.attribution.methods import DEFAULT, METHODS, Options
from explorer.attribution.methods.variants import METHODS_GROUP, setting, settings_of
from explorer.engine.baselines import canonical
from explorer.errors import InputError

MAX_STEPS = 10_000
AUTO = "auto"
QUESTION, PATH, HEATMAP = "Question", "Path from the baseline to the picture", "Heatmap"
GROUPS = (QUESTION, PATH, METHODS_GROUP, HEATMAP)  # the order in which the command line lists the settings


def number(text: str) -> float | str:
    """A whole number or another, from the command line; a word is left to be checked with the rest."""
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            pass
    return text


def listed(text: str) -> tuple:
    """Words with commas between."""
    return tuple(dict.fromkeys(word.strip() for word in text.split(",") if word.strip()))


@dataclass(frozen=True, kw_only=True, eq=False)
class Settings(Options):
    """Everything that can be chosen of an explanation, network and image aside. Settings of equal content are equal.

    layers: names; None among them is the default layer. class_index: an index, a class's name, or None, the most
    probable. baseline: see `explorer.engine.baselines`. steps: m, so T = m + 1 evenly spaced points, or "auto": points
    are placed where the maps need them, until the estimated error of every map and the completeness gap are at most
    `tolerance`, or as many points as can be held have been asked for. methods: keys of METHODS. epsilon: of the
    normalisation, (26). score: a key of SCORES, by default the probability. The rest: see
    `explorer.attribution.methods.Options`. Raises InputError for anything a person can get wrong.
    """

    layers: tuple[str | None, ...] = setting(
        (None,),
        help="which layer's map; else the last that separates input from output",
        group=QUESTION,
        option="layer",
    )
    class_index: int | str | None = setting(
        None, help="which class, by name or index; else the most probable", group=QUESTION, option="class"
    )
    score: str | None = setting(
        None, help="probability (if nothing is said), probability-naive, logit or log-probability", group=QUESTION
    )
    baseline: Any = setting(
        "black",
        help="black, white, grey, blurred:10, uniform-noise:7, gaussian-noise:7, colour:#ff8800 or a picture file",
        group=PATH,
    )
    steps: int | str = setting(
        50,
        help="how many along the path; auto: as many as the tolerance needs, where they are needed",
        group=PATH,
        parse=number,
    )
    tolerance: float = setting(
        0.005,
        help="of automatic steps: the estimated error of every map at which they stop",
        group=PATH,
        parse=number,
    )
    methods: tuple[str, ...] = setting(DEFAULT, help="which, with commas between: " + ", ".join(METHODS), parse=listed)
    epsilon: float = setting(
        1e-8, help="the number that keeps the normalisation from dividing by zero", group=HEATMAP, parse=number
    )

    def __post_init__(self):
        super().__post_init__()
        self._set(
            layers=(self.layers,) if isinstance(self.layers, str) or self.layers is None else tuple(self.layers),
            methods=check_methods(self.methods),
            epsilon=heatmaps.check_epsilon(self.epsilon),
            steps=check_steps(self.steps),
            tolerance=check_tolerance(self.tolerance),
        )
        if self.automatic and (self.quadrature != "trapezoid" or not self.endpoint):
            raise InputError(
                "Automatic steps bring the sum that suits them, so quadrature and endpoint go with a number of steps "
                f"only; received steps='auto' with quadrature={self.quadrature!r} and endpoint={self.endpoint!r}."
            )

    @property
    def automatic(self) -> bool:
        """Whether points are placed as the tolerance needs them."""
        return self.steps == AUTO

    @property
    def options(self) -> Options:
        """The variants of the methods."""
        return Options(**{name: getattr(self, name) for name in settings_of(Options)})

    @property
    def settings(self) -> dict[str, Any]:
        """{name: value} of every setting, from which equal Settings can be made."""
        return {name: getattr(self, name) for name in settings_of(Settings)}

    @property
    def content(self) -> tuple[tuple[str, str], ...]:
        """What tells two of them apart, hashable."""
        return tuple((self.settings | {"baseline": canonical(self.baseline)}).items())

    def __eq__(self, other):
        return type(other) is type(self) and other.content == self.content

    def __hash__(self):
        return hash(self.content)

    def _set(self, **values):
        for name, value in values.items():
            object.__setattr__(self, name, value)


def check_steps(steps: int) -> int:
    if isinstance(steps, str) and steps == AUTO:
        return steps
    whole = isinstance(steps, int | np.integer) or (isinstance(steps, float) and steps.is_integer())
    if isinstance(steps, bool) or not whole or not 1 <= steps <= MAX_STEPS:
        raise InputError(
            f"The number of steps is a whole number from 1 to {MAX_STEPS:,}, or 'auto'; received {steps!r}."
        )
    return int(steps)


def check_tolerance(tolerance: float) -> float:
    is_number = isinstance(tolerance, int | float | np.number) and not isinstance(tolerance, bool)
    if not is_number or not 0 < tolerance < 1:
        raise InputError(f"The tolerance of automatic steps is a number between 0 and 1; received {tolerance!r}.")
    return float(tolerance)


def check_methods(methods: tuple[str, ...]) -> tuple[str, ...]:
    methods = (methods,) if isinstance(methods, str) else tuple(methods)
    unknown = [key for key in methods if key not in METHODS]
    if unknown or not methods:
        raise InputError(f"The methods are some of {', '.join(METHODS)}; received {unknown or 'none'}.")
    return methods
