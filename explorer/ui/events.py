"""What happens when a visitor does something. No wiring here: handlers take and return plain values by name.

A handler returns a dict from the name of a place on the page (see explore.PLACES) to its new value.
"""

import logging
import math

import gradio as gr

from explorer.errors import Cancelled, InputError
from explorer.layers import block_ends
from explorer.recent import Recent
from explorer.ui import results, text
from explorer.ui.controls import LEAST_EXPONENT, PICTURE_BASELINE
from explorer.ui.examples import examples
from explorer.zoo import MODELS, load

log = logging.getLogger("explorer")

# The question the page opens with: the values its controls start from.
OPENING = {
    "layer": None,
    "class_index": None,
    "baseline": "black",
    "steps": 50,
    "score": "probability",
    "gradients": "raw",
    "units": "selected",
    "quadrature": "trapezoid",
}


class Explorer:
    """What all visitors share: the classifiers, each loaded once, and the results of the last requests."""

    def __init__(self):
        self.classifiers = {}
        self.recent = Recent()

    def classifier(self, name):
        if name not in self.classifiers:
            self.classifiers[name] = load(name)
        return self.classifiers[name]

    def warm_up(self):
        """Load the first classifier and explain the first example, so that the page opens at once."""
        classifier = self.classifier(next(iter(MODELS)))
        self.recent.explain(classifier, examples()[0].image, **OPENING)

    def open(self, session, asked, dark):
        """A new visitor: the examples, the first of them explained."""
        session.pictures, session.shown = list(examples()), 0
        places = self.describe_model(asked) | {"strip": strip(session)}
        return places | self.explain(session, asked, dark, _silent, new_picture=True, layer=None)

    def add(self, session, asked, dark, files, tell):
        before = len(session.pictures)
        complaints = session.add(files)
        if len(session.pictures) == before:
            return {"status": results.status(" ".join(complaints), "wrong")}
        places = {"strip": strip(session)} | self.explain(session, asked, dark, tell, new_picture=True)
        if complaints:
            added = len(session.pictures) - before
            words = f"Added {added} of {added + len(complaints)} files. {' '.join(complaints)}"
            places["status"] = results.status(words, "wrong")
        return places

    def select(self, session, asked, dark, index, tell):
        session.shown = index
        return self.explain(session, asked, dark, tell, new_picture=True)

    def change_model(self, session, asked, dark, tell):
        tell(f"loading {asked.model}", 0, 1)
        places = self.describe_model(asked)
        return places | self.explain(session, asked, dark, tell, new_picture=True, layer=None)

    def describe_model(self, asked):
        classifier = self.classifier(asked.model)
        return {"layer": gr.update(choices=layer_choices(classifier), value=classifier.default_layer)}

    def explain(self, session, asked, dark, tell, new_picture=False, **override):
        """Explain the picture that is shown, for its most probable class where it is new."""
        classifier = self.classifier(asked.model)
        settings = _settings(asked) | ({"class_index": None} if new_picture else {}) | override
        session.result = self.recent.explain(
            classifier,
            session.picture.image,
            epsilon=asked.epsilon,
            progress=session.until_stopped(tell),
            **settings,
        )
        return self._show(session, asked, dark, classifier)

    def _show(self, session, asked, dark, classifier):
        result = session.result
        at_baseline = classifier.predict(result.baseline_image[None])[0]
        likeliest = int(at_baseline.argmax())
        return redraw(session, asked, dark) | {
            "heading": results.heading(result),
            "path": results.path(result, dark),
            "completeness": results.completeness(result),
            "seen": results.seen(session.picture, result),
            "preview": results.baseline_preview(
                result.baseline_image, classifier.class_names[likeliest], at_baseline[likeliest]
            ),
            "class_index": gr.update(choices=class_choices(result, classifier), value=result.class_index),
            "status": results.status(session.picture.note or text.READY),
        }


def guarded(work):
    """What work() gives, or the sentence that says why not; the results on the page stay as they are."""
    try:
        return work()
    except Cancelled:
        return {"status": results.status(text.STOPPED)}
    except InputError as mistake:
        return {"status": results.status(str(mistake), "wrong")}
    except Exception:  # the outer edge: the visitor is told, the log gets the traceback
        log.exception("a handler of the page failed")
        return {"status": results.status(text.FAULT, "wrong")}


def redraw(session, asked, dark):
    """What depends on ε, colours, opacity and scale alone: the network is not asked."""
    if session.result is None:
        return {}
    session.result = session.result.at_epsilon(asked.epsilon)
    lower = lower_exponent(session.result)
    return {
        "cards": results.cards(session.result, asked.colormap, asked.opacity, asked.scale),
        "notice": results.notice(session.result),
        "histograms": results.histograms(session.result, dark),
        "exponent": gr.update(label=text.epsilon_label(asked.epsilon)),
        "lower_epsilon": gr.update(visible=lower is not None, value=f"Lower ε to 1e{lower}"),
        "use_logit": gr.update(visible=_would_logit_help(session.result)),
    }


def lower_exponent(result):
    """The power of ten for ε at which every dark map shows, or None where ε is not what is wrong."""
    spreads = [float(one.raw.max() - one.raw.min()) for one in result if one.verdict == "dark"]
    spreads = [spread for spread in spreads if spread > 0]
    if not spreads:
        return None
    exponent = math.floor(math.log10(min(spreads))) - 1
    return exponent if exponent >= LEAST_EXPONENT else None


def _would_logit_help(result):
    return result.settings["score"] != "logit" and any(one.verdict in ("dark", "blank") for one in result)


def strip(session):
    thumbnails = [results.thumbnail(picture.image, 160) for picture in session.pictures]
    return gr.update(value=thumbnails, selected_index=session.shown)


def layer_choices(classifier):
    layers = classifier.layers()
    first = block_ends(layers)
    return [(_layer_words(layer), layer.name) for layer in [*reversed(first), *(x for x in layers if x not in first)]]


def _layer_words(layer):
    h, w, channels = layer.shape
    return f"{layer.name} · {h}×{w}×{channels}" + ("" if layer.cuts else " · by-passed")


def class_choices(result, classifier):
    """The five most probable with their probabilities, then every class by name."""
    order = result.probabilities.argsort()[::-1]
    top = [int(i) for i in order[:5]]
    words = [(f"{classifier.class_names[i]} · p = {result.probabilities[i]:.3g}", i) for i in top]
    rest = sorted(set(range(len(classifier.class_names))) - set(top), key=lambda i: classifier.class_names[i].lower())
    return words + [(classifier.class_names[i], i) for i in rest]


def _settings(asked):
    if asked.baseline == PICTURE_BASELINE and asked.baseline_picture is None:
        raise InputError("A baseline of your own needs a picture, and none is chosen yet; drop one under Baseline.")
    return {
        "layer": asked.layer,
        "class_index": asked.class_index,
        "baseline": asked.baseline_spec,
        "steps": asked.steps,
        "score": asked.score,
        "gradients": asked.gradients,
        "units": asked.units,
        "quadrature": asked.quadrature,
    }


def _silent(stage, done, total):
    pass
