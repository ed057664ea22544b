"""Small networks saved as `.keras` files for tests, and such files taken apart and put together otherwise."""

import io
import json
import re
import tempfile
import zipfile
from pathlib import Path

import h5py
import keras
import pytest
from keras import layers

from explorer.errors import InputError
from explorer.models.custom import load_custom

RECIPE, WEIGHTS, METADATA = "config.json", "model.weights.h5", "metadata.json"


def network_of_two_layers():
    """A softmax of three classes behind `first` (48×64×6) and `second` (24×32×8)."""
    keras.utils.set_random_seed(3)
    return keras.Sequential(
        [
            keras.Input((48, 64, 3)),
            keras.layers.Conv2D(6, 3, activation="relu", padding="same", name="first"),
            keras.layers.MaxPooling2D(2),
            keras.layers.Conv2D(8, 3, activation="relu", padding="same", name="second"),
            keras.layers.GlobalAveragePooling2D(),
            keras.layers.Dense(3, activation="softmax"),
        ]
    )


def small_network():
    """(None, 12, 16, 3) -> 4 classes; its layers are called "conv", "pool", "flat" and "classes"."""
    x = inputs = keras.Input((12, 16, 3), name="picture")
    x = layers.Conv2D(5, 3, activation="relu", name="conv")(x)
    x = layers.MaxPooling2D(2, name="pool")(x)
    x = layers.Flatten(name="flat")(x)
    return keras.Model(inputs, layers.Dense(4, activation="softmax", name="classes")(x), name="small")


def save(model, path):
    model.save(path)
    return Path(path)


def parts(path):
    """{member: bytes}"""
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def pack(path, members, compression=zipfile.ZIP_STORED):
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, held in members.items():
            archive.writestr(name, held)
    return Path(path)


def with_recipe(path, source, change):
    """The file `source` with its recipe, a dictionary, changed in place by `change` or replaced by what it returns."""
    members = parts(source)
    recipe = json.loads(members[RECIPE])
    members[RECIPE] = json.dumps(change(recipe) or recipe).encode()
    return pack(path, members)


def with_weights(path, source, change):
    """The file `source` with its weights, an open h5py.File, changed by `change`."""
    members = parts(source)
    held = io.BytesIO(members[WEIGHTS])
    with h5py.File(held, "r+") as file:
        change(file)
    members[WEIGHTS] = held.getvalue()
    return pack(path, members)


def layer_of(recipe, name):
    return next(layer for layer in recipe["config"]["layers"] if layer["config"]["name"] == name)


def is_one_sentence(text):
    """Whether a message is one sentence, whatever it quotes."""
    bare = re.sub(r"'[^']*'|\([^)]*\)|\"[^\"]*\"", "_", text)
    return "\n" not in text and text[-1] in ".?" and not re.search(r"[.?!] [A-Z]", bare) and len(text) < 600


def check_refused(path, folder, *words):
    """The file is refused in one sentence with these words, and nothing is left behind in the folder.

    folder: holds the working directory and the temporary files too, so that whatever is written is seen; a file
    "canary" in it is what an attack writes that works.
    """
    before = set(folder.rglob("*"))
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setattr(tempfile, "tempdir", str(folder))
        with pytest.raises(InputError) as told:
            load_custom(path)
    message = str(told.value)
    assert is_one_sentence(message), f"not one sentence: {message}"
    assert all(word in message for word in words), f"{words} are not all in: {message}"
    assert not (folder / "canary").exists(), "code of the file ran"
    assert set(folder.rglob("*")) == before, "a refused file leaves nothing behind"
    return message
