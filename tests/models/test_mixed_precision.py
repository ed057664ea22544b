"""Networks told to compute in bfloat16: which of their layers do, and how far off what they compute may be."""

import keras
import numpy as np
import pytest
from keras import layers

import explorer
from explorer.engine.run import explain
from explorer.models.mixed_precision import in_precision
from explorer.network import backend
from support import ROOT
from support import networks as nets
from support import reference as ref
from support.paths import PICTURE, fed

UNIT = 2.0**-9  # what rounding to the eight bits of bfloat16 may take from a number, or add, as a share of it
BICYCLE = ROOT / "assets" / "examples" / "bicycle.png"


@pytest.fixture
def set_precision():
    yield backend.set_precision
    backend.set_precision("float32")


def in_float32(model):
    return {layer.name for layer in model._flatten_layers(include_self=False) if layer.compute_dtype == "float32"}


@pytest.mark.parametrize("kind", [kind for kind in nets.KINDS if kind != "subclassed"])
@pytest.mark.parametrize("softmax", ["inside", "behind"])
def test_logits_are_made_in_float32(set_precision, kind, softmax):
    set_precision("bfloat16")
    inside = softmax == "inside"
    tail = [] if inside else [layers.Reshape((nets.CLASSES,), name="shape"), layers.Softmax(name="end")]
    model = in_precision(nets.KINDS[kind][0](nets.parts(softmax="softmax" if inside else None), tail))
    computing = in_float32(model) & {"stem", "pool", "features", "neck", "flat", "classes", "shape", "end"}
    assert computing == {"classes"} | (set() if inside else {"shape", "end"}), "the last kernel, and what follows it"
    assert all(v.dtype == "float32" for v in model.variables), "the weights stay as they are"
    logits = nets.classifier(nets.seed_weights(model, gain=9)).logits(PICTURE[None])
    spacing = np.spacing(logits.astype(np.float32)) * 2.0**16  # of bfloat16 numbers of this size
    assert np.abs(logits / spacing - np.round(logits / spacing)).max() > 0.01, "they are not rounded to bfloat16"


def test_every_output_has_its_logits_in_float32(set_precision):
    set_precision("bfloat16")
    model = in_precision(nets.with_heads(lambda maps, first, second: [first, second]))
    assert in_float32(model) >= {"classes", "labels"} and "neck" not in in_float32(model), "both heads, and no more"


def test_pixels_are_prepared_in_float32(set_precision):
    set_precision("bfloat16")
    p = nets.parts()
    x = keras.Input((nets.HEIGHT, nets.WIDTH, 3))
    front = [layers.Rescaling(1 / 255, name="scale"), layers.Normalization(mean=0.5, variance=0.1, name="centre")]
    model = in_precision(nets.seed_weights(keras.Model(x, nets.chain(x, [*front, *p.values()]))))
    assert in_float32(model) >= {"scale", "centre"} and "stem" not in in_float32(model)
    assert nets.classifier(model).layer("stem").dtype == "bfloat16", "the first convolution is the first to round"


def test_what_is_loaded_computes_in_it_and_what_is_brought_keeps_its_own(set_precision, tmp_path):
    model = nets.make()[0].model
    model.save(tmp_path / "own.keras")
    set_precision("bfloat16")
    own = explorer.load(tmp_path / "own.keras")
    assert own.layer("features").dtype == "bfloat16" and "classes" in in_float32(own.model), "a file of one's own"
    toy = explorer.load("toy-vgg")
    assert toy.layer("block5_pool").dtype == "bfloat16", "the embedded network"
    assert {"predictions"} == in_float32(toy.model) - {"image"}, "all of it but its logits"
    before = nets.state_of(model)
    assert explorer.from_model(model).layer("features").dtype == "float32", "a model in memory is its owner's"
    assert nets.state_of(model) == before, "and never changed"
    set_precision("tf32")
    assert explorer.load("toy-vgg").layer("block5_pool").dtype == "float32"


def test_a_layer_saved_in_another_precision_keeps_it(set_precision):
    p = nets.parts()
    p["features"] = layers.Conv2D(5, 3, activation="relu", dtype="float16", name="features")
    model = nets.functional(p)
    set_precision("bfloat16")
    in_precision(model)
    assert model.get_layer("features").compute_dtype == "float16"
    assert model.get_layer("neck").compute_dtype == "bfloat16"


def convolved(x, off, kernel, bias, padding="valid"):
    """The most that a convolution in bfloat16 may be off where its input x is by `off`: x, the kernel, the bias, their
    product and the sum are each rounded once, which makes less than five units of what is added up, signs apart."""
    kernel, bias = np.abs(kernel), np.abs(bias)
    return ref.conv(off, kernel, 0, padding) + 5 * UNIT * ref.conv(np.abs(x) + off, kernel, bias, padding)


def test_activations_and_logits_in_bfloat16_keep_a_bound_that_is_proved(set_precision):
    set_precision("bfloat16")
    base, layer, _ = nets.make()
    classifier = nets.classifier(in_precision(base.model))
    w, x = nets.weights_of(classifier.model), fed(PICTURE)
    below = ref.max_pool(ref.relu(ref.conv(x, *w["stem"], "same")))
    a = ref.relu(ref.conv(below, *w["features"]))
    after = ref.relu(ref.conv(a, *w["neck"]))
    off = ref.max_pool(convolved(x, np.zeros_like(x), *w["stem"], "same"))  # ReLU and maximum add nothing to an error
    bound = convolved(below, off, *w["features"])
    found = explain(classifier, PICTURE, layer, steps=1, units="all")
    activations = np.asarray(backend.fetch(found.path.activations)[-1], np.float64)
    assert (np.abs(activations - a) <= bound).all(), f"{np.abs((activations - a) / bound).max():.2f} of the bound"
    assert np.abs(activations - a).max() > UNIT / 8 * a.max(), "and they are rounded"
    assert np.median(bound) < 0.1 * a.max(), "the bound says something"
    kernel, bias = w["classes"]
    logits = ref.dense(after, kernel, bias)
    most = convolved(a, bound, *w["neck"]).reshape(-1) @ np.abs(kernel) + 1e-5
    assert (np.abs(classifier.logits(PICTURE[None])[0] - logits) <= most).all(), "float32 from there on"


def test_saturation_is_told_in_bfloat16_too(set_precision):
    """1 − p of a margin of 27 stays within a fifth, where logits of bfloat16 would be 1/8 apart."""
    exact = explain(explorer.load("toy-vgg"), BICYCLE, steps=1)
    set_precision("bfloat16")
    rounded = explain(explorer.load("toy-vgg"), BICYCLE, steps=1)
    assert exact.complement < 1e-10, "a saturated picture"
    assert abs(np.log(rounded.complement / exact.complement)) < 0.2, f"{rounded.complement} for {exact.complement}"
