"""The methods of the neighbouring papers, done slowly as tests/support/reference.py does its own: float64 and plain
loops.

Written from the papers' equations and from nothing of the product's. Derivatives are complex steps of the logits, all
classes at once, so that one walk along a path serves every class and every score.
"""

from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from support import reference as ref

# Paths


@dataclass
class Slopes:
    """A path before a class and a score are chosen: A(α), the logits z(α), and ∂z/∂A at every point."""

    activations: list  # (h, w, K) each
    logits: list  # (classes,) each
    jacobians: list  # (h, w, K, classes) each

    def path(self, class_index, kind):
        """The same for the score of one class: ∂y/∂A = Σ_c ∂z_c/∂A · ∂y/∂z_c."""
        scores, gradients = [], []
        for z, jacobian in zip(self.logits, self.jacobians, strict=True):
            scores.append(ref.score(z, class_index, kind))
            gradients.append(jacobian @ ref.gradient(lambda z: ref.score(z, class_index, kind), z))
        return ref.Path(list(np.linspace(0, 1, len(scores))), self.activations, gradients, scores)


def jacobian(function, a):
    """∂function/∂a for a function of many values, one unit of a after the other."""
    slopes = []
    for unit in np.ndindex(a.shape):
        stepped = a.astype(complex)
        stepped[unit] += 1j * ref.STEP
        slopes.append(function(stepped).imag / ref.STEP)
    return np.array(slopes).reshape(*a.shape, -1)


def walk(network, points):
    """Slopes at (x, A) points."""
    found = Slopes([], [], [])
    for x, a in points:
        found.activations.append(a)
        found.logits.append(network.head(x, a))
        found.jacobians.append(jacobian(lambda a, x=x: network.head(x, a), a))
    return found


def between(first, last, steps):
    """The m + 1 points of a straight line."""
    return [first + step / steps * (last - first) for step in range(steps + 1)]


def layer_walk(network, baseline, image, steps):
    """The layer along the picture's path."""
    return walk(network, [(x, network.trunk(x)) for x in between(baseline, image, steps)])


def input_walk(network, baseline, image, steps):
    """The picture's own path, the picture looked at as a layer: equations (6), (7)."""
    return walk(at_input(network), [(x, x) for x in between(baseline, image, steps)])


def straight_walk(network, baseline, image, steps):
    """The layer going straight from A(0) to A(1), the rest of the network fed with the picture: (8) to (10), (22)."""
    line = between(network.trunk(baseline), network.trunk(image), steps)
    return walk(network, [(image, a) for a in line])


def at_picture(network, x):
    """The picture alone: a path of one point."""
    return walk(network, [(x, network.trunk(x))])


def at_input(network):
    return ref.Network(lambda x: x, lambda _, x: network.head(x, network.trunk(x)))


# The methods that need a path alone


def units_map(path, rule="trapezoid"):
    """ReLU(Σ_k ∫ ∂y/∂A_k dA_k): Integrated Gradients, layer IG or layer conductance, as the path goes."""
    return np.maximum(ref.unit_integrals(path, rule).sum(axis=2), 0)


def internal_influence(path, rule="trapezoid"):
    """ReLU(Σ_k ∫ ∂y/∂A_k dα), every increment of α being 1/m."""
    total, steps = 0.0, len(path.gradients) - 1
    for step in range(1, steps + 1):
        before, after = path.gradients[step - 1], path.gradients[step]
        total = total + {"right": after, "trapezoid": (before + after) / 2}[rule] / steps
    return np.maximum(total.sum(axis=2), 0)


def cam(kernel, class_index, activations):
    """Zhou 2016: ReLU(Σ_k W_kc A_k)."""
    return ref.map_of(kernel[:, class_index], activations)


def shares(g, a, form=lambda g, s: 1 / (2 + g * s)):
    """Grad-CAM++: α = 1/(2 + g S_k) where g > 0, else zero, S_k the sum of a map."""
    found = np.zeros(g.shape)
    for i, j, k in np.ndindex(g.shape):
        if g[i, j, k] > 0:
            found[i, j, k] = form(g[i, j, k], a[:, :, k].sum())
    return found


def first_form(epsilon=0.0):
    """α as first written, g²/(2g² + g³ S_k + ε)."""
    return lambda g, s: g**2 / (2 * g**2 + g**3 * s + epsilon)


def grad_cam_plus_plus(g, a, *form):
    """w_k = Σ_ij α ReLU(g)."""
    return ref.map_of((shares(g, a, *form) * np.maximum(g, 0)).sum(axis=(0, 1)), a)


UNITS = {  # method: (the path it goes along, its map)
    "integrated_gradients": (input_walk, units_map),
    "layer_integrated_gradients": (straight_walk, units_map),
    "layer_conductance": (layer_walk, units_map),
    "internal_influence": (layer_walk, internal_influence),
}


def walks(network, baseline, image, steps):
    """{path: Slopes}"""
    return {walk: walk(network, baseline, image, steps) for walk in (input_walk, straight_walk, layer_walk)}


def maps(walked, class_index, kind, rule="trapezoid"):
    """{method: its map} of the methods that need a path alone. walked: what `walks` returns."""
    paths = {walk: slopes.path(class_index, kind) for walk, slopes in walked.items()}
    last = paths[layer_walk].gradients[-1], paths[layer_walk].activations[-1]
    found = {key: cam(paths[walk], rule) for key, (walk, cam) in UNITS.items()}
    return found | {"grad_cam_plus_plus": grad_cam_plus_plus(*last)}


# The methods that look at masked pictures


def stretched(values):
    """From 0 to 1; None where all are the same."""
    low, high = values.min(), values.max()
    return (values - low) / (high - low) if high > low else None


def mask_of(channel, height, width):
    """One channel (h, w) as a mask at the size of the picture, 0 to 1; None for a constant one."""
    return None if channel.min() == channel.max() else stretched(ref.resize(channel, height, width))


def answer(network, feed, picture, mask, class_index, kind):
    """y of the picture through a mask. feed: what makes of RGB pixels what the network is fed."""
    x = feed(mask[:, :, None] * picture)
    return ref.score(network.head(x, network.trunk(x)), class_index, kind)


def score_cam(network, feed, picture, baseline, class_index, kind):
    """Wang 2020: ReLU(Σ_k softmax(CIC)_k A_k), CIC_k = y(x ∘ H_k) − y(x')."""
    a, increases = network.trunk(feed(picture)), []
    height, width = picture.shape[:2]
    nothing = ref.score(network.head(feed(baseline), network.trunk(feed(baseline))), class_index, kind)
    for k in range(a.shape[2]):
        mask = mask_of(a[:, :, k], height, width)
        mask = np.zeros((height, width)) if mask is None else mask
        increases.append(answer(network, feed, picture, mask, class_index, kind) - nothing)
    powers = np.exp(np.array(increases) - max(increases))
    return ref.map_of(powers / powers.sum(), a)


def otsu(values):
    """Which values, 0 to 1, lie above Otsu's threshold; None where all have one grey level and nothing can be split.

    A value v has the grey level nearest to 255 v. Every one of the 255 thresholds between the 256 levels is tried; the
    best parts the values so that the variance between both sides, n₀n₁(μ₀ − μ₁)² = (s₀n₁ − s₁n₀)²/(n₀n₁), is greatest:
    fractions of whole numbers, no rounding.
    """
    levels = [round(255 * float(value)) for value in np.ravel(values)]
    best, threshold = Fraction(0), None
    for t in range(255):
        below, above = [v for v in levels if v <= t], [v for v in levels if v > t]
        if below and above:
            apart = sum(below) * len(above) - sum(above) * len(below)
            variance = Fraction(apart * apart, len(below) * len(above))
            if variance > best:
                best, threshold = variance, t
    if threshold is None:
        return None
    return np.array([level > threshold for level in levels]).reshape(np.shape(values))


def chosen_maps(gradients, adaptive=False):
    """Whose mean gradient is positive: SISE, μ = 0. Ada-SISE: of these, whose share of the greatest stands out."""
    means = [gradients[:, :, k].mean() for k in range(gradients.shape[2])]
    positive = [k for k, mean in enumerate(means) if mean > 0]
    if not adaptive or not positive:
        return positive
    above = otsu([means[k] / max(means) for k in positive])
    return positive if above is None else [k for k, out in zip(positive, above, strict=True) if out]


def block_maps(there, feed, picture, class_index, kind, adaptive=False):
    """SISE at every layer, (H, W) from 0 to 1: V = minmax Σ_k y_k M_k/ΣM_k; None without a map that can be used.

    there: what `blocks` returns. Masks whose map is constant are left out.
    """
    maps = []
    for network, at in there.values():
        path, total = at.path(class_index, kind), np.zeros(picture.shape[:2])
        for k in chosen_maps(path.gradients[0], adaptive):
            mask = mask_of(path.activations[0][:, :, k], *picture.shape[:2])
            if mask is not None:
                total += answer(network, feed, picture, mask, class_index, kind) * mask / mask.sum()
        maps.append(stretched(total))
    return maps


def fuse(blocks):
    """From shallow to deep E ← (E + V_b) · [V_b > Otsu(V_b)], the first V unmasked; None passes a layer over."""
    total = None
    for v in blocks:
        if v is not None:
            total = v if total is None else (total + v) * otsu(v)
    return total


def fused_at_once(blocks):
    """The same in closed form, Σ_b V_b Π_{b' ≥ max(b, 2)} B_b'."""
    there = [v for v in blocks if v is not None]
    total = 0.0
    for b, v in enumerate(there, start=1):
        for later in range(max(b, 2), len(there) + 1):
            v = v * otsu(there[later - 1])
        total = total + v
    return total


# The test networks, cut at every layer of SISE


def blocks(weights, x, smooth=False):
    """{layer: (Network, its Slopes at x)}, from shallow to deep, of a test network with these weights. Their names tell
    its form: a branch beside a shortcut, or features; a neck, or global average pooling instead."""
    act, pool = (ref.softplus, ref.average_pool) if smooth else (ref.relu, ref.max_pool)

    def conv(x, name, padding="valid"):
        return act(ref.conv(x, *weights[name], padding))

    stages = {
        "stem": lambda x: conv(x, "stem", "same"),
        "features": lambda a: conv(pool(a), "features"),
        "joined": lambda a: conv(pool(a), "branch", "same") + conv(pool(a), "shortcut"),
        "neck": lambda a: conv(a, "neck"),
    }
    names = [name for name in stages if name in weights or (name == "joined" and "branch" in weights)]
    last = ref.linear if "neck" in weights else ref.global_average

    def through(x, some):
        for name in some:
            x = stages[name](x)
        return x

    def at(place):
        return ref.Network(
            lambda x: through(x, names[: place + 1]),
            lambda _, a: ref.dense(last(through(a, names[place + 1 :])), *weights["classes"]),
        )

    return {name: (at(place), at_picture(at(place), x)) for place, name in enumerate(names)}
