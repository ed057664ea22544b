"""Weights (HDF5) in `.keras` files that lead elsewhere, and recipes that ask for what no machine has."""

import json
import random
import resource

import h5py
import keras
import numpy as np
import pytest
from keras import layers

from explorer.models.custom import load_custom
from support.keras_files import (
    WEIGHTS,
    check_refused,
    layer_of,
    pack,
    parts,
    save,
    small_network,
    with_recipe,
    with_weights,
)

KERNEL = "layers/conv2d/vars/0"


@pytest.fixture(scope="module")
def honest(tmp_path_factory):
    """A file that loads: every attack starts from it."""
    path = save(small_network(), tmp_path_factory.mktemp("honest") / "small.keras")
    load_custom(path)
    return path


@pytest.fixture
def refused(tmp_path):
    """refused(path, *words): see keras_files.check_refused; and it took no memory to speak of."""

    def check(path, *words):
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        check_refused(path, tmp_path, *words)
        grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before  # KiB
        assert grown < 300 << 10, f"{grown >> 10} MiB were taken before the file was refused"

    return check


def test_weights_in_another_file_are_refused(tmp_path, honest, refused):
    with h5py.File(tmp_path / "secret.h5", "w") as file:
        file["kernel"] = np.ones((3, 3, 3, 5), np.float32)
        file["bytes"] = np.ones(540, np.uint8)

    def replace(file, entry):
        del file[KERNEL]
        file[KERNEL] = entry

    def virtual(file):
        layout = h5py.VirtualLayout((3, 3, 3, 5), np.float32)
        layout[:] = h5py.VirtualSource(str(tmp_path / "secret.h5"), "kernel", (3, 3, 3, 5))
        del file[KERNEL]
        file.create_virtual_dataset(KERNEL, layout)

    def external(file):
        del file[KERNEL]
        place = [(str(tmp_path / "secret.h5"), 0, 540)]
        file.create_dataset(KERNEL, (3, 3, 3, 5), np.float32, external=place)

    for name, change in {
        "an external link": lambda file: replace(file, h5py.ExternalLink(str(tmp_path / "secret.h5"), "kernel")),
        "a soft link": lambda file: replace(file, h5py.SoftLink("/layers/dense/vars/0")),
        "a virtual data set": virtual,
        "external storage": external,
    }.items():
        path = with_weights(tmp_path / f"{name}.keras", honest, change)
        refused(path, "stay within their file", KERNEL)


def test_a_link_above_the_weights_is_refused(tmp_path, honest, refused):
    def change(file):
        file.move("layers", "elsewhere")
        file["layers"] = h5py.ExternalLink("/etc/passwd", "/")

    refused(with_weights(tmp_path / "link.keras", honest, change), "'/layers'", "/etc/passwd")


def test_weights_that_unpack_to_more_than_they_store_are_refused(tmp_path, honest, refused):
    def change(file):
        del file[KERNEL]
        file.create_dataset(KERNEL, (1 << 40,), np.float32, chunks=(1 << 16,), compression="gzip")

    refused(with_weights(tmp_path / "shape.keras", honest, change), KERNEL, "expand")


@pytest.mark.parametrize("kind", ["text", "references", "pairs"])
def test_weights_that_are_no_numbers_are_refused(tmp_path, honest, refused, kind):
    held = {
        "text": ("x", h5py.string_dtype()),
        "references": (None, h5py.ref_dtype),
        "pairs": (0, np.dtype([("a", "f4"), ("b", "f4")])),
    }[kind]

    def change(file):
        del file[KERNEL]
        file.create_dataset(KERNEL, (3,), held[1])

    refused(with_weights(tmp_path / "kind.keras", honest, change), KERNEL, "numbers")


def test_groups_that_hold_themselves_do_not_go_on_for_ever(tmp_path, honest):
    def change(file):
        file["layers/conv2d/again"] = file["layers"]

    assert load_custom(with_weights(tmp_path / "ring.keras", honest, change)).model.name == "small"


@pytest.mark.parametrize("change", ["removed", "of another shape", "cut short", "noise"])
def test_weights_that_do_not_fit_are_refused(tmp_path, honest, refused, change):
    def alter(file):
        del file[KERNEL]
        if change == "of another shape":
            file[KERNEL] = np.ones((3, 3, 3, 6), np.float32)

    path, members = tmp_path / "fit.keras", parts(honest)
    if change in ("removed", "of another shape"):
        path = with_weights(path, honest, alter)
    else:
        held = members[WEIGHTS]
        held = held[: len(held) // 2] if change == "cut short" else random.Random(1).randbytes(len(held))
        path = pack(path, {**members, WEIGHTS: held})
    refused(path, "weights")


# Sizes


def test_weights_that_are_asked_for_but_not_stored_take_no_memory(tmp_path, honest, refused):
    def change(recipe):
        layer_of(recipe, "classes")["config"]["units"] = 1 << 36  # 70 TB

    refused(with_recipe(tmp_path / "wide.keras", honest, change), "stores every weight")


def test_a_map_that_no_machine_holds_is_refused(tmp_path, refused):
    steps = [layers.UpSampling2D(2, name="grow"), layers.GlobalAveragePooling2D(), layers.Dense(4)]
    path = save(keras.Sequential([keras.Input((12, 16, 3)), *steps]), tmp_path / "honest.keras")
    load_custom(path)

    def change(recipe):
        layer_of(recipe, "grow")["config"]["size"] = [30_000, 30_000]

    refused(with_recipe(tmp_path / "large.keras", path, change), "'grow'", "1 GiB")


def test_models_within_models_within_models_are_counted(tmp_path, honest, refused):
    """A dozen models, each calling the one before it twice, call its layers thousands of times."""

    def change(recipe):
        model = recipe
        for i in range(12):
            outer = json.loads(json.dumps(recipe))
            inner = {**model, "name": f"inner{i}", "config": {**model["config"], "name": f"inner{i}"}}
            nodes = layer_of(outer, "pool")["inbound_nodes"]
            outer["config"]["layers"] = [*outer["config"]["layers"], {**inner, "inbound_nodes": nodes * 2}]
            model = outer
        return model

    refused(with_recipe(tmp_path / "laughs.keras", honest, change), "calls at most")


def test_a_shared_model_counts_each_time_it_is_called(tmp_path, honest, refused):
    def change(recipe):
        inner = layer_of(recipe, "flat")
        layers_of = [{**inner, "shared_object_id": 0}]
        for i in range(1, 20):
            last = {"module": "keras", "class_name": "Sequential", "config": {"name": "x"}, "shared_object_id": i - 1}
            pair = [layers_of[0], last] if i == 1 else [layers_of[-1], last]
            config = {"name": f"s{i}", "layers": pair, "build_input_shape": [None, 12]}
            layers_of.append({"module": "keras", "class_name": "Sequential", "config": config, "shared_object_id": i})
        return {**layers_of[-1], "registered_name": None}

    refused(with_recipe(tmp_path / "shared.keras", honest, change), "calls at most")


def test_a_layer_fed_by_constants_alone_is_refused(tmp_path, honest, refused):
    """It would be computed while the network is loaded."""

    def change(recipe):
        constant = {"class_name": "__tensor__", "config": {"value": [[1.0]], "dtype": "float32"}}
        tile = {"module": "keras.src.ops.numpy", "class_name": "Tile", "registered_name": "Tile", "name": "tile"}
        tile.update(config={"name": "tile", "repeats": [1 << 20, 1 << 20]}, inbound_nodes=[{"args": [constant]}])
        recipe["config"]["layers"].append(tile)

    refused(with_recipe(tmp_path / "constant.keras", honest, change), "'tile'", "constants")


@pytest.mark.parametrize("dtype", ["S1000000000", "O", "V99999999", None, ["float32"]])
def test_constants_of_no_known_type_are_refused(tmp_path, honest, refused, dtype):
    def change(recipe):
        constant = {"class_name": "__numpy__", "config": {"value": ["x"] * 9, "dtype": dtype}}
        layer_of(recipe, "pool")["inbound_nodes"][0]["args"].append(constant)

    refused(with_recipe(tmp_path / "constant.keras", honest, change), "'pool'", "types")


def test_a_recipe_that_nests_without_end_is_refused(tmp_path, honest, refused):
    def change(recipe):
        deep = []
        for _ in range(500):
            deep = [deep]
        layer_of(recipe, "pool")["config"]["pool_size"] = deep

    refused(with_recipe(tmp_path / "deep.keras", honest, change), "'pool'", "deep")


def chain(recipe, count, turned):
    """A recipe with so many layers more, one behind the other, listed in their order or the other way round."""
    flat, before, more = layer_of(recipe, "flat"), "pool", []
    for i in range(count):
        nodes = json.loads(json.dumps(flat["inbound_nodes"]))
        nodes[0]["args"][0]["config"]["keras_history"] = [before, 0, 0]
        before = f"more{i}"
        config = {"name": before, "activation": "linear"}
        more.append({"module": "keras.layers", "class_name": "Activation", "config": config, "name": before})
        more[-1]["inbound_nodes"] = nodes
    flat["inbound_nodes"][0]["args"][0]["config"]["keras_history"] = [before, 0, 0]
    recipe["config"]["layers"] += more[::-1] if turned else more


def test_layers_listed_the_wrong_way_round_do_not_keep_keras_busy(tmp_path, honest, refused):
    path = with_recipe(tmp_path / "turned.keras", honest, lambda recipe: chain(recipe, 2000, turned=True))
    refused(path, "order of their work")
    load_custom(with_recipe(tmp_path / "straight.keras", honest, lambda recipe: chain(recipe, 60, turned=False)))


def test_a_value_split_into_a_great_many_is_refused(tmp_path, honest, refused):
    def change(recipe):
        split = {"module": "keras.src.ops.numpy", "class_name": "Split", "registered_name": "Split", "name": "split"}
        split.update(config={"name": "split", "indices_or_sections": 1 << 30, "axis": 1})
        recipe["config"]["layers"].append({**split, "inbound_nodes": layer_of(recipe, "pool")["inbound_nodes"]})

    refused(with_recipe(tmp_path / "split.keras", honest, change), "'split'", "parts")


def test_maps_that_no_machine_holds_together_are_refused(tmp_path, refused):
    steps = [layers.UpSampling2D(2, name="grow"), *(layers.ReLU(name=f"relu{i}") for i in range(20))]
    path = save(
        keras.Sequential([keras.Input((12, 16, 3)), *steps, layers.GlobalAveragePooling2D(), layers.Dense(4)]),
        tmp_path / "honest.keras",
    )

    def change(recipe):
        layer_of(recipe, "grow")["config"]["size"] = [600, 600]  # 0.8 GB each

    refused(with_recipe(tmp_path / "many.keras", path, change), "together", "8 GiB")


def test_a_network_that_is_not_built_is_refused(tmp_path, refused):
    """It would be built when it is first run, and its weights were never counted."""
    steps = [layers.Conv2D(5, 3, name="conv"), layers.GlobalAveragePooling2D(), layers.Dense(1 << 36, name="classes")]
    with pytest.warns(UserWarning, match="not yet been built"):
        path = save(keras.Sequential(steps), tmp_path / "unbuilt.keras")
    refused(path, "model.build")

    def change(recipe):
        recipe["config"].pop("build_input_shape"), recipe.pop("build_config")
        recipe["config"]["layers"] = [part for part in recipe["config"]["layers"] if part["class_name"] != "InputLayer"]
        for part in recipe["config"]["layers"]:
            part.pop("build_config", None)

    built = keras.Sequential([keras.Input((12, 16, 3)), *steps[:2], layers.Dense(4)])
    refused(with_recipe(tmp_path / "again.keras", save(built, tmp_path / "built.keras"), change))
