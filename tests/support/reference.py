"""What the explorer should compute, done slowly: NumPy in float64, plain loops, one picture at a time.

Written from the paper's equations and from nothing of the product's. There is no backward pass: a derivative is a
complex step, ∂y/∂a = Im y(a + ih) / h with h = 1e-30, exact to rounding since nothing is subtracted. So every
function of the network below is written to hold for complex numbers; kinks (ReLU, maximum) decide by the real part.
"""

from dataclasses import dataclass

import numpy as np

STEP = 1e-30


# The functions networks are made of; x is (height, width, channels) for the spatial ones.


def relu(x):
    return np.where(x.real > 0, x, 0)


def softplus(x):
    """ln(1 + eˣ), for the moderate x of the test networks."""
    return np.log(1 + np.exp(x))


def tanh(x):
    return np.tanh(x)


def linear(x):
    return x


def conv(x, kernel, bias, padding="valid"):
    """Cross-correlation with a kernel (rows, columns, channels in, channels out), as networks mean "convolution"."""
    rows, columns = kernel.shape[:2]
    if padding == "same":
        up, left = (rows - 1) // 2, (columns - 1) // 2
        x = np.pad(x, ((up, rows - 1 - up), (left, columns - 1 - left), (0, 0)))
    height, width = x.shape[0] - rows + 1, x.shape[1] - columns + 1
    total = np.zeros((height, width, kernel.shape[3]), x.dtype) + bias
    for i in range(rows):
        for j in range(columns):
            total = total + x[i : i + height, j : j + width] @ kernel[i, j]
    return total


def average_pool(x):
    """Means of 2×2 squares."""
    return (x[0::2, 0::2] + x[1::2, 0::2] + x[0::2, 1::2] + x[1::2, 1::2]) / 4


def max_pool(x):
    """Greatest values of 2×2 squares."""
    corners = np.stack([x[0::2, 0::2], x[1::2, 0::2], x[0::2, 1::2], x[1::2, 1::2]])
    return np.take_along_axis(corners, corners.real.argmax(axis=0)[None], axis=0)[0]


def global_average(x):
    return x.mean(axis=(0, 1))


def dense(x, kernel, bias):
    return x.reshape(-1) @ kernel + bias


def score(logits, class_index, kind):
    """y from the logits (classes,), in a form that loses nothing however saturated the softmax is."""
    target = logits[class_index]
    if kind == "logit":
        return target
    others = np.delete(logits, class_index)
    odds_against = np.exp(others - target).sum()  # (1 − p)/p
    return -np.log(1 + odds_against) if kind == "log-probability" else 1 / (1 + odds_against)


# Networks and paths.


@dataclass
class Network:
    """trunk: x -> A. head: (x, A) -> logits; x matters to it only where a skip connection by-passes the layer."""

    trunk: object
    head: object


@dataclass
class Path:
    alphas: list
    activations: list  # (h, w, K) each
    gradients: list  # (h, w, K) each
    scores: list


def gradient(function, a):
    """∂function/∂a, one unit after the other."""
    slopes = np.zeros(a.shape)
    for unit in np.ndindex(a.shape):
        stepped = a.astype(complex)
        stepped[unit] += 1j * STEP
        slopes[unit] = function(stepped).imag / STEP
    return slopes


def path(network, baseline, image, steps, class_index, kind="probability"):
    """Equations (5) and (16): m + 1 points, α_ℓ = ℓ/m. image, baseline: (H, W, 3) as the network is fed."""
    found = Path([], [], [], [])
    for step in range(steps + 1):
        alpha = step / steps
        x = baseline + alpha * (image - baseline)
        a = network.trunk(x)
        found.alphas.append(alpha)
        found.activations.append(a)
        found.scores.append(score(network.head(x, a), class_index, kind))
        found.gradients.append(gradient(lambda a, x=x: score(network.head(x, a), class_index, kind), a))
    return found


# The methods. A path is anything with .activations and .gradients, a list of (h, w, K) each.


def map_of(weights, activations):
    """ReLU(Σ_k w_k A^k), equation (3)."""
    total = np.zeros(activations.shape[:2])
    for k, weight in enumerate(weights):
        total += weight * activations[:, :, k]
    return np.maximum(total, 0)


def grad_cam(path, gradients="raw"):
    """Equations (1), (2), (3), (21)."""
    last = path.gradients[-1]
    if gradients == "positive":
        last = np.maximum(last, 0)
    units = last.shape[0] * last.shape[1]
    return map_of([last[:, :, k].sum() / units for k in range(last.shape[2])], path.activations[-1])


def integrated_grad_cam(path, rule="right", subtract_baseline=True):
    """Equations (13), (23): the mean over the path of maps that each had their ReLU. rule: which points count, and
    how much: "right" the ends ℓ = 1..m of the m intervals, "left" ℓ = 0..m−1, "trapezoid" the mean of both."""
    maps = []
    for a, g in zip(path.activations, path.gradients, strict=True):
        weights = [g[:, :, k].sum() for k in range(g.shape[2])]
        maps.append(map_of(weights, a - path.activations[0] if subtract_baseline else a))
    steps = len(maps) - 1
    right, left = sum(maps[1:]) / steps, sum(maps[:-1]) / steps
    return {"right": right, "left": left, "trapezoid": (right + left) / 2}[rule]


def unit_integrals(path, rule="trapezoid"):
    """Equation (18), every unit's Riemann-Stieltjes sum: (h, w, K)."""
    total = np.zeros(path.activations[0].shape)
    for step in range(1, len(path.activations)):
        increment = path.activations[step] - path.activations[step - 1]
        before, after = path.gradients[step - 1], path.gradients[step]
        total += {"right": after, "left": before, "trapezoid": (before + after) / 2}[rule] * increment
    return total


def rsi_weights(path, rule="trapezoid", units="all"):
    """Equations (19), (20) and the selection of section 4.1: (K,)."""
    integrals, first, last = unit_integrals(path, rule), path.activations[0], path.activations[-1]
    height, width, channels = integrals.shape
    weights = []
    for k in range(channels):
        total = 0.0
        for i in range(height):
            for j in range(width):
                value, grown = integrals[i, j, k], last[i, j, k] - first[i, j, k]
                keep = {
                    "all": True,
                    "positive": value > 0,
                    "selected": value > 0 and last[i, j, k] > 0 and grown > 0,
                }[units]
                total += value if keep else 0.0
        weights.append(total / (height * width))
    return np.array(weights)


def rsi_grad_cam(path, rule="trapezoid", units="all"):
    """Equation (24)."""
    return map_of(rsi_weights(path, rule, units), path.activations[-1])


def conductance(network, baseline, image, class_index, nodes=24):
    """Layer conductance (Shrikumar 2018): ∫ ∂y/∂A · (dA/dα) dα with dA/dα a complex step of the trunk along the
    path, and the integral by Gauss and Legendre: for smooth networks exact to rounding, and no sum of the paper's."""
    at, share = np.polynomial.legendre.leggauss(nodes)
    total = 0.0
    for alpha, weight in zip((at + 1) / 2, share / 2, strict=True):
        x = baseline + alpha * (image - baseline)
        rate = network.trunk(x + 1j * STEP * (image - baseline)).imag / STEP
        slopes = gradient(lambda a, x=x: score(network.head(x, a), class_index, "probability"), network.trunk(x))
        total = total + weight * slopes * rate
    return total


def completeness_gap(path, rule="trapezoid"):
    """Equation (14): how far the units' integrals are from adding up to the change of the score, relative to it."""
    change = path.scores[-1] - path.scores[0]
    return abs(unit_integrals(path, rule).sum() - change) / abs(change)


# Heatmaps.


def resize(cam, height, width):
    """Bilinear up-sampling with half-pixel centres; what lies beyond the outermost centres repeats them."""
    rows, columns = cam.shape
    out = np.zeros((height, width))
    for i in range(height):
        y = min(max((i + 0.5) * rows / height - 0.5, 0), rows - 1)
        top, down = int(y), min(int(y) + 1, rows - 1)
        for j in range(width):
            x = min(max((j + 0.5) * columns / width - 0.5, 0), columns - 1)
            left, right = int(x), min(int(x) + 1, columns - 1)
            upper = cam[top, left] * (1 - (x - left)) + cam[top, right] * (x - left)
            lower = cam[down, left] * (1 - (x - left)) + cam[down, right] * (x - left)
            out[i, j] = upper * (1 - (y - top)) + lower * (y - top)
    return out


def normalise(raw, epsilon):
    """Equation (26)."""
    low, high = raw.min(), raw.max()
    return (raw - low) / (high - low + epsilon)


def is_dark(raw, epsilon, threshold=0.5):
    """Whether the brightest point of the normalised heatmap stays below the threshold."""
    return normalise(raw, epsilon).max() < threshold
