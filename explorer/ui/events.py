"""What happens when a visitor does something. No wiring here: handlers take and return plain values by name.

A handler returns a dict from the name of a place on the page (see explore.PLACES) to its new value.
"""

import logging
import math
from dataclasses import replace

import gradio as gr

from explorer.errors import Cancelled, InputError
from explorer.loaded import Loaded
from explorer.recent import Recent
from explorer.scores import SCORES_OF
from explorer.ui import networks, results, text
from explorer.ui.controls import LEAST_EXPONENT, PICTURE_BASELINE, score_choices
from explorer.ui.examples import examples
from explorer.ui.networks import Network

log = logging.getLogger("explorer")

TOY = Network("toy-vgg")

# The question the page opens with: the values its controls start from.
OPENING = {
    "layer": None,
    "class_index": None,
    "baseline": "black",
    "steps": 50,
    "gradients": "raw",
    "units": "selected",
    "quadrature": "trapezoid",
}


def _silent(stage, done, total):
    pass


class Explorer:
    """What all visitors share: the networks, each loaded once, and the results of the last requests.

    first: the Network the page opens with. allow_own: whether visitors may bring networks and name files of weights.
    """

    def __init__(self, first=TOY, allow_own=False):
        self.first, self.allow_own = first, allow_own
        self.recent = Recent()
        self.loaded = Loaded(let_go=self.recent.forget)

    def classifier(self, session, asked, tell=_silent):
        return self._load(self._network(session, asked), tell)

    def _network(self, session, asked):
        network = session.networks.get(asked.model) or Network(asked.model)
        return replace(network, head=asked.head) if asked.head else network

    def _load(self, network, tell):
        return self.loaded.get(network, lambda: network.load(tell))

    def warm_up(self):
        """Load the first network and explain its first example, so that the page opens at once."""
        classifier = self._load(self.first, _silent)
        opening = examples(self.first)[0]
        question = OPENING | {"score": classifier.default_score} | opening.asks
        self.recent.explain(classifier, opening.image, **question)

    def open(self, session, asked, dark):
        """A new visitor: the examples, the first of them explained."""
        if self.first != Network(asked.model):
            session.networks[self.first.label] = self.first
            asked = replace(asked, model=self.first.label)
        return {"model": self._model_list(session, asked.model)} | self.change_model(session, asked, dark, _silent)

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
        """Another network, or another output of it; its own examples, its most probable class, its last layer."""
        network = self._network(session, asked)
        try:
            classifier = self._load(network, tell)
        except (InputError, Cancelled) as why:
            return told(why) | {"model": session.model, "head": gr.update(value=session.head)}
        session.model, session.head = asked.model, classifier.chosen_head
        session.show_examples(examples(network))
        allowed = SCORES_OF[classifier.kind]
        score = asked.score if asked.score in allowed else classifier.default_score
        places = self.explain(session, asked, dark, tell, new_picture=True, layer=None, score=score)
        heads = classifier.heads
        return places | {
            "strip": strip(session),
            "layer": gr.update(choices=layer_choices(classifier), value=session.result.layer.name),
            "head": gr.update(choices=list(heads), value=classifier.chosen_head, visible=len(heads) > 1),
            "score": gr.update(choices=score_choices(allowed), value=score, info=classifier.logits_reason),
        }

    def bring_network(self, session, asked, dark, file, labels, preprocessing, tell):
        """A visitor's own .keras file."""
        self._require_permission()
        if not file:
            raise InputError("A network of your own comes as a .keras file, and none is chosen yet; drop one here.")
        network = Network(str(file), labels=labels and str(labels), preprocessing=preprocessing)
        return self._bring(session, asked, dark, network, tell)

    def bring_weights(self, session, asked, dark, path, tell):
        """A file of weights for the network that is chosen."""
        self._require_permission()
        if not str(path or "").strip():
            raise InputError("Weights come from a file, and no path is written yet; write one here.")
        return self._bring(session, asked, dark, replace(self._network(session, asked), weights=path.strip()), tell)

    def _bring(self, session, asked, dark, network, tell):
        self._load(network, tell)  # what is wrong with it is told before anything on the page changes
        session.networks[network.label] = network
        asked = replace(asked, model=network.label, head=None)
        return {"model": self._model_list(session, network.label)} | self.change_model(session, asked, dark, tell)

    def _require_permission(self):
        if not self.allow_own:
            raise InputError(
                "This server takes no networks or weights from visitors; start your own with make run to bring one."
            )

    def _model_list(self, session, chosen):
        return gr.update(choices=networks.choices(session.networks), value=chosen)

    def explain(self, session, asked, dark, tell, new_picture=False, **override):
        """Explain the picture that is shown; a new one for its most probable class, an example as its note says."""
        classifier = self.classifier(session, asked, tell)
        settings = _settings(asked) | override
        if new_picture:
            settings |= {"class_index": None} | session.picture.asks
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
            "layer": gr.update(value=result.layer.name),
            "status": results.status(session.picture.note or text.READY),
        }


def told(why):
    """The sentence for a visitor's mistake, or for a stop."""
    if isinstance(why, Cancelled):
        return {"status": results.status(text.STOPPED)}
    return {"status": results.status(str(why), "wrong")}


def guarded(work):
    """What work() gives, or the sentence that says why not; the results on the page stay as they are."""
    try:
        return work()
    except (InputError, Cancelled) as why:
        return told(why)
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
    first = classifier.block_ends
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
