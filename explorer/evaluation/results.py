"""From the journal to the files of the results: the table as Parquet and CSV, the pictures, the errors."""

from __future__ import annotations

import csv
import os
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from explorer.errors import InputError
from explorer.evaluation.schema import SCHEMA

if TYPE_CHECKING:
    from explorer.evaluation.journal import Journal


TABLE, AS_CSV, PICTURES, ERRORS = "results.parquet", "results.csv", "pictures.csv", "errors.csv"
AT_ONCE = 500  # pictures held while the table is written


def write(journal: Journal, folder: Path) -> None:
    """Write the four files, each at once or not at all; raises InputError where they cannot be."""
    folder = Path(folder)
    try:
        _table(journal, folder)
        _list(folder / PICTURES, journal, lambda one: True, ("index", "image", "status", "reason"))
        _list(folder / ERRORS, journal, lambda one: one.status == "failed", ("index", "image", "reason"))
    except OSError as fault:
        raise InputError(
            f"Results are written to {folder.name!r}, which takes no more ({fault.strerror or fault}): make room, then "
            "go on with --resume; nothing is lost."
        ) from fault


def _table(journal, folder):
    """In the order of pictures, layers and methods, so that the same run gives the same bytes."""
    with (
        whole(folder / TABLE) as parquet,
        whole(folder / AS_CSV) as text,
        pa.parquet.ParquetWriter(parquet, SCHEMA) as table,
        pa.csv.CSVWriter(text, SCHEMA) as sheet,
    ):
        outcomes = iter(journal)
        while part := list(islice(outcomes, AT_ONCE)):
            rows = pa.Table.from_pylist([row for one in part for row in one.rows], SCHEMA)
            table.write_table(rows)
            sheet.write_table(rows)


def _list(path, journal, condition, names):
    with whole(path) as temporary, open(temporary, "w", newline="", encoding="utf-8") as file:
        sheet = csv.writer(file)
        sheet.writerow(names)
        sheet.writerows([getattr(one, name) for name in names] for one in journal if condition(one))


@contextmanager
def whole(path: Path) -> Iterator:
    """A name to write a file under that takes its place once it is complete."""
    temporary = path.with_name(f".{path.name}.part")
    try:
        yield temporary
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
