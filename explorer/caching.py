"""What is kept in memory up to a number of bytes, and made once for all who want it at the same time."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from typing import Any
from weakref import WeakValueDictionary

PATIENCE = 0.2  # seconds between two looks at whether whoever waits still wants to


class Cache:
    """Values by a key, each with its size as `bytes`; the least recently used make room first.

    limit: bytes of values that are kept. keep_newest: whether the newest is kept whatever its size; else one larger
    than the limit is not kept at all. let_go: called with every value that made room.
    """

    def __init__(
        self, limit: int, keep_newest: bool = False, let_go: Callable[[Any], object] = lambda value: None
    ) -> None:
        self.limit, self._keep_newest, self._let_go = limit, keep_newest, let_go
        self._values = OrderedDict()  # the least recently used first
        self._claims = WeakValueDictionary()  # key -> the lock of whoever is making its value
        self._lock = threading.Lock()  # held for moments only, never while a value is made

    @contextmanager
    def claim(self, key: Hashable, waiting: Callable[[], object] = lambda: None) -> Iterator[None]:
        """Be the only one to make the value of a key. waiting: called now and then while another is; it may raise."""
        with self._lock:
            claim = self._claims.setdefault(key, threading.Lock())
        while not claim.acquire(timeout=PATIENCE):
            waiting()
        try:
            yield
        finally:
            claim.release()

    def get(self, key: Hashable) -> Any:
        """The value of a key, which is now the last one used; None where there is none."""
        with self._lock:
            if key not in self._values:
                return None
            self._values.move_to_end(key)
            return self._values[key]

    def put(self, key: Hashable, value: Any) -> None:
        with self._lock:
            if value.bytes > self.limit and not self._keep_newest:
                return
            self._values[key] = value
            total, gone = self._bytes(), []
            while total > self.limit and len(self._values) > 1:
                gone.append(self._values.popitem(last=False)[1])
                total -= gone[-1].bytes
        for one in gone:
            self._let_go(one)

    def drop(self, condition: Callable[[Any], bool]) -> None:
        """Keep no longer what the condition is true of, without calling let_go."""
        with self._lock:
            for key in [key for key, value in self._values.items() if condition(value)]:
                del self._values[key]

    def items(self) -> list[tuple[Hashable, Any]]:
        with self._lock:
            return list(self._values.items())

    @property
    def bytes_held(self) -> int:
        with self._lock:
            return self._bytes()

    def __contains__(self, key: Hashable) -> bool:
        with self._lock:
            return key in self._values

    def _bytes(self):
        return sum(value.bytes for value in self._values.values())
