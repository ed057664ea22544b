"""The three methods in double precision, slowly: what the precisions of a graphics card are held against.

The network is built anew in float64 with the same weights; the equations are NumPy's, written from the paper. On JAX
the process needs JAX_ENABLE_X64=1.
"""

import keras
import numpy as np
from keras import ops

from benchmarks import networks, ways
from explorer.network import backend

BATCH = 8


class Float64:
    """A way (see ways.py) that only answers. The score is the probability, exact unless 1 − p is below 1e-16."""

    def __init__(self, classifier, class_index):
        self.class_index, self.ends = class_index, ways.ends(classifier).astype(np.float64)
        keras.config.set_dtype_policy("float64")
        model = networks.model(classifier.name)
        networks.seed(model)
        self.model = networks.logits(model)

    def answers(self, layer, steps):
        """{method: (h, w)}, with the defaults of `explorer.explain`."""
        points, sums, before = ways.path_inputs(self.ends, steps), None, None
        trunk, head = networks.halves(self.model, layer)
        for first in range(0, len(points), BATCH):
            a, g = self.looked_at(trunk, head, points[first : first + BATCH])
            sums = sums or Sums(a[0])
            if before is not None:
                a, g = np.concatenate([before[0], a]), np.concatenate([before[1], g])
            sums.add(a, g)
            before = a[-1:], g[-1:]
        return sums.maps(before[0][0], before[1][0], steps)

    def looked_at(self, trunk, head, points):
        """A and ∂y/∂A, both (n, h, w, K) float64."""
        a = trunk(ops.convert_to_tensor(points, "float64"), training=False)
        slopes, _, _ = backend.gradient(lambda a: (self.probability(head(a, training=False)), 0), a)
        a, slopes = backend.fetch(a), backend.fetch(slopes)
        if a.dtype != np.float64 or slopes.dtype != np.float64:
            raise TypeError(f"The reference is of double precision, but {backend.name()} computed in {slopes.dtype}.")
        return a, slopes

    def probability(self, logits):
        """1/(1 + Σ_{j≠c} exp(z_j − z_c)): nothing is subtracted from 1."""
        odds = ops.exp(logits - logits[:, self.class_index : self.class_index + 1])
        others = np.ones(logits.shape[1])
        others[self.class_index] = 0
        return 1 / (1 + ops.sum(odds * ops.convert_to_tensor(others, "float64"), axis=1))


class Sums:
    """Both integrals along the path, stretch by stretch."""

    def __init__(self, start):
        self.start, self.units, self.maps_sum = start, np.zeros(start.shape), np.zeros(start.shape[:2])

    def add(self, a, g):
        """a, g: (n, h, w, K) of consecutive points, the first of which was the last of the stretch before."""
        self.units += ((g[1:] + g[:-1]) / 2 * (a[1:] - a[:-1])).sum(axis=0)  # (18), trapezoid
        growth = np.einsum("nhwk,nk->nhw", a[1:] - self.start, g[1:].sum(axis=(1, 2)))
        self.maps_sum += np.maximum(growth, 0).sum(axis=0)  # (23)

    def maps(self, a, g, steps):
        """a, g: (h, w, K) at the picture."""
        selected = np.where((a > 0) & (self.units > 0) & (a - self.start > 0), self.units, 0)
        return {
            "grad_cam": np.maximum(a @ g.mean(axis=(0, 1)), 0),
            "integrated_grad_cam": self.maps_sum / steps,
            "rsi_grad_cam": np.maximum(a @ selected.mean(axis=(0, 1)), 0),
        }
