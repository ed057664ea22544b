"""Explanations on a graphics card that is lent, as on a Hugging Face Space with ZeroGPU; anywhere else, as ever.

There this process has no card. One is lent, for a short while, to what is marked with `spaces.GPU`: it runs in a
process forked from this one, and whatever goes there or comes back is pickled on its way.
"""

from __future__ import annotations

import logging
import os
import queue
import threading
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from functools import cache
from typing import TYPE_CHECKING, Any

import gradio as gr

from explorer.arrays import Image
from explorer.engine.question import Question
from explorer.engine.result_cache import ResultCache
from explorer.engine.run import answer
from explorer.errors import Cancelled, InputError, Progress
from explorer.models import keras_builders
from explorer.models.pool import Loaded
from explorer.network import backend, hooks

if TYPE_CHECKING:
    from explorer.models.spec import Network


log = logging.getLogger("explorer")

# Of the process that has the card; in the one that serves the page they stay empty.
_cache = ResultCache()
_loaded = Loaded(let_go=_cache.forget)


class Here:
    """Explanations made in this process."""

    lent = False
    answer = staticmethod(answer)
    describe = staticmethod(backend.describe)


class Lent:
    """The same, made where a card is lent. ask: `answers`, as spaces.GPU has marked it. network_of: a function from a
    classifier to what loads it again elsewhere, a Network."""

    lent = True

    def __init__(self, ask: Callable, network_of: Callable):
        self._ask, self._network_of, self._machine = ask, network_of, None

    def describe(self) -> str:
        """As `backend.describe`: "PyTorch · GPU, lent · float32"."""
        return (self._machine or backend.describe()).replace(" · GPU · ", " · GPU, lent · ")

    def answer(
        self,
        question: Question,
        *,
        progress: Progress | None = None,
        preview: Callable[[Any], object] | None = None,
        memory_budget: int | None = None,
        reuse: Any = None,
    ) -> dict[str, Any]:
        """As `explorer.engine.run.answer`, of one layer. reuse is not needed: what can be used again lies where the
        card is."""
        classifier, tell = question.classifier, progress or (lambda *count: None)
        tell("waiting for a graphics card", 0, 1)
        # All that the network sees of the image is all that has to travel
        messages = self._ask(
            self._network_of(classifier), question.image, question.settings, preview is not None, memory_budget
        )
        try:
            with closing(messages):  # whatever `tell` raises ends the work there too
                for kind, value in messages:
                    if kind == "progress":
                        tell(*value)
                    elif kind == "preview":
                        preview(_by_layer(value, classifier))
                    elif kind == "mistake":
                        raise InputError(value[0]) from (value[1] and Elsewhere(value[1]))
                    elif kind == "fault":
                        raise Elsewhere(value)
                    else:
                        result, self._machine = value
                        return _by_layer(result, classifier)
        except gr.Error as refused:  # how ZeroGPU says that it has no card, or that a visitor has used up their share
            raise InputError(f"ZeroGPU, which lends the graphics card, says: {refused.message}") from refused
        raise Elsewhere("It ended without an answer.")


class Elsewhere(RuntimeError):
    """What went wrong in the process that has the card, its traceback written out."""


def explaining(network_of: Callable) -> Here:
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


def answers(
    network: Network, image: Image, settings: Mapping[str, Any], previews: bool, memory_budget: int | None
) -> Iterator:
    """Where the card is: a question's progress and its answer, as pairs of a word and what belongs to it."""
    messages, stopped = queue.SimpleQueue(), threading.Event()

    def progress(*count):
        if stopped.is_set():
            raise Cancelled
        messages.put(("progress", count))

    def preview(result):
        messages.put(("preview", result.of(None)))

    def outcome():
        backend.take_graphics_card()
        classifier = _loaded.get(network, lambda: network.load(progress))
        question = Question(classifier=classifier, image=image, **settings)
        result = _cache.answer(question, progress, preview if previews else None, memory_budget)
        return "found", (result.of(None), backend.describe())

    def run():
        try:
            messages.put(outcome())
        except Cancelled:
            pass
        except InputError as mistake:
            messages.put(("mistake", (str(mistake), mistake.__cause__ and traceback.format_exc())))
        except Exception:  # the outer edge of a process; exceptions would arrive there by their names alone
            messages.put(("fault", traceback.format_exc()))
        finally:
            messages.put(None)

    # In a thread of its own, since what reports progress by a call cannot yield
    working = threading.Thread(target=run, name="explaining", daemon=True)
    working.start()
    try:
        yield from iter(messages.get, None)
    finally:  # closed early where the visitor stopped
        stopped.set()
        working.join()


def _by_layer(result, classifier):
    """{layer: Result} of one that came back without its classifier."""
    return {result.layer.name: result.of(classifier)}


@cache
def _fork_between_loads():
    """Fork only while nobody loads or runs a network here: in the new process a lock would stay taken for ever."""
    for lock in (hooks.LOCK, keras_builders.LOCK):
        os.register_at_fork(before=lock.acquire, after_in_parent=lock.release, after_in_child=lock.release)
