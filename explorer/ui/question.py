"""What the page asks of the core, from what stands in its controls."""

from explorer.attribution.methods import DEFAULT, METHODS
from explorer.attribution.methods.options import INTEGRATED
from explorer.attribution.scores import SCORES_OF
from explorer.engine.applicability import objection
from explorer.engine.settings import AUTO
from explorer.errors import InputError
from explorer.ui.controls import PICTURE_BASELINE

# The question the page opens with: the values its controls start from.
OPENING = {
    "layer": None,
    "class_index": None,
    "baseline": "black",
    "steps": AUTO,
    "tolerance": 0.005,
    "gradients": "raw",
    "units": "selected",
    "quadrature": "trapezoid",
    "subtract_baseline": True,
    "endpoint": True,
    "methods": DEFAULT,
}


def question(session, asked, classifier, network):
    """The settings of the sweep; what belongs to another network or picture starts afresh."""
    found = _settings(asked)
    if network != session.network:
        found |= {"layer": None, "class_index": None}
        if asked.score not in SCORES_OF[classifier.kind]:
            found["score"] = classifier.default_score
    if network != session.network or session.picture is not session.explained:
        found |= {"class_index": None} | session.picture.asks
    layer = classifier.layer(found["layer"])
    found["methods"] = tuple(key for key in found["methods"] if objection(key, classifier, layer) is None)
    if not found["methods"]:
        raise InputError("No method is chosen that applies at this layer; choose one under Methods.")
    return found


def _settings(asked):
    numbers = (
        (asked.steps, "The number of steps"),
        (asked.tolerance, "The tolerance"),
        (asked.seed, "The seed"),
        (asked.sigma, "The blur's σ"),
    )
    for value, words in numbers:
        if value is None:
            raise InputError(f"{words} is empty; write a number.")
    if asked.baseline == PICTURE_BASELINE and asked.baseline_picture is None:
        raise InputError("A baseline of your own needs a picture, and none is chosen yet; drop one under Baseline.")
    return {
        "layer": asked.layer,
        "class_index": asked.class_index,
        "baseline": asked.baseline_spec,
        "steps": AUTO if asked.automatic else asked.steps,
        "tolerance": asked.tolerance / 100,
        "score": asked.score,
        "gradients": asked.gradients,
        "units": asked.units,
        "quadrature": "trapezoid" if asked.automatic else asked.quadrature,
        **INTEGRATED[asked.integrated],
        **({"endpoint": True} if asked.automatic else {}),  # where points are placed there is no other sum
        "methods": tuple(key for key in METHODS if key in asked.methods),
    }
