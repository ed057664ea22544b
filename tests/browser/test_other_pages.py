"""The pages beside Explore, each driven once in a real browser."""

import base64
import io

import numpy as np
import pytest
from PIL import Image

from support.steps import LONG, choose

READY = {"layers": "#film img", "scores": "#lie img", "positive": "#positive-maps img", "contest": "#contest img"}


@pytest.fixture
def opened(page, server):
    def open_at(key, ready):
        page.set_default_timeout(LONG)
        page.goto(f"{server.url}?view={key}")
        page.wait_for_selector(ready)
        settled(page)
        return page

    return open_at


def settled(page):
    page.wait_for_function("document.querySelector('#stop').disabled")
    page.wait_for_timeout(400)


def pictures(page, where):
    return page.eval_on_selector_all(f"{where} img", "all => all.map(one => one.src)")


def difference(one, other):
    """Of two pictures of the page: the largest of any colour at any place, out of 255."""
    decoded = [Image.open(io.BytesIO(base64.b64decode(each.partition(",")[2]))).convert("RGB") for each in (one, other)]
    first, second = (np.asarray(each, int) for each in decoded)
    return np.abs(first - second).max()


def after(page, act, where):
    """Do something, wait until the pictures there have changed; (before, after)."""
    before = pictures(page, where)
    act()
    page.wait_for_function(
        "([where, before]) => [...document.querySelectorAll(where + ' img')].map(one => one.src).join() !== before",
        arg=[where, ",".join(before)],
    )
    settled(page)
    return before, pictures(page, where)


def test_each_page_has_an_address_and_turning_to_one_shows_it(opened):
    page = opened("layers", "#film img")
    assert page.locator("#film img").count() == 15, "three methods at five block ends"
    for label, key, ready in (
        ("Scores", "scores", "#score-maps img"),
        ("Grad-CAM++", "positive", "#positive-maps img"),
        ("Class contest", "contest", "#contest img"),
        ("Explore", None, "#cards img"),
    ):
        page.get_by_role("tab", name=label, exact=True).click()
        page.wait_for_selector(ready)
        found = page.evaluate("new URLSearchParams(location.search).get('view')")
        assert found == key, f"{label} is at {found}"


def test_choosing_a_map_of_the_film_goes_to_its_layer(opened):
    page = opened("layers", "#film img")
    page.click("#film [data-choice=block3_pool] >> nth=2")
    page.wait_for_selector("#heading:has-text('block3_pool')")
    page.wait_for_selector("figure.card", state="visible")
    assert page.input_value("#layer input").startswith("block3_pool"), "the controls say so too"


@pytest.mark.slow
def test_sise_is_shown_step_by_step_and_says_beforehand_what_it_takes(opened):
    page = opened("layers", "#film img")
    assert "masked pictures" in page.inner_text("#sise-cost")
    page.click("#sise-start")
    page.wait_for_selector("#status progress")
    assert "masked pictures" in page.inner_text("#status"), "a stage and a count"
    page.wait_for_selector("#sise img")
    assert page.locator("#sise tbody tr").count() == 3 and "Otsu" in page.inner_text("#sise")


@pytest.mark.slow
def test_a_new_question_is_shown_on_the_page_that_is_open(opened):
    page = opened("layers", "#film img")
    before, now = after(page, lambda: choose(page, "class", "car"), "#film")
    assert before != now and "car" in page.inner_text("#heading")


@pytest.mark.slow
def test_scores_side_by_side_and_the_margin(opened):
    page = opened("scores", "#score-maps img")
    assert page.locator("#score-maps thead th").count() == 4, "four scores"
    box = page.locator("#margin input[type=number]")
    before, now = after(page, lambda: (box.fill("4"), box.press("Enter")), "#naive")
    assert before[0] != before[1], "at a margin of 20 float32 has lost the class"
    assert now[0] != before[0], "at 4 it has not"


@pytest.mark.slow
def test_painting_a_map_changes_the_logits_alone(opened):
    page = opened("scores", "#lie img")
    cells = page.locator("#paint [data-cell]")
    assert cells.count() == 49
    cells.nth(48).scroll_into_view_if_needed()
    start, end = (cells.nth(i).bounding_box() for i in (42, 48))

    def paint():
        page.mouse.move(start["x"] + 4, start["y"] + 4)
        page.mouse.down()
        page.mouse.move(end["x"] + 4, end["y"] + 4, steps=12)
        page.mouse.up()

    before, now = after(page, paint, "#lie")
    assert now[0] == before[0] and now[1] != before[1], "the logit's map becomes what is painted"
    assert difference(now[1], before[1]) > 20 > 3 > difference(now[3], before[3]), "that of the probability stays"
    rows = page.eval_on_selector_all("#lie tbody tr", "all => all.map(one => [...one.cells].map(c => c.innerText))")
    assert all(was == is_ for _, was, is_ in rows), f"and no output changes in any digit shown: {rows}"


@pytest.mark.slow
def test_the_weights_of_grad_cam_plus_plus(opened):
    page = opened("positive", "#cosines td")
    cells = page.locator("#cosines td[data-choice]")
    assert cells.count() == 15
    before, now = after(page, lambda: page.click("#cosines td[data-choice='logit|block4_pool']"), "#positive-maps")
    assert before != now and "logit at block4_pool" in page.inner_text("#alpha-title")


@pytest.mark.slow
def test_a_contest(opened):
    page = opened("contest", "#contest img")
    assert page.locator("#contest img").count() == 10, "three methods: one class, the other, the difference; the bar"
    before, now = after(page, lambda: choose(page, "rival", "car"), "#contest")
    one, rival, difference = (before[i] == now[i] for i in (3, 4, 5))  # of Integrated Grad-CAM, which is not dark
    assert one and not rival and not difference, "the rival's column changes, and the difference"
    before, now = after(page, lambda: page.get_by_label("raw values").check(), "#contest")
    assert "of raw values" in page.inner_text("#contest thead"), "it says what the difference is of"
    assert before[3] == now[3] and before[5] != now[5], "and that alone changes"


@pytest.mark.slow
@pytest.mark.parametrize("key", READY)
def test_nothing_is_wider_than_a_phone(opened, page, key):
    page.set_viewport_size({"width": 390, "height": 900})
    opened(key, READY[key])
    assert page.evaluate("document.documentElement.scrollWidth") <= 391, "the page itself never scrolls sideways"
