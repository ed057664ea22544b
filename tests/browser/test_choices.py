"""Choices by mouse, by touch and with the keyboard, quickly and in any order: the page shows one result, or goes back.

A list tells of a choice by mouse twice, the second time perhaps when the first is answered already. With more steps
than are taken here: RSI_EXPLORER_MONKEY=300 python -m pytest tests/browser/test_choices.py -k any_order
"""

import os
import random
import re

import keras
import pytest
from playwright.sync_api import TimeoutError as PlaywrightTimeout

from support.keras_files import network_of_two_layers
from support.steps import after, choose, open_page, png, settled, upload

STEPS = int(os.environ.get("RSI_EXPLORER_MONKEY", "12"))
TOY, MINE = "ToyVGG", "mine.keras"
AGREED = """() => {
  const text = (where) => document.querySelector(where)?.innerText ?? '';
  const value = (where) => document.querySelector(where)?.value ?? '';
  return {
    model: value('#model input'), class: value('#class input'), layer: value('#layer input'),
    heading: text('#heading h2'), question: text('#heading .question'), status: text('#status'),
    wrong: !!document.querySelector('#status .wrong'),
    alts: [...document.querySelectorAll('figure.card > img')].map((one) => one.alt),
    waiting: document.querySelectorAll('.waiting, .sharpening').length,
    titles: [...document.querySelectorAll('#histograms .annotation-text')].map((one) => one.textContent),
    strip: document.querySelectorAll('#strip .thumbnail-item').length,
    toasts: [...document.querySelectorAll('.toast-body')].map((one) => one.innerText),
    traceback: document.body.innerText.includes('Traceback'),
  };
}"""


@pytest.fixture(scope="module")
def network(tmp_path_factory):
    """The file of a small network whose classes and layers are others than those of ToyVGG."""
    model = network_of_two_layers()
    folder = tmp_path_factory.mktemp("network")
    model.save(folder / MINE)
    return folder / MINE


@pytest.fixture
def both(page, server, network):
    """Explore, with the small network in the list and shown."""
    open_page(page, server)
    bring(page, network)
    return page


def bring(page, network):
    page.click("#own-network button")
    page.locator("#own-file input[type=file]").set_input_files(network)
    page.wait_for_selector("#own-file:has-text('mine')")
    page.get_by_role("button", name="Load this network").click()
    page.wait_for_selector("#heading .question:has-text('second')")
    settled(page)


def by_mouse(page, where, words, act="click"):
    getattr(page.locator(f"#{where} input"), act)()
    option = page.locator("[role=option]").filter(has_text=words).first
    option.wait_for()
    option.scroll_into_view_if_needed()
    getattr(option, act)()


def check(page, about=""):
    """That heading, lists, cards and strip are of one result -> what stands on the page."""
    now = page.evaluate(AGREED)
    seen = f"{about}: {now}"
    assert not now["traceback"] and not now["toasts"], f"Gradio itself says nothing: {seen}"
    assert not now["waiting"], f"what is shown is whole: {seen}"
    name, layer = now["heading"], now["layer"].split(" · ")[0]
    assert now["class"].split(" · ")[0] == name, f"the class of the list is that of the heading: {seen}"
    assert re.search(rf"\b{layer}\b", now["question"]), f"and so is the layer: {seen}"
    assert now["alts"] and all(f" for {name}: " in alt for alt in now["alts"]), f"and the maps are of it: {seen}"
    toy = now["model"].startswith(TOY)
    assert layer.startswith("block") == toy, f"the layer is one of the network's: {seen}"
    assert name.startswith("class ") != toy, f"and so is the class: {seen}"
    assert now["strip"] >= (9 if toy else 3) and (toy or now["strip"] < 9), f"its pictures are in the strip: {seen}"
    return now


@pytest.mark.parametrize("act", ["click", pytest.param("tap", marks=pytest.mark.slow)])
def test_a_network_is_chosen_by_mouse_and_by_touch(browser, server, network, act):
    context = browser.new_context(viewport={"width": 1440, "height": 900}, has_touch=act == "tap")
    page = context.new_page()
    open_page(page, server)
    bring(page, network)
    for words in (TOY, MINE, TOY, MINE):
        by_mouse(page, "model", words, act)
        page.wait_for_function("words => document.querySelector('#model input').value.startsWith(words)", arg=words)
        settled(page)
        now = check(page, words)
        assert now["model"].startswith(words) and not now["wrong"], f"{words} is shown, nothing is refused: {now}"
    context.close()


@pytest.mark.slow
def test_the_same_choice_twice_is_one(both):
    for _ in range(2):
        by_mouse(both, "model", TOY)
    settled(both)
    assert check(both)["model"].startswith(TOY)
    for words in ("block3_conv1", "block4_pool"):
        by_mouse(both, "layer", words)
    settled(both)
    assert "block4_pool" in check(both)["question"], "of two choices the later one counts"


def test_a_list_that_is_open_when_its_network_goes(both):
    by_mouse(both, "model", TOY)
    settled(both)
    both.click("#class input")
    both.locator("[role=option]").nth(9).wait_for()
    both.get_by_role("button", name="Load this network").evaluate("button => button.click()")  # the list stays open
    both.wait_for_selector("#heading .question:has-text('second')")
    settled(both)
    assert not check(both)["model"].startswith(TOY), "the other network has fewer classes than the list had"


def test_a_picture_added_while_a_network_is_chosen(both):
    by_mouse(both, "model", TOY)
    upload(both, ("mine.png", "image/png", png()))
    settled(both)
    now = check(both)
    assert now["model"].startswith(TOY) and not now["wrong"]


@pytest.mark.slow
def test_a_score_that_the_next_network_does_not_have_is_said(page, server, tmp_path):
    model = keras.Sequential(
        [
            keras.Input((32, 32, 3)),
            keras.layers.Conv2D(4, 3, activation="relu", name="only"),
            keras.layers.Flatten(),
            keras.layers.Dense(2, activation="softmax"),
            keras.layers.Rescaling(1.0),  # what stands in front of it is not looked for
        ]
    )
    model.save(tmp_path / "mine values.keras")
    open_page(page, server)
    page.click("#advanced button")
    after(page, lambda: by_mouse(page, "score", "logit"))
    page.click("#own-network button")
    page.locator("#own-file input[type=file]").set_input_files(tmp_path / "mine values.keras")
    page.wait_for_selector("#own-file:has-text('mine')")
    page.get_by_role("button", name="Load this network").click()
    page.wait_for_selector("#heading .question:has-text('only')")
    settled(page)
    assert "logit cannot be had of mine values.keras" in page.inner_text("#status")


@pytest.mark.slow
def test_the_note_of_an_example_is_about_what_is_shown(page, server):
    open_page(page, server)
    note = page.inner_text("#status .ready")
    choose(page, "class", "car")
    page.wait_for_selector("#heading h2:has-text('car')")
    settled(page)
    assert page.inner_text("#status .ready") != note, "of another class it is not true"
    page.reload()
    page.wait_for_selector("#status .ready")
    settled(page)
    assert note[:30] in page.inner_text("#status .ready")
    box = page.locator("#epsilon input[type=range]")
    box.fill("-4")
    settled(page)
    assert note[:30] not in page.inner_text("#status .ready"), "nor of another ε"


def test_in_any_order_the_page_shows_one_result(both):
    page, chance = both, random.Random(11)
    layers = {TOY: ["block3_conv1", "block4_pool", "block5_pool"], MINE: ["first", "second"]}
    classes = {TOY: ["car", "tree", "bicycle"], MINE: ["class 0", "class 1", "class 2"]}
    done = []

    def shown():
        return TOY if page.input_value("#model input").startswith(TOY) else MINE

    def picture():
        pictures = page.locator("#strip .thumbnail-item")
        pictures.nth(chance.randrange(min(3, pictures.count()))).click(timeout=5000)

    def epsilon():
        box = page.locator("#epsilon input[type=range]")
        box.fill(str(-chance.randrange(4, 11)))

    def stop():
        if page.locator("#stop").is_enabled():
            page.locator("#stop").click(force=True)

    def tab():
        for name in (chance.choice(["Layers", "Class contest"]), "Explore"):
            page.get_by_role("tab", name=name, exact=True).click()

    acts = {
        "network": lambda: by_mouse(page, "model", chance.choice([TOY, MINE])),
        "class": lambda: by_mouse(page, "class", chance.choice(classes[shown()])),
        "layer": lambda: by_mouse(page, "layer", chance.choice(layers[shown()])),
        "picture": picture,
        "epsilon": epsilon,
        "stop": stop,
        "tab": tab,
    }
    page.set_default_timeout(8000)
    for _ in range(STEPS // 4):
        for _ in range(4):
            name = chance.choice([*acts, "network", "class"])
            done.append(name)
            try:
                acts[name]()
            except PlaywrightTimeout:  # what it reached for is of the network before, and gone
                page.keyboard.press("Escape")
                page.locator("#title").click()
                done[-1] += " (gone)"
            page.wait_for_timeout(chance.choice([0, 0, 60, 300]))
        page.set_default_timeout(90_000)
        settled(page)
        check(page, ", ".join(done[-12:]))
        page.set_default_timeout(8000)


def test_a_list_that_is_left_says_nothing(page, server):
    open_page(page, server)
    upload(page, ("broken.png", "image/png", png()[:200]))
    page.wait_for_selector("#status .wrong")
    settled(page)
    for where in ("model", "class", "layer"):
        page.locator(f"#{where} input").click()
        page.locator("[role=option]").first.wait_for()
        page.keyboard.press("Escape")
        page.locator(f"#{where} input").blur()
    settled(page)
    assert page.locator("#status .wrong").count() == 1, "the sentence about the file is still there to be read"
