"""Hostile recipes in `.keras` files: whatever they try, one sentence refuses them, and nothing of theirs is run.

Each attack leaves a mark where it works: a canary file, a changed setting, or memory that no machine has.
"""

import base64
import pickle
import sys

import keras
import numpy as np
import pytest
from keras import layers

from explorer.errors import InputError
from explorer.models.custom import load_custom
from explorer.models.safe_loading import config_check as reading
from support.keras_files import RECIPE, check_refused, layer_of, parts, save, small_network, with_recipe


@pytest.fixture(scope="module")
def honest(tmp_path_factory):
    """A file that loads: every attack starts from it."""
    path = save(small_network(), tmp_path_factory.mktemp("honest") / "small.keras")
    load_custom(path)
    return path


@pytest.fixture
def canary(tmp_path):
    """A file that an attack writes where it works."""
    return tmp_path / "canary"


@pytest.fixture
def refused(tmp_path):
    """refused(path, *words): see keras_files.check_refused."""
    return lambda path, *words: check_refused(path, tmp_path, *words)


def named(module, class_name, config, **rest):
    return {"module": module, "class_name": class_name, "config": config, "registered_name": None, **rest}


def function(module, name):
    return {"module": module, "class_name": "function", "config": name, "registered_name": name}


def in_place_of_pool(recipe, attack):
    """The attack as a layer of the network, where "pool" was."""
    pool = layer_of(recipe, "pool")
    nodes = pool["inbound_nodes"]
    pool.clear()
    pool.update(attack, name="pool", inbound_nodes=nodes)
    if isinstance(pool["config"], dict):
        pool["config"].setdefault("name", "pool")


def network_with_lambda(canary):
    """As anyone would write it; Keras stores the lambda's bytes."""
    x = inputs = keras.Input((12, 16, 3))
    x = layers.Conv2D(5, 3, name="conv")(x)
    tell = eval(f"lambda x: [x, open({str(canary)!r}, 'w').close()][0]")
    x = layers.Lambda(tell, name="tells")(x)
    return keras.Model(inputs, layers.Dense(4)(layers.Flatten()(x)))


def test_the_attack_by_lambda_is_a_real_one(tmp_path, canary):
    path = save(network_with_lambda(canary), tmp_path / "lambda.keras")
    canary.unlink(missing_ok=True)  # Keras ran it while building
    keras.saving.load_model(path, safe_mode=False)(np.zeros((1, 12, 16, 3), np.float32))
    assert canary.exists(), "a loader that trusts the file runs its code: the canary can sing"


def test_a_lambda_is_refused_by_the_name_of_its_layer(tmp_path, canary, refused):
    path = save(network_with_lambda(canary), tmp_path / "lambda.keras")
    canary.unlink(missing_ok=True)  # Keras ran it while building
    refused(path, "'tells'", "Lambda", "explorer.from_model")


def test_a_lambda_deep_inside_is_refused(tmp_path, canary, refused):
    inner = network_with_lambda(canary)
    path = save(keras.Sequential([keras.Input((12, 16, 3)), keras.Sequential([inner])]), tmp_path / "nested.keras")
    canary.unlink(missing_ok=True)
    refused(path, "'tells'", "Lambda")


def lambda_code(canary):
    made = network_with_lambda(canary).layers[2].get_config()["function"]
    canary.unlink(missing_ok=True)
    return made


@pytest.mark.parametrize(
    "place",
    ["activation", "dtype", "data_format", "name of nothing"],
)
def test_code_in_a_setting_is_refused(tmp_path, canary, honest, refused, place):
    def change(recipe):
        layer_of(recipe, "conv")["config"][place] = lambda_code(canary)

    refused(with_recipe(tmp_path / "code.keras", honest, change), "'conv'", "Python code")


def test_code_in_the_arguments_of_a_call_is_refused(tmp_path, canary, honest, refused):
    def change(recipe):
        layer_of(recipe, "pool")["inbound_nodes"][0]["kwargs"]["training"] = lambda_code(canary)

    refused(with_recipe(tmp_path / "code.keras", honest, change), "'pool'", "Python code")


def test_code_in_a_layer_of_the_old_form_is_refused(tmp_path, canary, honest, refused):
    """Without "module" Keras takes the layer for one of an `.h5` file, where safe mode is not looked at."""

    def change(recipe):
        config = {"name": "pool", "function": lambda_code(canary), "function_type": "lambda"}
        in_place_of_pool(recipe, {"class_name": "Lambda", "config": config})

    refused(with_recipe(tmp_path / "old.keras", honest, change), "'pool'", "Lambda")


@pytest.mark.parametrize("class_name", ["Conv2D", "Sequential", "__typespec__", "__bytes__"])
def test_objects_that_do_not_say_where_they_come_from_are_refused(tmp_path, honest, refused, class_name):
    attack = {"class_name": class_name, "config": {"name": "pool"}}
    refused(with_recipe(tmp_path / "old.keras", honest, lambda r: in_place_of_pool(r, attack)), repr(class_name))


GADGETS = [
    ("keras.utils", "get_file"),
    ("keras.src.utils.file_utils", "get_file"),
    ("keras.config", "enable_unsafe_deserialization"),
    ("keras.src.saving.serialization_lib", "enable_unsafe_deserialization"),
    ("keras.models", "load_model"),
    ("keras.saving", "load_model"),
    ("keras.models", "model_from_json"),
    ("keras.models", "clone_model"),
    ("keras.preprocessing.image", "save_img"),
    ("keras.utils", "plot_model"),
    ("keras.datasets.mnist", "load_data"),
    ("keras.activations", "deserialize"),
    ("keras.losses", "get"),
    ("keras.ops", "vectorized_map"),
    ("keras.src.utils.python_utils", "func_load"),
    ("builtins", "eval"),
    ("builtins", "deserialize"),
    ("os", "system"),
    ("subprocess", "Popen"),
    ("numpy", "load"),
    ("pickle", "loads"),
    ("tensorflow", "io"),
    ("__main__", "anything"),
    (None, "anything"),
    (["keras", "layers"], "Dense"),
]


@pytest.mark.parametrize(("module", "name"), GADGETS)
@pytest.mark.parametrize("how", ["as a function", "as a class", "as an activation"])
def test_no_function_of_a_library_can_be_reached(tmp_path, honest, refused, module, name, how):
    if how == "as an activation":

        def change(recipe):
            layer_of(recipe, "conv")["config"]["activation"] = function(module, name)

        layer = "'conv'"
    else:
        given = function(module, name) if how == "as a function" else named(module, name, {"name": "pool"})

        def change(recipe):
            in_place_of_pool(recipe, given)

        layer = "" if how == "as a function" else "'pool'"
    refused(with_recipe(tmp_path / "gadget.keras", honest, change), layer, name)


class Bomb:
    def __init__(self, canary):
        self.canary = str(canary)

    def __reduce__(self):
        return open, (self.canary, "w")


def layers_that_run_or_read(canary, outside):
    pickled = base64.b64encode(pickle.dumps(Bomb(canary))).decode()
    return {
        "TorchModuleWrapper": {"module": {"class_name": "__bytes__", "config": {"value": pickled}}, "name": "pool"},
        "TFSMLayer": {"filepath": str(outside), "call_endpoint": "serve", "name": "pool"},
        "JaxLayer": {"call_fn": "anything", "name": "pool"},
        "FlaxLayer": {"module": "anything", "name": "pool"},
        "StringLookup": {"vocabulary": str(outside), "name": "pool"},
        "IntegerLookup": {"vocabulary": str(outside), "name": "pool"},
        "TextVectorization": {"vocabulary": str(outside), "name": "pool"},
        "Wrapper": {"layer": named("os", "system", {"name": "x"}), "name": "pool"},
        "RNN": {"cell": named("os", "system", {"name": "x"}), "name": "pool"},
        "Pipeline": {"layers": [], "name": "pool"},
    }


@pytest.mark.parametrize("kind", layers_that_run_or_read("", ""))
def test_layers_that_run_code_or_read_files_are_refused(tmp_path, honest, refused, canary, kind):
    outside = tmp_path / "secret.txt"
    outside.write_text("a\nb\n")
    attack = named("keras.layers", kind, layers_that_run_or_read(canary, outside)[kind])
    path = with_recipe(tmp_path / "layer.keras", honest, lambda recipe: in_place_of_pool(recipe, attack))
    refused(path, "'pool'", f"keras.layers.{kind}" if kind != "Wrapper" else "'")


def test_an_honest_wrapper_around_a_hostile_layer_is_refused(tmp_path, canary, honest, refused):
    inner = named("keras.layers", "Lambda", {"name": "within", "function": lambda_code(canary)})
    attack = named("keras.layers", "SpectralNormalization", {"name": "pool", "layer": inner})
    path = with_recipe(tmp_path / "wrapped.keras", honest, lambda recipe: in_place_of_pool(recipe, attack))
    refused(path, "'within'", "Lambda")


@pytest.mark.parametrize("package", ["keras_hub", "keras_cv", "keras_nlp", "keras"])
def test_no_module_is_imported(tmp_path, canary, honest, refused, package, monkeypatch):
    """Keras imports modules of these packages by the name in the recipe; one may lie in the working directory."""
    folder = tmp_path / package if package != "keras" else tmp_path
    folder.mkdir(exist_ok=True)
    for file in {folder / "__init__.py", folder / "sings.py"}:
        file.write_text(f"open({str(canary)!r}, 'w').close()")
    monkeypatch.syspath_prepend(str(tmp_path))
    attack = named(f"{package}.sings", "Layer", {"name": "pool"})
    refused(with_recipe(tmp_path / "imports.keras", honest, lambda r: in_place_of_pool(r, attack)), "'pool'")
    assert f"{package}.sings" not in sys.modules


def test_classes_that_other_code_has_registered_are_refused(tmp_path, canary, honest, refused):
    """What a program registers takes precedence over Keras's own, whatever module the recipe names."""

    @keras.saving.register_keras_serializable("tests_of_hostile_models", "Sings")
    class Sings(layers.Layer):
        def __init__(self, **settings):
            super().__init__(**settings)
            canary.touch()

    registered = "tests_of_hostile_models>Sings"
    attack = {**named("keras.layers", "MaxPooling2D", {"name": "pool"}), "registered_name": registered}
    try:
        refused(
            with_recipe(tmp_path / "own.keras", honest, lambda r: in_place_of_pool(r, attack)), "'pool'", registered
        )
    finally:
        keras.saving.get_custom_objects().pop(registered)


def test_what_only_training_needs_is_never_read(tmp_path, canary, honest):
    """A hostile optimiser, loss, initialiser or regulariser is left out, so the network itself is still of use."""

    def change(recipe):
        bad = named("os", "system", {"command": f"touch {canary}"})
        recipe["compile_config"] = {"optimizer": bad, "loss": lambda_code(canary), "metrics": [bad]}
        conv = layer_of(recipe, "conv")
        conv["compile_config"] = {"optimizer": bad}
        conv["config"].update(kernel_initializer=bad, kernel_regularizer=bad, bias_constraint=bad)

    classifier = load_custom(with_recipe(tmp_path / "trained.keras", honest, change))
    assert not canary.exists() and not classifier.model.compiled
    picture = np.full((1, 12, 16, 3), 99, np.uint8)
    assert np.array_equal(classifier.predict(picture), load_custom(honest).predict(picture)), "and it is the same one"


def test_reading_a_recipe_never_changes_it(honest):
    text = parts(honest)[RECIPE]
    assert reading.read_recipe(text) == reading.read_recipe(text)
    with pytest.raises(InputError):
        reading.read_recipe(text.replace(b'"MaxPooling2D"', b'"Lambda"'))
