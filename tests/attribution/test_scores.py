"""The scores and their gradients against float64 closed forms, from a coin toss to 1 − p = 1e-26.

With s = Σ_{j≠c} exp(z_j − z_c): p = 1/(1 + s), ∂p/∂z_c = s/(1 + s)², ∂p/∂z_j = −exp(z_j − z_c)/(1 + s)².
"""

import numpy as np
import pytest
from keras import ops

from explorer.attribution.scores import SCORES, SCORES_OF
from explorer.network import backend

CLASSES, TARGET = 6, 2
MARGINS = [-60, -20, -5, 0, 5, 10, 16, 17, 18, 20, 30, 45, 60]
SATURATED = [m for m in MARGINS if m >= 18]  # here 1 − p < 6e-8, so that p rounds to 1 in float32


def logits_of(margin):
    """float32 logits (2, classes) of the margin z_c − logsumexp_{j≠c} z_j, up to their own rounding."""
    rng = np.random.default_rng(9)
    logits = rng.normal(size=(2, CLASSES))
    others = np.delete(logits, TARGET, axis=1)
    logits[:, TARGET] = margin + np.log(np.exp(others).sum(axis=1))
    return logits.astype(np.float32)


def exact(logits, key):
    """(y, ∂y/∂z) in float64, without any subtraction that loses digits."""
    z = logits.astype(np.float64)
    odds = np.exp(z - z[:, [TARGET]])
    odds[:, TARGET] = 0
    s = odds.sum(axis=1, keepdims=True)
    is_target = np.eye(CLASSES)[TARGET]
    if key == "logit":
        return z[:, TARGET], np.broadcast_to(is_target, z.shape)
    slopes = np.where(is_target, s, -odds) / (1 + s)
    if key == "log-probability":
        return -np.log1p(s)[:, 0], slopes
    return 1 / (1 + s)[:, 0], slopes / (1 + s)


def found(logits, key, kind="softmax"):
    """(y, ∂y/∂z) as the explorer computes them, in float32."""
    score = SCORES_OF[kind][key]

    def inner(z):
        return score.inner(z, TARGET), None

    slopes, u, _ = backend.gradient(inner, ops.convert_to_tensor(logits))
    slopes = slopes * ops.reshape(score.slope(u), (-1, 1))
    return backend.fetch(score.value(u)), backend.fetch(slopes)


@pytest.mark.parametrize("margin", MARGINS)
@pytest.mark.parametrize("key", ["probability", "logit", "log-probability"])
def test_stable_scores_and_gradients(key, margin):
    logits = logits_of(margin)
    y, slopes = found(logits, key)
    exact_y, exact_slopes = exact(logits, key)
    assert y.dtype == np.float32 and slopes.dtype == np.float32, "computed in single precision"
    np.testing.assert_allclose(y, exact_y, rtol=1e-5, err_msg=f"the {key} at margin {margin}")
    np.testing.assert_allclose(
        slopes, exact_slopes, rtol=1e-5, err_msg=f"every component of the gradient of the {key} at margin {margin}"
    )


@pytest.mark.parametrize("margin", SATURATED)
def test_the_naive_gradient_loses_exactly_the_target_class(margin):
    """The float32 trap: what is left of the naive gradient is about the other classes."""
    logits = logits_of(margin)
    y, slopes = found(logits, "probability-naive")
    _, exact_slopes = exact(logits, "probability")
    assert (y == 1).all(), "p has rounded to 1"
    wrong = np.abs(slopes[:, TARGET] / exact_slopes[:, TARGET] - 1)
    assert (wrong > 0.3).all(), "the term of the target class is lost or noise"
    others = np.delete(slopes, TARGET, axis=1), np.delete(exact_slopes, TARGET, axis=1)
    np.testing.assert_allclose(*others, rtol=1e-5, err_msg="the other classes' terms are all there")


@pytest.mark.parametrize("margin", [-5, 0, 5])
def test_naive_and_stable_agree_where_nothing_rounds(margin):
    logits = logits_of(margin)
    for naive, stable in zip(found(logits, "probability-naive"), found(logits, "probability"), strict=True):
        np.testing.assert_allclose(naive, stable, rtol=2e-4, err_msg="the same score, away from saturation")


@pytest.mark.parametrize("key", ["probability", "log-probability", "probability-naive"])
def test_adding_a_constant_to_all_logits_changes_nothing(key):
    logits = logits_of(3)
    for shifted, plain in zip(found(logits + np.float32(8), key), found(logits, key), strict=True):
        np.testing.assert_allclose(shifted, plain, rtol=1e-4, atol=1e-7, err_msg="the softmax sees differences alone")


@pytest.mark.parametrize("key", ["probability", "log-probability"])
def test_the_gradient_over_all_classes_adds_up_to_nothing(key):
    for margin in (0, 30):
        _, slopes = found(logits_of(margin), key)
        total = np.abs(slopes.sum(axis=1)) / np.abs(slopes).sum(axis=1)
        assert (total < 1e-6).all(), "y does not change along (1, 1, …, 1), saturated or not"


def test_scores_are_known_by_their_keys():
    assert list(SCORES) == ["probability", "probability-naive", "logit", "log-probability"], "the default comes first"
    assert all(score.key == key and score.label and score.about for key, score in SCORES.items()), "each has words"


# A sigmoid for every class: p_c = σ(z_c), ∂p_c/∂z_c = σ(z_c) σ(−z_c), and no other class has a part in it


@pytest.mark.parametrize("logit", MARGINS)
def test_the_scores_of_a_sigmoid(logit):
    logits = logits_of(0)
    logits[:, TARGET] = logit
    z, is_target = logits[:, [TARGET]].astype(np.float64), np.eye(CLASSES)[TARGET]
    missing = np.exp(-np.logaddexp(0, z))  # 1 − p
    p = np.exp(-np.logaddexp(0, -z))
    log_p = -np.logaddexp(0, -z)
    exact = {"probability": (p, p * missing), "log-probability": (log_p, missing), "logit": (z, np.ones_like(z))}
    for key, (y, slope) in exact.items():
        found_y, slopes = found(logits, key, "sigmoid")
        np.testing.assert_allclose(found_y, y[:, 0], rtol=1e-5, err_msg=f"the {key} at a logit of {logit}")
        np.testing.assert_allclose(slopes, slope * is_target, rtol=1e-5, err_msg=f"its gradient at {logit}")
    y, slopes = found(logits, "probability-naive", "sigmoid")
    if logit >= 18:
        assert (y == 1).all() and (slopes == 0).all(), "the naive gradient is nothing at all where p rounds to 1"
    elif abs(logit) <= 5:
        np.testing.assert_allclose(slopes, p * missing * is_target, rtol=2e-4, err_msg="and right where nothing rounds")


def test_scores_of_probabilities_as_they_are():
    p = np.float32([[0.2, 0.3, 0.5, 0, 0, 0], [0, 0, 0, 1, 0, 0]])
    y, slopes = found(p, "probability-naive", "probabilities")
    assert y.tolist() == p[:, TARGET].tolist() and (slopes == np.eye(CLASSES)[TARGET]).all(), "the output itself"
    y, slopes = found(p, "log-probability", "probabilities")
    np.testing.assert_allclose(y[0], np.log(0.5), rtol=1e-6, err_msg="its logarithm")
    np.testing.assert_allclose(slopes[0], 2 * np.eye(CLASSES)[TARGET], rtol=1e-6, err_msg="1/p")
    assert np.isfinite(y).all() and np.isfinite(slopes).all(), "finite where p has rounded to zero"
    assert not {"probability", "logit"} & set(SCORES_OF["probabilities"]), "what needs logits is not there"


def test_every_kind_of_end_has_known_scores():
    assert all(set(scores) <= set(SCORES) for scores in SCORES_OF.values()), "the same names everywhere"
    assert all(score.key == key for scores in SCORES_OF.values() for key, score in scores.items()), "each its own"
    assert SCORES_OF["softmax"] is SCORES and set(SCORES_OF["sigmoid"]) == set(SCORES), "all of them where logits are"
