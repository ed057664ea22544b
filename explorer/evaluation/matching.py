"""Files about pictures, and which of their entries is about which picture."""

import csv
import io
import os
from collections import defaultdict
from functools import cache
from pathlib import Path
from typing import Any

from PIL import Image

from explorer.engine.images import FORMATS
from explorer.errors import InputError

PICTURE_COLUMNS = ("file", "filename", "image", "imageid", "name", "path")


class Lookup:
    """What a file or folder, called `source`, says of pictures: entries (path of the picture, value).

    Pictures are found by their name without folders and suffix; where several entries have it, by the folders too. A
    value that is an InputError is wrong for its picture alone, and raised when that picture is asked for.
    """

    def __init__(self, source: str, entries: list):
        self.source = source
        self._by_stem = defaultdict(list)
        for path, value in entries:
            parts = name_parts(path)
            self._by_stem[parts[-1]].append((parts, value))

    def of(self, name: str, alone: bool = True) -> Any:
        """The value for the picture of this relative path; None where there is none.

        alone: whether no other picture is called so in another folder; if one is, the folder has to agree as well.
        Raises InputError where it is not clear which entry is the picture's, or where the entry is wrong.
        """
        own = name_parts(name)
        ranked = [(_agreement(own, parts), value) for parts, value in self._by_stem.get(own[-1], ())]
        if not ranked:
            return None
        best = max(rank for rank, _ in ranked)
        values = [value for rank, value in ranked if rank == best]
        if len(values) > 1:
            raise InputError(f"A picture has one entry, but {self.source!r} has {len(values)} for {name}: keep one.")
        if not alone and best == (False, 1):
            raise InputError(
                f"Another folder has a picture of the same name as {name}, and {self.source!r} does not tell them "
                "apart: name the folder there, or rename one."
            )
        if isinstance(values[0], InputError):
            raise values[0]
        return values[0]


def name_parts(path: str) -> tuple:
    """The folders of a picture's path and its name without suffix: "a/b.JPEG" -> ("a", "b")."""
    parts = [part for part in str(path).replace("\\", "/").split("/") if part not in ("", ".")] or [""]
    stem, _, suffix = parts[-1].rpartition(".")
    is_file = stem and (f".{suffix.lower()}" in suffixes() or suffix.lower() == "xml")
    return (*parts[:-1], stem if is_file else parts[-1])


def _agreement(own, parts):
    """How well an entry's path fits: whether it is the same, and how many parts at the end are."""
    same = 0
    for a, b in zip(reversed(own), reversed(parts), strict=False):
        if a != b:
            break
        same += 1
    return own == parts, same


@cache
def suffixes() -> frozenset[str]:
    """The suffixes of the picture files that can be read, in lower case: ".png", ".jpeg", …"""
    return frozenset(suffix for suffix, kind in Image.registered_extensions().items() if kind in FORMATS)


def visible_files(folder: Path) -> list:
    """The relative paths, with "/", of all files in a folder and its sub-folders, sorted; hidden ones left out."""
    paths = []
    for place, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        within = Path(place).relative_to(folder)
        paths += [(within / name).as_posix() for name in files if not name.startswith(".")]
    return sorted(paths)


def read_pairs(path: Path | str, columns: tuple) -> list:
    """(picture, value) of each row of a CSV file with a header, both as text.

    The picture's column is the first of PICTURE_COLUMNS there is, the value's the first of `columns`; upper and lower
    case are the same. Raises InputError where the file cannot be read, or a column or a picture's name is missing.
    """
    path = Path(path)
    try:
        rows = [[cell.strip() for cell in row] for row in csv.reader(io.StringIO(read_text(path), newline=""))]
    except csv.Error as error:
        raise InputError(f"A CSV file is rows of cells, but {path.name!r} is not ({error}): save it again.") from error
    header = [cell.lower() for cell in rows[0]] if rows else []
    picture = _column(header, PICTURE_COLUMNS, path.name)
    value = _column(header, columns, path.name)
    pairs = []
    for line, row in enumerate(rows[1:], 2):
        if not any(row):
            continue
        row = row + [""] * (len(header) - len(row))
        if not row[picture]:
            raise InputError(f"Every row names its picture, but row {line} of {path.name!r} does not: fill it in.")
        pairs.append((row[picture], row[value]))
    return pairs


def _column(header, names, file):
    columns = [header.index(name) for name in names if name in header]
    if not columns:
        raise InputError(
            f"The first row of {file!r} names its columns, but none is called {' or '.join(names)}: call one so."
        )
    return columns[0]


def read_text(path: Path) -> str:
    """A file's text, UTF-8, or UTF-16 where a mark at its beginning says so. Raises InputError where it has none."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path.name!r} could not be opened ({error.strerror}): check its path.") from error
    try:
        return content.decode("utf-16" if content.startswith((b"\xff\xfe", b"\xfe\xff")) else "utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"{path.name!r} is to be text in UTF-8, and is not: save it as UTF-8.") from error
