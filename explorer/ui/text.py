"""The words of the page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from explorer import formatting
from explorer.engine.settings import AUTO
from explorer.formatting import duration, or_dash, percent

if TYPE_CHECKING:
    from explorer.engine.result import Result


TITLE = "RSI Explorer"
TAGLINE = "Where does a network look? Three answers side by side, with the numbers behind them."

BADGES = {"ok": "visible", "dark": "dark", "blank": "blank", "non-finite": "not finite"}

CAPTION = (
    "A heatmap shows where activation associated with the class lies, not what causes the decision. "
    "A blank map is no proof that the class is absent, and no method is always best: compare them."
)

SCALES = {"own": "each map its own", "shared": "one for all"}
OWN_BAR = ("the map's smallest value", "its largest + ε")
SHARED_BAR = ("smallest value of all maps", "largest of all + ε")

MIN_CHANGE = 1e-3  # of the score along the path, relative to its size
SATURATED_BELOW = 1e-6  # of 1 − p
SATURATED = "The network is so certain that its output hardly changes any more, and gradients taken there vanish."

WORDS = (
    ("Layer", "One stage of the network; 7×7×96 means 96 feature maps of 7 by 7 cells each over the picture."),
    ("Gradient", "How much the score would change if one number inside the network changed a little."),
    ("Score", "What is explained: the probability of the class, or the number behind it, the logit."),
    ("Softmax, logit", "The softmax turns the network's raw numbers, the logits, into probabilities that sum to 1."),
    ("Saturated", SATURATED),
    ("Baseline, path, α", "The path blends the baseline (α = 0) into the picture (α = 1) step by step."),
    ("Grad-CAM", "Weighs each feature map by its mean gradient at the picture, and adds them up."),
    ("Integrated Grad-CAM", "Does so at every step of the path and takes the average."),
    (
        "RSI-Grad-CAM",
        "Weighs each feature map by its gradient integrated over the change of the map itself along the path, a "
        "Riemann-Stieltjes integral: what happened on the way counts, even if nothing changes any more at its end.",
    ),
    ("ε", "A small number in the division that brings a map to 0..1: it keeps noise dark, and faint maps with it."),
    ("Dark, blank", "Dark: the map's values span less than ε. Blank: they are all zero, and no ε can help."),
    (
        "Completeness gap",
        "The integrated gradients of all units should add up to the change of the score along the path; the gap is "
        "what is missing, relative to that change. More steps make it smaller.",
    ),
    ("Flat zone", "The end of the path where the score has stopped changing, and gradients have vanished with it."),
)

READY = "Drop or paste pictures anywhere on this page."
STOPPED = "Stopped. The results shown are those of the last finished run."
FAULT = "Something went wrong inside the explorer; its log tells what. Your pictures and settings are as they were."


def epsilon_label(epsilon: float) -> str:
    return f"ε = {or_dash(epsilon)} (slide by powers of ten)"


def probability(result: Result) -> str:
    return formatting.probability(result.probability, result.complement)


def saturation(result: Result) -> str:
    """What to say beside p when the softmax is saturated, or nothing."""
    return "saturated" if result.complement < SATURATED_BELOW else ""


def question(result: Result) -> tuple[dict[str, Any], list[str]]:
    """Everything asked for, in one line."""
    s, (h, w, channels) = result.settings, result.layer.shape
    return f"{s['layer']}, {h}×{w}×{channels} · {steps(result)} · score: {s['score']}"


def steps(result: Result) -> str:
    """ "50 steps", or how many points were placed."""
    steps = result.settings["steps"]
    if steps == AUTO:
        return f"{len(result.path.alphas)} points, placed automatically"
    return f"{steps} step{'s' * (steps != 1)}"


def exactness(result: Result) -> str:
    """What automatic steps reached, in one sentence; nothing where the steps were given."""
    if result.estimated_error is None:
        return ""
    points, tolerance = len(result.path.alphas), result.settings["tolerance"]
    error = percent(result.estimated_error)
    reached = f"With {points} points the maps and the gap are within an estimated {error} of their limit"
    if result.estimated_error <= tolerance:
        return f"{reached}."
    return f"{reached}; {percent(tolerance)} was asked for, and more points than these are not placed at this layer."


def masked(counts: list[tuple[str, int]], pace: float | None) -> str:
    """What the methods with masks would take at a layer. counts: [(label, masked pictures at most)]; pace: seconds a
    picture, as the last explanation took, or None."""
    times = [f", about {duration(pace * count)}" if pace else "" for _, count in counts]
    counted = [f"{label} up to {count:,}{time}" for (label, count), time in zip(counts, times, strict=True)]
    return f"Masked pictures shown to the network: {'; '.join(counted)}."


def cost(result: Result) -> str:
    """What the network was asked for, in one line."""
    passes, heads = result.cost.passes, result.cost.heads
    if not passes and not heads:
        return "From memory: the network was not asked."
    parts = [f"{passes} pictures through the network"] if passes else []
    parts += [f"{heads} points through its part behind the layer, the rest from memory"] if heads else []
    return f"Took {', '.join(parts)}."


def completeness(result: Result) -> str:
    """What the completeness gap says, in words a student can act on."""
    if not result.layer.separates:
        return (
            "Completeness does not apply here: a skip connection leads around this layer, "
            "so its integrated gradients do not add up to the change of the score."
        )
    gap, change = result.completeness_gap, float(result.path.scores[-1]) - float(result.path.scores[0])
    if gap is None or abs(change) < MIN_CHANGE * max(abs(result.path.scores).max(), 1e-30):
        return (
            "The score at the baseline is already that of the picture, so there is hardly a change to explain: "
            "another baseline would tell more."
        )
    if not gap < float("inf"):
        return "The integrated gradients are not finite, so they do not add up."
    if gap < 0.02:
        return (
            f"Completeness gap {percent(gap)}: the integrated gradients add up to the change of the score "
            "within that; there are steps enough."
        )
    return (
        f"Completeness gap {percent(gap)}: the integrated gradients miss the change of the score by that much; "
        "more steps bring them closer."
    )


def baseline_warning(result: Result, at_baseline: float) -> str:
    """What to say where the baseline is of the class itself; at_baseline: p of the class there."""
    if not at_baseline > 0.5:
        return ""
    return (
        f"To the network the baseline is already {result.class_name}, with {formatting.about(at_baseline)}: "
        "a path from it explains little. Choose another baseline."
    )


def notices(result: Result) -> list:
    """(title, why, what to try) for every map that is not ok, and the result of the largest values."""
    return [
        (f"{one.label} is {BADGES[one.verdict]}.", one.verdict.reason, one.verdict.advice)
        for one in result
        if one.verdict != "ok"
    ]


def largest_values(result: Result) -> str:
    """ "Largest raw values: Grad-CAM 4.1e-11, …, RSI-Grad-CAM 0.0021"."""
    return "Largest raw values: " + ", ".join(f"{one.label} {or_dash(one.statistics['maximum'])}" for one in result)
