"""The report of an evaluation in its folder, and the ways from it into Explore: a choice on the page, a link."""

import shutil

import numpy as np
import pytest
from PIL import Image

import launch
from explorer.evaluation.questions import Questions, Rules
from explorer.evaluation.run import evaluate as run_evaluation
from explorer.evaluation.source import Source
from explorer.models.spec import Network
from explorer.ui import links
from explorer.ui.actions import TOY, guarded
from explorer.ui.pages import evaluate
from explorer.ui.reports import Report
from explorer.ui.state import Session
from support import networks
from support.visitor import controls, silent

PICTURES = 6


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """The folder of an evaluation, as the command line writes it; the picture 2 is dropped, having two boxes."""
    place = tmp_path_factory.mktemp("finished")
    (place / "pictures").mkdir()
    box = "<object><bndbox><xmin>2</xmin><ymin>1</ymin><xmax>9</xmax><ymax>7</ymax></bndbox></object>"
    for i in range(PICTURES):
        Image.fromarray(networks.picture(i)).save(place / "pictures" / f"picture-{i}.png")
        (place / f"picture-{i}.xml").write_text(f"<annotation>{box * (1 + (i == 2))}</annotation>", encoding="utf-8")
    questions = Questions(
        network=Network("net"), layers=("pool", "features"), steps=4, curve_steps=0, rules=Rules(one_box=True)
    )
    source = Source(str(place / "pictures"), str(place))
    run_evaluation(questions, source, place / "report", classifier=networks.make()[0])
    return place / "report"


@pytest.fixture(scope="module")
def report(finished):
    return Report.read(finished)


@pytest.fixture
def reported(explorer, report):
    """An Explorer that was started with that report."""
    explorer.report = report
    return explorer


@pytest.fixture
def moved(finished, tmp_path):
    """A copy of the report, and of its pictures where they are looked for now."""
    shutil.copytree(finished.parent, tmp_path / "copy")
    settings = tmp_path / "copy" / "report" / "settings.json"
    told = settings.read_text(encoding="utf-8").replace(str(finished.parent), str(tmp_path / "copy"))
    settings.write_text(told, encoding="utf-8")
    return tmp_path / "copy" / "report"


def opened(explorer, session, choice):
    """The page with the report on it, one of whose pictures is chosen."""
    evaluate.show(explorer, session, controls(), False, silent)
    return guarded(lambda: evaluate._open(explorer, session, controls(), False, silent, choice))


# The folder


def test_a_report_is_what_its_folder_says(report):
    assert report.counts == {"given": 6, "evaluated": 5, "failed": 0, "dropped": {"not exactly one box": 1}}
    assert report.network == Network("net") and len(report.table) == 5 * 2 * 3, "pictures, layers, methods"
    for i in range(PICTURES):
        name, image = report.picture(i)
        assert name == f"picture-{i}.png" and np.array_equal(image, networks.picture(i)), "found again by its number"


def test_a_folder_without_a_finished_report_is_told(moved, tmp_path):
    assert "holds none" in networks.refused(Report.read, tmp_path)
    (moved / "pictures.csv").unlink()
    assert "--resume" in networks.refused(Report.read, moved), "one that was stopped can be gone on with"
    (moved / "settings.json").write_text('{"network": {"name": "net", "more": 1}}', encoding="utf-8")
    assert "holds none" in networks.refused(Report.read, moved), "nor are settings of another make"


def test_a_picture_that_a_rule_dropped_or_that_is_gone(moved):
    report = Report.read(moved)
    assert "was not evaluated" in networks.refused(report.row, 2)
    (moved.parent / "pictures" / "picture-0.png").unlink()
    assert "no longer there" in networks.refused(report.picture, 1), "another picture has its number now"
    assert "no longer there" in networks.refused(report.picture, 5), "or none has"


# A choice on the page


def test_a_picture_of_the_report_opens_on_explore(reported, session):
    before = len(session.pictures)
    found = opened(reported, session, "3")
    assert found["tabs"].selected == "explore" and session.page == "explore", "the page turns"
    expected = reported.report.row(3)["class_index"]
    assert session.result.layer.name == "features", "at the deepest layer that was evaluated"
    assert session.result.class_index == expected == found["class_index"]["value"], "for the class that was"
    assert np.array_equal(session.picture.image, networks.picture(3)), "it is that picture"
    assert "picture 3 of the report" in found["status"] and len(session.pictures) == before + 1
    opened(reported, session, "3")
    assert len(session.pictures) == before + 1, "it joins the strip once"
    reported.select(session, controls(), False, 0, silent)
    reported.select(session, controls(layer="stem"), False, before, silent)
    assert session.result.layer.name == "stem", "later it is as any other picture"


def test_a_picture_is_explained_by_the_network_of_its_report(reported, session):
    other = Network("other.keras")
    reported.loaded.get(other, lambda: networks.make("sequential")[0])
    session.networks[other.label] = other
    reported.explain(session, controls(model=other.label), False, silent)
    assert session.network == other
    evaluate.show(reported, session, controls(model=other.label), False, silent)
    places = guarded(lambda: evaluate._open(reported, session, controls(model=other.label), False, silent, "1"))
    assert session.network == Network("net") and session.picture.name == "picture-1.png", places["status"]
    assert places["model"]["value"] == "net", "and the list says so"


@pytest.mark.parametrize("choice", ["6", "-1", "../../etc/passwd", "picture-1.png", "", "1e0", "²", "9" * 9999])
def test_a_number_that_no_picture_has(reported, session, choice):
    before = session.result
    places = opened(reported, session, choice)
    assert "go by their numbers" in places["status"] and session.result is before, "one sentence"


# Links, and --report


def test_a_link_opens_a_picture_of_the_report(reported, net):
    session = Session()
    link = {"picture": "4", "layer": "pool", "class": "3", "view": "explore"}
    places = links.open_at(reported, session, controls(), False, link)
    assert np.array_equal(session.picture.image, networks.picture(4)), "the picture of that number"
    assert session.result.layer.name == "pool" and session.result.class_index == 3, "that layer, that class"
    assert places["layer"]["value"] == "pool" and places["class_index"]["value"] == 3, "and the controls say so"
    assert len(session.pictures) == 4, "beside the examples"
    session = Session()
    links.open_at(reported, session, controls(), False, {"picture": "4"})
    assert session.result.layer.name == net.default_layer, "a link without a layer takes the default"


@pytest.mark.parametrize(
    ("link", "words"),
    [
        ({"picture": "6"}, "is none of its 6"),
        ({"picture": "/etc/passwd"}, "is none of its 6"),
        ({"picture": "1", "layer": "nowhere"}, "nowhere"),
        ({"picture": "1", "class": "99"}, "99"),
        ({"picture": "1", "class": "nobody"}, "nobody"),
    ],
)
def test_a_link_that_leads_nowhere_is_told_and_the_page_opens_as_ever(reported, link, words):
    session = Session()
    places = guarded(lambda: links.open_at(reported, session, controls(), False, link))
    assert words in places["status"] and 'role="alert"' in places["status"], places["status"]
    assert places["cards"].count("<figure") == 3 and session.picture_index == 0, "with its first example"
    assert len(session.pictures) == 3


def test_a_link_without_a_report_is_told(explorer):
    places = guarded(lambda: links.open_at(explorer, Session(), controls(), False, {"picture": "1"}))
    assert "--report" in places["status"] and places["cards"].count("<figure") == 3, "and what to do"


def test_the_page_shows_the_report_it_was_started_with(reported, session, monkeypatch):
    monkeypatch.setattr(session.result.classifier, "_compiled", None)  # nothing is computed
    places = evaluate.show(reported, session, controls(), False, silent)
    assert "<strong>5 evaluated</strong>" in places["evaluated"] and places["extremes"].count("data-choice=") == 5
    assert places["energy"]["visible"] and len(places["energy"]["value"].data), "its figures are drawn"
    assert not places["download"]["visible"], "whoever started it has the folder"
    assert "evaluated" not in evaluate.show(reported, session, controls(), False, silent), "it is shown once"


def test_a_report_whose_pictures_are_gone_is_shown_all_the_same(explorer, session, moved):
    shutil.rmtree(moved.parent / "pictures")
    explorer.report = Report.read(moved)
    places = evaluate.show(explorer, session, controls(), False, silent)
    assert "<strong>5 evaluated</strong>" in places["evaluated"], "its numbers stand"
    assert "data-choice=" not in places["extremes"] and "check its name" in places["extremes"], (
        "it says what is missing"
    )


def test_the_page_opens_with_the_network_of_the_report_unless_another_is_given(reported):
    assert launch.first_network(launch.arguments([]), None) == TOY
    assert launch.first_network(launch.arguments([]), reported.report) == Network("net")
    assert launch.first_network(launch.arguments(["--model", "vgg16"]), reported.report) == Network("vgg16")
    form = launch.first_network(launch.arguments(["--weights", "mine.h5"]), reported.report)
    assert form == Network("toy-vgg", weights="mine.h5"), "weights alone are still ToyVGG's"
