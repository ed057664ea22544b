"""How well a heatmap lies on what it should show."""

import numpy as np

from explorer.errors import InputError


def inside(boxes, height, width):
    """(height, width) bool: the pixels in the union of boxes (left, top, right, bottom), right and bottom excluded."""
    mask = np.zeros((height, width), bool)
    for left, top, right, bottom in boxes:
        mask[max(top, 0) : max(bottom, 0), max(left, 0) : max(right, 0)] = True
    return mask


def pixel_energy(heatmap, boxes):
    """The share of a heatmap's mass inside the boxes, 0 to 1; NaN where the heatmap is blank.

    heatmap: (H, W), nothing negative. boxes: whole pixels (left, top, right, bottom), their union counts.
    """
    heatmap = _checked(heatmap)
    total = heatmap.sum()
    return float(heatmap[inside(boxes, *heatmap.shape)].sum() / total) if total else float("nan")


def pointing_game(heatmap, boxes):
    """Whether a heatmap's maximum is inside one of the boxes; a blank heatmap points nowhere. See `pixel_energy`."""
    heatmap = _checked(heatmap)
    peaks = heatmap == heatmap.max()
    return bool(heatmap.any() and (peaks & inside(boxes, *heatmap.shape)).any())


def cosine(a, b):
    """Of the angle between two arrays of one shape: 1 where they differ by a factor alone, however small; NaN where one
    of them is zero or not finite."""
    a, b = (np.asarray(v, np.float64).ravel() for v in (a, b))
    sizes = [np.abs(v).max(initial=0) for v in (a, b)]
    if not (all(sizes) and np.isfinite(sizes).all()):
        return float("nan")
    a, b = (v / size for v, size in zip((a, b), sizes, strict=True))
    return float(a @ b / (np.linalg.norm(a) * np.linalg.norm(b)))


def _checked(heatmap):
    heatmap = np.asarray(heatmap, np.float64)
    if heatmap.ndim != 2 or not heatmap.size:
        raise InputError(f"A heatmap is measured as an array (H, W) with pixels in it; received {heatmap.shape}.")
    if not (np.isfinite(heatmap).all() and heatmap.min() >= 0):
        raise InputError("A heatmap that is measured holds finite values from 0 up; received others.")
    return heatmap
