"""draw_scene: a labelled picture of one object, several of a kind, or two kinds, from a seed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import cv2
import numpy as np

from explorer.arrays import Array
from explorer.errors import InputError
from explorer.models.toy.backgrounds import draw_background, paste
from explorer.models.toy.canvas import Pen
from explorer.models.toy.classes import KINDS, NAMES

LAYOUTS = ("one", "several", "two", "empty")
SMALLEST = 64
# Share of the picture's side that an object of the largest extent takes, by the number of objects.
SHARES = {1: (0.4, 0.78), 2: (0.34, 0.5), 3: (0.3, 0.42), 4: (0.26, 0.38), 5: (0.24, 0.34)}
SEVERAL = (2, 5)


class Object(NamedTuple):
    """One object of a scene: its kind, and its box in pixels (left, top, right, bottom), the far edges exclusive."""

    kind: str
    box: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Scene:
    """A picture, uint8 (size, size, 3) RGB, and the objects in it."""

    image: np.ndarray
    objects: tuple[Object, ...]

    @property
    def kinds(self) -> tuple:
        """The different kinds in the picture, in the order they were drawn."""
        return tuple(dict.fromkeys(item.kind for item in self.objects))


class Placed(NamedTuple):
    """A drawn object and where it goes: premultiplied colour (h, w, 3), coverage (h, w, 1), left and top pixel."""

    kind: str
    colour: np.ndarray
    coverage: np.ndarray
    left: int
    top: int

    @property
    def box(self) -> tuple:
        """The box around every pixel at least half covered: (left, top, right, bottom), far edges exclusive."""
        x, y, width, height = cv2.boundingRect((self.coverage[:, :, 0] >= 0.5).astype(np.uint8))
        return self.left + x, self.top + y, self.left + x + width, self.top + y + height


def draw_scene(
    seed: int, layout: str | None = None, kinds: Sequence[str] | None = None, count: int | None = None, size: int = 224
) -> Scene:
    """Draw the scene that belongs to a seed.

    seed: a whole number, or a sequence of them, not negative; the same arguments give the same scene.
    layout: "one" object, "several" of a kind, "two" kinds, or "empty"; None: one of the first three, by lot.
    kinds: the kinds to draw, one name (two for layout "two"); None: drawn by lot.
    count: how many objects for "several", 2 to 5; None: drawn by lot. size: side of the picture in pixels.
    Raises InputError for a wrong seed, layout, count or size, an unknown kind or a wrong number of kinds.
    """
    (backdrop, lighting), placed = draw_objects(seed, layout, kinds, count, size)
    picture = compose(draw_background(backdrop, size), placed, lighting)
    return Scene(_light(picture, lighting), tuple(Object(item.kind, item.box) for item in placed))


def draw_objects(
    seed: int, layout: str | None = None, kinds: Sequence[str] | None = None, count: int | None = None, size: int = 224
) -> tuple[tuple, list[Placed]]:
    """The objects of draw_scene before they are laid on a background.

    Returns ((the generators left for background and light), list of Placed).
    """
    if size < SMALLEST:
        raise InputError(f"A scene is at least {SMALLEST} pixels wide; received {size}: ask for a larger picture.")
    if np.min(seed) < 0:
        raise InputError(f"A scene's seed is made of whole numbers from 0; received {seed}: choose another.")
    backdrop, lot, placing, lighting = map(np.random.default_rng, np.random.SeedSequence(seed).spawn(4))
    layout = _layout(layout, kinds, lot)
    names = _names(layout, kinds, lot)
    if layout == "several":
        names = names * _count(count, lot)
    return (backdrop, lighting), _place(names, size, placing)


def _layout(layout, kinds, rng):
    if layout is None:
        layout = str(rng.choice(LAYOUTS[:3])) if kinds is None else "one" if len(kinds) == 1 else "two"
    if layout not in LAYOUTS:
        raise InputError(f"A scene's layout is one of {', '.join(LAYOUTS)}; received {layout!r}: choose one of them.")
    return layout


def _count(count, rng):
    low, high = SEVERAL
    if count is None:
        return int(rng.integers(low, high + 1))
    if not low <= count <= high:
        raise InputError(f"Several are {low} to {high} objects; received {count}: choose a number in between.")
    return count


def _names(layout, kinds, rng):
    count = {"two": 2, "empty": 0}.get(layout, 1)
    if kinds is None:
        return [NAMES[i] for i in rng.choice(len(NAMES), count, replace=False)]
    unknown = [kind for kind in kinds if kind not in NAMES]
    if unknown:
        raise InputError(f"Scenes hold {', '.join(NAMES)}; received {unknown[0]!r}: choose one of those kinds.")
    if len(kinds) != count:
        raise InputError(f"A scene of layout {layout!r} takes {count} kind(s); received {len(kinds)}: name {count}.")
    return list(kinds)


def _draw(name, share, size, rng):
    """One object, turned and mirrored by lot: premultiplied colour and coverage."""
    kind = KINDS[NAMES.index(name)]
    angle = np.deg2rad(np.clip(rng.normal(0.0, 0.5), -1.0, 1.0) * kind.turn)
    if kind.turn == 180.0:
        angle = rng.uniform(0.0, 2.0 * np.pi)
    flip = bool(kind.mirror and rng.uniform() < 0.5)
    outline = rng.choice([0.0, 0.03])
    pen = Pen(share * size, angle, flip, rng.normal(0.0, 0.06), outline)
    kind.draw(pen, rng)
    colour, coverage = pen.finish()
    return _shine(colour, rng), coverage


def _shine(colour, rng):
    """Light from one side across the object."""
    height, width = colour.shape[:2]
    angle, strength = rng.uniform(0.0, 2.0 * np.pi), rng.uniform(0.0, 0.35)
    x = np.linspace(-1.0, 1.0, width, dtype=np.float32)[None, :]
    y = np.linspace(-1.0, 1.0, height, dtype=np.float32)[:, None]
    return colour * (1.0 + strength * (np.cos(angle) * x + np.sin(angle) * y)).astype(np.float32)[:, :, None]


def _place(names, size, rng):
    """Draw every object and give each a place of its own, with no two boxes overlapping."""
    low, high = SHARES[max(1, min(len(names), max(SHARES)))]
    sizes = np.full(len(names), rng.uniform(low, high)) * rng.uniform(0.88, 1.12, len(names))
    while True:
        placed = _try_places([_draw(n, s, size, rng) for n, s in zip(names, sizes, strict=True)], names, size, rng)
        if placed is not None:
            return placed
        sizes = sizes * 0.93


def _try_places(patches, names, size, rng, tries=60):
    """Places without overlap by trial, or None where the tries did not suffice."""
    placed = []
    for name, (colour, coverage) in zip(names, patches, strict=True):
        height, width = coverage.shape[:2]
        if height > size - 4 or width > size - 4:
            return None
        for _ in range(tries):
            left = int(rng.integers(2, size - width - 1))
            top = int(rng.integers(2, size - height - 1))
            if not any(
                left < p.left + p.coverage.shape[1]
                and p.left < left + width
                and top < p.top + p.coverage.shape[0]
                and p.top < top + height
                for p in placed
            ):
                break
        else:
            return None
        placed.append(Placed(name, colour, coverage, left, top))
    return placed


def compose(background: Array, placed: list[Placed], rng: np.random.Generator) -> Array:
    """The objects with their shadows on a copy of the background, float32 (size, size, 3)."""
    picture = background.copy()
    depth, blur = rng.uniform(0.0, 0.45), 1.0 + rng.uniform(0.0, 0.02) * len(picture)
    shift = rng.uniform(-0.03, 0.03) * len(picture), rng.uniform(0.005, 0.035) * len(picture)
    if placed:
        shadow = np.zeros((*picture.shape[:2], 1), np.float32)
        for item in placed:
            paste(shadow, item.coverage, item.coverage, item.left + round(shift[0]), item.top + round(shift[1]))
        picture *= 1.0 - depth * cv2.GaussianBlur(shadow, (0, 0), blur)[:, :, None]
    for item in placed:
        paste(picture, item.colour, item.coverage, item.left, item.top)
    return picture


def _light(picture, rng):
    """The whole picture under its light: brightness, contrast, a slope, a tint, grain; rounded to uint8."""
    size = len(picture)
    line = np.linspace(-1.0, 1.0, size, dtype=np.float32)
    angle, slope = rng.uniform(0.0, 2.0 * np.pi), rng.uniform(0.0, 0.22)
    field = 1.0 + slope * (np.cos(angle) * line[None, :, None] + np.sin(angle) * line[:, None, None])
    gain = rng.uniform(0.75, 1.12) * (1.0 + rng.normal(0.0, 0.03, 3))
    contrast = rng.uniform(0.8, 1.15)
    grain = rng.standard_normal((size, size, 1), np.float32) * rng.uniform(0.0, 4.0)
    lit = (118.0 + contrast * (picture - 118.0)) * field.astype(np.float32) * gain.astype(np.float32) + grain
    return np.clip(np.rint(lit), 0, 255).astype(np.uint8)
