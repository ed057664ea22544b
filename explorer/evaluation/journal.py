"""What has been evaluated so far, on disk: a line a picture, so that a run may end at any moment and go on later."""

import json
import os
from dataclasses import asdict
from pathlib import Path

from explorer.errors import InputError
from explorer.evaluation.measuring import Outcome
from explorer.evaluation.schema import SCHEMA

NAME = "journal.jsonl"


class Journal:
    """The outcomes of one run, appended as they come, in whatever order; read back in that of the pictures.

    A line counts once it is whole and holds what it should: one that was cut short by the end of the process is
    forgotten, and so is the second of two for one picture.
    """

    def __init__(self, folder: Path):
        self.path = Path(folder) / NAME
        self._places, self.counts = {}, {}  # index -> where its line begins; status and reason -> how many
        if self.path.exists():
            self._read()

    def __len__(self):
        return len(self._places)

    def __contains__(self, index):
        return index in self._places

    def __iter__(self):
        """The outcomes, in the order of the pictures."""
        if not self._places:
            return
        with self.path.open("rb") as file:
            for index in sorted(self._places):
                file.seek(self._places[index])
                yield _outcome(file.readline())

    def append(self, outcome: Outcome) -> None:
        """Keep an outcome; on return it is on disk. Raises InputError where there is no room; nothing is half kept."""
        if outcome.index in self:
            return
        place = self.path.stat().st_size if self.path.exists() else 0
        try:
            with self.path.open("ab") as file:
                file.write(_line(outcome))
                file.flush()
                os.fsync(file.fileno())
        except OSError as fault:
            self._cut(place)
            raise InputError(
                f"Results are written to {self.path.parent.name!r}, which takes no more ({fault.strerror or fault}): "
                f"make room, then go on with --resume; {len(self):,} pictures are kept."
            ) from fault
        except KeyboardInterrupt:
            self._cut(place)
            raise
        self._note(outcome, place)

    def _read(self):
        place = whole = 0
        with self.path.open("rb") as file:
            for line in file:
                outcome = _outcome(line)
                if outcome is not None and outcome.index not in self:
                    self._note(outcome, place)
                place += len(line)
                whole = place if line.endswith(b"\n") else whole
        self._cut(whole)  # or the next line would be joined to a torn one

    def _cut(self, end):
        if self.path.exists() and self.path.stat().st_size > end:
            os.truncate(self.path, end)

    def _note(self, outcome, place):
        self._places[outcome.index] = place
        key = outcome.status, outcome.reason if outcome.status == "dropped" else ""
        self.counts[key] = self.counts.get(key, 0) + 1


def _line(outcome):
    """One line of JSON, the rows as lists in the order of the columns."""
    entry = asdict(outcome)
    entry["rows"] = [[row[name] for name in SCHEMA.names] for row in outcome.rows]
    return json.dumps(entry, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode() + b"\n"


def _outcome(line):
    """The Outcome of a line; None for one that is cut short or was damaged."""
    if not line.endswith(b"\n"):
        return None
    try:
        entry = json.loads(line)
        rows = [dict(zip(SCHEMA.names, row, strict=True)) for row in entry.pop("rows")]
        return Outcome(**entry, rows=rows)
    except (ValueError, TypeError, AttributeError, KeyError):
        return None
