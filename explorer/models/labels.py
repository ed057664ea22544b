"""The names of a network's classes: one a line, or JSON."""

import codecs
import json
from collections import Counter
from pathlib import Path

from explorer.errors import InputError

MAX_BYTES = 10 << 20
FORMS = 'one name a line, a JSON list, or JSON {"0": "name", ...}'


def read_labels(source: Path | None) -> tuple[str, ...] | None:
    """The names of the classes, in order; None where there are none to read.

    source: None, a list of names, or the path of a text or JSON file (a list; {index: name}; or {index: [id, name]},
    as Keras keeps ImageNet's). Names that occur more than once get their index: "crane (134)", "crane (517)".
    """
    if source is None:
        return None
    names = _from_file(Path(source)) if isinstance(source, str | Path) else _from_json(source)
    counts = Counter(name.lower() for name in names)
    return tuple(f"{name} ({i})" if counts[name.lower()] > 1 else name for i, name in enumerate(names))


def _from_file(path):
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise InputError(
            f"Labels are read from a file, but {path.name!r} could not be opened: check its path."
        ) from error
    if len(content) > MAX_BYTES:
        raise InputError(f"A file of labels has at most 10 MiB, but {path.name!r} has more: give {FORMS}.")
    text = _decode(content, path.name)
    if path.suffix.lower() == ".json" or text.lstrip().startswith(("[", "{")):
        try:
            return _from_json(json.loads(text))
        except InputError:
            raise
        except (ValueError, RecursionError) as error:
            raise InputError(f"The labels of {path.name!r} look like JSON but are not valid: give {FORMS}.") from error
    lines = [line.strip() for line in text.rstrip().splitlines()]
    if "" in lines:
        raise InputError(
            f"Labels are one a line, but line {lines.index('') + 1} of {path.name!r} is empty: fill it in."
        )
    if not lines:
        raise InputError(f"A file of labels names every class, but {path.name!r} is empty: give {FORMS}.")
    return [_name(i, line) for i, line in enumerate(lines)]


def _decode(content, name):
    """UTF-8, or UTF-16 where a mark at the beginning says so, as Windows' editors write it."""
    wide = content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    try:
        return content.decode("utf-16" if wide else "utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"A file of labels is text in UTF-8, but {name!r} is not: save it as UTF-8.") from error


def _from_json(value):
    if isinstance(value, dict):
        indices = [str(i) for i in range(len(value))]
        by_index = {str(key).strip(): name for key, name in value.items()}
        missing = [key for key in indices if key not in by_index]
        if missing:
            raise InputError(
                f"Labels by index name every class from 0 to {len(value) - 1}, but {missing[0]} is missing: number "
                "them so."
            )
        value = [by_index[key] for key in indices]
    if not isinstance(value, list | tuple) or not value:
        raise InputError(f"Labels are {FORMS}; received {'none' if not value else type(value).__name__}.")
    return [_name(i, entry) for i, entry in enumerate(value)]


def _name(index, entry):
    """A name, or the second of Keras's pair of WordNet's id and name."""
    if isinstance(entry, list | tuple) and len(entry) == 2:
        entry = entry[1]
    if not isinstance(entry, str) or not any(c.isprintable() and not c.isspace() for c in entry):
        raise InputError(f"A label is a name, but that of class {index} is {str(entry)[:40]!r}: give {FORMS}.")
    return "".join(filter(str.isprintable, entry)).strip()
