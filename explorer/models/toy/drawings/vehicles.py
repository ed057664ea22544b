"""Things that travel: bicycle, car, sailing boat."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from explorer.models.toy.canvas import ellipse_points, hsv, shade, vivid
from explorer.models.toy.drawings.animals import INK, WHITE

if TYPE_CHECKING:
    from explorer.models.toy.canvas import Pen


def bicycle(pen: Pen, rng: np.random.Generator) -> None:
    """Two spoked wheels, a frame, saddle, handlebar, chain ring and pedals."""
    frame = vivid(rng)
    tyre = hsv(rng.uniform(), 0.1, rng.uniform(0.08, 0.25))
    steel = hsv(0.6, 0.05, rng.uniform(0.7, 0.9))
    spokes, turn = int(rng.integers(5, 9)), rng.uniform(0.0, np.pi)
    back, front = np.array([-0.57, 0.35]), np.array([0.57, 0.35])
    saddle, crank, head = (-0.24, -0.27), (-0.08, 0.36), (0.38, -0.26)
    for hub in (back, front):
        for angle in turn + np.pi * np.arange(spokes) / spokes:
            away = 0.37 * np.array([np.cos(angle), np.sin(angle)])
            pen.line([hub - away, hub + away], 0.022, steel)
        pen.ring(hub, 0.38, 0.085, tyre)
        pen.ring(hub, 0.325, 0.03, steel)
        pen.circle(hub, 0.06, tyre, outline=False)
    pen.line([back, crank, head, saddle, back], 0.075, frame)
    pen.line([saddle, crank], 0.075, frame)
    pen.line([front, head, (0.34, -0.44)], 0.075, frame)
    pen.line([(0.34, -0.44), (0.5, -0.52), (0.62, -0.44), (0.56, -0.36)], 0.065, tyre)
    pen.line([saddle, (-0.27, -0.4)], 0.06, steel)
    pen.smooth([(-0.47, -0.48), (-0.28, -0.46), (-0.06, -0.43), (-0.26, -0.37)], tyre)
    pen.ring(crank, 0.1, 0.05, steel)
    pen.line([(-0.2, 0.54), crank, (0.04, 0.18)], 0.04, tyre)
    for x, y in ((-0.2, 0.55), (0.04, 0.17)):
        pen.line([(x - 0.07, y), (x + 0.07, y)], 0.055, tyre)


def car(pen: Pen, rng: np.random.Generator) -> None:
    """Body, cabin with two windows, door lines, lamps, bumpers, two wheels with hubs."""
    body = vivid(rng) if rng.uniform() < 0.85 else hsv(0.0, 0.0, rng.uniform(0.75, 0.95))
    glass = hsv(rng.uniform(0.5, 0.6), rng.uniform(0.2, 0.45), rng.uniform(0.75, 0.95))
    roof = rng.uniform(-0.5, -0.42)
    lean = rng.uniform(0.1, 0.22)
    pen.polygon([(-0.62, -0.05), (-0.62 + lean, roof), (0.25, roof), (0.25 + 1.6 * lean, -0.05)], body)
    pen.polygon([(-0.5, -0.06), (-0.52 + lean, roof + 0.08), (-0.2, roof + 0.08), (-0.2, -0.06)], glass)
    pen.polygon([(-0.11, -0.06), (-0.11, roof + 0.08), (0.22, roof + 0.08), (0.2 + 1.3 * lean, -0.06)], glass)
    pen.smooth(
        [
            (-0.95, 0.02),
            (-0.7, -0.06),
            (0.0, -0.07),
            (0.55, -0.06),
            (0.9, 0.02),
            (0.97, 0.2),
            (0.93, 0.34),
            (0.0, 0.36),
            (-0.92, 0.34),
            (-0.98, 0.2),
        ],
        body,
    )
    pen.line([(-0.93, 0.24), (0.93, 0.24)], 0.035, shade(body, 0.65))
    for x in (-0.56, -0.15, 0.33):
        pen.line([(x, -0.02), (x, 0.28)], 0.022, shade(body, 0.5))
    pen.line([(-0.08, 0.06), (0.04, 0.06)], 0.04, shade(body, 0.45))
    pen.ellipse((0.88, 0.1), (0.075, 0.07), (255.0, 240.0, 170.0))
    pen.ellipse((-0.92, 0.1), (0.05, 0.07), (220.0, 40.0, 40.0))
    for x in (-0.52, 0.55):
        pen.circle((x, 0.34), 0.235, shade(body, 0.3), outline=False)
        pen.circle((x, 0.36), 0.21, INK, outline=False)
        pen.circle((x, 0.36), 0.115, (196.0, 200.0, 206.0), outline=False)
        for angle in np.arange(5) * 2.0 * np.pi / 5:
            pen.line([(x, 0.36), (x + 0.1 * np.cos(angle), 0.36 + 0.1 * np.sin(angle))], 0.03, (90.0, 92.0, 98.0))


def sailing_boat(pen: Pen, rng: np.random.Generator) -> None:
    """A hull with a stripe and port-holes, a mast, two sails and a pennant."""
    hull, flag = vivid(rng), vivid(rng)
    sail = WHITE if rng.uniform() < 0.5 else hsv(rng.uniform(), rng.uniform(0.15, 0.7), 0.97)
    wood = hsv(0.08, 0.6, rng.uniform(0.35, 0.55))
    mast = rng.uniform(-0.1, 0.05)
    pen.line([(mast, 0.5), (mast, -0.97)], 0.06, wood)
    pen.polygon([(mast + 0.03, -0.95), (mast + 0.33, -0.87), (mast + 0.03, -0.77)], flag, outline=False)
    main = [(mast + 0.06, -0.72), (mast + 0.42, -0.2), (0.82, 0.34), (mast + 0.06, 0.34)]
    pen.polygon(main, sail)
    pen.polygon([(mast - 0.06, -0.62), (mast - 0.3, -0.1), (-0.72, 0.34), (mast - 0.06, 0.34)], shade(sail, 0.87))
    if rng.uniform() < 0.6:
        for share in (0.45, 0.7):
            y = -0.72 + share * 1.06
            pen.line([(mast + 0.07, y), (mast + 0.06 + share * 0.62, y)], 0.05, flag)
    deck = [(-0.95, 0.45), (0.97, 0.45), (0.68, 0.9), (-0.66, 0.9)]
    pen.polygon(deck, hull)
    pen.line([(-0.86, 0.56), (0.87, 0.56)], 0.055, WHITE)
    for x in (-0.4, 0.0, 0.4):
        pen.circle((x, 0.71), 0.07, shade(hull, 0.35), outline=False)
        pen.polygon(ellipse_points((x, 0.71), (0.04, 0.04)), (190.0, 220.0, 240.0), outline=False)
