"""What must not change a map: terms common to all logits, scale, batches, order, reuse, and how a model is built."""

import keras
import numpy as np
import pytest
from keras import layers

from explorer.attribution.methods import DEFAULT, METHODS
from explorer.engine.run import explain
from support import networks as nets
from support.paths import PICTURE, STEPS, assert_same, built, path_of, telling_class

EVERY = tuple(key for key in METHODS if key != "cam")  # which does not apply to networks of this form

# Oracle 4: adding the same t(x) to every logit


class AddToAll(layers.Layer):
    """z + strength · Σ_k A^k_00 for every class: the probabilities stay, the logits do not."""

    def __init__(self, strength, **options):
        super().__init__(**options)
        self.strength = strength

    def call(self, logits, a):
        return logits + self.strength * keras.ops.sum(a[:, 0, 0, :], axis=-1, keepdims=True)


def shifted(strength):
    p = nets.parts(softmax=None)
    x = keras.Input((nets.HEIGHT, nets.WIDTH, 3))
    a = nets.chain(x, [p["stem"], p["pool"], p["features"]])
    logits = nets.chain(a, [p["neck"], p["flat"], p["classes"]])
    model = keras.Model(x, layers.Softmax()(AddToAll(strength)(logits, a)))
    return nets.classifier(nets.seed_weights(model))


def test_a_term_common_to_all_logits():
    strength = 20.0
    plain, other = shifted(0.0), shifted(strength)
    np.testing.assert_allclose(other.predict(PICTURE[None]), plain.predict(PICTURE[None]), rtol=2e-4)
    for score in ("probability", "probability-naive", "log-probability"):
        one, two = (explain(c, PICTURE, "features", 4, steps=STEPS, score=score) for c in (plain, other))
        for key in DEFAULT:
            assert_same(two[key].cam, one[key].cam.astype(np.float64), f"{key} of the {score} is unchanged", 2e-4)
    found = explain(other, PICTURE, "features", 4, steps=STEPS, score="logit")["grad_cam"].cam
    path = path_of("relu", STEPS, 4, "logit", "black")
    a, g = path.activations[-1], path.gradients[-1]
    units = a.shape[0] * a.shape[1]
    before = sum(g[:, :, k].mean() * a[:, :, k] for k in range(a.shape[2]))
    expected = np.maximum(before + strength / units * a.sum(axis=2), 0)
    assert_same(found, expected, "ReLU(L + (K/Z) Σ_k A^k): the logit's Grad-CAM is another map")
    assert np.abs(expected - np.maximum(before, 0)).max() > 0.5 * expected.max(), "by far"


# Oracle 5: scale


def test_scaling_the_score_changes_no_heatmap():
    """With y → a·y every raw map is a times the one before; logits a times as large are such a score."""
    one, two = (nets.make(gain=gain)[0] for gain in (1.0, 8.0))
    first, second = (explain(c, PICTURE, "features", 4, steps=STEPS, score="logit") for c in (one, two))
    for key in DEFAULT:
        assert_same(second[key].cam, 8 * first[key].cam.astype(np.float64), f"{key} is linear in the score")
        np.testing.assert_allclose(second[key].heatmap, first[key].heatmap, atol=2e-5, err_msg=f"{key}: same heatmap")


# Oracle 9: how it is computed does not matter


@pytest.mark.parametrize("net", ["relu", "branch"])
@pytest.mark.parametrize("budget", [1, 20_000, 100_000])
def test_the_memory_budget_changes_no_map(net, budget):
    (classifier, layer, _), class_index = built(net), telling_class(net)
    whole, parts = (
        explain(classifier, PICTURE, layer, class_index, steps=11, memory_budget=bytes_, methods=EVERY)
        for bytes_ in (1 << 30, budget)
    )
    for key in EVERY:
        assert_same(parts[key].cam, whole[key].cam.astype(np.float64), f"{key} in stretches")
    np.testing.assert_allclose(parts.path.scores, whole.path.scores, rtol=1e-5, err_msg="the scores along the path")
    assert parts.completeness_gap is None or abs(parts.completeness_gap - whole.completeness_gap) < 1e-5, "the gap"


@pytest.mark.slow
def test_the_order_of_requests_changes_no_map():
    requests = [(layer, score) for layer in ("stem", "features", "neck") for score in ("probability", "logit")]
    forth, back = nets.make()[0], nets.make()[0]

    def answered(net, layer, score):
        return explain(net, PICTURE, layer, 4, steps=5, score=score, methods=EVERY)

    one = {request: answered(forth, *request) for request in requests}
    two = {request: answered(back, *request) for request in requests[::-1]}
    for request in requests:
        for key in EVERY:
            if one[request][key].cam.any():
                assert_same(two[request][key].cam, one[request][key].cam.astype(np.float64), f"{key} at {request}")


@pytest.mark.parametrize("net", ["relu", "branch"])
def test_reusing_activations_changes_no_map(net):
    classifier, layer, _ = built(net)
    before = explain(classifier, PICTURE, layer, 4, steps=STEPS, methods=EVERY)
    for change in ({"class_index": 5}, {"class_index": 5, "score": "logit"}, {"class_index": 5, "units": "all"}):
        fresh = explain(classifier, PICTURE, layer, steps=STEPS, methods=EVERY, **change)
        reused = explain(classifier, PICTURE, layer, steps=STEPS, methods=EVERY, reuse=before, **change)
        for key in EVERY:
            assert_same(reused[key].cam, fresh[key].cam.astype(np.float64), f"{key} with {change}")


@pytest.mark.slow
def test_every_kind_of_model_gives_the_same_map():
    cams = {}
    for kind, (_, layer) in nets.KINDS.items():
        found = explain(nets.make(kind)[0], PICTURE, layer, 4, steps=STEPS, methods=EVERY)
        cams[kind] = {key: found[key].cam.astype(np.float64) for key in EVERY}
    for kind, found in cams.items():
        for key in EVERY:
            assert_same(found[key], cams["functional"][key], f"{key} of a {kind} model")
