"""RSI-Grad-CAM (Lucas, Lerma, Furst, Raicu 2022), equations (16)-(20), (24) and section 4.1 of the paper."""

from keras import ops

from explorer.integrals import stieltjes


def integral(path, start, options):
    """∫ ∂y/∂A dA of every unit over this stretch of the path, (18)  ->  (h, w, K)

    Summed over all units it is y(1) − y(0) where the layer cuts the network (14); unit by unit it is the layer
    conductance of Shrikumar 2018.
    """
    return stieltjes(path.gradients, path.activations, options.quadrature)


def cam(integral, ends, options):
    """w_k = mean_ij ∫ ∂y/∂A_k dA_k,  L = ReLU(Σ_k w_k A_k(1)), (19) and (24)  ->  (h, w)"""
    weights = ops.mean(chosen_units(integral, ends, options.units), axis=(0, 1))  # (K,)
    return ops.relu(ops.matmul(ends.activations[-1], weights))


def chosen_units(integral, ends, units):
    """The integrated gradients (h, w, K) with the units left out set to zero: the mean stays over all of them."""
    if units == "all":
        return integral
    if units == "positive":
        return ops.relu(integral)  # (20)
    first, last = ops.convert_to_tensor(ends.activations[0]), ops.convert_to_tensor(ends.activations[-1])
    left_out = ops.logical_or(ops.logical_or(last <= 0, integral <= 0), last - first <= 0)
    return ops.where(left_out, ops.zeros_like(integral), integral)  # asked this way round, NaN stays to be noticed
