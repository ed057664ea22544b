"""Long work with a stage and a count on the page."""

import queue
import threading

import gradio as gr

from explorer.ui import results
from explorer.ui.events import guarded


def reporting(work):
    """Run work(tell) in a thread of its own; yield places for the page: progress as it is told, then the outcome.

    tell(stage, done, total) may be called from inside `work`.
    """
    told = queue.Queue()

    def run():
        told.put((None, guarded(lambda: work(lambda *count: told.put((count, None))))))

    threading.Thread(target=run, daemon=True).start()
    yield {"stop": gr.update(interactive=True)}
    while True:
        count, outcome = told.get()
        if count is None and outcome is None:  # replaced by a newer question, whose Stop button stays alive
            return
        if count is None:
            yield outcome | {"stop": gr.update(interactive=False)}
            return
        yield {"status": results.progress(*count)}
