"""What can be measured of a baseline: how undecided a network is there, what a map leaves blank because of it."""

import numpy as np

ALIKE = 12  # of 255: how far red, green and blue may each be from a colour and be called nearly that colour


def entropy(probabilities):
    """−Σ p log₂ p, in bits: from 0, where one class has all, to log₂ N, where N are alike. (..., N) -> (...)"""
    p = np.asarray(probabilities, np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        return -np.where(p > 0, p * np.log2(p), 0).sum(axis=-1)


def alike(image, rgb, within=ALIKE):
    """The pixels of nearly one colour, (H, W) bool. image: uint8 (H, W, 3); rgb: three of 0..255.

    A path from an even baseline of this colour changes these pixels by at most `within`, and Integrated Gradients,
    which multiplies by that change, equation (6), leaves them nearly blank whatever their gradient is.
    """
    return (np.abs(image.astype(np.int16) - np.asarray(rgb, np.int16)) <= within).all(axis=-1)


def share(heatmap, places):
    """The share of a map's mass at some places, 0 to 1; NaN where it is blank or not finite.

    heatmap: (H, W), nothing negative; places: (H, W) bool.
    """
    heatmap = np.asarray(heatmap, np.float64)
    total = heatmap.sum()
    return float(heatmap[places].sum() / total) if np.isfinite(total) and total else float("nan")
