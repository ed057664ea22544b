"""From a raw map to a heatmap in [0, 1], and the diagnosis of a map that shows nothing."""

import math
from dataclasses import dataclass

import cv2
import numpy as np

from explorer.errors import InputError

SATURATED = 1e-4  # the softmax scales gradients by p(1 − p), of log p by 1 − p: below this, it is named as the cause

FAINTEST = 1e-12  # a spread below this is out of reach of any usual ε


def resize(cam, height, width):
    """Bilinear up-sampling (half-pixel centres) of a raw map (h, w) to (height, width) float32."""
    return cv2.resize(np.asarray(cam, np.float32), (width, height), interpolation=cv2.INTER_LINEAR)


def check_epsilon(epsilon):
    if isinstance(epsilon, bool) or not isinstance(epsilon, int | float | np.number):
        raise InputError(f"ε is a positive number such as 1e-8; received {epsilon!r}.")
    if not math.isfinite(epsilon) or epsilon <= 0:
        raise InputError(f"ε is a positive, finite number such as 1e-8; received {epsilon}.")
    return float(epsilon)


def normalise(raw, epsilon, low=None, high=None):
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


def difference(raw, other, each=False):
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


def statistics(cam):
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


class Verdict(str):
    """ "ok", "dark", "blank" or "non-finite", with .reason and .advice in one or two sentences each."""

    reason: str
    advice: str

    def __new__(cls, name, reason="", advice=""):
        verdict = super().__new__(cls, name)
        verdict.reason, verdict.advice = reason, advice
        return verdict


@dataclass(frozen=True)
class Circumstances:
    """What the diagnosis needs to know besides the map: the score explained and its state at the picture."""

    label: str  # the method's name
    score: str  # key of SCORES
    probability: float  # p of the class
    complement: float  # 1 − p, computed without cancellation
    vanished: bool  # every gradient at the picture is exactly zero
    at_picture_only: bool  # the method looks at α = 1 alone
    other_variant: str | None = None  # a variant of the method that leaves less out, in words


def diagnose(raw, epsilon, about):
    """The verdict on a raw map at the size of the picture. Dark: (max − min) / (max − min + ε) < ½, that is < ε."""
    raw = np.asarray(raw, np.float64)
    if not np.isfinite(raw).all():
        bad = int((~np.isfinite(raw)).sum())
        return Verdict(
            "non-finite",
            f"{bad} of {raw.size} values of the {about.label} map are not finite numbers: "
            "an activation or a gradient overflowed inside the network.",
            "Try another layer or score, and check the network's weights and preprocessing.",
        )
    if not raw.any():
        return _blank(about)
    spread = raw.max() - raw.min()
    if spread < epsilon:
        return _dark(raw.max(), spread, epsilon, about)
    return Verdict("ok")


def _blank(about):
    if about.vanished and about.at_picture_only:
        return Verdict(
            "blank",
            f"Every gradient at the picture is exactly zero.{_saturation(about)}",
            "No ε can mend it. " + _other_ways(about),
        )
    return Verdict(
        "blank",
        f"At no place of this layer does the weighted sum of channels come out positive for {about.label}: "
        "its ReLU leaves zero everywhere.",
        f"No ε can mend it. Try another layer{f', {about.other_variant}' if about.other_variant else ''} or another "
        "class. A blank map is no proof that the class is absent.",
    )


def _dark(maximum, spread, epsilon, about):
    if spread == 0:
        reason = f"{about.label} is {short(maximum)} at every place: it prefers none."
        return Verdict("dark", reason, "Try another layer or another class; no ε can mend a constant map.")
    reason = (
        f"{about.label}'s values span only {short(spread)}, less than ε = {short(epsilon)}, "
        f"so normalisation leaves them near zero.{_saturation(about)}"
    )
    if spread < FAINTEST:
        return Verdict("dark", reason, f"Only an ε below {round_down(spread)} would show it. {_other_ways(about)}")
    return Verdict("dark", reason, f"Lower ε below {round_down(spread)}. {_other_ways(about)}")


def _saturation(about):
    """Why the values are so small, as a sentence to follow another; nothing where it is not the softmax."""
    if about.score != "logit" and about.complement < SATURATED:
        return (
            f" The network is so certain (p = {describe_probability(about.probability, about.complement)}) that its "
            f"softmax is saturated: it scales the gradient at the picture by 1 − p = {short(about.complement)}."
        )
    if about.score.startswith("probability") and about.probability < SATURATED:
        return (
            f" The network all but rules the class out: p = {short(about.probability)}, "
            "and the softmax scales the gradient at the picture by it."
        )
    return ""


def _other_ways(about):
    ways = []
    if about.score != "logit":
        ways.append("explain the logit, which does not saturate")
    if about.at_picture_only:
        ways.append("read RSI-Grad-CAM, which also looks where the gradient has not yet vanished")
    return f"Better {', or '.join(ways)}." if ways else ""


def short(value, digits=2):
    """A number in so many digits, its exponent without padding: 0.0021, 4.1e-8."""
    return f"{value:.{digits}g}".replace("e-0", "e-").replace("e+0", "e+")


def round_down(value):
    """A positive number as one digit and a power of ten, at most `value`: 4.7e-11 -> "4e-11"."""
    exponent = math.floor(math.log10(value))
    digit = min(9, math.floor(value / 10.0**exponent + 1e-9))
    return f"{digit}e{exponent}" if exponent < -2 else f"{digit * 10.0**exponent:g}"


def describe_probability(probability, complement):
    """p in as many digits as it takes to tell it from one: 0.99999998, 0.873, 2e-7."""
    if probability < 1e-3:
        return short(probability, 1)
    if complement <= 0 or complement < 1e-12:
        return f"1 − {short(complement, 1)}" if complement > 0 else "1"
    digits = max(3, math.ceil(-math.log10(complement)) + 1)
    return f"{1 - complement:.{digits}f}"
