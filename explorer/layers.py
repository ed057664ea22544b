"""Which spatial layers a network has, and which of them cut it in two."""

import re
from dataclasses import dataclass, field, replace

from explorer import backend, tap


@dataclass(frozen=True)
class Layer:
    """A place in the network where a heatmap can be made.

    cuts: the score depends on the picture through this layer alone. Only then do its integrated gradients add up to
    the change of the score (completeness); a skip connection around the layer makes it False.
    """

    name: str  # path-style: "block5_pool", "backbone/conv4_block6_out"
    shape: tuple[int, int, int]  # (h, w, K)
    cuts: bool
    reaches: bool = field(default=True, repr=False)  # whether the score depends on it at all
    call: tap.LayerCall | None = field(default=None, repr=False, compare=False)


@dataclass(frozen=True)
class Anatomy:
    layers: tuple[Layer, ...]  # every layer with a map, in the order of the forward pass
    head: tap.LayerCall | None  # the innermost layer whose output is the network's output
    bytes_per_image: tuple[int, ...]  # of each layer's map, float32


def anatomy(model, input_shape):
    """Trace one pass through the model. input_shape: (H, W, channels)."""
    recorded = {}

    def forward(x):
        output, calls = tap.record(model, x)
        tensors = [call for call in calls if hasattr(call.output, "shape")]  # a layer may return several values
        recorded["calls"] = tensors
        recorded["head"] = next((call for call in tensors if call.output is output), None)
        return output, [call.output for call in tensors]

    count, edges, source, output, inner = backend.flow(forward, input_shape)
    after, before, cut = separators(count, edges, source, output)
    layers = []
    for call, node in zip(recorded["calls"], inner, strict=True):
        shape = tuple(call.output.shape)
        if len(shape) != 4 or shape[1] * shape[2] < 2:
            continue
        on_path = node is not None and after[node] and before[node]
        layers.append(Layer(call.name, shape[1:], on_path and cut[node], on_path, _place(call)))
    sizes = tuple(4 * layer.shape[0] * layer.shape[1] * layer.shape[2] for layer in layers)
    head = recorded["head"]
    return Anatomy(tuple(layers), head and _place(head), sizes)


def _place(call):
    """The call without its output: a value of the trace must not outlive it."""
    return replace(call, output=None)


def block_ends(layers):
    """The last layer of each block, in order: what people call the network's blocks.

    Blocks are told by their names where these begin alike with a number ("block5_", "conv4_"); elsewhere the last
    cutting layer at each resolution ends a block.
    """
    named = {}
    for layer in layers:
        found = re.match(r"(.*/)?[a-z]+\d+_", layer.name)
        if found:
            named[found.group()] = layer
    if len(named) > 1:
        return list(named.values())
    return list({layer.shape[:2]: layer for layer in layers if layer.cuts}.values())


def separators(count, edges, source, sink):
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
