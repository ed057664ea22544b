"""What happens when a visitor does something: actions take and return plain values, without any event.

An action returns a dict from the name of a place on the page to its new value.
"""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import gradio as gr

from explorer.attribution.methods import METHODS, MaskMethod
from explorer.attribution.scores import SCORES_OF
from explorer.engine.applicability import objections
from explorer.engine.masking import max_masks
from explorer.engine.result_cache import ResultCache
from explorer.errors import Cancelled, InputError
from explorer.models.pool import Loaded
from explorer.models.spec import Network
from explorer.network import output_head
from explorer.ui import choices, networks, results, text, zerogpu
from explorer.ui.controls import MIN_EXPONENT, score_choices
from explorer.ui.examples import examples
from explorer.ui.question import OPENING, question
from explorer.ui.state import Superseded

if TYPE_CHECKING:
    from markupsafe import Markup

    from explorer.engine.result import Result
    from explorer.network.classifier import Classifier
    from explorer.ui.controls import Controls
    from explorer.ui.state import Job, Picture, Session


log = logging.getLogger("explorer")

TOY = Network("toy-vgg")


class Silent:
    """Whom long work tells how far it is: nobody. See `explorer.ui.progress.reporting`."""

    job = None  # that is at work; see `explorer.ui.state.Session.begin`

    def begun(self, job: Job) -> None:
        """From now on there is something that can be stopped."""
        self.job = job

    def __call__(self, stage, done, total):
        pass

    def show(self, make: Callable) -> None:
        pass


_silent = Silent()


class Explorer:
    """What all visitors share: the networks, each loaded once, and the results of the last requests.

    first: the Network the page opens with. allow_own: whether visitors may bring networks and name files of weights.
    report: the `explorer.ui.reports.Report` that is shown, and whose pictures links go to; None: no report.
    """

    def __init__(self, first: Network = TOY, allow_own: bool = False, report: Any = None):
        self.first, self.allow_own, self.report = first, allow_own, report
        self._networks = WeakKeyDictionary()  # classifier -> its Network
        self._paces = WeakKeyDictionary()  # classifier -> seconds a picture, as the last explanation took
        self.computing = zerogpu.explaining(self._networks.__getitem__)
        self.cache = ResultCache(answer=self.computing.answer)
        self.loaded = Loaded(let_go=self.cache.forget)

    def classifier(self, session: Session, controls: Controls, tell: Silent = _silent) -> Classifier:
        return self._load(self._network(session, controls), tell)

    def _network(self, session, controls):
        """The Network asked for; its head is None unless the visitor chose one that differs from what is shown."""
        network = session.networks.get(controls.model) or Network(controls.model)
        if controls.model != session.model:  # the output chosen is one of the network before
            return network
        if controls.head in (None, session.head) or session.is_old(controls):
            return session.network
        return replace(network, head=controls.head)

    def pace(self, classifier: Classifier) -> float:
        """Seconds a picture, as its last explanation took; None before the first."""
        return self._paces.get(classifier)

    def _load(self, network, tell):
        classifier = self.loaded.get(network, lambda: network.load(tell))
        self._networks[classifier] = network
        return classifier

    def warm_up(self) -> None:
        """Load the first network and explain its first example, so that the page opens at once."""
        classifier = self._load(self.first, _silent)
        if self.computing.lent:  # to visitors alone: the first one's answer then serves the others
            return
        opening = examples(self.first)[0]
        asks = OPENING | {"score": classifier.default_score} | opening.asks
        self.cache.explain(classifier, opening.image, **asks)

    def open(self, session: Session, controls: Controls, dark: bool) -> dict[str, Any]:
        """A new visitor: the examples, the first of them explained."""
        if self.first != Network(controls.model):
            controls = replace(controls, model=self.listed(session, self.first))
        return self.explain(session, controls, dark, _silent)

    def listed(self, session: Session, network: Network) -> str:
        """What the page's list calls a network, which joins the visitor's own where it is not of the list."""
        if not network.own and network == Network(network.name):
            return network.name
        session.networks[network.label] = network
        return network.label

    def add(self, session: Session, controls: Controls, dark: bool, files: list[str], tell: Silent) -> dict[str, Any]:
        before = len(session.pictures)
        complaints = session.add(files)
        added = len(session.pictures) - before
        if not added:
            return {"status": results.status("No picture among these files:", "wrong", items=complaints)}
        places = self.explain(session, controls, dark, tell)
        if complaints:
            words = f"Added {added} of {added + len(complaints)} files:"
            places["status"] = results.status(words, "wrong", items=complaints)
        return places

    def select(self, session: Session, controls: Controls, dark: bool, index: int, tell: Silent) -> dict:
        if session.is_old(controls) and index >= len(session.pictures):
            raise InputError("The pictures have just changed with the network; choose one of those that are there now.")
        session.choose(index)
        return self.explain(session, controls, dark, tell)

    def bring_network(
        self,
        session: Session,
        controls: Controls,
        dark: bool,
        file: str,
        labels: str | None,
        preprocessing: str,
        tell: Silent,
    ) -> dict[str, Any]:
        """A visitor's own .keras file."""
        self._require_permission()
        if not file:
            raise InputError("A network of your own comes as a .keras file, and none is chosen yet; drop one here.")
        network = Network(str(file), labels=labels and str(labels), preprocessing=preprocessing)
        return self._bring(session, controls, dark, network, tell)

    def bring_weights(
        self, session: Session, controls: Controls, dark: bool, path: str, tell: Silent
    ) -> dict[str, Any]:
        """A file of weights for the network that is chosen."""
        self._require_permission()
        if not str(path or "").strip():
            raise InputError("Weights come from a file, and no path is written yet; write one here.")
        network = self._network(session, controls)
        if network.own:
            raise InputError(
                f"A file of weights is for a network of the list, and {network.label} is your own: choose one above."
            )
        return self._bring(session, controls, dark, replace(network, weights=path.strip()), tell)

    def _bring(self, session, controls, dark, network, tell):
        self._load(network, tell)  # what is wrong with it is told before anything on the page changes
        session.networks[network.label] = network
        return self.explain(session, controls, dark, tell, model=network.label, head=None)

    def _require_permission(self):
        if not self.allow_own:
            raise InputError(
                "This server takes no networks or weights from visitors; start your own with make run to bring one."
            )

    def ask(self, session: Session, controls: Controls, dark: bool, tell: Silent) -> dict:
        """The same for a choice in the controls, which tell of one choice several times, and of none when they lose the
        focus: identical questions are one, and what stands on the page already is not asked, nor said, again."""
        if session.is_asked_again(controls):
            raise Superseded
        if session.is_shown(controls):  # perhaps after a mistake in a field, which is then corrected
            return {"status": ready(session) if session.is_corrected(controls) else gr.update()}
        return self.explain(session, controls, dark, tell)

    def explain(self, session: Session, controls: Controls, dark: bool, tell: Silent, **instead: Any) -> dict:
        """Explain the chosen picture by the chosen network. instead: what is asked in place of what the controls say.

        Where either is another than that of the results, it starts afresh: the class is the most probable, the layer
        the network's last, unless the picture is an example that asks for others. A mistake or a stop leaves results,
        picture and network on the page as they were; a newer question replaces this one (Superseded).
        """
        number = session.number if controls.number is None else controls.number
        before, controls = controls.sweep, replace(controls, **instead)
        job, progress = session.begin(tell, (controls.sweep, session.picture_index), number, before)
        session.look, previews = controls, []

        def preview(result):
            previews.append(result)
            tell.show(lambda: results.preview(result, session.look))

        try:
            network = self._network(session, controls)
            if session.result is not None and network != session.network:
                tell.show(_closed_lists)
            classifier = self._load(network, progress)
            pictures, index = session.pictures, session.picture_index
            if network != session.network:
                pictures, index = session.with_examples(examples(network))
            picture = pictures[index]
            asks, sentences = question(session, controls, classifier, network, picture)
            begun = time.monotonic()
            result = self.cache.explain(
                classifier, picture.image, epsilon=controls.epsilon, progress=progress, preview=preview, **asks
            )
            if result.cost.passes:
                self._paces[classifier] = (time.monotonic() - begun) / result.cost.passes
        except Exception as why:
            if session.result is None or job.superseded:
                raise
            session.go_back()
            session.refused = session.with_shown_lists(controls).sweep
            classifier = session.result.classifier
            if previews or session.number_on_page != session.number:
                return self._show(session, classifier, dark) | refusal(why)
            return strip(session) | self._controls(session, classifier) | refusal(why)
        finally:
            job.about = None
        if job.superseded:
            raise Superseded
        if session.result is None or sentences or result.question != session.result.question:
            session.sentence = " ".join(sentences)
        session.pictures, session.picture_index = pictures, index
        session.head = classifier.chosen_head
        session.show_result(result, picture, network, controls)
        session.at_baseline = output_head.probabilities(classifier.kind, result.path.logits[:1])[0]
        job.has_answer = True
        return self._show(session, classifier, dark)

    def _methods_note(self, classifier, result):
        """Which methods do not apply at the layer, and what those that show the network many pictures would take."""
        masked = [(method.label, key) for key, method in METHODS.items() if isinstance(method, MaskMethod)]
        counts = [(label, max_masks(key, classifier, result.layer)) for label, key in masked]
        return results.methods_note(objections(classifier, result.layer, result.path), counts, self.pace(classifier))

    def _show(self, session, classifier, dark):
        """Everything on the page, so that no place can be left behind by a question that was replaced."""
        result, likeliest = session.result, int(session.at_baseline.argmax())
        session.note = note(session.explained, result)
        return (
            redraw(session, session.look, dark)
            | strip(session)
            | self._controls(session, classifier)
            | {
                "heading": results.heading(result),
                "path": results.path(result, dark),
                "completeness": results.completeness(result),
                "seen": results.network_input(session.explained, result),
                "preview": results.baseline_preview(
                    result.baseline_image, classifier.class_names[likeliest], session.at_baseline[likeliest]
                ),
                "status": ready(session),
                "methods_note": self._methods_note(classifier, result),
                "machine": results.machine(self.computing.describe()),
            }
        )

    def _controls(self, session, classifier):
        """The lists that belong to the result, and its number."""
        result, heads, allowed = session.result, classifier.heads, SCORES_OF[classifier.kind]
        return {
            "model": gr.update(choices=networks.choices(session.networks), value=session.model),
            "head": gr.update(
                choices=list(heads), value=classifier.chosen_head, visible=len(heads) > 1, interactive=True
            ),
            "class_index": gr.update(
                choices=choices.classes(result, classifier), value=result.class_index, interactive=True
            ),
            "layer": gr.update(choices=choices.layers(classifier), value=result.layer.name, interactive=True),
            "score": gr.update(
                choices=score_choices(allowed), value=result.settings["score"], info=classifier.logits_reason
            ),
            "number": session.number,
        }


def _closed_lists():
    """The lists of a network while another takes its place: what would be chosen from them is about to go."""
    return {name: gr.update(interactive=False) for name in ("head", "class_index", "layer")}


def ready(session: Session) -> Markup:
    """The line of status once an answer stands."""
    words = " ".join(filter(None, (session.sentence, session.note)))
    return results.status(words or text.READY, detail=text.cost(session.result))


def note(picture: Picture, result: Result) -> str:
    """What an example shows, where it is shown in the way that the note is about."""
    settings, asks = result.settings, picture.asks
    usual = settings["score"] == "probability" and settings["baseline"] == "black" and result.epsilon == 1e-8
    there = settings["layer"] == asks.get("layer", settings["layer"])
    named = asks.get("class_index")
    class_index = int(result.probabilities.argmax()) if named is None else result.classifier.class_index(named)
    return picture.note if usual and there and result.class_index == class_index else ""


def refusal(why: Exception) -> dict[str, Any]:
    """The sentence for a visitor's mistake, for a stop, or for a fault of ours."""
    if isinstance(why, Cancelled):
        return {"status": results.status(text.STOPPED)}
    if not isinstance(why, InputError):  # the outer edge: the visitor gets a sentence, the log the traceback
        log.error("a handler of the page failed", exc_info=why)
        return {"status": results.status(text.FAULT, "wrong")}
    if why.__cause__ is not None:  # a sentence put in place of some other fault, which may be one of ours
        log.warning("told a visitor: %s", why, exc_info=why)
    return {"status": results.status(str(why), "wrong")}


def guarded(work: Callable) -> dict | None:
    """What work() gives, or the sentence that says why not; the results on the page stay as they are.

    None where a newer question has replaced this one: whatever there is to say, that one says.
    """
    try:
        return work()
    except Superseded:
        return None
    except Exception as why:
        return refusal(why)


def redraw(session: Session, controls: Controls, dark: bool) -> dict[str, Any]:
    """What depends on ε, colours, opacity and scale alone: the network is not asked."""
    session.look = controls
    if session.result is None:
        return {}
    if session.result.epsilon != controls.epsilon:
        session.result = session.result.at_epsilon(controls.epsilon)
    lower, words = lower_exponent(session.result), note(session.explained, session.result)
    status = {}
    if words != session.note and session.job.about is None:  # while something is computed, the line is about that
        session.note = words
        status = {"status": ready(session)}
    return status | {
        "cards": results.cards(session.result, controls.colormap, controls.opacity, controls.scale),
        "notice": results.notice(session.result, session.at_baseline[session.result.class_index]),
        "histograms": results.histograms(session.result, dark),
        "exponent": gr.update(label=text.epsilon_label(controls.epsilon)),
        "lower_epsilon": gr.update(visible=lower is not None, value=f"Lower ε to 1e{lower}"),
        "use_logit": gr.update(visible=_would_logit_help(session.result)),
    }


def lower_exponent(result: Result) -> int | None:
    """The power of ten for ε below which as many dark maps as possible show again; None where none would."""
    spreads = [float(one.raw.max() - one.raw.min()) for one in result if one.verdict == "dark"]
    within_reach = [spread for spread in spreads if spread > 10.0**MIN_EXPONENT]
    if not within_reach:
        return None
    return max(MIN_EXPONENT, math.floor(math.log10(min(within_reach))) - 1)


def _would_logit_help(result):
    return result.settings["score"] != "logit" and any(one.verdict in ("dark", "blank") for one in result)


def strip(session: Session) -> dict:
    """The strip of pictures where it has changed: given again what it holds, the browser would fetch it again."""
    session.job.shows = session.number, session.strip_now
    if session.strip == session.strip_now:
        return {}
    thumbnails = [(results.thumbnail(picture.image, 160), picture.name) for picture in session.pictures]
    return {"strip": gr.update(value=thumbnails, selected_index=session.picture_index)}
