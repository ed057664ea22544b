"""The table of an evaluation as columns of numbers, read when they are asked for."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property, lru_cache
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from explorer.arrays import Array
from explorer.attribution.methods import METHODS
from explorer.errors import InputError
from explorer.evaluation.schema import SCHEMA

REMEMBERED = 32  # columns; all of them would be some 200 MB for 50,000 pictures, two layers and three methods


class Table:
    """Read-only. table["energy"] is (rows,): numbers and truth values as float64, NaN where empty; text as objects.

    Columns and what they hold: `explorer.evaluation.schema.COLUMNS`.
    """

    def __init__(self, arrow_column: Callable, rows: int):
        """arrow_column: the name of a column -> its pyarrow array, (rows,). Use `read` or `of_rows`."""
        self._rows = rows
        self._column = lru_cache(REMEMBERED)(lambda name: _as_numpy(arrow_column(name)))

    @classmethod
    def read(cls, path: Path) -> Table:
        """The table in a file results.parquet. Raises InputError where it is none."""
        name = Path(path).name
        try:
            columns, rows = pq.read_schema(path).names, pq.read_metadata(path).num_rows
        except (OSError, pa.ArrowInvalid) as error:
            raise InputError(
                f"An evaluation's table is a Parquet file, but '{name}' could not be read as one: run it again."
            ) from error
        missing = sorted(set(SCHEMA.names) - set(columns))
        if missing:
            raise InputError(
                f"An evaluation's table has the columns of this version, but '{name}' lacks {', '.join(missing[:3])}: "
                "run the evaluation again."
            )
        return cls(lambda column: pq.read_table(path, columns=[column]).column(column), rows)

    @classmethod
    def of_rows(cls, rows: list) -> Table:
        """The table of a list of dictionaries, column name -> value; what a row does not name is empty."""
        arrow = pa.Table.from_pylist(rows, SCHEMA)
        return cls(arrow.column, arrow.num_rows)

    def __len__(self):
        return self._rows

    def __getitem__(self, name):
        return self._column(name)

    @cached_property
    def layers(self) -> tuple:
        """Names of the layers, the deepest last."""
        depths = dict(zip(self["layer"], self["depth"], strict=True))
        return tuple(sorted(depths, key=depths.get))

    @cached_property
    def methods(self) -> tuple:
        """Keys of the methods, in the order of `explorer.attribution.methods.METHODS`."""
        methods = set(self["method"])
        return tuple(key for key in METHODS if key in methods)

    def of(self, layer: str, method: str) -> Array:
        """The numbers of the rows of one layer and method, (pictures,), sorted by the picture's index."""
        return self._groups.get((layer, method), np.empty(0, np.intp))

    def both(self, one: tuple[str, ...], other: tuple[str, ...]) -> tuple[Array, Array]:
        """Rows of the pictures that two (layer, method) have in common: (pictures,) of one, (pictures,) of the other,
        picture by picture."""
        a, b = self.of(*one), self.of(*other)
        _, in_a, in_b = np.intersect1d(self["index"][a], self["index"][b], return_indices=True)
        return a[in_a], b[in_b]

    @cached_property
    def pictures(self) -> int:
        """How many different pictures there are."""
        return len(np.unique(self["index"]))

    @cached_property
    def _groups(self):
        order = np.argsort(self["index"], kind="stable")
        layers, methods = self["layer"], self["method"]
        rows = {
            (layer, method): order[(layers == layer)[order] & (methods == method)[order]]
            for layer in self.layers
            for method in self.methods
        }
        return {group: own for group, own in rows.items() if len(own)}


def label(method: str) -> str:
    """The name of a method as the page writes it: "rsi_grad_cam" -> "RSI-Grad-CAM"."""
    return METHODS[method].label


def _as_numpy(column):
    if isinstance(column, pa.ChunkedArray):
        column = column.combine_chunks()
    if pa.types.is_string(column.type):
        values = column.to_numpy(zero_copy_only=False)
    else:
        values = column.cast(pa.float64()).to_numpy(zero_copy_only=False).astype(np.float64)
    values.flags.writeable = False
    return values
