"""Grad-CAM++ (Chattopadhay 2018), in the form that has no ε and does not collapse on tiny gradients."""

from explorer.attribution import ops


def cam(integral, ends, options):
    """w_k = Σ_ij α ReLU(g),  L = ReLU(Σ_k w_k A_k), both at α = 1 of the path  ->  (h, w)

    Nothing is summed along the path: `integral` is not looked at.
    """
    activations, gradients = (ops.convert_to_tensor(value[-1]) for value in (ends.activations, ends.gradients))
    weights = ops.sum(shares(activations, gradients) * ops.relu(gradients), axis=(0, 1))  # (K,)
    return ops.relu(ops.matmul(activations, weights))


def shares(activations, gradients):
    """α = g² / (2 g² + g³ S_k) = 1 / (2 + g S_k) with S_k = Σ_ab A_k, where g > 0, else 0  ->  (h, w, K) in [0, ½]

    The paper's derivation takes A ≥ 0, as behind a ReLU. Where a map's sum is negative 2 + g S_k can be zero; S_k
    counts as zero there, so that α stays what it is a share of: at most ½.
    """
    positive = ops.relu(gradients)
    sums = ops.relu(ops.sum(activations, axis=(0, 1)))  # (K,)
    return ops.where(gradients > 0, 1 / (2 + positive * sums), ops.zeros_like(gradients))
