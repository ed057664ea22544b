"""The network as the sweep asks for it: traced functions of points of a path, and of masks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from functools import partial
from typing import TYPE_CHECKING, Any

from keras import ops

from explorer.arrays import Array, Points
from explorer.network import backend, hooks

if TYPE_CHECKING:
    from explorer.attribution.scores import Score
    from explorer.network.classifier import Classifier
    from explorer.network.layers import Layer


def sample(
    classifier: Classifier,
    layers: Sequence[Layer],
    score: Score,
    from_layer: bool,
    start: Array,
    end: Array,
    alphas: Points,
    class_index: int,
    *activations: Any,
    change: Callable | None = None,
) -> tuple:
    """The network at points of a path, with everything methods need of it, in one pass forth and back.

    layers: the Layers to look at, `classifier.input_layer` perhaps among them. start, end: of input.shape, as the model
    is fed. Returns (values (n, C), u (n,), y (n,), [A (n, h, w, K)], [∂y/∂A (n, h, w, K)]), the lists in the order of
    the layers; values: what scores are computed of; u, y: see `explorer.attribution.scores`.

    from_layer: `activations` are given, of the one layer. Where the layer separates input from output the part before
    it is then left out; where a skip connection by-passes it, what flows around it is computed from the same point of
    the path.

    change: (values, [A]) -> other values, of a network that differs from this one at its end.
    """
    x = _between(start, end, alphas[:1] if from_layer and layers[0].separates else alphas)
    # The gradient is that of zeros added to the maps: so it is had at several layers, one behind the other
    zeros = [ops.zeros((ops.shape(alphas)[0], *layer.shape)) for layer in layers]

    def inner(zeros):
        maps, fed = {}, x
        with hooks.LOCK, ExitStack() as stack:
            for layer, zero in zip(layers, zeros, strict=True):
                if layer.call is None:
                    fed = _with(layer, zero, maps, x)
                elif from_layer:
                    value = maps[layer.name] = activations[0] + zero
                    stack.enter_context(hooks.replaced(*layer.place, _as_output(layer, value)))
                else:
                    stack.enter_context(hooks.altered(*layer.place, partial(_with, layer, zero, maps)))
            values = classifier.run(fed)
        values = values if change is None else change(values, [maps[layer.name] for layer in layers])
        return score.inner(values, class_index), (values, [maps[layer.name] for layer in layers])

    slopes, u, (values, maps) = backend.gradient(inner, zeros)
    outer = ops.reshape(score.slope(u), (-1, 1, 1, 1))
    return values, u, score.value(u), maps, [inside * outer for inside in slopes]


def scaled(
    classifier: Classifier,
    layer: Layer,
    score: Score,
    start: Array,
    end: Array,
    alphas: Points,
    class_index: int,
    activations: Array,
    factor: Array,
) -> tuple:
    """`sample` behind a layer, of a network whose logits are `factor` times as large."""
    change = partial(_times, factor)
    return sample(classifier, [layer], score, True, start, end, alphas, class_index, activations, change=change)


def shifted(
    classifier: Classifier,
    layer: Layer,
    score: Score,
    start: Array,
    end: Array,
    alphas: Points,
    class_index: int,
    activations: Array,
    weights: Array,
) -> tuple:
    """`sample` behind a layer, of a network that adds t = Σ_k weights_k Σ_ij A_k to every logit; weights: (K,)."""
    change = partial(_plus, weights)
    return sample(classifier, [layer], score, True, start, end, alphas, class_index, activations, change=change)


def _times(factor, values, maps):
    return values * factor


def _plus(weights, values, maps):
    return values + ops.einsum("nhwk,k->n", maps[0], weights)[:, None]


def seen_through(
    classifier: Classifier, score: Score, nothing: Array, picture: Array, masks: Array, class_index: int
) -> Array:
    """y (n,) of the picture maps through masks (n, H, W) in [0, 1]: nothing + mask (picture − nothing).

    nothing, picture: of input.shape, as the model is fed. Masks multiply pixels where `nothing` is black, since the
    preprocessing is affine.
    """
    nothing, picture = ops.convert_to_tensor(nothing)[None], ops.convert_to_tensor(picture)[None]
    masks = _as_output(classifier.input_layer, ops.convert_to_tensor(masks)[..., None])
    return score.value(score.inner(classifier.run(nothing + masks * (picture - nothing)), class_index))


def _between(start, end, alphas):
    """The points start + α (end − start) of the path; (n, H, W, 3).

    Reckoned from the nearer end, so that both ends are exact, and so is every point where the ends are equal: what
    does not change along the path must not seem to, or its rounding would be integrated into a map of noise.
    """
    alphas = ops.reshape(ops.convert_to_tensor(alphas), (-1, 1, 1, 1))
    start, end = ops.convert_to_tensor(start)[None], ops.convert_to_tensor(end)[None]
    return ops.where(alphas < 0.5, start + alphas * (end - start), end - (1 - alphas) * (end - start))


def _with(layer, zero, maps, output):
    """What a layer returns, with `zero` (n, h, w, K) added to it; noted in `maps` as the float32 map it is."""
    maps[layer.name] = ops.cast(_as_map(layer, output), "float32")
    return output + _as_output(layer, zero)


def _as_map(layer, value):
    """What the network has at a layer, as (n, h, w, K)."""
    return ops.transpose(value, (0, 2, 3, 1)) if layer.channels_first else value


def _as_output(layer, a):
    """A map (n, h, w, K) as the layer returns it."""
    a = ops.transpose(a, (0, 3, 1, 2)) if layer.channels_first else a
    return ops.cast(a, layer.dtype)
