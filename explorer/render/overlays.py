"""A heatmap laid over its picture in colours, and the colour bar that says what the colours mean."""

import difflib
from types import MappingProxyType

import cv2
import numpy as np

from explorer.arrays import Array, Heatmap, Image
from explorer.attribution.heatmaps import normalise
from explorer.errors import InputError

DEFAULT_COLORMAP = "inferno"

# Lightness rises steadily with the value, so that they read right in grey print and for every kind of sight.
PERCEPTUAL = ("inferno", "viridis", "magma", "plasma", "cividis")
CLASSIC = ("turbo", "jet", "hot")

ABOVE, BELOW = (255, 165, 40), (130, 60, 220)  # of maps with a sign

MISSING_SQUARE = 4  # pixels on a side of the chequers that stand for "no value"


def _table(name):
    """OpenCV's colour table as RGB, (256, 3) uint8, read-only. OpenCV keeps blue first."""
    steps = np.arange(256, dtype=np.uint8)[:, None]
    blue_first = cv2.applyColorMap(steps, getattr(cv2, f"COLORMAP_{name.upper()}"))[:, 0]
    table = np.ascontiguousarray(blue_first[:, ::-1])
    table.setflags(write=False)
    return table


COLORMAPS = MappingProxyType({name: _table(name) for name in PERCEPTUAL + CLASSIC})


def colour(heatmap: Heatmap, colormap: str = DEFAULT_COLORMAP) -> Array:
    """Values in [0, 1], (H, W)  ->  RGB uint8 (H, W, 3).

    Values outside [0, 1] take the colour of the nearer end. Where there is no finite value, grey chequers are
    drawn, as picture editors do for "nothing here": no colormap has them, so they cannot be read as a value.
    """
    table = _table_of(colormap)
    values = _map(heatmap)
    finite = np.isfinite(values)
    index = np.rint(np.clip(np.where(finite, values, 0), 0, 1) * 255).astype(np.uint8)
    return np.where(finite[..., None], table[index], _chequers(*values.shape))


def overlay(image: Image, heatmap: Heatmap, colormap: str = DEFAULT_COLORMAP, opacity: float = 0.5) -> Array:
    """The coloured heatmap over the picture, uniformly blended.

    image: uint8 (H, W, 3); heatmap: (H, W) in [0, 1]; opacity: 0 (the picture alone) to 1 (the colours alone).
    Returns uint8 (H, W, 3). Raises InputError on an unknown colormap, an opacity out of range, other shapes.
    """
    if not 0 <= opacity <= 1:
        raise InputError(f"The opacity is a number from 0 to 1, not {opacity}: choose one between.")
    image, colours = np.asarray(image), colour(heatmap, colormap)
    if image.dtype != np.uint8 or image.shape != colours.shape:
        raise InputError(
            f"A heatmap has the size of its picture, uint8 {colours.shape}, but the picture is "
            f"{image.dtype} {image.shape}: resize one of them."
        )
    return np.rint((1 - opacity) * image + opacity * colours).astype(np.uint8)


def diverging(image: Image, values: Array, opacity: float = 0.5) -> Array:
    """A map with a sign over its picture: orange where above zero, violet where below, the picture where it is zero.

    image: uint8 (H, W, 3); values: (H, W) in [−1, 1]; opacity: that of ±1. Returns uint8 (H, W, 3). Both colours are
    told apart by every kind of sight.
    """
    values = np.clip(_map(values), -1, 1)[..., None]
    share = opacity * np.sqrt(np.abs(values))  # faint differences are the larger part
    colours = np.where(values > 0, np.array(ABOVE, np.float64), np.array(BELOW, np.float64))
    return np.rint((1 - share) * np.asarray(image) + share * colours).astype(np.uint8)


def diverging_bar(height: int = 1, width: int = 256) -> Array:
    """The colours of `diverging` from −1 to 1 over grey, uint8 (height, width, 3)."""
    values = np.repeat(np.linspace(-1, 1, width)[None], height, axis=0)
    return diverging(np.full((height, width, 3), 128, np.uint8), values, 1.0)


def colour_bar(colormap: str = DEFAULT_COLORMAP, height: int = 256, width: int = 16) -> Array:
    """The colours from 0 to 1, uint8 (height, width, 3): upwards where higher than wide, else to the right."""
    if min(height, width) < 1:
        raise InputError(f"A colour bar has at least 1 pixel each way, not {height} × {width}: make it larger.")
    if height > width:
        return colour(np.repeat(np.linspace(1, 0, height)[:, None], width, axis=1), colormap)
    return colour(np.repeat(np.linspace(0, 1, width)[None], height, axis=0), colormap)


def shared_scale(raws: dict, epsilon: float) -> dict:
    """Equation (26) with one minimum and one maximum for all maps, so that equal colours mean equal raw values.

    raws: {name: raw map (H, W), already at the size of the picture}  ->  {name: float32 (H, W) in [0, 1]}.
    Maps that are not finite have no share in the scale, and are zero as in `normalise`.
    """
    finite = [np.asarray(raw) for raw in raws.values() if np.isfinite(raw).all()]
    low = min((float(raw.min()) for raw in finite), default=0.0)
    high = max((float(raw.max()) for raw in finite), default=0.0)
    return {name: normalise(raw, epsilon, low, high) for name, raw in raws.items()}


def _table_of(colormap):
    if colormap in COLORMAPS:
        return COLORMAPS[colormap]
    near = difflib.get_close_matches(str(colormap).lower(), COLORMAPS, n=1)
    hint = f"did you mean {near[0]}?" if near else "choose one of these."
    raise InputError(f"A colormap is one of {', '.join(COLORMAPS)}, not {str(colormap)[:40]!r}: {hint}")


def _map(heatmap):
    values = np.asarray(heatmap)
    if values.ndim != 2 or values.dtype.kind not in "fiub":
        raise InputError(
            f"A heatmap is an array of numbers of shape (H, W), not {values.dtype} {values.shape}: pass one map."
        )
    return values


def _chequers(height, width):
    """Light and dark grey squares, uint8 (height, width, 3)."""
    rows, columns = np.indices((height, width)) // MISSING_SQUARE
    grey = np.where((rows + columns) % 2, np.uint8(150), np.uint8(105))
    return np.repeat(grey[..., None], 3, axis=2)
