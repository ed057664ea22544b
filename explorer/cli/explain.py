"""python -m explorer explain"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

import explorer
from explorer import formatting
from explorer.attribution.methods import METHODS, MaskMethod
from explorer.cli.options import settings
from explorer.cli.progress import MISTAKEN, ProgressLine
from explorer.engine.images import load_image
from explorer.engine.masking import max_masks
from explorer.engine.question import Question
from explorer.engine.run import answer
from explorer.errors import InputError
from explorer.models.weights import megabytes
from explorer.network.backend import device, set_precision
from explorer.render.export import claim, free_stem, save
from explorer.render.overlays import overlay
from explorer.stderr import quietly

if TYPE_CHECKING:
    from argparse import Namespace


def run(arguments: Namespace) -> int:
    """Explain each picture and write its files; one that cannot be read is reported, and the others go on."""
    _check_colours(arguments)
    with quietly():  # TensorFlow looks for a graphics card when first used, and complains where there is none
        device()
    set_precision(arguments.precision)
    with ProgressLine("weights", megabytes) as progress:
        classifier = explorer.load(arguments.model, progress=progress, **_said_of_model(arguments))
    _tell_of_masks(classifier, arguments)
    claimed, status = claim(arguments.pictures), 0
    for picture in arguments.pictures:
        stem = free_stem(arguments.out, Path(picture).stem, explorer.METHODS, claimed)
        if not _explain_one(classifier, picture, stem, arguments):
            status = MISTAKEN
    return status


def _explain_one(classifier, picture, stem, arguments):
    """Whether the picture could be read; anything else that is wrong would be wrong with every picture."""
    try:
        image = load_image(picture)
    except InputError as error:
        print(f"{picture}: {error}", file=sys.stderr)
        return False
    with ProgressLine(Path(picture).name) as progress:
        question = Question(classifier=classifier, image=image, **settings(arguments))
        (result,) = answer(question, progress=progress).values()
    paths = save(result, arguments.out, stem, arguments.colormap, arguments.opacity, picture)
    print(f"{picture}: {_summary(result)}; see {paths[0]}", flush=True)
    return True


def _tell_of_masks(classifier, arguments):
    """Beforehand, how many masked pictures a method will show the network at most."""
    for key in arguments.methods:
        if isinstance(METHODS.get(key), MaskMethod):
            count = max_masks(key, classifier, classifier.layer(arguments.layer))
            print(f"{METHODS[key].label} shows the network up to {count:,} masked pictures each time.", file=sys.stderr)


def _check_colours(arguments):
    """What is wrong with the colours is said before the network runs, not after."""
    overlay(np.zeros((1, 1, 3), np.uint8), np.zeros((1, 1)), arguments.colormap, arguments.opacity)


def _said_of_model(arguments):
    options = {option: vars(arguments)[option] for option in ("weights", "labels", "preprocessing", "head")}
    return {option: value for option, value in options.items() if value is not None}


def _summary(result):
    p = formatting.probability(result.probability, result.complement)
    verdicts = ", ".join(f"{explanation.label} {explanation.verdict}" for explanation in result)
    about = f"{result.class_name}, p = {p}; {verdicts}"
    if result.estimated_error is None:
        return about
    points, error = len(result.path.alphas), 100 * result.estimated_error
    return f"{about}; {points} points, estimated error {error:.2g} %"
