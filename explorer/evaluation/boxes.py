"""Where the objects of a picture are: boxes of VOC or ILSVRC XML files, an ILSVRC CSV file, or a COCO JSON file.

In all of them a box is told by its edges, in pixels from the picture's left upper corner, and so it is here: a box
xmin = 10, xmax = 14 covers the four columns 10 to 13. ILSVRC and PASCAL VOC (which counts from 1 and includes xmax)
differ by a pixel from each other, which no measure here can feel.
"""

from __future__ import annotations

import json
import math
from collections import defaultdict
from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree

from explorer.errors import InputError
from explorer.evaluation.matching import Lookup, read_pairs, read_text, visible_files

TOLERANCE = 0.02  # of a side: how far proportions may differ and boxes overhang before they are another picture's


class Marked(NamedTuple):
    """The boxes of a picture.

    boxes: (left, top, right, bottom) each, numbers, in pixels of a picture of `size`, right and bottom excluded.
    labels: what the file calls the class of each box (WordNet id, category), or None. size: (width, height) the boxes
    refer to, None where the file does not say: the picture's own.
    """

    boxes: tuple
    labels: tuple
    size: tuple | None


def find_boxes(source: Path | str) -> Lookup | None:
    """The boxes of a set of pictures, as a Lookup: `.of(name)` gives a Marked, the Path of an XML file, or None.

    source: a folder of XML files, searched with its sub-folders, each called as its picture (`read_xml` reads them); a
    CSV file with the columns ImageId and PredictionString ("n01978287 240 170 260 240 …": class, xmin, ymin, xmax,
    ymax, for each box), as ILSVRC's LOC_val_solution.csv; or a JSON file as COCO's. Raises InputError where there is
    none or it cannot be read; what is wrong with one picture's boxes alone, `.of` raises for that picture.
    """
    path = Path(source).resolve()
    if path.is_dir():
        return Lookup(path.name, _xml_files(path))
    readers = {".csv": _from_csv, ".json": _from_coco}
    if path.suffix.lower() not in readers:
        raise InputError(
            "Boxes are in a folder of XML files, a CSV file as ILSVRC's or a JSON file as COCO's; "
            f"received {path.name!r}, which is none of them: check its name."
        )
    return Lookup(path.name, readers[path.suffix.lower()](path))


def read_xml(path: Path | str) -> Marked:
    """The Marked of a VOC or ILSVRC XML file. Raises InputError where the file or one of its boxes is wrong."""
    path = Path(path)
    root = _parsed(path)
    size = _xml_size(root.find("size"), path.name)
    boxes, labels = [], []
    for number, marked in enumerate(root.findall("object"), 1):
        edges = [marked.findtext(f"bndbox/{edge}") for edge in ("xmin", "ymin", "xmax", "ymax")]
        boxes.append(_box(edges, f"object {number} of {path.name!r}"))
        labels.append((marked.findtext("name") or "").strip() or None)
    marked = Marked(tuple(boxes), tuple(labels), size)
    if size:
        _check_within(marked.boxes, size, f"{path.name!r}")
    return marked


def fitted(marked: Marked, width: int, height: int, to_width: int, to_height: int) -> list[tuple]:
    """Boxes in a picture stretched from (width, height) to (to_width, to_height), as what the network sees is.

    Returns a list of (left, top, right, bottom), whole pixels, right and bottom excluded: edges rounded to the nearest
    edge of a pixel, clipped to the picture, at least one pixel wide and high. Raises InputError where the boxes cannot
    be this picture's: its proportions are not those they refer to, or they reach beyond it.
    """
    size = marked.size or (width, height)
    ratio = (width * size[1]) / (height * size[0])
    if not 1 / (1 + TOLERANCE) <= ratio <= 1 + TOLERANCE:
        raise InputError(
            f"Boxes belong to a picture of their own proportions, but these refer to {size[0]:g} × {size[1]:g} pixels "
            f"and the picture has {width} × {height}: give it uncut and not turned."
        )
    _check_within(marked.boxes, size, "the picture")
    fitted_boxes = []
    for left, top, right, bottom in marked.boxes:
        left, right = _pixels(left, right, size[0], to_width)
        top, bottom = _pixels(top, bottom, size[1], to_height)
        fitted_boxes.append((left, top, right, bottom))
    return fitted_boxes


def _xml_files(folder):
    files = [(name, folder / name) for name in visible_files(folder) if name.lower().endswith(".xml")]
    if not files:
        raise InputError(f"A folder of boxes holds XML files, but {folder.name!r} has none: choose another one.")
    return files


def _from_csv(path):
    return [
        (name, _or_error(_prediction, text, f"{path.name!r} for {name}"))
        for name, text in read_pairs(path, ("predictionstring",))
    ]


def _prediction(text, where):
    """ILSVRC's "n01978287 240 170 260 240 …" as a Marked."""
    words = text.split()
    if len(words) % 5:
        raise InputError(
            f"Each box is a class and four numbers, but {where} has {len(words)} words, no multiple of 5: correct it."
        )
    boxes = tuple(_box(words[i + 1 : i + 5], where) for i in range(0, len(words), 5))
    return Marked(boxes, tuple(words[::5]), None)


def _from_coco(path):
    text = read_text(path)
    try:
        content = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path.name!r} is called JSON but is not valid: save it again.") from error
    images = _entries(content, "images", ("id", "file_name"), path.name)
    categories = {
        entry["id"]: str(entry["name"]) for entry in _entries(content, "categories", ("id", "name"), path.name)
    }
    by_image = defaultdict(list)
    for annotation in _entries(content, "annotations", ("image_id",), path.name):
        by_image[annotation["image_id"]].append(annotation)
    return [
        (str(image["file_name"]), _or_error(_coco_marked, image, by_image[image["id"]], categories, path.name))
        for image in images
    ]


def _entries(content, key, fields, file):
    """The list under a key of a COCO file, each entry known to have the fields."""
    entries = content.get(key) if isinstance(content, dict) else None
    if not isinstance(entries, list):
        raise InputError(f"A COCO file has a list of {key}, but {file!r} has none: choose the file of its boxes.")
    for number, entry in enumerate(entries):
        for field in fields:
            if not isinstance(entry, dict) or not isinstance(entry.get(field), int | str) or entry[field] == "":
                raise InputError(
                    f"In a COCO file {key} have {field}; {key}[{number}] of {file!r} has none: correct it."
                )
    return entries


def _coco_marked(image, annotations, categories, file):
    where = f"{file!r} for {image['file_name']}"
    boxes, labels = [], []
    for annotation in annotations:
        box = annotation.get("bbox")
        left, top, width, height = _numbers(box if isinstance(box, list) else [box], where)
        boxes.append(_box((left, top, left + width, top + height), where))
        category = annotation.get("category_id")
        labels.append(categories.get(category) if isinstance(category, int | str) else None)
    size = _size((image.get("width", 0), image.get("height", 0)), where)
    if size:
        _check_within(boxes, size, where)
    return Marked(tuple(boxes), tuple(labels), size)


def _or_error(function, *arguments):
    """What is read, or the InputError: kept for the picture it is about, so that the others can be measured."""
    try:
        return function(*arguments)
    except InputError as error:
        return error


class _NoDoctype(ElementTree.TreeBuilder):
    """Entities, with which a small file can ask for all of the memory, are declared in a DOCTYPE only."""

    def doctype(self, name, public, system):
        raise ValueError("it declares a DOCTYPE")


def _parsed(path):
    """The root of an XML file of boxes."""
    try:
        root = ElementTree.parse(path, ElementTree.XMLParser(target=_NoDoctype())).getroot()
    except OSError as error:
        raise InputError(f"{path.name!r} could not be opened ({error.strerror}): check its path.") from error
    except (ElementTree.ParseError, ValueError, LookupError) as error:
        raise InputError(f"Boxes are read from XML, but {path.name!r} cannot be ({error}): correct it.") from error
    if root is None or root.tag != "annotation":
        raise InputError(f"A file of boxes is an <annotation>, and {path.name!r} is not: give VOC's or ILSVRC's XML.")
    return root


def _xml_size(element, file):
    if element is None:
        return None
    return _size([element.findtext(side, "0") for side in ("width", "height")], f"the size in {file!r}")


def _size(sides, where):
    """(width, height); None where a side is 0, as tools write that do not know it."""
    width, height = (_number(side, where) for side in sides)
    if min(width, height) < 0:
        raise InputError(f"A picture has a positive size; received {width:g} × {height:g} in {where}: correct it.")
    return (width, height) if width and height else None


def _box(edges, where):
    left, top, right, bottom = box = _numbers(edges, where)
    if not (left < right and top < bottom):
        raise InputError(f"A box has xmin < xmax and ymin < ymax; received {_told(box)} in {where}: correct it.")
    return box


def _numbers(values, where):
    if len(values) != 4:
        raise InputError(f"A box is four numbers; received {len(values)} in {where}: give all four.")
    return tuple(_number(value, where) for value in values)


def _number(value, where):
    """A finite number out of a number or its text; whole ones as int."""
    try:
        number = math.nan if isinstance(value, bool) else float(value)
    except (TypeError, ValueError, OverflowError):
        number = math.nan
    if not math.isfinite(number):
        word = "nothing" if value is None else repr(value)[:40]
        raise InputError(f"Boxes and sizes are finite numbers; received {word} in {where}: correct it.")
    return int(number) if number.is_integer() else number


def _check_within(boxes, size, where):
    """Annotators overshoot by a pixel or two; what reaches further was marked in another picture."""
    slack_x, slack_y = (max(1, TOLERANCE * side) for side in size)
    for box in boxes:
        left, top, right, bottom = box
        if left < -slack_x or top < -slack_y or right > size[0] + slack_x or bottom > size[1] + slack_y:
            raise InputError(
                f"A box lies within its picture; received {_told(box)} in {where} of {size[0]:g} × {size[1]:g} pixels: "
                "give the boxes of this very picture."
            )


def _told(box):
    return f"({', '.join(f'{edge:g}' for edge in box)})"


def _pixels(low, high, side, to_side):
    """Two edges along a side, stretched: the first pixel and the one behind the last."""
    first, last = (min(max(math.floor(edge * to_side / side + 0.5), 0), to_side) for edge in (low, high))
    if first < last:
        return first, last
    middle = min(max(math.floor((low + high) / 2 * to_side / side), 0), to_side - 1)
    return middle, middle + 1
