"""Textured backgrounds and the distractors strewn over them."""

from collections.abc import Sequence

import cv2
import numpy as np

from explorer.arrays import Array
from explorer.models.toy.canvas import Pen, ellipse_points, hsv, shade


def _grid(size):
    """Pixel coordinates in 0..1: (across, down), float32, shapes (1, size) and (size, 1)."""
    line = (np.arange(size, dtype=np.float32) + 0.5) / size
    return line[None, :], line[:, None]


def _tones(rng):
    """Two muted colours, not too far apart, float32 (3,) each."""
    hue = rng.uniform()
    value = rng.uniform(0.35, 0.9)
    one = hsv(hue, rng.uniform(0.05, 0.5), value)
    other = hsv(hue + rng.normal(0.0, 0.09), rng.uniform(0.05, 0.5), np.clip(value + rng.uniform(-0.3, 0.3), 0.2, 1.0))
    return np.array(one, np.float32), np.array(other, np.float32)


def _blend(rng, field):
    """Two tones mixed by a field (size, size) in 0..1, as float32 (size, size, 3)."""
    one, other = _tones(rng)
    return one + field[:, :, None] * (other - one)


def _noise(rng, size, cells):
    """Smooth noise, (size, size) float32 about 0..1, with so many cells across."""
    coarse = rng.random((cells, cells), np.float32)
    return cv2.resize(coarse, (size, size), interpolation=cv2.INTER_CUBIC)


def clouds(rng: np.random.Generator, size: int) -> Array:
    """Smooth noise at three scales."""
    cells = int(rng.integers(3, 7))
    field = 0.5 * _noise(rng, size, cells) + 0.3 * _noise(rng, size, 3 * cells) + 0.2 * _noise(rng, size, 9 * cells)
    return _blend(rng, field)


def stripes(rng: np.random.Generator, size: int) -> Array:
    """Parallel stripes in any direction, sharp or soft, gently bent."""
    across, down = _grid(size)
    angle = rng.uniform(0.0, np.pi)
    bend = rng.uniform(0.0, 0.06) * _noise(rng, size, 4)
    phase = (across * np.cos(angle) + down * np.sin(angle) + bend) * rng.uniform(5.0, 18.0)
    wave = np.sin(2.0 * np.pi * phase, dtype=np.float32)
    return _blend(rng, np.clip(0.5 + rng.uniform(0.5, 4.0) * wave, 0.0, 1.0))


def checks(rng: np.random.Generator, size: int) -> Array:
    """A chequered cloth, turned."""
    across, down = _grid(size)
    angle = rng.uniform(0.0, np.pi / 2)
    cos, sin, count = np.cos(angle), np.sin(angle), rng.uniform(3.0, 10.0)
    product = np.sin(np.pi * count * (across * cos + down * sin)) * np.sin(np.pi * count * (down * cos - across * sin))
    return _blend(rng, np.clip(0.5 + 4.0 * product, 0.0, 1.0).astype(np.float32))


def gradient(rng: np.random.Generator, size: int) -> tuple:
    """A smooth change from one colour to another, straight or round, with fine grain."""
    across, down = _grid(size)
    if rng.uniform() < 0.5:
        angle = rng.uniform(0.0, 2.0 * np.pi)
        field = 0.5 + (across - 0.5) * np.cos(angle) + (down - 0.5) * np.sin(angle)
    else:
        x, y = rng.uniform(0.2, 0.8, 2)
        field = 1.3 * np.sqrt((across - x) ** 2 + (down - y) ** 2)
    grain = rng.uniform(0.0, 0.25) * _noise(rng, size, size // 2)
    return _blend(rng, np.clip(field + grain, 0.0, 1.0).astype(np.float32))


def blobs(rng: np.random.Generator, size: int) -> Array:
    """Round patches of several related colours, as pebbles or lights out of focus."""
    one, other = _tones(rng)
    picture = np.empty((size, size, 3), np.uint8)
    picture[:] = one
    for _ in range(int(rng.integers(25, 60))):
        colour = np.clip(one + rng.uniform(-0.1, 1.1) * (other - one) + rng.normal(0.0, 9.0, 3), 0, 255)
        x, y = rng.integers(0, size, 2)
        cv2.circle(picture, (int(x), int(y)), int(size * rng.uniform(0.02, 0.1)), colour.tolist(), -1, cv2.LINE_AA)
    if rng.uniform() < 0.5:
        picture = cv2.GaussianBlur(picture, (0, 0), size * rng.uniform(0.004, 0.02))
    return picture.astype(np.float32)


def bricks(rng: np.random.Generator, size: int) -> Array:
    """A wall of bricks, each its own shade, with mortar between."""
    rows = int(rng.integers(6, 13))
    columns = max(3, int(rows * rng.uniform(0.4, 0.6)))
    one, mortar = _tones(rng)
    small = np.clip(one + rng.normal(0.0, 10.0, (rows, 2 * columns, 1)), 0, 255)
    small = np.repeat(small[:, ::2], 2, axis=1)
    small[1::2] = np.roll(small[1::2], 1, axis=1)
    picture = cv2.resize(small.astype(np.float32), (size, size), interpolation=cv2.INTER_NEAREST)
    width = max(1, round(size * 0.01))
    for row in range(rows + 1):
        y = round(row * size / rows)
        cv2.line(picture, (0, y), (size, y), mortar.tolist(), width)
        for column in range(columns + 1):
            x = round((column + 0.5 * (row % 2)) * size / columns)
            cv2.line(picture, (x, y), (x, round((row + 1) * size / rows)), mortar.tolist(), width)
    return picture + 12.0 * (_noise(rng, size, size // 4)[:, :, None] - 0.5)


def foliage(rng: np.random.Generator, size: int) -> Array:
    """Overlapping leaves, mostly green."""
    hue = rng.uniform(0.2, 0.4) if rng.uniform() < 0.75 else rng.uniform(0.04, 0.12)
    picture = np.empty((size, size, 3), np.uint8)
    picture[:] = hsv(hue, 0.6, 0.25)
    for share in np.linspace(0.3, 0.75, int(rng.integers(60, 110))):
        colour = hsv(hue + rng.normal(0.0, 0.02), rng.uniform(0.35, 0.7), share * rng.uniform(0.8, 1.1))
        reach = size * rng.uniform(0.03, 0.08)
        leaf = ellipse_points(rng.uniform(0.0, size, 2), (reach, 0.4 * reach), rng.uniform(0.0, np.pi))[::3]
        cv2.fillPoly(picture, [np.rint(leaf * 8).astype(np.int32)], colour, cv2.LINE_AA, 3)
    return picture.astype(np.float32)


def planks(rng: np.random.Generator, size: int) -> Array:
    """Boards of wood with grain, lying or standing."""
    _, down = _grid(size)
    count = int(rng.integers(4, 9))
    board = np.minimum((down * count).astype(int), count - 1)
    grain = 0.5 + 0.5 * np.sin(
        2.0 * np.pi * (down * 4.0 * count + rng.random(count)[board] * 9.0 + 1.6 * _noise(rng, size, 5))
    )
    base = np.array(hsv(rng.uniform(0.05, 0.11), rng.uniform(0.25, 0.6), rng.uniform(0.45, 0.85)), np.float32)
    tone = 1.0 + rng.normal(0.0, 0.06, count).astype(np.float32)[board] - 0.1 * grain.astype(np.float32)
    tone = np.where((down * count) % 1.0 < 0.035, 0.55, tone).astype(np.float32)
    if rng.uniform() < 0.5:
        tone = tone.T
    return base * tone[:, :, None]


def hills(rng: np.random.Generator, size: int) -> Array:
    """A sky over rolling ground in three layers."""
    across, down = _grid(size)
    top = np.array(hsv(rng.uniform(0.5, 0.62), rng.uniform(0.2, 0.6), rng.uniform(0.75, 1.0)), np.float32)
    low = np.array(hsv(rng.uniform(0.0, 0.7), rng.uniform(0.05, 0.3), 1.0), np.float32)
    picture = top + down[:, :, None] * (low - top) + 14.0 * (_noise(rng, size, 6)[:, :, None] - 0.5)
    hue = rng.uniform(0.12, 0.42)
    for i, level in enumerate((0.45, 0.6, 0.78)):
        line = level + rng.uniform(0.02, 0.07) * np.sin(across * rng.uniform(4.0, 11.0) + rng.uniform(0.0, 6.3))
        cover = np.clip((down - line) * size, 0.0, 1.0)[:, :, None].astype(np.float32)
        ground = np.array(hsv(hue, rng.uniform(0.3, 0.6), 0.75 - 0.15 * i), np.float32)
        picture = picture + cover * (ground - picture)
    return picture + 10.0 * (_noise(rng, size, size // 4)[:, :, None] - 0.5)


TEXTURES = (clouds, stripes, checks, gradient, blobs, bricks, foliage, planks, hills)


def _distractor(rng, size):
    """One small shape that belongs to no object: (colour, coverage) as Pen.finish gives them."""
    pen = Pen(size * rng.uniform(0.06, 0.2), rng.uniform(0.0, 2.0 * np.pi))
    colour = hsv(rng.uniform(), rng.uniform(0.2, 0.9), rng.uniform(0.2, 0.95))
    form = rng.integers(0, 7)
    if form == 0:
        pen.circle((0.0, 0.0), 0.7, colour)
    elif form == 1:
        pen.ring((0.0, 0.0), 0.7, rng.uniform(0.1, 0.3), colour)
    elif form == 2:
        pen.polygon(rng.uniform(-1.0, 1.0, (3, 2)), colour)
    elif form == 3:
        pen.rectangle(-0.9, -rng.uniform(0.1, 0.9), 0.9, 0.5, colour)
    elif form == 4:
        pen.ellipse((0.0, 0.0), (0.9, rng.uniform(0.15, 0.5)), colour)
    elif form == 5:
        pen.line(np.stack([np.linspace(-1.0, 1.0, 5), rng.uniform(-0.6, 0.6, 5)], axis=1), 0.12, colour)
    else:
        turn = np.arange(10) * np.pi / 5
        reach = np.where(np.arange(10) % 2, 0.4, 0.95)
        pen.polygon(np.stack([reach * np.cos(turn), reach * np.sin(turn)], axis=1), colour)
    return pen.finish()


def paste(picture: Array, colour: Sequence[float], coverage: Array, left: int, top: int) -> None:
    """Lay a patch over the picture, in place; what lies beyond the edge is cut off."""
    height, width = coverage.shape[:2]
    y0, x0 = max(0, top), max(0, left)
    y1, x1 = min(picture.shape[0], top + height), min(picture.shape[1], left + width)
    if y0 >= y1 or x0 >= x1:
        return
    inside = slice(y0 - top, y1 - top), slice(x0 - left, x1 - left)
    part = picture[y0:y1, x0:x1]
    part *= 1.0 - coverage[inside]
    part += colour[inside]


def draw_background(rng: np.random.Generator, size: int) -> Array:
    """A background with distractors: float32 (size, size, 3), RGB about 0..255."""
    picture = np.ascontiguousarray(TEXTURES[int(rng.integers(len(TEXTURES)))](rng, size), np.float32)
    for _ in range(int(rng.integers(0, 3))):
        ends = rng.integers(0, size, (2, 2)).tolist()
        colour = shade(picture[tuple(ends[0])].tolist(), rng.choice([0.7, 1.3]))
        cv2.line(picture, ends[0], ends[1], colour, int(rng.integers(1, 4)))
    for _ in range(int(rng.integers(2, 9))):
        colour, coverage = _distractor(rng, size)
        faint = rng.uniform(0.35, 0.9)
        left, top = rng.integers(-size // 16, size, 2)
        paste(picture, faint * colour, faint * coverage, int(left), int(top))
    return picture
