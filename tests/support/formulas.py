"""Paths made of formulas, which need no network and whose truth is known."""

from types import SimpleNamespace

import numpy as np

from explorer.attribution.methods import Options
from explorer.attribution.path import Samples
from explorer.attribution.scores import SCORES
from explorer.engine.adaptive import Refinement
from explorer.engine.integrate import LayerTask

H, W, K = 3, 4, 5
SHOWN = ("rsi_grad_cam", "integrated_grad_cam")
SLOPE = SCORES["probability"].slope


def made_of(activations, q, u):
    """alphas (n,) -> Samples of a path with A(α), ∂y/∂A = σ(u) σ(−u) q(α) and y = σ(u(α))."""

    def at(alphas):
        t = np.asarray(alphas, np.float64)
        margins = u(t)
        slopes = np.exp(-np.logaddexp(0, -margins) - np.logaddexp(0, margins))
        maps = [value(t[:, None, None, None]) * np.ones((len(t), H, W, K)) for value in (activations, q)]
        a, g = maps[0], maps[1] * slopes[:, None, None, None]
        numbers = (t, np.zeros((len(t), 2)), margins, np.exp(-np.logaddexp(0, -margins)))
        return Samples(*(one.astype(np.float32) for one in numbers), (np.float32(a),), (np.float32(g),))

    return at


def random(seed, kinked):
    """Waves for A and q, a score that rises from somewhere to somewhere; kinked: as a network of ReLUs has them."""
    rng = np.random.default_rng(seed)
    speed, phase = rng.uniform(0, 6, (2, H, W, K)), rng.uniform(0, 2 * np.pi, (2, H, W, K))
    size, middle = rng.normal(size=(2, 2, H, W, K))
    edge, (low, high), bend = rng.uniform(size=(H, W, K)), np.sort(rng.uniform(-12, 12, 2)), rng.uniform(-3, 3)

    def activations(t):
        a = middle[0] + size[0] * np.sin(speed[0] * t + phase[0])
        return np.maximum(a, 0) if kinked else a

    def q(t):
        g = middle[1] + size[1] * np.cos(speed[1] * t + phase[1])
        return g * (t > edge) if kinked else g

    return made_of(activations, q, lambda t: low + (high - low) * t + bend * np.sin(np.pi * t))


def task(methods=SHOWN, separates=False):
    """A layer that was made up, and what is asked of it."""
    layer = SimpleNamespace(name="made up", shape=(H, W, K), separates=separates)
    return LayerTask(layer, tuple(methods), ("rsi_grad_cam",))


def refinement(samples, methods=SHOWN, separates=False, options=None):
    """What the points say so far."""
    return Refinement(samples, [task(methods, separates)], options or Options(), SLOPE)


CASES = [(seed, kinked) for kinked in (False, True) for seed in range(12)]
