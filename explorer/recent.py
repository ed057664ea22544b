"""The results of the last requests, so that looking again costs nothing and a new class costs half."""

import hashlib
import threading
from collections import OrderedDict
from weakref import WeakSet

from explorer.explain import explain
from explorer.images import fit, load_image

LIMIT = 512 << 20  # bytes of results that are kept


class Recent:
    """`explain`, remembering. Results are frozen, so people may share them; ε is applied afterwards and costs nothing.

    Where only the class, the score or a variant of a method is new, the activations of an earlier result serve again.
    """

    def __init__(self, limit=LIMIT):
        self.limit = limit
        self._results = OrderedDict()  # request -> Comparison, the least recently used first
        self._forgotten = WeakSet()  # classifiers whose results are not kept any more
        self._lock = threading.Lock()

    def explain(self, classifier, image, epsilon=1e-8, progress=None, **settings):
        image = load_image(image)
        settings["layer"] = classifier.layer(settings.get("layer")).name
        settings["score"] = classifier.score(settings.get("score")).key
        key = (classifier.name, id(classifier), _digest(fit(image, *classifier.input_size)), _frozen(settings))
        with self._lock:
            known = self._results.get(key)
            if known is not None:
                self._results.move_to_end(key)
            others = [result for other, result in self._results.items() if other[:3] == key[:3]]
        if known is None:
            reuse = _nearest(others, settings)
            known = explain(classifier, image, epsilon=epsilon, progress=progress, reuse=reuse, **settings)
            with self._lock:
                if classifier not in self._forgotten:
                    self._results[key] = known
                self._trim()
        return known.at_epsilon(epsilon)

    def forget(self, classifier):
        """Let go of every result of a classifier, and keep none to come: results hold on to their classifier."""
        with self._lock:
            self._forgotten.add(classifier)
            for key in [key for key, result in self._results.items() if result.classifier is classifier]:
                del self._results[key]

    @property
    def bytes_held(self):
        return sum(map(_size, self._results.values()))

    def _trim(self):
        while len(self._results) > 1 and self.bytes_held > self.limit:
            self._results.popitem(last=False)


def _nearest(results, settings):
    """A result at the same layer, from the same baseline, by as many steps; `explain` checks it in full."""
    same = [
        result
        for result in results
        if result.path.activations is not None
        and result.layer.name == settings["layer"]
        and result.settings["steps"] == settings.get("steps", 50)
    ]
    return same[-1] if same else None


def _size(result):
    kept = (result.path.activations, result.path.gradients, result.image, result.baseline_image)
    return sum(array.nbytes for array in kept if array is not None)


def _frozen(settings):
    values = {name: value if _plain(value) else _digest(load_image(value)) for name, value in settings.items()}
    return tuple(sorted(values.items()))


def _plain(value):
    return value is None or isinstance(value, str | int | float | bool | tuple)


def _digest(array):
    return hashlib.sha256(repr(array.shape).encode() + array.tobytes()).hexdigest()
