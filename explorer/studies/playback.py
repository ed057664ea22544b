"""The path played back: what a held path says at each of its points. The network is not asked."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from itertools import pairwise

import numpy as np

from explorer.attribution.methods import METHODS, Options
from explorer.attribution.path import Array, LayerPath
from explorer.engine.adaptive import Points
from explorer.errors import InputError
from explorer.network import output_head
from explorer.network.backend import fetch

MOST = 129  # stops: more cannot be told apart on a slider
WHOLE = "rsi_grad_cam"  # whose integral, summed over all units, is the change of the score (14)


@dataclass(frozen=True, eq=False)
class Playback:
    """A path at S of its points, both ends among them, in order.

    cams: for every method of the Comparison that is about the layer along the path, its raw map at each stop. One that
    integrates shows what its final map has collected so far: the integral over 0..α, made into a map with the two ends
    of the *whole* path, A(0) and A(1). It stands still wherever the integral does, above all in the flat zone, where
    the map of a path that ended at α would go on growing with A(α) though nothing is collected any more. At α = 1 it is
    the Comparison's own map. One that looks at the picture alone shows that map of the interpolated picture.
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
    def steepest(self):
        """The stop at which the gradient is largest; NaN, of a network that overflowed, is none."""
        return int(np.nan_to_num(self.gradients, nan=-1, posinf=-1).argmax())

    def likeliest(self, stop, count=5):
        """[(class index, p)] of the most probable classes of the interpolated picture, the first the most probable."""
        order = np.argsort(-self.probabilities[stop], kind="stable")[:count]
        return [(int(index), float(self.probabilities[stop, index])) for index in order]

    def scale(self, key):
        """(low, high) of the raw values between which a method's colours run at every stop, so that they can be
        compared along the path: those of the final map; the greatest of any stop where the method looks at each
        picture alone, or where the final map is blank."""
        cams = self.cams[key]
        last = cams[-1]
        if METHODS[key].at_picture_only or not last.any():
            finite = cams[np.isfinite(cams)]
            return 0.0, float(finite.max(initial=0.0))
        return float(last.min()), float(last.max())


def playback(comparison, most=MOST):
    """A Comparison's path at no more than `most` (at least two) of its points, evenly taken where there are more.

    Raises InputError where the activations and gradients along the path were not kept with the result.
    """
    path = comparison.path
    if path.on_device is None:
        raise InputError(
            "A path can be played where the activations along it are kept, and those of this one take too much room "
            "or lie on a card that was lent: choose a later layer, fewer steps, or a machine of your own."
        )
    activations, gradients = path.activations, path.gradients
    places = np.unique(np.linspace(0, len(path.alphas) - 1, min(most, len(path.alphas))).round().astype(int))
    collected, cams = _cumulative(comparison, activations, gradients, places)
    values = path.values[places]
    return Playback(
        places=places,
        alphas=path.alphas[places].astype(np.float64),
        scores=path.scores[places].astype(np.float64),
        gradients=np.array([norm(gradients[place]) for place in places]),
        increments=np.array([norm(activations[b] - activations[a]) for a, b in pairwise(places)]),
        collected=collected,
        probabilities=output_head.probabilities(comparison.classifier.kind, values),
        cams=cams,
    )


def norm(values):
    """The Euclidean norm in float64, scaled: the squares of vanished gradients are too small even for that."""
    values = np.asarray(values, np.float64).ravel()
    largest = np.abs(values).max(initial=0.0)
    return float(largest * np.linalg.norm(values / largest)) if largest > 0 else float(largest)


def options_of(comparison):
    """The variants of the methods that were asked for."""
    return Options(**{one.name: comparison.settings[one.name] for one in fields(Options)})


def _cumulative(comparison, activations, gradients, places):
    """(Σ IG up to each stop (S,), {method: raw maps (S, h, w)}). Integrals over consecutive stretches add up."""
    options, path = options_of(comparison), comparison.path
    shown = [key for key in comparison.cams if METHODS[key].path == "layer"]
    whole = Points(None, activations[[0, -1]], gradients[[0, -1]])
    sums = {key: 0.0 for key in dict.fromkeys((*shown, WHOLE)) if METHODS[key].integrand}
    collected, cams = [0.0], {key: [] for key in shown}
    for before, here in pairwise([0, *places]):
        if here > before:
            stretch = _stretch(path, activations, gradients, before, here)
            sums = {key: sums[key] + METHODS[key].integral(stretch, activations[0], options) for key in sums}
            collected.append(float(fetch(sums[WHOLE]).astype(np.float64).sum()))
        at_point = Points(None, activations[here : here + 1], gradients[here : here + 1])
        for key in shown:
            cams[key].append(_cam(METHODS[key], here, sums.get(key), whole, at_point, options))
    for key in shown:
        cams[key][-1] = comparison.cams[key]  # the same but for the order in which floats were added
    return np.array(collected), {key: np.stack(maps) for key, maps in cams.items()}


def _cam(method, here, integral, whole, at_point, options):
    if method.integrand is None:
        return fetch(method.cam(None, at_point, options))
    if here == 0:  # nothing has been collected yet
        return np.zeros(whole.activations.shape[1:3], np.float32)
    return fetch(method.cam(integral, whole, options))


def _stretch(path, activations, gradients, first, last):
    """The points from one stop to the next."""
    points, shares = slice(first, last + 1), path.shares
    return LayerPath(
        path.alphas[points],
        activations[points],
        gradients[points],
        path.scores[points],
        None if shares is None else shares[first:last],
    )
