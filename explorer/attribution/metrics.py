"""What is measured of heatmaps, of pictures changed by them, and of baselines."""

from collections.abc import Iterator

import numpy as np

from explorer.arrays import Array, Heatmap, Image
from explorer.errors import InputError

ALIKE = 12  # of 255: how far red, green and blue may each be from a colour and be called nearly that colour


def inside(boxes: list[tuple], height: int, width: int) -> Array:
    """(height, width) bool: the pixels in the union of boxes (left, top, right, bottom), right and bottom excluded."""
    mask = np.zeros((height, width), bool)
    for left, top, right, bottom in boxes:
        mask[max(top, 0) : max(bottom, 0), max(left, 0) : max(right, 0)] = True
    return mask


def pixel_energy(heatmap: Heatmap, boxes: list[tuple]) -> float:
    """The share of a heatmap's mass inside the boxes, 0 to 1; NaN where the heatmap is blank.

    heatmap: (H, W), nothing negative. boxes: whole pixels (left, top, right, bottom), their union counts.
    """
    heatmap = _checked(heatmap)
    total = heatmap.sum()
    return float(heatmap[inside(boxes, *heatmap.shape)].sum() / total) if total else float("nan")


def pointing_game(heatmap: Heatmap, boxes: list) -> bool | None:
    """Whether a heatmap's maximum is inside one of the boxes; a blank heatmap points nowhere. See `pixel_energy`."""
    heatmap = _checked(heatmap)
    peaks = heatmap == heatmap.max()
    return bool(heatmap.any() and (peaks & inside(boxes, *heatmap.shape)).any())


def overlaps(heatmap: Heatmap, boxes: list[tuple], thresholds: tuple) -> tuple[Array, Array, Array]:
    """(IoU, IoB, IoR), each (n,): |R ∩ B| over |R ∪ B|, over |B|, over |R|, R where the heatmap is above a threshold, B
    the union of boxes. Paper, section 3.4.3. NaN where the denominator is no pixel. See `pixel_energy`."""
    heatmap = _checked(heatmap)
    mask = inside(boxes, *heatmap.shape)
    region, both = (_above(values, thresholds) for values in (heatmap, heatmap[mask]))
    box = mask.sum()
    with np.errstate(invalid="ignore"):
        return both / (region + box - both), both / np.where(box, box, np.nan), both / np.where(region, region, np.nan)


def _above(values, thresholds):
    """How many of the values are above each threshold."""
    ordered = np.sort(values, axis=None)
    return ordered.size - np.searchsorted(ordered, np.asarray(thresholds, np.float64), side="right")


def drop(before: tuple[float, float], after: tuple[float, float]) -> float:
    """max(0, Y − O)/Y, equation (27), as a share of 1. before: (Y, 1 − Y); after: (O, 1 − O), neither by subtraction.

    Where both are nearly 1 the difference is taken of what they lack, so that it is not rounded away.
    """
    return max(0.0, _fall(before, after)) / before[0] if before[0] else float("nan")


def increases(before: tuple[float, float], after: tuple[float, float]) -> bool:
    """Y < O, equation (28): whether the network is surer. See `drop`."""
    return _fall(before, after) < 0


def _fall(before, after):
    return after[1] - before[1] if min(before[0], after[0]) > 0.5 else before[0] - after[0]


def ranks(raw: Array) -> Array:
    """(H, W) integers: 0 for the highest value of a map, 1 for the next, up to H·W − 1 for the lowest.

    Equal ones by lot, the same lot each time: in reading order the sky of a blank map would come first.
    """
    raw = np.asarray(raw)
    lot = np.random.default_rng(0).permutation(raw.size)
    ranked = np.empty(raw.size, np.int64)
    ranked[lot[np.argsort(-raw.ravel()[lot], kind="stable")]] = np.arange(raw.size)
    return ranked.reshape(raw.shape)


def exchanged(picture: Array, other: Array, ranked: Array, steps: int) -> Iterator:
    """Yield the picture with its highest ranked pixels from another one: 1/steps of them, 2/steps, … (steps − 1)/steps.

    picture, other: (H, W, 3). ranked: see `ranks`. So insertion and deletion go (Petsiuk and others, RISE, 2018).
    """
    for step in range(1, steps):
        yield np.where((ranked < step * ranked.size / steps)[..., None], other, picture)


def cosine(a: Array, b: Array) -> float:
    """Of the angle between two arrays of one shape: 1 where they differ by a factor alone, however small; NaN where one
    of them is zero or not finite."""
    a, b = (np.asarray(v, np.float64).ravel() for v in (a, b))
    sizes = [np.abs(v).max(initial=0) for v in (a, b)]
    if not (all(sizes) and np.isfinite(sizes).all()):
        return float("nan")
    a, b = (v / size for v, size in zip((a, b), sizes, strict=True))
    return float(a @ b / (np.linalg.norm(a) * np.linalg.norm(b)))


def entropy(probabilities: Array | list) -> Array | float:
    """−Σ p log₂ p, in bits: from 0, where one class has all, to log₂ N, where N are alike. (..., N) -> (...)"""
    p = np.asarray(probabilities, np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        return -np.where(p > 0, p * np.log2(p), 0).sum(axis=-1)


def alike(image: Image, rgb: Array | tuple[int, ...], within: int = ALIKE) -> Array:
    """The pixels of nearly one colour, (H, W) bool. image: uint8 (H, W, 3); rgb: three of 0..255.

    A path from an even baseline of this colour changes these pixels by at most `within`, and Integrated Gradients,
    which multiplies by that change, equation (6), leaves them nearly blank whatever their gradient is.
    """
    return (np.abs(image.astype(np.int16) - np.asarray(rgb, np.int16)) <= within).all(axis=-1)


def share(heatmap: Heatmap, places: Array) -> float:
    """The share of a map's mass at some places, 0 to 1; NaN where it is blank or not finite.

    heatmap: (H, W), nothing negative; places: (H, W) bool.
    """
    heatmap = np.asarray(heatmap, np.float64)
    total = heatmap.sum()
    return float(heatmap[places].sum() / total) if np.isfinite(total) and total else float("nan")


def _checked(heatmap):
    heatmap = np.asarray(heatmap, np.float64)
    if heatmap.ndim != 2 or not heatmap.size:
        raise InputError(f"A heatmap is measured as an array (H, W) with pixels in it; received {heatmap.shape}.")
    if not (np.isfinite(heatmap).all() and heatmap.min() >= 0):
        raise InputError("A heatmap that is measured holds finite values from 0 up; received others.")
    return heatmap
