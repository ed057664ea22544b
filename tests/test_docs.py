"""What the documents say, held against the code."""

import re

from explorer.evaluation import results
from explorer.evaluation.journal import NAME
from explorer.evaluation.report.document import REPORT
from explorer.evaluation.run import SETTINGS
from explorer.evaluation.schema import COLUMNS, OVERLAPS, THRESHOLDS, overlap
from support import ROOT

DOCS = ROOT / "docs"
KINDS = {"int32": "whole number", "double": "number", "bool": "true/false", "string": "text"}


def test_the_table_of_an_evaluation_is_documented_column_by_column():
    text = (DOCS / "evaluation.md").read_text(encoding="utf-8")
    overlaps = {overlap(measure, threshold) for measure in OVERLAPS for threshold in THRESHOLDS}
    for column in COLUMNS:
        if column.name not in overlaps:
            line = f"| `{column.name}` | {KINDS[str(column.kind)]} | {column.about} |"
            assert line in text, f"as the schema has it: {line}"
    for measure in OVERLAPS:
        ends = overlap(measure, THRESHOLDS[0]), overlap(measure, THRESHOLDS[-1])
        assert "| `{}` … `{}` | number |".format(*ends) in text, f"and the thresholds of {measure}"
    rows = re.findall(r"^\| `\w+`(?: … `\w+`)? \| (?:number|whole number|true/false|text) \|", text, flags=re.MULTILINE)
    assert len(rows) == len(COLUMNS) - len(overlaps) + len(OVERLAPS), "and no column that is not there"


def test_every_file_of_an_evaluation_is_documented():
    text = (DOCS / "evaluation.md").read_text(encoding="utf-8")
    for name in (REPORT, results.TABLE, results.AS_CSV, results.PICTURES, results.ERRORS, SETTINGS, NAME):
        assert f"`{name}`" in text, f"what {name} holds"


def test_every_option_of_evaluate_is_known_to_the_command(capsys):
    """Those the documents name, and no other."""
    import contextlib

    from explorer.cli.main import main

    with contextlib.suppress(SystemExit):
        main(["evaluate", "--help"])
    known = set(re.findall(r"--[a-z-]+", capsys.readouterr().out))
    for document in ("evaluation.md", "scale.md"):
        text = (DOCS / document).read_text(encoding="utf-8")
        commands = " ".join(re.findall(r"explorer evaluate[^`#]*", text)) + " ".join(re.findall(r"`(--[^`]*)`", text))
        unknown = set(re.findall(r"--[a-z-]+", commands)) - known - {"--report"}
        assert not unknown, f"{document} names {sorted(unknown)}"
