"""A straight line between the activations at the two ends of the path: where layer integrated gradients look."""

import numpy as np

from explorer.engine.sweep import sweep
from explorer.network import backend


class Straight:
    """Points of that line as Samples, the source of a path like `explorer.engine.integrate.Source`.

    question: arguments of `explorer.engine.sweep.sweep` up to the score. ends: (2, h, w, K), A(0) and A(1). What
    by-passes the layer stays as it is at the picture. Afterwards `heads` is how many points went through the part
    behind the layer.
    """

    def __init__(self, question, ends, budget, progress=None):
        self.question, self.ends, self.budget, self.progress = question, backend.fetch(ends), budget, progress
        self.heads = 0

    def look(self, alphas):
        return self.walk(alphas)

    def walk(self, alphas):
        """Yield Samples of the points in their order."""
        classifier, layers, _, end, class_index, score = self.question
        self.heads += len(alphas)
        line, tell = _Line(*self.ends, alphas), self.progress
        told = tell and (lambda stage, done, total: tell("the straight path", done, total))
        return sweep(classifier, layers, end, end, class_index, score, alphas, line, self.budget, told)


class _Line:
    """A(0) + α (A(1) − A(0)), (n, h, w, K) of any few of the α at a time."""

    def __init__(self, first, last, alphas):
        self.first, self.last, self.alphas = first, last, np.asarray(alphas, np.float32)

    def __getitem__(self, where):
        alphas = self.alphas[where].reshape(-1, 1, 1, 1)
        return self.first + alphas * (self.last - self.first)
