"""Whether a raw map shows anything, why not, and what to do about it: in sentences."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from explorer import formatting
from explorer.arrays import Array
from explorer.formatting import round_down, short

SATURATED = 1e-4  # the softmax scales gradients by p(1 − p), of log p by 1 − p: below this, it is named as the cause
FAINTEST = 1e-12  # a spread below this is out of reach of any usual ε


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


def diagnose(raw: Array, epsilon: float, about: Circumstances) -> Verdict:
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
            "No ε can help. " + _other_ways(about),
        )
    return Verdict(
        "blank",
        f"At no place of this layer does the weighted sum of channels come out positive for {about.label}: "
        "its ReLU leaves zero everywhere.",
        f"No ε can help. Try another layer{f', {about.other_variant}' if about.other_variant else ''} or another "
        "class. A blank map is no proof that the class is absent.",
    )


def _dark(maximum, spread, epsilon, about):
    if spread == 0:
        reason = f"{about.label} is {short(maximum)} at every place: it prefers none."
        return Verdict("dark", reason, "Try another layer or another class; no ε can help with a constant map.")
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
            f" The network is so certain (p = {formatting.probability(about.probability, about.complement)}) that its "
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
