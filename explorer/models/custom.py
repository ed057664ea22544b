"""A network of the user's own: from a `.keras` file, of which no code is run, or a Keras model already in memory."""

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras

from explorer.errors import InputError
from explorer.models import preprocessing as formulas
from explorer.models.labels import read_labels
from explorer.models.mixed_precision import in_precision
from explorer.models.safe_loading.archive import CONVERSIONS, unpack
from explorer.models.safe_loading.build import build
from explorer.models.safe_loading.config_check import read_recipe
from explorer.models.safe_loading.hdf5_check import check_weights
from explorer.network.classifier import Classifier


def is_own(name: str | None) -> bool:
    """Whether a name is the path of a network's file, of a kind that load_custom reads or says how to convert."""
    return Path(str(name)).suffix.lower() in {".keras", *CONVERSIONS}


def load_custom(
    path: Path | str,
    labels: Any = None,
    preprocessing: str = "1/255",
    head: str | None = None,
    input_size: Any = None,
) -> Classifier:
    """The classifier in a `.keras` file; code in it is never run, and what could hold any is refused.

    path: the file, as written by model.save. labels: the names of the classes, a list or a file of one a line or
    JSON; else "class 0", "class 1", ... preprocessing: "1/255" for a network fed numbers from 0 to 1, "1/127.5-1" for
    −1 to 1, "none", "caffe", "tf", "torch": see explorer.models.preprocessing. head: which output explains, for a
    network of several. input_size: (height, width) in pixels, for a network that takes any size.
    Raises InputError for a file that is damaged or not safe, for labels of the wrong number, and for a network that
    is no classifier of pictures.
    """
    names, preprocess = read_labels(labels), formulas.parse(preprocessing)
    with tempfile.TemporaryDirectory(prefix="rsi-explorer-") as folder:
        text, weights = unpack(path, folder)
        recipe = read_recipe(text)
        model = in_precision(build(recipe, weights, check_weights(weights)))
    return Classifier(Path(path).name, model, preprocess, names, input_size, head)


def from_model(
    model: keras.Model,
    class_names: Sequence[str] | None = None,
    preprocessing: str = "1/255",
    head: str | None = None,
    input_size: Any = None,
    name: str | None = None,
) -> Classifier:
    """A classifier of a Keras model in memory: functional, Sequential or subclassed; it is never changed.

    class_names, preprocessing, head and input_size are those of load_custom; preprocessing may also be a function
    from RGB pixels, float32 (n, H, W, 3) in 0..255, to what the model is fed. name: what to call it, else its own.
    """
    if not isinstance(model, keras.Model):
        raise InputError(f"A network is a keras.Model; received {type(model).__name__}: build it with Keras 3.")
    preprocess = preprocessing if callable(preprocessing) else formulas.parse(preprocessing)
    return Classifier(name or model.name, model, preprocess, read_labels(class_names), input_size, head)
