"""Things that grow: flower, mushroom."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from explorer.models.toy.canvas import ellipse_points, hsv, shade, vivid
from explorer.models.toy.drawings.animals import WHITE

if TYPE_CHECKING:
    from explorer.models.toy.canvas import Pen


def flower(pen: Pen, rng: np.random.Generator) -> None:
    """Petals around a dotted centre, a stem, two leaves."""
    green = hsv(rng.uniform(0.27, 0.38), rng.uniform(0.6, 0.85), rng.uniform(0.45, 0.7))
    petal = WHITE if rng.uniform() < 0.15 else vivid(rng, -0.25, 0.17)
    heart = hsv(rng.uniform(0.08, 0.15), 0.85, rng.uniform(0.5, 0.98))
    head = np.array([rng.uniform(-0.1, 0.1), -0.38])
    pen.line([head, (0.04, 0.3), (0.0, 0.97)], 0.075, green)
    pen.smooth([(0.02, 0.72), (0.3, 0.3), (0.62, 0.28), (0.45, 0.6)], green)
    pen.smooth([(0.0, 0.86), (-0.3, 0.48), (-0.6, 0.5), (-0.42, 0.78)], shade(green, 0.85))
    count = int(rng.integers(5, 10))
    wide = min(0.24, 0.95 / count)
    turn = rng.uniform(0.0, np.pi)
    for i in range(count):
        angle = turn + 2.0 * np.pi * i / count
        away = np.array([np.cos(angle), np.sin(angle)])
        pen.ellipse(head + 0.36 * away, (0.25, wide), shade(petal, 0.9 + 0.1 * (i % 2)), angle)
        pen.line([head + 0.2 * away, head + 0.42 * away], 0.025, shade(petal, 0.72))
    pen.circle(head, 0.2, heart)
    for i in range(7):
        angle = turn + 2.4 * i
        pen.circle(head + 0.045 * i**0.6 * np.array([np.cos(angle), np.sin(angle)]), 0.024, shade(heart, 0.6), False)


def mushroom(pen: Pen, rng: np.random.Generator) -> None:
    """A spotted cap over gills, a stalk with a ring."""
    cap = hsv(
        rng.choice([rng.uniform(-0.04, 0.09), rng.uniform(0.75, 0.9)]), rng.uniform(0.65, 0.95), rng.uniform(0.6, 0.9)
    )
    stalk = hsv(0.11, rng.uniform(0.05, 0.25), rng.uniform(0.82, 0.96))
    high = rng.uniform(0.72, 0.88)
    pen.smooth([(-0.2, 0.0), (-0.2, 0.4), (-0.32, 0.85), (0.0, 0.95), (0.32, 0.85), (0.2, 0.4), (0.2, 0.0)], stalk)
    pen.smooth([(-0.23, 0.22), (-0.38, 0.42), (0.0, 0.36), (0.38, 0.42), (0.23, 0.22), (0.0, 0.25)], shade(stalk, 0.9))
    pen.ellipse((0.0, 0.03), (0.82, 0.17), shade(stalk, 0.78))
    for x in np.linspace(-0.6, 0.6, 9):
        pen.line([(0.45 * x, 0.0), (x, 0.13)], 0.022, shade(stalk, 0.58))
    dome = ellipse_points((0.0, 0.04), (0.9, high), 0.0, np.pi, 2.0 * np.pi)
    rim = ellipse_points((0.0, 0.04), (0.9, 0.11), 0.0, 0.0, np.pi)
    pen.polygon(np.concatenate([dome, rim]), cap)
    light = WHITE if rng.uniform() < 0.8 else hsv(0.14, 0.5, 0.98)
    for x, y, size in (
        (0.0, 0.78, 0.13),
        (-0.42, 0.52, 0.12),
        (0.36, 0.5, 0.14),
        (-0.03, 0.3, 0.15),
        (-0.64, 0.12, 0.1),
        (0.66, 0.14, 0.09),
        (-0.33, 0.06, 0.08),
        (0.34, 0.04, 0.08),
    ):
        pen.ellipse((x, 0.04 - y * high), (size, size * 0.82), light, outline=False)
