"""The one kind of error a person can cause, and how long work is stopped."""

from collections.abc import Callable
from typing import TypeAlias


class InputError(ValueError):
    """A person's mistake, in one sentence: the rule, what was received, what to do.

    The page and the command line show this sentence and nothing else; anything that is not an
    ``InputError`` is a fault of ours and goes to the log with its traceback.
    """


class Cancelled(Exception):
    """Raised by a progress callback to stop the work; whatever was computed so far is dropped."""


Progress: TypeAlias = Callable[[str, float, float], object]  # (the stage, how much of it is done, of how much)
