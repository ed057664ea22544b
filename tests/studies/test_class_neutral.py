"""The class-neutral baseline is where its loss says, found as RMSprop finds it, and explains like any other."""

import gc

import keras
import numpy as np
import pytest
from keras import layers

from explorer.engine.baselines import ClassNeutral, canonical, describe, displayed, make_baseline
from explorer.engine.result_cache import ResultCache
from explorer.engine.run import explain
from explorer.errors import Cancelled, InputError
from explorer.network import output_head
from explorer.network.classifier import Classifier
from explorer.network.input_spec import GREY_OF_RGB
from explorer.render.sheet import side_by_side
from explorer.studies import class_neutral
from support import networks

SIZE = (networks.HEIGHT, networks.WIDTH)
NEUTRAL_PIXEL = np.array([2.0, -1.5, 1.0])


@pytest.fixture(scope="module")
def net():
    return networks.make(activation="softplus", gain=0.4)[0]


def linear_in_the_mean_colour():
    """Four classes whose logits are K m + β of the mean colour m: alike at NEUTRAL_PIXEL and there alone."""
    x = keras.Input((*SIZE, 3))
    maps = layers.Conv2D(3, 1, use_bias=False, name="same")(x)
    dense = layers.Dense(4, activation="softmax")
    model = keras.Model(x, dense(layers.GlobalAveragePooling2D()(maps)))
    model.get_layer("same").set_weights([np.eye(3, dtype=np.float32)[None, None]])
    kernel = np.array([[1.0, -0.4, 0.2, -0.8], [0.3, 0.9, -1.0, -0.2], [-0.5, 0.6, 0.7, -0.8]], np.float32)
    dense.set_weights([kernel, (0.7 - NEUTRAL_PIXEL @ kernel).astype(np.float32)])
    return Classifier("linear", model, lambda rgb: rgb, list("abcd"), SIZE)


def last(steps):
    return list(steps)[-1]


def test_the_loss_is_the_published_one(net):
    pixels = networks.picture().astype(np.float32) - 40
    loss, _, most = class_neutral.objective(net)(pixels)
    p = networks.softmax(net.values(pixels[None]).astype(np.float64))[0]
    expected = 0.99 * np.abs(p - 1 / len(p)).max() + 0.01 * np.mean(pixels.astype(np.float64) ** 2)
    assert loss == pytest.approx(expected, rel=1e-5) and most == pytest.approx(p.max(), rel=1e-5), "0.99 and 0.01"


@pytest.mark.parametrize("seed", range(3))
def test_the_gradient_is_that_of_finite_differences(net, seed):
    rng = np.random.default_rng(seed)
    pixels, way = rng.normal(0, 3, (*SIZE, 3)).astype(np.float32), rng.choice([-1.0, 1.0], (*SIZE, 3))
    loss_at = class_neutral.objective(net)
    slope, step = loss_at(pixels)[1], 0.2
    ahead, behind = (loss_at((pixels + sign * step * way).astype(np.float32))[0] for sign in (1, -1))
    assert (slope * way).sum() == pytest.approx((ahead - behind) / (2 * step), rel=0.02, abs=2e-6)


def test_the_matrix_of_a_preprocessing_that_turns_colours_round(net):
    expected = np.eye(3)[::-1] / 64
    assert np.allclose(class_neutral.pixel_matrix(net), expected, atol=1e-6), "red goes last, and all are divided by 64"


def one_channel():
    x = keras.Input((*SIZE, 1))
    return Classifier("grey", networks.seed_weights(_small(x, x)), networks.preprocess, None, SIZE)


def channels_first():
    x = keras.Input((3, *SIZE))
    return Classifier("first", networks.seed_weights(_small(x, layers.Permute((2, 3, 1))(x))), networks.preprocess)


def _small(x, maps):
    maps = layers.Conv2D(4, 3, activation="softplus", name="stem")(maps)
    return keras.Model(x, layers.Dense(3, activation="softmax", name="classes")(layers.GlobalAveragePooling2D()(maps)))


@pytest.mark.parametrize("make", [one_channel, channels_first])
def test_the_gradient_comes_back_through_every_kind_of_input(make):
    classifier = make()
    if make is one_channel:
        matrix = class_neutral.pixel_matrix(classifier)
        assert np.allclose(matrix, GREY_OF_RGB[:, None] / 64, atol=1e-6), "grey is a sum of red, green and blue"
    rng = np.random.default_rng(0)
    pixels, way = rng.normal(0, 20, (*SIZE, 3)).astype(np.float32), np.zeros((*SIZE, 3))
    way[2:5, 6:9, 1] = 1.0
    loss_at = class_neutral.objective(classifier)
    ahead, behind = (loss_at((pixels + sign * way).astype(np.float32))[0] for sign in (1, -1))
    assert (loss_at(pixels)[1] * way).sum() == pytest.approx((ahead - behind) / 2, rel=0.03, abs=2e-6), classifier.name


def test_where_the_neutral_pixel_is_known_it_is_found():
    found = last(class_neutral.descent(linear_in_the_mean_colour()))
    assert np.allclose(found.pixels, NEUTRAL_PIXEL, atol=0.1), "every pixel is the one at which all logits are alike"
    assert found.greatest[0] > 0.5 and found.greatest[found.best_step] < 0.26, "so every class of four has a quarter"


def test_the_steps_are_those_of_rmsprop(net):
    loss_at = class_neutral.objective(net)
    pixels = keras.Variable(np.zeros((*SIZE, 3), np.float32))
    optimizer = keras.optimizers.RMSprop(0.1, epsilon=1e-14)  # under the root, where 1e-7 beside it is about 1e-14
    expected = []
    for _ in range(6):
        loss, slope, _ = loss_at(keras.ops.convert_to_numpy(pixels))
        expected.append(loss)
        optimizer.apply([slope], [pixels])
    losses = last(class_neutral.descent(net, steps=5)).losses
    assert np.allclose(losses, expected, rtol=1e-3), "Keras' own, step by step"


def test_the_loss_falls_and_the_pixels_are_those_of_its_least(net):
    found = last(class_neutral.descent(net))
    assert found.steps == class_neutral.STEPS == 200 and len(found.greatest) == 201, "black, and each of 200 steps"
    assert found.losses[found.best_step] == found.losses.min() < found.losses[0], "the loss falls"
    assert found.greatest[found.best_step] < found.greatest[0], "and with it the greatest probability"
    p = output_head.probabilities("softmax", net.values(found.pixels[None]))[0]
    assert p.max() == pytest.approx(found.greatest[found.best_step], rel=1e-4), "the pixels are those of that step"
    assert found.pixels.min() < 0, "they are not cut to what could be displayed"


def test_on_a_real_network_no_class_of_a_thousand_stands_out_any_more(shared_data):
    import explorer

    weights = shared_data / "keras_home" / "models" / "mobilenet_2_5_224_tf.h5"
    found = last(class_neutral.descent(explorer.load("mobilenet-0.25", str(weights)), steps=60))
    most = found.greatest[found.best_step]
    assert most - 0.001 < 0.2 * (found.greatest[0] - 0.001), f"from {found.greatest[0]} to {most}, towards 1/1000"
    assert np.abs(found.pixels).max() < 8, "by a few of 255 steps of brightness, as was published of VGG-19"


def test_it_is_kept_as_long_as_its_network_and_can_be_stopped():
    own = networks.make()[0]
    counts = []

    def stop(*count):
        counts.append(count)
        if count[1] == 2:
            raise Cancelled

    with pytest.raises(Cancelled):
        class_neutral.class_neutral(own, stop)
    assert class_neutral.cached(own) is None and counts[-1][1:] == (2, 200), "stopped after two steps, it is not kept"
    shown = []
    found = class_neutral.class_neutral(own, show=shown.append)
    assert len(shown) == 201 and shown[-1] is found, "every step can be shown"
    own.run = None
    assert class_neutral.class_neutral(own) is class_neutral.cached(own) is found, "a second time it costs nothing"
    before = len(class_neutral._kept)
    del own, found, shown
    gc.collect()
    assert len(class_neutral._kept) == before - 1, "and it goes with its network"


def test_what_has_no_neutral_picture_is_refused():
    model, _ = networks.ending(layers.Activation("sigmoid"))
    words = networks.refused(class_neutral.class_neutral, networks.classifier(model))
    assert "sigmoid of its own" in words, "without a softmax there is no 1/N"
    words = networks.refused(class_neutral.class_neutral, _fed(lambda rgb: np.clip(rgb, 0, 255) / 255))
    assert "preprocessing" in words, "a preprocessing that cuts would not be followed beyond 0..255"
    across = np.linspace(0, 1, SIZE[1])[None, :, None]
    words = networks.refused(class_neutral.class_neutral, _fed(lambda rgb: rgb * across))
    assert "preprocessing" in words, "nor one that differs from place to place"
    x = keras.Input((*SIZE, 3), dtype="uint8")
    whole = Classifier("whole", networks.seed_weights(_small(x, layers.Rescaling(1 / 255)(x))), lambda rgb: rgb)
    assert "rounds" in networks.refused(class_neutral.class_neutral, whole), "nor is there a gradient of whole numbers"


def _fed(preprocess):
    model = networks.seed_weights(networks.functional(networks.parts()))
    return Classifier("odd", model, preprocess, networks.CLASS_NAMES, SIZE)


# As a baseline


@pytest.mark.parametrize("word", ["black", "grey"])
def test_of_whole_pixels_it_explains_as_the_picture_of_the_same(net, word):
    pixels = make_baseline(word, networks.picture()).astype(np.float32)
    plain = explain(net, networks.picture(), baseline=word, steps=6)
    same = explain(net, networks.picture(), baseline=ClassNeutral(pixels), steps=6)
    for one in plain:
        assert np.array_equal(same[one.method].cam, one.cam), f"{one.label} begins at the same values"


def test_its_path_begins_at_values_no_picture_has(net):
    pixels = np.random.default_rng(0).normal(0, 50, (*SIZE, 3)).astype(np.float32)
    found = explain(net, networks.picture(), baseline=ClassNeutral(pixels), steps=4)
    assert np.allclose(found.path.logits[0], net.values(pixels[None])[0], rtol=1e-4, atol=1e-5), "neither cut nor whole"
    assert np.array_equal(found.baseline_image, pixels), "and the result has them"
    again = explain(net, found.image, **found.asks)
    assert np.array_equal(again["rsi_grad_cam"].cam, found["rsi_grad_cam"].cam), "the same can be asked again"
    assert found.settings["baseline"].startswith("class-neutral:"), "settings name it"
    assert describe(found.settings["baseline"]) == "class-neutral", "in words too"
    assert side_by_side(found).dtype == np.uint8, "and a figure shows what can be shown of it"


def test_results_from_it_are_remembered(net):
    cache, pixels = ResultCache(), np.full((*SIZE, 3), -1.5)
    asked = {"class_index": 1, "steps": 4}
    first = cache.explain(net, networks.picture(), baseline=ClassNeutral(pixels), **asked)
    again = cache.explain(net, networks.picture(), baseline=ClassNeutral(pixels.copy()), **asked)
    other = cache.explain(net, networks.picture(), baseline=ClassNeutral(pixels + 1e-3), **asked)
    assert (first.cost.passes, again.cost.passes, other.cost.passes) == (5, 0, 5), "equal values are the same question"


def test_its_names_its_limits_and_how_it_is_displayed():
    one, other = ClassNeutral(np.full((4, 5, 3), -3.4)), ClassNeutral(np.full((4, 5, 3), 300.6))
    assert canonical(one).startswith("class-neutral:") and canonical(one) != canonical(other)
    assert (displayed(one.pixels) == 0).all() and (displayed(other.pixels) == 255).all(), "cut to 0..255"
    assert (displayed(np.full((1, 1, 3), 1.6, np.float32)) == 2).all(), "and rounded"
    with pytest.raises(ValueError, match="read-only"):
        one.pixels[:] = 0
    assert "size" in networks.refused(make_baseline, one, networks.picture()), "it is not stretched"
    assert "class_neutral(classifier)" in networks.refused(make_baseline, "class-neutral", networks.picture())
    assert "class_neutral(classifier)" in networks.refused(make_baseline, canonical(one), networks.picture())
    for wrong in (np.zeros((4, 5)), np.full((4, 5, 3), np.nan)):
        with pytest.raises(InputError, match="finite"):
            ClassNeutral(wrong)
