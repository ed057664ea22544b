"""The terminal's share of a command: a line that tells how far the work is."""

import shutil
import sys
from collections.abc import Callable

MISTAKEN = 2  # what a person can correct
INTERRUPTED = 130  # what a shell expects of a command that Ctrl-C ended


class ProgressLine:
    """One line on standard error, written over as the work goes on, gone at the end; nothing where no one watches.

    Call it as progress(stage, done, total); `title` is what is being worked on, `written` how a count is.
    """

    def __init__(self, title: str, written: Callable[[float], str] = str):
        self.title, self.written = title, written
        self.watched = sys.stderr.isatty()

    def __call__(self, stage, done, total):
        if self.watched:
            self._write(f"{self.title}: {stage} {self.written(done)}/{self.written(total)}")

    def __enter__(self):
        return self

    def __exit__(self, *fault):
        if self.watched:
            self._write("")

    def _write(self, words):
        room = shutil.get_terminal_size().columns - 1
        sys.stderr.write(f"\r\x1b[K{words[:room]}")
        sys.stderr.flush()
