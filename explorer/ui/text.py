"""The words of the page."""

from explorer.heatmaps import describe_probability, short

TITLE = "RSI Explorer"
TAGLINE = "Where does a network look? Three answers side by side, with the numbers behind them."

METHOD_HINTS = {
    "grad_cam": "gradients at the picture alone",
    "integrated_grad_cam": "Grad-CAM averaged along the path",
    "rsi_grad_cam": "gradients integrated along the path",
}

BADGES = {"ok": "ok", "dark": "dark", "blank": "blank", "non-finite": "not finite"}

CAPTION = (
    "A heatmap shows where activation associated with the class lies, not what causes the decision. "
    "A blank map is no proof that the class is absent, and no method is always best: compare them."
)

SCALES = {"own": "each map its own", "shared": "one for all three"}
OWN_BAR = ("the map's smallest value", "its largest + ε")
SHARED_BAR = ("smallest value of the three", "largest of the three + ε")

SATURATED_BELOW = 1e-6  # of 1 − p

READY = "Drop or paste pictures anywhere on this page."
STOPPED = "Stopped. The results shown are those of the last finished run."
FAULT = "Something went wrong inside the explorer; its log tells what. Your pictures and settings are as they were."


def number(value):
    """A raw value in two digits: 0.0021, 4.1e-8; a dash where it is not finite."""
    return "–" if value is None else short(value)


def epsilon_label(epsilon):
    return f"ε = {number(epsilon)} (slide by powers of ten)"


def probability(comparison):
    return describe_probability(comparison.probability, comparison.complement)


def saturation(comparison):
    """What to say beside p when the softmax is saturated, or nothing."""
    return "saturated" if comparison.complement < SATURATED_BELOW else ""


def question(comparison):
    """Everything asked for, in one line."""
    s, (h, w, channels) = comparison.settings, comparison.layer.shape
    return f"{s['layer']}, {h}×{w}×{channels} · {s['steps']} steps · score: {s['score']}"


def completeness(comparison):
    """What the completeness gap says, in words a student can act on."""
    if not comparison.layer.cuts:
        return (
            "Completeness does not apply here: a skip connection leads around this layer, "
            "so its integrated gradients do not add up to the change of the score."
        )
    gap = comparison.completeness_gap
    if gap is None:
        return "The score does not change along this path, so there is nothing to add up to."
    if not gap < float("inf"):
        return "The integrated gradients are not finite, so they do not add up."
    advice = "there are steps enough" if gap < 0.02 else "more steps would bring it down"
    return (
        f"Completeness gap {short(100 * gap)} %: the integrated gradients add up to the change of the score "
        f"within that; {advice}."
    )


def notices(comparison):
    """(title, why, what to try) for every map that is not ok, and the comparison of the largest values."""
    return [
        (f"{one.label} is {BADGES[one.verdict]}.", one.verdict.reason, one.verdict.advice)
        for one in comparison
        if one.verdict != "ok"
    ]


def largest_values(comparison):
    """ "Largest raw values: Grad-CAM 4.1e-11, …, RSI-Grad-CAM 0.0021"."""
    return "Largest raw values: " + ", ".join(
        f"{one.label} {number(one.statistics['maximum'])}" for one in comparison
    )
