"""The terminal's share of a command: a line that tells how far the work is, and quiet while libraries start."""

import os
import shutil
import sys
import tempfile
from contextlib import contextmanager

from explorer.errors import InputError


@contextmanager
def quietly():
    """Keeps what is written to standard error meanwhile, C++ included, off the terminal; a fault of ours shows it.

    TensorFlow notes what hardware it did not find each time it is imported, whatever log level is asked for.
    """
    sys.stderr.flush()
    terminal = os.dup(2)
    with tempfile.TemporaryFile() as said:
        os.dup2(said.fileno(), 2)
        try:
            yield
        except InputError:  # its sentence says all there is to say
            raise
        except Exception:
            said.seek(0)
            os.write(terminal, said.read())
            raise
        finally:
            sys.stderr.flush()
            os.dup2(terminal, 2)
            os.close(terminal)


class ProgressLine:
    """One line on standard error, written over as the work goes on, gone at the end; nothing where no one watches.

    Call it as progress(stage, done, total); `title` is what is being worked on.
    """

    def __init__(self, title):
        self.title = title
        self.watched = sys.stderr.isatty()

    def __call__(self, stage, done, total):
        if self.watched:
            self._write(f"{self.title}: {stage} {done}/{total}")

    def __enter__(self):
        return self

    def __exit__(self, *fault):
        if self.watched:
            self._write("")

    def _write(self, words):
        room = shutil.get_terminal_size().columns - 1
        sys.stderr.write(f"\r\x1b[K{words[:room]}")
        sys.stderr.flush()
