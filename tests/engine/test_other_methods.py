"""The methods of the neighbouring papers, from picture to map, against tests/support/reference_others.py; the laws they
keep.

Float32 is off by about 1e-7 a term, of which maps lose a digit to cancellation; a score through a mask is as exact.
Only Otsu's threshold could make more of it, where a value lies half-way between two grey levels.
"""

from functools import cache

import numpy as np
import pytest
from keras import layers

from explorer.attribution.methods import METHODS
from explorer.attribution.path import Path
from explorer.engine.applicability import objection
from explorer.engine.run import explain
from explorer.network.layers import convolution_ends
from support import networks as nets
from support import reference as ref
from support import reference_others as others
from support.counting import assert_same_maps
from support.paths import BASELINE, PICTURE, assert_same, built, fed

STEPS = 4
STARTS = {"black": np.zeros_like(PICTURE), "picture": BASELINE}
NETS = ("relu", "smooth", "branch", "pooled")
SCORES = ("probability", "logit", "log-probability")
MASKED = ("score_cam", "sise", "ada_sise")
EVERY = (*others.UNITS, "grad_cam_plus_plus", *MASKED)


@cache
def one(net):
    """(classifier, layer, reference there)"""
    if net == "tanh":  # activations of both signs
        return nets.make("functional", "tanh")
    return built(net) if net != "pooled" else (lambda c, n: (c, "features", n))(*nets.pooled())


@cache
def walked(net, baseline):
    return others.walks(one(net)[-1], fed(STARTS[baseline]), fed(PICTURE), STEPS)


@cache
def blocks(net):
    return others.blocks(nets.weights_of(one(net)[0].model), fed(PICTURE), net == "smooth")


def ask(net, c=4, **asked):
    return explain(one(net)[0], PICTURE, one(net)[1], c, **{"steps": STEPS} | asked)


CASES = [(net, score, "black", "trapezoid") for net in NETS for score in SCORES]
CASES += [(net, score, "picture", "trapezoid") for net in ("relu", "branch") for score in SCORES]
CASES += [(net, "probability", "black", "right") for net in (*NETS, "tanh")]


@pytest.mark.parametrize(("net", "score", "baseline", "rule"), CASES)
def test_every_map_equals_the_slow_reference(net, score, baseline, rule):
    seen, given = set(), BASELINE if baseline == "picture" else baseline
    for c in (1, 4, 5, 6):
        expected = others.maps(walked(net, baseline), c, score, rule)
        expected["score_cam"] = others.score_cam(one(net)[-1], fed, PICTURE, STARTS[baseline], c, score)
        if net == "tanh":
            del expected["grad_cam_plus_plus"]  # whose α is derived for activations that are not negative
        found = ask(net, c, baseline=given, score=score, methods=list(expected), quadrature=rule)
        for key in [key for key, cam in expected.items() if cam.any()]:
            assert_same(found[key].cam, expected[key], f"{key} of the {score} of class {c} by the {rule} rule")
            seen.add(key)
    assert seen == set(expected), "no map is blank for all classes"


@pytest.mark.parametrize("score", SCORES)
@pytest.mark.parametrize("net", NETS)
def test_sise_equals_the_slow_reference(net, score):
    ends, fused = convolution_ends(one(net)[0].layers()), set()
    assert [end.name.split("/")[-1] for end in ends] == list(blocks(net)), "a layer at each resolution, but of poolings"
    for c in (0, 4, 5):
        found = ask(net, c, steps=1, score=score, methods=["sise", "ada_sise"])
        for key in ("sise", "ada_sise"):
            maps, own = others.block_maps(blocks(net), fed, PICTURE, c, score, key == "ada_sise"), found.layer_maps[key]
            assert [at for at, _ in own] == ends, "one map of every block, from shallow to deep"
            for (at, v), expected in zip(own, maps, strict=True):
                assert (v is None) == (expected is None), f"{key} has a map of {at.name}, or has none"
                if v is not None:
                    np.testing.assert_allclose(v, expected, atol=1e-5, err_msg=f"{key}: V at {at.name}, class {c}")
            assert_same(found[key].cam, others.fuse(maps), f"{key} of the {score} of class {c}")
            assert_same(found[key].cam, others.fused_at_once([v for _, v in own]), f"{key} in closed form")
            fused |= {key} if sum(v is not None for v in maps) > 1 else set()
    assert len(fused) == 2, "more than one layer is fused, for some classes"


def test_sise_takes_no_pooling_for_the_end_of_a_block():
    convs = [layers.Conv2D(3, 3, 2, name="first"), layers.Conv2D(4, 3, 2, name="second")]
    steps = [convs[0], layers.MaxPooling2D(3, 1, padding="same"), convs[1], layers.Flatten(), layers.Dense(7)]
    ends = convolution_ends(nets.classifier(nets.sequential(dict(enumerate(steps)))).layers())
    assert [end.name for end in ends] == ["first", "second"], "though this one keeps the resolution"


def test_a_linear_head():
    """Behind the layer only means and weights: ∂y/∂A = W_kc/Z of the logit everywhere, and m = 1 is exact."""
    (classifier, _, network), seen = one("pooled"), 0
    kernel, a = nets.weights_of(classifier.model)["classes"][0], network.trunk(fed(PICTURE))
    for c in range(nets.CLASSES):
        expected, change = others.cam(kernel, c, a), a - network.trunk(fed(STARTS["black"]))
        for score in SCORES if expected.any() else ():
            assert_same(ask("pooled", c, score=score, methods="cam")["cam"].cam, expected, f"CAM of {c}, any score")
            seen += 1
        found = ask("pooled", c, steps=1, score="logit", methods=["grad_cam", *others.UNITS], quadrature="right")
        np.testing.assert_allclose(24 * found["grad_cam"].cam, expected, atol=2e-5, err_msg="Grad-CAM is CAM over Z")
        for key in ("layer_conductance", "layer_integrated_gradients"):
            assert_same(24 * found[key].cam, np.maximum(change @ kernel[:, c], 0), f"{key} of {c}: Σ W_kc ΔA_k")
        influence = 24 * found["internal_influence"].cam
        np.testing.assert_allclose(influence, max(kernel[:, c].sum(), 0), atol=2e-5, err_msg="Σ W_kc/Z everywhere")
    assert seen > 6, "for some classes the map is not blank"


def test_what_is_refused():
    places = [("relu", "neck"), ("branch", "branch"), ("branch", "joined"), ("pooled", "stem"), ("pooled", "pool")]
    for classifier, layer in [built("smooth")[:2], *((one(net)[0], layer) for net, layer in places)]:
        reason = objection("cam", classifier, classifier.layer(layer))
        assert reason[-1] == "." and ". " not in reason and "\n" not in reason, f"one sentence: {reason!r}"
        with pytest.raises(nets.InputError) as fault:
            explain(classifier, PICTURE, layer, 4, methods=["grad_cam", "cam"])
        assert reason in str(fault.value) and layer in str(fault.value), "the place and the reason are told"
    path = Path(np.array([0.0, 1.0]), *np.ones((2, 2, 3, 4, 5)), np.zeros(2))
    for key in MASKED:
        assert METHODS[key].label in nets.refused(METHODS[key], path), "a path alone has no masked pictures"


# Integrals


def positive(channels=5):
    """Weights of one sign: the score grows with every pixel and every unit, and no ReLU takes anything off a map."""
    p = nets.parts("softplus")
    p["features"] = layers.Conv2D(channels, 3, activation="softplus", name="features")
    model = nets.seed_weights(nets.functional(p))
    model.set_weights([0.3 * np.abs(w) if w.ndim > 1 else w for w in model.get_weights()])
    return nets.classifier(model)


@pytest.mark.parametrize(("rule", "order"), [("trapezoid", 2), ("right", 1)])
def test_completeness_and_its_order(rule, order):
    classifier, gaps = positive(), {key: [] for key in others.UNITS if key != "internal_influence"}
    for steps in (16, 32, 64):
        asked = {"score": "logit", "methods": list(gaps), "quadrature": rule}
        found = explain(classifier, PICTURE, "features", 4, steps=steps, **asked)
        change = float(found.path.scores[-1]) - float(found.path.scores[0])
        for key in gaps:
            gaps[key].append(abs(found[key].cam.sum(dtype=np.float64) / change - 1))
    for key, (_, middle, fine) in gaps.items():
        assert 1e-6 < fine < (2e-3 if order == 2 else 0.1), f"{key} adds up to y(1) − y(0): {gaps[key]}"
        assert abs(np.log2(middle / fine) - order) < 0.3, f"{key}: the gap falls as 1/m^{order}: {gaps[key]}"


def test_layer_conductance_against_another_quadrature():
    """Gauss and Legendre, and dA/dα as a derivative of the trunk: no sum over increments."""
    exact = ref.conductance(one("smooth")[-1], fed(STARTS["black"]), fed(PICTURE), 4).sum(axis=2)
    found = [ask("smooth", steps=m, methods="layer_conductance")["layer_conductance"].cam for m in (64, 128)]
    coarse, fine = np.array(found, np.float64)
    there, extrapolated = exact > 0.1 * exact.max(), fine + (fine - coarse) / 3  # its error falls by four
    assert there.sum() > 5 and not fine[exact < -0.1 * exact.max()].any(), "ReLU, after the channels are added up"
    assert np.abs((extrapolated - exact)[there]).max() < 1e-4 * exact.max(), "the map of the exact conductances"


@pytest.mark.parametrize("rule", ["trapezoid", "right"])
def test_rsi_weights_are_the_spatial_mean_of_layer_conductance(rule):
    asked = {"methods": ["layer_conductance", "rsi_grad_cam"], "units": "all", "score": "logit", "quadrature": rule}
    found = explain(positive(channels=1), PICTURE, "features", 4, steps=7, **asked)
    expected = found["layer_conductance"].cam.mean(dtype=np.float64) * found.path.numpy().activations[-1, :, :, 0]
    assert_same(found["rsi_grad_cam"].cam, expected, "with one channel the maps themselves tell")


# Grad-CAM++


def test_both_forms_of_grad_cam_plus_plus_and_gradients_next_to_nothing():
    rng = np.random.default_rng(5)
    a, g = rng.random((3, 5, 4)), rng.normal(size=(3, 5, 4))
    share = others.shares(g, a)
    assert 0 < share[g > 0].min() < 0.2 and share.max() <= 0.5 and not share[g <= 0].any(), "α within (0, ½]"
    np.testing.assert_allclose(share, others.shares(g, a, others.first_form()), rtol=1e-12, err_msg="one α, two forms")
    for size in (1.0, 1e-6, 1e-20, 1e-30):
        values = [np.stack([v, v]).astype(np.float32) for v in (a, size * g)]
        found = np.asarray(METHODS["grad_cam_plus_plus"](Path(np.array([0.0, 1.0]), *values, np.zeros(2))))
        assert_same(found, others.grad_cam_plus_plus(size * g, a), f"gradients about {size}")
    limit = 15 / 2 * ref.grad_cam(ref.Path([1], [a], [size * g], [0]), "positive")
    assert_same(found, limit, "where g S_k vanishes α is ½: positive-gradient Grad-CAM, but for a factor")
    collapsed = others.grad_cam_plus_plus(size * g, a, others.first_form(epsilon=1e-6))
    assert collapsed.max() < 1e-30 * limit.max(), "the first form with an ε in its denominator has nothing left"


# What does not matter, and what does


def test_maps_grow_with_the_score():
    asked, cams = {"steps": STEPS, "score": "logit"}, []
    for gain in (1.0, 8.0):
        pooled = nets.classifier(nets.seed_weights(nets.pooled()[0].model, gain))
        cams.append(explain(nets.make(gain=gain)[0], PICTURE, "features", 4, methods=EVERY, **asked).cams)
        cams[-1] |= explain(pooled, PICTURE, "features", 4, methods="cam", **asked).cams
    for key, before, after in [(key, *(one[key] for one in cams)) for key in (*EVERY, "cam")]:
        if key in ("score_cam", "grad_cam_plus_plus"):
            assert np.abs(after / after.max() - before / before.max()).max() > 1e-2, f"{key} of 8 y is another map"
        else:
            factor = 1 if key in MASKED else 8
            assert_same(after, factor * before.astype(np.float64), f"{key} of 8 y is {factor} times that of y")


def test_what_masked_pictures_do_not_depend_on():
    first = ask("relu", score="logit", methods=MASKED)
    other = ask("relu", baseline=BASELINE, steps=3, score="logit", methods=MASKED)
    assert_same_maps(other, first, "no baseline: the softmax takes any y(x') off")
    found = explain(one("relu")[0], PICTURE, "neck", 4, steps=1, score="logit", methods="sise")
    assert_same(found["sise"].cam, first["sise"].cam.astype(np.float64), "SISE is of its own layers")


@pytest.mark.parametrize("budget", [1, 20_000, 200_000])
def test_the_memory_budget_changes_no_map(budget):
    parts, whole = (ask("branch", methods=EVERY, memory_budget=size) for size in (budget, 1 << 30))
    assert_same_maps(parts, whole, "in small batches")


# SISE at the edge

EDGES = {  # what weights of one sign, where every gradient is positive, are multiplied by; the maps that can be used
    "no positive map at all": ({"classes": -1}, [], []),
    "none at features": ({"classes": -1, "features": -1}, [0, 1, 2, 3], []),
    "constant ones alone": ({"classes": [1, 1, 1, -1, -1], "features": [0, 0, 0, -1, -1]}, [0, 1, 2, 3], []),
    "exactly one": ({"classes": [1, -1, -1, -1, -1], "features": [20, 1, 1, 1, 1]}, [0, 1, 2, 3], [0]),
    "one among constant ones": ({"features": [0, 0, 1, 0, 0]}, [0, 1, 2, 3], [2]),
    "all alike": ({"classes": 0}, [0, 1, 2, 3], [0, 1, 2, 3, 4]),
}


@pytest.mark.parametrize("edge", EDGES)
def test_sise_where_few_maps_can_be_used(edge):
    signs, *usable = EDGES[edge]
    classifier, _ = nets.pooled()
    for name in ("stem", "features", "classes"):
        kernel, bias = (np.abs(w) for w in classifier.model.get_layer(name).get_weights())
        sign = np.array(signs.get(name, 1), np.float32)
        kernel = kernel * (sign[:, None] if name == "classes" and sign.ndim else sign) + 0.1 * (not sign.any())
        bias = np.where(sign < 0, 1000, bias) if name == "features" else bias  # so that no unit is dead
        classifier.model.get_layer(name).set_weights([kernel, bias])
    there = others.blocks(nets.weights_of(classifier.model), fed(PICTURE))
    for key in ("sise", "ada_sise"):
        found = explain(classifier, PICTURE, "features", 4, steps=1, score="logit", methods=[key])
        maps, own = others.block_maps(there, fed, PICTURE, 4, "logit", key == "ada_sise"), found.layer_maps[key]
        if key == "sise" or edge != "one among constant ones":  # where Otsu's choice may be a constant one
            assert [v is not None for v in maps] == [bool(some) for some in usable], "the reference is at this edge"
            assert {("features", k) for k in usable[1]} <= found.mask_scores.keys(), "no map is missing"
        assert [v is None for _, v in own] == [v is None for v in maps], "a map of the layer, or none"
        if not any(usable):
            assert not found[key].cam.any() and found[key].verdict == "blank", "nothing, and no NaN"
            continue
        assert_same(found[key].cam, others.fuse(maps), f"{key}: what there is is fused")
        if maps[1] is None:
            assert_same(found[key].cam, maps[0], "a layer without a map is passed over, and masks nothing")
        elif len(usable[1]) == 1:
            mask = others.mask_of(there["features"][1].activations[0][:, :, usable[1][0]], *PICTURE.shape[:2])
            assert_same(own[1][1], mask, "the map of one mask is that mask")


# What the network is asked


def test_ada_sise_keeps_a_subset():
    fewer = 0
    for net, c in [(net, c) for net in ("relu", "branch") for c in range(nets.CLASSES)]:
        full, some = (ask(net, c, steps=1, methods=[key]) for key in ("sise", "ada_sise"))
        known = ask(net, c, steps=1, methods=["ada_sise"], reuse=full)
        assert some.mask_scores.keys() <= full.mask_scores.keys(), f"of SISE's maps, {net}, class {c}"
        assert known.cost.passes <= 1, "after SISE there is no mask that was not known, but the picture itself at most"
        np.testing.assert_allclose(known["ada_sise"].cam, some["ada_sise"].cam, atol=1e-5, err_msg="the same map")
        fewer += len(some.mask_scores) < len(full.mask_scores)
    assert fewer > 5, "often fewer"


@pytest.mark.parametrize("net", ["relu", "branch"])
def test_no_masked_picture_is_shown_twice(net):
    alone = {key: ask(net, methods=[key]) for key in MASKED}
    for key, found in alone.items():
        extra = found.cost.passes - (STEPS + 1) - len(found.mask_scores)
        assert found.mask_scores and 0 <= extra <= 1, f"{key}: the path, each mask once, and the picture itself at most"
        again = ask(net, methods=[key], reuse=found)
        assert again.cost.passes <= 1 and again.mask_scores == found.mask_scores, (
            f"{key} again: the picture itself at most"
        )
        assert_same_maps(again, found, "asked again")
        changed = ask(net, 5, methods=[key], reuse=found)
        assert_same_maps(changed, ask(net, 5, methods=[key]), "answers about one class serve no other")
    together, masks = ask(net, methods=MASKED), set().union(*(found.mask_scores for found in alone.values()))
    extra = together.cost.passes - (STEPS + 1) - len(masks)
    assert set(together.mask_scores) == masks and extra <= len(MASKED), "what two methods ask is asked once"
    score_cam, new = ask(net, methods=["score_cam"], reuse=alone["sise"]), masks - alone["sise"].mask_scores.keys()
    assert (0 < len(new) < 5) == (net == "relu"), "where the layer is one of SISE's, some answers are there already"
    assert score_cam.cost.passes <= len(new) + 1, "these are not asked for again"
    assert_same_maps(score_cam, alone["score_cam"], "the map is that of answers all its own")
