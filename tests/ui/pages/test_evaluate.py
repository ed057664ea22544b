"""The page Evaluate and the way from a report into Explore, without a browser."""

import gc
import json
import zipfile
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from explorer.attribution.methods import METHODS
from explorer.errors import InputError
from explorer.evaluation.questions import Questions, Rules
from explorer.evaluation.run import evaluate as run_evaluation
from explorer.evaluation.source import Source
from explorer.models.spec import Network
from explorer.models.toy.scenes import draw_scene
from explorer.ui import evaluations
from explorer.ui.actions import TOY, Explorer, guarded
from explorer.ui.evaluations import CORRECT, FILES, ONE_BOX, SCENES, SMALL_BOX, Form, plan_of
from explorer.ui.pages import evaluate
from explorer.ui.state import Session
from support import networks, visitor
from support.visitor import Telling, controls, silent

PICTURES = 6


@pytest.fixture(scope="module")
def made():
    """The small network, once for all: what it has compiled serves again."""
    return networks.make()


@pytest.fixture
def explorer(monkeypatch, made):
    make = networks.make
    monkeypatch.setattr(networks, "make", lambda *kind: make(*kind) if kind else made)
    return visitor.explorer(monkeypatch)


@pytest.fixture
def no_figures(monkeypatch):
    """Drawing them takes longer than all else with so few pictures."""
    monkeypatch.setattr("explorer.evaluation.report.document.figures", lambda *form: {})


@pytest.fixture
def files(tmp_path):
    """Pictures of one's own, as the page is handed them: each in a folder by itself."""
    return [saved(tmp_path / str(i) / f"picture-{i}.png", i) for i in range(PICTURES)]


def saved(path, seed):
    path.parent.mkdir(exist_ok=True)
    Image.fromarray(networks.picture(seed)).save(path)
    return str(path)


def xml(path, label="anchor", objects=1):
    box = f"<object><name>{label}</name><bndbox>" + "".join(
        f"<{edge}>{place}</{edge}>" for edge, place in (("xmin", 2), ("ymin", 1), ("xmax", 9), ("ymax", 7))
    )
    text = f"<annotation>{(box + '</bndbox></object>') * objects}</annotation>"
    path.write_text(text, encoding="utf-8")
    return str(path)


def opened(explorer, session, files, /, **changes):
    """The page opened, its controls as given -> what the visitor has on it."""
    evaluate.show(explorer, session, controls(), False, silent)
    desk = evaluate._desk(session)
    desk.form = replace(desk.form, **({"kind": FILES, "files": files, "curves": False} | changes))
    return desk


def evaluated(explorer, session, desk, tell=silent, **changes):
    return guarded(lambda: evaluate._evaluate(explorer, session, controls(**changes), False, tell, desk))


def stop_after(session, pictures):
    def tell(stage, done, total):
        session.job.stopped = done >= pictures

    return Telling(tell)


# The controls


def test_the_controls_are_those_of_the_network(explorer, session, net):
    places = evaluate.show(explorer, session, controls(), False, silent)
    assert places["layers"]["value"] == [layer.name for layer in net.block_ends[-2:]], "the last two block ends"
    assert [kind for _, kind in places["kind"]["choices"]] == [FILES], "scenes are of ToyVGG's kinds alone"
    assert places["files"]["visible"] and not places["scenes"]["visible"], "only what belongs to the kind is shown"
    assert "none is chosen yet" in places["evaluate_cost"], "what is missing is told"
    again = evaluate.show(explorer, session, controls(), False, silent)
    assert "layers" not in again and "kind" not in again, "of the same network they stay as the visitor left them"


def test_what_is_asked_is_the_left_column_and_the_page(session, files):
    form = Form(FILES, 20, 0, files, None, "predicted", ("pool",), (), True)
    left = controls(steps=7, score="logit", exponent=-5, units="all", methods=["sise", "cam", "rsi_grad_cam"])
    questions = plan_of(session, left, form).questions
    assert questions == Questions(
        network=session.network,
        layers=("pool",),
        methods=("rsi_grad_cam", "sise"),
        steps=7,
        epsilon=1e-5,
        score="logit",
        units="all",
    ), "CAM applies at no such layer, and is left out"
    rules = plan_of(
        session, controls(), replace(form, rules=[CORRECT, SMALL_BOX], boxes=["a.csv"], classes="boxes", curves=False)
    ).questions
    assert rules.rules == Rules(True, False, 0.5) and rules.curve_steps == 0, "the paper's rules; no curves"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"files": None}, "none is chosen yet"),
        ({"layers": []}, "choose one or more"),
        ({"rules": [CORRECT]}, "known of labelled pictures only"),
        ({"rules": [ONE_BOX]}, "Boxes are asked for"),
        ({"classes": "boxes"}, "Boxes are asked for"),
        ({"boxes": ["a.csv", "b.csv"]}, "received 2 files"),
        ({"kind": SCENES, "scenes": 4}, "received 4"),
        ({"kind": SCENES, "scenes": 201}, "received 201"),
        ({"kind": SCENES, "scenes": None}, "is empty"),
        ({"kind": SCENES, "seed": None}, "seed is empty"),
    ],
)
def test_a_mistake_is_told_in_one_sentence(explorer, session, files, changes, words):
    desk = opened(explorer, session, files, **changes)
    places = evaluated(explorer, session, desk)
    assert words in places["status"] and set(places) == {"status"}, f"{changes}: {places['status']}"


def test_only_so_many_pictures_so_large_and_only_pictures(session, files, tmp_path, monkeypatch):
    form = Form(FILES, files=files, layers=("pool",))
    assert plan_of(session, controls(), form).count == PICTURES
    notes = tmp_path / "notes.txt"
    notes.write_text("hello", encoding="utf-8")
    told = networks.refused(plan_of, session, controls(), replace(form, files=[*files, str(notes)]))
    assert "notes.txt" in told, "what is no picture is named"
    told = networks.refused(plan_of, session, controls(), replace(form, files=files * 34))
    assert "at most 200" in told and "204" in told and "python -m explorer evaluate" in told, "and where more can be"
    monkeypatch.setattr(evaluations, "MAX_BYTES", 100)
    assert "picture-0.png" in networks.refused(plan_of, session, controls(), form), "a file that is too large"


def test_an_evaluation_needs_a_network():
    with pytest.raises(InputError, match="none is loaded"):
        plan_of(Session(), controls(), Form())


def test_what_it_takes_is_said_beforehand(explorer, session, net, files):
    desk = opened(explorer, session, files, layers=["pool"])
    places = evaluate._offer(explorer, session, controls(steps=4), desk)
    assert "6 pictures, each some 8 times" in places["evaluate_cost"], "five points, and each of three maps shown"
    assert "tested from 10 pictures on" in places["evaluate_cost"], "and that six say nothing of the claims"
    explorer.explain(session, controls(steps=3), False, silent)  # now the pace is known
    desk.form = replace(desk.form, curves=True)
    places = evaluate._offer(explorer, session, controls(steps=4), desk)
    assert "each some 62 times" in places["evaluate_cost"], "and with insertion and deletion 2·9 more a map"
    assert ", about " in places["evaluate_cost"], "and how long"
    sise = evaluations.passes(session.result, plan_of(session, controls(methods=["sise"]), desk.form).questions)
    assert sise == 5 + 19 + 4 + 5 + 6, (
        "a picture a mask for methods that mask: stem, features and neck have so many maps"
    )


# The run


def test_the_page_evaluates_as_the_command_line_does(explorer, session, net, files, tmp_path):
    desk = opened(explorer, session, files, layers=["pool", "neck"], curves=True)
    told = []
    places = evaluated(explorer, session, desk, Telling(lambda *count: told.append(count)))
    assert "6 of 6 pictures evaluated" in places["status"]
    assert any(stage.startswith("pictures") and total == PICTURES for stage, _, total in told), "a stage and a count"

    plain = tmp_path / "plain"
    plain.mkdir()
    for i in range(PICTURES):
        saved(plain / f"picture-{i}.png", i)
    questions = Questions(network=Network("net"), layers=("pool", "neck"), steps=4)
    run_evaluation(questions, Source(str(plain)), tmp_path / "out", classifier=net)
    expected = (tmp_path / "out" / "results.csv").read_bytes()
    with zipfile.ZipFile(places["download"]["value"]) as archive:
        assert archive.read("evaluation/results.csv") == expected, "the same numbers to the last digit"
        names = {name.removeprefix("evaluation/") for name in archive.namelist()}
        settings = json.loads(archive.read("evaluation/settings.json"))
    assert names == {"report.html", "results.parquet", "results.csv", "pictures.csv", "errors.csv", "settings.json"}, (
        "everything is taken home"
    )
    assert settings["steps"] == 4 and settings["layers"] == ["pool", "neck"], "the settings with it"


def test_the_report_stands_on_the_page_in_its_order(explorer, session, files):
    desk = opened(explorer, session, files)
    places = evaluated(explorer, session, desk)
    assert "<strong>6 evaluated</strong>" in places["evaluated"] and 'class="verdict"' in places["evaluated"]
    verdicts = [places["evaluated"].count(f'data-verdict="{word}"') for word in evaluate.VERDICTS]
    counted = sum(verdicts)
    assert f"Of {counted} claims" in places["evaluated"], "their number is told first"
    assert places["means_before"]["visible"] and len(places["means_before"]["value"].data), "figures are drawn"
    assert "(Figure 13)" in places["means_before_words"], "each with its sentence"
    assert not places["energy"]["visible"] and places["energy_words"] == "", "without boxes there is no energy"
    assert "Paired differences" in places["numbers"] and "How to read it" in places["reading"]
    assert places["extremes"].count("data-choice=") == PICTURES, "the best, the worst, none of them twice"
    assert places["what"].open is False, "the controls make room for it"


def test_stopped_and_gone_on_with_it_comes_to_the_same(explorer, session, files, no_figures):
    whole = opened(explorer, session, files)
    evaluated(explorer, session, whole)
    whole = whole.report
    desk = opened(explorer, session, files)
    places = evaluated(explorer, session, desk, stop_after(session, 2))
    assert "Stopped. 2 of 6 pictures" in places["status"], "how far it was"
    assert places["evaluate_start"]["value"] == "Go on" and "4 pictures are left" in places["evaluate_cost"]

    done = []
    places = evaluated(explorer, session, desk, Telling(lambda stage, done_, total: done.append(done_)))
    assert done[0] == 2 and "6 of 6" in places["status"], "it begins where it was, and finishes"
    np.testing.assert_array_equal(desk.report.table["raw_mean"], whole.table["raw_mean"])
    assert places["evaluate_start"]["value"] == "Evaluate", "then there is nothing left to go on with"


def test_another_question_begins_anew(explorer, session, files, no_figures):
    desk = opened(explorer, session, files)
    evaluated(explorer, session, desk, stop_after(session, 2))
    stopped = desk.run
    for change in ({"steps": 5}, {"exponent": -6}, {"score": "logit"}):
        places = evaluate._offer(explorer, session, controls(**change), desk)
        assert places["evaluate_start"]["value"] == "Evaluate", f"with {change} it is another evaluation"
    assert evaluate._offer(explorer, session, controls(), desk)["evaluate_start"]["value"] == "Go on", "changed back"
    evaluated(explorer, session, desk, stop_after(session, 1), steps=5)
    assert desk.run is not stopped and desk.run.done == 1, "nothing of the other one is in it"


def test_a_newer_question_replaces_it_without_a_word_and_it_can_go_on(explorer, session, files, no_figures):
    desk = opened(explorer, session, files)
    shown = []

    class Watching(Telling):
        def show(self, make):
            shown.append(make())

    def ask(stage, done, total):
        if done == 3 and stage.startswith("pictures"):
            explorer.explain(session, controls(steps=3), False, silent)

    assert evaluated(explorer, session, desk, Watching(ask)) is None, "the newer question says what there is to say"
    assert shown[-1]["evaluate_start"]["value"] == "Go on", "only the button changes"
    assert "6 of 6" in evaluated(explorer, session, desk)["status"], "and goes on"


def test_a_new_question_keeps_the_report_that_is_there(explorer, session, files, no_figures):
    desk = opened(explorer, session, files)
    evaluated(explorer, session, desk)
    shown = desk.report
    explorer.explain(session, controls(steps=3), False, silent)
    places = evaluate.show(explorer, session, controls(), False, silent)
    assert desk.report is shown and not {"evaluated", "extremes", "download"} & set(places), "no place is touched"


def test_boxes_classes_and_rules_of_ones_own_pictures(explorer, session, files, tmp_path):
    boxes = [xml(tmp_path / f"picture-{i}.xml", "anchor", 1 + (i == 2)) for i in range(PICTURES)]
    desk = opened(explorer, session, files, boxes=boxes, classes="boxes", rules=[ONE_BOX])
    places = evaluated(explorer, session, desk)
    assert "1 dropped: not exactly one box" in places["evaluated"], places["status"]
    assert set(desk.report.table["class_name"]) == {"anchor"}, "the class is the boxes' label"
    assert places["energy"]["visible"], "with boxes there is the energy"
    assert "energy" in places["extremes"]


def test_pictures_of_one_name_are_all_evaluated(explorer, session, tmp_path, no_figures):
    files = [saved(tmp_path / str(i) / "same.png", i) for i in range(3)]
    desk = opened(explorer, session, files)
    evaluated(explorer, session, desk)
    assert sorted(desk.report.names.values()) == ["same-2.png", "same-3.png", "same.png"]
    pixels = [desk.report.picture(i)[1] for i in range(3)]
    assert all(any(np.array_equal(networks.picture(i), one) for one in pixels) for i in range(3)), "none is lost"


def test_a_picture_that_cannot_be_read_is_told_with_the_others(explorer, session, files, tmp_path, no_figures):
    bad = tmp_path / "bad.png"
    bad.write_bytes(b"no picture")
    desk = opened(explorer, session, [*files, str(bad)])
    places = evaluated(explorer, session, desk)
    assert "1 failed" in places["evaluated"] and "bad.png" in places["reading"], "it is named, with the reason"


def test_the_folder_goes_with_the_report(explorer, session, files, no_figures):
    desk = opened(explorer, session, files)
    evaluated(explorer, session, desk, stop_after(session, 1))
    stopped = desk.run.folder.parent
    assert stopped.exists(), "as long as it can be gone on with"
    evaluated(explorer, session, desk, steps=3)
    shown = desk.report.folder.parent
    evaluated(explorer, session, desk, stop_after(session, 1))
    gc.collect()
    assert not stopped.exists() and shown.exists(), "what nobody can come back to is removed"


# Drawn scenes


def test_scenes_are_evaluated_by_the_network_that_learnt_them(classifier):
    shared, session = Explorer(), Session()
    shared.loaded.get(TOY, lambda: classifier)
    asks = {"model": "toy-vgg", "steps": 2, "layer": "block5_pool", "methods": list(METHODS)[:2]}
    shared.open(session, controls(**asks), False)
    places = evaluate.show(shared, session, controls(**asks), False, silent)
    assert [kind for _, kind in places["kind"]["choices"]] == [SCENES, FILES] and places["scenes"]["visible"]
    desk = evaluate._desk(session)
    desk.form = replace(desk.form, scenes=5, seed=3, curves=False, layers=["block5_pool"])
    places = evaluated(shared, session, desk, **asks)
    assert "5 of 5" in places["status"] and "energy" in places["extremes"], "scenes bring their boxes"
    assert np.array_equal(desk.report.picture(2)[1], draw_scene((3, 3, 2), size=224).image), "drawn from the seed"
