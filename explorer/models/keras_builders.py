"""Building a keras.applications network: always the same one, and learning from Keras which file its weights are in."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from keras.src.utils import file_utils

if TYPE_CHECKING:
    import keras


SEED = 0
LOCK = threading.Lock()  # Python's random state and Keras' download function are everybody's


@dataclass(frozen=True)
class Remote:
    """A weights file as Keras would get it. hash: its md5 or sha256, None where Keras knows none."""

    file: str
    url: str
    hash: str | None


def built(builder: Callable, *args: Any, **kwargs: Any) -> keras.Model | Remote:
    """What `builder` makes: the same layer names and the same untrained weights each time, whatever was built before.

    Keras numbers the layers that are given no name, one count a thread, and draws the seeds of its initialisers from
    Python's `random`.
    """
    with LOCK, ThreadPoolExecutor(1) as fresh_thread:
        state = random.getstate()
        random.seed(SEED)
        try:
            return fresh_thread.submit(builder, *args, **kwargs).result()
        finally:
            random.setstate(state)


def remote_of(builder: Callable, **arguments: Any) -> Remote:
    """The Remote that a function of keras.applications gets its ImageNet weights from; nothing is downloaded.

    No table of addresses and hashes that could grow stale: the network is built with the download replaced by a note
    of what was asked for. Only calls from the thread that builds are answered so.
    """
    return built(_remote_of, builder, **arguments)


def _remote_of(builder, **arguments):
    here, original = threading.get_ident(), file_utils.get_file

    def note(fname, origin, *args, file_hash=None, **kwargs):
        if threading.get_ident() != here:
            return original(fname, origin, *args, file_hash=file_hash, **kwargs)
        raise _Asked(Remote(fname, origin, file_hash))

    file_utils.get_file = note
    try:
        builder(weights="imagenet", **arguments)
    except _Asked as request:
        return request.remote
    finally:
        file_utils.get_file = original
    raise RuntimeError(f"{builder.__name__} asked Keras for no weights file.")


class _Asked(Exception):
    def __init__(self, remote):
        super().__init__(remote.file)
        self.remote = remote
