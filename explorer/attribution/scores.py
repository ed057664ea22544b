"""The scores a heatmap can explain, computed from logits so that the softmax never rounds them away.

A score is y = value(u) with u a smooth function of the logits that float32 carries well. The gradient is taken of u
and multiplied by slope(u) = dy/du afterwards. For the probability u is the margin M = z_c − logsumexp_{j≠c} z_j,
y = σ(M) and dy/dM = σ(M) σ(−M): exact even where 1 − y is far below float32's resolution of 6e-8 (there the
framework's own softmax gradient loses the target class and is about the other classes). The logarithm of the
probability, ln σ(M), is treated alike: its slope σ(−M) vanishes there too, and its softmax loses the same term.

Where every class has a sigmoid of its own, the margin of a class is its logit, M = z_c; the rest is the same.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from explorer.arrays import Array
from explorer.attribution import ops


def margin(logits: Array, class_index: int) -> Array:
    """M = z_c − logsumexp_{j≠c} z_j; (n, C) -> (n,). σ(M) is the probability, σ(−M) what is missing to 1."""
    target = ops.take(logits, class_index, axis=1)  # (n,)
    is_target = ops.equal(ops.arange(logits.shape[1]), class_index)  # (C,)
    others = ops.where(is_target[None], ops.full_like(logits, float("-inf")), logits)
    return target - ops.logsumexp(others, axis=1)


def margins(logits: Array, classes: Array) -> Array:
    """The same in float64, of a class a row: logits (n, C), classes (n,) -> NumPy (n,)."""
    logits = np.array(logits, np.float64)
    rows = np.arange(len(logits))
    own = logits[rows, classes]
    logits[rows, classes] = -np.inf
    return own - np.logaddexp.reduce(logits, axis=1)


def sigmoid_slope(margins: Array, xp: Any = ops) -> Array:
    """σ(M) σ(−M), by way of its logarithm: no cancellation however large |M| is."""
    if xp is np:
        small = np.exp(-np.abs(margins))
        return small / (1 + small) ** 2
    return ops.exp(-ops.softplus(margins) - ops.softplus(-margins))


def _logit(logits, class_index):
    return ops.take(logits, class_index, axis=1)


def log_sigmoid_slope(margins: Array, xp: Any = ops) -> Array:
    """d ln σ(M)/dM = σ(−M): the whole of it where the framework's log-softmax gradient, 1 − p, rounds to zero."""
    return np.exp(-np.logaddexp(0, margins)) if xp is np else ops.sigmoid(-margins)


def unit_slope(u: Array, xp: Any = ops) -> Array:
    """1, of a score that is u itself."""
    return xp.ones_like(u)


def _softmax(logits, class_index):
    return ops.take(ops.softmax(logits, axis=1), class_index, axis=1)


def _sigmoid(logits, class_index):
    return ops.sigmoid(_logit(logits, class_index))


def _itself(probabilities, class_index):
    return ops.take(probabilities, class_index, axis=1)


def _logarithm(probabilities, class_index):
    """ln p, of a p that may have rounded to zero: then of the smallest normal number of float32."""
    return ops.log(ops.maximum(_itself(probabilities, class_index), 1.17549435e-38))


def _same(u):
    return u


@dataclass(frozen=True)
class Score:
    key: str
    label: str
    about: str
    inner: Callable  # logits (n, C), class index -> u (n,)
    value: Callable = _same  # u -> y
    slope: Callable = unit_slope  # (u, xp) -> dy/du; xp: keras.ops, or NumPy for float64


SCORES = {  # of a network that ends in a softmax
    score.key: score
    for score in (
        Score(
            "probability",
            "probability",
            "After the softmax, with its gradient computed stably.",
            margin,
            ops.sigmoid,
            sigmoid_slope,
        ),
        Score(
            "probability-naive",
            "probability, naive float32",
            "As published: the framework's softmax and its gradient, which fails where p rounds to 1.",
            _softmax,
        ),
        Score("logit", "logit", "Before the softmax: never saturated, blind to the other classes.", _logit),
        Score(
            "log-probability",
            "log-probability",
            "The logarithm of the probability, with its gradient computed stably.",
            margin,
            ops.log_sigmoid,
            log_sigmoid_slope,
        ),
    )
}

SCORES_OF = {  # by the kind of a network's end; see explorer.network.output_head.End
    "softmax": SCORES,
    "sigmoid": SCORES
    | {
        "probability": replace(SCORES["probability"], inner=_logit),
        "probability-naive": replace(SCORES["probability-naive"], inner=_sigmoid),
        "log-probability": replace(SCORES["log-probability"], inner=_logit),
    },
    "probabilities": {
        "probability-naive": replace(SCORES["probability-naive"], inner=_itself),
        "log-probability": replace(SCORES["log-probability"], inner=_logarithm, value=_same, slope=unit_slope),
    },
}
