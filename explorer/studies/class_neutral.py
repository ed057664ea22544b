"""The class-neutral baseline: a picture near black that is, to one network, every class alike.

Lerma and Lucas, "Baseline computation for attribution methods based on interpolated inputs" (2022). From black on, the
pixels b are moved until no class stands out from the 1/N that each of N would have if all were alike:

    loss = 0.99 max_i |p_i − 1/N| + 0.01 mean (b − black)²,      RMSprop, rate 0.1, 200 steps.

b is in the units of pixels but neither whole nor kept within 0..255: it is no picture that could be displayed. Steps do
not shrink, so the loss jitters to the end: what is kept is the step of the least loss, where the published method takes
the last. Where black is nearly neutral already, the last could be further from neutral than black itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

import numpy as np

from explorer.arrays import Array
from explorer.attribution import ops
from explorer.engine.baselines import ClassNeutral
from explorer.errors import InputError, Progress
from explorer.network import backend

if TYPE_CHECKING:
    from explorer.network.classifier import Classifier


STAGE = "the class-neutral baseline"
STEPS, RATE = 200, 0.1
EVEN, NEAR = 0.99, 0.01  # how much it counts that no class stands out, and that the pixels stay near black
# RMSprop's own two. ε stands beside the root: under it, where Keras 3 has it, it outweighs the squares of gradients
# that 150,000 numbers share. MobileNetV2's greatest probability would be 0.021 after 200 steps, and not 0.0025.
DECAY, EPSILON = 0.9, 1e-7

_kept = WeakKeyDictionary()  # classifier -> its Neutral


@dataclass(frozen=True, eq=False)
class Neutral:
    """How far the optimisation has come. losses, greatest: one at black and one after each step so far."""

    pixels: Array  # (H, W, 3) float32, RGB, those of the least loss; also the difference from black, which is zero
    losses: Array  # (steps + 1,)
    greatest: Array  # (steps + 1,) the greatest probability of any class
    classes: int  # N

    @property
    def steps(self) -> int:
        return len(self.losses) - 1

    @property
    def best_step(self) -> int:
        """The step whose pixels these are."""
        return int(self.losses.argmin())

    @property
    def baseline(self) -> ClassNeutral:
        """As `explorer.explain` takes it."""
        return ClassNeutral(self.pixels)


def cached(classifier: Classifier) -> Neutral | None:
    """The Neutral of a classifier that was optimised before, or None."""
    return _kept.get(classifier)


def class_neutral(
    classifier: Classifier, progress: Progress | None = None, show: Callable[[], object] | None = None
) -> Neutral:
    """The Neutral of a classifier, optimised once and then kept as long as the classifier is.

    progress: called as progress(stage, done, total); raise `explorer.errors.Cancelled` from it to stop, and nothing is
    kept. show: called with the Neutral so far after each step. Raises InputError as `require_softmax` does, and for a
    preprocessing that is not the same at every pixel.
    """
    if classifier in _kept:
        return _kept[classifier]
    tell = progress or (lambda *count: None)
    tell(STAGE, 0, STEPS)  # the first step is long in coming: its function is compiled before
    for neutral in descent(classifier):
        tell(STAGE, neutral.steps, STEPS)
        if show:
            show(neutral)
    return _kept.setdefault(classifier, neutral)


def descent(classifier: Classifier, steps: int = STEPS, rate: float = RATE) -> Iterator:
    """Yield the Neutral at black and after each step; every one takes the network a picture forth and back."""
    loss_at = objective(classifier)
    pixels = best = np.zeros((*classifier.input_size, 3), np.float32)
    squares, losses, greatest = np.zeros_like(pixels), [], []
    for _ in range(steps + 1):
        loss, slope, most = loss_at(pixels)
        best = pixels if not losses or loss < min(losses) else best
        losses.append(loss)
        greatest.append(most)
        yield Neutral(best, np.array(losses), np.array(greatest), len(classifier.class_names))
        squares = DECAY * squares + (1 - DECAY) * slope**2
        pixels = pixels - rate * slope / (np.sqrt(squares) + EPSILON)


def objective(classifier: Classifier) -> Callable:
    """A function from pixels (H, W, 3) to (the loss, its gradient (H, W, 3), the greatest probability).

    Raises InputError where the network has no softmax or where no gradient comes back to the pixels.
    """
    require_softmax(classifier)
    matrix = pixel_matrix(classifier)
    unevenness = _unevenness(classifier)

    def loss_at(pixels):
        slopes, uneven, probabilities = map(backend.fetch, unevenness(classifier.preprocess(pixels[None])))
        loss = EVEN * float(uneven[0]) + NEAR * float(np.mean(pixels.astype(np.float64) ** 2))
        slope = EVEN * _as_maps(classifier, slopes)[0] @ matrix.T + NEAR * 2 * pixels / pixels.size
        return loss, slope.astype(np.float32), float(probabilities.max())

    return loss_at


def require_softmax(classifier: Classifier) -> None:
    """Raise InputError where a network's classes do not share one softmax, or where its pixels have no gradient."""
    if classifier.kind != "softmax":
        raise InputError(
            f"A class-neutral baseline needs a softmax, under which all classes can be equally probable; "
            f"{_instead(classifier)}, so choose another network for it."
        )
    if classifier.input.whole:
        raise InputError(
            f"A class-neutral baseline needs a gradient at the pixels; {classifier.name} rounds what it is fed to "
            "whole numbers, where there is none, so choose another network for it."
        )


def pixel_matrix(classifier: Classifier) -> Array:
    """What one pixel's red, green and blue do to what the network is fed there, (3, channels).

    Every preprocessing is affine, and its matrix is found by trying black, red, green and blue. Raises InputError
    where pixels beyond 0..255, or at other places, are then not fed as the matrix says.
    """
    colours = np.concatenate([np.zeros((1, 3)), 255 * np.eye(3)])  # (4, 3)
    even = np.broadcast_to(colours[:, None, None], (4, *classifier.input_size, 3))
    noise = np.random.default_rng(0).uniform(-64, 320, (1, *classifier.input_size, 3))
    fed = _as_maps(classifier, classifier.preprocess(np.concatenate([even, noise])))
    black, matrix = fed[0], (fed[1:4, 0, 0] - fed[0, 0, 0]) / 255
    if not np.allclose(noise[0] @ matrix + black, fed[4], rtol=1e-4, atol=1e-4 * np.abs(fed).max()):
        raise InputError(
            "A class-neutral baseline needs a preprocessing that does the same to every pixel, whatever its value; "
            f"that of {classifier.name} does not, so choose another network for it."
        )
    return matrix


def _unevenness(classifier):
    """A compiled function of what the model is fed, x (1, *input.shape) -> (∂/∂x of max_i |p_i − 1/N|, that, p)."""

    def inner(x):
        probabilities = ops.softmax(classifier.run(x), axis=1)
        return ops.max(ops.abs(probabilities - 1 / len(classifier.class_names)), axis=1), probabilities

    shape = (1, *classifier.input.shape)
    return backend.compiled(lambda x: backend.gradient(inner, x), classifier.model.variables, shape)


def _as_maps(classifier, fed):
    """What the model is fed, (n, *input.shape), as (n, H, W, channels)."""
    return np.moveaxis(fed, 1, -1) if classifier.input.channels_first else fed


def _instead(classifier):
    if classifier.kind == "sigmoid":
        return f"in {classifier.name} every class has a sigmoid of its own"
    return f"the logits of {classifier.name} cannot be had"
