"""Long work with a stage and a count on the page."""

import queue
import threading

import gradio as gr

from explorer.ui import results


def reporting(work):
    """Run work(tell) in a thread of its own; yield places for the page: progress as it is told, then the outcome.

    tell(stage, done, total) may be called from inside `work`; what `work` raises is raised here.
    """
    told = queue.Queue()

    def run():
        try:
            told.put(("outcome", work(lambda *count: told.put(("progress", count)))))
        except BaseException as fault:
            told.put(("fault", fault))

    threading.Thread(target=run, daemon=True).start()
    yield {"stop": gr.update(interactive=True)}
    while True:
        kind, value = told.get()
        if kind == "fault":
            raise value
        if kind == "outcome":
            yield value | {"stop": gr.update(interactive=False)}
            return
        yield {"status": results.progress(*value)}
