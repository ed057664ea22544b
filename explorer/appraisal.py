"""What the points there are say about one method's map and about completeness: what a search weighs every round.

Compiled for layers and paths of any size, since on small networks starting a few hundred operations one by one takes
longer than the network does.
"""

from functools import cache
from typing import NamedTuple

from keras import ops

from explorer.attribution.methods import METHODS
from explorer.attribution.path import Array
from explorer.attribution.quadrature import stieltjes
from explorer.network import backend

ONE, TWO, MAPS = (None,), (None, 2), (None,) * 4  # shapes of arguments


class Points(NamedTuple):
    """A LayerPath inside a compiled function, where lengths are not known."""

    alphas: Array
    activations: Array
    gradients: Array


@cache
def sums(key, options):
    """A function (alphas, A, ∂y/∂A, shares, *two times (places, shares)) -> (integral, cams (3, h, w)).

    The integral is that of all points. The cams are of all points, and of those at the first and the second places
    alone, summed with shares of their own.
    """
    method = METHODS[key]

    def fn(alphas, activations, gradients, shares, *thinner):
        path = Points(alphas, activations, gradients)
        f, g = method.integrand(path, activations[0], options)
        integral = stieltjes(f, g, shares)
        some = [
            stieltjes(ops.take(f, places, axis=0), ops.take(g, places, axis=0), theirs)
            for places, theirs in (thinner[:2], thinner[2:])
        ]
        return integral, method.cam(ops.stack([integral, *some]), path, options)

    return backend.compiled(fn, [], ONE, MAPS, MAPS, TWO, "places", TWO, "places", TWO)


def variation(key, options, stretch, first, integral):
    """(n, h, w): how much the map changes when one interval of n is taken as it is at its one or at its other end.

    stretch: arguments (alphas, A, ∂y/∂A, shares, from_one_end) of n + 1 points; see `explorer.attribution.quadrature`
    for the last. first: (2, h, w, K), the activations at the two ends of the whole path. integral: that of the whole
    path.
    """
    return _variation(key, options, len(integral.shape))(*stretch, first, integral)


@cache
def _variation(key, options, axes):
    method = METHODS[key]

    def fn(alphas, activations, gradients, shares, from_one_end, first, integral):
        f, g = method.integrand(Points(alphas, activations, gradients), first[0], options)
        step = g[1:] - g[:-1]
        left, right = _times(step, f[:-1]), _times(step, f[1:])
        rest = integral[None] - _scaled(left, shares[:, 0]) - _scaled(right, shares[:, 1])
        ends = [rest + _scaled(part, from_one_end[:, side]) for side, part in enumerate((left, right))]
        one, other = (method.cam(end, Points(None, first, None), options) for end in ends)
        return other - one

    return backend.compiled(fn, [], ONE, MAPS, MAPS, TWO, TWO, MAPS, (None,) * axes)


@cache
def gains():
    """A function (A, ∂y/∂A) of T points -> two (T − 1,): Σ ∂y/∂A ΔA of every interval by the gradient at either end."""

    def fn(activations, gradients):
        steps = activations[1:] - activations[:-1]
        return [ops.einsum("thwk,thwk->t", steps, ends) for ends in (gradients[:-1], gradients[1:])]

    return backend.compiled(fn, [], MAPS, MAPS)


def _times(step, values):
    """step (n,) or (n, ...) times values (n, ...)."""
    return _scaled(values, step) if len(step.shape) == 1 else step * values


def _scaled(values, factors):
    """Every one of the values (n, ...) times its factor (n,)."""
    return values * ops.reshape(factors, (-1,) + (1,) * (len(values.shape) - 1))
