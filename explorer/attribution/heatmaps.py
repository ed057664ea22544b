"""From a raw map to a heatmap in [0, 1]."""

import math
from typing import Any

import cv2
import numpy as np

from explorer.arrays import Array, Cam, Heatmap
from explorer.errors import InputError


def resize(cam: Cam, height: int, width: int) -> Heatmap:
    """Bilinear up-sampling (half-pixel centres) of a raw map (h, w) to (height, width) float32."""
    return cv2.resize(np.asarray(cam, np.float32), (width, height), interpolation=cv2.INTER_LINEAR)


def check_epsilon(epsilon: float) -> float:
    if isinstance(epsilon, bool) or not isinstance(epsilon, int | float | np.number):
        raise InputError(f"ε is a positive number such as 1e-8; received {epsilon!r}.")
    if not math.isfinite(epsilon) or epsilon <= 0:
        raise InputError(f"ε is a positive, finite number such as 1e-8; received {epsilon}.")
    return float(epsilon)


def normalise(raw: Array, epsilon: float, low: float | None = None, high: float | None = None) -> Heatmap:
    """(L − min L) / (max L − min L + ε), equation (26)  ->  float32 in [0, 1]

    raw: (H, W), already at the size of the picture. low, high: the ends of a scale shared by several maps, where
    not this map's own. A map with a value that is not finite becomes zero everywhere: there is nothing to show.
    """
    raw = np.asarray(raw, np.float64)  # float32 would lose ε beside a large range and underflow on a tiny one
    if not np.isfinite(raw).all():
        return np.zeros(raw.shape, np.float32)
    low = raw.min() if low is None else low
    high = raw.max() if high is None else high
    return np.clip((raw - low) / (high - low + epsilon), 0, 1).astype(np.float32)


def difference(raw: Array, other: Array, each: bool = False) -> Array | None:
    """L − L', of two raw maps (H, W) of one size, as shares of the largest value in either  ->  (H, W) in [−1, 1]

    each: divide each map by its own largest value before. None where a map is not finite, or both are zero.
    """
    raw, other = np.asarray(raw, np.float64), np.asarray(other, np.float64)
    if not (np.isfinite(raw).all() and np.isfinite(other).all()):
        return None
    if each:
        raw, other = (values / (values.max() or 1) for values in (raw, other))
    size = max(raw.max(), other.max())
    return (raw - other) / size if size > 0 else None


def statistics(cam: Cam) -> dict[str, Any]:
    """Minimum, mean, maximum of a raw map and its number of exact zeros, as plain numbers; None where not finite."""
    cam = np.asarray(cam, np.float64)

    def plain(value):
        return float(value) if np.isfinite(value) else None

    with np.errstate(invalid="ignore", over="ignore"):
        mean = cam.mean()
    return {
        "minimum": plain(cam.min()),
        "mean": plain(mean),
        "maximum": plain(cam.max()),
        "zeros": int((cam == 0).sum()),
        "cells": int(cam.size),
    }
