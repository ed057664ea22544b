"""The embedded classifier as shipped: its shape, what it knows, and what its explanations show."""

import json
from multiprocessing.pool import ThreadPool

import cv2
import keras
import numpy as np
import pytest

import explorer
from explorer.attribution.scores import margins
from explorer.errors import InputError
from explorer.models.toy import curriculum, examples, train, training_model
from explorer.models.toy import model as toy_vgg
from explorer.models.toy.classes import NAMES
from explorer.models.toy.scenes import draw_scene


@pytest.fixture(scope="module")
def model():
    return toy_vgg.load()


def energy(heatmap, box):
    """Share of a heatmap's mass inside a box."""
    left, top, right, bottom = box
    return heatmap[top:bottom, left:right].sum() / heatmap.sum()


def peak(heatmap, box):
    left, top, right, bottom = box
    return heatmap[top:bottom, left:right].max()


# ── its shape ──


def test_it_is_a_vgg(model):
    expected = [f"block{b}_{part}" for b in range(1, 6) for part in ("conv1", "conv2", "pool")]
    names = [layer.name for layer in model.layers]
    assert names[1:] == [*expected, "flatten", "fc1", "predictions"], "five blocks and a dense head, named as VGG's"
    assert model.input.shape == (None, 224, 224, 3) and model.output.shape == (None, 16), "224 x 224 RGB to 16 classes"
    assert model.get_layer("block4_pool").output.shape[1:] == (14, 14, 64), "14 x 14 after the fourth block"
    assert model.get_layer("block5_pool").output.shape[1:] == (7, 7, 96), "7 x 7 after the fifth"
    assert model.get_layer("predictions").activation is keras.activations.softmax, "the softmax sits inside the last"


def test_it_ships_small_with_its_names():
    assert toy_vgg.WEIGHTS.stat().st_size < 4e6, "weights under 4 MB"
    assert toy_vgg.class_names() == NAMES and len(set(NAMES)) == 16, "sixteen names, in the order of the outputs"


def test_preprocessing_is_affine_in_the_pixels():
    pixels = np.random.default_rng(0).integers(0, 256, (1, 4, 4, 3)).astype(np.uint8)
    black, half, whole = (toy_vgg.preprocess(share * pixels) for share in (0.0, 0.5, 1.0))
    assert (black == -1.0).all(), "black is -1"
    np.testing.assert_allclose(half, (black + whole) / 2, atol=1e-6, err_msg="halfway in pixels is halfway here")


def test_without_softmax_it_gives_the_logits(model):
    images = np.stack([draw_scene(i, "one").image for i in range(4)])
    logits = toy_vgg.load(classifier_activation=None).predict_on_batch(toy_vgg.preprocess(images)).astype(np.float64)
    raised = np.exp(logits - logits.max(axis=1, keepdims=True))
    np.testing.assert_allclose(
        model.predict_on_batch(toy_vgg.preprocess(images)),
        raised / raised.sum(axis=1, keepdims=True),
        atol=1e-5,
        err_msg="softmax of the logits is what the whole network answers",
    )


def test_missing_weights_are_named(tmp_path):
    with pytest.raises(InputError, match="explorer train"):
        toy_vgg.load(tmp_path / "none.weights.h5")


# ── what it knows ──


def test_it_knows_unseen_scenes_and_is_sure_of_many():
    found = train.check(seed=271828, count=320)
    assert found["accuracy"] >= 0.98, "98 of a hundred one-object scenes"
    assert found["saturated"] >= 1 / 3, "a third within 1e-6 of certainty"


def test_it_has_no_idea_where_there_is_nothing(model):
    plain = np.stack([np.full((224, 224, 3), tone, np.uint8) for tone in (0, 64, 128, 192, 255)])
    assert model.predict_on_batch(toy_vgg.preprocess(plain)).max() < 0.4, "a plain picture is no object"
    empty = np.stack([draw_scene((7, i), "empty").image for i in range(40)])
    sure = model.predict_on_batch(toy_vgg.preprocess(empty)).max(axis=1) > 0.9
    assert sure.mean() < 0.2, "a background with distractors is seldom taken for an object"


def test_several_of_a_kind_are_that_kind(model):
    scenes = [draw_scene((8, i), "several") for i in range(60)]
    answers = model.predict_on_batch(toy_vgg.preprocess(np.stack([s.image for s in scenes]))).argmax(axis=1)
    assert np.mean([NAMES[a] == s.kinds[0] for a, s in zip(answers, scenes, strict=True)]) >= 0.95, "several are that"


def test_of_two_kinds_it_names_one(model):
    scenes = [draw_scene((9, i), "two") for i in range(60)]
    answers = model.predict_on_batch(toy_vgg.preprocess(np.stack([s.image for s in scenes]))).argmax(axis=1)
    assert np.mean([NAMES[a] in s.kinds for a, s in zip(answers, scenes, strict=True)]) >= 0.95, "one of the two shown"


def test_margins_hold_where_probabilities_round_away():
    logits = np.array([[40.0, 1.0, 2.0], [0.0, 90.0, -5.0], [1.0, 1.0, 1.0]])
    found = margins(logits, np.array([0, 1, 2]))
    expected = [40.0 - np.log(np.exp(1.0) + np.exp(2.0)), 90.0 - np.log(1.0 + np.exp(-5.0)), -np.log(2.0)]
    np.testing.assert_allclose(found, expected, rtol=1e-12, err_msg="z_c - logsumexp of the others, by hand")
    assert found[1] > 80, "1 - p of 1e-39 is still told from nought"


# ── what its explanations show ──


def scene_and_explain(classifier, example, class_name, layer):
    scene = examples.draw(example)
    return scene, explorer.explain(classifier, scene.image, layer=layer, class_index=NAMES.index(class_name))


def test_a_sure_scene_is_dark_for_grad_cam_and_clear_for_rsi_grad_cam(classifier):
    example = examples.EXAMPLES[0]
    scene, result = scene_and_explain(classifier, example, example.class_name, "block5_pool")
    dark, clear = result["grad_cam"], result["rsi_grad_cam"]
    assert result.complement < 1e-6, "the softmax is saturated"
    assert 0.0 < np.ptp(dark.raw) < 1e-8 and dark.verdict == "dark", "Grad-CAM is faint, not blank: dark under ε = 1e-8"
    assert clear.verdict == "ok" and clear.heatmap.max() > 0.99, "RSI-Grad-CAM uses its whole range"
    assert energy(clear.heatmap, scene.objects[0].box) > 0.6, "and lies on the object"


def test_on_the_surest_scenes_grad_cam_is_dark_and_rsi_grad_cam_points_at_the_object(classifier):
    scenes = [draw_scene((10, i), "one") for i in range(96)]
    logits = classifier.logits(np.stack([scene.image for scene in scenes]))
    surest = np.flatnonzero(margins(logits, logits.argmax(axis=1)) > np.log(1e9))
    assert len(surest) >= 6, "a good few scenes are surer than 1 - 1e-9"
    pointed = 0
    for scene in (scenes[i] for i in surest[:8]):
        result = explorer.explain(classifier, scene.image, methods=("grad_cam", "rsi_grad_cam"))
        assert result["grad_cam"].verdict == "dark", "on every one of them Grad-CAM is dark"
        clear = result["rsi_grad_cam"]
        assert clear.verdict == "ok", "and RSI-Grad-CAM is not"
        pointed += peak(clear.heatmap, scene.objects[0].box) == clear.heatmap.max()
    assert pointed >= min(len(surest), 8) - 1, "nearly always its highest place is on the object"


@pytest.mark.parametrize("example", [e for e in examples.EXAMPLES if e.layout == "two"], ids=lambda e: e.name)
def test_choosing_the_class_moves_the_map(classifier, example):
    for i in (0, 1):
        scene, result = scene_and_explain(classifier, example, example.kinds[i], "block5_pool")
        heatmap = result["rsi_grad_cam"].heatmap
        own, other = scene.objects[i].box, scene.objects[1 - i].box
        assert peak(heatmap, own) == heatmap.max(), "the highest place is on the class asked for"
        assert energy(heatmap, own) > 2.0 * energy(heatmap, other), "twice the other's share lies on it, and more"


@pytest.mark.parametrize("example", [e for e in examples.EXAMPLES if e.layout == "several"], ids=lambda e: e.name)
def test_the_fourth_block_finds_every_one_of_several(classifier, example):
    scene, result = scene_and_explain(classifier, example, example.class_name, "block4_pool")
    heatmap = result["rsi_grad_cam"].heatmap
    bright = (heatmap > 0.4).astype(np.uint8)
    _, islands = cv2.connectedComponents(bright)
    found = []
    for left, top, right, bottom in (item.box for item in scene.objects):
        inside = islands[top:bottom, left:right]
        assert inside.any(), "each is marked"
        found.append(set(np.unique(inside)) - {0})
    assert all(not a & b for i, a in enumerate(found) for b in found[i + 1 :]), "each by a spot of its own"
    covered = np.zeros_like(bright)
    for left, top, right, bottom in (item.box for item in scene.objects):
        covered[top:bottom, left:right] = 1
    assert (bright * covered).sum() > 0.7 * bright.sum(), "and little else"


def test_the_fourth_block_finds_the_pips_of_a_die(classifier):
    example = next(e for e in examples.EXAMPLES if e.name == "die")
    scene, result = scene_and_explain(classifier, example, "die", "block4_pool")
    left, top, right, bottom = scene.objects[0].box
    heatmap = result["rsi_grad_cam"].heatmap[top:bottom, left:right]
    pips = scene.image[top:bottom, left:right].max(axis=2) < 70
    body = scene.image[top:bottom, left:right].min(axis=2) > 90
    assert heatmap[pips].mean() > 1.3 * heatmap[body].mean(), "the pips are brighter than the faces they lie on"
    number, islands = cv2.connectedComponents((heatmap > 0.6).astype(np.uint8))
    spots = sum(pips[islands == i].any() for i in range(1, number))
    assert spots >= 4, "several spots, each with a pip in it"


# ── the examples ──


def test_the_shipped_examples_are_what_the_table_draws():
    listed = json.loads((examples.FOLDER / "examples.json").read_text(encoding="utf-8"))
    assert 8 <= len(listed) <= 12, "eight to twelve"
    assert [entry["file"] for entry in listed] == [f"{e.name}.png" for e in examples.EXAMPLES], "in the table's order"
    assert {path.name for path in examples.FOLDER.glob("*.png")} == {entry["file"] for entry in listed}, "no strays"
    for entry, example in zip(listed, examples.EXAMPLES, strict=True):
        assert entry == {
            "file": f"{example.name}.png",
            "title": example.title,
            "note": example.note,
            "class": example.class_name,
            "layer": example.layer,
        }, "described as the table says"
        shipped = cv2.cvtColor(cv2.imread(str(examples.FOLDER / entry["file"])), cv2.COLOR_BGR2RGB)
        apart = np.abs(shipped.astype(int) - examples.draw(example).image)
        # Processors round the last bit of a sine their own way.
        assert np.mean(apart > 2) < 0.001, "and drawn as the table draws"


# ── how it is made ──


def test_settling_changes_nothing_but_the_form():
    keras.utils.set_random_seed(1)
    young = training_model.build()
    rng = np.random.default_rng(1)
    for variable in young.variables:
        if "moving" in variable.path or "gamma" in variable.path or "beta" in variable.path:
            variable.assign(rng.uniform(0.5, 1.5, variable.shape))
    pixels = toy_vgg.preprocess(np.stack([draw_scene(i).image for i in range(3)]))
    expected = 3.0 * np.asarray(young(pixels, training=False))
    got = np.asarray(training_model.settle(young, 3.0)(pixels))
    np.testing.assert_allclose(
        got,
        expected,
        rtol=2e-3,
        atol=2e-3 * np.abs(expected).max(),
        err_msg="plain convolutions and a flat head compute the learner's logits",
    )


@pytest.mark.training
def test_a_seed_makes_the_same_network_again_whoever_draws(tmp_path, monkeypatch):
    monkeypatch.setattr(curriculum, "WORKERS", 1)
    stages = (curriculum.Stage("first", 64, 64, 1, 1e-3, 1e-4), curriculum.Stage("second", 64, 32, 2, 1e-3, 0.0))
    seen = []
    one = train.train(5, tmp_path / "a", lambda *at: seen.append(at), stages)
    monkeypatch.setattr(train, "drawers", lambda: ThreadPool(2))
    first, second = map(toy_vgg.load, (one, train.train(5, tmp_path / "b", lambda *at: seen.append(at), stages)))
    for one, other in zip(first.get_weights(), second.get_weights(), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-4, err_msg="the same seed, the same weights")
    shares = [done / total for _, done, total in seen[: len(seen) // 2]]
    assert shares == sorted(shares) and shares[-1] == 1.0, "progress only grows, and ends at the whole"
    assert toy_vgg.class_names(tmp_path / "a" / "toy_vgg.classes.json") == NAMES, "the names lie beside the weights"
