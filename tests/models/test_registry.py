"""Classifiers by name: the list, the names people type, ImageNet's classes, what is built without weights."""

import json
import random
import threading

import keras
import numpy as np
import pytest
from keras.src.utils import file_utils

import explorer
from explorer import models
from explorer.errors import InputError
from explorer.models.keras_applications import APPLICATIONS, CLASS_NAMES, class_names
from explorer.models.keras_builders import built, remote_of
from explorer.models.toy import model as toy_vgg

EXPECTED = [
    "toy-vgg",
    "vgg16",
    "vgg19",
    "resnet50",
    "resnet50-v2",
    "resnet101-v2",
    "inception-v3",
    "xception",
    "mobilenet-0.25",
    "mobilenet-0.5",
    "mobilenet-0.75",
    "mobilenet",
    "mobilenet-v2",
    "mobilenet-v3-small",
    "mobilenet-v3-large",
    "densenet121",
    "nasnet-mobile",
    "efficientnet-b0",
    "efficientnet-b1",
    "efficientnet-b2",
    "efficientnet-b3",
    "efficientnet-v2-b0",
    "efficientnet-v2-s",
    "convnext-tiny",
]


@pytest.fixture(scope="module")
def small():
    """An ImageNet network that is quick to build."""
    return explorer.load("mobilenet-0.25", weights=None)


# ── names ──


def test_the_list():
    assert list(models.MODELS) == EXPECTED and next(iter(models.MODELS)) == "toy-vgg", "the embedded one comes first"
    for name, entry in models.MODELS.items():
        assert entry.name == name and entry.label and entry.about.endswith("."), f"{name} can be shown in a list"


@pytest.mark.parametrize("name", EXPECTED)
def test_every_name_as_keras_writes_it_too(name):
    plain = name.replace("-", "")
    for written in (name, plain, plain.upper(), name.replace("-", "_"), f" {name.title()} "):
        assert models.find(written).name == name, f"{written!r} is {name}"


@pytest.mark.parametrize("name", ["VGG19", "ResNet50V2", "MobileNetV3Small", "EfficientNetV2B0", "ConvNeXtTiny"])
def test_the_names_of_keras_are_known(name):
    assert models.find(name).label == name


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("vgg18", "did you mean 'vgg1"),
        ("resnet-51", "did you mean 'resnet50'"),
        ("moblienet", "did you mean 'mobilenet'"),
        ("zzz", "the known ones are toy-vgg, vgg16, "),
        ("", "the known ones are"),
        (None, "the known ones are"),
    ],
)
def test_an_unknown_name_is_told_in_one_sentence(name, hint):
    with pytest.raises(InputError, match=f"^No classifier is called '{name}'; {hint}"):
        explorer.load(name)


# ── what comes with the project, and what does not ──


def test_sizes_and_places(tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    monkeypatch.setattr(models.weights, "folders", lambda: [tmp_path / "models"])
    toy, *others = models.MODELS.values()
    assert toy.download_bytes == 0 and toy.on_disk() == toy_vgg.WEIGHTS, "ToyVGG is there without a download"
    for entry in others:
        assert entry.on_disk() is None and entry.download_bytes > 1e6, f"{entry.name} is not, and has a size"
    (tmp_path / "models").mkdir()
    vgg = models.MODELS["vgg19"]
    (tmp_path / "models" / vgg.file).write_bytes(b"weights")
    assert [entry.name for entry in others if entry.on_disk()] == ["vgg19"], "a file is found under Keras' name"


def test_toy_vgg_can_be_loaded_from_a_file_or_untrained(classifier):
    trained = classifier.model.get_weights()
    loaded = explorer.load("toy-vgg", weights=toy_vgg.WEIGHTS).model.get_weights()
    untrained = explorer.load("toy-vgg", weights=None).model.get_weights()
    assert all(np.array_equal(a, b) for a, b in zip(trained, loaded, strict=True)), "the same file, the same weights"
    assert not np.array_equal(trained[0], untrained[0]), "and other weights without it"
    assert [layer.name for layer in classifier.block_ends] == list(models.MODELS["toy-vgg"].block_ends)
    assert classifier.default_layer == models.MODELS["toy-vgg"].default_layer == "block5_pool"


# ── building ──


def test_an_untrained_network_is_the_same_each_time(small):
    keras.utils.set_random_seed(12345)
    keras.layers.Activation("relu"), keras.layers.Activation("relu")  # so that Keras' count of layers has moved on
    before = random.getstate()
    again = explorer.load("mobilenet-0.25", weights=None)
    assert random.getstate() == before, "the random numbers of the caller are left as they were"
    assert again.model is not small.model, "what is done to one does not happen to the other"
    for a, b in zip(small.model.get_weights(), again.model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_layers_without_a_name_are_always_numbered_alike():
    names = {tuple(sorted(layer.name for layer in built(_unnamed).layers)) for _ in range(3)}
    assert names == {("activation", "activation_1", "input_layer")}, "so that a layer's name can be written down"


def _unnamed():
    x = keras.Input((4, 4, 3))
    return keras.Model(x, keras.layers.Activation("relu")(keras.layers.Activation("tanh")(x)))


def test_what_keras_would_download_is_learnt_without_a_download(monkeypatch):
    asked = []
    monkeypatch.setattr(file_utils, "get_file", lambda *args, **kwargs: asked.append(args))
    original = file_utils.get_file

    def builder(weights, alpha):
        others = threading.Thread(target=file_utils.get_file, args=("theirs.h5", "http://127.0.0.1/theirs.h5"))
        others.start()
        others.join()
        file_utils.get_file(
            "mine.h5", "http://127.0.0.1/mine.h5", cache_subdir="models", file_hash=f"{weights} {alpha}"
        )

    remote = remote_of(builder, alpha=3)
    assert (remote.file, remote.url, remote.hash) == ("mine.h5", "http://127.0.0.1/mine.h5", "imagenet 3")
    assert asked == [("theirs.h5", "http://127.0.0.1/theirs.h5")], "what others download meanwhile, they download"
    assert file_utils.get_file is original, "and Keras is as it was"


# ── ImageNet's names ──


def test_imagenet_has_1000_names_of_its_own():
    names = json.loads(CLASS_NAMES.read_text(encoding="utf-8"))
    assert tuple(names) == class_names() and len(names) == 1000
    assert len({name.lower() for name in names}) == 1000, "no two are alike, even without capitals"
    assert all(name == name.strip() and "_" not in name for name in names), "written as words"
    known = {
        0: "tench",
        134: "crane (bird)",
        281: "tabby",
        402: "acoustic guitar",
        517: "crane (machine)",
        638: "maillot (tights)",
        639: "maillot (bathing suit)",
        805: "soccer ball",
    }
    assert {index: names[index] for index in known} == known, "in the order of the networks' outputs"


def test_they_are_those_of_keras(shared_data):
    keras_names = json.loads((shared_data / "keras_home" / "models" / "imagenet_class_index.json").read_text())
    for index, name in enumerate(class_names()):
        assert name.split(" (")[0] == keras_names[str(index)][1].replace("_", " "), f"class {index}"


def test_a_class_is_found_by_its_name(small):
    assert small.class_index("Soccer Ball") == 805 and small.class_index("cardigan (dog)") == 264


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("crane", "'crane (bird)' or 'crane (machine)'?"),
        ("Maillot", "'maillot (tights)' or 'maillot (bathing suit)'?"),
        ("cardigan", "'Cardigan (dog)' or 'cardigan (garment)'?"),
        ("retriever", "'flat-coated retriever' or 'curly-coated retriever' or 'golden retriever'?"),
        ("soccerball", "'soccer ball' or "),
        ("acoustic gitar", "'acoustic guitar' or "),
    ],
)
def test_a_name_that_is_not_quite_one_is_answered_with_those_that_are(small, typed, offered):
    with pytest.raises(InputError) as told:
        small.class_index(typed)
    assert str(told.value).startswith(f"mobilenet-0.25 knows no class '{typed}'; did you mean {offered}")


def test_every_application_has_the_names(small):
    assert small.class_names == class_names() and len(APPLICATIONS) == len(EXPECTED) - 1
