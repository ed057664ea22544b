"""Names from outside, of files, classes and layers, are text on every page and in the report, whatever they hold."""

import importlib.util
import zipfile

import keras
import numpy as np
import pytest
from PIL import Image

from support.server import Server
from support.steps import LONG, after, open_page, png, upload

pytestmark = pytest.mark.browser

MARKUP = "<img src=x onerror=window.hit=1>"
HAS_JAX = importlib.util.find_spec("jax") is not None  # TensorFlow takes no such name for a layer
LAYERS = (f"first {MARKUP}", MARKUP) if HAS_JAX else ("first", "second")
READY = {
    "layers": "#film img",
    "path": "#path-rise .js-plotly-plot .js-line",
    "baselines": "#lineup img",
    "scores": "#lie img",
    "positive": "#cosines td",
    "contest": "#contest img",
    "evaluate": "#evaluate-cost p",
}


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """The page on a network whose file, classes and layers are called like pieces of a page."""
    folder = tmp_path_factory.mktemp("named")
    keras.utils.set_random_seed(3)
    model = keras.Sequential(
        [
            keras.Input((48, 64, 3)),
            keras.layers.Conv2D(6, 3, activation="relu", padding="same", name=LAYERS[0]),
            keras.layers.MaxPooling2D(2),
            keras.layers.Conv2D(8, 3, activation="relu", padding="same", name=LAYERS[1]),
            keras.layers.GlobalAveragePooling2D(),
            keras.layers.Dense(3, activation="softmax"),
        ],
        name="named",
    )
    model.save(folder / f"{MARKUP}.keras")
    labels = folder / "labels.txt"
    labels.write_text("".join(f"{fruit} {MARKUP}\n" for fruit in ("apple", "banana", "cherry")), encoding="utf-8")
    command = ("--model", str(folder / f"{MARKUP}.keras"), "--labels", str(labels))
    running = Server(folder / "log.txt", *command, KERAS_BACKEND="jax" if HAS_JAX else "tensorflow")
    try:
        running.wait()
        yield running
    finally:
        running.stop()


def assert_text(page, words, where="body"):
    """These words are there to be read, and nothing of them has become a part of the page."""
    page.locator(where).filter(has_text=words).first.wait_for(state="visible")  # told, as it is written
    assert page.locator("img[src=x]").count() == 0, "no name makes an element of the page"
    assert page.evaluate("window.hit") is None, "and none runs a script"


def test_on_explore_and_in_the_lists(page, server):
    open_page(page, server)
    after(page, lambda: upload(page, (f"{MARKUP}.png", "image/png", png())))
    assert_text(page, MARKUP, "#heading")
    for name, words in (("model", f"{MARKUP}.keras"), ("class", f"cherry {MARKUP}"), ("layer", LAYERS[0])):
        page.locator(f"#{name} input").click()
        page.locator("[role=option]").first.wait_for()
        assert_text(page, words, "ul[role=listbox]")
        page.keyboard.press("Escape")
        page.locator(f"#{name} input").blur()
        page.locator("[role=option]").first.wait_for(state="detached")
    upload(page, (f"{MARKUP}.png", "image/png", png()[:200]))
    page.wait_for_selector("#status .wrong")
    assert_text(page, "No picture")


@pytest.mark.slow
@pytest.mark.parametrize("key", READY)
def test_on_the_other_pages(page, server, key):
    page.set_default_timeout(LONG)
    page.goto(f"{server.url}?view={key}")
    page.wait_for_selector(READY[key])
    page.wait_for_function("document.querySelector('#stop').disabled")
    told = {"layers": LAYERS[1], "positive": LAYERS[1], "evaluate": LAYERS[1]}
    assert_text(page, told.get(key, MARKUP), ".tabitem:visible" if key != "evaluate" else "body")


@pytest.mark.slow
def test_in_an_evaluation_on_the_page_and_in_its_report(page, server, tmp_path):
    page.set_default_timeout(LONG)
    page.goto(f"{server.url}?view=evaluate")
    page.wait_for_selector(READY["evaluate"])
    files = [{"name": f"{i}{MARKUP}.png", "mimeType": "image/png", "buffer": png(i)} for i in range(3)]
    page.locator("#evaluate-files input[type=file]").set_input_files(files)
    page.locator("#evaluate-curves input").uncheck()
    page.wait_for_selector("#evaluate-cost:has-text('3 pictures')")
    page.click("#evaluate-start")
    page.wait_for_selector("#status:has-text('3 of 3 pictures evaluated')")
    page.wait_for_selector("#evaluated-gap .js-plotly-plot .main-svg")
    assert_text(page, MARKUP, "#evaluated-extremes")
    assert_text(page, LAYERS[1][-12:], "#evaluated-gap")  # figures show the end of a long name
    with page.expect_download() as download:
        page.click("#evaluated-download")
    download.value.save_as(tmp_path / "all.zip")
    with zipfile.ZipFile(tmp_path / "all.zip") as archive:
        archive.extractall(tmp_path)
    page.goto((tmp_path / "evaluation" / "report.html").as_uri())
    page.wait_for_selector("#figure-gap .main-svg")
    assert_text(page, f"Evaluation of {MARKUP}", "h1")
    assert_text(page, LAYERS[1][-12:], "#figure-gap")


def test_in_the_report_of_pictures_called_so(page, tmp_path):
    from explorer.evaluation.questions import Questions
    from explorer.evaluation.run import evaluate
    from explorer.evaluation.source import Source
    from explorer.models.spec import Network

    pictures = tmp_path / "pictures"
    pictures.mkdir()
    for i in range(3):
        Image.fromarray(np.full((40, 40, 3), 60 * i, np.uint8)).save(pictures / f"{i} {MARKUP}.png")
    (pictures / f"broken {MARKUP}.png").write_bytes(b"no picture")
    evaluate(Questions(network=Network("toy-vgg"), steps=2, curve_steps=0), Source(str(pictures)), tmp_path / "report")
    page.goto((tmp_path / "report" / "report.html").as_uri())
    page.wait_for_selector("#figure-gap .main-svg")
    assert_text(page, f"1 {MARKUP}", ".gallery")
    assert_text(page, f"broken {MARKUP}", ".errors")
