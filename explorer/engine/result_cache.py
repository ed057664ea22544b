"""The results of the last questions, so that looking again costs nothing and a new class costs half."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from weakref import WeakSet

from explorer.caching import Cache
from explorer.engine.question import Question
from explorer.engine.result import Cost
from explorer.engine.run import answer
from explorer.errors import Progress

if TYPE_CHECKING:
    from explorer.engine.result import Result
    from explorer.network.classifier import Classifier


LIMIT = 1 << 30  # bytes of results that are kept


class ResultCache:
    """Question -> Result, remembering. Results are frozen, so people may share them; ε is applied afterwards and costs
    nothing.

    Where the class or the score is new, the activations of an earlier result serve again, where only a variant of a
    method is, all of its path: `result.cost` tells what the network was asked for. Two who ask the same at the same
    time are answered once. limit: bytes of results that are kept, of which activations and gradients are the most;
    whole results make room, the least recently used first, and one larger than the limit is not kept at all.
    answer: as `explorer.engine.run.answer`.
    """

    def __init__(self, limit: int = LIMIT, answer: Callable = answer):
        self._answer = answer
        self._results = Cache(limit)
        self._forgotten = WeakSet()  # classifiers whose results are not kept any more

    def explain(
        self,
        classifier: Classifier,
        image: Any,
        *,
        layer: str | None = None,
        progress: Progress | None = None,
        preview: Callable[[Any], object] | None = None,
        memory_budget: int | None = None,
        **settings: Any,
    ) -> Result:
        """As `explorer.explain`."""
        question = Question(classifier=classifier, image=image, layers=(layer,), **settings)
        return self.answer(question, progress, preview, memory_budget)

    def answer(
        self,
        question: Question,
        progress: Progress | None = None,
        preview: Callable[[Any], object] | None = None,
        memory_budget: int | None = None,
    ) -> Result:
        """The Result of a Question about one layer. progress: may raise, also while another's answer is waited for."""
        waiting = progress or (lambda *count: None)
        with self._results.claim(question.key, lambda: waiting("waiting for the same answer", 0, 1)):
            cached = self._results.get(question.key)
            if cached is not None:
                return replace(cached, cost=Cost()).at_epsilon(question.epsilon)
            show = preview and (lambda by_layer: preview(*by_layer.values()))
            reuse = self._serving(question)
            by_layer = self._answer(question, progress=progress, preview=show, memory_budget=memory_budget, reuse=reuse)
            (result,) = by_layer.values()
            self._results.put(question.key, result)
            if result.classifier in self._forgotten:  # meanwhile
                self.forget(result.classifier)
            return result

    def forget(self, classifier: Classifier) -> None:
        """Let go of every result of a classifier, and keep none to come: results hold on to their classifier."""
        self._forgotten.add(classifier)
        self._results.drop(lambda result: result.classifier is classifier)

    @property
    def bytes_held(self) -> int:
        """The memory that all results take."""
        return self._results.bytes_held

    def _serving(self, question):
        """Results about the same image, which may serve for a new one, the best first."""
        ranked = [(_nearness(result, question), key, result) for key, result in self._results.items()]
        ranked = sorted((one for one in ranked if one[0]), reverse=True, key=lambda one: one[0])
        if ranked and ranked[0][0][0]:
            self._results.get(ranked[0][1])  # used now
        return tuple(result for *_, result in ranked)


def _nearness(result, question):
    """How well a result serves, the first entry being whether its path does; None of another network or image."""
    if result.classifier is not question.classifier or result.question.image_digest != question.image_digest:
        return None
    same_score = result.question.score == question.score and result.class_index == question.class_index
    path = result.path_for(question)
    return path is not None, result.question.steps == question.steps, same_score, len(result.path.alphas)
