"""Names people give and names there are: of classes, of layers."""

import re
from difflib import get_close_matches

import numpy as np

from explorer.errors import InputError


def class_names(name, given, outputs):
    """One name a class; two where a network of one output is given one for its 0 and one for its 1.

    name: of the network. given: any number of names, or None to number them. outputs: how many the network has.
    """
    if given is None:
        return ("positive",) if outputs == 1 else tuple(f"class {i}" for i in range(outputs))
    given = tuple(map(str, given))
    if len(given) != outputs and (outputs, len(given)) != (1, 2):
        raise InputError(
            f"{name} has {outputs} class{'es' * (outputs > 1)} and received {len(given)} class "
            f"name{'s' * (len(given) != 1)}; give one name a class, in the order of its outputs."
        )
    return given


def find_class(name, classes, wanted):
    """The index of a class of the network called `name`, given by index, by name, or by its index written as text."""
    if isinstance(wanted, int | np.integer) and not isinstance(wanted, bool):
        if 0 <= wanted < len(classes):
            return int(wanted)
        raise InputError(f"A class index of {name} is from 0 to {len(classes) - 1}; received {wanted}.")
    matches = [i for i, known in enumerate(classes) if known.lower() == str(wanted).strip().lower()]
    if len(matches) == 1:
        return matches[0]
    if str(wanted).strip().isdecimal():
        return find_class(name, classes, int(wanted))
    if matches:
        raise InputError(f"{wanted!r} names the classes {matches} of {name}; give the index of one of them.")
    raise InputError(f"{name} knows no class {wanted!r}; {nearest(wanted, classes)}")


def nearest(wanted, known):
    """The end of a sentence that just said there is no `wanted`: the names that hold it, else those like it."""
    wanted = str(wanted).strip()
    word = re.compile(rf"\b{re.escape(wanted)}\b", re.IGNORECASE)
    holding = [name for name in known if wanted and word.search(name)]
    close = holding[:3] or get_close_matches(wanted, known, n=3, cutoff=0.5)
    if close:
        return "did you mean " + " or ".join(repr(name) for name in close) + "?"
    return "choose one of its own, such as " + ", ".join(repr(name) for name in known[:3]) + "."
