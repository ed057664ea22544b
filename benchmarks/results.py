"""What was measured: Markdown for people in RESULTS.md, numbers for the charts in measured.json.

Each command owns one section of RESULTS.md, between two marks, and replaces nothing else.
"""

import contextlib
import datetime
import json
import os
import re
from importlib import metadata
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
ENDING = re.compile(r"<!-- end of [\w-]+ -->")


def write_section(name, text, folder=FOLDER):
    """Put `text` (Markdown) into the section `name` of folder/RESULTS.md, at the end where there is none yet.

    Raises ValueError, and writes nothing, where the marks of the section are not one beginning before one end.
    """
    path = Path(folder) / "RESULTS.md"
    whole = path.read_text(encoding="utf-8") if path.exists() else ""
    begin, end = f"<!-- {name} -->", f"<!-- end of {name} -->"
    section = f"{begin}\n{text.strip()}\n{end}"
    if begin not in whole and end not in whole:
        whole = f"{whole.rstrip()}\n\n{section}\n".lstrip()
    else:
        first, last = whole.find(begin), whole.find(end)
        inside = whole[first + len(begin) : last] if 0 <= first < last else end
        if whole.count(begin) != 1 or whole.count(end) != 1 or ENDING.search(inside):
            raise ValueError(f"{path} should hold {begin!r} once and {end!r} once after it; mend the marks by hand.")
        whole = whole[:first] + section + whole[last + len(end) :]
    replace(path, whole)


def keep(name, value, folder=FOLDER):
    """Put a value (numbers, text, lists, dictionaries) into folder/measured.json as `name`."""
    measured = recall(folder)
    measured[name] = value
    replace(Path(folder) / "measured.json", json.dumps(measured, indent=1, sort_keys=True) + "\n")


def recall(folder=FOLDER):
    """All that was kept: {name: value}."""
    path = Path(folder) / "measured.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}


def table(columns, rows):
    """A Markdown table of any values."""
    lines = [columns, ["---"] * len(columns), *rows]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines)


def size(count):
    """Bytes as people write them: "812 MB", "1.40 GB"."""
    return f"{count / 1e9:.2f} GB" if count >= 1e9 else f"{count / 1e6:.0f} MB"


def versions(*names):
    """{distribution: version}, of those that are installed."""
    found = {}
    for name in names:
        with contextlib.suppress(metadata.PackageNotFoundError):
            found[name] = metadata.version(name)
    return found


def today():
    return datetime.date.today().strftime("%B %Y")


def replace(path, text):
    """Write a file whole or not at all."""
    beside = path.with_name(path.name + ".new")
    beside.write_text(text, encoding="utf-8")
    os.replace(beside, path)
