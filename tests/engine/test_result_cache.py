"""Results that are kept: looking again costs nothing, a new class costs half."""

import gc
import weakref

import numpy as np
import pytest

from explorer.engine import integrate
from explorer.engine.result import Cost
from explorer.engine.result_cache import ResultCache
from explorer.engine.run import explain
from explorer.errors import Cancelled
from support import networks
from support.counting import Counting, assert_same_maps


@pytest.fixture
def net():
    """A classifier that counts what its network is asked for."""
    return Counting(networks.make()[0])


ASKED = {"layer": None, "class_index": 1, "steps": 4}
POINTS = 5


def test_the_same_request_asks_the_network_once(net):
    cache, picture = ResultCache(), networks.picture()
    first = cache.explain(net, picture, **ASKED)
    assert (net.passes, first.cost) == (POINTS, Cost(passes=POINTS)), "every point of the path, once, and it says so"
    again = cache.explain(net, picture.copy(), epsilon=1e-3, **ASKED)
    assert net.passes == POINTS and again.cost == Cost(), "equal settings are answered from memory, whatever ε is"
    assert again.epsilon == 1e-3 and first.epsilon == 1e-8, "each answer has the ε it was asked with"
    assert np.array_equal(again["rsi_grad_cam"].cam, first["rsi_grad_cam"].cam), "the raw map is the same"


@pytest.mark.parametrize("new", [{"class_index": 2}, {"score": "logit"}, {"class_index": 2, "units": "all"}])
def test_a_new_class_or_score_asks_behind_the_layer_only(net, new):
    cache, picture = ResultCache(), networks.picture()
    cache.explain(net, picture, **ASKED)
    net.forget()
    fast = cache.explain(net, picture, **(ASKED | new))
    assert (net.passes, net.heads, net.pictures) == (0, POINTS, 0), f"the activations already there serve for {new}"
    assert fast.cost == Cost(heads=POINTS), "and the answer says so"
    assert_same_maps(fast, ResultCache().explain(net, picture, **(ASKED | new)), f"{new} from kept activations")


@pytest.mark.parametrize("new", [{"units": "all"}, {"gradients": "positive"}, {"quadrature": "right"}, {"steps": 2}])
def test_a_new_variant_or_fewer_points_ask_the_network_nothing(net, new):
    cache, picture = ResultCache(), networks.picture()
    cache.explain(net, picture, **ASKED)
    net.forget()
    fast = cache.explain(net, picture, **(ASKED | new))
    assert net.batches == [] and net.pictures == 0 and fast.cost == Cost(), f"all that {new} needs is there"
    assert_same_maps(fast, ResultCache().explain(net, picture, **(ASKED | new)), f"{new} from the kept path")


def test_twice_the_steps_ask_for_the_points_between(net):
    cache, picture = ResultCache(), networks.picture()
    cache.explain(net, picture, **ASKED)
    net.forget()
    fast = cache.explain(net, picture, **(ASKED | {"steps": 8}))
    assert sorted(net.alphas) == [1 / 8, 3 / 8, 5 / 8, 7 / 8] and fast.cost == Cost(passes=4), "and for no other"
    assert_same_maps(fast, ResultCache().explain(net, picture, **(ASKED | {"steps": 8})), "half of the path was kept")


@pytest.mark.parametrize("new", [{"steps": 12}, {"steps": 12, "class_index": 3}])
def test_a_path_too_large_to_hold_is_right_all_the_same(net, new, monkeypatch):
    """Whatever is kept of a coarser one: what is summed stretch by stretch has to come in order."""
    cache, picture = ResultCache(), networks.picture()
    cache.explain(net, picture, **(ASKED | {"steps": 6}))
    monkeypatch.setattr(integrate, "HELD_PATH", 1)
    streamed = cache.explain(net, picture, **(ASKED | new))
    monkeypatch.undo()
    assert streamed.path.activations is None, "nothing of it was held"
    assert_same_maps(streamed, ResultCache().explain(net, picture, **(ASKED | new)), f"{new} beside a kept path")


def test_of_several_results_the_nearest_serves(net):
    """Others were asked later, and would each have to ask the network for more."""
    cache, picture = ResultCache(), networks.picture()
    asked = [ASKED, {"score": "logit"}, {"class_index": 3}, {"baseline": "white"}, {"steps": 2}, {"layer": "stem"}]
    for one in asked:
        cache.explain(net, picture, **(ASKED | one))
    for one in (*asked, *asked[::-1]):
        assert cache.explain(net, picture, **(ASKED | one | {"units": "all"})).cost == Cost(), f"{one} is all there"


@pytest.mark.parametrize("new", [{"baseline": "white"}, {"layer": "stem"}])
def test_a_new_path_is_walked_anew(net, new):
    cache, picture = ResultCache(), networks.picture()
    cache.explain(net, picture, **ASKED)
    net.forget()
    fast = cache.explain(net, picture, **(ASKED | new))
    assert net.passes == POINTS, f"{new} is another path"
    assert_same_maps(fast, ResultCache().explain(net, picture, **(ASKED | new)), "nothing stale is shown")


def test_another_picture_is_another_request(net):
    cache = ResultCache()
    one = cache.explain(net, networks.picture(0), **ASKED)
    other = cache.explain(net, networks.picture(1), **ASKED)
    assert not np.array_equal(one["grad_cam"].cam, other["grad_cam"].cam), "two pictures do not share a result"


def held(found):
    """The bytes of a result, written out: activations, gradients, the points, two pictures, three maps in two forms."""
    path, pixels = found.path.numpy(), networks.HEIGHT * networks.WIDTH
    points = path.alphas, path.scores, path.inner, path.logits, path.activations, path.gradients
    return sum(one.nbytes for one in points) + 2 * 3 * pixels + 3 * 2 * 4 * pixels


def test_the_oldest_results_go_first_and_the_limit_holds(net):
    size = held(ResultCache().explain(net, networks.picture(0), **ASKED))
    cache = ResultCache(limit=2 * size)
    for seed in range(4):
        cache.explain(net, networks.picture(seed), **ASKED)
        assert cache.bytes_held == min(seed + 1, 2) * size, "whole results, as many as the limit holds, to the byte"
    cache.explain(net, networks.picture(2), **ASKED)  # used, so that the other is now the oldest
    cache.explain(net, networks.picture(0), **ASKED)
    net.forget()
    assert cache.explain(net, networks.picture(2), **ASKED).cost == Cost(), "what was used lately is still there"
    assert cache.explain(net, networks.picture(3), **ASKED).cost.passes == POINTS, "what was not made room"


def test_one_byte_less_keeps_one_result_less(net):
    size = held(ResultCache().explain(net, networks.picture(0), **ASKED))
    for limit, kept in ((2 * size - 1, 1), (size - 1, 0)):
        cache = ResultCache(limit)
        for seed in range(2):
            cache.explain(net, networks.picture(seed), **ASKED)
        assert cache.bytes_held == kept * size, f"a limit of {limit} bytes, results of {size}"


def test_results_that_hold_no_path_count_too(net, monkeypatch):
    monkeypatch.setattr(integrate, "HELD_PATH", 1)
    cache = ResultCache()
    found = cache.explain(net, networks.picture(), **ASKED)
    assert cache.bytes_held == found.bytes > found.path.logits.nbytes > 0, "or their number would have no limit"


def test_a_request_that_is_stopped_leaves_the_cache_right(net):
    cache, picture = ResultCache(), networks.picture()

    def stop(stage, done, total):
        if done >= 1:
            raise Cancelled

    asked = ASKED | {"memory_budget": 1}
    with pytest.raises(Cancelled):
        cache.explain(net, picture, progress=stop, **asked)
    assert 0 < net.passes < POINTS and cache.bytes_held == 0, "stopped in the middle, nothing half is kept"
    whole = cache.explain(net, picture, **asked)
    assert whole.cost == Cost(passes=POINTS), "asked again, it is answered as if for the first time"
    assert_same_maps(whole, ResultCache().explain(net, picture, **ASKED), "after a stop")


def test_a_classifier_that_is_forgotten_is_let_go():
    kept, gone = networks.make()[0], networks.make("sequential")[0]
    cache, picture = ResultCache(), networks.picture()
    for one in (kept, gone):
        cache.explain(one, picture, **ASKED)
    both = cache.bytes_held
    cache.forget(gone)
    assert 0 < cache.bytes_held < both, "its results are dropped, and nobody else's"
    after = cache.bytes_held
    late = cache.explain(gone, picture, **ASKED)
    assert cache.bytes_held == after, "a request that was under way leaves nothing behind either"
    np.testing.assert_array_equal(late["grad_cam"].cam, explain(gone, picture, **ASKED)["grad_cam"].cam)
    there = weakref.ref(gone)
    del gone, one, late
    gc.collect()
    assert there() is None, "nothing holds on to it any more"


def test_the_default_score_is_the_probability_by_its_name(net):
    cache, picture = ResultCache(), networks.picture()
    cache.explain(net, picture, **ASKED)
    assert cache.explain(net, picture, score="probability", **ASKED).cost == Cost(), "one request, however written"
