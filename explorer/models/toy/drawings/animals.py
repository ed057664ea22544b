"""Animals: fish, butterfly, ladybird."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from explorer.models.toy.canvas import ellipse_points, hsv, shade, vivid

if TYPE_CHECKING:
    from explorer.models.toy.canvas import Pen


INK = (28.0, 26.0, 30.0)
WHITE = (248.0, 248.0, 244.0)


def fish(pen: Pen, rng: np.random.Generator) -> None:
    """Body, forked tail, fins above and below, an eye, a gill and stripes or scales."""
    body = vivid(rng)
    fin = hsv(rng.uniform(), rng.uniform(0.6, 0.9), rng.uniform(0.6, 0.95))
    stripe = shade(body, rng.choice([0.6, 1.45]))
    tall = rng.uniform(0.38, 0.52)
    pen.smooth([(-0.45, 0.0), (-0.95, -0.5), (-0.8, -0.05), (-0.8, 0.05), (-0.95, 0.5)], fin)
    pen.smooth([(-0.25, -0.75 * tall), (-0.05, -tall - 0.32), (0.3, -tall - 0.14), (0.4, -0.7 * tall)], fin)
    pen.smooth([(-0.1, 0.8 * tall), (0.0, tall + 0.24), (0.2, tall + 0.1), (0.25, 0.8 * tall)], fin)
    pen.smooth(
        [
            (-0.62, 0.0),
            (-0.35, -0.62 * tall),
            (0.15, -tall),
            (0.68, -0.55 * tall),
            (0.95, 0.02),
            (0.68, 0.58 * tall),
            (0.15, tall),
            (-0.35, 0.62 * tall),
        ],
        body,
    )
    if rng.uniform() < 0.5:
        for x in (-0.3, -0.05, 0.2):
            reach = 0.72 * tall * (1.0 if x > -0.2 else 0.7)
            pen.arc((x - 0.12, 0.0), (0.14, reach), -1.4, 1.4, 0.075, stripe)
    else:
        for x, y in ((-0.32, 0.0), (-0.14, -0.16), (-0.14, 0.16), (0.06, 0.0), (0.1, -0.27), (0.1, 0.27)):
            pen.arc((x, y), (0.09, 0.1), -1.3, 1.3, 0.045, stripe)
    pen.arc((0.34, 0.02), (0.1, 0.6 * tall), -1.2, 1.2, 0.05, shade(body, 0.55))
    pen.smooth([(0.12, 0.06), (-0.14, 0.2), (-0.1, 0.02)], fin)
    pen.circle((0.65, -0.13), 0.105, WHITE)
    pen.circle((0.675, -0.13), 0.055, INK, outline=False)
    pen.line([(0.93, 0.09), (0.8, 0.13)], 0.04, shade(body, 0.4))


def butterfly(pen: Pen, rng: np.random.Generator) -> None:
    """Four wings with borders and spots, a body in segments, two feelers."""
    upper, lower = vivid(rng), vivid(rng)
    spot = WHITE if rng.uniform() < 0.4 else vivid(rng)
    edge = shade(upper, 0.35) if rng.uniform() < 0.7 else INK
    span = rng.uniform(0.86, 0.96)
    for side in (-1, 1):
        low = [(side * 0.05, 0.05), (side * 0.6, 0.1), (side * 0.72, 0.5), (side * 0.42, 0.82), (side * 0.14, 0.5)]
        high = [
            (side * 0.05, -0.05),
            (side * 0.3, -0.6),
            (side * span, -0.78),
            (side * span * 0.98, -0.25),
            (side * 0.6, 0.12),
            (side * 0.1, 0.12),
        ]
        for wing, colour in ((low, lower), (high, upper)):
            pen.smooth(wing, edge, outline=False)
            middle = np.mean(wing, axis=0)
            pen.smooth(middle + 0.82 * (np.array(wing) - middle), colour, outline=False)
        pen.circle((side * 0.66, -0.44), 0.14, spot)
        pen.circle((side * 0.66, -0.44), 0.06, edge, outline=False)
        pen.circle((side * 0.34, -0.22), 0.08, spot)
        pen.circle((side * 0.42, 0.46), 0.11, spot)
        pen.line([(side * 0.02, -0.42), (side * 0.12, -0.68), (side * 0.24, -0.86)], 0.035, INK)
        pen.circle((side * 0.24, -0.86), 0.045, INK, outline=False)
    pen.ellipse((0.0, 0.12), (0.075, 0.5), INK, outline=False)
    pen.circle((0.0, -0.4), 0.1, INK, outline=False)
    for y in (0.0, 0.18, 0.36):
        pen.line([(-0.05, y), (0.05, y)], 0.03, shade(upper, 0.8))


def ladybird(pen: Pen, rng: np.random.Generator) -> None:
    """A round body parted down the back, spots on both halves, head with eyes, six legs, two feelers."""
    shell = hsv(rng.choice([rng.uniform(-0.03, 0.03), rng.uniform(0.08, 0.14)]), rng.uniform(0.8, 0.95), 0.88)
    for side in (-1, 1):
        for y, reach in ((-0.25, -0.42), (0.12, 0.12), (0.45, 0.66)):
            pen.line([(side * 0.5, y), (side * 0.84, reach), (side * 0.95, reach + 0.12)], 0.065, INK)
        pen.line([(side * 0.12, -0.72), (side * 0.3, -0.96)], 0.05, INK)
    pen.ellipse((0.0, -0.6), (0.36, 0.28), INK, outline=False)
    for side in (-1, 1):
        pen.circle((side * 0.2, -0.68), 0.085, WHITE, outline=False)
    pen.ellipse((0.0, 0.12), (0.72, 0.76), shade(shell, 0.55), outline=False)
    pen.ellipse((0.0, 0.1), (0.68, 0.71), shell, outline=False)
    pen.polygon(ellipse_points((0.0, 0.1), (0.68, 0.71), 0.0, 1.14 * np.pi, 1.86 * np.pi), INK, outline=False)
    pen.line([(0.0, -0.4), (0.0, 0.8)], 0.055, INK)
    size = rng.uniform(0.115, 0.15)
    rows = ((0.3, -0.03), (0.45, 0.3), (0.22, 0.52)) if rng.uniform() < 0.6 else ((0.34, 0.02), (0.3, 0.45))
    for side in (-1, 1):
        for x, y in rows:
            pen.circle((side * x, y), size, INK, outline=False)
