"""The results of the last questions, so that looking again costs nothing and a new class costs half."""

import threading
from collections import OrderedDict
from dataclasses import replace
from weakref import WeakSet, WeakValueDictionary

from explorer.engine.question import Question
from explorer.engine.result import Cost
from explorer.engine.run import answer

LIMIT = 1 << 30  # bytes of results that are kept
PATIENCE = 0.2  # seconds between two looks at whether a visitor who waits for another's answer wants to stop


class ResultCache:
    """Question -> Result, remembering. Results are frozen, so people may share them; ε is applied afterwards and costs
    nothing.

    Where the class or the score is new, the activations of an earlier result serve again, where only a variant of a
    method is, all of its path: `result.cost` tells what the network was asked for. Two who ask the same at the same
    time are answered once. limit: bytes of results that are kept, of which activations and gradients are the most;
    whole results make room, the least recently used first, and one larger than the limit is not kept at all.
    answer: as `explorer.engine.run.answer`.
    """

    def __init__(self, limit=LIMIT, answer=answer):
        self.limit, self._answer = limit, answer
        self._results = OrderedDict()  # key of a question -> Result, the least recently used first
        self._asked = WeakValueDictionary()  # key of a question -> the lock of whoever is having it answered
        self._forgotten = WeakSet()  # classifiers whose results are not kept any more
        self._lock = threading.Lock()  # held for moments only, never while the network runs

    def explain(self, classifier, image, *, layer=None, progress=None, preview=None, memory_budget=None, **settings):
        """As `explorer.explain`."""
        question = Question(classifier=classifier, image=image, layers=(layer,), **settings)
        return self.answer(question, progress, preview, memory_budget)

    def answer(self, question, progress=None, preview=None, memory_budget=None):
        """The Result of a Question about one layer."""
        with self._lock:
            mine = self._asked.setdefault(question.key, threading.Lock())
        _take(mine, progress)
        try:
            cached, reuse = self._look_up(question)
            if cached is not None:
                return cached.at_epsilon(question.epsilon)
            show = preview and (lambda by_layer: preview(*by_layer.values()))
            by_layer = self._answer(question, progress=progress, preview=show, memory_budget=memory_budget, reuse=reuse)
            (result,) = by_layer.values()
            self._keep(question.key, result)
            return result
        finally:
            mine.release()

    def forget(self, classifier):
        """Let go of every result of a classifier, and keep none to come: results hold on to their classifier."""
        with self._lock:
            self._forgotten.add(classifier)
            for key in [key for key, result in self._results.items() if result.classifier is classifier]:
                del self._results[key]

    @property
    def bytes_held(self):
        """The memory that all results take."""
        with self._lock:
            return self._bytes()

    def _look_up(self, question):
        """(the result that is kept, or None; results about the same image, which may serve for a new one)."""
        with self._lock:
            cached = self._results.get(question.key)
            if cached is not None:
                self._results.move_to_end(question.key)
                return replace(cached, cost=Cost()), None
            ranked = [(_nearness(result, question), key) for key, result in self._results.items()]
            ranked = sorted((one for one in ranked if one[0]), reverse=True, key=lambda one: one[0])
            if ranked and ranked[0][0][0]:
                self._results.move_to_end(ranked[0][1])
            return None, tuple(self._results[key] for _, key in ranked)

    def _keep(self, key, result):
        with self._lock:
            if result.classifier in self._forgotten or result.bytes > self.limit:
                return
            self._results[key] = result
            while self._bytes() > self.limit:
                self._results.popitem(last=False)

    def _bytes(self):
        return sum(result.bytes for result in self._results.values())


def _take(lock, progress):
    """Wait for whoever is having the same question answered; progress may raise, as it does once stopped."""
    while not lock.acquire(timeout=PATIENCE):
        if progress:
            progress("waiting for the same answer", 0, 1)


def _nearness(result, question):
    """How well a result serves, the first entry being whether its path does; None of another network or image."""
    if result.classifier is not question.classifier or result.question.image_digest != question.image_digest:
        return None
    same_score = result.question.score == question.score and result.class_index == question.class_index
    path = result.path_for(question)
    return path is not None, result.question.steps == question.steps, same_score, len(result.path.alphas)
