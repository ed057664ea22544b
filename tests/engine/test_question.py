"""Requests: what an earlier result spares, how one is stopped, and the one sentence a mistake gets."""

import numpy as np
import pytest

from explorer.engine import integrate
from explorer.engine.run import explain
from explorer.errors import Cancelled, InputError
from support import networks as nets
from support.counting import Counting

PICTURE = nets.picture(1)


@pytest.fixture(scope="module")
def net():
    """A classifier for tests that only ask it questions."""
    return Counting(nets.make()[0])


@pytest.fixture(scope="module")
def result(net):
    return explain(net, PICTURE, "features", 4, steps=6)


def refused(classifier, **wrong):
    """The one sentence with which a request is refused."""
    with pytest.raises(InputError) as caught:
        explain(classifier, **{"image": PICTURE, "layer": "features", "steps": 3} | wrong)
    sentence = str(caught.value)
    assert sentence[-1] in ".?" and ". " not in sentence and "\n" not in sentence, f"one sentence: {sentence!r}"
    return sentence


# Reuse


@pytest.mark.parametrize(
    "change", [{"class_index": 5}, {"score": "logit"}, {"units": "all"}, {"epsilon": 1.0}, {"methods": "grad_cam"}]
)
def test_what_leaves_the_activations_alone_spares_the_network_before_them(net, result, change):
    asked = {"layer": "features", "class_index": 4, "steps": 6} | change
    fresh = explain(net, PICTURE, **asked)
    net.forget()
    found = explain(net, PICTURE, reuse=result, **asked)
    assert net.passes == 0, f"{change} does not change A(α)"
    assert net.heads == (7 if change.keys() & {"class_index", "score"} else 0), f"nor, unless asked, ∂y/∂A: {change}"
    for explanation in found:
        np.testing.assert_allclose(
            explanation.cam, fresh[explanation.method].cam, rtol=1e-4, atol=1e-7, err_msg="the same map"
        )


@pytest.mark.parametrize(
    "change", [{"layer": "neck"}, {"steps": 7}, {"baseline": "white"}, {"image": PICTURE[::-1].copy()}]
)
def test_what_changes_the_activations_asks_the_network(net, result, change):
    asked = {"image": PICTURE, "layer": "features", "class_index": 4, "steps": 6} | change
    fresh = explain(net, **asked)
    net.forget()
    found = explain(net, reuse=result, **asked)
    assert net.passes == (6 if "steps" in change else 7), f"{change} asks for other activations, but for equal ends"
    for explanation in found:
        cam = fresh[explanation.method].cam
        np.testing.assert_allclose(explanation.cam, cam, rtol=1e-5, atol=1e-6 * cam.max(), err_msg="and gets them")


def test_another_classifiers_activations_are_never_used(result):
    other = Counting(nets.make(gain=2.0)[0])
    explain(other, PICTURE, "features", 4, steps=6, reuse=result)
    assert other.passes == 7, "the same layer name in another network is another layer"


def test_a_path_too_large_to_keep_is_left_out(net, result, monkeypatch):
    monkeypatch.setattr(integrate, "HELD_PATH", 2 * 4 * 7 * 4 * 6 * 5)
    assert explain(net, PICTURE, "features", 4, steps=6).path.activations is not None, "room for exactly this path"
    monkeypatch.setattr(integrate, "HELD_PATH", 2 * 4 * 7 * 4 * 6 * 5 - 1)
    found = explain(net, PICTURE, "features", 4, steps=6)
    assert found.path.activations is None and found.path.gradients is None, "one byte too many"
    np.testing.assert_array_equal(found.path.scores, result.path.scores, err_msg="α and y stay")
    for explanation in explain(net, PICTURE, "features", 4, steps=6, reuse=found):
        np.testing.assert_allclose(
            explanation.cam,
            result[explanation.method].cam,
            rtol=1e-5,
            atol=1e-7,
            err_msg="without activations the network is asked again",
        )


# Progress


def test_a_request_can_be_cancelled_and_made_again(net, result):
    def progress(stage, done, total):
        raise Cancelled

    with pytest.raises(Cancelled):
        explain(net, PICTURE, "features", 4, steps=6, progress=progress)
    again = explain(net, PICTURE, "features", 4, steps=6)
    np.testing.assert_array_equal(again["rsi_grad_cam"].cam, result["rsi_grad_cam"].cam, err_msg="nothing is broken")


def test_progress_counts_the_points_of_the_path(net):
    told = []
    explain(net, PICTURE, "features", 4, steps=6, memory_budget=1, progress=lambda *args: told.append(args))
    assert [done for _, done, _ in told] == list(range(8)) and {total for *_, total in told} == {7}, f"{told}"


# Refusals


@pytest.mark.parametrize("steps", [0, -3, 1_000_000, 2.5, float("nan"), "50", None, True])
def test_steps_out_of_range(net, steps):
    sentence = refused(net, steps=steps)
    assert "whole number from 1 to 10,000" in sentence and repr(steps) in sentence, sentence


@pytest.mark.parametrize("steps", [1, 3.0, np.int64(3)])
def test_steps_that_are_whole(net, steps):
    assert len(explain(net, PICTURE, "features", 4, steps=steps).path.alphas) == int(steps) + 1, "m + 1 points"


@pytest.mark.parametrize("epsilon", [0, -1e-8, float("nan"), float("inf"), "small"])
def test_epsilon_out_of_range(net, epsilon):
    assert "ε is a positive" in refused(net, epsilon=epsilon), "positive and finite"


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"class_index": "guitr"}, ("'guitr'", "did you mean 'guitar'?")),
        ({"class_index": 99}, ("from 0 to 6", "99")),
        ({"layer": "feature"}, ("'feature'", "did you mean 'features'?")),
        ({"layer": "classes"}, ("'classes'", "no spatial layer")),
        ({"methods": ("grad_cam", "guided_cam")}, ("integrated_grad_cam, rsi_grad_cam, score_cam", "guided_cam")),
        ({"methods": ()}, ("grad_cam", "none")),
        ({"score": "softmax"}, ("probability, probability-naive, logit, log-probability", "'softmax'")),
        ({"gradients": "guided"}, ("gradients is one of raw, positive", "'guided'")),
        ({"units": "some"}, ("units is one of selected, positive, all", "'some'")),
        ({"tolerance": 0}, ("tolerance", "between 0 and 1", "0")),
        ({"tolerance": "0.1"}, ("tolerance", "'0.1'")),
        ({"steps": "auto", "quadrature": "right"}, ("Automatic steps", "quadrature='right'")),
        ({"steps": "auto", "endpoint": False}, ("Automatic steps", "endpoint=False")),
        ({"quadrature": "simpson"}, ("quadrature is one of trapezoid, right", "'simpson'")),
        ({"image": "/nowhere/picture.png"}, ("picture.png",)),
        ({"image": b"no picture"}, ("picture",)),
        ({"baseline": "blakc"}, ("blakc",)),
    ],
)
def test_mistakes_get_one_sentence(net, wrong, words):
    sentence = refused(net, **wrong)
    assert all(word in sentence for word in words), f"{words} are said in: {sentence}"


def test_a_layer_that_does_not_reach_the_score():
    assert "do not reach the score" in refused(nets.dead_end(), layer="side"), "refused, not blank"


def test_a_refused_request_leaves_the_network_alone(net):
    net.forget()
    for wrong in ("epsilon", "layer", "class_index", "methods", "score", "units", "steps", "tolerance"):
        refused(net, **{wrong: "x"})
    assert net.batches == [] and net.pictures == 0, "every mistake is told before anything is computed"
