"""Evaluate: the paper's evaluation on a small set of pictures, its report on the page, a way into Explore."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import TYPE_CHECKING, Any

import gradio as gr

from explorer import formatting
from explorer.errors import Cancelled, InputError
from explorer.evaluation.claims import CONTRADICTED, MIN_PICTURES, NOT_TESTED, SUPPORTED, UNDECIDED, claims
from explorer.evaluation.report import document
from explorer.evaluation.report.fragments import errors_html
from explorer.ui import evaluations, html, links, results
from explorer.ui.actions import TOY
from explorer.ui.evaluations import CORRECT, FILES, ONE_BOX, SCENES, SMALL_BOX, Form, Run
from explorer.ui.reports import Report
from explorer.ui.state import Superseded
from explorer.ui.widgets.tiles import CHOOSING, Tile, row

if TYPE_CHECKING:
    from explorer.ui.actions import Explorer, Silent
    from explorer.ui.controls import Controls
    from explorer.ui.state import Session
    from explorer.ui.wiring import Frame


KEY, LABEL = "evaluate", "Evaluate"
ABOUT = (
    "Does the paper hold here? Every picture of a small set is explained by every method and measured, and what comes "
    "out is held against the paper's claims. Methods, baseline, steps, score and ε are those beside. For larger sets: "
    "python -m explorer evaluate."
)
KINDS = [("Drawn scenes", SCENES), ("My pictures", FILES)]
OF_KIND = {SCENES: ("scenes", "seed"), FILES: ("files", "boxes", "classes")}
RULES = [
    ("the network is right", CORRECT),
    ("exactly one box", ONE_BOX),
    ("boxes cover under half of it", SMALL_BOX),
]
VERDICTS = (SUPPORTED, CONTRADICTED, UNDECIDED, NOT_TESTED)
LAST = 2  # block ends that are evaluated unless others are chosen


@dataclass
class Desk:
    """What one visitor has on this page: the controls as last seen, a run that is not finished, the report shown."""

    form: Form = field(default_factory=Form)
    network: object = None  # whose layers the controls offer
    run: Run | None = None
    report: Report | None = None


def build() -> dict[str, Any]:
    with gr.Accordion("What to evaluate", open=True, elem_id="evaluate-what") as what, gr.Row():
        with gr.Column(min_width=300):
            kind = gr.Radio(KINDS, value=SCENES, label="Pictures", elem_id="evaluate-kind")
            scenes = gr.Slider(
                evaluations.MIN_SCENES,
                evaluations.MAX_PICTURES,
                value=evaluations.DEFAULT_SCENES,
                step=1,
                label="How many scenes",
                elem_id="evaluate-scenes",
            )
            seed = gr.Number(0, label="Seed: another one draws others", precision=0, elem_id="evaluate-seed")
            drop = {"file_count": "multiple", "height": 110, "visible": False, "elem_classes": "small-drop"}
            files = gr.File(label="Picture files", elem_id="evaluate-files", **drop)
            boxes = gr.File(
                label="Where the objects are (optional): XML files, an ILSVRC CSV or a COCO JSON",
                elem_id="evaluate-boxes",
                **drop,
            )
            classes = gr.Radio(
                [("what the network predicts", "predicted"), ("the first box's label", "boxes")],
                value="predicted",
                label="Class explained",
                visible=False,
                elem_id="evaluate-classes",
            )
        with gr.Column(min_width=300):
            layers = gr.Dropdown([], multiselect=True, label="Layers", elem_id="evaluate-layers")
            rules = gr.CheckboxGroup(
                RULES, label="Only pictures where … (the paper asks for all three)", elem_id="evaluate-rules"
            )
            curves = gr.Checkbox(True, label="Insertion and deletion, which take longest", elem_id="evaluate-curves")
    with gr.Row(elem_classes="tight", elem_id="evaluate-do"):
        start = gr.Button("Evaluate", size="sm", variant="primary", elem_id="evaluate-start")
        cost = gr.HTML(elem_id="evaluate-cost")
    return {
        "kind": kind,
        "scenes": scenes,
        "seed": seed,
        "files": files,
        "boxes": boxes,
        "classes": classes,
        "layers": layers,
        "rules": rules,
        "curves": curves,
        "what": what,
        "evaluate_start": start,
        "evaluate_cost": cost,
        **_build_report(),
    }


def _build_report():
    """The places of the report, in its order."""
    places = {"evaluated": gr.HTML(elem_id="evaluated")}
    for name in document.WORDS:
        places[f"{name}_words"] = gr.HTML(elem_id=f"evaluated-{name}-words")
        places[name] = gr.Plot(show_label=False, visible=False, elem_id=f"evaluated-{name}", elem_classes="evaluated")
    places["numbers"] = gr.HTML(elem_id="evaluated-numbers")
    places["extremes"] = gr.HTML(elem_id="evaluated-extremes", js_on_load=CHOOSING)
    places["reading"] = gr.HTML(elem_id="evaluated-reading")
    with gr.Row(elem_classes="tight"):
        places["download"] = gr.DownloadButton(
            "Download: report, tables, settings", size="sm", visible=False, elem_id="evaluated-download"
        )
    return places


def wire(frame: Frame, places: Mapping[str, Any]) -> None:
    explorer, form = frame.explorer, [places[one.name] for one in fields(Form)]

    def kind(session, controls, dark, *values):
        return _of_kind(values[0]) | offer(session, controls, dark, *values)

    def offer(session, controls, dark, *values):
        if session.result is None:
            return {}
        desk = _desk(session)
        desk.form = Form(*values)
        return _offer(explorer, session, controls, desk)

    def start(session, controls, dark, tell, *values):
        desk = _desk(session)
        desk.form = Form(*values)
        return _evaluate(explorer, session, controls, dark, tell, desk)

    def choose(session, controls, dark, tell, event):
        return _open(explorer, session, controls, dark, tell, event["choice"])

    controls = frame.controls
    changes = [
        places["scenes"].input,
        places["seed"].change,
        places["files"].change,
        places["boxes"].change,
        places["classes"].input,
        places["layers"].input,
        places["rules"].input,
        places["curves"].input,
        controls.exponent.change,
    ]
    frame.redraw(places["kind"].input, kind, places, form)
    frame.redraw(changes, offer, places, form)
    frame.run(places["evaluate_start"].click, start, places, form)
    frame.run_chosen(places["extremes"].click, choose, frame.answer)


def show(explorer: Explorer, session: Session, controls: Controls, dark: bool, tell: Silent) -> dict[str, Any]:
    """The controls for the network that is chosen; a report stays until there is another."""
    desk, places = _desk(session), {}
    if desk.network != session.network:
        places |= _controls(session, desk)
    if desk.report is None and explorer.report is not None:
        desk.report = explorer.report
        tell("report", 0, 1)
        places |= _shown(desk.report, dark)
    return places | _offer(explorer, session, controls, desk)


def _desk(session):
    return session.page_data.setdefault(KEY, Desk())


def _controls(session, desk):
    """Those that depend on the network."""
    desk.network = session.network
    kinds = KINDS if session.network.name == TOY.name else KINDS[1:]  # its kinds are those of the scenes
    kind = desk.form.kind if desk.form.kind in dict(KINDS).values() and kinds == KINDS else kinds[0][1]
    ends = session.result.classifier.block_ends
    names = [layer.name for layer in ends]
    desk.form = replace(desk.form, kind=kind, layers=names[-LAST:])
    words = [(f"{layer.name} · {layer.shape[0]}×{layer.shape[1]}×{layer.shape[2]}", layer.name) for layer in ends]
    return _of_kind(kind) | {
        "kind": gr.update(choices=kinds, value=kind),
        "layers": gr.update(choices=words, value=desk.form.layers),
    }


def _of_kind(kind):
    """Show only what belongs to the kind of pictures."""
    return {name: gr.update(visible=key == kind) for key, names in OF_KIND.items() for name in names}


def _offer(explorer, session, controls, desk):
    """What the button would do, and what that takes."""
    try:
        plan = evaluations.plan_of(session, controls, desk.form)
    except InputError as why:
        return {"evaluate_start": gr.update(value="Evaluate"), "evaluate_cost": html.caption(str(why))}
    going_on = desk.run is not None and desk.run.plan == plan
    done = desk.run.done if going_on else 0
    result, left = session.result, plan.count - done
    times, pace = evaluations.passes(result, plan.questions), explorer.pace(result.classifier)
    time = f", about {formatting.duration(pace * left * times)}" if pace else ""
    cost = [
        f"{left} pictures{' are left' if going_on else ''}, each some {times} times through the network{time}.",
        "It can be stopped, and gone on with.",
    ]
    if plan.count < MIN_PICTURES:
        cost.append(f"The claims are tested from {MIN_PICTURES} pictures on.")
    label = "Go on" if going_on else "Evaluate"
    return {"evaluate_start": gr.update(value=label), "evaluate_cost": html.caption(" ".join(cost))}


def _evaluate(explorer, session, controls, dark, tell, desk):
    plan, (_, progress) = evaluations.plan_of(session, controls, desk.form), session.begin(tell)
    if desk.run is None or desk.run.plan != plan:
        desk.run = Run(plan)
    run = desk.run
    try:
        report = run.evaluate(progress, session.result.classifier)
    except Superseded:
        tell.show(lambda: _offer(explorer, session, controls, desk))
        raise
    except Cancelled:
        stopped = f"Stopped. {run.done} of {plan.count} pictures are done and kept: press Go on for the others."
        return _offer(explorer, session, controls, desk) | {"status": results.status(stopped)}
    desk.run, desk.report = None, report
    done = f"{report.counts['evaluated']} of {plan.count} pictures evaluated."
    return _shown(report, dark) | _offer(explorer, session, controls, desk) | {"status": results.status(done)}


def _open(explorer, session, controls, dark, tell, number):
    """A picture of the report on Explore, at its layer and for its class."""
    report = _desk(session).report
    row = report.row(number)
    asks = {"layer": row["layer"], "class_index": int(row["class_index"])}
    places = links.open_picture(explorer, session, controls, dark, report, number, asks, tell)
    session.page = "explore"
    return places | {"tabs": gr.Tabs(selected="explore")}


def _shown(report, dark):
    """The report, as report.html has it."""
    sections = report.sections(dark)
    claims = ("The paper's claims", _claims(report, sections), "")
    measures = ("All measures", sections.summary, "Means over pictures with their 95 % intervals.")
    pairs = ("Paired differences", sections.pairs, "RSI-Grad-CAM minus the other method, picture by picture.")
    places = {
        "what": gr.Accordion(open=False),
        "evaluated": _parts(("What was run", sections.counts, ""), claims),
        "numbers": _parts(measures, pairs),
        "extremes": _extremes(report),
        "reading": _reading(report),
        "download": gr.update(value=report.archive(), visible=report.place is not None),
    }
    for name, (title, about) in document.WORDS.items():
        figure = sections.figures.get(name)
        places[f"{name}_words"] = _parts((title, html.caption(about), "")) if figure else ""
        places[name] = gr.update(value=figure, visible=figure is not None)
    return places


def _parts(*parts):
    return html.render("report", parts=parts)


def _claims(report, sections):
    """How many there are of each verdict, and then each of them."""
    counts = Counter(claim.verdict for claim in claims(report.table, report.settings))
    return html.render(
        "claims",
        total=counts.total(),
        counts=", ".join(f"{counts[verdict]} {verdict}" for verdict in VERDICTS if counts[verdict]),
        about=document.PAPER,
        claims=sections.claims,
    )


def _extremes(report):
    """The best and the worst pictures, to be opened in Explore."""
    ranks = dict(zip(("Best", "Worst"), document.extremes(report.table), strict=True))
    return html.render("extremes", parts=[(rank, _tiles(report, own)) for rank, own in ranks.items() if own])


def _tiles(report, numbers):
    tiles = []
    for number in map(int, numbers):
        values = report.row(number)
        measure = "energy" if values["energy"] == values["energy"] else "drop"  # NaN where there are no boxes
        note = f"{values['class_name']}, {formatting.about(values['p'])}, {measure} {100 * values[measure]:.0f} %"
        try:
            name, image = report.picture(number)
        except InputError as why:
            tiles.append(Tile(None, note=str(why)))
            continue
        tiles.append(Tile(results.thumbnail(image), f"{name}: {note}", note, str(number)))
    return row(tiles)


def _reading(report):
    errors = errors_html(report.failed) if report.failed else ""
    return html.render("reading", errors=errors, lines=document.READING)
