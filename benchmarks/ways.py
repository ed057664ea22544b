"""The ways that are compared: ours, a plain forward pass, and the paper's equations written down in plain TensorFlow.

A way is made of a classifier and a class. `run(layers, steps)` does what is timed, the whole of it, and returns when
it is done. `answers(layer, steps)` gives the arrays in which it should agree with others: {name: array}, a way's
`grad_cam` with another's `grad_cam`. The score is the logit throughout, which every peer can explain.
"""

import numpy as np
from keras import ops

import explorer
from benchmarks import networks
from explorer.attribution.quadrature import stieltjes
from explorer.network import backend

SCORE = "logit"


class Ours:
    """All three methods, from the picture to the maps, as a person calls them.

    options: for `explorer.explain`, over the logit and the defaults.
    """

    def __init__(self, classifier, class_index, **options):
        self.classifier, self.options = classifier, {"class_index": class_index, "score": SCORE} | options
        self.picture = networks.picture(*classifier.input_size)
        self.earlier = None  # what `another_class` begins from

    def explain(self, layer, steps, **options):
        return explorer.explain(self.classifier, self.picture, layer=layer, steps=steps, **self.options | options)

    def run(self, layers, steps):
        if len(layers) == 1:
            return [self.explain(layers[0], steps)]
        found = explorer.explain_layers(self.classifier, self.picture, layers=layers, steps=steps, **self.options)
        return list(found.values())

    def another_class(self, layers, steps):
        """Another class at the one layer, the activations of an earlier result serving again."""
        if self.earlier is None or (self.earlier.layer.name, self.earlier.settings["steps"]) != (layers[0], steps):
            self.earlier = self.explain(layers[0], steps)
        other = (self.earlier.class_index + 1) % len(self.classifier.class_names)
        return [self.explain(layers[0], steps, class_index=other, reuse=self.earlier)]

    def grad_cam(self, layers, steps):
        """Grad-CAM of the picture alone, as a library gives it that knows nothing else."""
        return [self.explain(layers[0], 1, methods=("grad_cam",))]

    def answers(self, layer, steps):
        found = self.explain(layer, steps)
        maps = {explanation.method: explanation.cam for explanation in found} | {"scores": found.path.scores}
        if found.path.gradients is not None:
            path = found.path
            maps["conductance"] = backend.fetch(stieltjes(path.gradients, path.activations, "right"))
        return maps

    def batches(self, layer, steps):
        """How many points of the path went through the network at once, batch by batch."""
        reached = []
        self.explain(layer, steps, progress=lambda stage, done, total: reached.append(done))
        return [int(n) for n in np.diff(sorted(set(reached))) if n]


class Forward:
    """The network over the same points of the path, in batches of the same sizes, and nothing else."""

    def __init__(self, classifier, class_index, batches=None):
        self.class_index, self.batches, self.ends = class_index, batches, ends(classifier)
        self.there = None  # what `on_device` put there
        model = networks.logits(classifier.model)
        self.network = backend.compiled(
            lambda x: model(x, training=False), model.variables, (None, *classifier.input.shape)
        )

    def run(self, layers, steps):
        return np.concatenate([backend.fetch(self.network(part)) for part in self.parts(steps)])

    def on_device(self, layers, steps):
        """The same where the points lie on the device already, and nothing is fetched before all of it is done."""
        if self.there is None or self.there[0] != steps:
            self.there = steps, [ops.convert_to_tensor(part) for part in self.parts(steps)]
        return np.concatenate([backend.fetch(logits) for logits in map(self.network, self.there[1])])

    def parts(self, steps):
        """The points of the path, batch by batch."""
        points = path_inputs(self.ends, steps)
        sizes = self.batches or batches_of(len(points), 16)
        if sum(sizes) != len(points):
            raise ValueError(f"The batches add up to the points of the path, {len(points)}; received {sizes}.")
        return np.split(points, np.cumsum(sizes)[:-1])

    def answers(self, layer, steps):
        return {"scores": self.run([layer], steps)[:, self.class_index]}


class Eager:
    """The paper's equations (16)-(24) as one writes them down: TensorFlow, a tape a batch, the whole path kept."""

    def __init__(self, classifier, class_index, batch=16):
        self.class_index, self.batch, self.ends = class_index, batch, ends(classifier)
        self.model = networks.logits(classifier.model)

    def run(self, layers, steps):
        return [self.maps(layer, steps) for layer in layers]

    def maps(self, layer, steps):
        import keras
        import tensorflow as tf

        both = keras.Model(self.model.inputs[0], [self.model.get_layer(layer).output, self.model.outputs[0]])
        points, kept = path_inputs(self.ends, steps), []
        for first in range(0, len(points), self.batch):
            with tf.GradientTape() as tape:
                a, logits = both(points[first : first + self.batch], training=False)
                score = tf.reduce_sum(logits[:, self.class_index])
            kept.append((a, tape.gradient(score, a)))
        a, g = (tf.concat(parts, 0) for parts in zip(*kept, strict=True))  # (T, h, w, K) both

        growth = tf.einsum("thwk,tk->thw", a[1:] - a[:1], tf.reduce_sum(g[1:], (1, 2)))
        units = tf.reduce_sum((g[1:] + g[:-1]) / 2 * (a[1:] - a[:-1]), 0)  # (h, w, K)
        selected = tf.where((a[-1] > 0) & (units > 0) & (a[-1] - a[0] > 0), units, 0.0)
        return {
            "grad_cam": weighted(a[-1], g[-1]),
            "integrated_grad_cam": tf.reduce_mean(tf.nn.relu(growth), 0).numpy(),
            "rsi_grad_cam": weighted(a[-1], selected),
        }

    def answers(self, layer, steps):
        return self.maps(layer, steps)


def weighted(a, values):
    """ReLU(Σ_k mean_ij(values_k) A_k), both (h, w, K)."""
    import tensorflow as tf

    return tf.nn.relu(tf.einsum("hwk,k->hw", a, tf.reduce_mean(values, (0, 1)))).numpy()


def ends(classifier):
    """Baseline (black) and picture, float32 (2, H, W, 3), as the model is fed."""
    picture = networks.picture(*classifier.input_size)
    return classifier.preprocess(np.stack([np.zeros_like(picture), picture]))


def path_inputs(ends, steps):
    """Every point of the path between the two ends, float32 (steps + 1, H, W, 3), as the model is fed."""
    start, end = ends
    alphas = np.linspace(0, 1, steps + 1, dtype=np.float32)[:, None, None, None]
    return start + alphas * (end - start)


def batches_of(count, most):
    """`count` points in batches of at most `most`."""
    return [min(most, count - first) for first in range(0, count, most)]
