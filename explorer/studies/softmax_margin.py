"""A class further and further ahead of the others: where the published gradient of its probability is lost to rounding.

All logits are multiplied by one factor, so that the margin M = z_c − logsumexp_{j≠c} z_j is what is wanted. The
published form takes the softmax's own gradient; ours that of M, and multiplies by σ(M) σ(−M): see
`explorer.attribution.scores`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from explorer.arrays import Array
from explorer.attribution.scores import margins
from explorer.errors import Progress
from explorer.studies.at_image import changed

if TYPE_CHECKING:
    from explorer.engine.result import Result
    from explorer.studies.at_image import AtImage


NAIVE, STABLE = "probability-naive", "probability"
HALVINGS = 60


def margin_of(values: Array, class_index: int, factor: float = 1.0) -> float:
    """M of a class, its logits (C,) multiplied by a factor; float64."""
    return float(margins(factor * np.asarray(values, np.float64)[None], [class_index])[0])


def factor_for(values: Array, class_index: int, margin: float) -> float:
    """The factor of the logits that puts a class ahead of all others together by a margin; None where none does.

    M grows with the factor f as long as the class is the most probable: from −ln(C − 1) at f = 0, by at least the
    distance to the runner-up.
    """
    values = np.asarray(values, np.float64)
    if values[class_index] <= np.delete(values, class_index).max():
        return None
    low, high = 0.0, 1.0
    while margin_of(values, class_index, high) < margin:
        high *= 2
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if margin_of(values, class_index, middle) < margin else (low, middle)
    return high


def at_margin(result: Result, logit: AtImage, margin: float) -> tuple[AtImage, AtImage]:
    """(naive, stable) as AtImage, of the logits scaled to that margin; None where the class is not the first.

    result: the Result whose layer, class and picture are meant; logit: AtImage of its logit.
    """
    factor = factor_for(logit.logits, result.class_index, margin)
    if factor is None:
        return None
    where = result.classifier, "scaled", result.layer, result.image, logit.activations, result.class_index
    return tuple(changed(*where, score, factor) for score in (NAIVE, STABLE))


def errors_along(result: Result, logit: AtImage, margins: Array | list, progress: Progress | None = None) -> tuple:
    """(margins, errors): the relative L2 error of the naive map in front of its ReLU, at each margin; None, None where
    the class is not the first."""
    errors = []
    for done, margin in enumerate(margins):
        if progress:
            progress("margins", done, len(margins))
        pair = at_margin(result, logit, margin)
        if pair is None:
            return None, None
        naive, stable = (one.signed for one in pair)
        errors.append(np.linalg.norm(naive - stable) / (np.linalg.norm(stable) or 1))
    return np.asarray(margins), np.asarray(errors)
