"""`python -m explorer` as a process of its own: what reaches the terminal, and how Ctrl-C ends it."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from support import ROOT, networks

QUICK = ("--steps", "2")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """An empty folder to be in, with good.png."""
    monkeypatch.chdir(tmp_path)
    Image.fromarray(networks.picture(1)).save("good.png")
    return tmp_path


def start(*words, **options):
    environment = {key: value for key, value in os.environ.items() if key != "TF_CPP_MIN_LOG_LEVEL"}
    environment["PYTHONPATH"] = str(ROOT)
    return subprocess.Popen([sys.executable, "-m", "explorer", *words], env=environment, **options)


def test_it_says_nothing_but_the_result(folder):
    process = start("explain", "good.png", *QUICK, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    printed, complaints = process.communicate(timeout=300)
    assert process.returncode == 0
    assert complaints == "", "no library's notes on missing hardware"
    assert len(printed.splitlines()) == 1 and str(Path("out/good.png")) in printed


@pytest.mark.process
def test_ctrl_c_ends_it_in_one_line_while_progress_is_shown(folder):
    pty = pytest.importorskip("pty", reason="there are no pseudo-terminals here")
    ours, theirs = pty.openpty()
    process = start(
        "explain", "good.png", "--layer", "block1_conv1", "--steps", "10000", stdout=subprocess.PIPE, stderr=theirs
    )
    os.close(theirs)
    said = b""
    while b"/10001" not in said:
        said += os.read(ours, 1000)
    process.send_signal(signal.SIGINT)
    while chunk := _read(ours):
        said += chunk
    assert process.wait(120) == 130, "what a shell expects after Ctrl-C"
    assert b"good.png: the path" in said, "a terminal is shown how far the work is"
    assert said.split(b"\x1b[K")[-1].strip() == b"Stopped.", "the progress line makes way for one word"
    process.stdout.close()


def _read(descriptor):
    try:
        return os.read(descriptor, 1000)
    except OSError:  # Linux's word for "the other end is closed"
        return b""
