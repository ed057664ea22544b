"""Several visitors at once: on one model, through one cache, each gets what they would have got alone."""

import random
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from explorer.engine.result import Cost
from explorer.engine.result_cache import ResultCache
from explorer.engine.run import explain, explain_layers
from explorer.errors import Cancelled
from support import networks as nets
from support.counting import Counting, assert_same_maps

TIMEOUT = 120  # seconds after which a thread counts as stuck
LAYERS = ("stem", "features", "neck")
QUESTIONS = [
    {"image": nets.picture(seed), "layer": layer, "class_index": index, "steps": steps}
    for seed, layer, index, steps in [
        (1, "features", 4, 6),
        (1, "features", 5, 6),
        (1, "stem", 4, 6),
        (2, "neck", 1, 6),
        (1, "features", 4, 12),
        (2, "neck", 3, "auto"),
        (1, "features", 4, "auto"),
        (2, "stem", 4, 5),
    ]
]


def at_once(calls):
    """What every call returns, all of them begun at the same moment, each in a thread of its own."""
    gate = threading.Barrier(len(calls))

    def begin(call):
        gate.wait(TIMEOUT)
        return call()

    with ThreadPoolExecutor(len(calls)) as pool:
        return [one.result(TIMEOUT) for one in [pool.submit(begin, call) for call in calls]]


@pytest.fixture(scope="module")
def alone():
    """Every question answered by a network of its own."""
    return [explain(nets.make()[0], **question) for question in QUESTIONS]


@pytest.mark.parametrize("kind", ["functional", "subclassed"])
def test_threads_on_one_model_agree_with_one(alone, kind):
    """The model is new, so that every function of it is also traced meanwhile."""
    net = nets.make(kind)[0]
    names = [layer.name for layer in net.layers()]
    questions = [q | {"layer": next(n for n in names if n.endswith(q["layer"]))} for q in QUESTIONS]
    found = at_once([lambda question=question: explain(net, **question) for question in questions])
    for one, expected, question in zip(found, alone, QUESTIONS, strict=True):
        assert_same_maps(one, expected, f"{question['layer']} beside seven others", tolerance=1e-4)


def test_one_network_asked_for_different_layers_at_once():
    net = nets.make()[0]
    orders = [LAYERS, LAYERS[::-1], LAYERS[:2], LAYERS[1:]]
    found = at_once([lambda names=names: explain_layers(net, nets.picture(1), names, 4, steps=6) for names in orders])
    for together in found:
        for name, one in together.items():
            assert_same_maps(one, explain(net, nets.picture(1), name, 4, steps=6), f"{name} of {list(together)}")


@pytest.mark.parametrize("limit", [0, 40_000, 1 << 30])
def test_one_cache_under_any_interleaving(alone, limit):
    """Whatever is kept, reused or making room meanwhile."""
    net, cache = nets.make()[0], ResultCache(limit)

    def ask(seed):
        order = random.Random(seed).sample(range(len(QUESTIONS)), len(QUESTIONS))
        return [(i, cache.explain(net, **QUESTIONS[i])) for i in order]

    for answers in at_once([lambda seed=seed: ask(seed) for seed in range(4)]):
        for i, one in answers:
            assert_same_maps(one, alone[i], f"question {i}, a cache of {limit} bytes", tolerance=1e-4)
    assert cache.bytes_held <= limit, "and the limit holds"


class Slow(Counting):
    """A network that takes its time, so that others come meanwhile."""

    def sampler(self, *args):
        inner = super().sampler(*args)

        def sample(*args):
            time.sleep(0.2)
            return inner(*args)

        return sample


def test_the_same_question_at_once_is_answered_once():
    net, cache = Slow(nets.make()[0]), ResultCache()
    found = at_once([lambda: cache.explain(net, **QUESTIONS[0]) for _ in range(4)])
    assert net.passes == 7, f"seven points, though four asked: {net.sizes}"
    assert sorted(one.cost.passes for one in found) == [0, 0, 0, 7], "and the answers say who waited"
    for one in found:
        assert_same_maps(one, found[0], "all the same")


def test_whoever_waits_may_stop_and_the_other_goes_on():
    net, cache, waiting = Slow(nets.make()[0]), ResultCache(), threading.Event()
    question = QUESTIONS[0] | {"memory_budget": 1}  # seven batches

    def wait(stage, done, total):
        assert stage == "waiting for the same answer", stage
        waiting.set()
        raise Cancelled

    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(cache.explain, net, **question)
        while not net.batches:
            time.sleep(0.01)
        second = pool.submit(cache.explain, net, progress=wait, **question)
        with pytest.raises(Cancelled):
            second.result(TIMEOUT)
        assert waiting.is_set() and not first.done(), "stopped while the first was still at it"
        assert first.result(TIMEOUT).cost == Cost(passes=7), "which is not disturbed"
    assert cache.explain(net, **question).cost == Cost(), "and what it found is kept"


def test_the_first_stopping_leaves_the_question_to_the_second():
    net, cache = Slow(nets.make()[0]), ResultCache()
    question = QUESTIONS[0] | {"memory_budget": 1}

    def stop(stage, done, total):
        if done == 3:
            raise Cancelled

    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(cache.explain, net, progress=stop, **question)
        while not net.batches:
            time.sleep(0.01)
        second = pool.submit(cache.explain, net, **question)
        with pytest.raises(Cancelled):
            first.result(TIMEOUT)
        assert second.result(TIMEOUT).cost == Cost(passes=7), "who walks the whole path"
