"""What the network learns from: batches of varied scenes with their targets, stage by stage, all from a seed."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Iterator
from typing import Any, NamedTuple

import cv2
import numpy as np

from explorer.arrays import Array, Images
from explorer.models.toy.classes import NAMES
from explorer.models.toy.scenes import draw_scene

# First word of every scene's seed: no scene learnt from can come up in a check.
LEARNING, CHECKING = 1, 2
BATCH = 32
CHUNK = 2_048
WORKERS = min(4, os.cpu_count() or 1)
LAYOUTS = 6 * ("one",) + 2 * ("several",) + 3 * ("two",) + ("empty",)
# A share of the pictures is faded towards black, their target towards "no idea": the score then climbs along the
# path from black instead of jumping at its very start.
FADED, GONE, CLEAR = 0.15, 0.1, 0.6
PLAIN = 0.03


class Stage(NamedTuple):
    """A part of the training: pictures' side in pixels, how many scenes, times each is used, first and last rate."""

    name: str
    size: int
    scenes: int
    passes: int
    rate: float
    last_rate: float

    @property
    def steps(self) -> int:
        """How many batches the stage takes."""
        return self.scenes * self.passes // BATCH

    @property
    def work(self) -> float:
        """What the stage costs, in pixels seen."""
        return self.steps * BATCH * self.size**2


# Small pictures teach the shapes at a quarter of the cost, full-size ones make them sharp.
STAGES = (Stage("small pictures", 112, 40_960, 1, 3e-3, 6e-4), Stage("full size", 224, 24_576, 2, 2e-3, 0.0))


def drawers() -> Iterator:
    """Processes that draw scenes; a fresh start for each, since TensorFlow's threads do not survive a fork."""
    return multiprocessing.get_context("spawn").Pool(WORKERS, cv2.setNumThreads, (1,))


def batches(stage: Stage, number: int, seed: int, pool: Any) -> Iterator[tuple[Array, Array]]:
    """Yield (pixels float32 (32, size, size, 3) in 0..255, targets float32 (32, 16)), stage.steps times.

    number: the stage's place in the training, part of the scenes' seeds; pool: who draws, see drawers().
    """
    rng = np.random.default_rng((LEARNING, seed, number))
    for first in range(0, stage.scenes, CHUNK):
        numbers = range(first, min(first + CHUNK, stage.scenes))
        orders = [((LEARNING, seed, number, i), stage.size) for i in numbers]
        images, targets = map(np.stack, zip(*pool.map(_lesson, orders, chunksize=32), strict=True))
        for turn in range(stage.passes):
            order = rng.permutation(len(images))
            for at in range(0, len(images), BATCH):
                batch = order[at : at + BATCH]
                mirrored = images[batch][:, :, ::-1] if turn % 2 else images[batch]
                yield vary(mirrored, targets[batch], rng)


def _lesson(order):
    """One scene: its picture, uint8, and its target."""
    seed, size = order
    layout = LAYOUTS[np.random.default_rng(seed).integers(len(LAYOUTS))]
    scene = draw_scene(seed, layout, size=size)
    return scene.image, target(scene.kinds)


def target(kinds: tuple) -> Array:
    """The classes' shares (16,), float32: equal among the kinds shown; all equal where there is none."""
    probabilities = np.full(len(NAMES), 0.0 if kinds else 1.0 / len(NAMES), np.float32)
    for kind in kinds:
        probabilities[NAMES.index(kind)] = 1.0 / len(kinds)
    return probabilities


def vary(images: Images, targets: Array, rng: np.random.Generator) -> tuple[Array, Array]:
    """Fade some pictures towards black and make some a plain colour, the targets to match: float32 both."""
    count = len(images)
    alpha = np.where(rng.random(count) < FADED, rng.uniform(0.0, 0.7, count), 1.0)
    visible = np.clip((alpha - GONE) / (CLEAR - GONE), 0.0, 1.0)
    pixels = images * alpha.astype(np.float32)[:, None, None, None]
    plain = rng.random(count) < PLAIN
    visible[plain] = 0.0
    tones = rng.uniform(0.0, 255.0, (count, 1, 1, 1)) + rng.normal(0.0, 12.0, (count, 1, 1, 3))
    pixels[plain] = np.clip(tones, 0.0, 255.0)[plain]
    uniform = np.float32(1.0 / len(NAMES))
    return pixels, uniform + visible.astype(np.float32)[:, None] * (targets - uniform)
