"""Makes ToyVGG from a seed, and checks it on scenes it has not seen: python -m explorer train [--check]."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from explorer.attribution.scores import margins
from explorer.errors import InputError, Progress
from explorer.models.toy.classes import NAMES
from explorer.models.toy.curriculum import CHECKING, STAGES, batches, drawers
from explorer.models.toy.scenes import draw_scene

if TYPE_CHECKING:
    from explorer.models.toy.curriculum import Stage


# The loss sees the logits divided by this, so those of the network as shipped are that much further apart. It is this
# factor that saturates the softmax: of 600 unseen scenes 80 % are saturated with it and none without. It changes no
# decision, and is a choice: the network is there to show what saturation does.
TEMPERATURE = 3.0
RISE = 30
SATURATED = 1e-6
CHECK_BATCH = 64


def train(
    seed: int = 0, out: str | None = None, progress: Progress | None = None, stages: tuple[Stage, ...] = STAGES
) -> Path:
    """Make ToyVGG's weights from a seed; write them and the class names to the folder out (None: the assets).

    progress: called as progress(stage and smoothed loss in words, done, total), both in units of work, which take equal
    times. Returns the path of the weights. Raises InputError for the seed, or where the folder cannot be made.
    """
    if seed < 0:
        raise InputError(f"A seed is a whole number from 0; received {seed}: choose another.")
    import keras

    from explorer.models.toy import model as toy_vgg
    from explorer.models.toy import training_model

    out = _folder(toy_vgg.ASSETS if out is None else out)
    keras.utils.set_random_seed(seed)
    model = training_model.build()
    # XLA's convolutions are slow on CPUs; the other backends need the compiler.
    model.compile(
        keras.optimizers.AdamW(stages[0].rate, weight_decay=1e-4, clipnorm=1.0),
        keras.losses.CategoricalCrossentropy(from_logits=True),
        jit_compile=keras.backend.backend() != "tensorflow",
    )
    _learn(model, toy_vgg.preprocess, seed, stages, progress or (lambda *count: None))
    training_model.settle(model, TEMPERATURE).save_weights(out / toy_vgg.WEIGHTS.name)
    (out / toy_vgg.CLASS_NAMES.name).write_text(json.dumps(NAMES) + "\n", encoding="utf-8")
    return out / toy_vgg.WEIGHTS.name


def _folder(path):
    try:
        Path(path).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(
            f"The weights go into a folder; received {path}, which cannot be made ({error.strerror}): name another."
        ) from error
    return Path(path)


def _learn(model, preprocess, seed, stages, progress):
    """Take the model through the stages, one step a batch."""
    work, done, loss = sum(stage.work for stage in stages), 0, math.log(len(NAMES))
    with drawers() as pool:
        for number, stage in enumerate(stages):
            progress(stage.name, done, work)
            for step, (pixels, targets) in enumerate(batches(stage, number, seed, pool), 1):
                model.optimizer.learning_rate.assign(_rate(stage, step))
                loss += 0.02 * (float(model.train_on_batch(preprocess(pixels), targets)) - loss)
                progress(f"{stage.name}, loss {loss:.3f}", done + stage.work * step / stage.steps, work)
            done += stage.work


def _rate(stage, step):
    """The learning rate: a short rise, then half a cosine from the stage's first rate to its last."""
    fall = 0.5 * (1.0 + math.cos(math.pi * (step - 1) / stage.steps))
    return min(1.0, step / RISE) * (stage.last_rate + (stage.rate - stage.last_rate) * fall)


def check(seed: int = 0, count: int = 1000, weights: Path | str | None = None) -> dict[str, Any]:
    """Try ToyVGG on one-object scenes of a seed, none of which it has learnt from.

    Returns {"accuracy": share of scenes whose kind comes out on top, "saturated": share where its probability is
    within 1e-6 of one}; the latter from the logits, since 1 - p itself rounds to nothing in float32.
    """
    if count < 1 or seed < 0:
        raise InputError(f"A check takes a seed from 0 and a count from 1; received {seed} and {count}: correct them.")
    from explorer.models.toy import model as toy_vgg

    model = toy_vgg.load(toy_vgg.WEIGHTS if weights is None else weights, classifier_activation=None)
    right = saturated = 0
    for first in range(0, count, CHECK_BATCH):
        scenes = [draw_scene((CHECKING, seed, i), "one") for i in range(first, min(first + CHECK_BATCH, count))]
        logits = model.predict_on_batch(toy_vgg.preprocess(np.stack([scene.image for scene in scenes])))
        best = np.argmax(logits, axis=1)
        right += sum(NAMES[index] == scene.objects[0].kind for index, scene in zip(best, scenes, strict=True))
        saturated += int((1.0 / (1.0 + np.exp(margins(logits, best))) < SATURATED).sum())
    return {"accuracy": right / count, "saturated": saturated / count}
