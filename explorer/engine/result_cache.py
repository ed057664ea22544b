"""The results of the last questions, so that looking again costs nothing and a new class costs half."""

import hashlib
import threading
from collections import OrderedDict
from dataclasses import replace
from weakref import WeakSet, WeakValueDictionary

from explorer.engine.baselines import ClassNeutral, canonical
from explorer.engine.images import fit, load_image
from explorer.engine.result import Cost
from explorer.engine.run import explain

LIMIT = 1 << 30  # bytes of results that are kept
PATIENCE = 0.2  # seconds between two looks at whether a visitor who waits for another's answer wants to stop


class Recent:
    """`explain`, remembering. Results are frozen, so people may share them; ε is applied afterwards and costs nothing.

    Where the class or the score is new, the activations of an earlier result serve again, where only a variant of a
    method is, all of its path: `result.cost` tells what the network was asked for. Two who ask the same at the same
    time are answered once. limit: bytes of results that are kept, of which activations and gradients are the most;
    whole results make room, the least recently used first, and one larger than the limit is not kept at all. explain:
    what makes a result.
    """

    def __init__(self, limit=LIMIT, explain=explain):
        self.limit, self._explain = limit, explain
        self._results = OrderedDict()  # question -> Comparison, the least recently used first
        self._asked = WeakValueDictionary()  # question -> the lock of whoever is having it answered
        self._forgotten = WeakSet()  # classifiers whose results are not kept any more
        self._lock = threading.Lock()  # held for moments only, never while the network runs

    def explain(self, classifier, image, epsilon=1e-8, progress=None, preview=None, **settings):
        image = load_image(image)
        settings["layer"] = classifier.layer(settings.get("layer")).name
        settings["score"] = classifier.score(settings.get("score")).key
        key = (classifier.name, id(classifier), _digest(fit(image, *classifier.input_size)), _frozen(settings))
        with self._lock:
            mine = self._asked.setdefault(key, threading.Lock())
        _take(mine, progress)
        try:
            known, reuse = self._look_up(key, settings)
            if known is not None:
                return known.at_epsilon(epsilon)
            found = self._explain(
                classifier, image, epsilon=epsilon, progress=progress, preview=preview, reuse=reuse, **settings
            )
            self._keep(key, found)
            return found
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
        """What all results take."""
        with self._lock:
            return self._bytes()

    def _look_up(self, key, settings):
        """(the answer that is kept, or None; results about the same picture, which may serve for a new one)."""
        with self._lock:
            known = self._results.get(key)
            if known is not None:
                self._results.move_to_end(key)
                return replace(known, cost=Cost()), None
            same = [(other, found) for other, found in self._results.items() if other[:3] == key[:3]]
            same.sort(key=lambda one: _nearness(one[1], settings), reverse=True)
            if same and _nearness(same[0][1], settings)[0]:
                self._results.move_to_end(same[0][0])
            return None, [found for _, found in same]

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


def _nearness(result, settings):
    """How well a result serves; the first entry is whether it does at all. `explain` checks it in full."""
    had = result.settings
    baseline = had["baseline"] == canonical(settings.get("baseline", "black"))
    path = result.path.on_device and had["layer"] == settings["layer"] and baseline
    same_score = had["score"] == settings["score"] and result.class_index == settings.get("class_index")
    return bool(path), had["steps"] == settings.get("steps", 50), same_score, len(result.path.alphas)


def _frozen(settings):
    values = {name: value if _plain(value) else _digest(load_image(value)) for name, value in settings.items()}
    return tuple(sorted(values.items()))


def _plain(value):
    return value is None or isinstance(value, str | int | float | bool | tuple | ClassNeutral)


def _digest(array):
    return hashlib.sha256(repr(array.shape).encode() + array.tobytes()).hexdigest()
