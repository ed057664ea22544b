"""What the browser tests do and look at again and again."""

import io
import json

import numpy as np
from PIL import Image

LONG = 90_000  # milliseconds; the machines are slow and shared


def open_page(page, server):
    page.set_default_timeout(LONG)
    page.goto(server.url)
    page.wait_for_selector("figure.card")
    page.wait_for_selector("#histograms .js-plotly-plot .bars path", state="attached")
    return page


def maps(page):
    """The three overlays, as the pictures they are."""
    return page.eval_on_selector_all("figure.card > img", "all => all.map(one => one.src)")


def verdicts(page):
    return page.eval_on_selector_all("figure.card", "all => all.map(one => one.dataset.verdict)")


def charts(page):
    """What the histograms and the path draw, as shapes."""
    return page.eval_on_selector_all(
        ".js-plotly-plot .bars path, .js-plotly-plot .js-line", "all => all.map(one => one.getAttribute('d')).join()"
    )


def after(page, act):
    """Do something, wait until the maps have changed and the work is done, return the maps (before, after)."""
    before = maps(page)
    act()
    page.wait_for_function(
        "before => document.querySelector('#stop').disabled"
        " && JSON.stringify([...document.querySelectorAll('figure.card > img')].map(one => one.src)) !== before",
        arg=json.dumps(before, separators=(",", ":")),
    )
    page.wait_for_timeout(300)  # the charts are drawn after the maps
    return before, maps(page)


def choose(page, where, words):
    box = page.locator(f"#{where} input")
    box.click()
    box.fill(words)  # the list narrows to what contains the words
    page.locator("[role=option]").first.wait_for()
    page.keyboard.press("Enter")


def given_steps(page):
    """No longer placed automatically: the number of steps that stands beside."""
    after(page, page.locator("#automatic input").uncheck)
    page.locator("#steps input").wait_for()


def png(seed=0, size=(80, 120)):
    pixels = np.random.default_rng(seed).integers(0, 255, (*size, 3), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


def upload(page, *files):
    given = [{"name": name, "mimeType": kind, "buffer": data} for name, kind, data in files]
    page.locator("input[data-testid*='Add pictures']").set_input_files(given)


def settled(page):
    """Nothing is computed, nothing waits in Gradio's queue, and nothing has begun for a second."""
    idle = "document.querySelector('#stop').disabled && !/queue:|processing/.test(document.body.textContent)"
    quiet = 0
    while quiet < 5:
        page.wait_for_function(idle)
        page.wait_for_timeout(200)
        quiet = quiet + 1 if page.evaluate(idle) else 0
