"""What the page's lists offer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from explorer import formatting

if TYPE_CHECKING:
    from explorer.engine.result import Result
    from explorer.network.classifier import Classifier
    from explorer.network.layers import Layer


MAX_LAYERS = 6  # layers that stand for a network


def layers(classifier: Classifier) -> list[tuple[str, str]]:
    """The ends of the blocks, the last one first, then every layer in its order."""
    first = classifier.block_ends
    order = [*reversed(first), *(layer for layer in classifier.layers() if layer not in first)]
    return [(_layer_words(layer), layer.name) for layer in order]


def film(classifier: Classifier) -> list[Layer]:
    """The Layers that stand for the whole network, in order: the ends of its blocks; of many, those of a resolution."""
    ends = classifier.block_ends
    return (
        list(ends)
        if len(ends) <= MAX_LAYERS
        else list({layer.shape[:2]: layer for layer in ends}.values())[-MAX_LAYERS:]
    )


def _layer_words(layer):
    h, w, channels = layer.shape
    return f"{layer.name} · {h}×{w}×{channels}" + ("" if layer.separates else " · by-passed")


def classes(result: Result, classifier: Classifier) -> list[tuple[str, int]]:
    """The five most probable with their probabilities, then every class by name."""
    order = result.probabilities.argsort()[::-1]
    top = [int(i) for i in order[:5]]
    words = [(f"{classifier.class_names[i]} · {formatting.about(result.probabilities[i])}", i) for i in top]
    rest = sorted(set(range(len(classifier.class_names))) - set(top), key=lambda i: classifier.class_names[i].lower())
    return words + [(classifier.class_names[i], i) for i in rest]
