"""Things in a room: die, clock, key, umbrella."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from explorer.models.toy.canvas import ellipse_points, hsv, shade, vivid
from explorer.models.toy.drawings.animals import INK, WHITE

if TYPE_CHECKING:
    from explorer.models.toy.canvas import Pen


_L, _M, _R = 0.24, 0.5, 0.76
PIPS = {
    1: ((_M, _M),),
    2: ((_L, _L), (_R, _R)),
    3: ((_L, _L), (_M, _M), (_R, _R)),
    4: ((_L, _L), (_L, _R), (_R, _L), (_R, _R)),
    5: ((_L, _L), (_L, _R), (_M, _M), (_R, _L), (_R, _R)),
    6: ((_L, _L), (_L, _M), (_L, _R), (_R, _L), (_R, _M), (_R, _R)),
}


def die(pen: Pen, rng: np.random.Generator) -> None:
    """A cube seen from a corner: three faces with their pips."""
    body = hsv(0.12, rng.uniform(0.0, 0.12), 0.97) if rng.uniform() < 0.55 else vivid(rng)
    pip = INK if min(body) > 180.0 else WHITE
    numbers = rng.permutation(6)[:3] + 1
    centre = np.array([0.0, -0.02])
    left, right, down = np.array([-0.84, -0.44]), np.array([0.84, -0.44]), np.array([0.0, 0.95])
    faces = ((centre, left, right, 1.0), (centre, left, down, 0.83), (centre, right, down, 0.68))
    for number, (corner, across, along, light) in zip(numbers, faces, strict=True):
        basis = np.array([across, along])
        square = np.array([(0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0)])
        pen.polygon(corner + square @ basis, shade(body, light))
        for place in PIPS[int(number)]:
            pen.polygon(corner + ellipse_points(place, (0.115, 0.115)) @ basis, shade(pip, light), outline=False)
    for edge in (left, right, down):
        pen.line([centre, centre + edge], 0.03, shade(body, 1.1))


def clock(pen: Pen, rng: np.random.Generator) -> None:
    """Rim, face, twelve ticks, two hands and a second hand; sometimes the bells and feet of an alarm clock."""
    rim = vivid(rng)
    face = hsv(rng.uniform(), rng.uniform(0.0, 0.12), rng.uniform(0.92, 1.0))
    size = 0.95
    if rng.uniform() < 0.4:
        size = 0.78
        for side in (-1, 1):
            pen.line([(side * 0.45, 0.6), (side * 0.62, 0.95)], 0.1, shade(rim, 0.6))
            pen.ellipse((side * 0.5, -0.72), (0.28, 0.2), shade(rim, 0.8), side * 0.6)
        pen.line([(0.0, -0.75), (0.0, -0.92)], 0.08, shade(rim, 0.6))
    pen.circle((0.0, 0.0), size, rim)
    pen.circle((0.0, 0.0), size * 0.82, face)
    for hour in range(12):
        away = np.array([np.sin(hour * np.pi / 6), -np.cos(hour * np.pi / 6)])
        main = hour % 3 == 0
        pen.line([away * size * (0.58 if main else 0.66), away * size * 0.74], 0.065 if main else 0.035, INK)
    first, second, third = rng.uniform(0.0, 2.0 * np.pi, 3)
    for angle, reach, width, colour in (
        (first, 0.42, 0.1, INK),
        (second, 0.62, 0.065, INK),
        (third, 0.64, 0.03, (210.0, 40.0, 40.0)),
    ):
        tip = size * reach * np.array([np.sin(angle), -np.cos(angle)])
        pen.line([-0.15 * tip, tip], width, colour)
    pen.circle((0.0, 0.0), 0.07, shade(rim, 0.7), outline=False)


def key(pen: Pen, rng: np.random.Generator) -> None:
    """A bow with a hole, a shaft with a collar, and teeth."""
    metal = hsv(
        *(
            (rng.uniform(0.1, 0.14), 0.75, rng.uniform(0.75, 0.95))
            if rng.uniform() < 0.6
            else (rng.uniform(0.02, 0.65), rng.uniform(0.05, 0.25), rng.uniform(0.65, 0.85))
        )
    )
    dark = shade(metal, 0.62)
    pen.line([(-0.3, 0.0), (0.95, 0.0)], 0.15, dark)
    pen.line([(-0.3, -0.015), (0.94, -0.015)], 0.09, metal)
    for x in np.linspace(0.5, 0.88, int(rng.integers(2, 4))):
        reach = rng.uniform(0.24, 0.42)
        pen.rectangle(x - 0.06, 0.03, x + 0.06, reach, dark, outline=False)
        pen.rectangle(x - 0.045, 0.0, x + 0.03, reach - 0.03, metal, outline=False)
    pen.rectangle(-0.2, -0.15, -0.1, 0.15, metal)
    if rng.uniform() < 0.5:
        pen.ring((-0.6, 0.0), 0.29, 0.18, dark)
        pen.ring((-0.6, -0.01), 0.29, 0.1, metal)
    else:
        for x, y in ((-0.74, 0.0), (-0.5, -0.2), (-0.5, 0.2)):
            pen.ring((x, y), 0.16, 0.14, dark)
            pen.ring((x, y - 0.01), 0.16, 0.08, metal)


def umbrella(pen: Pen, rng: np.random.Generator) -> None:
    """A scalloped canopy of panels in two colours, a spike, a shaft and a hooked handle."""
    one = vivid(rng)
    two = vivid(rng) if rng.uniform() < 0.6 else WHITE
    grip = hsv(0.07, 0.65, rng.uniform(0.3, 0.6))
    pen.line([(0.0, -0.95), (0.0, 0.72)], 0.055, (70.0, 70.0, 76.0))
    pen.arc((0.15, 0.72), (0.15, 0.2), 0.15, np.pi, 0.1, grip)
    pen.line([(0.0, 0.5), (0.0, 0.74)], 0.1, grip)
    panels = int(rng.choice([4, 6]))
    edges = -np.cos(np.pi * np.arange(panels + 1) / panels) * 0.96
    for i, (left, right) in enumerate(pairwise(edges)):
        outer = _meridian(left)
        inner = _meridian(right)[::-1]
        scallop = ellipse_points(((left + right) / 2, 0.05), ((right - left) / 2, 0.1), 0.0, 0.0, -np.pi)
        colour = shade(one if i % 2 else two, 1.0 - 0.08 * abs(i - panels / 2 + 0.5) / panels * 2)
        pen.polygon(np.concatenate([outer, inner, scallop]), colour)


def _meridian(x):
    """A seam of the canopy from its foot at x up to the top: a quarter of an ellipse."""
    turn = np.linspace(0.0, np.pi / 2, 12)
    return np.stack([x * np.cos(turn), 0.05 - 0.88 * np.sin(turn)], axis=1)
