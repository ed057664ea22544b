"""The path played back: what a held path says at each of its points. The network is not asked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from explorer.arrays import Array
from explorer.attribution.methods import METHODS, Curve, PathMethod
from explorer.attribution.path import Path
from explorer.errors import InputError
from explorer.network import output_head
from explorer.network.backend import fetch

if TYPE_CHECKING:
    from explorer.engine.result import Result


MAX_STOPS = 129  # stops: more cannot be told apart on a slider
WHOLE = "rsi_grad_cam"  # whose integral, summed over all units, is the change of the score (14)


@dataclass(frozen=True, eq=False)
class Playback:
    """A path at S of its points, both ends among them, in order.

    cams: for every method of the Result that is about the layer along the path, its raw map at each stop. One that
    integrates shows what its final map has collected so far: the integral over 0..α, made into a map with the two ends
    of the *whole* path, A(0) and A(1). It stands still wherever the integral does, above all in the flat zone, where
    the map of a path that ended at α would go on growing with A(α) though nothing is collected any more. At α = 1 it is
    the Result's own map. One that looks at the picture alone shows that map of the interpolated picture.
    """

    places: Array  # (S,) which points of the path
    alphas: Array  # (S,)
    scores: Array  # (S,)       y(α)
    gradients: Array  # (S,)       ‖∂y/∂A(α)‖, over all units
    increments: Array  # (S − 1,)   ‖A(α_s) − A(α_{s−1})‖
    collected: Array  # (S,)       Σ of the integrated gradients of all units over 0..α
    probabilities: Array  # (S, C)     of every class
    cams: Mapping[str, Array]  # {method: (S, h, w)}

    @property
    def steepest(self) -> int:
        """The stop at which the gradient is largest; NaN, of a network that overflowed, is none."""
        return int(np.nan_to_num(self.gradients, nan=-1, posinf=-1).argmax())

    def likeliest(self, stop: int, count: int = 5) -> list[tuple[int, float]]:
        """[(class index, p)] of the most probable classes of the interpolated picture, the first the most probable."""
        order = np.argsort(-self.probabilities[stop], kind="stable")[:count]
        return [(int(index), float(self.probabilities[stop, index])) for index in order]

    def scale(self, key: str) -> tuple[float, float]:
        """(low, high) of the raw values between which a method's colours run at every stop, so that they can be
        compared along the path: those of the final map; the greatest of any stop where the method looks at each
        picture alone, or where the final map is blank."""
        cams = self.cams[key]
        last = cams[-1]
        if METHODS[key].at_image_only or not last.any():
            finite = cams[np.isfinite(cams)]
            return 0.0, float(finite.max(initial=0.0))
        return float(last.min()), float(last.max())


def playback(result: Result, most: int = MAX_STOPS) -> Playback:
    """A Result's path at no more than `most` (at least two) of its points, evenly taken where there are more.

    Raises InputError where the activations and gradients along the path were not kept with the result.
    """
    path = result.path
    if not path.held:
        raise InputError(
            "A path can be played where the activations along it are kept, and those of this one take too much room "
            "or lie on a card that was lent: choose a later layer, fewer steps, or a machine of your own."
        )
    path = path.numpy()
    places = np.unique(np.linspace(0, len(path.alphas) - 1, min(most, len(path.alphas))).round().astype(int))
    collected, cams = _cumulative(result, path, places)
    logits = path.logits[places]
    return Playback(
        places=places,
        alphas=path.alphas[places].astype(np.float64),
        scores=path.scores[places].astype(np.float64),
        gradients=np.array([norm(path.gradients[place]) for place in places]),
        increments=np.array([norm(path.activations[b] - path.activations[a]) for a, b in pairwise(places)]),
        collected=collected,
        probabilities=output_head.probabilities(result.classifier.kind, logits),
        cams=cams,
    )


def norm(values: Array) -> float:
    """The Euclidean norm in float64, scaled: the squares of vanished gradients are too small even for that."""
    values = np.asarray(values, np.float64).ravel()
    largest = np.abs(values).max(initial=0.0)
    return float(largest * np.linalg.norm(values / largest)) if largest > 0 else float(largest)


def _cumulative(result, path, places):
    """(Σ IG up to each stop (S,), {method: raw maps (S, h, w)}). Integrals over consecutive parts add up."""
    options, start = result.question.options, path.activations[0]
    played = [key for key in result.cams if METHODS[key].curve is Curve.LAYER]
    integrated = [key for key in dict.fromkeys((*played, WHOLE)) if isinstance(METHODS[key], PathMethod)]
    ends, sums = path.ends, dict.fromkeys(integrated, 0.0)
    collected, cams = [0.0], {key: [] for key in played}
    for before, here in pairwise([0, *places]):
        if here > before:
            part = path.part(slice(before, here + 1))
            sums = {key: sums[key] + METHODS[key].integral(part, start, options) for key in sums}
            collected.append(float(fetch(sums[WHOLE]).astype(np.float64).sum()))
        for key in played:
            if key not in sums:
                cams[key].append(fetch(METHODS[key].cam(_at(path, here), options)))
            elif here == 0:  # nothing has been collected yet
                cams[key].append(np.zeros(start.shape[:2], np.float32))
            else:
                cams[key].append(fetch(METHODS[key].cam(sums[key], ends, options)))
    for key in played:
        cams[key][-1] = result.cams[key]  # the same but for the order in which floats were added
    return np.array(collected), {key: np.stack(maps) for key, maps in cams.items()}


def _at(path, point):
    """The Path that stays at one of its points."""
    return Path(*(values[[point, point]] for values in (path.alphas, path.activations, path.gradients)))
