"""The same table from a cluster: a real one of Ray's, on this machine."""

import builtins
import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from explorer.errors import InputError
from explorer.evaluation import cluster, results
from explorer.evaluation.cluster import LOST, MAX_TRIES, Worker, on_ray
from explorer.evaluation.journal import NAME
from explorer.evaluation.questions import Questions
from explorer.evaluation.run import evaluate
from explorer.evaluation.source import Source
from explorer.models.spec import Network
from support import ROOT

FILES = (results.TABLE, results.AS_CSV, results.PICTURES, results.ERRORS)
SCENES = 16
QUESTIONS = Questions(network=Network("toy-vgg"), layers=("block5_pool",), steps=3, curve_steps=2)
COMMAND = (
    sys.executable,
    "-m",
    "explorer",
    "evaluate",
    "--scenes",
    str(SCENES),
    "--layers",
    "block5_pool",
    "--steps",
    "3",
    "--curve-steps",
    "2",
    "--out",
)


def files(folder):
    return [(Path(folder) / name).read_bytes() for name in FILES]


@pytest.fixture(scope="module")
def ray():
    return pytest.importorskip("ray", reason="Ray is not installed: pip install -r requirements-ray.txt")


@pytest.fixture(scope="module")
def local(tmp_path_factory, classifier):
    """The run on one machine, which every other has to equal."""
    folder = tmp_path_factory.mktemp("local")
    evaluate(QUESTIONS, Source(scenes=SCENES), folder, classifier=classifier)
    return folder


def workers():
    """The processes in which networks run."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            words = (process / "cmdline").read_bytes()
        except OSError:
            continue
        if words.startswith(b"ray::MapWorker"):
            found.append(int(process.name))
    return found


@pytest.mark.cluster
def test_a_worker_that_dies_is_replaced_and_the_table_is_the_same(ray, local, classifier, tmp_path):
    killed = []

    def kill_one(stage, done, total):
        if done >= 2 and not killed:
            killed.append(workers()[0])
            os.kill(killed[0], signal.SIGKILL)

    evaluate(
        QUESTIONS, Source(scenes=SCENES), tmp_path, progress=kill_one, classifier=classifier, cluster=on_ray(workers=2)
    )
    assert killed, "one of the two was killed while it worked"
    assert files(tmp_path) == files(local), "the same rows, whoever made them and in whatever order they came"


@pytest.fixture
def address(ray, tmp_path):
    """A cluster that runs by itself, as one of several machines would."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = ("ray.scripts.scripts", "start", "--head", "--block", "--include-dashboard", "false", "--num-cpus", "2")
    running = subprocess.Popen(
        [sys.executable, "-m", *command, "--port", str(port), "--node-ip-address", "127.0.0.1"],
        start_new_session=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    while running.poll() is None:
        with contextlib.suppress(OSError):
            socket.create_connection(("127.0.0.1", port), 1).close()
            break
        time.sleep(0.1)
    assert running.poll() is None, "the cluster is up"
    yield f"127.0.0.1:{port}"
    os.killpg(running.pid, signal.SIGTERM)  # it takes its time, which nobody has to wait for


@pytest.mark.cluster
def test_a_run_on_a_cluster_that_is_killed_goes_on_to_the_same_table(address, local, tmp_path):
    command = [*COMMAND, str(tmp_path / "out"), "--ray", address, "--workers", "1"]
    quiet = {"cwd": ROOT, "stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE}
    running = subprocess.Popen(command, start_new_session=True, **quiet)
    while running.poll() is None and _done(tmp_path / "out") < 4:
        time.sleep(0.05)
    assert running.poll() is None, running.stderr.read().decode()
    os.killpg(running.pid, signal.SIGKILL)
    running.communicate()
    before = _done(tmp_path / "out")
    assert 0 < before < SCENES, "killed halfway"
    again = subprocess.run([*command, "--resume"], **quiet)
    assert again.returncode == 0, again.stderr.decode()
    assert files(tmp_path / "out") == files(local)


def _done(folder):
    journal = folder / NAME
    return journal.read_bytes().count(b"\n") if journal.exists() else 0


@pytest.mark.cluster
def test_a_picture_that_ends_every_worker_is_given_up(monkeypatch):
    begun = []

    class FakeRay:
        """Just as much of Ray as a Worker asks for, in this process."""

        get = staticmethod(lambda value: value)
        get_actor = staticmethod(lambda name: FakeRay)

        class once_more:
            remote = staticmethod(lambda index: begun.append(index) or len(begun))

    monkeypatch.setattr(cluster, "_ray", lambda: FakeRay)
    monkeypatch.setattr(cluster, "measure", lambda *given: 1 // 0)
    monkeypatch.setattr(Network, "load", lambda *given: None)
    (item,) = Source(scenes=1).items()
    for _ in range(MAX_TRIES):
        with pytest.raises(ZeroDivisionError):  # as far as the picture is concerned, the worker ends
            Worker()._outcome(QUESTIONS, item)
    found = Worker()._outcome(QUESTIONS, item)
    assert (found.index, found.status, found.reason) == (item.index, "failed", LOST)


def test_without_ray_the_sentence_says_what_to_install(monkeypatch):
    real = builtins.__import__

    def without(name, *rest):
        if name.partition(".")[0] == "ray":
            raise ImportError(name)
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(InputError, match=r"requirements-ray\.txt"):
        on_ray()


@pytest.mark.parametrize("wrong", [{"workers": 0}, {"gpus_per_worker": -1.0}])
def test_a_cluster_has_a_worker(wrong):
    with pytest.raises(InputError, match="at least 1 worker"):
        on_ray(**wrong)


@pytest.mark.cluster
def test_a_cluster_that_does_not_answer_is_told(ray, classifier):
    asked = QUESTIONS.checked(classifier)
    with pytest.raises(InputError, match=r"127\.0\.0\.1:1"):
        list(on_ray("127.0.0.1:1")(asked, Source(scenes=1).items()))
