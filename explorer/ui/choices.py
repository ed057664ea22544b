"""What the page's lists offer."""

from explorer.ui import text


def layers(classifier):
    """The ends of the blocks, the last one first, then every layer in its order."""
    first = classifier.block_ends
    order = [*reversed(first), *(layer for layer in classifier.layers() if layer not in first)]
    return [(_layer_words(layer), layer.name) for layer in order]


def _layer_words(layer):
    h, w, channels = layer.shape
    return f"{layer.name} · {h}×{w}×{channels}" + ("" if layer.cuts else " · by-passed")


def classes(result, classifier):
    """The five most probable with their probabilities, then every class by name."""
    order = result.probabilities.argsort()[::-1]
    top = [int(i) for i in order[:5]]
    words = [(f"{classifier.class_names[i]} · {text.about(result.probabilities[i])}", i) for i in top]
    rest = sorted(set(range(len(classifier.class_names))) - set(top), key=lambda i: classifier.class_names[i].lower())
    return words + [(classifier.class_names[i], i) for i in rest]
