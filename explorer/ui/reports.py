"""The report of an evaluation that is finished, as it lies in its folder."""

from __future__ import annotations

import csv
import json
import shutil
import tempfile
import weakref
import zipfile
from collections import Counter
from dataclasses import dataclass, field, fields
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from explorer.arrays import Array
from explorer.errors import InputError
from explorer.evaluation import pictures, results
from explorer.evaluation.report import document
from explorer.evaluation.run import SETTINGS, counts
from explorer.evaluation.source import Source
from explorer.evaluation.statistics import OWN
from explorer.evaluation.table import Table
from explorer.models.spec import Network

if TYPE_CHECKING:
    from explorer.evaluation.report.document import Sections


ARCHIVE_FILES = (document.REPORT, results.TABLE, results.AS_CSV, results.PICTURES, results.ERRORS, SETTINGS)
ROW_COLUMNS = ("class_name", "class_index", "layer", "p", "energy", "drop")  # of a picture


class Place:
    """A folder of one's own, at `path`, that is removed with the last who holds this."""

    def __init__(self):
        self.path = Path(tempfile.mkdtemp(prefix="rsi-explorer-"))
        weakref.finalize(self, shutil.rmtree, self.path, ignore_errors=True)


@dataclass(frozen=True, eq=False)
class Report:
    """A finished evaluation, read from its folder; nothing is computed again.

    settings: as in settings.json. counts, failed: as `explorer.evaluation.report.document.write` takes them. names: the
    name of each picture by its number. place: what keeps the folder there, where it is a visitor's.
    """

    folder: Path
    settings: dict
    network: Network
    source: Source
    table: Table
    counts: dict
    failed: list
    names: dict
    place: Place | None = None
    _drawn: dict = field(default_factory=dict)

    @classmethod
    def read(cls, folder: Path, place: Place | None = None) -> Report:
        """The Report of a folder that `explorer.evaluation.run.evaluate` has filled. Raises InputError where it has
        not, or not to the end."""
        folder = Path(folder)
        try:
            settings = json.loads((folder / SETTINGS).read_text(encoding="utf-8"))
            network = Network(**settings["network"])
            source = Source(**{one.name: settings["source"][one.name] for one in fields(Source)})
            with (folder / results.PICTURES).open(newline="", encoding="utf-8") as file:
                rows = [(int(row["index"]), row["image"], row["status"], row["reason"]) for row in csv.DictReader(file)]
        except (OSError, ValueError, KeyError, TypeError) as fault:
            raise InputError(
                f"A report lies in the folder of an evaluation that is finished, and {folder.name!r} holds none: check "
                "its name, or finish it with python -m explorer evaluate --resume."
            ) from fault
        failed = [(index, name, reason) for index, name, status, reason in rows if status == "failed"]
        numbers = Counter((status, reason if status == "dropped" else "") for _, _, status, reason in rows)
        names = {index: name for index, name, *_ in rows}
        table = Table.read(folder / results.TABLE)
        return cls(folder, settings, network, source, table, counts(numbers, len(rows)), failed, names, place)

    @cached_property
    def _items(self):
        return {item.index: item for item in self.source.items()}

    def picture(self, number: int) -> tuple[str, Array]:
        """(name, uint8 (H, W, 3)) of the picture of a number, given as such or as text. Raises InputError where there
        is none, or it is no longer there."""
        index = self._index(number)
        name, item = self.names[index], self._items.get(index)
        if item is None or item.name != name:
            raise InputError(f"Picture {index} of the report was {name!r}, which is no longer there: put it back.")
        return name, pictures.load(item).image

    def row(self, number: int) -> dict[str, Any]:
        """What was measured of a picture at the deepest layer, by the method it is ranked by (`document.extremes`): the
        columns of the table, by name. Raises InputError where there is no such picture, or a rule dropped it."""
        index = self._index(number)
        method = OWN if OWN in self.table.methods else self.table.methods[-1]
        rows = self.table.of(self.table.layers[-1], method)
        rows = rows[self.table["index"][rows] == index]
        if not len(rows):
            raise InputError(f"Picture {index} of the report was not evaluated: open another one.")
        return {name: self.table[name][rows[0]] for name in ROW_COLUMNS}

    def _index(self, number):
        digits = str(number)
        index = int(digits) if digits.isdecimal() and len(digits) < 10 else -1
        if index not in self.names:
            raise InputError(
                f"Pictures of the report go by their numbers, and {digits[:20]!r} is none of its "
                f"{len(self.names):,}: open one from the report."
            )
        return index

    def sections(self, dark: bool) -> Sections:
        """`explorer.evaluation.report.document.sections`, drawn once for each look of the page."""
        if dark not in self._drawn:
            self._drawn[dark] = document.sections(self.table, self.settings, self.counts, dark)
        return self._drawn[dark]

    def archive(self) -> str | None:
        """The path of a zip file of everything; None for a report that is not a visitor's own."""
        if self.place is None:
            return None
        path = self.place.path / "evaluation.zip"
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for name in ARCHIVE_FILES:
                archive.write(self.folder / name, f"evaluation/{name}")
        return str(path)
