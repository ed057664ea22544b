"""From the start to the page: what is there before the network is, and what happens to a start that goes wrong."""

import os
import socket
import subprocess
import sys
import threading
import urllib.request

import pytest

from explorer.attribution.methods import DEFAULT
from explorer.errors import Cancelled, InputError
from explorer.models import spec as known
from explorer.models.spec import Network
from explorer.stderr import quietly
from explorer.ui import actions, app
from explorer.ui.actions import Explorer, guarded
from explorer.ui.controls import Controls
from explorer.ui.state import Picture, Session
from explorer.ui.warm_up import IMPORTING, WarmUp
from support import ROOT, networks

MOST = 120  # seconds until a test that hangs is given up


def in_a_fresh_python(code):
    """What it prints, line by line."""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=MOST)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_importing_the_page_leaves_out_gradios_files_for_editors():
    read = in_a_fresh_python(
        "import inspect, sys\n"
        "opened, getfile = [], inspect.getfile\n"
        "sys.addaudithook(lambda what, given: what == 'open' and opened.append(str(given[0])))\n"
        "import explorer.ui, gradio\n"
        "print(sum(name.endswith('.pyi') for name in opened))\n"
        "print(inspect.getfile is getfile, hasattr(gradio.Dropdown, 'change'))\n"
    )
    assert read == ["0", "True True"], "no stub is read or written, and everything else is as Gradio makes it"


# The page before its network


class Start:
    """app.launch() with a network that is loaded once `let_go` is set, and is counted."""

    def __init__(self, monkeypatch):
        self.let_go, self.loads, self.begun = threading.Event(), 0, threading.Event()
        monkeypatch.setattr(known, "load", self.load)
        monkeypatch.setattr(actions, "examples", lambda network: (Picture("scene", networks.picture(1), "", True),))
        monkeypatch.setattr(app, "Explorer", self.explorer)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            monkeypatch.setenv("GRADIO_SERVER_PORT", str(free.getsockname()[1]))
        self.running = None

    def load(self, name, progress, **given):
        self.loads += 1
        self.begun.set()
        assert self.let_go.wait(MOST)
        return networks.make()[0]

    def explorer(self, *given):
        self.made = Explorer(*given)
        return self.made

    def launch(self, **given):
        self.running = app.launch(**given)
        return self.running

    def answers(self):
        return urllib.request.urlopen(self.running.local_url, timeout=MOST).status

    def close(self):
        self.let_go.set()
        if self.running:
            self.made.warming.wait(lambda *count: None)
            self.running.close()


@pytest.fixture
def start(monkeypatch):
    start = Start(monkeypatch)
    yield start
    start.close()


def controls(**changes):
    """The page as it opens."""
    values = dict.fromkeys(Controls.__dataclass_fields__) | {
        "model": "toy-vgg",
        "baseline": "black",
        "sigma": 10,
        "seed": 0,
        "colour": "#808080",
        "steps": 50,
        "tolerance": 0.5,
        "automatic": True,
        "score": "probability",
        "settings": {"gradients": "raw", "units": "selected", "quadrature": "trapezoid"},
        "integrated": "published",
        "methods": DEFAULT,
        "exponent": -8,
        "colormap": "inferno",
        "opacity": 0.6,
        "scale": "own",
    }
    return Controls(**{name: values[name] for name in Controls.__dataclass_fields__} | changes)


def together(*works):
    """What several visitors get who ask at the same time."""
    found = [None] * len(works)

    def run(i):
        found[i] = guarded(works[i])

    threads = [threading.Thread(target=run, args=(i,), daemon=True) for i in range(len(works))]
    for thread in threads:
        thread.start()
    return threads, found


def test_the_page_is_there_before_the_network(start):
    start.launch()
    assert start.answers() == 200, "the page answers"
    assert start.begun.wait(MOST) and not start.let_go.is_set(), "while the network is being loaded"


def test_visitors_who_come_meanwhile_share_one_network(start):
    start.launch()
    assert start.begun.wait(MOST)
    threads, found = together(*[lambda: start.made.open(Session(), controls(), dark=False)] * 2)
    start.let_go.set()
    for thread in threads:
        thread.join(MOST)
    assert [places["cards"].count("<figure") for places in found] == [3, 3], "both see the example explained"
    assert start.loads == 1, "and the network was loaded once for both"


def test_a_network_that_cannot_be_loaded_leaves_a_page_that_says_so(start, monkeypatch, caplog):
    def missing(name, progress, **given):
        raise InputError("The weights of ToyVGG are damaged: get them again.")

    monkeypatch.setattr(known, "load", missing)
    start.launch()
    assert start.answers() == 200, "the page answers all the same"
    start.made.warming.wait(lambda *count: None)
    assert "opens without its first example: The weights of ToyVGG are damaged" in caplog.text, "the log tells"
    session = Session()
    places = guarded(lambda: start.made.open(session, controls(), dark=False))
    assert "are damaged: get them again" in places["status"], "whoever opens the page is told"
    start.let_go.set()
    monkeypatch.setattr(known, "load", start.load)
    places = guarded(lambda: start.made.explain(session, controls(model="vgg16"), False, actions._silent))
    assert places["cards"].count("<figure") == 3, "and can choose another network"


@pytest.mark.parametrize("first", [Network("nowhere.keras"), Network("vgg16", weights="nowhere.h5")])
def test_a_file_that_is_missing_is_told_before_there_is_a_page(monkeypatch, first):
    monkeypatch.setattr(app, "build", lambda explorer: pytest.fail("the page is built for nothing"))
    with pytest.raises(InputError, match="nowhere"):
        app.launch(first=first)


def test_an_embedded_network_that_is_missing_is_told_before_there_is_a_page(monkeypatch, tmp_path):
    monkeypatch.setattr("explorer.models.toy.model.WEIGHTS", tmp_path / "gone.h5")
    monkeypatch.setattr("explorer.models.toy.model.load.__defaults__", (tmp_path / "gone.h5", "softmax"))
    monkeypatch.setattr(app, "build", lambda explorer: pytest.fail("the page is built for nothing"))
    with pytest.raises(InputError, match=r"gone\.h5"):
        app.launch()


@pytest.mark.slow
def test_started_with_a_wrong_file_the_command_ends_in_one_sentence():
    command = [sys.executable, "launch.py", "--no-browser", "--model", "nowhere.keras"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=MOST)
    assert done.returncode == 2, "a mistake, as scripts know it"
    assert len(done.stderr.splitlines()) == 1 and "nowhere.keras" in done.stderr, done.stderr
    assert "http://" not in done.stdout, "and no address of a page that is not there"


# Waiting for it


def test_who_waits_is_told_how_far_it_is_and_goes_on_at_the_end():
    let_go, told = threading.Event(), []

    def work(tell):
        tell("the path", 1, 2)
        assert let_go.wait(MOST)

    def tell(*count):
        told.append(count)
        if count == ("the path", 1, 2):
            let_go.set()

    WarmUp(work).wait(tell)
    assert set(told) <= {IMPORTING, ("the path", 1, 2)} and told[-1] == ("the path", 1, 2), told


def test_one_who_stops_waiting_stops_nothing_else():
    let_go, over = threading.Event(), []
    warming = WarmUp(lambda tell: let_go.wait(MOST) and over.append(True))

    def stop(*count):
        raise Cancelled

    with pytest.raises(Cancelled):
        warming.wait(stop)
    let_go.set()
    warming.wait(lambda *count: None)
    assert over, "the work goes on for the others"


def test_a_fault_of_ours_ends_the_waiting_and_is_logged(caplog):
    told = []

    def tell(*count):
        told.append(count)
        assert len(told) < 20, "nobody waits forever"

    WarmUp(lambda tell: 1 / 0).wait(tell)
    assert "ZeroDivisionError" in caplog.text and "without its first example" in caplog.text, "the log tells"


# Keeping quiet in the background


def test_two_threads_that_keep_quiet_give_standard_error_back(capfd):
    begun, overlapping, ended, threads = threading.Event(), threading.Event(), threading.Event(), []

    def early():
        with quietly():
            begun.set()
            overlapping.wait(0.5)  # in vain where they take turns
        ended.set()

    def late():
        assert begun.wait(MOST)
        with quietly():
            overlapping.set()
            assert ended.wait(MOST)

    for work in (early, late):
        threads.append(threading.Thread(target=work))
        threads[-1].start()
    for thread in threads:
        thread.join(MOST)
    os.write(2, b"heard again\n")
    assert capfd.readouterr().err == "heard again\n", "standard error is the terminal again"


def test_our_log_is_heard_while_the_background_keeps_quiet():
    said = subprocess.run(
        [
            sys.executable,
            "-c",
            "import logging, os, launch\n"
            "from explorer.stderr import quietly\n"
            "launch.keep_a_log()\n"
            "with quietly():\n"
            "    os.write(2, b'noise of a library\\n')\n"
            "    logging.getLogger('explorer').error('a visitor met a fault')\n",
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=MOST,
    )
    assert "a visitor met a fault" in said.stderr and said.stderr.count("\n") == 1, said.stderr
