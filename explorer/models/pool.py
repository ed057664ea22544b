"""The classifiers in memory: each loaded once, shared by everybody, the least recently used let go first."""

import threading
from collections import OrderedDict
from weakref import WeakValueDictionary

LIMIT = 2 << 30  # bytes of weights that are kept


class Loaded:
    """Classifiers by a key. Two people who choose two of them do not wait for each other; for the same one, it is
    loaded once and the second waits for the first.

    limit: bytes of weights that stay; the classifier asked for last stays whatever its size. let_go: called with every
    classifier that is not kept any more, so that whatever else holds on to it can let go too; who is still using it
    can go on doing so.
    """

    def __init__(self, limit=LIMIT, let_go=None):
        self.limit = limit
        self._let_go = let_go or (lambda classifier: None)
        self._kept = OrderedDict()  # key -> Classifier, the least recently used first
        self._lock = threading.Lock()  # held for moments only, never while loading
        self._loading = WeakValueDictionary()  # key -> the lock of whoever is loading it

    def get(self, key, load):
        """The classifier kept as `key`, else what `load()` returns. What `load` raises is passed on."""
        with self._lock:
            mine = self._loading.setdefault(key, threading.Lock())
        with mine:
            with self._lock:
                if key in self._kept:
                    self._kept.move_to_end(key)
                    return self._kept[key]
            return self._keep(key, load())

    @property
    def bytes_held(self):
        with self._lock:
            return sum(classifier.bytes for classifier in self._kept.values())

    def __contains__(self, key):
        with self._lock:
            return key in self._kept

    def _keep(self, key, classifier):
        with self._lock:
            self._kept[key] = classifier
            gone, total = [], sum(one.bytes for one in self._kept.values())
            while total > self.limit and len(self._kept) > 1:
                gone.append(self._kept.popitem(last=False)[1])
                total -= gone[-1].bytes
        for one in gone:
            self._let_go(one)
        return classifier
