"""Explanations on a graphics card that is lent, as on a Hugging Face Space with ZeroGPU; anywhere else, as ever.

There this process has no card. One is lent, for a short while, to what is marked with `spaces.GPU`: it runs in a
process forked from this one, and whatever goes there or comes back is pickled on its way.
"""

import logging
import os
import queue
import threading
import traceback
from contextlib import closing
from dataclasses import replace
from functools import cache

import gradio as gr

from explorer.engine.images import fit
from explorer.engine.result_cache import Recent
from explorer.engine.run import explain
from explorer.errors import Cancelled, InputError
from explorer.models import keras_builders
from explorer.models.pool import Loaded
from explorer.network import backend, hooks

log = logging.getLogger("explorer")

# Of the process that has the card; in the one that serves the page they stay empty.
_recent = Recent()
_loaded = Loaded(let_go=_recent.forget)


class Here:
    """Explanations made in this process."""

    lent = False
    explain = staticmethod(explain)
    describe = staticmethod(backend.describe)


class Lent:
    """The same, made where a card is lent. ask: `answers`, as spaces.GPU has marked it. network_of: a function from a
    classifier to what loads it again elsewhere, a Network."""

    lent = True

    def __init__(self, ask, network_of):
        self._ask, self._network_of, self._machine = ask, network_of, None

    def describe(self):
        """As `backend.describe`: "PyTorch · GPU, lent · float32"."""
        return (self._machine or backend.describe()).replace(" · GPU · ", " · GPU, lent · ")

    def explain(self, classifier, image, epsilon=1e-8, progress=None, preview=None, reuse=None, **settings):
        """As `explorer.engine.run.explain`. reuse is not needed: what can be used again lies where the card is."""
        tell = progress or (lambda *count: None)
        tell("waiting for a graphics card", 0, 1)
        picture = fit(image, *classifier.input_size)  # all that the network sees of it is all that has to travel
        asked = self._ask(self._network_of(classifier), picture, epsilon, preview is not None, settings)
        try:
            with closing(asked) as said:  # whatever `tell` raises ends the work there too
                for kind, value in said:
                    if kind == "progress":
                        tell(*value)
                    elif kind == "preview":
                        preview(_at_home(value, classifier))
                    elif kind == "mistake":
                        raise InputError(value[0]) from (value[1] and Elsewhere(value[1]))
                    elif kind == "fault":
                        raise Elsewhere(value)
                    else:
                        found, self._machine = value
                        return _at_home(found, classifier)
        except gr.Error as refused:  # how ZeroGPU says that it has no card, or that a visitor has used up their share
            raise InputError(f"ZeroGPU, which lends the graphics card, says: {refused.message}") from refused
        raise Elsewhere("It ended without an answer.")


class Elsewhere(RuntimeError):
    """What went wrong in the process that has the card, its traceback written out."""


def explaining(network_of):
    """Lent where ZeroGPU lends cards, else Here. Call it before the page is launched: ZeroGPU looks then for what is
    marked with spaces.GPU."""
    if not os.environ.get("SPACES_ZERO_GPU"):
        return Here()
    try:
        import spaces
    except ImportError:
        log.warning("ZeroGPU lends its cards through the package 'spaces', which is not installed: none is used.")
        return Here()
    _fork_between_loads()
    return Lent(spaces.GPU(answers), network_of)


def answers(network, picture, epsilon, previews, settings):
    """Where the card is: a question's progress and its answer, as pairs of a word and what belongs to it."""
    told, stopped = queue.SimpleQueue(), threading.Event()

    def progress(*count):
        if stopped.is_set():
            raise Cancelled
        told.put(("progress", count))

    def preview(found):
        told.put(("preview", _for_the_way(found)))

    def answer():
        backend.take_graphics_card()
        classifier = _loaded.get(network, lambda: network.load(progress))
        found = _recent.explain(classifier, picture, epsilon, progress, preview if previews else None, **settings)
        return "found", (_for_the_way(found), backend.describe())

    def run():
        try:
            told.put(answer())
        except Cancelled:
            pass
        except InputError as mistake:
            told.put(("mistake", (str(mistake), mistake.__cause__ and traceback.format_exc())))
        except Exception:  # the outer edge of a process; exceptions would arrive there by their names alone
            told.put(("fault", traceback.format_exc()))
        finally:
            told.put(None)

    # In a thread of its own, since what reports progress by a call cannot yield
    working = threading.Thread(target=run, name="explaining", daemon=True)
    working.start()
    try:
        yield from iter(told.get, None)
    finally:  # closed early where the visitor stopped
        stopped.set()
        working.join()


def _for_the_way(found):
    """A Comparison that can be pickled. The activations and gradients of its path stay on the card, for the next
    question about it: they are most of a result by far, and the page shows nothing that is made of them."""
    layer, path = replace(found.layer, call=None), replace(found.path, on_device=None)
    return replace(found, layer=layer, path=path, classifier=None)


def _at_home(found, classifier):
    return replace(found, layer=classifier.layer(found.layer.name), classifier=classifier)


@cache
def _fork_between_loads():
    """Fork only while nobody loads or runs a network here: in the new process a lock would stay taken for ever."""
    for lock in (hooks.LOCK, keras_builders.LOCK):
        os.register_at_fork(before=lock.acquire, after_in_parent=lock.release, after_in_child=lock.release)
