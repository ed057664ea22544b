"""How JAX does what `explorer.network.backend` promises."""

from collections.abc import Callable

import jax
from keras import StatelessScope, ops

from explorer.arrays import Array

NAME = "JAX"
COMPILES_EACH_SHAPE = True


def device() -> str:
    return jax.default_backend().upper()


def allow_tf32(allowed: bool) -> None:
    jax.config.update("jax_default_matmul_precision", "tensorfloat32" if allowed else "float32")


def compiled(fn: Callable, variables: list, shapes: tuple) -> Callable:
    @jax.jit
    def stateless(values, *args):
        with StatelessScope(state_mapping=list(zip(variables, values, strict=True))):
            return fn(*args)

    return lambda *args: stateless([v.value for v in variables], *args)


def fused(fn: Callable) -> Callable:
    return jax.jit(fn)


def computed(values: Array) -> Array:
    return jax.device_get(values)  # all copies are begun before the first is waited for


def gradient(fn: Callable, a: Array) -> tuple:
    def total(a):
        u, rest = fn(a)
        return ops.sum(u), (u, rest)

    slopes, (u, rest) = jax.grad(total, has_aux=True)(a)
    return slopes, u, rest


def flow(fn: Callable, shape: tuple[int, ...]) -> tuple:
    jaxpr = jax.make_jaxpr(fn)(jax.ShapeDtypeStruct(shape, "float32")).jaxpr
    place = {id(jaxpr.invars[0]): 0}
    edges = []
    for i, equation in enumerate(jaxpr.eqns, start=1):
        edges += [(place[id(v)], i) for v in equation.invars if id(v) in place]
        place.update({id(v): i for v in equation.outvars})
    output, *inner = (place.get(id(v)) for v in jaxpr.outvars)
    return len(jaxpr.eqns) + 1, edges, 0, output, inner
