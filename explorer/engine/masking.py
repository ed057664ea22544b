"""The scores of an image seen through masks, each mask shown to the network once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from explorer.arrays import Array
from explorer.attribution.methods import METHODS
from explorer.engine.sweep import AT_IMAGE, forward_batch, in_batches, padded, sweep
from explorer.errors import Progress
from explorer.network import backend, layers

if TYPE_CHECKING:
    from explorer.engine.question import Target
    from explorer.network.classifier import Classifier
    from explorer.network.layers import Layer


NOTHING = "", -1  # the one name of every mask that lets nothing through: the network is shown black once for all


def layers_of(key: str, classifier: Classifier, layer: Layer) -> list[Layer]:
    """The Layers whose maps become masks."""
    return layers.convolution_ends(classifier.layers()) if METHODS[key].every_block else [layer]


def max_masks(key: str, classifier: Classifier, layer: Layer) -> int:
    """How many masked pictures the network is shown at most: one a map."""
    return sum(one.shape[2] for one in layers_of(key, classifier, layer))


class MaskScores:
    """The scores of one image seen through masks.

    target: whose image and score are meant. earlier: {(layer, channel): score}, NOTHING being such a pair too, of an
    earlier result about the same, which is not changed. Afterwards `scores` holds all there is, `masked_passes` is how
    many masked images went through the network, and `passes` how many images in all.
    """

    def __init__(self, target: Target, earlier: Any = (), memory: int | None = None, progress: Progress | None = None):
        self.target, self.memory, self.progress = target, memory, progress
        self.scores, self.masked_passes, self.passes = dict(earlier), 0, 0
        self._looked_up = {}  # names of layers -> their maps at the image

    def map_of(self, key: str, layer: Layer, at_baseline: float) -> tuple[Array, list[tuple]]:
        """(the map, [(layer, its layer map)]) of a mask method; at_baseline: y of the baseline."""
        classifier, method = self.target.classifier, METHODS[key]
        layers = layers_of(key, classifier, layer)
        sets = [method.masks(*maps, classifier.input_size) for maps in self._look_up(layers)]
        self._score(method.label, list(zip(layers, sets, strict=True)))
        layer_maps = [
            method.layer_map(masks, [self.scores[name] for name in _names(one, masks)], at_baseline)
            for one, masks in zip(layers, sets, strict=True)
        ]
        cam = method.fuse(layer_maps, classifier.input_size) if method.fuse else layer_maps[-1]
        return np.asarray(cam, np.float32), list(zip(layers, layer_maps, strict=True))

    def _look_up(self, layers):
        """[(A, ∂y/∂A)], (h, w, K) each, of the layers at the image."""
        names = tuple(layer.name for layer in layers)
        if names not in self._looked_up:
            (samples,) = sweep(self.target, layers, AT_IMAGE, memory=self.memory)
            self.passes += 1
            maps = zip(samples.activations, samples.gradients, strict=True)
            self._looked_up[names] = [tuple(backend.fetch(one)[0] for one in both) for both in maps]
        return self._looked_up[names]

    def _score(self, label, sets):
        """Show the network every mask whose score is not known."""
        todo, names = [], set(self.scores)
        for layer, masks in sets:
            new = [i for i, name in enumerate(_names(layer, masks)) if name not in names and not names.add(name)]
            todo.append((layer, masks.at(new)))
        before, total = 0, sum(len(masks) for _, masks in todo)
        for layer, masks in todo:
            self._show(label, layer, masks, before, total)
            before += len(masks)
        if self.progress and total:
            self.progress(f"{label}, masked pictures", total, total)

    def _show(self, label, layer, masks, before, total):
        classifier, target = self.target.classifier, self.target
        run = classifier.scorer(target.score)
        (black,) = classifier.preprocess(np.zeros((1, *classifier.input_size, 3), np.uint8))
        black, image = backend.on_device(black), backend.on_device(target.end)

        def begin(points, size):
            return run(black, image, padded(masks[points], size), target.class_index)

        def finish(points, scores):
            return points, backend.fetch(scores)[: points.stop - points.start]

        def tell(done):
            if self.progress:
                self.progress(f"{label}, masked pictures", before + done, total)

        size = forward_batch(classifier, self.memory, len(masks))
        for points, scores in in_batches(begin, finish, len(masks), size, tell):
            self.masked_passes += len(scores)
            self.passes += len(scores)
            self.scores.update(zip(_names(layer, masks)[points], map(float, scores), strict=True))


def _names(layer, masks):
    """What each of the masks is known by."""
    nothing = np.ptp(masks.maps.reshape(len(masks), -1), axis=1) == 0 if len(masks) else []
    return [NOTHING if none else (layer.name, channel) for none, channel in zip(nothing, masks.channels, strict=True)]
