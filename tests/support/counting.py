"""A classifier whose network is watched: what it is asked for, point by point, and how it runs out of memory."""

import numpy as np
import tensorflow as tf


class Counting:
    """A classifier that writes down what goes through its network, and otherwise is the one it is given.

    most: the batch beyond which its network says that memory is exhausted; None for never.
    """

    def __init__(self, classifier, most=None):
        self.classifier, self.most = classifier, most
        self.forget()

    def __getattr__(self, name):
        return getattr(self.classifier, name)

    def forget(self):
        """Begin to count anew."""
        self.batches = []  # (the α of a batch, whether the activations were given) for every one that went through
        self.refused = []  # the sizes of those that did not fit
        self.pictures = 0  # shown to the network to know its classes

    @property
    def passes(self):
        """Points that went through the whole network."""
        return sum(len(alphas) for alphas, known in self.batches if not known)

    @property
    def heads(self):
        """Points that went through the part behind the layer alone."""
        return sum(len(alphas) for alphas, known in self.batches if known)

    @property
    def sizes(self):
        return [len(alphas) for alphas, _ in self.batches]

    @property
    def alphas(self):
        """Every point that went through either, in the order of going."""
        return np.concatenate([alphas for alphas, _ in self.batches]) if self.batches else np.zeros(0)

    def values(self, images):
        self.pictures += len(images)
        return self.classifier.values(images)

    def sampler(self, layers, score, known=False):
        inner = self.classifier.sampler(layers, score, known)

        def sample(start, end, alphas, class_index, *given):
            if self.most is not None and len(alphas) > self.most:
                self.refused.append(len(alphas))
                raise tf.errors.ResourceExhaustedError(None, None, "OOM when allocating tensor")
            self.batches.append((np.array(alphas), known))
            return inner(start, end, alphas, class_index, *given)

        return sample


def assert_same_maps(found, expected, said, tolerance=1e-5):
    """Every map of two Results is the same, relative to its greatest value, a blank one as blank."""
    assert list(found.cams) == list(expected.cams), f"{said}: the same methods"
    assert any(cam.any() for cam in expected.cams.values()), f"{said}: all maps are blank, nothing would be compared"
    for key, cam in expected.cams.items():
        off = np.abs(found.cams[key] - cam).max() / (np.abs(cam).max() or np.finfo(np.float32).tiny)
        assert off < tolerance, f"{said}: {key} is off by {off:.1e} of the map's maximum"
