"""A network of one's own, saved as `.keras` by the test: loaded, explained, labelled, or refused with the reason."""

import json
from concurrent.futures import ThreadPoolExecutor

import keras
import numpy as np
import pytest
from keras import layers, ops
from PIL import Image

import explorer
from explorer.attribution.methods import DEFAULT
from explorer.cli import main as command_line
from explorer.errors import InputError
from explorer.models.custom import from_model, load_custom
from support import networks
from support.keras_files import is_one_sentence, save, small_network, with_recipe

SIZE = (12, 16)
PICTURE = networks.picture()


def body(channels=3, size=SIZE, data_format=None):
    """(input, features at the layer "last")"""
    shape = (channels, *size) if data_format == "channels_first" else (*size, channels)
    x = inputs = keras.Input(shape, name="picture")
    x = layers.Conv2D(4, 3, padding="same", activation="relu", name="first", data_format=data_format)(x)
    return inputs, layers.Conv2D(5, 3, activation="relu", name="last", data_format=data_format)(x)


def ended(*steps, pool=True, **kind):
    inputs, x = body(**kind)
    x = layers.GlobalAveragePooling2D(data_format=kind.get("data_format"))(x) if pool else x
    return keras.Model(inputs, networks.chain(x, steps))


def with_arithmetic():
    """A functional model with the arithmetic that people write between layers."""
    inputs, x = body()
    x = ops.concatenate([ops.relu(x * 2 - 0.1), -x / 3], axis=-1)[:, ::2]
    return keras.Model(inputs, ops.softmax(layers.Dense(4)(ops.mean(x, axis=(1, 2)))))


def with_backbone():
    inputs, x = body()
    backbone = keras.Model(inputs, x, name="backbone")
    steps = [layers.RandomFlip(), layers.Rescaling(2.0), backbone, layers.BatchNormalization()]
    outer = keras.Input((*SIZE, 3))
    x = layers.GlobalAveragePooling2D()(networks.chain(outer, steps))
    return keras.Model(outer, layers.Dense(4, activation="softmax")(layers.Dropout(0.5)(x)))


def two_headed():
    inputs, x = body()
    x = layers.GlobalAveragePooling2D()(x)
    kind, colour = layers.Dense(4, activation="softmax", name="kind"), layers.Dense(7, "softmax", name="colour")
    return keras.Model(inputs, [kind(x), colour(x)])


def compiled():
    model = ended(layers.Dense(4, activation="softmax"))
    model.compile("adam", "categorical_crossentropy", metrics=["accuracy"])
    model.fit(np.zeros((2, *SIZE, 3)), np.eye(4)[:2], verbose=0)
    return model


def half_precision():
    policy, before = "mixed_bfloat16", keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        return ended(layers.Dense(4, activation="softmax", dtype="float32"))
    finally:
        keras.config.set_dtype_policy(before)


def kinds():
    """{what kind of network: (model, the layer to explain, number of classes, kind of end)}"""
    soft = {"activation": "softmax"}
    plain = [keras.Input((*SIZE, 3)), layers.Conv2D(5, 3, name="last"), layers.Flatten(), layers.Dense(4, **soft)]
    return {
        "functional": (lambda: ended(layers.Dense(4, **soft)), "last", 4, "softmax"),
        "Sequential": (lambda: keras.Sequential(plain), "last", 4, "softmax"),
        "nested": (with_backbone, "backbone/last", 4, "softmax"),
        "arithmetic between layers": (with_arithmetic, "last", 4, "softmax"),
        "compiled": (compiled, "last", 4, "softmax"),
        "softmax a layer of its own": (lambda: ended(layers.Dense(4), layers.Softmax()), "last", 4, "softmax"),
        "softmax as an Activation": (
            lambda: ended(layers.Dense(4), layers.Activation("softmax")),
            "last",
            4,
            "softmax",
        ),
        "no softmax": (lambda: ended(layers.Dense(4)), "last", 4, "softmax"),
        "sigmoid": (lambda: ended(layers.Dense(4, activation="sigmoid")), "last", 4, "sigmoid"),
        "grey": (lambda: ended(layers.Dense(4, **soft), channels=1), "last", 4, "softmax"),
        "channels first": (lambda: ended(layers.Dense(4, **soft), data_format="channels_first"), "last", 4, "softmax"),
        "free size": (lambda: ended(layers.Dense(4, **soft), size=(None, None)), "last", 4, "softmax"),
        "several outputs": (two_headed, "last", 4, "softmax"),
        "half precision": (half_precision, "last", 4, "softmax"),
    }


@pytest.mark.parametrize("kind", kinds())
def test_every_kind_of_network_is_loaded_as_it_was_and_explained(tmp_path, kind):
    build, layer, classes, end = kinds()[kind]
    model = build()
    size = SIZE if kind == "free size" else None
    path = save(model, tmp_path / "own.keras")
    classifier = load_custom(path, preprocessing="1/127.5-1", input_size=size)
    assert classifier.kind == end and classifier.class_names == tuple(f"class {i}" for i in range(classes))
    assert classifier.name == "own.keras" and classifier.input_size == SIZE

    fed = classifier.preprocess(PICTURE[None])
    expected, found = (np.asarray(keras.tree.flatten(m(fed, training=False))[0]) for m in (model, classifier.model))
    assert np.array_equal(expected, found), "the weights are those that were saved, to the last bit"
    if kind != "no softmax":
        assert np.allclose(classifier.predict(PICTURE[None])[0], found[0], atol=3e-3 if "half" in kind else 1e-6)

    result = explorer.explain(classifier, PICTURE, layer=layer, steps=4)
    assert result["rsi_grad_cam"].heatmap.shape == SIZE and result.settings["layer"] == layer
    direct = explorer.explain(
        from_model(model, preprocessing="1/127.5-1", input_size=size), PICTURE, layer=layer, steps=4
    )
    for method in DEFAULT:
        assert np.array_equal(result[method].cam, direct[method].cam), "from the file as from memory"


def test_a_head_is_chosen_by_name(tmp_path):
    path = save(two_headed(), tmp_path / "two.keras")
    assert len(load_custom(path, head="kind").class_names) == 4
    names = [f"colour {i}" for i in range(7)]
    assert load_custom(path, names, head="colour").class_names == tuple(names)
    with pytest.raises(InputError, match=r"kind.*colour.*'shape'"):
        load_custom(path, head="shape")


class OwnClass(keras.Model):
    def __init__(self, **settings):
        super().__init__(**settings)
        self.conv, self.classes = layers.Conv2D(5, 3, name="last"), layers.Dense(4, activation="softmax")

    def call(self, x):
        return self.classes(ops.mean(self.conv(x), axis=(1, 2)))


def test_a_subclassed_network_in_a_file_is_refused_and_taken_from_memory(tmp_path):
    model = OwnClass()
    model(np.zeros((1, *SIZE, 3)))
    with pytest.raises(
        InputError, match=r"'OwnClass', whose code a file does not hold: .*explorer\.from_model"
    ) as told:
        load_custom(save(model, tmp_path / "own.keras"))
    assert is_one_sentence(str(told.value))
    classifier = explorer.from_model(
        model, list("abcd"), preprocessing=networks.preprocess, input_size=SIZE, name="mine"
    )
    assert (classifier.name, classifier.class_names) == ("mine", tuple("abcd"))
    fed = networks.preprocess(PICTURE[None].astype(np.float32))
    assert np.allclose(classifier.predict(PICTURE[None]), model(fed), atol=1e-6), "fed by the given function"
    assert explorer.explain(classifier, PICTURE, layer="last", steps=4)["grad_cam"].cam.shape == (10, 14)


def test_only_a_keras_model_is_taken_from_memory():
    with pytest.raises(InputError, match=r"keras\.Model.*received str"):
        from_model("own.keras")


def test_layers_of_ones_own_are_refused_by_name(tmp_path):
    class Own(layers.Layer):
        def call(self, x):
            return x

    inputs, x = body()
    model = keras.Model(inputs, layers.Dense(4)(layers.GlobalAveragePooling2D()(Own(name="mine")(x))))
    with pytest.raises(InputError, match=r"'mine' is of the class .*Own.*explorer.from_model") as told:
        load_custom(save(model, tmp_path / "own.keras"))
    assert is_one_sentence(str(told.value))


def test_a_network_that_keras_2_saved_is_loaded(tmp_path):
    """Keras 2.13 to 2.15 kept the class of functional models in another module, and Keras 3 asks for it in vain."""

    def before(recipe):
        recipe["module"] = "keras.src.engine.functional"
        for layer in recipe["config"]["layers"]:
            layer["config"]["dtype"] = "float32"
            layer["inbound_nodes"] = [
                [[*node["args"][0]["config"]["keras_history"], {}]] for node in layer["inbound_nodes"]
            ]
        recipe["config"]["layers"][0]["config"]["batch_input_shape"] = recipe["config"]["layers"][0]["config"].pop(
            "batch_shape"
        )

    new = save(small_network(), tmp_path / "new.keras")
    old = with_recipe(tmp_path / "old.keras", new, before)
    with pytest.raises(TypeError):
        keras.saving.load_model(old)
    assert np.array_equal(*(load_custom(path).predict(PICTURE[None]) for path in (new, old)))


@pytest.mark.parametrize(
    "name", ["net.h5", "net.hdf5", "net.pt", "net.pth", "net.onnx", "net.KERAS.h5", "saved", "net.bin"]
)
def test_other_formats_are_refused_with_how_to_convert_them(tmp_path, name):
    (tmp_path / name).mkdir() if name == "saved" else (tmp_path / name).write_bytes(b"x")
    with pytest.raises(InputError) as told:
        load_custom(tmp_path / name)
    assert is_one_sentence(str(told.value)) and name in str(told.value)
    assert ".save(" in str(told.value) or "onnx2tf.convert(" in str(told.value), "a line of Python says how"


def test_hdf5_under_the_name_of_a_keras_file_is_refused_with_how_to_convert_it(tmp_path):
    small_network().save(tmp_path / "net.h5")
    with pytest.raises(InputError, match=r"HDF5 under another name.*compile=False\)\.save\("):
        load_custom((tmp_path / "net.h5").rename(tmp_path / "net.keras"))


def test_a_missing_file_is_told(tmp_path):
    with pytest.raises(InputError, match=r"'none\.keras' was not found"):
        load_custom(tmp_path / "none.keras")


def test_several_inputs_and_texts_are_refused_with_the_reason(tmp_path):
    one, two = keras.Input((*SIZE, 3)), keras.Input((*SIZE, 3))
    both = layers.Dense(4)(layers.GlobalAveragePooling2D()(layers.Conv2D(2, 3)(one + two)))
    text = keras.Sequential([keras.Input((9,)), layers.Embedding(50, 8), layers.Flatten(), layers.Dense(4)])
    flat = keras.Sequential([keras.Input((*SIZE, 3)), layers.Flatten(), layers.Dense(4)])
    for model, words in ((keras.Model([one, two], both), "2 inputs"), (text, "pictures"), (flat, "spatial")):
        with pytest.raises(InputError, match=words) as told:
            load_custom(save(model, tmp_path / "no.keras"))
        assert is_one_sentence(str(told.value))


# From the outside


def test_load_takes_the_path_of_a_file(tmp_path):
    path = save(small_network(), tmp_path / "own.keras")
    for given in (path, str(path)):
        classifier = explorer.load(given, labels=["a", "b", "c", "d"], preprocessing="none")
        assert classifier.class_names == ("a", "b", "c", "d")
        assert np.array_equal(classifier.preprocess(PICTURE[None])[0], PICTURE), "pixels as they are"


def test_the_command_line_explains_by_ones_own_network(tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    save(two_headed(), tmp_path / "own.keras")
    (tmp_path / "labels.txt").write_text("ant\nbee\ncat\ndog\n")
    Image.fromarray(PICTURE).save("picture.png")
    words = ["explain", "picture.png", "--model", "own.keras", "--steps", "2"]
    assert command_line.main([*words, "--labels", "labels.txt", "--preprocessing", "1/255", "--head", "kind"]) == 0
    told = json.loads((tmp_path / "out" / "picture.json").read_text())
    own = load_custom("own.keras", "labels.txt", head="kind")
    assert told["class_name"] == own.class_names[own.predict(PICTURE[None])[0].argmax()]
    assert told["settings"]["model"] == "own.keras"
    capfd.readouterr()
    assert command_line.main([*words, "--labels", "labels.txt", "--head", "colour"]) == 2
    complaint = capfd.readouterr().err.strip()
    assert is_one_sentence(complaint) and "7" in complaint and "4" in complaint


def test_options_of_ones_own_network_are_refused_for_the_others(tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    Image.fromarray(PICTURE).save("picture.png")
    for words in (["--labels", "labels.txt"], ["--preprocessing", "1/255"], ["--head", "kind"]):
        assert command_line.main(["explain", "picture.png", *words]) == 2
        complaint = capfd.readouterr().err.strip()
        assert is_one_sentence(complaint) and words[0].strip("-") in complaint and ".keras" in complaint
    with pytest.raises(InputError, match=r"labels.*\.keras"):
        explorer.load("toy-vgg", labels=["x"])


def test_networks_that_are_loaded_at_once_do_not_disturb_each_other(tmp_path):
    models = [ended(layers.Dense(count, activation="softmax")) for count in (3, 4, 5, 6)]
    paths = [save(model, tmp_path / f"{i}.keras") for i, model in enumerate(models)]
    with ThreadPoolExecutor(4) as pool:
        loaded = list(pool.map(load_custom, paths))
    for model, classifier in zip(models, loaded, strict=True):
        fed = classifier.preprocess(PICTURE[None])
        assert np.allclose(classifier.predict(PICTURE[None]), model(fed), atol=1e-6)
