"""The one quadrature of the project: a Riemann-Stieltjes sum along the path."""

from keras import ops

from explorer.errors import InputError

RULES = ("trapezoid", "right")


def stieltjes(f, g, rule="trapezoid"):
    """∫ f dg along the first axis, from values of both at the same T points.

    f: (T, ...) values of the integrand.
    g: (T, ...) or (T,) values of the integrator, paired with f point by point; a (T,) integrator, such as
       the positions α themselves, serves every entry of f and makes this the plain integral ∫ f dα.
    rule: "right" is the sum of the paper, (16) and (18): Σ f(α_ℓ) [g(α_ℓ) − g(α_{ℓ−1})], error O(1/m).
       "trapezoid" puts ½ [f(α_{ℓ−1}) + f(α_ℓ)] in place of f(α_ℓ), error O(1/m²); the authors' Keras code
       and our default use it.
    Returns an array of shape f.shape[1:]. Integrals over consecutive stretches that share their end point add up.
    """
    if rule not in RULES:
        raise InputError(f"The quadrature is one of {', '.join(RULES)}; received {rule!r}.")
    f, g = ops.convert_to_tensor(f), ops.convert_to_tensor(g)
    increments = g[1:] - g[:-1]  # (T − 1, ...)
    missing_axes = len(f.shape) - len(increments.shape)
    increments = ops.reshape(increments, tuple(increments.shape) + (1,) * missing_axes)
    values = f[1:] if rule == "right" else (f[1:] + f[:-1]) / 2
    return ops.sum(values * ops.cast(increments, values.dtype), axis=0)
