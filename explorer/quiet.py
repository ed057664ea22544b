"""Quiet while libraries start."""

import os
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
