"""Results that are kept: looking again costs nothing, a new class costs half."""

import gc
import weakref

import networks
import numpy as np
import pytest

from explorer.explain import explain
from explorer.recent import Recent


@pytest.fixture
def counted(monkeypatch):
    """A classifier, and how often each half of its network has run."""
    classifier, runs = networks.make()[0], {"trunk": 0, "head": 0}
    for half in runs:
        original = getattr(classifier, half)

        def counting(*args, original=original, half=half):
            function = original(*args)

            def run(*values):
                runs[half] += 1
                return function(*values)

            return run

        monkeypatch.setattr(classifier, half, counting)
    return classifier, runs


ASKED = {"layer": None, "class_index": 1, "steps": 4}


def test_the_same_request_asks_the_network_once(counted):
    classifier, runs = counted
    recent, picture = Recent(), networks.picture()
    first = recent.explain(classifier, picture, **ASKED)
    before = dict(runs)
    again = recent.explain(classifier, picture.copy(), epsilon=1e-3, **ASKED)
    assert runs == before, "an equal picture and equal settings are answered from memory, whatever ε is"
    assert again.epsilon == 1e-3 and first.epsilon == 1e-8, "each answer has the ε it was asked with"
    assert np.array_equal(again["rsi_grad_cam"].cam, first["rsi_grad_cam"].cam), "the raw map is the same"


@pytest.mark.parametrize("new", [{"class_index": 2}, {"score": "logit"}, {"units": "all"}, {"quadrature": "right"}])
def test_a_new_class_score_or_variant_leaves_the_trunk_alone(counted, new):
    classifier, runs = counted
    recent, picture = Recent(), networks.picture()
    recent.explain(classifier, picture, **ASKED)
    trunks = runs["trunk"]
    fast = recent.explain(classifier, picture, **(ASKED | new))
    assert runs["trunk"] == trunks, f"the activations already sampled serve for {new}"
    slow = Recent().explain(classifier, picture, **(ASKED | new))
    for one in fast:
        np.testing.assert_allclose(one.cam, slow[one.method].cam, rtol=1e-5, atol=1e-9, err_msg="and give the same map")


@pytest.mark.parametrize("new", [{"steps": 5}, {"baseline": "white"}, {"layer": "stem"}])
def test_a_new_path_runs_the_trunk_again(counted, new):
    classifier, runs = counted
    recent, picture = Recent(), networks.picture()
    recent.explain(classifier, picture, **ASKED)
    trunks = runs["trunk"]
    fast = recent.explain(classifier, picture, **(ASKED | new))
    assert runs["trunk"] > trunks, f"{new} is another path, so its activations are sampled anew"
    slow = Recent().explain(classifier, picture, **(ASKED | new))
    np.testing.assert_allclose(fast["grad_cam"].cam, slow["grad_cam"].cam, rtol=1e-5, err_msg="nothing stale is shown")


def test_another_picture_is_another_request(counted):
    classifier, _ = counted
    recent = Recent()
    one = recent.explain(classifier, networks.picture(0), **ASKED)
    other = recent.explain(classifier, networks.picture(1), **ASKED)
    assert not np.array_equal(one["grad_cam"].cam, other["grad_cam"].cam), "two pictures do not share a result"


def test_the_oldest_results_go_first_and_the_limit_holds(counted):
    classifier, runs = counted
    size = Recent()
    size.explain(classifier, networks.picture(0), **ASKED)
    room_for_two = int(2.5 * size.bytes_held)
    recent = Recent(limit=room_for_two)
    for seed in range(4):
        recent.explain(classifier, networks.picture(seed), **ASKED)
        assert recent.bytes_held <= room_for_two, "what is kept stays within the limit"
    before = runs["head"]
    recent.explain(classifier, networks.picture(3), **ASKED)
    assert runs["head"] == before, "the newest result is still there"
    recent.explain(classifier, networks.picture(0), **ASKED)
    assert runs["head"] > before, "the oldest one made room"


def test_a_classifier_that_is_forgotten_is_let_go():
    kept, gone = networks.make()[0], networks.make("sequential")[0]
    recent, picture = Recent(), networks.picture()
    for one in (kept, gone):
        recent.explain(one, picture, **ASKED)
    both = recent.bytes_held
    recent.forget(gone)
    assert 0 < recent.bytes_held < both, "its results are dropped, and nobody else's"
    after = recent.bytes_held
    late = recent.explain(gone, picture, **ASKED)
    assert recent.bytes_held == after, "a request that was under way leaves nothing behind either"
    np.testing.assert_array_equal(late["grad_cam"].cam, explain(gone, picture, **ASKED)["grad_cam"].cam)
    there = weakref.ref(gone)
    del gone, one, late
    gc.collect()
    assert there() is None, "nothing holds on to it any more"


def test_the_default_score_is_the_probability_by_its_name(counted):
    classifier, runs = counted
    recent, picture = Recent(), networks.picture()
    recent.explain(classifier, picture, **ASKED)
    before = dict(runs)
    recent.explain(classifier, picture, score="probability", **ASKED)
    assert runs == before, "one request, however it is written"
