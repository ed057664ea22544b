"""The Evaluate page as a person uses it, and the way from a report to its pictures."""

import json
import zipfile

import pytest

from support.server import Server
from support.steps import after, given_steps, png, settled

pytestmark = pytest.mark.browser

WAIT = 400_000  # milliseconds: twenty scenes and their report, on a machine that is shared


def opened(page, url):
    page.set_default_timeout(WAIT)
    page.goto(url)
    page.wait_for_selector("figure.card", state="attached")
    settled(page)
    return page


@pytest.fixture
def evaluate(page, server):
    opened(page, server.url + "?view=evaluate")
    page.wait_for_selector("#evaluate-cost p")
    return page


def quick(page):
    """Few steps, and nothing exchanged pixel by pixel."""
    given_steps(page)
    after(page, lambda: page.locator("#steps input").fill("2"))
    page.locator("#evaluate-curves input").uncheck()
    page.wait_for_selector("#evaluate-cost:has-text('each some 9 times')")


def begin(page):
    page.click("#evaluate-start")
    page.wait_for_selector("#status progress")


def finished(page, count):
    page.wait_for_selector(f"#status:has-text('{count} of {count} pictures evaluated')")
    settled(page)


def test_twenty_scenes_from_the_claims_to_a_picture_on_explore(evaluate, tmp_path):
    page = evaluate
    quick(page)
    assert "20 pictures" in page.inner_text("#evaluate-cost"), "what it takes is told beforehand"
    begin(page)
    assert "of 20" in page.inner_text("#status"), "a stage and a count"
    finished(page, 20)
    assert "20 given; 20 evaluated" in page.inner_text("#evaluated .run"), "what was run comes first"
    claims = page.locator("#evaluated .claims tbody tr").count()
    assert claims == 21 and f"Of {claims} claims" in page.inner_text("#evaluated"), "then what it says of each claim"
    for name in ("means_before", "means_after", "dark_epsilon", "drop_and_increase", "energy", "overlaps", "gap"):
        page.wait_for_selector(f"#evaluated-{name} .js-plotly-plot .main-svg")
    assert page.locator("#evaluated-numbers table").count() == 4, "measures and differences at two layers"

    with page.expect_download() as download:
        page.click("#evaluated-download")
    download.value.save_as(tmp_path / "all.zip")
    with zipfile.ZipFile(tmp_path / "all.zip") as archive:
        assert json.loads(archive.read("evaluation/settings.json"))["steps"] == 2, "everything is taken home"
        assert b"<!doctype html>" in archive.read("evaluation/report.html")[:100]

    best = page.locator("#evaluated-extremes [data-choice]").first
    name = best.locator("small").inner_text().split(",")[0]
    best.click()
    page.wait_for_selector("figure.card", state="visible")
    settled(page)
    assert page.inner_text("#heading h2") == name and "block5_pool" in page.inner_text("#heading"), (
        "its class, its layer"
    )
    assert "of the report" in page.inner_text("#status"), "it says where the picture comes from"
    page.get_by_role("tab", name="Evaluate", exact=True).click()
    page.wait_for_selector("#evaluated .claims")
    settled(page)
    assert page.locator("#evaluated .claims tbody tr").count() == claims, "the report is still there"


@pytest.mark.slow
def test_stopped_and_gone_on_with(evaluate):
    page = evaluate
    quick(page)
    page.locator("#evaluate-seed input").fill("1")
    page.locator("#evaluate-scenes input[type=number]").fill("120")
    page.wait_for_selector("#evaluate-cost:has-text('120 pictures')")
    begin(page)
    page.wait_for_function("document.querySelector('#status progress')?.value >= 2")
    page.click("#stop")
    page.wait_for_selector("#status:has-text('Stopped.')")
    done = int(page.inner_text("#status").split("Stopped. ")[1].split()[0])
    assert 2 <= done < 120, "so many are done and kept"
    page.wait_for_selector("#evaluate-start:has-text('Go on')")
    page.locator("#evaluate-seed input").fill("2")
    page.wait_for_selector("#evaluate-start:has-text('Evaluate')")
    page.locator("#evaluate-seed input").fill("1")
    page.wait_for_selector("#evaluate-start:has-text('Go on')")
    begin(page)
    now = page.wait_for_function(  # of the pictures: before them other things are counted
        "document.querySelector('#status').innerText.startsWith('pictures')"
        " && String(document.querySelector('#status progress')?.value ?? '')"
    )
    assert int(now.json_value()) >= done, "not from the beginning"
    finished(page, 120)


@pytest.mark.slow
def test_pictures_of_ones_own(evaluate):
    page = evaluate
    quick(page)
    page.get_by_label("My pictures").check()
    page.wait_for_selector("#evaluate-cost:has-text('none is chosen yet')")
    assert not page.locator("#evaluate-scenes").is_visible(), "only what belongs to the kind of pictures"
    files = [{"name": f"{i}.png", "mimeType": "image/png", "buffer": png(i)} for i in range(3)]
    page.locator("#evaluate-files input[type=file]").set_input_files(files)
    page.wait_for_selector("#evaluate-cost:has-text('3 pictures')")
    begin(page)
    finished(page, 3)
    assert "3 given; 3 evaluated" in page.inner_text("#evaluated .run")
    assert not page.locator("#evaluated-energy").is_visible(), "without boxes there is no energy"


@pytest.mark.slow
def test_nothing_is_wider_than_a_phone(page, reported):
    page.set_viewport_size({"width": 390, "height": 900})
    opened(page, reported.url + "?view=evaluate")
    page.wait_for_selector("#evaluated-gap .js-plotly-plot .main-svg")
    settled(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= 391, "the page itself never scrolls sideways"


# A page that was started with a report


@pytest.fixture(scope="module")
def reported(tmp_path_factory):
    from explorer.evaluation.questions import Questions
    from explorer.evaluation.run import evaluate
    from explorer.evaluation.source import Source
    from explorer.models.spec import Network

    folder = tmp_path_factory.mktemp("reports") / "report"
    questions = Questions(network=Network("toy-vgg"), steps=2, curve_steps=0)
    evaluate(questions, Source(scenes=5, seed=4), folder)
    running = Server(tmp_path_factory.mktemp("server") / "log.txt", "--report", str(folder))
    running.report = folder
    try:
        running.wait()
        yield running
    finally:
        running.stop()


@pytest.mark.slow
def test_the_report_is_there_and_its_links_open_its_pictures(page, reported):
    opened(page, reported.url + "?view=evaluate")
    page.wait_for_selector("#evaluated .claims")
    settled(page)
    assert "5 given; 5 evaluated" in page.inner_text("#evaluated .run"), "with nothing to press"
    html = (reported.report / "report.html").read_text(encoding="utf-8")
    link = html.split('<h4><a href="')[1].split('"')[0].replace("&amp;", "&")
    opened(page, reported.url + link)
    assert "block5_pool" in page.inner_text("#heading") and "of the report" in page.inner_text("#status")
    assert page.locator("#strip .thumbnail-item").count() == 11, "beside the examples"


@pytest.mark.slow
def test_a_link_says_which_picture_layer_and_class(page, reported):
    opened(page, reported.url + "/?picture=3&layer=block3_pool&class=2")
    assert "block3_pool" in page.inner_text("#heading") and page.input_value("#layer input").startswith("block3_pool")
    assert "scene-000003, picture 3 of the report" in page.inner_text("#status")


@pytest.mark.slow
def test_a_link_that_leads_nowhere_is_told(page, reported, server):
    for url, words in ((f"{reported.url}/?picture=5", "is none of its 5"), (f"{server.url}/?picture=1", "--report")):
        opened(page, url)
        assert words in page.inner_text("#status .wrong"), "one sentence"
        assert page.locator("figure.card").count() == 3, "and the page opens as ever"
