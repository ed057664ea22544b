"""The whole page: the controls on the left, the pages in tabs on the right, and which event calls which handler."""

from functools import partial
from urllib.parse import parse_qsl

import gradio as gr

from explorer.ui import controls, links, results, text
from explorer.ui.frame import QUIET, Frame
from explorer.ui.pages import OTHERS, explore
from explorer.ui.state import Session
from explorer.ui.wiring import guarded, redraw

IS_DARK = "document.body.classList.contains('dark')"
ADDRESS = "(...all) => {{ showAddress('{}'); return all; }}"
OPENING = f"(...all) => [all[0], {IS_DARK}, openedAt, ...all.slice(3)]"


def build(app, explorer):
    """Lay out the page inside `app`, the gr.Blocks being built, and wire it to the shared Explorer."""
    session = gr.State(Session())
    dark = gr.Checkbox(False, visible=False)  # whether the page is dark, which only the browser knows
    with gr.Row(elem_id="columns"):
        with gr.Column(scale=1, min_width=320, elem_id="left"):
            with gr.Column(elem_id="pictures", min_width=0):
                pictures = controls.pictures()
            with gr.Column(elem_id="choices", min_width=0):
                asked, told, parameters = controls.choices()
                own = controls.own_network(explorer.allow_own)
        with gr.Column(scale=3, min_width=340, elem_id="right"):
            places, button = _top()
            with gr.Tabs(elem_id="pages") as places["tabs"]:
                shown, others, tabs = _pages()
    places |= shown | told | {"strip": pictures.strip, "seen": pictures.seen}
    written = ("model", "head", "class_index", "layer", "score", "exponent", "number")
    places |= {name: getattr(asked, name) for name in written}
    frame = Frame(explorer, session, dark, asked, places)
    questions = _questions(frame, pictures, own, button)
    _instantly(frame, parameters)
    for key, page in OTHERS.items():
        page.wire(frame, others[key])
    _turn(app, frame, questions, others, tabs)


def _top():
    """What stands above every page -> (places by name, the Explain button)."""
    with gr.Row(elem_id="top"):
        heading = gr.HTML(elem_id="heading", min_width=320)
        with gr.Row(elem_classes="tight", elem_id="do"):
            explain = gr.Button("Explain", variant="primary", size="sm", min_width=90)
            stop = gr.Button("Stop", variant="stop", size="sm", min_width=70, elem_id="stop", interactive=False)
    status = gr.HTML(elem_id="status")
    return {"heading": heading, "status": status, "stop": stop}, explain


def _pages():
    """Every page in its tab -> (the places of Explore, those of each other page by its key, the tabs by their key)."""
    tabs, others = {}, {}
    with gr.Tab(explore.LABEL, id=explore.KEY) as tabs[explore.KEY]:
        shown = explore.build()
    for key, page in OTHERS.items():
        with gr.Tab(page.LABEL, id=key) as tabs[key]:
            gr.HTML(f'<p class="caption">{page.ABOUT}</p>')
            others[key] = page.build()
    return shown, others, tabs


def _questions(frame, pictures, own, button):
    """What asks the network -> the dependencies, each over once its answer stands."""
    explorer, places, asked = frame.explorer, frame.answer, frame.asked

    def ask(session, asked, dark, tell):
        return explorer.ask(session, asked, dark, tell)

    def explain(session, asked, dark, tell):
        return explorer.explain(session, asked, dark, tell)

    def add(session, asked, dark, tell, files):
        files = files if isinstance(files, list) else [files]
        return explorer.add(session, asked, dark, files, tell)

    def select(session, asked, dark, tell, chosen):
        return explorer.select(session, asked, dark, chosen["index"], tell)

    def network(session, asked, dark, tell, *given):
        return explorer.bring_network(session, asked, dark, *given, tell)

    def weights(session, asked, dark, tell, path):
        return explorer.bring_weights(session, asked, dark, path, tell)

    chosen = [
        asked.model,
        asked.head,
        asked.class_index,
        asked.layer,
        asked.baseline,
        asked.automatic,
        asked.score,
        asked.methods,
    ]
    written = [
        asked.sigma,
        asked.seed,
        asked.colour,
        asked.baseline_picture,
        asked.steps,
        asked.tolerance,
        asked.gradients,
        asked.units,
        asked.quadrature,
        asked.integrated,
    ]
    logit = places["use_logit"].click(lambda: "logit", None, asked.score, **QUIET)
    return [
        frame.run([*(one.input for one in chosen), *(one.change for one in written)], ask, places),
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
    places, asked = frame.answer, frame.asked
    looks = [asked.exponent.change, asked.colormap.input, asked.opacity.change, asked.scale.change]
    frame.redraw(looks, redraw, places)
    by_hand = [asked.steps, asked.tolerance, asked.quadrature]
    asked.automatic.input(_by_hand, asked.automatic, by_hand, **QUIET)
    asked.baseline.input(partial(_parameters_of, parameters), asked.baseline, list(parameters), **QUIET)
    places["stop"].click(_stop, frame.session, None, queue=False, **QUIET)
    places["lower_epsilon"].click(explore.lower_epsilon, frame.session, asked.exponent, **QUIET)


def _turn(app, frame, questions, others, tabs):
    """Opening the page at its address, and turning from one to another."""
    places = frame.answer
    address = gr.Textbox(visible=False)  # what stands in it after the "?", which only the browser knows

    def opening(session, dark, address, *values):
        address = dict(parse_qsl(address or ""))
        found = guarded(lambda: links.open_at(frame.explorer, session, controls.Asked(*values), dark, address))
        if session.job.shows:
            session.is_on_page(session.job.shows)
        session.page = address["view"] if address.get("view") in tabs else explore.KEY
        found["tabs"] = gr.Tabs(selected=session.page)
        return {places[name]: value for name, value in found.items()} | {frame.dark: dark}

    inputs = [frame.session, frame.dark, address, *frame.asked.all()]
    app.load(opening, inputs, [*places.values(), frame.dark], js=OPENING, **QUIET)
    all_others = {name: place for page in others.values() for name, place in page.items()}

    def refresh(session, asked, dark, tell):
        """What the page that is open shows of a result it has not shown yet."""
        result = session.result
        found = OTHERS[session.page].show(frame.explorer, session, asked, dark, tell)
        session.shown_on[session.page] = result
        return {"status": results.status(text.READY)} | found

    for done in questions:  # opening chooses a tab, which is told below
        frame.run(done.then, refresh, all_others, when=_is_old)
    for key, tab in tabs.items():
        turned = tab.select(partial(_turn_to, key), frame.session, None, js=ADDRESS.format(key), **QUIET)
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


def _stop(session):
    session.job.stopped = True


def _by_hand(automatic):
    """A number of steps, and how their sum is taken, or else how exact the steps shall be."""
    return [gr.update(visible=not automatic), gr.update(visible=automatic), gr.update(visible=not automatic)]


def _parameters_of(parameters, kind):
    """Show only what the chosen kind of baseline needs."""
    return [gr.update(visible=kind in kinds) for kinds in parameters.values()]
