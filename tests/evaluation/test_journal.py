"""The journal of a run: cut it anywhere, and nothing is lost, doubled or half kept."""

import csv
import subprocess
import sys

import numpy as np
import pyarrow.parquet as pq
import pytest

from explorer.errors import InputError
from explorer.evaluation import results
from explorer.evaluation.journal import NAME, Journal
from explorer.evaluation.measuring import Outcome
from explorer.evaluation.schema import SCHEMA
from support import ROOT
from support.journals import kept, outcomes, row


def table(folder):
    results.write(Journal(folder), folder)
    return [(folder / name).read_bytes() for name in (results.TABLE, results.AS_CSV, results.PICTURES, results.ERRORS)]


def test_what_is_kept_comes_back_in_the_order_of_the_pictures(tmp_path):
    journal = kept(tmp_path, outcomes())
    assert list(journal) == list(Journal(tmp_path)) == sorted(outcomes(), key=lambda one: one.index)
    assert len(journal) == 12 and 11 in journal and 12 not in journal
    assert journal.counts == {("evaluated", ""): 10, ("failed", ""): 1, ("dropped", "not exactly one box"): 1}


def test_the_files_hold_every_row_once_and_exactly(tmp_path):
    kept(tmp_path, outcomes())
    table(tmp_path)
    found = pq.read_table(tmp_path / results.TABLE)
    assert found.schema == SCHEMA, "the documented columns, each of its kind"
    wanted = [row for one in sorted(outcomes(), key=lambda one: one.index) for row in one.rows]
    assert found.to_pylist() == wanted, "every number to its last bit"
    with (tmp_path / results.AS_CSV).open(newline="", encoding="utf-8") as file:
        sheet = list(csv.DictReader(file))
    assert [float(row["p"]) for row in sheet] == [row["p"] for row in wanted], "and in the CSV"
    assert [row["energy"] for row in sheet if row["energy"] == ""] == [""] * sum(r["energy"] is None for r in wanted)
    assert (tmp_path / results.ERRORS).read_text().splitlines() == ["index,image,reason", "4,4.png,It is no picture."]
    statuses = [line.split(",")[2] for line in (tmp_path / results.PICTURES).read_text().splitlines()[1:]]
    assert statuses.count("evaluated") == 10 and statuses[4] == "failed" and statuses[7] == "dropped"


def test_cut_at_any_byte_it_goes_on_to_the_same_files(tmp_path):
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    for folder in (whole, cut):
        folder.mkdir()
    kept(whole, outcomes())
    wanted, held = table(whole), (whole / NAME).read_bytes()
    ends = [i + 1 for i, byte in enumerate(held) if byte == 10]
    places = {0, 1, *ends, *(end - 1 for end in ends), *np.random.default_rng(1).integers(0, len(held), 20).tolist()}
    for place in sorted(places):
        (cut / NAME).write_bytes(held[:place])
        journal = Journal(cut)
        assert len(journal) == sum(end <= place for end in ends), f"cut at {place}, the whole lines count"
        for outcome in outcomes()[::-1]:
            journal.append(outcome)
        assert table(cut) == wanted, f"cut at {place} and gone on with: the same bytes"


def test_a_picture_is_kept_once(tmp_path):
    journal = kept(tmp_path, outcomes())
    held = (tmp_path / NAME).read_bytes()
    journal.append(Outcome(4, "4.png", "evaluated", rows=[row(4)]))
    assert (tmp_path / NAME).read_bytes() == held, "the first word stands"
    (tmp_path / NAME).write_bytes(held + held)  # as two runs at once would leave it
    assert list(Journal(tmp_path)) == list(journal)


def test_a_damaged_line_is_done_again(tmp_path):
    kept(tmp_path, outcomes())
    lines = (tmp_path / NAME).read_bytes().splitlines(keepends=True)
    first = outcomes()[0].index
    for damage in (b"\x00\x00\n", b"{}\n", b"[1]\n", b'{"rows": 3}\n', lines[0][: len(lines[0]) // 2] + b"\n"):
        (tmp_path / NAME).write_bytes(b"".join([damage, *lines[1:]]))
        journal = Journal(tmp_path)
        assert len(journal) == 11 and first not in journal, f"{damage[:20]} is no outcome"


WRITE_UNTIL_FULL = """
import resource, sys
sys.path[:0] = [{tests!r}, {root!r}]
from support.journals import kept, outcomes
from explorer.errors import InputError
resource.setrlimit(resource.RLIMIT_FSIZE, ({room}, {room}))
try:
    kept({folder!r}, outcomes())
except InputError as told:
    print(told)
"""


def test_a_full_disk_is_told_in_a_sentence_and_can_be_gone_on_with(tmp_path):
    """The system itself refuses to let the file grow."""
    room = 9000
    code = WRITE_UNTIL_FULL.format(tests=str(ROOT / "tests"), root=str(ROOT), folder=str(tmp_path), room=room)
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert said.stdout.count("\n") == 1 and "--resume" in said.stdout, said.stdout + said.stderr
    held = (tmp_path / NAME).read_bytes()
    assert 0 < len(held) <= room and held.endswith(b"\n"), "whole lines only"
    journal = kept(tmp_path, outcomes())
    assert len(journal) == 12 and list(journal) == sorted(outcomes(), key=lambda one: one.index)


def test_the_files_are_whole_or_as_they_were(tmp_path, monkeypatch):
    kept(tmp_path, outcomes()[:6])
    before = table(tmp_path)
    kept(tmp_path, outcomes())
    monkeypatch.setattr(results, "islice", _full)
    with pytest.raises(InputError, match=r"No space left.*--resume"):
        results.write(Journal(tmp_path), tmp_path)
    assert (tmp_path / results.TABLE).read_bytes() == before[0], "the table that was there is there"
    assert not list(tmp_path.glob(".*.part")), "and no half of another"


def _full(*given):
    raise OSError(28, "No space left on device")
