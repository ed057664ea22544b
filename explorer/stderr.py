"""Quiet while libraries start."""

import os
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from explorer.errors import InputError

_LOCK = threading.RLock()  # there is one standard error: two that take turns at it would put it back the wrong way


@contextmanager
def quietly() -> Iterator:
    """Keeps what is written to standard error meanwhile, C++ included, off the terminal; a fault of ours shows it.

    TensorFlow notes what hardware it did not find each time it is imported, whatever log level is asked for. One
    thread at a time; what other threads write meanwhile is kept off too.
    """
    with _LOCK, tempfile.TemporaryFile() as messages:
        sys.stderr.flush()
        terminal = os.dup(2)
        os.dup2(messages.fileno(), 2)
        try:
            yield
        except InputError:  # its sentence says all there is to say
            raise
        except Exception:
            messages.seek(0)
            os.write(terminal, messages.read())
            raise
        finally:
            sys.stderr.flush()
            os.dup2(terminal, 2)
            os.close(terminal)
