"""Quiet while libraries start, and a progress line only where someone watches."""

import io
import os
import sys

import pytest

from explorer.cli.progress import ProgressLine
from explorer.errors import InputError
from explorer.stderr import quietly


@pytest.fixture
def speak(monkeypatch):
    """Says something as Python does and as a C++ library does, both through descriptor 2, as outside of pytest."""

    def words():
        with open(2, "w", buffering=1, closefd=False) as stream, monkeypatch.context() as patch:
            patch.setattr(sys, "stderr", stream)
            print("from Python", file=sys.stderr)
            os.write(2, b"from C++\n")

    return words


def test_nothing_is_heard_meanwhile_and_everything_afterwards(capfd, speak):
    with quietly():
        speak()
    assert capfd.readouterr().err == "", "both kinds of writing are kept off the terminal"
    speak()
    assert capfd.readouterr().err == "from Python\nfrom C++\n", "and the terminal is given back"


def test_a_fault_shows_what_was_said_before_it(capfd, speak):
    with pytest.raises(RuntimeError, match="broken"), quietly():
        speak()
        raise RuntimeError("broken")
    assert capfd.readouterr().err == "from Python\nfrom C++\n", "it may say why"
    speak()
    assert capfd.readouterr().err == "from Python\nfrom C++\n", "and the terminal is given back"


@pytest.mark.parametrize("ended", [InputError("a person's mistake"), KeyboardInterrupt()])
def test_a_mistake_or_ctrl_c_stays_quiet(capfd, speak, ended):
    with pytest.raises(type(ended)), quietly():
        speak()
        raise ended
    assert capfd.readouterr().err == "", "what ended it says enough"


class Screen(io.StringIO):
    def __init__(self, watched):
        super().__init__()
        self.watched = watched

    def isatty(self):
        return self.watched


def test_progress_is_one_line_that_is_gone_at_the_end(monkeypatch):
    screen = Screen(watched=True)
    monkeypatch.setattr(sys, "stderr", screen)
    monkeypatch.setenv("COLUMNS", "30")
    with ProgressLine("a picture with a rather long name.png") as progress:
        progress("the path", 3, 51)
        progress("the path", 51, 51)
    written = screen.getvalue()
    assert "\n" not in written, "the line is written over"
    assert all(len(part) < 30 for part in written.split("\r\x1b[K")), "and never longer than the terminal is wide"
    assert written.endswith("\r\x1b[K"), "nothing of it stays"


def test_progress_says_the_stage_and_the_count(monkeypatch):
    screen = Screen(watched=True)
    monkeypatch.setattr(sys, "stderr", screen)
    with ProgressLine("a.png") as progress:
        progress("the path", 3, 51)
    assert "a.png: the path 3/51" in screen.getvalue()


def test_progress_is_not_written_to_a_file(monkeypatch):
    screen = Screen(watched=False)
    monkeypatch.setattr(sys, "stderr", screen)
    with ProgressLine("a.png") as progress:
        progress("the path", 3, 51)
    assert screen.getvalue() == "", "a log is no place for a line that is written over"
