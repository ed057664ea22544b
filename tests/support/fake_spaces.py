"""A stand-in for the package `spaces`, by which ZeroGPU lends graphics cards: what is marked with GPU runs in a process
forked from this one, or in a thread of it, and whatever goes there or comes back is pickled on its way."""

import contextvars
import multiprocessing
import os
import signal
import sys
import threading
import types

import gradio as gr
from gradio.context import LocalContext

END = "end"
MOST = 200  # seconds after which a process that hangs is ended


class Spaces(types.ModuleType):
    """forks: whether in a process of its own. refusal: where set, what is said in place of lending a card."""

    def __init__(self, forks):
        super().__init__("spaces")
        self.forks, self.refusal, self.marked, self.requests = forks, None, [], []

    def GPU(self, task):
        worker = None
        self.marked.append(task)

        def ask(*args, **kwargs):
            nonlocal worker
            self.requests.append(LocalContext.request.get(None))
            if self.refusal:
                raise gr.Error(self.refusal)
            worker = worker or Worker(task, self.forks)  # it stays, as ZeroGPU's does while nobody else wants the card
            yield from worker.answer(args, kwargs)

        return ask


class Worker:
    def __init__(self, task, forks):
        context = multiprocessing.get_context("fork")
        self.task, self.page, self.stopped = task, os.getpid(), context.Event()
        self.asked, self.told = context.SimpleQueue(), context.SimpleQueue()  # these pickle, between threads too
        start = context.Process if forks else threading.Thread
        start(target=self.serve, daemon=True).start()

    def answer(self, args, kwargs):
        self.asked.put((args, kwargs))
        try:
            while (said := self.told.get()) != END:
                if isinstance(said, gr.Error):
                    raise said
                yield said[0]
        except GeneratorExit:
            self.stopped.set()
            while self.told.get() != END:
                pass
            raise

    def serve(self):
        if os.getpid() != self.page:
            signal.alarm(MOST)
        while True:
            args, kwargs = self.asked.get()
            self.stopped.clear()
            # As there: in a thread of its own, and a stop is looked at between two things that are told
            answering = threading.Thread(target=contextvars.Context().run, args=(self.iterate, args, kwargs))
            answering.start()
            answering.join()
            self.told.put(END)

    def iterate(self, args, kwargs):
        answers = self.task(*args, **kwargs)
        try:
            for said in answers:
                if self.stopped.is_set():
                    answers.close()
                    return
                self.told.put((said,))
        except Exception as fault:  # exceptions arrive by their names alone
            self.told.put(gr.Error(type(fault).__name__))


def put_in_place(monkeypatch, forks=False):
    """The stand-in, found by whoever imports `spaces` under ZeroGPU."""
    spaces = Spaces(forks)
    monkeypatch.setitem(sys.modules, "spaces", spaces)
    monkeypatch.setenv("SPACES_ZERO_GPU", "true")
    return spaces
