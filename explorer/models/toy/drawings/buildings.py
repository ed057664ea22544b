"""Upright things: house, traffic light, guitar, snowman."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from explorer.models.toy.canvas import hsv, shade, vivid
from explorer.models.toy.drawings.animals import INK, WHITE

if TYPE_CHECKING:
    from explorer.models.toy.canvas import Pen


def house(pen: Pen, rng: np.random.Generator) -> None:
    """Walls, a roof with rows of tiles, a chimney, a door with its knob, windows with cross-bars."""
    wall = hsv(rng.uniform(), rng.uniform(0.12, 0.55), rng.uniform(0.75, 0.97))
    roof = hsv(rng.uniform(-0.05, 0.1), rng.uniform(0.5, 0.85), rng.uniform(0.4, 0.75))
    door = vivid(rng)
    glass = hsv(rng.uniform(0.5, 0.6), rng.uniform(0.2, 0.5), rng.uniform(0.8, 1.0))
    side = rng.choice([-1, 1])
    pen.rectangle(side * 0.46 - 0.12, -0.9, side * 0.46 + 0.12, -0.3, shade(roof, 0.75))
    pen.rectangle(-0.72, -0.12, 0.72, 0.92, wall)
    peak = rng.uniform(-0.9, -0.72)
    pen.polygon([(-0.95, -0.08), (-0.1, peak), (0.1, peak), (0.95, -0.08)], roof)
    for share in (0.3, 0.55, 0.8):
        y = peak + share * (-0.08 - peak)
        pen.line([(-0.1 - 0.83 * share, y), (0.1 + 0.83 * share, y)], 0.025, shade(roof, 0.7))
    place = rng.choice([-0.4, 0.0, 0.4])
    pen.rectangle(place - 0.17, 0.32, place + 0.17, 0.92, door)
    pen.circle((place + 0.1, 0.64), 0.03, (250.0, 220.0, 110.0), outline=False)
    for x in (-0.45, 0.45) if place == 0.0 else (-np.sign(place) * 0.46, -np.sign(place) * 0.02):
        pen.rectangle(x - 0.2, 0.08, x + 0.2, 0.46, WHITE)
        pen.rectangle(x - 0.155, 0.125, x + 0.155, 0.415, glass, outline=False)
        pen.line([(x, 0.12), (x, 0.42)], 0.045, WHITE)
        pen.line([(x - 0.16, 0.27), (x + 0.16, 0.27)], 0.045, WHITE)


def traffic_light(pen: Pen, rng: np.random.Generator) -> None:
    """A housing on a pole with three hooded lamps: red, amber, green."""
    box = hsv(rng.uniform(), rng.uniform(0.0, 0.3), rng.uniform(0.12, 0.32))
    if rng.uniform() < 0.25:
        box = hsv(rng.uniform(0.11, 0.15), 0.85, rng.uniform(0.7, 0.9))
    pen.line([(0.0, 0.6), (0.0, 0.97)], 0.16, (105.0, 108.0, 112.0))
    pen.rounded(-0.36, -0.97, 0.36, 0.72, 0.12, box)
    lit = rng.integers(0, 4)
    for i, hue in enumerate((0.0, 0.12, 0.38)):
        y = -0.66 + 0.54 * i
        glow = lit in (i, 3)
        pen.circle((0.0, y), 0.235, shade(box, 0.5), outline=False)
        lamp = hsv(hue + rng.uniform(-0.02, 0.02), 0.88, 1.0 if glow else 0.58)
        pen.circle((0.0, y), 0.2, lamp, outline=False)
        pen.ellipse((-0.06, y - 0.07), (0.07, 0.05), shade(lamp, 1.5 if glow else 1.2), -0.6, outline=False)
        pen.arc((0.0, y), (0.23, 0.23), np.pi * 1.05, np.pi * 1.95, 0.06, shade(box, 0.35))
        for side in (-1, 1):
            pen.polygon([(side * 0.36, y - 0.16), (side * 0.52, y - 0.16), (side * 0.36, y + 0.12)], box)


def guitar(pen: Pen, rng: np.random.Generator) -> None:
    """A waisted body with sound hole, bridge and rosette, a fretted neck, strings, a head with pegs."""
    wood = hsv(rng.uniform(0.02, 0.11), rng.uniform(0.6, 0.9), rng.uniform(0.55, 0.9))
    if rng.uniform() < 0.3:
        wood = vivid(rng)
    dark = hsv(0.07, 0.6, rng.uniform(0.18, 0.32))
    pen.smooth(
        [
            (0.0, -0.06),
            (0.3, -0.02),
            (0.32, 0.2),
            (0.27, 0.34),
            (0.47, 0.56),
            (0.44, 0.84),
            (0.2, 0.97),
            (-0.2, 0.97),
            (-0.44, 0.84),
            (-0.47, 0.56),
            (-0.27, 0.34),
            (-0.32, 0.2),
            (-0.3, -0.02),
        ],
        shade(wood, 0.6),
    )
    pen.smooth(
        [
            (0.0, -0.01),
            (0.26, 0.03),
            (0.27, 0.2),
            (0.22, 0.35),
            (0.42, 0.57),
            (0.39, 0.82),
            (0.18, 0.92),
            (-0.18, 0.92),
            (-0.39, 0.82),
            (-0.42, 0.57),
            (-0.22, 0.35),
            (-0.27, 0.2),
            (-0.26, 0.03),
        ],
        wood,
        outline=False,
    )
    pen.circle((0.0, 0.38), 0.165, WHITE, outline=False)
    pen.circle((0.0, 0.38), 0.135, INK, outline=False)
    pen.rectangle(-0.075, -0.72, 0.075, 0.28, dark)
    for y in (-0.58, -0.44, -0.31, -0.19, -0.08, 0.02):
        pen.line([(-0.07, y), (0.07, y)], 0.022, (215.0, 205.0, 180.0))
    pen.polygon([(-0.085, -0.7), (-0.13, -0.98), (0.13, -0.98), (0.085, -0.7)], shade(wood, 0.7))
    for side in (-1, 1):
        for y in (-0.93, -0.84, -0.76):
            pen.line([(side * 0.11, y), (side * 0.19, y)], 0.055, (225.0, 225.0, 220.0))
    pen.rectangle(-0.2, 0.7, 0.2, 0.77, dark)
    for x in (-0.045, 0.0, 0.045):
        pen.line([(x, -0.72), (x, 0.73)], 0.012, (240.0, 238.0, 225.0))


def snowman(pen: Pen, rng: np.random.Generator) -> None:
    """Three balls of snow, hat, eyes, carrot, scarf, buttons, arms of twigs."""
    snow = hsv(rng.uniform(0.5, 0.65), rng.uniform(0.02, 0.1), rng.uniform(0.92, 1.0))
    twig = hsv(0.07, 0.6, rng.uniform(0.3, 0.45))
    scarf, hat = vivid(rng), INK if rng.uniform() < 0.6 else vivid(rng)
    for side in (-1, 1):
        lift = rng.uniform(-0.35, 0.0)
        pen.line([(side * 0.28, 0.08), (side * 0.78, lift)], 0.055, twig)
        pen.line([(side * 0.62, 0.25 * lift + 0.02), (side * 0.74, lift - 0.16)], 0.04, twig)
    for y, radius in ((0.62, 0.37), (0.1, 0.29), (-0.34, 0.22)):
        pen.circle((0.03, y + 0.02), radius, shade(snow, 0.78))
        pen.circle((-0.01, y), radius * 0.94, snow, outline=False)
    pen.ellipse((0.0, -0.15), (0.25, 0.075), scarf)
    pen.polygon([(0.1, -0.14), (0.24, -0.12), (0.27, 0.2), (0.14, 0.22)], scarf)
    pen.ellipse((0.0, -0.5), (0.34, 0.07), hat)
    pen.polygon([(-0.2, -0.5), (-0.22, -0.96), (0.22, -0.96), (0.2, -0.5)], hat)
    pen.polygon([(-0.2, -0.58), (-0.205, -0.67), (0.205, -0.67), (0.2, -0.58)], scarf, outline=False)
    for x in (-0.085, 0.085):
        pen.circle((x, -0.39), 0.036, INK, outline=False)
    pen.polygon([(0.0, -0.34), (0.25, -0.27), (0.0, -0.26)], (240.0, 125.0, 30.0), outline=False)
    for y in (0.0, 0.15, 0.42, 0.6, 0.78):
        pen.circle((0.0, y), 0.042, INK, outline=False)
