"""What was asked, checked: every mistake a person can make is told before the network runs."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from explorer.attribution import heatmaps
from explorer.attribution.methods import METHODS, Options
from explorer.attribution.path import Array
from explorer.engine.applicability import require
from explorer.engine.baselines import canonical, make_baseline
from explorer.engine.images import fit, load_image
from explorer.errors import InputError
from explorer.network.layers import Layer

MOST_STEPS = 10_000
AUTO = "auto"


@dataclass(frozen=True, eq=False)
class Request:
    classifier: Any
    layers: tuple[Layer, ...]
    class_index: int | None  # None: the most probable
    picture: Array  # (H, W, 3) uint8, as the network sees it
    baseline: str  # as it is written in settings
    baseline_picture: Array  # (H, W, 3) uint8, or float32 where it is class-neutral
    steps: int | str  # m, or "auto"
    tolerance: float  # of automatic steps
    score: str
    methods: tuple[str, ...]
    options: Options
    epsilon: float

    @property
    def automatic(self):
        return self.steps == AUTO


def request(classifier, image, layers, class_index, baseline, steps, tolerance, methods, epsilon, score, options):
    """The Request of what `explorer.explain` is given; raises InputError for what cannot be."""
    methods, epsilon = check_methods(methods), heatmaps.check_epsilon(epsilon)
    steps, tolerance = check_steps(steps), check_tolerance(tolerance)
    if steps == AUTO and (options.quadrature != "trapezoid" or not options.endpoint):
        raise InputError(
            "Automatic steps bring the sum that suits them, so quadrature and endpoint go with a number of steps only; "
            f"received steps='auto' with quadrature={options.quadrature!r} and endpoint={options.endpoint!r}."
        )
    score = classifier.score(score).key
    layers = tuple(dict.fromkeys(classifier.layer(layer) for layer in layers))
    picture = fit(load_image(image), *classifier.input_size)
    baseline_picture = make_baseline(baseline, picture)
    require(methods, classifier, layers)
    index = None if class_index is None else classifier.class_index(class_index)
    return Request(
        classifier,
        layers,
        index,
        picture,
        canonical(baseline),
        baseline_picture,
        steps,
        tolerance,
        score,
        methods,
        options,
        epsilon,
    )


def check_steps(steps):
    if isinstance(steps, str) and steps == AUTO:
        return steps
    whole = isinstance(steps, int | np.integer) or (isinstance(steps, float) and steps.is_integer())
    if isinstance(steps, bool) or not whole or not 1 <= steps <= MOST_STEPS:
        raise InputError(
            f"The number of steps is a whole number from 1 to {MOST_STEPS:,}, or 'auto'; received {steps!r}."
        )
    return int(steps)


def check_tolerance(tolerance):
    number = isinstance(tolerance, int | float | np.number) and not isinstance(tolerance, bool)
    if not number or not 0 < tolerance < 1:
        raise InputError(f"The tolerance of automatic steps is a number between 0 and 1; received {tolerance!r}.")
    return float(tolerance)


def check_methods(methods):
    methods = (methods,) if isinstance(methods, str) else tuple(methods)
    unknown = [key for key in methods if key not in METHODS]
    if unknown or not methods:
        raise InputError(f"The methods are some of {', '.join(METHODS)}; received {unknown or 'none'}.")
    return methods
