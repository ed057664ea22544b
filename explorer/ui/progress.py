"""Long work with a stage and a count on the page."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterator
from contextvars import copy_context
from typing import TYPE_CHECKING, Any

import gradio as gr

from explorer.ui import results
from explorer.ui.actions import Silent, guarded
from explorer.ui.state import Superseded

if TYPE_CHECKING:
    from queue import Queue

    from explorer.ui.state import Job


BEGUN, SHOW = "begun", "show"
INTERVAL = 0.5  # seconds between two things shown on the way: drawing them takes from the work itself


class Tell(Silent):
    """What long work says on its way: how far it is, and what can be shown already."""

    def __init__(self, messages: Queue):
        self._messages, self._last_shown = messages, None

    def begun(self, job: Job) -> None:
        super().begun(job)
        job.at_work = True
        self._messages.put((BEGUN, None))

    def __call__(self, *count):
        self._messages.put((count, None))

    def show(self, make: Callable) -> None:
        """Show the places that make() gives, the first time at once, then now and then."""
        now = time.monotonic()
        if self._last_shown is None or now - self._last_shown >= INTERVAL:
            self._last_shown = now
            self._messages.put((SHOW, make()))


def reporting(work: Callable, on_page: Callable = lambda shows: None) -> Iterator[dict[str, Any]]:
    """Run work(tell) in a thread of its own; yield places for the page: the progress, then the outcome.

    on_page(shows) is told what of an answer (see `explorer.ui.state.Job`) reaches the page, at the moment it does.
    tell(stage, done, total) and tell.show(make) may be called from inside `work`.
    """
    messages = queue.Queue()

    def outcome_of_work():
        outcome = work(tell)
        if tell.job and tell.job.is_dropped:  # between its last word and its end
            raise Superseded
        return outcome

    def run():
        outcome = guarded(outcome_of_work)
        if tell.job is not None:
            tell.job.at_work = False
        messages.put((None, outcome))

    tell = Tell(messages)

    threading.Thread(target=copy_context().run, args=(run,), daemon=True).start()  # Gradio's word for whose work it is
    while True:
        kind, outcome = messages.get()
        job = tell.job
        replaced = job is not None and job.superseded  # by a newer one, whose progress and Stop button stay
        if kind is not None:
            if not replaced:
                yield _on_the_way(kind, outcome)
            continue
        if outcome is None or (job is not None and job.is_dropped):
            yield {}  # Gradio says at the end of a generator its last word again, which may be true no longer
            return
        if job is not None and job.shows:
            on_page(job.shows)
        yield outcome if replaced or job is None else outcome | {"stop": gr.update(interactive=False)}
        return


def _on_the_way(kind, values):
    """The places of one message before the outcome."""
    if kind == BEGUN:
        return {"stop": gr.update(interactive=True)}
    return values if kind == SHOW else {"status": results.progress(*kind)}
