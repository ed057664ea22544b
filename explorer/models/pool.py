"""The classifiers in memory: each loaded once, shared by everybody, the least recently used let go first."""

from collections.abc import Callable, Hashable
from typing import TYPE_CHECKING

from explorer.caching import Cache

if TYPE_CHECKING:
    from explorer.network.classifier import Classifier

LIMIT = 2 << 30  # bytes of weights that are kept


class Loaded:
    """Classifiers by a key. Two people who choose two of them do not wait for each other; for the same one, it is
    loaded once and the second waits for the first.

    limit: bytes of weights that stay; the classifier asked for last stays whatever its size. let_go: called with every
    classifier that is not kept any more, so that whatever else holds on to it can let go too; who is still using it
    can go on doing so.
    """

    def __init__(self, limit: int = LIMIT, let_go: "Callable[[Classifier], object]" = lambda classifier: None) -> None:
        self._cache = Cache(limit, keep_newest=True, let_go=let_go)

    def get(self, key: Hashable, load: "Callable[[], Classifier]") -> "Classifier":
        """The classifier kept as `key`, else what `load()` returns. What `load` raises is passed on."""
        with self._cache.claim(key):
            classifier = self._cache.get(key)
            if classifier is None:
                classifier = load()
                self._cache.put(key, classifier)
            return classifier

    @property
    def bytes_held(self) -> int:
        return self._cache.bytes_held

    def __contains__(self, key: Hashable) -> bool:
        return key in self._cache
