"""The classifiers in memory: loaded once, under a limit, and nobody disturbed by another's choice."""

import gc
import threading
import weakref
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import numpy as np
import pytest

from explorer.engine.result_cache import ResultCache
from explorer.engine.run import explain
from explorer.models.pool import Loaded
from support import networks as nets

LONG = 30  # seconds after which a thread is taken to be stuck


def stub(size=10):
    return SimpleNamespace(bytes=size)


def counting(make=stub):
    """A loader, and the list of what it has loaded."""
    made = []

    def load():
        made.append(make())
        return made[-1]

    return load, made


def test_a_classifier_is_loaded_once():
    loaded, (load, made) = Loaded(100), counting()
    assert loaded.get("a", load) is loaded.get("a", load), "the same object for everybody"
    assert len(made) == 1 and "a" in loaded and "b" not in loaded, "loaded once"
    assert loaded.get("b", load) is made[1], "another key, another classifier"


@pytest.mark.parametrize("asked", ["a b c", "a b a c", "a b c a d", "a a b c d e a"])
def test_the_least_recently_used_goes_first(asked):
    gone, loaded = [], None
    loaded = Loaded(25, let_go=lambda one: gone.append(one.key))  # room for two of ten bytes
    order, expected = [], []
    for key in asked.split():
        loaded.get(key, lambda key=key: SimpleNamespace(bytes=10, key=key))
        order = [*(other for other in order if other != key), key]
        expected += order[:-2]
        order = order[-2:]
        assert loaded.bytes_held <= 25, "within the limit"
    assert gone == expected, f"of {asked}, {expected} make room, in that order"
    assert all(key in loaded for key in order), "the others stay"


def test_one_larger_than_the_limit_is_kept_alone():
    loaded = Loaded(25)
    loaded.get("small", stub)
    big = loaded.get("big", lambda: stub(1000))
    assert "small" not in loaded and loaded.get("big", stub) is big, "who chose it goes on using it"
    loaded.get("small", stub)
    assert "big" not in loaded, "until another is chosen"


def test_what_fails_to_load_is_not_kept():
    loaded, (load, made) = Loaded(100), counting()
    with pytest.raises(ArithmeticError, match="no weights"):
        loaded.get("a", lambda: (_ for _ in ()).throw(ArithmeticError("no weights")))
    assert "a" not in loaded and loaded.get("a", load) is made[0], "the next attempt starts afresh"


def test_two_who_choose_the_same_load_it_once():
    loaded, calls, go = Loaded(100), [], threading.Event()

    def load():
        calls.append(1)
        assert go.wait(LONG), "let on"
        return stub()

    with ThreadPoolExecutor(4) as pool:
        found = [pool.submit(loaded.get, "a", load) for _ in range(4)]
        go.set()
        found = {id(one.result(LONG)) for one in found}
    assert len(found) == len(calls) == 1, "one is loaded, and all four have it"


def test_two_who_choose_two_do_not_wait_for_each_other():
    """Each load ends only when the other has begun: one lock for both would never let go."""
    loaded, both = Loaded(100), threading.Barrier(2)

    def load():
        both.wait(LONG)
        return stub()

    with ThreadPoolExecutor(2) as pool:
        first, second = (pool.submit(loaded.get, key, load) for key in "ab")
        assert first.result(LONG) is not second.result(LONG), "both are there"


def test_a_slow_load_does_not_block_what_is_there():
    loaded, go, begun = Loaded(100), threading.Event(), threading.Event()
    here = loaded.get("here", stub)

    def slow():
        begun.set()
        assert go.wait(LONG), "let on"
        return stub()

    with ThreadPoolExecutor(2) as pool:
        waiting = pool.submit(loaded.get, "slow", slow)
        assert begun.wait(LONG), "the slow one is loading"
        assert pool.submit(loaded.get, "here", stub).result(LONG) is here, "the other is had at once"
        go.set()
        waiting.result(LONG)


def test_whoever_waited_for_a_load_that_failed_tries_again():
    loaded, begun, go = Loaded(100), threading.Event(), threading.Event()

    def fails():
        begun.set()
        assert go.wait(LONG), "let on"
        raise ArithmeticError("stopped")

    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(loaded.get, "a", fails)
        assert begun.wait(LONG), "the first is loading"
        second = pool.submit(loaded.get, "a", stub)
        go.set()
        assert isinstance(first.exception(LONG), ArithmeticError), "the first is told"
        assert second.result(LONG).bytes == 10, "the second has its classifier all the same"


# With real classifiers


def test_bytes_are_those_of_the_weights():
    classifier = nets.make()[0]
    expected = sum(np.asarray(v.value).nbytes for v in classifier.model.variables)
    assert classifier.bytes == expected > 1000, "all variables, in the type they have"


def test_a_classifier_that_made_room_is_freed_with_its_results():
    cache = ResultCache()
    one_size = nets.make()[0].bytes
    loaded = Loaded(int(1.5 * one_size), let_go=cache.forget)
    classifier = loaded.get("a", lambda: nets.make()[0])
    cache.explain(classifier, nets.picture(), class_index=1, steps=3)
    there = weakref.ref(classifier), weakref.ref(classifier.model), weakref.ref(classifier.model.variables[0])
    del classifier
    gc.collect()
    assert there[0]() is not None, "kept so far"
    loaded.get("b", lambda: nets.make("sequential")[0])
    gc.collect()
    assert [ref() for ref in there] == [None] * 3, "the classifier, its model and its weights are gone"


def test_who_still_uses_one_that_made_room_is_not_disturbed():
    loaded = Loaded(1)
    classifier = loaded.get("a", lambda: nets.make()[0])
    before = explain(classifier, nets.picture(), class_index=1, steps=3)
    loaded.get("b", lambda: nets.make("sequential")[0])
    assert "a" not in loaded, "it made room"
    after = explain(classifier, nets.picture(), class_index=1, steps=3)
    np.testing.assert_array_equal(after["rsi_grad_cam"].cam, before["rsi_grad_cam"].cam, err_msg="the same map still")


def test_two_people_load_and_explain_two_networks_at_once():
    kinds = ["functional", "nested sequential"] * 2
    alone = {kind: explain(nets.make(kind)[0], nets.picture(), class_index=1, steps=3) for kind in set(kinds)}
    loaded, start = Loaded(), threading.Barrier(len(kinds))

    def work(kind):
        start.wait(LONG)
        return explain(loaded.get(kind, lambda: nets.make(kind)[0]), nets.picture(), class_index=1, steps=3)

    with ThreadPoolExecutor(len(kinds)) as pool:
        for kind, found in zip(kinds, pool.map(work, kinds), strict=True):
            np.testing.assert_allclose(
                found["rsi_grad_cam"].cam,
                alone[kind]["rsi_grad_cam"].cam,
                rtol=1e-5,
                atol=1e-9,
                err_msg=f"{kind}: as without company",
            )
