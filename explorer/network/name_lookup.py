"""Names people give and names there are: of classes, of layers."""

import re
from difflib import get_close_matches

import numpy as np

from explorer.errors import InputError


def class_names(name: str, names: tuple[str, ...] | None, outputs: int) -> tuple:
    """One name a class; two where a network of one output is given one for its 0 and one for its 1.

    name: of the network. given: any number of names, or None to number them. outputs: how many the network has.
    """
    if names is None:
        return ("positive",) if outputs == 1 else tuple(f"class {i}" for i in range(outputs))
    names = tuple(map(str, names))
    if len(names) != outputs and (outputs, len(names)) != (1, 2):
        raise InputError(
            f"{name} has {outputs} class{'es' * (outputs > 1)} and received {len(names)} class "
            f"name{'s' * (len(names) != 1)}; give one name a class, in the order of its outputs."
        )
    return names


def find_class(name: str, classes: tuple[str, ...], name_or_index: int | str) -> int:
    """The index of a class of the network called `name`, given by index, by name, or by its index written as text."""
    if isinstance(name_or_index, int | np.integer) and not isinstance(name_or_index, bool):
        if 0 <= name_or_index < len(classes):
            return int(name_or_index)
        raise InputError(f"A class index of {name} is from 0 to {len(classes) - 1}; received {name_or_index}.")
    matches = [i for i, one in enumerate(classes) if one.lower() == str(name_or_index).strip().lower()]
    if len(matches) == 1:
        return matches[0]
    if str(name_or_index).strip().isdecimal():
        return find_class(name, classes, int(name_or_index))
    if matches:
        raise InputError(f"{name_or_index!r} names the classes {matches} of {name}; give the index of one of them.")
    raise InputError(f"{name} knows no class {name_or_index!r}; {nearest(name_or_index, classes)}")


def nearest(name: bool | float | str, names: list[str] | tuple[str, ...]) -> str:
    """The end of a sentence that just said there is no `name`: the names that hold it, else those like it."""
    name = str(name).strip()
    word = re.compile(rf"\b{re.escape(name)}\b", re.IGNORECASE)
    holding = [one for one in names if name and word.search(one)]
    close = holding[:3] or get_close_matches(name, names, n=3, cutoff=0.5)
    if close:
        return "did you mean " + " or ".join(repr(one) for one in close) + "?"
    return "choose one of its own, such as " + ", ".join(repr(one) for one in names[:3]) + "."
