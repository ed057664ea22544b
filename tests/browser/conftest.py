"""The page as a person starts it, and a Chromium that sees nothing but this machine."""

import os
import shutil
from urllib.parse import urlsplit

import pytest

from support import ROOT
from support.server import Server

SCREENSHOTS = ROOT / "build" / "browser"

CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome")
CHROMIUM_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1",  # whatever is not this machine is not there
]
# Gradio asks for it at every load, and answers "not found" itself unless the page is also an MCP server.
GRADIO_NOISE = "/gradio_api/mcp/schema"


@pytest.fixture(scope="session")
def server(tmp_path_factory):
    """The running page; `server.url` is its address."""
    running = Server(tmp_path_factory.mktemp("server") / "log.txt")
    try:
        running.wait()
        yield running
    finally:
        running.stop()


@pytest.fixture(scope="session")
def browser():
    path = next(filter(None, map(shutil.which, CHROMIUM_NAMES)), None)
    if path is None:
        tell = pytest.fail if os.environ.get("CI") == "true" else pytest.skip
        tell("Chromium is not installed; make test installs it where it can (Debian: apt-get install chromium)")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=path, args=CHROMIUM_FLAGS)
        yield chromium
        chromium.close()


@pytest.fixture
def requests() -> list[str]:
    """The address of everything the page has asked for so far, in order."""
    return []


@pytest.fixture
def complaints() -> list[str]:
    """Errors that the page logged or threw; a test that provokes one on purpose clears the list."""
    return []


@pytest.fixture
def page(browser, server, requests, complaints, request):
    """A fresh page at 1440×900, not yet at `server.url`. Errors and requests to other hosts fail the test."""
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    tab = context.new_page()
    tab.on("request", lambda sent: requests.append(sent.url))
    tab.on("pageerror", lambda error: complaints.append(f"thrown: {error}"))
    tab.on("console", lambda message: _note(message, complaints))
    yield tab
    if _failed(request.node):
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        tab.screenshot(path=SCREENSHOTS / f"{request.node.name}.png", full_page=True)
    context.close()
    elsewhere = [url for url in requests if urlsplit(url).hostname not in {"127.0.0.1", None}]
    assert not elsewhere, f"the page works with no network, so it asks nobody else: {elsewhere}"
    assert not complaints, f"the page raises no errors: {complaints}"


def _note(message, complaints: list[str]) -> None:
    if message.type == "error" and GRADIO_NOISE not in message.location.get("url", ""):
        complaints.append(f"logged: {message.text} ({message.location.get('url')})")


def _failed(item) -> bool:
    report = getattr(item, "call_report", None)
    return report is None or report.failed


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """Keeps each test's outcome for its fixtures, and shows what the server said beside a failure."""
    outcome = yield
    report = outcome.get_result()
    if report.when == "call":
        item.call_report = report
    running = getattr(item, "funcargs", {}).get("server")
    if report.failed and running is not None:
        report.sections.append(("what the server said", running.last_words(100)))
