"""Which layers have a map, which the score depends on, and which cut the network: against brute force on graphs."""

import keras
import numpy as np
import pytest
from keras import layers

from explorer.engine.run import explain
from explorer.network.input_spec import Input
from explorer.network.layers import Layer, anatomy, block_ends, separators
from support import networks as nets

SHAPE = (nets.HEIGHT, nets.WIDTH, 3)
PICTURE = Input((nets.HEIGHT, nets.WIDTH))


def reachable(edges, start, without=None):
    """Every node that can be reached from `start` by walking along the edges, not through `without`."""
    seen, stack = set(), [start]
    while stack:
        node = stack.pop()
        if node in seen or node == without:
            continue
        seen.add(node)
        stack += [v for u, v in edges if u == node]
    return seen


@pytest.mark.parametrize("seed", range(60))
def test_separators_are_the_nodes_whose_loss_disconnects(seed):
    rng = np.random.default_rng(seed)
    count = int(rng.integers(2, 12))
    pairs = [(u, v) for v in range(count) for u in range(v)]
    edges = [pair for pair in pairs if rng.random() < rng.choice([0.15, 0.3, 0.6])] + [(0, count - 1)] * (seed % 2)
    rng.shuffle(edges)  # a backend lists them in whatever order it meets them
    edges = [tuple(map(int, edge)) for edge in edges]
    source, sink = (0, count - 1) if seed % 3 else (min(1, count - 2), count - 1)
    after, before, cut = separators(count, edges, source, sink)
    backwards = [(v, u) for u, v in edges]
    assert {n for n in range(count) if after[n]} == reachable(edges, source), "after the source"
    assert {n for n in range(count) if before[n]} == reachable(backwards, sink), "before the sink"
    for node in range(count):
        if not (after[node] and before[node]):
            continue
        disconnects = node in (source, sink) or sink not in reachable(edges, source, without=node)
        assert cut[node] == disconnects, f"node {node} of {edges}: on every path from {source} to {sink}, or not"


@pytest.mark.parametrize("kind", nets.KINDS)
def test_a_chain_is_cut_by_every_layer(kind):
    build, name = nets.KINDS[kind]
    found = {layer.name: layer for layer in anatomy(build(nets.parts()), PICTURE).layers}
    shapes = {name.split("/")[-1]: layer.shape for name, layer in found.items()}
    for layer, shape in {"stem": (12, 16, 4), "pool": (6, 8, 4), "features": (4, 6, 5), "neck": (3, 4, 6)}.items():
        assert shapes[layer] == shape, f"{layer} is (h, w, K) = {shape}, without the batch"
    assert found[name].separates and all(layer.separates and layer.reaches for layer in found.values()), (
        "a chain has no by-pass"
    )
    assert "flat" not in shapes and "classes" not in shapes, "only what has a map is listed"


def cuts(classifier):
    return {layer.name: layer.separates for layer in classifier.layers()}


def test_a_shortcut_takes_the_cut_from_what_it_by_passes():
    assert cuts(nets.residual()[0]) == {
        "stem": True,
        "pool": True,
        "branch": False,
        "shortcut": False,
        "joined": True,
        "neck": True,
    }, "the layers beside each other do not cut; where they part and where they meet, all flows through"


def test_a_layer_called_twice_is_two_places():
    assert cuts(nets.twice()[0]) == {"stem": True, "pool": True, "shared": True, "shared#2": True}, "each cuts"


@pytest.mark.parametrize("kind", ["nested functional", "nested sequential"])
def test_one_place_is_listed_once(kind):
    """The nested model and its last layer return the very same map."""
    classifier = nets.make(kind)[0]
    listed = [layer.name for layer in classifier.layers()]
    assert listed[:3] == ["backbone/stem", "backbone/pool", "backbone/features"], "by the longer name"
    assert "backbone" not in listed and classifier.layer("backbone").name == "backbone/features", "known by the shorter"
    found = explain(classifier, nets.picture(), "backbone", steps=3)
    assert found.settings["layer"] == "backbone/features", "whichever was asked for"


def test_a_layer_that_does_nothing_is_another_name_for_the_one_before():
    p = nets.parts()
    x = keras.Input(SHAPE)
    idle = [layers.Dropout(0.5, name="drop"), layers.Activation("linear", name="linear"), layers.Identity(name="same")]
    body = [p["stem"], p["pool"], p["features"], *idle, p["neck"], p["flat"], p["classes"]]
    classifier = nets.classifier(nets.seed_weights(keras.Model(x, nets.chain(x, body))))
    assert cuts(classifier) == {"stem": True, "pool": True, "features": True, "neck": True}, "each place once"
    for name in ("drop", "linear", "same"):
        assert classifier.layer(name).name == "features", f"{name} passes the map on untouched"
    assert classifier.layer("features").others[:2] == ("drop", "linear"), "the layer knows its other names"


@pytest.mark.parametrize("times", [1, 2])
def test_operations_are_places_too(times):
    """`x + y` is where a residual block ends in networks that are written so."""
    for _ in range(times):  # Keras numbers its operations anew in every model
        p = nets.parts()
        x = keras.Input(SHAPE)
        below = p["pool"](p["stem"](x))
        joined = layers.Conv2D(4, 3, padding="same", name="one")(below) + below
        again = layers.Conv2D(4, 3, padding="same", name="two")(joined) + joined
        model = keras.Model(x, layers.Dense(7, activation="softmax")(layers.Flatten()(again)))
    classifier = nets.classifier(model)
    expected = {"stem": True, "pool": True, "one": False, "add": True, "two": False, "add#2": True}
    assert cuts(classifier) == expected, "named by what they do, whichever model it is"
    assert classifier.default_layer == "add#2", "both branches flow through it"
    gap = explain(classifier, nets.picture(), "add#2", steps=400, score="logit").completeness_gap
    assert gap < 1e-3, f"and completeness holds there: {gap:.1e}"
    sub = keras.Model(x, joined)
    found = explain(classifier, nets.picture(), "add", steps=1).path.activations[-1]
    plain = nets.outputs(sub, nets.preprocess(nets.picture()[None].astype(np.float32)))[0]
    np.testing.assert_allclose(found, plain, rtol=1e-5, atol=1e-6, err_msg="what an explicit sub-model gives there")


def test_a_row_in_the_shape_of_a_map_is_no_map():
    p = nets.parts(softmax=None)
    x = keras.Input(SHAPE)
    row = layers.Reshape((nets.CLASSES, 1, 1), name="row")(nets.chain(x, p.values()))
    model = nets.seed_weights(keras.Model(x, layers.Flatten()(layers.Softmax(axis=1)(row))))
    assert nets.classifier(model).default_layer == "neck", "seven values one above the other are no place in a picture"


def test_the_ends_of_blocks_can_be_said():
    model = nets.make()[0].model
    said = nets.Classifier("n", model, nets.preprocess, block_ends=("pool", "neck"))
    assert [layer.name for layer in said.block_ends] == ["pool", "neck"], "as they were said"
    assert [layer.name for layer in nets.make()[0].block_ends] == ["stem", "pool", "features", "neck"], "or guessed"


def test_a_layer_whose_result_is_dropped_is_not_offered():
    classifier = nets.dead_end()
    assert "side" not in cuts(classifier), "the score does not depend on it"
    side = next(layer for layer in classifier.anatomy.layers if layer.name == "side")
    assert not side.reaches and not side.separates, "it is known, so that asking for it gets an answer"


def test_the_default_is_the_last_layer_that_cuts():
    assert nets.residual()[0].default_layer == "neck", "the last of the chain"
    x = keras.Input(SHAPE)
    below = layers.Conv2D(4, 3, padding="same", name="below")(x)
    sides = [layers.Conv2D(4, 3, padding="same", name=f"side{i}")(below) for i in (1, 2)]
    rows = [layers.GlobalAveragePooling2D()(side) for side in sides]
    model = keras.Model(x, layers.Dense(nets.CLASSES, activation="softmax")(layers.Concatenate()(rows)))
    assert nets.classifier(model).default_layer == "below", "two branches that meet only after pooling cut nothing"


def test_a_map_of_one_place_is_no_map():
    x = keras.Input(SHAPE)
    body = [
        layers.Conv2D(4, 3, name="conv"),
        layers.GlobalAveragePooling2D(keepdims=True, name="one_place"),
        layers.Conv2D(5, 1, name="one_place_conv"),
        layers.Flatten(),
        layers.Dense(nets.CLASSES, activation="softmax"),
    ]
    model = keras.Model(x, nets.chain(x, body))
    assert [layer.name for layer in anatomy(model, PICTURE).layers] == ["conv"], "1×1 places show nothing"


def test_a_dense_connection_around_everything():
    """The input itself is concatenated to a late layer: then no layer between cuts the network."""
    x = keras.Input(SHAPE)
    early = layers.Conv2D(4, 3, padding="same", name="early")(x)
    both = layers.Concatenate(name="both")([early, x])
    late = layers.Conv2D(5, 3, name="late")(both)
    model = keras.Model(x, layers.Dense(nets.CLASSES)(layers.Flatten()(late)))
    assert cuts(nets.classifier(model)) == {"early": False, "both": True, "late": True}, "the picture flows around it"


def test_layers_are_counted_in_bytes():
    found = anatomy(nets.functional(nets.parts()), PICTURE)
    assert found.bytes_per_image == tuple(4 * np.prod(layer.shape) for layer in found.layers), "float32, one picture"


@pytest.mark.parametrize(
    ("tail", "softmax", "head"),
    [
        ((), "softmax", "classes"),
        ((layers.Softmax(name="end"),), None, "end"),
        ((layers.Activation("softmax", name="end"),), None, "end"),
        ((layers.Dropout(0.5, name="end"),), "softmax", "classes"),
        ((), None, "classes"),
    ],
)
def test_the_logits_are_at_the_innermost_call_that_makes_the_output(tail, softmax, head):
    for kind, (build, _) in nets.KINDS.items():
        fresh = [type(layer).from_config(layer.get_config()) for layer in tail]
        found = anatomy(build(nets.parts(softmax=softmax), fresh), PICTURE).place
        assert found.call.layer.name == head, f"the innermost such call of a {kind} model"
        assert found.function == ("linear" if not tail and softmax is None else "softmax"), "and what it does last"


def places(*named):
    return [Layer(name, shape, cuts) for name, shape, cuts in named]


def test_blocks_end_where_their_names_say():
    shape = (4, 6, 5)
    found = block_ends(
        places(*((f"net/{name}", shape, True) for name in ("block1_conv", "block1_pool", "block2_conv", "block2_pool")))
    )
    assert [layer.name for layer in found] == ["net/block1_pool", "net/block2_pool"], "the last of each name"


def test_blocks_without_such_names_end_at_each_resolution():
    found = block_ends(
        places(("a", (8, 6, 5), True), ("b", (8, 6, 9), True), ("c", (8, 6, 9), False), ("d", (4, 3, 9), True))
    )
    assert [layer.name for layer in found] == ["b", "d"], "the last that cuts the network at each size of map"
