"""Grad-CAM (Selvaraju 2017), equations (1)-(3) and (21) of the paper."""

from explorer.attribution import ops


def cam(integral, ends, options):
    """w_k = mean_ij ∂y/∂A_k,  L = ReLU(Σ_k w_k A_k), both at α = 1  ->  (h, w)

    Nothing is summed along the path: `integral` is not looked at.
    """
    gradients = ops.convert_to_tensor(ends.gradients[-1])  # (h, w, K)
    if options.gradients == "positive":
        gradients = ops.relu(gradients)  # (2)
    weights = ops.mean(gradients, axis=(0, 1))  # (K,)
    return ops.relu(ops.matmul(ends.activations[-1], weights))
