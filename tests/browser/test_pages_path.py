"""The Path page as a person uses it."""

import pytest

from support.steps import LONG

pytestmark = pytest.mark.browser

MAPS = "all => all.map(one => one.toDataURL())"


@pytest.fixture
def path(page, server):
    page.set_default_timeout(LONG)
    page.goto(server.url + "?view=path")
    page.wait_for_selector("#path-why .js-plotly-plot .js-line")
    page.wait_for_function("document.querySelector('.path-head')?.textContent.includes('picture')")
    return page


def drag(page, stop):
    page.eval_on_selector(
        ".path-slider",
        "(one, stop) => { one.value = stop; one.dispatchEvent(new Event('input', { bubbles: true })); }",
        stop,
    )


def maps(page):
    return page.eval_on_selector_all(".path-maps canvas", MAPS)


def line(page, chart):
    return float(page.eval_on_selector(chart, "one => parseFloat(getComputedStyle(one, '::after').left)"))


def test_dragging_alpha_moves_everything_and_asks_nobody(path, requests):
    assert "times smaller" in path.inner_text(".story"), "the point of the page comes first"
    last, place = maps(path), line(path, "#path-rise")
    asked = len(requests)
    path.get_by_role("button", name="the largest gradient").click()
    at_steepest = maps(path)
    assert all(a != b for a, b in zip(last, at_steepest, strict=True)), "every map is another"
    assert float(path.inner_text(".path-head").split()[2]) < 0.9, "α is told"
    assert line(path, "#path-rise") < place - 20, "and the line has moved across the charts"
    drag(path, 0)
    assert "the baseline" in path.inner_text(".path-head")
    blank = maps(path)
    drag(path, int(path.get_attribute(".path-slider", "max")))
    assert maps(path) == last and blank[1:] != last[1:], "back at the picture the maps are the final ones"
    path.locator(".play").click()
    path.wait_for_function("document.querySelector('.path-slider').value > 1")
    path.locator(".play").click()
    assert len(requests) == asked, "without the server"


def test_the_line_stands_where_the_chart_has_alpha(path):
    found = path.evaluate("""() => {
        const chart = document.querySelector('#path-rise'), drawn = chart.querySelector('.js-plotly-plot');
        const axis = drawn._fullLayout.xaxis, left = (one) => one.getBoundingClientRect().left;
        const line = parseFloat(getComputedStyle(chart, '::after').left);
        return [left(chart) + line, left(drawn) + axis._offset + axis.l2p(1)];
    }""")
    assert abs(found[0] - found[1]) < 2, f"at α = 1 the line is at {found[0]}, the chart's 1 at {found[1]}"


def test_the_final_map_is_the_one_on_explore(path):
    """Pixel by pixel: the page up-samples and colours in JavaScript what Explore is sent as a picture."""
    off = path.evaluate("""async () => {
        const mine = document.querySelector('[data-map=rsi_grad_cam] canvas');
        const theirs = document.querySelector('figure.card[data-method=rsi_grad_cam] > img');
        await theirs.decode();
        const copy = new OffscreenCanvas(mine.width, mine.height).getContext('2d');
        copy.drawImage(theirs, 0, 0, mine.width, mine.height);
        const size = [0, 0, mine.width, mine.height];
        const a = mine.getContext('2d').getImageData(...size).data, b = copy.getImageData(...size).data;
        return a.reduce((sum, value, i) => sum + Math.abs(value - b[i]), 0) / a.length;
    }""")
    assert off < 3, f"of 255, on average: {off:.2f}"


@pytest.mark.slow
def test_convergence_is_measured_with_a_count_and_told_in_words(path):
    assert "385 points" in path.inner_text("#converge-cost"), "what it takes is told beforehand"
    path.click("#converge-start")
    path.wait_for_selector("#status progress")
    path.wait_for_selector("#converge-words li")
    path.wait_for_selector("#converge-2 .js-plotly-plot .js-line")
    words = path.inner_text("#converge-words")
    assert "RSI-Grad-CAM" in words and "Completeness gap" in words and "placed automatically" in words
    path.wait_for_function("document.querySelector('#stop').disabled && !document.querySelector('#status progress')")
