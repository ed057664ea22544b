"""Which event calls which action: what every page stands in, and what the whole page does."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

import gradio as gr

from explorer.ui import links, progress, results, text
from explorer.ui.actions import Explorer, guarded, redraw
from explorer.ui.controls import OF_FIXED_STEPS, Controls
from explorer.ui.pages import OTHERS, explore

if TYPE_CHECKING:
    from gradio.events import Dependency

    from explorer.ui.controls import OwnNetwork, Pictures
    from explorer.ui.state import Session


QUIET = {"api_visibility": "private", "show_progress": "hidden"}
NETWORK = {"concurrency_id": "network", "concurrency_limit": 2, "trigger_mode": "multiple", **QUIET}


@dataclass(frozen=True)
class Frame:
    """explorer: what all visitors share. The rest are components: session, the visitor's State; dark, whether the page
    is; controls, those on the left; answer, by name, every place that the answer to a question writes to. All may
    write to the line of status and the Stop button."""

    explorer: Explorer
    session: gr.State
    dark: gr.Checkbox
    controls: Controls
    answer: Mapping[str, Any]

    @property
    def places(self) -> dict[str, Any]:
        return {name: self.answer[name] for name in ("status", "stop")}

    def run(
        self,
        event: Any,
        work: Callable,
        places: Mapping[str, Any],
        inputs: Sequence = (),
        when: Callable[[Session], bool] | None = None,
        latest: bool = False,
    ) -> Dependency:
        """Call work(session, controls, dark, tell, *values of the inputs) when something happens, with its progress on
        the page and its result in the places it names. event: or several; when: of the session, whether to work at all;
        latest: for what is dragged, of all that happens meanwhile only the last counts. Returns the dependency."""

        def handler(session, dark, *values):
            if when is None or when(session):
                yield from self._answers(work, session, dark, values, len(inputs), places)
            else:
                yield self._placed({}, places)

        options = NETWORK | ({"trigger_mode": "always_last"} if latest else {})
        return self._with_stop(self._wire(event, handler, places, inputs, options))

    def run_chosen(self, event: Any, work: Callable, places: Mapping[str, Any], inputs: Sequence = ()) -> Dependency:
        """The same for an event that tells what was chosen, by the dictionary that it brings:
        work(session, controls, dark, tell, event, *values)."""

        def handler(event: gr.EventData, session, dark, *values):
            def of_event(session, controls, dark, tell, *values):
                return work(session, controls, dark, tell, event._data, *values)

            yield from self._answers(of_event, session, dark, values, len(inputs), places)

        return self._with_stop(self._wire(event, handler, places, inputs, NETWORK))

    def redraw(self, event: Any, work: Callable, places: Mapping[str, Any], inputs: Sequence = ()) -> Dependency:
        """Call work(session, controls, dark, *values of the inputs) for what takes no time: the latest event counts."""

        def handler(session, dark, *values):
            controls = Controls.of(values[len(inputs) :])
            return self._placed(guarded(lambda: work(session, controls, dark, *values[: len(inputs)])), places)

        return self._wire(event, handler, places, inputs, {"trigger_mode": "always_last", **QUIET})

    def _answers(self, work, session, dark, values, count, places):
        controls, values = Controls.of(values[count:]), values[:count]
        for answer in progress.reporting(lambda tell: work(session, controls, dark, tell, *values), session.is_on_page):
            yield self._placed(answer, places)

    def _placed(self, values, places):
        """Gradio takes no dictionary without entries, and of a generator that says nothing it empties every place."""
        values = values or {"status": gr.update()}
        return {(self.places | places)[name]: value for name, value in values.items()}

    def _with_stop(self, dependency):
        """Once more, when all of it is over, whether there is something to stop: what two who work at the same time say
        of it may reach the page in another order than they said it."""
        dependency.then(_stop_button, self.session, self.answer["stop"], queue=False, **QUIET)
        return dependency

    def _wire(self, event, handler, places, inputs, options):
        inputs = [self.session, self.dark, *inputs, *self.controls.all()]
        outputs = list((self.places | places).values())
        on = partial(gr.on, list(event)) if isinstance(event, list | tuple) else event
        return on(handler, inputs, outputs, **options)


def wire(
    app: gr.Blocks,
    frame: Frame,
    pictures: Pictures,
    own: OwnNetwork,
    button: gr.Button,
    parameters: Mapping[Any, tuple[str, ...]],
    others: Mapping[str, Mapping[str, Any]],
    tabs: Mapping[str, Any],
) -> None:
    """Everything that the page does. button: Explain; parameters: what each control of a baseline's parameter is for;
    others: the places of every page but Explore, by its key; tabs: by the key of their page."""
    questions = _questions(frame, pictures, own, button)
    _instantly(frame, parameters)
    for key, page in OTHERS.items():
        page.wire(frame, others[key])
    _turn(app, frame, questions, others, tabs)


def _questions(frame, pictures, own, button):
    """What asks the network -> the dependencies, each over once its answer stands."""
    explorer, places, controls = frame.explorer, frame.answer, frame.controls

    def ask(session, controls, dark, tell):
        return explorer.ask(session, controls, dark, tell)

    def explain(session, controls, dark, tell):
        return explorer.explain(session, controls, dark, tell)

    def add(session, controls, dark, tell, files):
        files = files if isinstance(files, list) else [files]
        return explorer.add(session, controls, dark, files, tell)

    def select(session, controls, dark, tell, event):
        return explorer.select(session, controls, dark, event["index"], tell)

    def network(session, controls, dark, tell, file, labels, preprocessing):
        return explorer.bring_network(session, controls, dark, file, labels, preprocessing, tell)

    def weights(session, controls, dark, tell, path):
        return explorer.bring_weights(session, controls, dark, path, tell)

    lists = [
        controls.model,
        controls.head,
        controls.class_index,
        controls.layer,
        controls.baseline,
        controls.automatic,
        controls.score,
        controls.methods,
    ]
    fields = [
        controls.sigma,
        controls.seed,
        controls.colour,
        controls.baseline_picture,
        controls.steps,
        controls.tolerance,
        controls.integrated,
        *controls.settings.values(),
    ]
    logit = places["use_logit"].click(lambda: "logit", None, controls.score, **QUIET)
    return [
        frame.run([*(one.input for one in lists), *(one.change for one in fields)], ask, places),
        frame.run(button.click, explain, places),
        frame.run(logit.then, ask, places),
        frame.run(own.load.click, network, places, [own.file, own.labels, own.preprocessing]),
        frame.run(own.load_weights.click, weights, places, [own.weights]),
        frame.run_chosen(pictures.strip.select, select, places),
        frame.run(pictures.add.upload, add, places, [pictures.add]),
        frame.run(pictures.camera.input, add, places, [pictures.camera]),
    ]


def _instantly(frame, parameters):
    """What never asks the network."""
    places, controls = frame.answer, frame.controls
    looks = [controls.exponent.change, controls.colormap.input, controls.opacity.change, controls.scale.change]
    frame.redraw(looks, redraw, places)
    by_hand = [controls.tolerance, controls.steps, *(controls.settings[name] for name in OF_FIXED_STEPS)]
    controls.automatic.input(_by_hand, controls.automatic, by_hand, **QUIET)
    controls.baseline.input(partial(_parameters_of, parameters), controls.baseline, list(parameters), **QUIET)
    places["stop"].click(_stop, frame.session, None, queue=False, **QUIET)
    places["lower_epsilon"].click(explore.lower_epsilon, frame.session, controls.exponent, **QUIET)


def _turn(app, frame, questions, others, tabs):
    """Opening the page at its address, and turning from one to another."""
    places = frame.answer
    address = gr.Textbox(visible=False)  # what stands in it after the "?", which only the browser knows

    def opening(session, dark, address, *values):
        address = dict(parse_qsl(address or ""))
        answer = guarded(lambda: links.open_at(frame.explorer, session, Controls.of(values), dark, address))
        if session.job.shows:
            session.is_on_page(session.job.shows)
        session.page = address["view"] if address.get("view") in tabs else explore.KEY
        answer["tabs"] = gr.Tabs(selected=session.page)
        return {places[name]: value for name, value in answer.items()} | {frame.dark: dark}

    inputs = [frame.session, frame.dark, address, *frame.controls.all()]
    app.load(opening, inputs, [*places.values(), frame.dark], js="opening", **QUIET)
    all_others = {name: place for page in others.values() for name, place in page.items()}

    def refresh(session, controls, dark, tell):
        """What the page that is open shows of a result it has not shown yet."""
        result = session.result
        values = OTHERS[session.page].show(frame.explorer, session, controls, dark, tell)
        session.shown_on[session.page] = result
        return {"status": results.status(text.READY)} | values

    for question in questions:  # opening chooses a tab, whose event is below
        frame.run(question.then, refresh, all_others, when=_is_old)
    for key, tab in tabs.items():
        turned = tab.select(partial(_turn_to, key), frame.session, None, js=f"turningTo('{key}')", **QUIET)
        frame.run(turned.then, refresh, all_others, when=_is_old)


def _turn_to(key, session):
    session.page = key


def _is_old(session):
    """Whether the page that is open shows another result than the one that stands."""
    return (
        session.page in OTHERS
        and session.result is not None
        and session.job.about is None  # whose answer would be asked for when it stands
        and (session.shown_on.get(session.page) is not session.result)
    )


def _stop_button(session):
    return gr.update(interactive=session.job.at_work)


def _stop(session):
    session.job.stopped = True


def _by_hand(automatic):
    """A number of steps, and how their sum is taken, or else how exact the steps shall be."""
    return [gr.update(visible=automatic), *[gr.update(visible=not automatic)] * (1 + len(OF_FIXED_STEPS))]


def _parameters_of(parameters, kind):
    """Show only what the chosen kind of baseline needs."""
    return [gr.update(visible=kind in kinds) for kinds in parameters.values()]
