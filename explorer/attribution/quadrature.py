"""The one quadrature of the project: a Riemann-Stieltjes sum along the path."""

from collections.abc import Callable

import numpy as np

from explorer.arrays import Array
from explorer.attribution import ops
from explorer.errors import InputError

RULES = ("trapezoid", "right")
VANISHED = 1e-28  # a slope below this has taken the digits of whatever was multiplied by it
NODES, WEIGHTS = np.polynomial.legendre.leggauss(8)  # of Gauss and Legendre's rule, on [−1, 1]
MAX_PANELS = 1 << 11


def stieltjes(f: Array, g: Array, rule: str = "trapezoid") -> Array:
    """∫ f dg along the first axis, from values of both at the same T points.

    f: (T, ...) values of the integrand.
    g: (T, ...) or (T,) values of the integrator, paired with f point by point; a (T,) integrator, such as
       the positions α themselves, serves every entry of f and makes this the plain integral ∫ f dα.
    rule: "right" is the sum of the paper, (16) and (18): Σ f(α_ℓ) [g(α_ℓ) − g(α_{ℓ−1})], error O(1/m).
       "trapezoid" puts ½ [f(α_{ℓ−1}) + f(α_ℓ)] in place of f(α_ℓ), error O(1/m²); the authors' Keras code
       and our default use it. An array (T − 1, 2) holds the weights of f at the two ends of every interval: see
       `product_weights`.
    Returns an array of shape f.shape[1:]. Integrals over consecutive parts of the path that share their end point add
    up.
    """
    if isinstance(rule, str) and rule not in RULES:
        raise InputError(f"The quadrature is one of {', '.join(RULES)}; received {rule!r}.")
    f, g = ops.convert_to_tensor(f), ops.convert_to_tensor(g)
    increments = _beside(g[1:] - g[:-1], f)  # (T − 1, ...)
    if isinstance(rule, str):
        values = f[1:] if rule == "right" else (f[1:] + f[:-1]) / 2
    else:
        left, right = (_beside(ops.convert_to_tensor(rule[:, side]), f) for side in (0, 1))
        values = ops.cast(left, f.dtype) * f[:-1] + ops.cast(right, f.dtype) * f[1:]
    return ops.sum(values * ops.cast(increments, values.dtype), axis=0)


def product_weights(u: Array, slope: Callable) -> tuple[Array, Array]:
    """The weights of f = slope(u) q at the ends of every interval, where q is smooth and slope(u) need not be.

    Product integration (Young 1954): q and u are taken as linear between two points, and slope(u) is integrated as
    the function it is. Where a softmax saturates, slope(u) falls by powers of ten within an interval; the trapezoid
    needs many points there and this rule none. A slope of 1 makes it the trapezoid.

    u: (T,), of which the score is a function; slope: (u, xp) -> dy/du, see `explorer.attribution.scores.Score`.
    Returns (weights, constant_weights), both (T − 1, 2) float32: the second is the weight of either end if q were
    constant over the interval, as it is at that end. Where the slope at an end has vanished, the other end stands for
    the interval.
    """
    u = np.asarray(u, np.float64)
    with np.errstate(invalid="ignore"):  # a u that is not finite makes weights that are not
        first, change = u[:-1, None], np.diff(u)[:, None]
        t, node_weights = _nodes(np.abs(change[np.isfinite(change)]).max(initial=0))
        slopes, at_points = slope(first + change * t, np), slope(u, np)
    ends = np.stack([at_points[:-1], at_points[1:]], axis=1)  # (T − 1, 2)
    whole, right = slopes @ node_weights, slopes @ (node_weights * t)
    parts = np.stack([whole - right, right], axis=1)
    there = ~(ends < VANISHED)  # asked this way round, NaN stays to be noticed
    one_left = there.sum(axis=1, keepdims=True) == 1
    parts = np.where(one_left, whole[:, None] * there, parts)
    divisor = np.where(there, ends, 1)
    nothing = ~there.any(axis=1, keepdims=True)
    weights = np.where(nothing, 0.5, np.where(there, parts / divisor, 0))
    constant_weights = np.where(nothing, 1.0, np.where(there, whole[:, None] / divisor, 0))
    return weights.astype(np.float32), constant_weights.astype(np.float32)


def _nodes(rise):
    """(nodes, weights) of a sum over [0, 1] that is exact to rounding for a slope(u) while u changes by `rise`."""
    panels = int(np.clip(rise, 8, MAX_PANELS))
    nodes = (np.arange(panels)[:, None] + (NODES + 1) / 2) / panels
    return nodes.ravel(), np.tile(WEIGHTS / 2 / panels, panels)


def _beside(value, f):
    """(T − 1,) or (T − 1, ...) with as many axes as f."""
    return ops.expand_dims(value, tuple(range(len(value.shape), len(f.shape))))
