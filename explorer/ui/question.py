"""What the page asks of the core, from what stands in its controls."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from explorer.attribution.methods import DEFAULT, METHODS
from explorer.attribution.methods.variants import INTEGRATED
from explorer.attribution.scores import SCORES, SCORES_OF
from explorer.engine.applicability import objection
from explorer.engine.settings import AUTO
from explorer.errors import InputError
from explorer.ui.controls import DEFAULTS, OF_FIXED_STEPS, PICTURE_BASELINE

if TYPE_CHECKING:
    from explorer.models.spec import Network
    from explorer.network.classifier import Classifier
    from explorer.ui.controls import Controls
    from explorer.ui.state import Picture, Session


# Where points are placed automatically there is one sum
PLACED = {name: DEFAULTS[name] for name in (*OF_FIXED_STEPS, "endpoint")}
OPENING = {"steps": AUTO}  # what the page opens with; for all else there is the default


def question(
    session: Session, controls: Controls, classifier: Classifier, network: Network, picture: Picture
) -> tuple[dict[str, Any], list[str]]:
    """(the settings of the sweep, sentences about what could not be had and was replaced).

    What belongs to another network or picture starts afresh; what was chosen while the page still showed another is
    taken from what it shows now.
    """
    settings, sentences = _settings(controls), []
    if network != session.network:
        settings |= {"layer": None, "class_index": None}
    elif session.is_old(controls):
        on_page = session.result
        settings |= {"layer": on_page.layer.name, "class_index": on_page.class_index, "score": on_page.question.score}
    if settings["score"] not in SCORES_OF[classifier.kind]:
        refused, settings["score"] = SCORES[settings["score"]].label, classifier.default_score
        instead = SCORES[settings["score"]].label
        sentences.append(f"The {refused} cannot be had of {network.label}; the {instead} is explained in its place.")
    if network != session.network or picture is not session.explained:
        settings |= {"class_index": None} | picture.asks
    layer = classifier.layer(settings["layer"])
    methods = settings["methods"]
    settings["methods"] = tuple(key for key in methods if objection(key, classifier, layer) is None)
    if methods and not settings["methods"] and network != session.network:
        settings["methods"] = tuple(key for key in DEFAULT if objection(key, classifier, layer) is None)
        words = " and ".join(METHODS[key].label for key in methods)
        sentences.append(f"{words} cannot be had at {layer.name}; the methods of the paper are shown in their place.")
    if not settings["methods"]:
        raise InputError("No method is chosen that applies at this layer; choose one under Methods.")
    return settings, sentences


def _settings(controls):
    numbers = (
        (controls.steps, "The number of steps"),
        (controls.tolerance, "The tolerance"),
        (controls.seed, "The seed"),
        (controls.sigma, "The blur's σ"),
    )
    for value, words in numbers:
        if value is None:
            raise InputError(f"{words} is empty; write a number.")
    if controls.baseline == PICTURE_BASELINE and controls.baseline_picture is None:
        raise InputError("A baseline of your own needs a picture, and none is chosen yet; drop one under Baseline.")
    return {
        "layer": controls.layer,
        "class_index": controls.class_index,
        "baseline": controls.baseline_spec,
        "steps": AUTO if controls.automatic else controls.steps,
        "tolerance": controls.tolerance / 100,
        "score": controls.score,
        "methods": tuple(key for key in METHODS if key in controls.methods),
        **controls.settings,
        **INTEGRATED[controls.integrated],
        **(PLACED if controls.automatic else {}),
    }
