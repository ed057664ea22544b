"""From a checked recipe and checked weights to a Keras model.

The network is first built without memory for its weights: a recipe of a few bytes can ask for any number of them.
"""

import re
import threading
import warnings
from pathlib import Path

import keras

from explorer.errors import InputError

MAX_MAP = 1 << 30  # bytes of one layer's output for one picture; VGG's largest takes 13 MB
MAX_MAPS = 8 << 30  # bytes of all of them together
ASSUMED_SIDE = 224  # pixels, of a network that takes any size
SLACK = 1 << 16  # bytes: what Keras keeps beside the weights
LONGEST_REASON = 160


def build(recipe: dict[str, str], weights: Path | str | None, stored_bytes: int) -> keras.Model:
    """The Keras model of a recipe (see `config_check.read_recipe`) with its weights (a checked HDF5 file).

    It is built in a thread of its own, since what Keras has begun and not finished is kept for each thread: a
    refused network leaves nothing behind. Raises InputError where Keras cannot build it.
    """
    outcome = {}
    thread = threading.Thread(target=_build, args=(recipe, weights, stored_bytes, outcome), daemon=True)
    thread.start()
    thread.join()
    if "fault" not in outcome:
        return outcome["model"]
    fault = outcome["fault"]
    if isinstance(fault, InputError):
        raise fault
    raise InputError(
        f"A network must be one that Keras {keras.__version__} can build and fill with its weights, but it cannot "
        f"({_reason(fault)}): save it again with this version of Keras."
    ) from fault


def _build(recipe, weights, stored_bytes, outcome):
    try:
        with keras.StatelessScope(initialize_variables=False):
            model = keras.saving.deserialize_keras_object(recipe, safe_mode=True)
            _check_built(model)
            _check_size(model, stored_bytes)
        with keras.StatelessScope():
            pass  # leaving it gives the variables, which were only described above, their memory
        with warnings.catch_warnings():
            warnings.filterwarnings("error", "Skipping nested container")  # its layers would keep weights of zero
            model.load_weights(weights)
        outcome["model"] = model
    except Exception as fault:  # of any kind: what is built was written by a stranger
        outcome["fault"] = fault


def _check_built(model):
    """What is not built yet would be built, of any size, when the network is first run."""
    for part in [model, *model.layers]:
        if not part.built:
            raise InputError(
                f"A network in a file knows the sizes of its layers, but its layer {part.name[:60]!r} does not: call "
                "model.build with the shape of its input before you save it."
            )
        if part is not model and isinstance(part, keras.Model):
            _check_built(part)


def _check_size(model, stored_bytes):
    needed = sum(_bytes(variable.shape, variable.dtype) for variable in model.variables)
    if needed > stored_bytes + SLACK:
        raise InputError(
            f"A network file stores every weight, but this one asks for {needed:,} bytes of weights and stores "
            f"{stored_bytes:,}: save it again."
        )
    total = 0
    for operation, value in _outputs(model):
        size = _bytes([ASSUMED_SIDE if side is None else side for side in value.shape[1:]], "float32")
        if size > MAX_MAP:
            raise InputError(
                f"A layer's output for one picture takes at most 1 GiB, but that of {operation.name[:60]!r} has the "
                f"shape {tuple(value.shape)}: make the network smaller."
            )
        total += size
    if total > MAX_MAPS:
        raise InputError(
            f"All layers together give at most 8 GiB for one picture, but these give {total / (1 << 30):.0f} GiB: "
            "make the network smaller."
        )


def _outputs(model):
    """(operation, output) of everything in a functional model or a Sequential, those of models within it too."""
    for operation in getattr(model, "operations", model.layers):
        for node in operation._inbound_nodes:
            yield from ((operation, value) for value in node.output_tensors)
        if isinstance(operation, keras.Model):
            yield from _outputs(operation)


def _bytes(shape, dtype):
    """Reckoned in whole Python numbers, which do not overflow."""
    bits = re.search(r"\d+", str(dtype))  # "bfloat16", "int8", "bool"
    size = int(bits.group()) // 8 if bits else 1
    for side in shape:
        size *= int(side)
    return size


def _reason(fault):
    """The first sentence of the exception that began it: Keras wraps one into another."""
    while fault.__context__ is not None:
        fault = fault.__context__
    line = next((line.strip() for line in str(fault).splitlines() if line.strip()), type(fault).__name__)
    line = "".join(filter(str.isprintable, line)).split(". ")[0]
    return line[:LONGEST_REASON].rstrip(".:; ")
