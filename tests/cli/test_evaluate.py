"""`python -m explorer evaluate`: its options reach the evaluation, its mistakes are told in a sentence."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from explorer.cli.main import main
from explorer.evaluation import results, run
from explorer.evaluation.questions import PAPER
from explorer.evaluation.source import Source
from support import ROOT


@pytest.fixture
def asked(monkeypatch, tmp_path):
    """asked(*words) -> (Questions, Source, where, whether to go on), and nothing is evaluated."""
    monkeypatch.chdir(tmp_path)

    def call(*words):
        found = []

        def evaluate(questions, source, folder, resume, progress, cluster):
            found.extend((questions, source, folder, resume))
            return tmp_path / "report.html"

        monkeypatch.setattr(run, "evaluate", evaluate)
        assert main(["evaluate", *words]) == 0
        return found

    return call


def test_what_is_said_is_what_is_asked(asked, tmp_path):
    questions, source, folder, resume = asked(
        "--images",
        "photos",
        "--boxes",
        "boxes",
        "--classes",
        "labels.csv",
        "--limit",
        "9",
        "--model",
        "VGG19",
        "--layers",
        "block4_pool",
        "block5_pool",
        "--methods",
        "rsi_grad_cam,grad_cam",
        "sise",
        "--steps",
        "12",
        "--epsilon",
        "1e-6",
        "--gradients",
        "positive",
        "--integrated",
        "notebook",
        "--curve-steps",
        "0",
        "--paper",
        "--resume",
        "--out",
        "there",
    )
    assert questions.network.name == "vgg19" and questions.layers == ("block4_pool", "block5_pool")
    assert questions.methods == ("rsi_grad_cam", "grad_cam", "sise") and questions.steps == 12
    assert (questions.epsilon, questions.curve_steps, questions.rules) == (1e-6, 0, PAPER)
    assert questions.options.gradients == "positive" and not questions.options.subtract_baseline
    assert source == Source(str(tmp_path / "photos"), str(tmp_path / "boxes"), str(tmp_path / "labels.csv"), 9), (
        "paths are whole, so that the report finds the pictures from anywhere"
    )
    assert (folder, resume) == ("there", True)


def test_scenes_need_nothing_else(asked):
    questions, source, folder, resume = asked("--scenes", "7", "--seed", "3", "--only-correct")
    assert source == Source(scenes=7, seed=3) and questions.rules.correct and not questions.rules.one_box
    assert (questions.network.name, questions.steps, folder, resume) == ("toy-vgg", 50, "report", False)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "--images or --scenes"),
        (("--images", "nowhere"), "'nowhere'"),
        (("--scenes", "3", "--images", "x"), "--images or --scenes"),
        (("--scenes", "three"), "three"),
        (("--scenes", "3", "--methods", "magic"), "magic"),
        (("--scenes", "3", "--layers", "attic"), "attic"),
        (("--images", "x", "--only-correct"), "--classes"),
        (("--images", "x", "--one-box"), "--boxes"),
        (("--images", "x", "--box-under", "0.5"), "--boxes"),
        (("--scenes", "3", "--model", "wgg19"), "wgg19"),
        (("--scenes", "3", "--curve-steps", "1"), "2 to 1,000"),
        (("--scenes", "3", "--ray", "--workers", "0"), "at least 1 worker"),
        (("--scenes", "3", "--resume"), "--resume"),
        (("--scenes", "3", "--integrated", "mine"), "mine"),
    ],
)
def test_mistakes_are_told_in_one_sentence(words, said, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["evaluate", *words]) == 2
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1 and said in lines[0], lines
    assert not list(tmp_path.iterdir()), "and nothing is made"


@pytest.mark.process
def test_ctrl_c_says_how_to_go_on(tmp_path):
    words = ("evaluate", "--scenes", "400", "--layers", "block5_pool", "--steps", "2", "--curve-steps", "0")
    running = subprocess.Popen(
        [sys.executable, "-m", "explorer", *words, "--out", str(tmp_path / "out")],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    journal = tmp_path / "out" / "journal.jsonl"
    # The second line's being there means that the first is kept; the one being written when Ctrl-C comes is taken back.
    while running.poll() is None and not (journal.exists() and journal.read_bytes().count(b"\n") >= 2):
        time.sleep(0.05)
    os.kill(running.pid, signal.SIGINT)
    printed, said = running.communicate()
    assert running.returncode == 130 and "--resume" in said and "Traceback" not in said, said
    assert printed == "" and journal.read_bytes().endswith(b"\n"), "what is done is kept"


def test_the_whole_command_on_a_few_scenes(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    words = ("--scenes", "3", "--layers", "block4_pool", "block5_pool", "--steps", "2", "--curve-steps", "2")
    assert main(["evaluate", *words, "--methods", "grad_cam", "rsi_grad_cam"]) == 0
    said = "3 of 3 pictures evaluated, 0 dropped by the rules, 0 failed; see report/report.html\n"
    assert capsys.readouterr().out == said, "what came of them and where to look"
    table = pq.read_table(tmp_path / "report" / results.TABLE)
    assert table.num_rows == 3 * 2 * 2 and table["box_share"].null_count == 0, "scenes bring classes and boxes along"
    assert all(table["labelled"].to_pylist())
    settings = json.loads((tmp_path / "report" / "settings.json").read_text(encoding="utf-8"))
    assert settings["source"]["scenes"] == 3 and settings["methods"] == ["grad_cam", "rsi_grad_cam"]


def test_where_every_picture_fails_the_reason_is_told(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    for name in ("a.png", "b.png"):
        Path(name).write_bytes(b"no picture")
    assert main(["evaluate", "--images", ".", "--out", "report"]) == 2
    printed, said = capsys.readouterr()
    assert printed.startswith("0 of 2 pictures evaluated") and "2 failed" in printed
    assert said.count("\n") == 1 and "'a.png'" in said, said
