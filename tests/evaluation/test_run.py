"""A whole run: killed at any moment and gone on with, it comes to the same table."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pyarrow.parquet as pq
import pytest

from explorer.errors import Cancelled, InputError
from explorer.evaluation import results, run
from explorer.evaluation.journal import NAME
from explorer.evaluation.questions import Questions, Rules
from explorer.evaluation.run import Clock, evaluate, one_machine
from explorer.evaluation.source import Source
from explorer.models.spec import Network
from support import ROOT, networks

FILES = (results.TABLE, results.AS_CSV, results.PICTURES, results.ERRORS)


@pytest.fixture(scope="module")
def net():
    return networks.make()[0]


@pytest.fixture
def pictures(tmp_path):
    """A folder of seven pictures, one of them broken, and the boxes of five."""
    folder, boxes = tmp_path / "pictures", tmp_path / "boxes.csv"
    folder.mkdir()
    for i in range(6):
        cv2.imwrite(str(folder / f"{i}.png"), networks.picture(i, 24, 32))
    (folder / "6.png").write_bytes(b"no picture")
    rows = [f"{i},class {4 + i} 2 {10 + i} 20" for i in range(5)]
    boxes.write_text("ImageId,PredictionString\n" + "\n".join(rows).replace("class ", "no-class ") + "\n")
    return Source(str(folder), str(boxes))


@pytest.fixture
def questions():
    return Questions(network=Network("net"), layers=("pool", "features"), steps=3, curve_steps=2)


def files(folder):
    return [(Path(folder) / name).read_bytes() for name in FILES]


def test_a_run_from_the_pictures_to_the_report(net, questions, pictures, tmp_path):
    told = []
    report = evaluate(questions, pictures, tmp_path / "out", progress=lambda *count: told.append(count), classifier=net)
    assert report == tmp_path / "out" / "report.html" and report.stat().st_size > 1 << 20
    rows = pq.read_table(tmp_path / "out" / results.TABLE).to_pylist()
    assert [row["image"] for row in rows] == [f"{i}.png" for i in range(5) for _ in range(6)], (
        "five pictures have boxes, at two layers by three methods each, in their order"
    )
    errors = (tmp_path / "out" / results.ERRORS).read_text(encoding="utf-8").splitlines()[1:]
    assert [line.split(",")[1] for line in errors] == ["5.png", "6.png"], "one has no boxes, the other is no picture"
    settings = json.loads((tmp_path / "out" / "settings.json").read_text(encoding="utf-8"))
    assert settings["layers"] == ["pool", "features"] and settings["source"]["pictures"] == 7
    assert {"keras", "numpy", "backend"} <= set(settings["versions"])
    assert [done for stage, done, total in told if total == 7][-1] == 7, "and how far it was, was told"


@pytest.mark.slow
def test_stopped_anywhere_it_goes_on_to_the_same_table(net, questions, pictures, tmp_path):
    words = []
    evaluate(questions, pictures, tmp_path / "whole", progress=lambda *count: words.append(count), classifier=net)
    wanted = files(tmp_path / "whole")
    for moment in (1, len(words) // 4, len(words) // 2, len(words) - 2, len(words) - 1):
        folder, moments = tmp_path / f"stopped at {moment}", iter(range(moment))

        def stop(*count, moments=moments):
            if next(moments, None) is None:
                raise Cancelled

        with pytest.raises(Cancelled):
            evaluate(questions, pictures, folder, progress=stop, classifier=net)
        evaluate(questions, pictures, folder, resume=True, classifier=net)
        assert files(folder) == wanted, f"stopped at the {moment}th word of progress"


def test_what_is_done_is_not_done_again(net, questions, pictures, tmp_path, monkeypatch):
    evaluate(questions, pictures, tmp_path / "out", classifier=net)
    before = files(tmp_path / "out")
    monkeypatch.setattr(run, "measure", lambda *given: pytest.fail("every picture is done"))
    evaluate(questions, pictures, tmp_path / "out", resume=True, classifier=net)
    assert files(tmp_path / "out") == before


def test_a_run_goes_on_only_as_it_began(net, questions, pictures, tmp_path):
    out = tmp_path / "out"
    with pytest.raises(InputError, match="holds none"):
        evaluate(questions, pictures, out, resume=True, classifier=net)
    assert not out.exists(), "nothing is made for a mistake"
    evaluate(questions, pictures, out, classifier=net)
    with pytest.raises(InputError, match=r"holds an evaluation already.*--resume"):
        evaluate(questions, pictures, out, classifier=net)
    for other, name in ((replace(questions, steps=4), "steps"), (replace(questions, epsilon=1e-6), "epsilon")):
        with pytest.raises(InputError, match=name):
            evaluate(other, pictures, out, resume=True, classifier=net)
    cv2.imwrite(str(Path(pictures.images) / "7.png"), networks.picture(9))
    with pytest.raises(InputError, match="source"):
        evaluate(questions, pictures, out, resume=True, classifier=net)


def test_where_no_picture_counts_the_report_says_so(net, questions, pictures, tmp_path):
    asked = replace(questions, rules=Rules(one_box=True, box_under=0.001))
    report = evaluate(asked, pictures, tmp_path / "out", classifier=net)
    assert pq.read_table(tmp_path / "out" / results.TABLE).num_rows == 0
    assert "boxes cover" in report.read_text(encoding="utf-8"), "which rule dropped them"


def test_never_more_pictures_are_held_than_a_few(net, questions, monkeypatch):
    """However many there are: what is read ahead waits for what is explained."""
    asked, read = questions.checked(net), []
    monkeypatch.setattr(run, "load", lambda item: read.append(item) or np.zeros(()))
    monkeypatch.setattr(run, "measure", lambda classifier, item, questions, read, tell: read(item))
    for done, _ in enumerate(one_machine(net, asked, iter(range(100)), lambda: None), 1):
        assert len(read) <= done + run.AHEAD, f"after {done} of 100"
    assert len(read) == 100


def test_the_time_that_is_left(monkeypatch):
    now, told = [0.0], []
    monkeypatch.setattr(run.time, "monotonic", lambda: now[0])
    clock = Clock(lambda *count: told.append(count), 1000, 100)
    assert told[-1] == ("pictures", 100, 1000), "nothing is foretold before there is a pace"
    for _ in range(100):
        now[0] += 0.5
        clock.one_more()
    assert told[-1] == ("pictures, 2 a second, 7 min left", 200, 1000), "800 more at 2 a second"


@pytest.mark.parametrize("given", [{}, {"images": "x", "scenes": 3}, {"scenes": -1}, {"scenes": 10**9}])
def test_a_set_is_a_folder_or_scenes(given):
    with pytest.raises(InputError, match=r"--scenes|received"):
        Source(**given)


COMMAND = (
    "evaluate",
    "--scenes",
    "12",
    "--layers",
    "block5_pool",
    "--steps",
    "2",
    "--curve-steps",
    "0",
    "--out",
)


def command(*words):
    return [sys.executable, "-m", "explorer", *COMMAND, *map(str, words)]


@pytest.mark.process
def test_killed_at_random_moments_the_command_goes_on_to_the_same_table(tmp_path):
    quiet = {"cwd": ROOT, "stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE}
    whole = subprocess.run(command(tmp_path / "whole"), **quiet)
    assert whole.returncode == 0, whole.stderr.decode()
    out, moments = tmp_path / "killed", random.Random(os.getpid())
    for _ in range(2):
        resume = ["--resume"] if (out / "settings.json").exists() else []
        running = subprocess.Popen(command(out, *resume), **quiet)
        _wait_for_a_picture(running, out)
        time.sleep(moments.uniform(0, 0.5))
        running.send_signal(signal.SIGKILL)
        running.communicate()
    last = subprocess.run(command(out, "--resume"), **quiet)
    assert last.returncode == 0, last.stderr.decode()
    assert files(out) == files(tmp_path / "whole"), "no row is lost, doubled or half written"
    indices = [json.loads(line)["index"] for line in (out / NAME).read_text(encoding="utf-8").splitlines()]
    assert sorted(indices) == list(range(12)), "and no picture was done twice"


def _wait_for_a_picture(running, out):
    """Until one more picture is done than when it was started, or it has ended."""
    journal = out / NAME
    before = journal.stat().st_size if journal.exists() else 0
    while running.poll() is None and (journal.stat().st_size if journal.exists() else 0) <= before:
        time.sleep(0.02)
