"""A term added to every logit: the altered network is run, and its maps are what the paper says they become."""

import numpy as np
import pytest

from explorer.engine.run import explain
from explorer.errors import InputError
from explorer.studies.at_image import at_picture, changed
from explorer.studies.logit_shift import altered, constant, expected, painted
from support import networks as nets
from support.paths import PICTURE, assert_same, fed, path_of, telling_class
from support.paths import built as built_by_reference

CLASS = 4


def at(net="relu", score="logit", class_index=CLASS):
    classifier, layer, _ = built_by_reference(net)
    layer = classifier.layer(layer)
    return classifier, layer, at_picture(classifier, [layer], PICTURE, class_index, score)[0]


@pytest.mark.parametrize("net", ["relu", "smooth", "branch"])
@pytest.mark.parametrize("score", ["logit", "probability"])
def test_at_the_picture_are_grad_cams_weights_and_map(net, score):
    c = telling_class(net, score)
    classifier, layer, found = at(net, score, c)
    path = path_of(net, 1, c, score, "black")
    np.testing.assert_allclose(found.activations, path.activations[-1], rtol=1e-4, atol=1e-5)
    expected_weights = path.gradients[-1].mean(axis=(0, 1))
    np.testing.assert_allclose(found.weights, expected_weights, rtol=1e-3, atol=1e-5 * np.abs(expected_weights).max())
    np.testing.assert_allclose(found.score, path.scores[-1], rtol=1e-4)
    explained = explain(classifier, PICTURE, layer.name, c, steps=2, score=score)["grad_cam"].cam
    assert_same(np.maximum(found.signed, 0), explained.astype(np.float64), "Grad-CAM in front of its ReLU")


@pytest.mark.parametrize("net", ["relu", "smooth", "branch"])
@pytest.mark.parametrize("strength", [0.5, 5.0, -3.0])
def test_a_strength_adds_itself_over_z_to_every_weight(net, strength):
    classifier, layer, logit = at(net)
    _, _, probability = at(net, "probability")
    weights = constant(logit.activations, strength)
    found = altered(classifier, layer, PICTURE, logit, CLASS, weights)
    places = layer.shape[0] * layer.shape[1]
    by_hand = np.maximum(logit.signed + strength / places * logit.activations.astype(np.float64).sum(axis=2), 0)
    if by_hand.max() > 0.05 * np.abs(logit.signed).max():
        assert_same(found.logit_map, by_hand, f"ReLU(L + (K/Z) Σ_k A_k) at K = {strength}")
    np.testing.assert_allclose(
        found.logits, logit.logits + found.shift, atol=1e-5 * max(1, abs(found.shift)), err_msg="t on every logit"
    )
    old, new = (nets.softmax(v.astype(np.float64)[None])[0] for v in (logit.logits, found.logits))
    np.testing.assert_allclose(new, old, atol=1e-5, err_msg="the probabilities stay")
    np.testing.assert_allclose(
        found.probability_map,
        np.maximum(probability.signed, 0),
        atol=2e-4 * np.abs(probability.signed).max(),
        err_msg="and so does their Grad-CAM",
    )


def test_the_reference_sees_the_same_altered_network():
    """The logit of the altered network by complex steps: no formula of ours, no backward pass."""
    from support import reference as ref

    classifier, layer, logit = at()
    network = built_by_reference("relu")[-1]
    weights = np.linspace(-0.2, 0.3, layer.shape[2])
    found = altered(classifier, layer, PICTURE, logit, CLASS, weights)

    def of(a):
        return network.head(fed(PICTURE), a)[CLASS] + (a.sum(axis=(0, 1)) * weights).sum()

    a = network.trunk(fed(PICTURE))
    assert_same(found.logit_map, ref.map_of(ref.gradient(of, a).mean(axis=(0, 1)), a), "Grad-CAM of z + t")


@pytest.mark.parametrize("net", ["relu", "branch"])
def test_what_is_painted_appears_as_far_as_the_layers_maps_allow(net):
    classifier, layer, logit = at(net)
    maps = logit.activations.reshape(-1, layer.shape[2]).astype(np.float64)
    within_reach = np.maximum(maps @ np.random.default_rng(0).normal(size=layer.shape[2]), 0).reshape(layer.shape[:2])
    weights = painted(logit, within_reach)
    found = altered(classifier, layer, PICTURE, logit, CLASS, weights)
    assert_same(found.logit_map, expected(logit, weights), "run, it is what the weights say", 1e-4)
    bright = within_reach > 0
    target = np.where(bright, within_reach / within_reach.max(), -0.25) * np.abs(logit.signed).max()
    reached = logit.signed + logit.activations.astype(np.float64) @ weights.astype(np.float64)
    for step in np.eye(layer.shape[2]) * 1e-3:
        other = reached + logit.activations.astype(np.float64) @ step
        assert np.square(reached - target).sum() <= np.square(other - target).sum() + 1e-9, "no weights come nearer"
    assert found.logit_map[bright].mean() > 2 * found.logit_map[~bright].mean(), "bright where it was painted"


def test_any_map_where_there_are_more_channels_than_places():
    """As at the last layers of real networks: 7×7 places, hundreds of channels."""
    _, layer, logit = at()
    rng = np.random.default_rng(3)
    many = rng.uniform(size=(*layer.shape[:2], 40))
    one = type(logit)(many, rng.normal(size=many.shape), logit.logits, 0.0)
    wanted = np.zeros(layer.shape[:2])
    wanted[0, -1] = wanted[-1, 0] = 1
    found = expected(one, painted(one, wanted))
    assert (found[wanted > 0] > 0.99 * found.max()).all() and found[wanted == 0].max() < 1e-3 * found.max()


@pytest.mark.parametrize("wanted", [np.zeros((4, 6)), np.ones((3, 6)), np.ones((4, 6, 1))])
def test_nothing_painted_or_another_size_is_refused(wanted):
    _, _, logit = at()
    with pytest.raises(InputError, match="The map wanted is 4×6 cells"):
        painted(logit, wanted)


@pytest.mark.parametrize("strength", [1e6, -1e6, np.nan])
def test_a_term_that_float32_would_round_away_is_refused(strength):
    classifier, layer, logit = at()
    with pytest.raises(InputError, match="at most ±300"):
        altered(classifier, layer, PICTURE, logit, CLASS, constant(logit.activations, strength))


@pytest.mark.parametrize("factor", [0.25, 1.0, 4.0])
@pytest.mark.parametrize("net", ["relu", "branch"])
def test_logits_a_factor_larger_are_a_network_of_a_larger_last_layer(net, factor):
    classifier, layer, logit = at(net)
    found = changed(classifier, "scaled", layer, PICTURE, logit.activations, CLASS, "probability", factor)
    network = built_by_reference(net)[-1]
    from support import reference as ref

    def probability(a):
        return ref.score(factor * network.head(fed(PICTURE), a), CLASS, "probability")

    a = network.trunk(fed(PICTURE))
    slopes = ref.gradient(probability, a)
    np.testing.assert_allclose(found.gradients, slopes, atol=2e-5 * np.abs(slopes).max(), rtol=1e-4)
    np.testing.assert_allclose(found.score, probability(a), rtol=1e-4)


def test_float32_loses_the_class_term_where_p_rounds_to_one():
    """1 − p under 6e-8: the naive gradient is about the other classes alone, the stable one is not."""
    classifier, layer, logit = at()
    c = int(logit.logits.argmax())
    margin = np.sort(logit.logits)[-1] - np.sort(logit.logits)[-2]

    def both(factor):
        found = [
            changed(classifier, "scaled", layer, PICTURE, logit.activations, c, score, factor)
            for score in ("probability", "probability-naive")
        ]
        stable, naive = (one.gradients.astype(np.float64) for one in found)
        return np.abs(naive - stable).max() / np.abs(stable).max()

    assert both(4 / margin) < 1e-3, "while nothing rounds they agree"
    assert both(25 / margin) > 0.3, "beyond, they do not"
