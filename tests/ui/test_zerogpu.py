"""Explanations on a graphics card that is lent: the page as ever, its results made in another process."""

import os
import pickle
import subprocess
import sys
import threading

import numpy as np
import pytest
from gradio.context import LocalContext

from explorer.engine.result import Cost, Result
from explorer.engine.result_cache import ResultCache
from explorer.engine.run import answer, explain
from explorer.errors import Cancelled, InputError
from explorer.models import spec as known
from explorer.models.pool import Loaded
from explorer.models.spec import Network
from explorer.network import backend
from explorer.ui import actions, zerogpu
from explorer.ui.actions import Explorer, guarded
from explorer.ui.progress import reporting
from explorer.ui.state import Picture, Session
from support import ROOT, fake_spaces
from support import networks as nets
from support.backends import python_with
from support.counting import Counting, assert_same_maps
from support.visitor import Telling, controls, silent

QUESTION = {"layer": "features", "class_index": 4, "steps": 6}
POINTS = 7


class Zero:
    """The page under ZeroGPU, the card's process played by a thread; `net` is the network as loaded there."""

    def __init__(self, monkeypatch):
        pictures = tuple(Picture(f"scene {i}", nets.picture(i), f"note {i}", True) for i in range(3))
        self.spaces, self.taken, self.net = fake_spaces.put_in_place(monkeypatch), [], Counting(nets.make()[0])
        cache = ResultCache()
        monkeypatch.setattr(zerogpu, "_cache", cache)
        monkeypatch.setattr(zerogpu, "_loaded", Loaded(let_go=cache.forget))
        monkeypatch.setattr(zerogpu, "_fork_between_loads", lambda: None)
        monkeypatch.setattr(backend, "take_graphics_card", lambda: self.taken.append(threading.current_thread().name))
        monkeypatch.setattr(actions, "examples", lambda network: pictures)
        monkeypatch.setattr(known, "load", lambda name, progress, **given: self.net)
        self.explorer = Explorer(Network("net"))
        self.explorer.loaded.get(Network("net"), lambda: nets.make()[0])
        self.here = self.explorer._load(Network("net"), silent)  # as loaded in the process that serves the page
        self.picture = nets.picture(1)

    def explain(self, **controls):
        return self.explorer.cache.explain(self.here, self.picture, **(QUESTION | controls))


@pytest.fixture
def zero(monkeypatch):
    return Zero(monkeypatch)


def test_the_answer_is_the_same_as_without(zero):
    found, expected = zero.explain(), explain(nets.make()[0], zero.picture, **QUESTION)
    assert_same_maps(found, expected, "lent")
    assert len(zero.taken) == 1 and zero.net.passes == POINTS, "it was made where the card is"
    for name in ("settings", "epsilon", "class_name", "probability", "complement", "completeness_gap", "cost"):
        assert getattr(found, name) == getattr(expected, name), f"{name} is what it is without"
    for name in ("alphas", "scores", "inner", "logits"):
        np.testing.assert_array_equal(getattr(found.path, name), getattr(expected.path, name), err_msg=name)
    assert found.classifier is zero.here and found.layer is zero.here.layer("features"), "and is at home here"
    assert [one.verdict for one in found] == [one.verdict for one in expected], "down to the advice"


def test_what_travels_holds_no_framework_and_no_path(zero):
    whole = explain(nets.make()[0], zero.picture, **QUESTION)
    sent = pickle.dumps(whole.of(None))
    assert whole.path.held and whole.of(None).path.held is False, "the path stays"
    for library in (b"keras", b"tensorflow", b"jax", b"torch"):
        assert library not in sent, f"{library} is not needed to unpickle it"


def test_progress_and_maps_that_sharpen_arrive_in_their_order(zero):
    told, shown = [], []
    zero.explain(progress=lambda *count: told.append(count), preview=shown.append, memory_budget=1)
    assert told[0] == ("waiting for a graphics card", 0, 1), "waiting has a word of its own"
    points = [done for stage, done, total in told[1:] if (stage, total) == ("the path", POINTS)]
    assert points == sorted(points) and {0, POINTS} <= set(points), f"then every batch of the path: {told}"
    assert len(shown) >= 3 and all(one.classifier is zero.here for one in shown), "maps come meanwhile"
    assert shown[0]["rsi_grad_cam"].heatmap.shape == (nets.HEIGHT, nets.WIDTH), "and can be drawn"


def test_maps_that_nobody_is_shown_do_not_travel(zero, monkeypatch):
    sent, of = [], Result.of
    monkeypatch.setattr(
        Result, "of", lambda result, to: (sent.append(result) if to is None else None) or of(result, to)
    )
    zero.explain(memory_budget=1)
    assert len(sent) == 1, "the answer alone"


def test_stop_in_the_middle_stops_there_too(zero):
    def stop(stage, done, total):
        if done == 3:
            raise Cancelled

    with pytest.raises(Cancelled):
        zero.explain(progress=stop, memory_budget=1, steps=60)
    after = zero.net.passes
    assert after < 60, f"the network was asked for {after} points of 61"
    assert not any(thread.name == "explaining" for thread in threading.enumerate()), "nothing goes on behind"
    assert zero.explorer.cache.bytes_held == zerogpu._cache.bytes_held == 0, "nothing half is kept"
    assert zero.explain(steps=60).cost == Cost(passes=61), "and the same can be asked again"


def test_the_stop_button_stops_it(zero):
    session = Session()
    zero.explorer.open(session, controls(), dark=False)
    before, told = session.result, []

    def stop(*count):
        told.append(count)
        session.job.stopped = len(told) > 1

    places = guarded(lambda: zero.explorer.explain(session, controls(steps=500), False, Telling(stop)))
    assert "Stopped" in places["status"] and session.result is before, "what was there stays"


def test_a_mistake_arrives_as_its_sentence(zero):
    with pytest.raises(InputError, match=r"^The number of steps is a whole number .* received 0\.$") as mistake:
        zero.explain(steps=0)
    assert mistake.value.__cause__ is None, "and nothing behind it"


def test_the_fault_behind_a_sentence_arrives_with_it(zero, monkeypatch):
    def load(name, progress, **given):
        raise InputError("It cannot be run.") from KeyError("deep inside")

    monkeypatch.setattr(known, "load", load)
    with pytest.raises(InputError, match=r"^It cannot be run\.$") as mistake:
        zero.explain()
    assert "deep inside" in str(mistake.value.__cause__), "for the log"


def test_a_fault_there_is_a_fault_here(zero, monkeypatch, caplog):
    monkeypatch.setattr(known, "load", lambda name, progress, **given: 1 // 0)
    places = guarded(lambda: zero.explorer.open(Session(), controls(), dark=False))
    assert actions.text.FAULT in places["status"] and "ZeroDivisionError" in caplog.text, "told as ours, and logged"


def test_no_card_to_lend_is_told_in_its_lenders_words(zero):
    zero.spaces.refusal = "You have exceeded your ZeroGPU quota (60s requested vs. 0s left)."
    places = guarded(lambda: zero.explorer.open(Session(), controls(), dark=False))
    assert "You have exceeded your ZeroGPU quota (60s requested" in places["status"], "it says what can be done"


def test_the_same_question_is_answered_from_memory_without_a_card(zero):
    first = zero.explain()
    again = zero.explain(epsilon=1e-3)
    assert len(zero.spaces.requests) == 1 and again.cost == Cost() and again.epsilon == 1e-3, "no card is asked for"
    np.testing.assert_array_equal(again["rsi_grad_cam"].cam, first["rsi_grad_cam"].cam, err_msg="the same maps")


def test_a_new_class_uses_the_path_that_stayed_there(zero):
    zero.explain()
    found = zero.explain(class_index=2)
    assert found.cost == Cost(heads=POINTS) and zero.net.passes == POINTS, "only the part behind the layer is run"
    assert_same_maps(found, explain(nets.make()[0], zero.picture, **(QUESTION | {"class_index": 2})), "another class")


def test_warming_up_asks_for_no_card(zero):
    zero.explorer.warm_up()
    assert zero.spaces.marked == [zerogpu.answers] and not zero.spaces.requests, "a card is lent to visitors"
    zero.explorer.open(Session(), controls(), dark=False)
    zero.explorer.open(Session(), controls(), dark=False)
    assert len(zero.spaces.requests) == 1, "the first one's answer serves whoever comes after"


def test_the_card_is_asked_for_in_the_visitors_name(zero):
    session, mark = Session(), object()
    zero.explorer.open(session, controls(), dark=False)
    token = LocalContext.request.set(mark)
    try:
        list(reporting(lambda tell: zero.explorer.explain(session, controls(steps=5), False, tell)))
    finally:
        LocalContext.request.reset(token)
    assert zero.spaces.requests[-1] is mark, "from the thread that works too: their share of it is what is used up"


def test_the_page_says_what_computed(zero, monkeypatch):
    monkeypatch.setattr(backend, "describe", lambda: "PyTorch · GPU · float32")
    zero.explain()
    monkeypatch.setattr(backend, "describe", lambda: pytest.fail("what this process has is not what computed"))
    assert zero.explorer.computing.describe() == "PyTorch · GPU, lent · float32"


# Where no card is lent


class Watching:
    """A finder of modules that finds none and remembers what was looked for."""

    def __init__(self):
        self.names = []

    def find_spec(self, name, path=None, target=None):
        self.names.append(name)


@pytest.fixture
def looked_for(monkeypatch):
    monkeypatch.delitem(sys.modules, "spaces", raising=False)
    watching = Watching()
    monkeypatch.setattr(sys, "meta_path", [watching, *sys.meta_path])
    return watching.names


def test_elsewhere_nothing_changes(monkeypatch, looked_for):
    monkeypatch.delenv("SPACES_ZERO_GPU", raising=False)
    shared = Explorer(Network("net"))
    assert "spaces" not in looked_for and not shared.computing.lent, "the package is not even looked for"
    assert shared.computing.answer is answer and shared.computing.describe is backend.describe, "all is as ever"


def test_without_the_package_it_goes_on_without_a_card(monkeypatch, caplog):
    monkeypatch.setenv("SPACES_ZERO_GPU", "true")
    monkeypatch.setitem(sys.modules, "spaces", None)
    assert not Explorer(Network("net")).computing.lent and "not installed" in caplog.text, "and the log says so"


# In a process of its own, with PyTorch: TensorFlow does not survive a fork

NO_GRADIO = 77
SCRIPT = """
import signal, sys, threading, time
try:
    import gradio
except ImportError:
    sys.exit(77)
import numpy as np, pytest
from support import fake_spaces, networks as nets
from explorer.network import backend, hooks
from explorer.engine.result import Cost, Result
from explorer.errors import Cancelled, InputError
from explorer.engine.run import answer, explain
from explorer.ui import zerogpu
from explorer.models import spec as known
from explorer.ui.actions import Explorer
from explorer.models.spec import Network
from explorer.models import keras_builders

signal.alarm(fake_spaces.MOST)
assert backend.name() == "torch"
fake_spaces.put_in_place(pytest.MonkeyPatch(), forks=True)
known.load = lambda name, progress, **given: keras_builders.built(nets.make)[0]
shared = Explorer(Network("net"))
net = shared._load(Network("net"), None)
picture, question = nets.picture(1), {"layer": "features", "class_index": 4, "steps": 6}

begun = threading.Event()
def load():  # another visitor, who is in the middle of it when the process is to be forked
    with hooks.LOCK, keras_builders.LOCK:
        begun.set()
        time.sleep(1)
threading.Thread(target=load).start()
begun.wait()

told = []
found = shared.cache.explain(net, picture, progress=lambda *count: told.append(count), **question)
other_class = shared.cache.explain(net, picture, **(question | {"class_index": 2}))
assert Network("net") not in zerogpu._loaded and zerogpu._cache.bytes_held == 0, "nothing of it was done here"
assert told[-1] == ("the path", 7, 7), told
assert found.cost == Cost(passes=7) and other_class.cost == Cost(heads=7), "what was loaded and sampled stayed there"

def stop(stage, done, total):
    if done == 3:
        raise Cancelled
with pytest.raises(Cancelled):
    shared.cache.explain(net, picture, progress=stop, **(question | {"steps": 5000, "memory_budget": 1}))
with pytest.raises(InputError, match="received 0"):
    shared.cache.explain(net, picture, **(question | {"steps": 0}))
with pytest.raises(zerogpu.Elsewhere, match="TypeError"):
    shared.cache.explain(net, picture, **(question | {"steps": 9, "memory_budget": "nonsense"}))
assert shared.cache.explain(net, picture, **question).cost == Cost(), "from this process's memory"
assert shared.cache.explain(net, picture, **(question | {"steps": 3})).cost == Cost(), "from the other's"
for one, index in ((found, 4), (other_class, 2)):
    for key, cam in explain(net, picture, **(question | {"class_index": index})).cams.items():
        np.testing.assert_allclose(one.cams[key], cam, rtol=1e-5, atol=1e-5 * cam.max(), err_msg=f"{key} of {index}")
print("all well")
"""


@pytest.mark.process
@pytest.mark.skipif(not hasattr(os, "fork"), reason="no process can be forked here, as ZeroGPU's are")
def test_in_a_forked_process_with_torch():
    python = python_with("torch")
    path = os.pathsep.join([str(ROOT), str(ROOT / "tests"), *os.environ.get("PYTHONPATH", "").split(os.pathsep)])
    environment = os.environ | {"KERAS_BACKEND": "torch", "KERAS_TORCH_DEVICE": "cpu", "PYTHONPATH": path}
    done = subprocess.run([python, "-c", SCRIPT], env=environment, cwd=ROOT, capture_output=True, text=True)
    if done.returncode == NO_GRADIO:
        pytest.skip(f"{python} has PyTorch, and no Gradio: the page cannot be imported there")
    assert done.returncode == 0 and "all well" in done.stdout, done.stderr[-3000:]
