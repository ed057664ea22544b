"""The Explore page as a person uses it: every test clicks, types and looks, in a real browser."""

import json
import urllib.request

import pytest

from support.steps import LONG, after, charts, choose, given_steps, maps, open_page, png, upload, verdicts

pytestmark = pytest.mark.browser


@pytest.fixture
def explore(page, server):
    return open_page(page, server)


def test_the_first_thing_seen_is_a_dark_map_and_a_clear_one_explained(explore):
    assert verdicts(explore)[0] == "dark" and verdicts(explore)[2] == "ok", "Grad-CAM is dark, RSI-Grad-CAM is not"
    words = explore.inner_text("#notice")
    assert "Grad-CAM is dark" in words and "saturated" in words, "it is said in words, with the reason"
    assert "Largest raw values" in words, "and with the values themselves"
    bottom = explore.locator("#cards").bounding_box()
    assert bottom["y"] + bottom["height"] < 700, "the three maps are above the fold at 1440 × 900"


def test_a_picture_of_ones_own_then_class_layer_baseline_steps_and_epsilon(explore):
    after(explore, lambda: upload(explore, ("mine.png", "image/png", png())))
    assert "as it came, 120×80" in explore.inner_text("#seen"), "the picture is shown as it came"
    drawn = charts(explore)
    after(explore, lambda: choose(explore, "layer", "block4_pool"))
    assert "block4_pool, 14×14" in explore.inner_text("#heading"), "the layer is the one chosen"
    assert charts(explore) != drawn, "the histograms are those of the new maps"

    before, now = after(explore, lambda: choose(explore, "baseline", "White"))
    assert before[0] == now[0], "Grad-CAM looks at the picture alone, so no baseline moves it"
    assert before[2] != now[2], "RSI-Grad-CAM begins its path at the baseline"

    explained = explore.inner_text("#heading h2")
    explore.locator("#class input").click()
    options = explore.locator("[role=option]")
    assert "p =" in options.nth(1).inner_text(), "the most probable classes carry their probability"
    after(explore, options.nth(1).click)
    assert explore.inner_text("#heading h2") != explained, "the class explained is the one chosen"

    given_steps(explore)
    drawn = charts(explore)
    before, now = after(explore, lambda: explore.locator("#steps input").fill("9"))
    assert before[0] == now[0] and before[2] != now[2], "steps concern the methods that walk the path"
    assert charts(explore) != drawn, "and the score along it"

    after(explore, lambda: explore.locator("#epsilon input[type=range]").fill("0"))
    assert "dark" in verdicts(explore), "with ε = 1 maps of small values are dark"
    assert "ε = 1 " in explore.inner_text("#epsilon"), "ε is shown as a number"
    assert "less than ε = 1" in explore.inner_text("#notice"), "and the warning names it"


def test_one_button_lowers_epsilon_and_one_explains_the_logit(explore):
    after(explore, explore.get_by_role("button", name="Explain the logit").click)
    assert verdicts(explore)[0] == "ok", "the logit does not saturate, so Grad-CAM shows"
    assert "score: logit" in explore.inner_text("#heading"), "and the page says what is explained"
    after(explore, lambda: explore.locator("#epsilon input[type=range]").fill("0"))
    if "dark" in verdicts(explore):
        after(explore, explore.get_by_role("button", name="Lower ε").click)
        assert "dark" not in verdicts(explore), "one press lowers ε far enough"


def test_pictures_that_are_none_are_named_and_the_others_come_in(explore):
    after(
        explore,
        lambda: upload(
            explore,
            ("broken.png", "image/png", png()[:200]),
            ("notes.txt", "text/plain", b"hello"),
            ("good.png", "image/png", png(3)),
        ),
    )
    words = explore.inner_text("#status")
    assert "Added 1 of 3" in words and "broken.png" in words and "notes.txt" in words, "each is named once"
    assert "Traceback" not in explore.inner_text("body"), "no traceback reaches the page"


@pytest.mark.parametrize("how", ["drop", "paste"])
def test_pictures_dropped_or_pasted_anywhere_come_in(explore, how):
    count = explore.locator("#strip .thumbnail-item").count()
    give = """([how, bytes]) => {
        const bag = new DataTransfer();
        bag.items.add(new File([new Uint8Array(bytes)], 'given.png', { type: 'image/png' }));
        const event = how === 'drop'
            ? new DragEvent('drop', { dataTransfer: bag, bubbles: true, cancelable: true })
            : new ClipboardEvent('paste', { clipboardData: bag, bubbles: true, cancelable: true });
        document.querySelector('#heading').dispatchEvent(event);
    }"""
    after(explore, lambda: explore.evaluate(give, [how, list(png(5))]))
    assert explore.locator("#strip .thumbnail-item").count() == count + 1, "it joins the strip"


def test_a_wrong_number_of_steps_is_told_and_the_page_lives(explore):
    given_steps(explore)
    before = maps(explore)
    for wrong in ("0", "1000000"):
        explore.locator("#steps input").fill(wrong)
        explore.wait_for_selector(f"#status .wrong:has-text('received {wrong}')")
    assert maps(explore) == before, "the last good result stays"
    after(explore, lambda: explore.locator("#steps input").fill("5"))


def test_work_shows_a_count_and_stops(explore):
    given_steps(explore)
    explore.locator("#steps input").fill("10000")
    explore.wait_for_selector("#status progress")
    assert "of 10001" in explore.inner_text("#status"), "a stage and a count"
    before = maps(explore)
    explore.click("#stop")
    explore.wait_for_selector("#status:has-text('Stopped')")
    assert maps(explore) == before, "the last finished result stays"
    after(explore, lambda: explore.locator("#steps input").fill("5"))


def test_maps_sharpen_while_the_path_is_walked(explore):
    watch = """() => {
        window.sharpened = [];
        const cards = document.querySelector('#cards');
        new MutationObserver(() => {
            const map = cards.querySelector('.sharpening figure.card:last-of-type > img');
            if (map && !window.sharpened.includes(map.src)) window.sharpened.push(map.src);
        }).observe(cards, { childList: true, subtree: true, attributes: true });
    }"""
    explore.evaluate(watch)
    _, now = after(explore, lambda: choose(explore, "layer", "block2_pool"))
    seen = explore.evaluate("window.sharpened")
    assert seen and seen[0] != now[2], "the map is there before it is finished, and changes"
    assert explore.locator(".sharpening").count() == 0, "what stays is finished"
    assert "pictures through the network" in explore.inner_text("#status"), "and says what it took"


def test_an_answer_that_is_still_there_says_so(explore):
    after(explore, lambda: choose(explore, "layer", "block3_pool"))
    after(explore, lambda: choose(explore, "layer", "block5_pool"))
    assert "From memory" in explore.inner_text("#status"), "the network was asked about block5_pool before"


def test_the_tolerance_sets_how_many_points_are_placed(explore):
    def points():
        return int(explore.inner_text("#heading").split(" points, placed automatically")[0].split()[-1])

    few = points()
    explore.get_by_role("button", name="Advanced").click()
    explore.locator("#tolerance input").fill("0.1")
    explore.wait_for_function(
        "few => !document.querySelector('#heading').innerText.includes(few + ' points') "
        "&& document.querySelector('#stop').disabled",
        arg=few,
    )
    assert points() > few, "more exact, more points"
    assert "within an estimated" in explore.inner_text("#completeness"), "and the page says how exact"
    given_steps(explore)
    assert "50 steps" in explore.inner_text("#heading"), "or as many as are given"


def test_the_strip_switches_between_pictures(explore):
    heading = explore.inner_text("#heading")
    after(explore, explore.locator("#strip .thumbnail-item").nth(1).click)
    assert explore.inner_text("#heading") != heading, "another picture, another answer"


def test_everything_can_be_reached_from_the_keyboard(explore):
    given_steps(explore)
    wanted = {"strip", "class", "layer", "baseline", "automatic", "steps", "epsilon", "advanced"}
    inside = "within => document.activeElement.closest(within)?.id"
    reached = set()
    for _ in range(60):
        explore.keyboard.press("Tab")
        reached.add(explore.evaluate(inside, ", ".join(f"#{name}" for name in wanted)))
        if wanted <= reached:
            break
    missing = wanted - reached
    assert not missing, f"Tab reaches every control; not {missing}"
    explore.focus("#epsilon input[type=range]")
    after(explore, lambda: [explore.keyboard.press("ArrowRight") for _ in range(16)])


@pytest.mark.parametrize("width", [390, 1440])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_is_cut_off(page, server, width, scheme):
    page.set_viewport_size({"width": width, "height": 900})
    page.emulate_media(color_scheme=scheme)
    page.goto(server.url)
    page.wait_for_selector("figure.card", timeout=LONG)
    assert page.evaluate("document.documentElement.scrollWidth") <= width, "nothing sticks out sideways"
    widths = page.eval_on_selector_all("figure.card > img", "all => all.map(one => one.getBoundingClientRect().width)")
    assert min(widths) >= 180, f"the maps are large enough to look at; they are {widths} pixels wide"
    ends = page.eval_on_selector_all(
        "#strip .thumbnail-item", "all => all.map(one => one.getBoundingClientRect().bottom)"
    )
    strip = page.locator("#strip").bounding_box()
    assert max(ends) <= strip["y"] + strip["height"], "both rows of examples are whole"
    background = page.evaluate("getComputedStyle(document.body).backgroundColor")
    dark = sum(map(int, background[background.index("(") + 1 : -1].split(",")[:3])) < 200
    assert dark == (scheme == "dark"), "the page follows the system's light or dark"


def test_the_page_installs_as_an_app(server):
    with urllib.request.urlopen(server.url + "/manifest.json") as answer:
        assert json.load(answer)["start_url"], "browsers find what they need to install it"
