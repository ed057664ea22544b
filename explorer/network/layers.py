"""Which spatial layers a network has, and which of them cut it in two."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import keras

from explorer.network import backend, hooks, output_head

if TYPE_CHECKING:
    from explorer.network.input_spec import Input


INPUT = "the picture"  # the name of what the network is fed, where it is looked at as a layer


@dataclass(frozen=True)
class Layer:
    """A place in the network where a heatmap can be made.

    separates: the score depends on the picture through this layer alone. Only then do its integrated gradients add
    up to the change of the score (completeness); a skip connection around the layer makes it False.
    """

    name: str  # path-style: "block5_pool", "backbone/conv4_block6_out"
    shape: tuple[int, ...]  # (h, w, K)
    separates: bool
    reaches: bool = field(default=True, repr=False)  # whether the score depends on it at all
    call: hooks.LayerCall | None = field(default=None, repr=False, compare=False)
    channels_first: bool = field(default=False, repr=False)  # whether the network keeps the map as (K, h, w)
    dtype: str = field(default="float32", repr=False)  # of the map inside the network
    others: tuple[str, ...] = field(default=(), repr=False)  # names for the same place, such as "backbone"

    @property
    def place(self) -> tuple:
        """Which call of which Keras layer it is: what a hook is placed by."""
        return self.call.layer, self.call.index


@dataclass(frozen=True)
class Anatomy:
    layers: tuple[Layer, ...]  # every layer with a map, in the order of the forward pass
    heads: tuple[str, ...]  # the names of the outputs
    head: str  # the one that is explained
    classes: int  # how many values it has
    place: output_head.Place | None  # where its softmax or sigmoid is
    bytes_per_image: tuple[int, ...]  # of each layer's map, float32


def anatomy(model: keras.Model, picture: Input, head: str | None = None, name: str | None = None) -> Anatomy:
    """Trace one pass through the model.

    picture: its Input. head: the output to explain, by default the first that holds classes. name: how people call the
    model. Raises InputError where that output holds no classes.
    """
    anatomy = {}

    def forward(x):
        outputs, calls = hooks.record(model, picture.pack(x))
        heads = output_head.heads(model, outputs)
        head_name = output_head.choose(name or model.name, heads, head)
        output, places = heads[head_name], _maps(calls, picture.channels_first)
        anatomy.update(heads=tuple(heads), head=head_name, classes=output_head.class_count(output))
        anatomy.update(place=output_head.find(calls, output), layers=[place for place, _ in places])
        return output, [value for _, value in places]

    count, edges, source, output, inner = backend.flow(forward, picture.shape)
    after, before, cut = separators(count, edges, source, output)
    layers = []
    for layer, node in zip(anatomy.pop("layers"), inner, strict=True):
        on_path = node is not None and after[node] and before[node]
        layers.append(replace(layer, separates=on_path and cut[node], reaches=on_path))
    sizes = tuple(4 * layer.shape[0] * layer.shape[1] * layer.shape[2] for layer in layers)
    return Anatomy(layers=tuple(layers), bytes_per_image=sizes, **anatomy)


def _maps(calls, channels_first):
    """[(Layer, its value)] for every value that is a map: (n, h, w, K) or (n, K, h, w), with more than one place.

    What a layer passes on untouched (a model's last layer and the model itself, a Dropout) is one place of the network
    under several names.
    """
    formats, names, by_tensor = {}, {}, {}
    for call in calls:
        if not hasattr(call.output, "shape"):  # a layer may return several values
            continue
        key = id(call.output)
        first = formats.setdefault(key, _channels_first(call, formats.get(id(call.input), channels_first)))
        shape = _channels_last(tuple(call.output.shape), first)
        dtype = keras.backend.standardize_dtype(call.output.dtype)
        if not _is_map(shape) or "float" not in dtype:
            continue
        names.setdefault(key, []).append(call.name)
        layer = Layer(call.name, shape[1:], False, False, call.without_values(), first, dtype)
        by_tensor.setdefault(key, (layer, call.output))
    return [(replace(layer, others=tuple(names[key][1:])), value) for key, (layer, value) in by_tensor.items()]


def _is_map(shape):
    """(n, h, w, K) with more than one place, and not a mere row of values, as in front of a softmax."""
    return len(shape) == 4 and shape[1] * shape[2] > 1 and sum(n > 1 for n in shape[1:]) > 1


def _channels_first(call, before):
    """Whether the channels come first in what a call returns: its own word, else as in what it is given."""
    own = getattr(call.layer, "data_format", None)
    if own in ("channels_first", "channels_last"):
        return own == "channels_first"
    moved = getattr(call.layer, "dims", None) or getattr(call.layer, "axes", None)
    return {(2, 3, 1): False, (0, 2, 3, 1): False, (3, 1, 2): True, (0, 3, 1, 2): True}.get(moved, before)


def _channels_last(shape, first):
    return (shape[0], *shape[2:], shape[1]) if first and len(shape) == 4 else shape


def block_ends(layers: Sequence[Layer]) -> list[Layer]:
    """The last layer of each block, in order: what people call the network's blocks.

    Blocks are told by their names where these begin alike with a number ("block5_", "conv4_"); elsewhere the last
    cutting layer at each resolution ends a block.
    """
    named = {}
    for layer in layers:
        block = re.match(r"(.*/)?[a-z]+\d+_", layer.name)
        if block:
            named[block.group()] = layer
    if len(named) > 1:
        return list(named.values())
    return list({layer.shape[:2]: layer for layer in layers if layer.separates}.values())


def convolution_ends(layers: Sequence[Layer]) -> list[Layer]:
    """The last layer in front of every change of resolution, in order, where a convolution worked at that resolution.

    These are the layers of SISE: the inputs of VGG's poolings, the ends of ResNet's stages. Poolings and paddings only
    hand on what was there.
    """
    last, worked = {}, set()
    for layer in layers:
        kind, size = type(layer.call.layer).__name__, layer.shape[:2]
        if "Conv" in kind:
            worked.add(size)
        if not ("Pool" in kind or "Padding" in kind):
            last[size] = layer
    return [layer for size, layer in last.items() if size in worked]


def separators(
    count: int, edges: list[tuple[int, int]], source: int, sink: int
) -> tuple[list[bool], list[bool], list[bool]]:
    """For every node of a graph whose edges all go forward: is it after the source, before the sink, and on every
    path between them?

    A node on every path is one that no edge passes by: walking along the order, the farthest target of the edges
    left behind is the node itself.
    """
    after, before = [False] * count, [False] * count
    after[source] = before[sink] = True
    for u, v in sorted(edges):
        after[v] |= after[u]
    for u, v in sorted(edges, key=lambda edge: edge[1], reverse=True):
        before[u] |= before[v]
    farthest, cut, targets = source, [False] * count, {}
    for u, v in edges:
        if after[u] and before[v]:
            targets[u] = max(v, targets.get(u, v))
    for node in range(count):
        if after[node] and before[node]:
            cut[node] = farthest <= node
            farthest = max(farthest, targets.get(node, node))
    return after, before, cut
