"""The page of baselines, as a person uses it."""

import pytest

pytestmark = pytest.mark.browser

WAIT = 120_000  # milliseconds: 200 passes forth and back one after the other, on a machine that is shared


def settled(page):
    page.wait_for_function("document.querySelector('#stop').disabled")
    page.wait_for_timeout(400)


@pytest.mark.slow
def test_baselines_side_by_side_a_pixel_picked_and_the_neutral_one_optimised(page, server):
    page.set_default_timeout(WAIT)
    page.goto(server.url + "?view=baselines")
    page.wait_for_selector("#lineup img")
    settled(page)
    if page.locator("#lineup-start").is_visible():
        page.click("#lineup-start")
        page.wait_for_selector("#lineup-cost:has-text('one colour scale')")
        settled(page)
    pictures = page.locator("#lineup img").count()
    assert pictures == 4 * 7, "seven baselines, each with its preview and three maps"
    assert "bits" in page.inner_text("#lineup tbody tr:first-child"), "and what the network says of it"

    box = page.locator(".pick img").bounding_box()
    page.locator(".pick img").click(position={"x": box["width"] / 2, "y": box["height"] / 4})
    page.wait_for_selector("#spot .finding")
    settled(page)
    first = page.inner_text("#spot .finding strong")
    assert first.startswith("#") and page.locator("#spot img").count() == 5, "the pixel's colour is the baseline"
    page.focus(".pick")
    for _ in range(8):
        page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.wait_for_function("was => document.querySelector('#spot .finding strong').innerText !== was", arg=first)
    settled(page)

    page.click("#neutral-start")
    page.wait_for_selector("#neutral-curve .js-line")
    page.wait_for_selector("#neutral-maps img")
    settled(page)
    assert "1/16" in page.inner_text("#neutral-picture"), "how near it came to one in as many as there are classes"
    assert page.locator("#lineup img").count() == pictures + 4, "and it joins the others"
    assert page.evaluate("document.documentElement.scrollWidth") <= 1440, "nothing sticks out sideways"
