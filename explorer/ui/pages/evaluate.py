"""Evaluate: the paper's evaluation on a small set of pictures, its report on the page, a way into Explore."""

from collections import Counter
from dataclasses import dataclass, field, fields, replace
from html import escape

import gradio as gr

from explorer import formatting
from explorer.errors import Cancelled, InputError
from explorer.evaluation.claims import CONTRADICTED, MIN_PICTURES, NOT_TESTED, SUPPORTED, UNDECIDED, claims
from explorer.evaluation.report import document
from explorer.evaluation.report.fragments import errors_html
from explorer.ui import evaluations, links, results
from explorer.ui.evaluations import CORRECT, FILES, ONE_BOX, SCENES, SMALL_BOX, Given, Run
from explorer.ui.reports import Report
from explorer.ui.state import Superseded
from explorer.ui.tiles import CHOOSING, Tile, row
from explorer.ui.wiring import TOY

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

    given: Given = field(default_factory=Given)
    network: object = None  # whose layers the controls offer
    run: Run | None = None
    shown: Report | None = None


def build():
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


def wire(frame, places):
    explorer, given = frame.explorer, [places[one.name] for one in fields(Given)]

    def kind(session, asked, dark, *values):
        return _of_kind(values[0]) | offer(session, asked, dark, *values)

    def offer(session, asked, dark, *values):
        if session.result is None:
            return {}
        desk = _desk(session)
        desk.given = Given(*values)
        return _offer(explorer, session, asked, desk)

    def start(session, asked, dark, tell, *values):
        desk = _desk(session)
        desk.given = Given(*values)
        return _evaluate(explorer, session, asked, dark, tell, desk)

    def choose(session, asked, dark, tell, told):
        return _open(explorer, session, asked, dark, tell, told)

    asked = frame.asked
    changes = [
        places["scenes"].input,
        places["seed"].change,
        places["files"].change,
        places["boxes"].change,
        places["classes"].input,
        places["layers"].input,
        places["rules"].input,
        places["curves"].input,
        asked.exponent.change,
    ]
    frame.redraw(places["kind"].input, kind, places, given)
    frame.redraw(changes, offer, places, given)
    frame.run(places["evaluate_start"].click, start, places, given)
    frame.run_chosen(places["extremes"].click, choose, frame.answer)


def show(explorer, session, asked, dark, tell):
    """The controls for the network that is chosen; a report stays until there is another."""
    desk, places = _desk(session), {}
    if desk.network != session.network:
        places |= _controls(session, desk)
    if desk.shown is None and explorer.report is not None:
        desk.shown = explorer.report
        tell("report", 0, 1)
        places |= _shown(desk.shown, dark)
    return places | _offer(explorer, session, asked, desk)


def _desk(session):
    return session.kept.setdefault(KEY, Desk())


def _controls(session, desk):
    """Those that depend on the network."""
    desk.network = session.network
    kinds = KINDS if session.network.name == TOY.name else KINDS[1:]  # its kinds are those of the scenes
    kind = desk.given.kind if desk.given.kind in dict(KINDS).values() and kinds == KINDS else kinds[0][1]
    ends = session.result.classifier.block_ends
    names = [layer.name for layer in ends]
    desk.given = replace(desk.given, kind=kind, layers=names[-LAST:])
    words = [(f"{layer.name} · {layer.shape[0]}×{layer.shape[1]}×{layer.shape[2]}", layer.name) for layer in ends]
    return _of_kind(kind) | {
        "kind": gr.update(choices=kinds, value=kind),
        "layers": gr.update(choices=words, value=desk.given.layers),
    }


def _of_kind(kind):
    """Show only what belongs to the kind of pictures."""
    return {name: gr.update(visible=key == kind) for key, names in OF_KIND.items() for name in names}


def _offer(explorer, session, asked, desk):
    """What the button would do, and what that takes."""
    try:
        wanted = evaluations.wanted(session, asked, desk.given)
    except InputError as why:
        return {"evaluate_start": gr.update(value="Evaluate"), "evaluate_cost": _caption(str(why))}
    going_on = desk.run is not None and desk.run.wanted == wanted
    done = desk.run.done if going_on else 0
    result, left = session.result, wanted.count - done
    times, pace = evaluations.passes(result, wanted.questions), explorer.pace(result.classifier)
    time = f", about {formatting.duration(pace * left * times)}" if pace else ""
    cost = [
        f"{left} pictures{' are left' if going_on else ''}, each some {times} times through the network{time}.",
        "It can be stopped, and gone on with.",
    ]
    if wanted.count < MIN_PICTURES:
        cost.append(f"The claims are tested from {MIN_PICTURES} pictures on.")
    label = "Go on" if going_on else "Evaluate"
    return {"evaluate_start": gr.update(value=label), "evaluate_cost": _caption(" ".join(cost))}


def _evaluate(explorer, session, asked, dark, tell, desk):
    wanted, (_, progress) = evaluations.wanted(session, asked, desk.given), session.begin(tell)
    if desk.run is None or desk.run.wanted != wanted:
        desk.run = Run(wanted)
    run = desk.run
    try:
        shown = run.evaluate(progress, session.result.classifier)
    except Superseded:
        tell.show(lambda: _offer(explorer, session, asked, desk))
        raise
    except Cancelled:
        stopped = f"Stopped. {run.done} of {wanted.count} pictures are done and kept: press Go on for the others."
        return _offer(explorer, session, asked, desk) | {"status": results.status(stopped)}
    desk.run, desk.shown = None, shown
    done = f"{shown.counts['evaluated']} of {wanted.count} pictures evaluated."
    return _shown(shown, dark) | _offer(explorer, session, asked, desk) | {"status": results.status(done)}


def _open(explorer, session, asked, dark, tell, told):
    """A picture of the report on Explore, at its layer and for its class."""
    shown = _desk(session).shown
    about = shown.row(told["choice"])
    asks = {"layer": about["layer"], "class_index": int(about["class_index"])}
    found = links.open_picture(explorer, session, asked, dark, shown, told["choice"], asks, tell)
    session.page = "explore"
    return found | {"tabs": gr.Tabs(selected="explore")}


def _shown(shown, dark):
    """The report, as report.html has it."""
    found = shown.sections(dark)
    places = {
        "what": gr.Accordion(open=False),
        "evaluated": _part(("What was run", found.counts), ("The paper's claims", _claims(shown, found))),
        "numbers": _part(
            ("All measures", _small("Means over pictures with their 95 % intervals.") + found.summary),
            ("Paired differences", _small("RSI-Grad-CAM minus the other method, picture by picture.") + found.pairs),
        ),
        "extremes": _extremes(shown),
        "reading": _reading(shown),
        "download": gr.update(value=shown.archive(), visible=shown.place is not None),
    }
    for name, (title, sentence) in document.WORDS.items():
        figure = found.figures.get(name)
        places[f"{name}_words"] = _part((title, _small(sentence))) if figure else ""
        places[name] = gr.update(value=figure, visible=figure is not None)
    return places


def _claims(shown, found):
    """How many there are of each verdict, and then each of them."""
    counts = Counter(claim.verdict for claim in claims(shown.table, shown.settings))
    told = ", ".join(f"{counts[verdict]} {verdict}" for verdict in VERDICTS if counts[verdict])
    return f"<p class='told'>Of {counts.total()} claims {told}.</p>{_small(document.PAPER)}{found.claims}"


def _part(*titled):
    return f"<div class='report'>{''.join(f'<h3>{title}</h3>{html}' for title, html in titled if html)}</div>"


def _small(words):
    return f"<p class='caption'>{words}</p>"


def _caption(words):
    return _small(escape(words))


def _extremes(shown):
    """The best and the worst pictures, to be opened in Explore."""
    found = dict(zip(("Best", "Worst"), document.extremes(shown.table), strict=True))
    parts = [(rank, _tiles(shown, indices)) for rank, indices in found.items() if indices]
    if not parts:
        return ""
    about = (
        "By RSI-Grad-CAM's pixel energy at the deepest layer, or by its drop where there are no boxes. Choose one to "
        "look at it on Explore."
    )
    return _part(("Best and worst pictures", _small(about) + "".join(f"<h4>{rank}</h4>{html}" for rank, html in parts)))


def _tiles(shown, indices):
    tiles = []
    for index in map(int, indices):
        about = shown.row(index)
        measure = "energy" if about["energy"] == about["energy"] else "drop"  # NaN where there are no boxes
        note = f"{about['class_name']}, {formatting.about(about['p'])}, {measure} {100 * about[measure]:.0f} %"
        try:
            name, image = shown.picture(index)
        except InputError as why:
            tiles.append(Tile(None, note=str(why)))
            continue
        tiles.append(Tile(results.thumbnail(image), f"{name}: {note}", note, str(index)))
    return row(tiles)


def _reading(shown):
    errors = ("Pictures that failed", errors_html(shown.failed)) if shown.failed else ("", "")
    lines = "".join(f"<li>{line}</li>" for line in document.READING)
    return _part(errors, ("How to read it", f"<ul>{lines}</ul>"))
