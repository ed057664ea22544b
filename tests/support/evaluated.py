"""Rows of an evaluation's table, made up, for tests of what is computed from them."""

import numpy as np

from explorer.evaluation.schema import THRESHOLDS, overlap

LAYERS = ("block4_pool", "block5_pool")
METHODS = ("grad_cam", "integrated_grad_cam", "rsi_grad_cam")
EPSILON = 1e-8


def row(index, layer="block5_pool", method="rsi_grad_cam", **values):
    """One row as a dictionary; a heatmap that is neither dark nor blank, of a picture with p = 0.9, without boxes."""
    values = {
        "index": index,
        "image": f"picture_{index}.png",
        "class_index": 1,
        "class_name": "beagle",
        "p": 0.9,
        "complement": 0.1,
        "layer": layer,
        "depth": LAYERS.index(layer) if layer in LAYERS else 0,
        "method": method,
        "verdict": "ok",
        "raw_mean": 1e-3,
        "spread": 1e-2,
        "heatmap_mean": 0.2,
        "dark": False,
        "blank": False,
        "drop": 0.3,
        "increase": False,
        "completeness_gap": 0.01,
    } | values
    if "energy" in values:
        values = {"boxes": 1, "pointing": True} | values
    return values


def rows(pictures, make, layers=LAYERS, methods=METHODS):
    """One row a picture, layer and method; make(index, layer, method) gives what it differs in, as a dictionary."""
    return [
        row(i, layer, method, **make(i, layer, method))
        for i in range(pictures)
        for layer in layers
        for method in methods
    ]


def overlaps(value):
    """The same value in all columns of IoU, IoB and IoR."""
    return {overlap(name, level): value for name in ("iou", "iob", "ior") for level in THRESHOLDS}


def plausible(pictures=120, layers=LAYERS, methods=METHODS, boxes=True, seed=0):
    """Rows like those of a saturated network: Grad-CAM's raw values vanish with 1 − p, energy differs by picture."""
    rng = np.random.default_rng(seed)
    complement = 1 / (1 + np.exp(rng.gamma(2, 6, pictures) - 2))
    hardness = rng.normal(size=pictures)

    def make(i, layer, method):
        size = np.exp(rng.normal(-7, 1)) * (3 * complement[i] if method == "grad_cam" else 1)
        size *= rng.random() > 0.03  # a few blank maps
        drop = rng.beta(1, 2)
        values = {
            "p": 1 - complement[i],
            "complement": complement[i],
            "raw_minimum": 0.0,
            "raw_mean": size,
            "raw_maximum": 4 * size,
            "spread": 4 * size,
            "dark": 4 * size < EPSILON,
            "blank": size == 0,
            "heatmap_mean": rng.beta(2, 6) * 4 * size / (4 * size + EPSILON),
            "drop": drop,
            "masked_p": (1 - complement[i]) * (1 - drop),
            "increase": rng.random() < 0.2,
            "insertion": rng.beta(5, 2),
            "deletion": rng.beta(2, 6),
            "completeness_gap": np.exp(rng.normal(-5, 1)),
            "boxes": None,
        }
        if boxes:
            energy = 1 / (1 + np.exp(-hardness[i] - rng.normal(0, 0.3)))
            values |= {"boxes": 1, "energy": energy if size else None, "pointing": rng.random() < energy}
            for level in THRESHOLDS:
                iob, ior = (1 - level) ** (0.5 + energy), min(1, energy + level / 2)
                values |= {overlap("iob", level): iob, overlap("ior", level): ior if size else None}
                values[overlap("iou", level)] = 1 / (1 / iob + 1 / ior - 1)
        return values

    return rows(pictures, make, layers, methods)
