"""The Explore page: where everything stands, and which event calls which handler."""

from dataclasses import replace
from functools import partial

import gradio as gr

from explorer.ui import controls, progress, results, text
from explorer.ui.controls import Asked
from explorer.ui.events import guarded, lower_exponent, redraw
from explorer.ui.session import Session

QUIET = {"api_visibility": "private", "show_progress": "hidden"}


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
            places, buttons = _results()
    places |= told | {"strip": pictures.strip, "seen": pictures.seen}
    places |= {name: getattr(asked, name) for name in ("model", "head", "class_index", "layer", "score", "exponent")}
    _wire(app, explorer, session, dark, pictures, asked, parameters, places, buttons, own)


def _results():
    """The right column -> (places by name, buttons by name)."""
    with gr.Row(elem_id="top"):
        heading = gr.HTML(elem_id="heading", min_width=320)
        with gr.Row(elem_classes="tight", elem_id="do"):
            explain = gr.Button("Explain", variant="primary", size="sm", min_width=90)
            stop = gr.Button("Stop", variant="stop", size="sm", min_width=70, elem_id="stop", interactive=False)
    status = gr.HTML(elem_id="status")
    cards = gr.HTML(elem_id="cards")
    with gr.Row(elem_id="announcement"):
        notice = gr.HTML(elem_id="notice")
        with gr.Column(elem_id="remedies", min_width=0):
            lower_epsilon = gr.Button("Lower ε", size="sm", visible=False)
            use_logit = gr.Button("Explain the logit", size="sm", visible=False)
    with gr.Row(elem_id="charts"):
        with gr.Column(min_width=320, scale=3):
            gr.HTML("<h3>Raw values of each map, on one logarithmic axis</h3>")
            histograms = gr.Plot(show_label=False, elem_id="histograms")
        with gr.Column(min_width=320, scale=2):
            gr.HTML("<h3>The score along the path</h3>")
            path = gr.Plot(show_label=False, elem_id="path")
            completeness = gr.HTML(elem_id="completeness")
    gr.HTML(f'<p class="caption">{text.CAPTION}</p>', elem_id="caption")
    machine = gr.HTML(elem_id="machine")
    with gr.Accordion("What the words mean", open=False, elem_id="words"):
        gr.HTML(results.glossary())
    places = {
        "heading": heading, "status": status, "stop": stop, "cards": cards, "notice": notice,
        "lower_epsilon": lower_epsilon, "use_logit": use_logit, "histograms": histograms, "path": path,
        "completeness": completeness, "machine": machine,
    }  # fmt: skip
    return places, {"explain": explain, "stop": stop, "lower_epsilon": lower_epsilon, "use_logit": use_logit}


def _wire(app, explorer, session, dark, pictures, asked, parameters, places, buttons, own):
    everything, outputs = [session, dark, *asked.all()], list(places.values())
    dark_box = dark

    def placed(values):
        return {places[name]: value for name, value in values.items()}

    def on_explain(session, dark, *values):
        yield from working(lambda tell: explorer.explain(session, Asked(*values), dark, tell))

    def on_model(session, dark, *values):
        asked = replace(Asked(*values), head=None)  # the output chosen was one of the network before
        yield from working(lambda tell: explorer.explain(session, asked, dark, tell))

    def on_add(session, dark, files, *values):
        files = files if isinstance(files, list) else [files]
        yield from working(lambda tell: explorer.add(session, Asked(*values), dark, files, tell))

    def on_select(chosen: gr.SelectData, session, dark, *values):
        yield from working(lambda tell: explorer.select(session, Asked(*values), dark, chosen.index, tell))

    def working(work):
        """Stage and count while it works, with the Stop button alive; then whatever it gives."""
        for values in progress.reporting(work):
            yield placed(values)

    def on_network(session, dark, file, labels, preprocessing, *values):
        yield from working(
            lambda tell: explorer.bring_network(session, Asked(*values), dark, file, labels, preprocessing, tell)
        )

    def on_weights(session, dark, path, *values):
        yield from working(lambda tell: explorer.bring_weights(session, Asked(*values), dark, path, tell))

    def on_redraw(session, dark, *values):
        return placed(guarded(lambda: redraw(session, Asked(*values), dark)))

    def on_open(session, dark, *values):
        return placed(guarded(lambda: explorer.open(session, Asked(*values), dark))) | {dark_box: dark}

    def on_stop(session):
        session.job.stopped = True

    def on_lower_epsilon(session):
        return lower_exponent(session.result)

    network = {
        "outputs": outputs, "concurrency_id": "network", "concurrency_limit": 2, "trigger_mode": "multiple", **QUIET,
    }  # fmt: skip
    chosen = [
        asked.head, asked.class_index, asked.layer, asked.baseline, asked.automatic, asked.score, asked.methods,
    ]  # fmt: skip
    written = [
        asked.sigma, asked.seed, asked.colour, asked.baseline_picture, asked.steps, asked.tolerance, asked.gradients,
        asked.units, asked.quadrature,
    ]  # fmt: skip
    questions = [*(one.input for one in chosen), *(one.change for one in written), buttons["explain"].click]
    gr.on(questions, on_explain, everything, **network)
    asked.model.input(on_model, everything, **network)
    own.load.click(
        on_network, [session, dark, own.file, own.labels, own.preprocessing, *asked.all()], **network
    )
    own.load_weights.click(on_weights, [session, dark, own.weights, *asked.all()], **network)
    pictures.strip.select(on_select, everything, **network)
    for source in (pictures.add, pictures.camera):
        added = source.upload if source is pictures.add else source.input
        added(on_add, [session, dark, source, *asked.all()], **network)
    looks = [asked.exponent.change, asked.colormap.input, asked.opacity.change, asked.scale.change]
    gr.on(looks, on_redraw, everything, outputs, trigger_mode="always_last", **QUIET)
    by_hand = [asked.steps, asked.tolerance, asked.quadrature]
    asked.automatic.input(_by_hand, asked.automatic, by_hand, **QUIET)
    asked.baseline.input(partial(_parameters_of, parameters), asked.baseline, list(parameters), **QUIET)
    buttons["stop"].click(on_stop, session, None, queue=False, **QUIET)
    buttons["use_logit"].click(lambda: "logit", None, asked.score, **QUIET).then(on_explain, everything, **network)
    buttons["lower_epsilon"].click(on_lower_epsilon, session, asked.exponent, **QUIET)
    app.load(on_open, everything, [*outputs, dark], js=f"(...all) => [all[0], {IS_DARK}, ...all.slice(2)]", **QUIET)


IS_DARK = "document.body.classList.contains('dark')"


def _by_hand(automatic):
    """A number of steps, and how their sum is taken, or else how exact the steps shall be."""
    return [gr.update(visible=not automatic), gr.update(visible=automatic), gr.update(visible=not automatic)]


def _parameters_of(parameters, kind):
    """Show only what the chosen kind of baseline needs."""
    return [gr.update(visible=kind in kinds) for kinds in parameters.values()]
