"""The best and the worst pictures of a report, explained again to be seen."""

from __future__ import annotations

import io
from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import urlencode

import cv2
import numpy as np
from PIL import Image

from explorer import formatting
from explorer.engine.images import fit
from explorer.engine.run import answer
from explorer.errors import InputError, Progress
from explorer.evaluation.boxes import fitted
from explorer.evaluation.measuring import of_class
from explorer.evaluation.pictures import load
from explorer.evaluation.report.document import Card, extremes
from explorer.render.overlays import overlay

if TYPE_CHECKING:
    from explorer.evaluation.questions import Questions
    from explorer.evaluation.table import Table
    from explorer.network.classifier import Classifier


OPACITY = 0.6
CAPTION_MEASURES = ("energy", "drop")  # the measures of a map in its caption, where the table has them


def cards(table: Table, items: list, classifier: Classifier, questions: Questions, tell: Progress) -> list:
    """A Card for each of the best and worst pictures; one that can no longer be read is left out.

    tell: called as tell(stage, done, total); raise `explorer.errors.Cancelled` from it to stop.
    """
    by_index, cards = {item.index: item for item in items}, []
    ranked = [(rank, index) for rank, some in zip(("best", "worst"), extremes(table), strict=True) for index in some]
    for done, (rank, index) in enumerate(ranked):

        def progress(*count, done=done):
            tell("report, best and worst pictures", done, len(ranked))

        progress()
        try:
            cards.append(_card(table, by_index[int(index)], classifier, questions, rank, progress))
        except InputError:
            continue
    return cards


def _card(table, item, classifier, questions, rank, progress):
    layer, sample = table.layers[-1], load(item)
    rows = {method: _row(table, layer, method, item.index) for method in table.methods}
    first = next(iter(rows.values()))
    index, p = int(table["class_index"][first]), formatting.probability(table["p"][first], table["complement"][first])
    picture = fit(sample.image, *classifier.input_size)
    question = replace(questions.about(classifier, picture, index), layers=(layer,))
    (result,) = answer(question, progress=progress).values()
    name = classifier.class_names[index]
    boxes = _boxes(classifier, sample, index)
    tiles = [("picture", _png(_outlined(picture, boxes)), name)]
    for one in result:
        drawn = _outlined(overlay(picture, one.heatmap, opacity=OPACITY), boxes)
        tiles.append((one.label, _png(drawn), _note(table, rows[one.method])))
    link = "/?" + urlencode({"picture": item.index, "layer": layer, "class": index})
    return Card(title=item.name, caption=f"{name}, p = {p}, {layer}", link=link, pictures=tiles, rank=rank)


def _row(table, layer, method, index):
    rows = table.of(layer, method)
    return rows[table["index"][rows] == index][0]  # every picture that was evaluated has one of each


def _note(table, row):
    return ", ".join(
        f"{name} {table[name][row]:.2f}" for name in CAPTION_MEASURES if np.isfinite(table[name][row])
    ) or str(table["verdict"][row])


def _boxes(classifier, sample, index):
    """Those that were measured against, in the picture that the network sees."""
    if sample.marked is None:
        return []
    height, width = classifier.input_size
    return fitted(of_class(classifier, sample.marked, index), *sample.image.shape[1::-1], width, height)


def _outlined(picture, boxes):
    """The picture (H, W, 3) with every box drawn on it."""
    drawn = picture.copy()
    for left, top, right, bottom in boxes:
        for colour, thick in (((0, 0, 0), 3), ((255, 255, 255), 1)):
            cv2.rectangle(drawn, (left, top), (right - 1, bottom - 1), colour, thick)
    return drawn


def _png(pixels):
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG", optimize=True)
    return file.getvalue()
