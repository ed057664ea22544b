"""What a network's recipe, the config.json of a `.keras` file, may ask Keras to make.

Keras makes whatever a recipe names, and some of what it can name runs code, reads files or fetches addresses. Only
the layers that image networks are made of may be named here; everything else is refused before Keras reads a word.
What only training needs (optimiser, losses, initialisers, regularisers, constraints) is left out, unread: the stored
weights replace whatever it would have made.
"""

import json
from typing import Any

from explorer.errors import InputError
from explorer.models.safe_loading.allowlist import ACTIVATIONS, FUNCTIONAL, FUNCTIONAL_BEFORE, KINDS, POLICIES

MAX_BYTES = 16 << 20  # NASNetMobile's 771 layers take 0.8 MB
DEEPEST = 100  # objects within objects
MAX_CALLS = 5_000  # of layers, in one pass through the network: a model may call a model that calls a model ...
MAX_ROUNDS = 50  # over the list of layers until each has been fed; a list that Keras wrote takes one or two
MAX_PARTS = 1_000  # into which one value is split
FROM_PYTHON = "load it in Python and pass it to explorer.from_model(model)"

VALUES = frozenset({"__keras_tensor__", "__tensor__", "__numpy__", "__slice__", "__ellipsis__"})
DTYPES = ("bool", "int8", "int16", "int32", "int64", "uint8", "float16", "bfloat16", "float32", "float64")
FOR_TRAINING = {"_initializer": "zeros", "_regularizer": None, "_constraint": None}
KEPT = ("module", "class_name", "config", "registered_name", "build_config", "shared_object_id", "name")


def read_recipe(text: bytes) -> dict[str, Any]:
    """The recipe (bytes of JSON) as Keras may read it: a dictionary of checked objects.

    Raises InputError where it is damaged, asks for anything but layers for images, or for more than can be computed.
    """
    try:
        recipe = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InputError(
            "The file's config.json must be whole, but is no valid JSON: save the network again."
        ) from error
    if not isinstance(recipe, dict) or "class_name" not in recipe:
        raise InputError("The file's config.json must describe a network, but it names none: save the network again.")
    return _Reader().network(recipe)


class _Reader:
    """One reading of a recipe: what it has counted so far."""

    def __init__(self):
        self.calls = {}  # how many calls of layers a shared object stands for, by its id

    def network(self, recipe):
        name = _text(recipe["class_name"])
        if name not in ("Functional", "Sequential"):
            raise InputError(
                f"A network in a file is functional or Sequential, but this one is of the class {name!r}, whose code a "
                f"file does not hold: {FROM_PYTHON}."
            )
        config, calls = self.object(recipe, None, 0)
        _check_calls(calls)
        return config

    def value(self, value, layer, depth):
        """(the value checked and cleaned, the calls of layers within)"""
        if depth > DEEPEST:
            raise InputError(f"A recipe nests {DEEPEST} deep at most, but{_at(layer)} deeper: simplify the network.")
        if isinstance(value, dict) and "class_name" in value:
            return self.object(value, layer, depth)
        if isinstance(value, dict):
            parts = {key: self.value(_for_training(key, part), layer, depth + 1) for key, part in value.items()}
            return {key: part for key, (part, _) in parts.items()}, sum(calls for _, calls in parts.values())
        if isinstance(value, list):
            parts = [self.value(part, layer, depth + 1) for part in value]
            return [part for part, _ in parts], sum(calls for _, calls in parts)
        return value, 0

    def object(self, entry, layer, depth):
        name, module = _text(entry["class_name"]), entry.get("module")
        if name in VALUES and module is None:
            return self.plain_value(entry, layer, depth)
        config = entry.get("config")
        if isinstance(config, dict) and isinstance(config.get("name"), str) and name not in POLICIES:
            layer = config["name"]
        _check_kind(entry, name, module, layer)
        checked = {key: self.value(entry[key], layer, depth + 1)[0] for key in KEPT if key in entry and key != "config"}
        checked["config"], calls = self.value(config, layer, depth + 1)
        if name == "Functional":
            checked["module"] = FUNCTIONAL
            _check_order(checked["config"].get("layers"), layer)
        if name == "function":
            return checked, 0
        shared = json.dumps(entry.get("shared_object_id"))
        calls = max(1, calls, self.calls.get(shared, 0))
        if shared != "null":
            self.calls[shared] = calls
        if "inbound_nodes" in entry:
            checked["inbound_nodes"] = self.nodes(entry["inbound_nodes"], layer, depth + 1)
            calls *= 1 + len(checked["inbound_nodes"])
        _check_calls(calls)
        return checked, calls

    def plain_value(self, entry, layer, depth):
        config, calls = self.value(entry.get("config"), layer, depth + 1)
        holds_numbers = entry["class_name"] in ("__tensor__", "__numpy__")
        if calls or not isinstance(config, dict) or (holds_numbers and config.get("dtype") not in DTYPES):
            raise InputError(
                f"Numbers in a recipe are of known types, but{_at(layer)} has others: save the network again."
            )
        return {"class_name": entry["class_name"], "config": config}, 0

    def nodes(self, nodes, layer, depth):
        """The places where a layer is called; a call on constants alone would be computed while loading."""
        if not isinstance(nodes, list):
            raise InputError(f"A recipe lists the calls of a layer, but{_at(layer)} does not: save the network again.")
        for node in nodes:
            if isinstance(node, dict) and not _is_fed(node):
                raise InputError(
                    f"Every layer of a network is fed by another, but{_at(layer)} by constants: fold it into the "
                    "next one."
                )
        return self.value(nodes, layer, depth)[0]


def _check_kind(entry, name, module, layer):
    why = _why_not(entry, name, module)
    if why:
        raise InputError(
            f"A network file may name only Keras's own layers for images, but{_at(layer)} {why}: {FROM_PYTHON}."
        )


def _why_not(entry, name, module):
    """What is wrong with an object that a recipe names, in words; None where nothing is."""
    registered = entry.get("registered_name")
    if name in ("Lambda", "__lambda__"):
        return "holds Python code (a Lambda)"
    if name == "function":
        allowed = module in ("builtins", "keras.activations") and _is_in(entry.get("config"), ACTIVATIONS)
        allowed = allowed and registered in (None, entry["config"])
        return (
            None
            if allowed
            else f"names {_quoted(module, entry.get('config'))}, a function that is no activation of Keras"
        )
    if module is None:
        return f"is of the class {name!r} without saying where that comes from"
    if registered not in (None, name):
        return (
            f"is of the class {_quoted(module, name)}, registered as {str(registered)[:60]!r}, which is not Keras's own"
        )
    if name == "Functional" and module in FUNCTIONAL_BEFORE:
        return None
    if _is_in(module, KINDS) and name in KINDS[module]:
        return _why_no_settings(name, entry.get("config"))
    if str(module).split(".")[0] != "keras":
        return f"is of the class {_quoted(module, name)}, whose code a file does not hold"
    return f"names {_quoted(module, name)}, which is not one of them"


def _why_no_settings(name, config):
    if not isinstance(config, dict):
        return f"is a {name} without settings"
    parts = config.get("indices_or_sections", 0) if name == "Split" else 0
    if isinstance(parts, int) and parts > MAX_PARTS:
        return f"is split into {parts:.2g} parts"
    return None


def _check_calls(calls):
    if calls > MAX_CALLS:
        raise InputError(
            f"One pass through a network calls at most {MAX_CALLS:,} layers, but this one's models within models call "
            f"{calls:.2g}: simplify the network."
        )


def _is_fed(value):
    """Whether another layer's output is among the values of a call."""
    if isinstance(value, dict):
        return value.get("class_name") == "__keras_tensor__" or any(map(_is_fed, value.values()))
    return isinstance(value, list) and any(map(_is_fed, value))


def _check_order(layers, model):
    """Keras goes over the list of layers again and again, until each has been fed: a list in the wrong order, of a
    few thousand, keeps it busy for minutes."""
    layers = [layer for layer in layers if isinstance(layer, dict)] if isinstance(layers, list) else []
    waiting = [(str(layer.get("name")), [_feeds(node) for node in _nodes(layer)]) for layer in layers]
    calls_of = {
        str(layer.get("name")): int(layer.get("class_name") in ("InputLayer", "Functional")) for layer in layers
    }
    for _ in range(MAX_ROUNDS):
        before = sum(calls_of.values())
        for name, nodes in waiting:
            while nodes and all(index < calls_of.get(fed, MAX_CALLS) for fed, index in nodes[0]):
                calls_of[name] += 1
                nodes.pop(0)
        waiting = [(name, nodes) for name, nodes in waiting if nodes]
        if not waiting or sum(calls_of.values()) == before:
            return  # whole, or a ring, which Keras tells of
    raise InputError(
        f"A recipe lists layers in the order of their work, but{_at(model)} does not: save the network again."
    )


def _nodes(layer):
    nodes = layer.get("inbound_nodes")
    return nodes if isinstance(nodes, list) else []


def _feeds(value):
    """(name, index of the call) of every layer whose output is among the values of a call."""
    if isinstance(value, dict):
        history = value["config"].get("keras_history") if value.get("class_name") == "__keras_tensor__" else None
        return _call(history) if history else [feed for part in value.values() for feed in _feeds(part)]
    if isinstance(value, list):
        return _call(value) or [feed for part in value for feed in _feeds(part)]
    return []


def _call(history):
    """[(name, index)] where a list is ["conv", 0, 0], perhaps followed by settings, as Keras 2 wrote it; else none."""
    is_one = isinstance(history, list) and len(history) in (3, 4) and isinstance(history[0], str)
    return [(history[0], history[1])] if is_one and isinstance(history[1], int) else []


def _for_training(key, value):
    """The value, or what stands in for it where only training needs it."""
    for ending, instead in FOR_TRAINING.items():
        if key.endswith(ending):
            return instead
    return value


def _is_in(value, names):
    return isinstance(value, str) and value in names


def _text(name):
    if not isinstance(name, str):
        raise InputError("A recipe names classes by text, but this one does not: save the network again.")
    return name[:60]


def _quoted(module, name):
    return repr(f"{module}.{name}"[:100])


def _at(layer):
    return f" its layer {layer[:60]!r}" if layer else " this one"
