"""Integrated Grad-CAM (Sattarzadeh 2021), equations (12), (13) and (23) of the paper."""

from keras import ops

from explorer.integrals import stieltjes


def integral(path, start, options):
    """∫ ReLU(Σ_k [Σ_ij ∂y/∂A_k] (A_k(α) − A_k(0))) dα over this stretch of the path  ->  (h, w)

    start: (h, w, K), the activations at α = 0. The sum is the published one, (1/m) Σ_{ℓ=1..m}: the right end-point
    of each interval, whatever the quadrature of RSI-Grad-CAM; `endpoint=False` takes the left one.
    """
    weights = ops.sum(path.gradients, axis=(1, 2))  # (T, K)
    activations = ops.convert_to_tensor(path.activations)  # (T, h, w, K)
    if options.subtract_baseline:
        activations = activations - ops.convert_to_tensor(start)
    maps = ops.relu(ops.einsum("thwk,tk->thw", activations, weights))
    if not options.endpoint:
        maps = ops.concatenate([maps[:1], maps[:-1]], axis=0)  # each interval takes the value at its left end
    return stieltjes(maps, path.alphas, "right")


def cam(integral, ends, options):
    """The ReLU is inside the integral, so the integral is the map  ->  (h, w)"""
    return integral
