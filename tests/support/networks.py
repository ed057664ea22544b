"""Small networks with seeded weights, each beside what it computes written out for tests/support/reference.py.

Every size differs from every other (12×16 pictures, 6×8×4, 4×6×5 and 3×4×6 maps, 7 classes), so that no axis can be
taken for another. All kinds of one activation hold the same weights: they are one function in many shapes.
"""

import zlib

import keras
import numpy as np
from keras import layers, ops

from explorer.errors import InputError
from explorer.network.classifier import Classifier
from support import reference as ref

HEIGHT, WIDTH, CLASSES = 12, 16, 7
CLASS_NAMES = ("anchor", "bell", "candle", "drum", "egg", "flag", "guitar")
MEAN = np.array([70.0, 90.0, 110.0], np.float32)  # so that "black" is not zero for the network
PLAIN = {"relu": ref.relu, "softplus": ref.softplus, "tanh": ref.tanh, None: ref.linear}


def preprocess(rgb):
    """Blue first, minus a mean, as the networks of the VGG family are fed."""
    return (rgb[..., ::-1] - MEAN) / 64


def picture(seed=0, height=HEIGHT, width=WIDTH):
    """Noise of full contrast over a few bright and dim areas, uint8 (height, width, 3)."""
    rng = np.random.default_rng(seed)
    areas = rng.integers(0, 256, (3, 4, 3)).repeat(-(-height // 3), axis=0).repeat(-(-width // 4), axis=1)
    noise = rng.integers(0, 256, (height, width, 3))
    return ((areas[:height, :width] + noise) // 2).astype(np.uint8)


def refused(call, *args):
    """The one sentence with which a call is refused."""
    try:
        call(*args)
    except InputError as fault:
        sentence = str(fault)
    else:
        raise AssertionError("this is refused, and went through")
    assert sentence[-1] in ".?" and ". " not in sentence and "\n" not in sentence, f"one sentence: {sentence!r}"
    return sentence


def softmax(logits):
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def parts(activation="relu", softmax="softmax"):
    """The layers every kind is put together from, fresh, by name."""
    pool = layers.AveragePooling2D if activation == "softplus" else layers.MaxPooling2D
    return {
        "stem": layers.Conv2D(4, 3, padding="same", activation=activation, name="stem"),
        "pool": pool(2, name="pool"),
        "features": layers.Conv2D(5, 3, activation=activation, name="features"),
        "neck": layers.Conv2D(6, (2, 3), activation=activation, name="neck"),
        "flat": layers.Flatten(name="flat"),
        "classes": layers.Dense(CLASSES, activation=softmax, name="classes"),
    }


def seed_weights(model, gain=1.0):
    """Give every layer the weights its name stands for; gain multiplies those of the classes, and so the logits."""
    for layer in model._flatten_layers(include_self=False):
        if isinstance(layer, layers.Conv2D | layers.Dense):
            rng = np.random.default_rng(zlib.crc32(layer.name.encode()))
            kernel = rng.normal(0, np.sqrt(2 / np.prod(layer.kernel.shape[:-1])), layer.kernel.shape)
            bias = rng.normal(0, 0.2, layer.bias.shape)
            size = gain if layer.name == "classes" else 1.0
            layer.set_weights([(size * kernel).astype(np.float32), (size * bias).astype(np.float32)])
    return model


def state_of(model):
    """All that Keras and Python hold of a model, to be compared: its parts and their attributes by identity, how often
    each is connected, what is trainable, the weights by value, the configuration."""
    operations = {id(op): op for part in model._flatten_layers() for op in getattr(part, "_operations", ())}
    parts = {id(part): part for part in model._flatten_layers()} | operations
    return {
        "attributes": {key: {name: id(value) for name, value in vars(part).items()} for key, part in parts.items()},
        "nodes": {key: (len(part._inbound_nodes), len(part._outbound_nodes)) for key, part in parts.items()},
        "trainable": [part.trainable for part in model._flatten_layers()],
        "trainable weights": [v.path for v in model.trainable_variables],
        "weights": [np.asarray(ops.convert_to_numpy(v.value)).tobytes() for v in model.variables],
        "configuration": model.to_json() if getattr(model, "inputs", None) else None,
    }


def outputs(model, fed):
    """What the user's own call of the model gives, as a NumPy array."""
    return ops.convert_to_numpy(model(fed, training=False))


def weights_of(model):
    """{layer name: (kernel, bias)} in float64, for the reference."""
    return {
        layer.name: tuple(np.asarray(w, np.float64) for w in layer.get_weights())
        for layer in model._flatten_layers(include_self=False)
        if isinstance(layer, layers.Conv2D | layers.Dense)
    }


def classifier(model, name="test net"):
    return Classifier(name, model, preprocess, CLASS_NAMES, (HEIGHT, WIDTH))


# The kinds of model: the same layers, put together in every way people do.


def chain(x, steps):
    for step in steps:
        x = step(x)
    return x


def functional(p, tail=()):
    x = keras.Input((HEIGHT, WIDTH, 3))
    return keras.Model(x, chain(x, [*p.values(), *tail]))


def sequential(p, tail=()):
    return keras.Sequential([keras.Input((HEIGHT, WIDTH, 3)), *p.values(), *tail])


def nested_functional(p, tail=()):
    """Transfer learning: a finished backbone inside another model."""
    x = keras.Input((HEIGHT, WIDTH, 3))
    backbone = keras.Model(x, chain(x, [p["stem"], p["pool"], p["features"]]), name="backbone")
    x = keras.Input((HEIGHT, WIDTH, 3))
    return keras.Model(x, chain(x, [backbone, p["neck"], p["flat"], p["classes"], *tail]))


def nested_sequential(p, tail=()):
    backbone = keras.Sequential([p["stem"], p["pool"], p["features"]], name="backbone")
    head = keras.Sequential([p["neck"], p["flat"], p["classes"], *tail], name="head")
    return keras.Sequential([keras.Input((HEIGHT, WIDTH, 3)), backbone, head])


class Subclassed(keras.Model):
    def __init__(self, p, tail):
        super().__init__()
        self.stem, self.pool, self.features = p["stem"], p["pool"], p["features"]
        self.rest = [p["neck"], p["flat"], p["classes"], *tail]

    def call(self, x, training=False):
        return chain(self.features(self.pool(self.stem(x))), self.rest)


def subclassed(p, tail=()):
    model = Subclassed(p, tail)
    model(np.zeros((1, HEIGHT, WIDTH, 3), np.float32))
    return model


KINDS = {  # kind: (how it is built, the name its "features" layer goes by)
    "functional": (functional, "features"),
    "sequential": (sequential, "features"),
    "nested functional": (nested_functional, "backbone/features"),
    "nested sequential": (nested_sequential, "backbone/features"),
    "subclassed": (subclassed, "features"),
}


def chain_network(model, activation):
    """What every kind computes up to and behind "features", for the reference."""
    w, act = weights_of(model), PLAIN[activation]
    pool = ref.average_pool if activation == "softplus" else ref.max_pool
    return ref.Network(
        trunk=lambda x: act(ref.conv(pool(act(ref.conv(x, *w["stem"], "same"))), *w["features"])),
        head=lambda x, a: ref.dense(act(ref.conv(a, *w["neck"])), *w["classes"]),
    )


def make(kind="functional", activation="relu", gain=1.0):
    """(classifier, name of its "features" layer, reference network)"""
    build, name = KINDS[kind]
    model = seed_weights(build(parts(activation)), gain)
    return classifier(model), name, chain_network(model, activation)


def residual(activation="relu"):
    """ "branch" is by-passed by "shortcut"; "joined" is where both meet. (classifier, reference at "branch")"""
    p = parts(activation)
    x = keras.Input((HEIGHT, WIDTH, 3))
    below = p["pool"](p["stem"](x))
    branch = layers.Conv2D(5, 3, padding="same", activation=activation, name="branch")(below)
    shortcut = layers.Conv2D(5, 1, activation=activation, name="shortcut")(below)
    joined = layers.Add(name="joined")([branch, shortcut])
    model = seed_weights(keras.Model(x, chain(joined, [p["neck"], p["flat"], p["classes"]])))
    w, act = weights_of(model), PLAIN[activation]
    pool = ref.average_pool if activation == "softplus" else ref.max_pool

    def below_of(x):
        return pool(act(ref.conv(x, *w["stem"], "same")))

    def head(x, a):
        a = a + act(ref.conv(below_of(x), *w["shortcut"]))
        return ref.dense(act(ref.conv(a, *w["neck"])), *w["classes"])

    return classifier(model), ref.Network(lambda x: act(ref.conv(below_of(x), *w["branch"], "same")), head)


def twice(activation="relu"):
    """One layer, "shared", called twice. (classifier, reference at its first call, reference at its second)"""
    p = parts(activation)
    shared = layers.Conv2D(4, 3, padding="same", activation=activation, name="shared")
    x = keras.Input((HEIGHT, WIDTH, 3))
    model = seed_weights(keras.Model(x, chain(x, [p["stem"], p["pool"], shared, shared, p["flat"], p["classes"]])))
    w, act = weights_of(model), PLAIN[activation]
    pool = ref.average_pool if activation == "softplus" else ref.max_pool

    def again(a):
        return act(ref.conv(a, *w["shared"], "same"))

    def first(x):
        return again(pool(act(ref.conv(x, *w["stem"], "same"))))

    return (
        classifier(model),
        ref.Network(first, lambda x, a: ref.dense(again(a), *w["classes"])),
        ref.Network(lambda x: again(first(x)), lambda x, a: ref.dense(a, *w["classes"])),
    )


def ending(end, units=CLASSES, activation=None, gain=1.0):
    """(a model whose Dense layer "classes" is followed by `end`, a sub-model up to that layer's values)"""
    p = parts(softmax=None)
    x = keras.Input((HEIGHT, WIDTH, 3))
    features = chain(x, [p["stem"], p["pool"], p["features"], p["neck"], p["flat"]])
    dense = layers.Dense(units, activation=activation, name="classes")
    model = seed_weights(keras.Model(x, end(dense(features))), gain)
    plain = layers.Dense(units, name="plain")
    bare = keras.Model(x, plain(features))
    plain.set_weights(dense.get_weights())
    return model, bare


def with_heads(make):
    p = parts(softmax=None)
    x = keras.Input((HEIGHT, WIDTH, 3))
    maps = chain(x, [p["stem"], p["pool"], p["features"]])
    row = p["flat"](p["neck"](maps))
    first = layers.Dense(CLASSES, activation="softmax", name="classes")(row)
    second = layers.Dense(3, activation="sigmoid", name="labels")(row)
    return seed_weights(keras.Model(x, make(maps, first, second)))


class WithDeadEnd(keras.Model):
    """Computes "side" and does nothing with it."""

    def __init__(self, p):
        super().__init__()
        self.p, self.side = list(p.values()), layers.Conv2D(2, 3, name="side")

    def call(self, x, training=False):
        for layer in self.p:
            x = layer(x)
            if layer.name == "pool":
                self.side(x)
        return x


def dead_end():
    model = WithDeadEnd(parts())
    model(np.zeros((1, HEIGHT, WIDTH, 3), np.float32))
    return classifier(seed_weights(model))


def pooled(activation="relu", softmax="softmax"):
    """Global average pooling and one dense layer: the networks CAM was made for. (classifier, reference)"""
    p = parts(activation, softmax)
    p["flat"] = layers.GlobalAveragePooling2D(name="flat")
    del p["neck"]
    model = seed_weights(functional(p))
    w = weights_of(model)
    trunk = chain_network_trunk(w, activation)
    return classifier(model), ref.Network(trunk, lambda x, a: ref.dense(ref.global_average(a), *w["classes"]))


def chain_network_trunk(w, activation):
    act = PLAIN[activation]
    pool = ref.average_pool if activation == "softplus" else ref.max_pool
    return lambda x: act(ref.conv(pool(act(ref.conv(x, *w["stem"], "same"))), *w["features"]))


def samples():
    """{label: (classifier, layer name)}: one of each sort, for comparing backends."""
    made = {kind: make(kind)[:2] for kind in ("nested functional", "nested sequential", "subclassed")}
    made["by-passed"] = residual()[0], "branch"
    made["second call"] = twice()[0], "shared#2"
    made["saturated"] = make(gain=9.0)[:2]
    return made
