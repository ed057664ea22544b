"""The maps of one path by different sums and different points: what automatic steps are laid beside."""

import numpy as np

import explorer
from benchmarks.agreement import distance
from explorer.attribution.methods import METHODS, Options
from explorer.attribution.path import joined
from explorer.engine.images import fit
from explorer.engine.sweep import sweep
from explorer.network.backend import fetch

SHOWN = ("rsi_grad_cam", "integrated_grad_cam")
OPTIONS = Options()
REFERENCE = 1000  # steps of the trapezoid that stands for the limit


class Question:
    """A picture, its most probable class, a layer; black baseline, score: probability."""

    def __init__(self, classifier, picture, layer):
        self.classifier, self.layer = classifier, classifier.layer(layer)
        self.picture = fit(picture, *classifier.input_size)
        self.ends = classifier.preprocess(np.stack([np.zeros_like(self.picture), self.picture]))
        self.class_index = int(classifier.values(self.picture[None])[0].argmax())

    def sweep(self, alphas):
        alphas = np.asarray(alphas, np.float32)
        return sweep(self.classifier, (self.layer,), *self.ends, self.class_index, "probability", alphas)

    def reference(self):
        """{method: map} by the trapezoid over a thousand steps, summed batch by batch."""
        sums, first, last = dict.fromkeys(SHOWN, 0.0), None, None
        for samples in self.sweep(np.linspace(0, 1, REFERENCE + 1)):
            first = first or samples.at([0])
            stretch = joined([last, samples]) if last else samples
            last = stretch.at([len(stretch.alphas) - 1])
            path = stretch.path(0, halves(len(stretch.alphas)))
            for key in SHOWN:
                sums[key] = sums[key] + METHODS[key].integral(path, first.activations[0][0], OPTIONS)
        ends = joined([first, last]).path(0)
        return {key: fetch(METHODS[key].cam(sums[key], ends, OPTIONS)) for key in SHOWN}

    def evenly(self, points, rule):
        """{method: map} of evenly spaced points. rule: "trapezoid", or "right", the paper's."""
        samples = joined(list(self.sweep(np.linspace(0, 1, points))))
        shares = halves(points) if rule == "trapezoid" else np.tile(np.float32([0, 1]), (points - 1, 1))
        return maps(samples.path(0, shares))

    def gauss_legendre(self, points):
        """{method: map} of Gauss and Legendre's nodes, with both ends `points` in all.

        Integrated Grad-CAM is a plain integral and has their weights. RSI-Grad-CAM's is over A, whose derivative no
        node knows: between neighbouring nodes it has the trapezoid.
        """
        nodes, weights = np.polynomial.legendre.leggauss(points - 2)
        samples = joined(list(self.sweep([0, *(nodes + 1) / 2, 1])))
        found = maps(samples.path(0, halves(points)))
        path = samples.path(0)
        values, _ = METHODS["integrated_grad_cam"].integrand(path, path.activations[0], OPTIONS)
        weights = np.concatenate([[0], weights / 2, [0]]).astype(np.float32)
        return found | {"integrated_grad_cam": np.tensordot(weights, fetch(values), 1)}

    def automatic(self):
        """[(points, estimated error, {method: map})] of every round of automatic steps, to the last."""
        rounds = []

        def note(found):
            maps = {key: found[key].cam for key in SHOWN}
            rounds.append((len(found.path.alphas), found.estimated_error, maps))

        asked = {"layer": self.layer.name, "class_index": self.class_index, "methods": SHOWN, "tolerance": 1e-9}
        note(explorer.explain(self.classifier, self.picture, steps="auto", preview=note, **asked))
        return rounds


def maps(path):
    """{method: map} of a whole path, by the shares it brings."""
    return {key: fetch(METHODS[key](path, OPTIONS)) for key in SHOWN}


def halves(points):
    """The shares of the trapezoid."""
    return np.full((points - 1, 2), 0.5, np.float32)


def errors(found, reference):
    """[a method] how far each map is from the reference, as unit-norm maps."""
    return [distance(found[key], reference[key]) for key in SHOWN]
