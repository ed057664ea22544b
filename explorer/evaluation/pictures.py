"""The pictures of an evaluation, their classes and their boxes: a folder of files, or labelled scenes."""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from explorer.engine.images import load_image
from explorer.errors import InputError
from explorer.evaluation import wordnet
from explorer.evaluation.boxes import Marked, find_boxes, read_xml
from explorer.evaluation.matching import Lookup, name_parts, read_pairs, suffixes, visible_files
from explorer.models.toy.scenes import draw_scene

if TYPE_CHECKING:
    from explorer.network.classifier import Classifier


EVALUATING = 3  # first word of the seeds of scenes: none of them is learnt from or checked on (see scenes/lessons.py)
CLASSES = ("predicted", "folders", "boxes")
CLASS_COLUMNS = ("class_index", "class", "label", "wnid", "class_name")


@dataclass(frozen=True)
class Item:
    """One picture of the set, before it is read: small, and fit to travel to another process.

    index: its place in the set. name: its path below the folder, or the scene's name. path: its file; None for a scene.
    seed, size: of a scene, and its side in pixels. classes: what its class is called, by index, name or WordNet id;
    empty where the predicted one is explained. marked: its boxes, or the path of their XML file. problem: why it
    cannot be measured, one sentence, where that is known already.
    """

    index: int
    name: str
    path: str | None
    seed: tuple | None
    classes: tuple = ()
    marked: Marked | str | None = None
    problem: str | None = None
    size: int | None = None


@dataclass(frozen=True, eq=False)
class Sample:
    """A picture, uint8 (H, W, 3) RGB as in its file; what its classes are called; its boxes, if there are any."""

    image: np.ndarray
    classes: tuple
    marked: Marked | None


def folder(
    images: Path | str, boxes: str | None = None, classes: str = "predicted", limit: int | None = None
) -> list[Item]:
    """The pictures of a folder and its sub-folders, in the order of their paths, as a list of Items.

    images: the folder. boxes: where they are marked, see `find_boxes`, and then a picture without is left out; None:
    nowhere. classes: "predicted", explain what the network predicts; "folders", the class is the name of the folder
    that holds the picture; "boxes", it is the label of the first box; or the path of a CSV file with a column of
    PICTURE_COLUMNS and one of CLASS_COLUMNS, the first there is. limit: take the first so many pictures; None: all.

    Raises InputError where there are no pictures, or no boxes or classes that can be read for any of them. What is
    wrong with some pictures only is their `problem`.
    """
    root = Path(images).resolve()
    names = _picture_names(root)
    if limit is not None and limit < 1:
        raise InputError(f"A set has at least one picture; received a limit of {limit}: give a larger one.")
    places = Counter(parts[-1] for parts in {name_parts(name) for name in names})
    marks = find_boxes(boxes) if boxes is not None else None
    class_of_picture = _class_reader(root, classes, marks)
    items = []
    for index, name in enumerate(names[:limit]):
        alone = places[name_parts(name)[-1]] == 1
        items.append(_item(index, root, name, alone, marks, class_of_picture))
    if all(item.problem for item in items):
        raise InputError(items[0].problem)  # nothing would be measured
    return items


def scenes(count: int, seed: int = 0, size: int = 224) -> list[Item] | None:
    """Labelled scenes of one object, several, or two kinds, by lot, as a list of `count` Items.

    seed: a whole number from 0; another one gives other scenes, none of which ToyVGG learnt from or was checked on.
    size: their side in pixels. Raises InputError for a count below 1, and for a seed or size that no scene has.
    """
    if count < 1:
        raise InputError(f"A set has at least one picture; received a count of {count}: give a larger one.")
    draw_scene((EVALUATING, seed, 0), size=size)  # what is wrong with the seed or size is wrong with all of them
    return [Item(i, f"scene-{i:06d}", None, (EVALUATING, seed, i), size=size) for i in range(count)]


def load(item: Item) -> Sample:
    """The Sample of an Item. Raises InputError where the picture or its boxes cannot be read, or it has a problem."""
    if item.problem:
        raise InputError(item.problem)
    if item.seed is not None:
        scene = draw_scene(item.seed, size=item.size)
        boxes, kinds = tuple(each.box for each in scene.objects), tuple(each.kind for each in scene.objects)
        return Sample(scene.image, scene.kinds, Marked(boxes, kinds, (item.size, item.size)))
    marked = read_xml(item.marked) if isinstance(item.marked, str) else item.marked
    return Sample(load_image(item.path), item.classes, marked)


def class_of(classifier: Classifier, text: str) -> int | None:
    """The index of the class called `text`: by name, "_" for a space allowed, by index, or by WordNet id where the
    network has ImageNet's classes. None where it names none."""
    if text in wordnet.class_indices() and _of_imagenet(tuple(classifier.class_names)):
        return wordnet.class_indices()[text]
    for spelling in (text, text.replace("_", " ")):
        try:
            return classifier.class_index(spelling)
        except InputError:
            continue
    return None


@cache
def _of_imagenet(names):
    """Whether these are ImageNet's classes in their order: lists of them differ in a few names and in spelling."""
    from explorer.models.keras_applications import class_names  # imports Keras

    imagenet = class_names()
    same = sum(_plain(a) == _plain(b) for a, b in zip(names, imagenet, strict=False))
    return len(names) == len(imagenet) and same >= 0.9 * len(imagenet)


def _plain(name):
    return name.replace("_", " ").casefold()


def _picture_names(root):
    if not root.is_dir():
        raise InputError(f"Pictures are in a folder, but {root.name!r} is none: check its name.")
    names = [name for name in visible_files(root) if Path(name).suffix.lower() in suffixes()]
    if not names:
        raise InputError(f"A folder of pictures holds some, but {root.name!r} has none: choose another one.")
    return names


def _class_reader(root, classes, marks):
    """A function of a picture's (name, alone, Marked or Path or None): what its class is called, a tuple."""
    if classes == "predicted":
        return lambda name, alone, marked: ()
    if classes == "folders":
        return lambda name, alone, marked: ((root / name).parent.name,)
    if classes == "boxes":
        if marks is None:
            raise InputError("Classes are taken from boxes only where there are some: say where the boxes are.")
        return lambda name, alone, marked: _first_label(name, marked)
    if not Path(classes).is_file():
        raise InputError(f"Classes are {', '.join(CLASSES)} or a CSV file; received {str(classes)!r}: choose one.")
    lookup = Lookup(Path(classes).name, read_pairs(classes, CLASS_COLUMNS))
    return lambda name, alone, marked: _listed(lookup, Path(classes).name, name, alone)


def _first_label(name, marked):
    marked = read_xml(marked) if isinstance(marked, Path) else marked
    if not (marked.labels and marked.labels[0]):
        raise InputError(f"A picture's class is the label of its first box, but {name} has none: choose other classes.")
    return (marked.labels[0],)


def _listed(lookup, file, name, alone):
    text = lookup.of(name, alone)
    if not text:
        raise InputError(f"The class of every picture is in {file!r}, but that of {name} is not: add it there.")
    return (text,)


def _marked(marks, name, alone):
    """A picture's Marked or the Path of its XML file; None where the set has no boxes."""
    if marks is None:
        return None
    marked = marks.of(name, alone)
    if marked is None:  # all measures are to be of the same pictures
        raise InputError(f"Every picture of the set has boxes, but {marks.source!r} has none for {name}: add them.")
    return marked


def _item(index, root, name, alone, marks, class_of_picture):
    marked, classes, problem = None, (), None
    try:
        marked = _marked(marks, name, alone)
        classes = class_of_picture(name, alone, marked)
    except InputError as error:
        problem = str(error)
    marked = str(marked) if isinstance(marked, Path) else marked
    # A name of bytes that are no UTF-8 can be opened, but not be written into a table.
    shown_name = os.fsencode(name).decode("utf-8", "replace")
    return Item(index, shown_name, str(root / name), None, classes, marked, problem)
