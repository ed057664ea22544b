"""Draws one object in its own unit square and returns it as a small anti-aliased picture with its coverage."""

import colorsys
from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np

from explorer.arrays import Array

OVERSAMPLING = 2
FRACTION_BITS = 4
ROUND = 40
_TURN = np.linspace(0.0, 2.0 * np.pi, ROUND, endpoint=False)
_CIRCLE = np.stack([np.cos(_TURN), np.sin(_TURN)], axis=1)


def hsv(hue: float, saturation: float, value: float) -> tuple[float, ...]:
    """RGB colour, each channel 0..255, from hue, saturation and value in 0..1 (the hue wraps around)."""
    return tuple(255.0 * channel for channel in colorsys.hsv_to_rgb(hue % 1.0, saturation, value))


def shade(colour: Sequence[float], factor: float) -> tuple[float, ...]:
    """The colour made darker (factor < 1) or lighter (factor > 1), kept within 0..255."""
    return tuple(min(255.0, channel * factor) for channel in colour)


def vivid(rng: np.random.Generator, low: float = 0.0, high: float = 1.0) -> tuple[float, ...]:
    """A random strong colour whose hue lies between low and high."""
    return hsv(rng.uniform(low, high), rng.uniform(0.6, 0.95), rng.uniform(0.65, 0.98))


def ellipse_points(
    centre: Sequence[float],
    radii: Sequence[float],
    angle: float = 0.0,
    start: Any = None,
    stop: Any = None,
) -> Array:
    """Points (n, 2) on an ellipse, or on its arc from start to stop; angles in radians, clockwise on screen."""
    circle = _CIRCLE
    if start is not None:
        turn = np.linspace(start, stop, ROUND)
        circle = np.stack([np.cos(turn), np.sin(turn)], axis=1)
    points = circle * np.asarray(radii, float)
    if angle:
        cos, sin = np.cos(angle), np.sin(angle)
        points = points @ np.array([[cos, sin], [-sin, cos]])
    return points + np.asarray(centre, float)


def smooth_points(corners: Array, pieces: int = 6) -> Array:
    """A closed smooth curve (Catmull-Rom) through the corners (n, 2), as points (n * pieces, 2)."""
    p1 = np.asarray(corners, float)
    p0, p2, p3 = np.roll(p1, 1, axis=0), np.roll(p1, -1, axis=0), np.roll(p1, -2, axis=0)
    t = (np.arange(pieces) / pieces)[:, None, None]
    curve = p1 + 0.5 * t * (p2 - p0 + t * (2 * p0 - 5 * p1 + 4 * p2 - p3 + t * (3 * (p1 - p2) + p3 - p0)))
    return curve.transpose(1, 0, 2).reshape(-1, 2)


class Pen:
    """A canvas over the square [-1, 1] x [-1, 1] (x to the right, y down), turned and scaled on the way to pixels.

    side: length of the unit square in pixels of the finished picture; angle: rotation in radians, clockwise;
    flip: mirror left and right first; slant: horizontal shear; outline: line width around shapes (0: none).
    """

    def __init__(self, side: float, angle: float = 0.0, flip: bool = False, slant: float = 0.0, outline: float = 0.0):
        reach = 1.3 + abs(slant)
        self.pixels = OVERSAMPLING * int(np.ceil(side * reach * 0.5 * 1.25)) * 2
        self.scale = OVERSAMPLING * side / 2.0
        self.outline = outline
        cos, sin = np.cos(angle), np.sin(angle)
        own = np.array([[-1.0 if flip else 1.0, slant], [0.0, 1.0]])
        self.matrix = (np.array([[cos, -sin], [sin, cos]]) @ own).T * self.scale
        self.canvas = np.zeros((self.pixels, self.pixels, 4), np.uint8)

    def polygon(self, points: Array, colour: Sequence[float], outline: bool = True) -> None:
        """Fill a polygon, points (n, 2); its edge is drawn darker where the pen has an outline."""
        pixels = self._to_pixels(points)
        cv2.fillPoly(self.canvas, [pixels], (*colour, 255), cv2.LINE_AA, FRACTION_BITS)
        if outline and self.outline:
            self._stroke(pixels, shade(colour, 0.45), self.outline, True)

    def smooth(self, corners: Array, colour: Sequence[float], outline: bool = True) -> None:
        """Fill the smooth closed curve through the corners (n, 2)."""
        self.polygon(smooth_points(corners), colour, outline)

    def ellipse(
        self,
        centre: Sequence[float],
        radii: Sequence[float],
        colour: Sequence[float],
        angle: float = 0.0,
        outline: bool = True,
    ) -> None:
        """Fill an ellipse; radii: (across, down) before it is turned by angle, in radians."""
        self.polygon(ellipse_points(centre, radii, angle), colour, outline)

    def circle(self, centre: Sequence[float], radius: float, colour: Sequence[float], outline: bool = True) -> None:
        """Fill a circle."""
        self.polygon(ellipse_points(centre, (radius, radius)), colour, outline)

    def ring(self, centre: Sequence[float], radius: float, width: float, colour: Sequence[float]) -> None:
        """Draw a circle's line; radius: to the middle of the line."""
        self._stroke(self._to_pixels(ellipse_points(centre, (radius, radius))), colour, width, True)

    def arc(
        self,
        centre: Sequence[float],
        radii: Sequence[float],
        start: float,
        stop: float,
        width: float,
        colour: Sequence[float],
    ) -> None:
        """Draw an ellipse's arc from start to stop, angles in radians."""
        self.line(ellipse_points(centre, radii, 0.0, start, stop), width, colour)

    def line(self, points: Array, width: float, colour: Sequence[float], closed: bool = False) -> None:
        """Draw a line through points (n, 2) with round ends."""
        self._stroke(self._to_pixels(points), colour, width, closed)

    def rectangle(
        self, left: float, top: float, right: float, bottom: float, colour: Sequence[float], outline: bool = True
    ) -> None:
        """Fill an upright rectangle."""
        self.polygon([(left, top), (right, top), (right, bottom), (left, bottom)], colour, outline)

    def rounded(
        self,
        left: float,
        top: float,
        right: float,
        bottom: float,
        radius: float,
        colour: Sequence[float],
        outline: bool = True,
    ) -> None:
        """Fill an upright rectangle with round corners."""
        corners = [
            (right - radius, bottom - radius),
            (left + radius, bottom - radius),
            (left + radius, top + radius),
            (right - radius, top + radius),
        ]
        quarter = np.pi / 2
        arcs = [
            ellipse_points(corner, (radius, radius), 0.0, i * quarter, (i + 1) * quarter)[::6]
            for i, corner in enumerate(corners)
        ]
        self.polygon(np.concatenate(arcs), colour, outline)

    def finish(self) -> tuple[Array, Array]:
        """What was drawn: (colour premultiplied by coverage (h, w, 3), coverage (h, w, 1)), float32, cut tight.

        Coverage lies in 0..1; the cut keeps every pixel that is covered at all.
        """
        small = self.pixels // OVERSAMPLING
        patch = cv2.resize(self.canvas, (small, small), interpolation=cv2.INTER_AREA)
        left, top, width, height = cv2.boundingRect(patch[:, :, 3])
        patch = patch[top : top + height, left : left + width].astype(np.float32)
        return patch[:, :, :3], patch[:, :, 3:] / 255.0

    def _to_pixels(self, points):
        places = np.asarray(points, float) @ self.matrix + (self.pixels - 1) / 2.0
        return np.rint(places * (1 << FRACTION_BITS)).astype(np.int32)

    def _stroke(self, pixels, colour, width, closed):
        thickness = max(1, round(width * self.scale))
        cv2.polylines(self.canvas, [pixels], closed, (*colour, 255), thickness, cv2.LINE_AA, FRACTION_BITS)
