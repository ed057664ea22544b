"""How long it takes from the start of a fresh process to the page, and to the first explanation on it.

    python -m benchmarks.startup [--repeat 3]

Each round starts `launch.py` anew on the embedded classifier and waits for the address in the terminal, for the page
over HTTP, for the page's first word of what it waits for, and for the first explanation, in a Chromium that is
already running (without Chromium or Playwright the last two are left out). Beside it, in the same round, it takes the
libraries alone: importing Keras with what lies beneath it, and importing Gradio. Medians over the rounds, in seconds
and as a multiple of the two imports together; other work on the machine slows both alike.
"""

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import time
import urllib.request
from contextlib import contextmanager
from pathlib import Path

from benchmarks import results

ROOT = Path(__file__).resolve().parents[1]
CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome")
MOST = 300  # seconds to wait for anything
LAST_MAP = "figure.card:last-of-type > img"
LIBRARIES = ("import keras", "import gradio")


def run(*words):
    """Seconds that a Python of its own takes over these words."""
    begun = time.perf_counter()
    subprocess.run([sys.executable, *words], cwd=ROOT, check=True, capture_output=True)
    return time.perf_counter() - begun


@contextmanager
def chromium():
    """A browser that is already running, or None."""
    path = next(filter(None, map(shutil.which, CHROMIUM_NAMES)), None)
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        path = None
    if path is None:
        print("The page is not opened: there is no Chromium with Playwright here.", file=sys.stderr)
        yield None
        return
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-gpu"])
        yield browser
        browser.close()


def start(browser):
    """{what: seconds since the process was started} of one start of the page."""
    begun = time.perf_counter()
    server = subprocess.Popen(
        [sys.executable, "launch.py", "--no-browser"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )
    try:
        address = next(word for line in server.stdout for word in line.split() if word.startswith("http://"))
        times = {"the address is printed": time.perf_counter() - begun}
        urllib.request.urlopen(address, timeout=MOST).close()
        times["the page answers over HTTP"] = time.perf_counter() - begun
        if browser:
            times |= see(browser, address, begun)
        return times
    finally:
        server.terminate()
        server.wait()


def see(browser, address, begun):
    """What a visitor sees, and when."""
    page = browser.new_page(viewport={"width": 1440, "height": 900})
    page.set_default_timeout(1000 * MOST)
    page.goto(address, wait_until="commit")
    page.wait_for_selector("#choices")
    times = {"the controls are visible": time.perf_counter() - begun}
    page.wait_for_selector("#status .status, figure.card")
    times["the page says what it waits for, or shows it"] = time.perf_counter() - begun
    page.wait_for_selector("figure.card img")
    times["the first explanation is visible"] = time.perf_counter() - begun
    page.wait_for_selector("#histograms .js-plotly-plot .bars path", state="attached")
    before, asked = page.get_attribute(LAST_MAP, "src"), time.perf_counter()
    page.click("#strip .thumbnail-item >> nth=1")
    changed = "([one, before]) => document.querySelector(one).src !== before"
    page.wait_for_function(f"{changed} && document.querySelector('#stop').disabled", arg=[LAST_MAP, before])
    times["then, by itself: from a click on another example to its finished maps"] = time.perf_counter() - asked
    page.close()
    return times


def explaining():
    """Seconds of the first explanation of a second example, in a process that has explained one, without a page."""
    words = (
        "import time, explorer; c = explorer.load('toy-vgg'); e = 'assets/examples/'; "
        "explorer.explain(c, e + 'bicycle.png', steps='auto'); t = time.perf_counter(); "
        "explorer.explain(c, e + 'butterfly-and-car.png', steps='auto'); print(time.perf_counter() - t)"
    )
    done = subprocess.run([sys.executable, "-c", words], cwd=ROOT, check=True, capture_output=True, text=True)
    return float(done.stdout.split()[-1])


def round_of(browser):
    alone = {f"`{words}` alone": run("-c", words) for words in LIBRARIES}
    both = sum(alone.values())
    times = alone | {"`python -m explorer --help`": run("-m", "explorer", "--help")} | start(browser)
    times["the same explanation without page and browser"] = explaining()
    return {what: (seconds, seconds / both) for what, seconds in times.items()}


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--folder", default=results.FOLDER, help="where RESULTS.md is")
    asked = parser.parse_args(arguments)
    with chromium() as browser:
        start(None)  # the files are in memory, as they are after the first time
        rounds = [round_of(browser) for _ in range(asked.repeat)]
    rows = []
    for what in rounds[0]:
        seconds, ratio = (statistics.median(one[what][i] for one in rounds) for i in (0, 1))
        rows.append([what, f"{seconds:.1f}", f"{ratio:.2f}"])
    columns = ["from the start of the process until", "seconds", f"÷ {' and '.join(LIBRARIES)}"]
    about = f"{os.cpu_count()} processor cores, {results.today()}; the median of {asked.repeat} rounds."
    text = f"### From the start to the page\n\n{about}\n\n{results.table(columns, rows)}"
    results.write_section("startup", text, asked.folder)
    print(text)


if __name__ == "__main__":
    main()
