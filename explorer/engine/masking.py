"""Methods that show the network the picture through masks: how many, and what it says of them."""

import numpy as np

from explorer.attribution.methods import METHODS
from explorer.engine.sweep import AT_PICTURE, MEMORY_BUDGET, forward_batch, in_batches, padded, sweep
from explorer.network import backend, layers

NOTHING = "", -1  # the one name of every mask that lets nothing through: the network is shown black once for all


def layers_of(key, classifier, layer):
    """The Layers whose maps become masks."""
    return layers.convolution_ends(classifier.layers()) if METHODS[key].masking.every_block else [layer]


def most_masks(key, classifier, layer):
    """How many masked pictures the network is shown at most: one a map."""
    return sum(one.shape[2] for one in layers_of(key, classifier, layer))


class Answers:
    """What the network says of one picture seen through masks, each mask shown once.

    question: (classifier, baseline and picture as the model is fed, class index, key of a score). known: {(layer,
    channel): score}, NOTHING being such a pair too, of an earlier answer about the same, which is not changed.
    Afterwards `known` holds all there is, `shown` is how many masked pictures went through the network, and `passes`
    how many pictures in all.
    """

    def __init__(self, question, known=(), budget=MEMORY_BUDGET, progress=None):
        self.question, self.budget, self.progress = question, budget, progress
        self.known, self.shown, self.passes = dict(known), 0, 0
        self._looked = {}  # names of layers -> their maps at the picture

    def map_of(self, key, layer, at_baseline):
        """(the map, [(layer, its layer map)]) of a method with masks; at_baseline: y of the baseline."""
        classifier = self.question[0]
        masking, chosen = METHODS[key].masking, layers_of(key, classifier, layer)
        sets = [masking.masks(*maps, classifier.input_size) for maps in self._look(chosen)]
        self._ask(METHODS[key].label, list(zip(chosen, sets, strict=True)))
        layer_maps = [
            masking.layer_map(masks, [self.known[name] for name in _names(one, masks)], at_baseline)
            for one, masks in zip(chosen, sets, strict=True)
        ]
        found = masking.fuse(layer_maps, classifier.input_size) if masking.fuse else layer_maps[-1]
        return np.asarray(found, np.float32), list(zip(chosen, layer_maps, strict=True))

    def _look(self, layers):
        """[(A, ∂y/∂A)], (h, w, K) each, of the layers at the picture."""
        names = tuple(layer.name for layer in layers)
        if names not in self._looked:
            classifier, start, end, class_index, score = self.question
            (samples,) = sweep(classifier, layers, start, end, class_index, score, AT_PICTURE, budget=self.budget)
            self.passes += 1
            maps = zip(samples.activations, samples.gradients, strict=True)
            self._looked[names] = [tuple(backend.fetch(one)[0] for one in both) for both in maps]
        return self._looked[names]

    def _ask(self, label, sets):
        """Show the network every mask whose answer is not known."""
        todo, asked = [], set(self.known)
        for layer, masks in sets:
            new = [i for i, name in enumerate(_names(layer, masks)) if name not in asked and not asked.add(name)]
            todo.append((layer, masks.at(new)))
        before, total = 0, sum(len(masks) for _, masks in todo)
        for layer, masks in todo:
            self._show(label, layer, masks, before, total)
            before += len(masks)
        if self.progress and total:
            self.progress(f"{label}, masked pictures", total, total)

    def _show(self, label, layer, masks, before, total):
        classifier, _, picture, class_index, score = self.question
        run = classifier.scorer(score)
        (black,) = classifier.preprocess(np.zeros((1, *classifier.input_size, 3), np.uint8))

        def work(where, size):
            scores = backend.fetch(run(black, picture, padded(masks[where], size), class_index))
            return scores[: where.stop - where.start]

        def tell(done):
            if self.progress:
                self.progress(f"{label}, masked pictures", before + done, total)

        most = forward_batch(classifier, self.budget, len(masks))
        for where, scores in in_batches(work, len(masks), most, tell):
            self.shown += len(scores)
            self.passes += len(scores)
            self.known.update(zip(_names(layer, masks)[where], map(float, scores), strict=True))


def _names(layer, masks):
    """What each of the masks is known by."""
    nothing = np.ptp(masks.maps.reshape(len(masks), -1), axis=1) == 0 if len(masks) else []
    return [NOTHING if none else (layer.name, channel) for none, channel in zip(nothing, masks.channels, strict=True)]
