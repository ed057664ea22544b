"""The page's first answer, made ready in the background while the page is already there."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from explorer.errors import InputError, Progress
from explorer.network.backend import device
from explorer.stderr import quietly

if TYPE_CHECKING:
    from explorer.ui.actions import Explorer


log = logging.getLogger("explorer")

PATIENCE = 0.5  # seconds between two looks at how far it is

# What whoever waits is told: stage, done, total
IMPORTING = ("getting ready, Keras is imported", 1, 3)
LOADING = ("getting ready, the network is loaded", 2, 3)
EXPLAINING = ("getting ready, the first example is explained", 3, 3)


class WarmUp:
    """Runs work(tell) once, in a thread of its own, for any number of people to wait for.

    What goes wrong is logged and ends the waiting all the same: whoever goes on meets it where it can be told.
    """

    def __init__(self, work: Callable):
        self._over, self._count = threading.Event(), IMPORTING
        threading.Thread(target=self._run, args=(work,), name="warm-up", daemon=True).start()

    def wait(self, tell: Progress) -> None:
        """Until it is over, saying by tell(stage, done, total) how far it is; raise from `tell` to wait no longer."""
        while not self._over.is_set():
            tell(*self._count)
            self._over.wait(PATIENCE)

    def _run(self, work):
        try:
            work(self._tell)
        except InputError as mistake:
            log.error("The page opens without its first example: %s", mistake)
        except Exception:  # the outer edge of a thread: nobody else would say it
            log.exception("The page opens without its first example.")
        finally:
            self._over.set()

    def _tell(self, *count):
        self._count = count


def warm_up(explorer: Explorer) -> WarmUp:
    """The WarmUp that imports Keras and has an Explorer ready for its first visitor."""

    def work(tell):
        with quietly():  # TensorFlow looks for a graphics card when first used, and complains where there is none
            device()
        explorer.warm_up()

    return WarmUp(work)
