"""Where classifiers come from: the registry, and loading by name."""

from __future__ import annotations

import re
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any

import explorer.network  # noqa: F401  first: it imports the framework quietly
from explorer.errors import InputError, Progress
from explorer.models.custom import from_model, is_own, load_custom
from explorer.models.embedded import TOY_VGG
from explorer.models.entry import DEFAULT, Entry
from explorer.models.keras_applications import APPLICATIONS

if TYPE_CHECKING:
    from explorer.models.embedded import Embedded
    from explorer.models.keras_applications import Application
    from explorer.network.classifier import Classifier


__all__ = ["DEFAULT", "MODELS", "Entry", "find", "from_model", "load", "load_custom"]

MODELS = {entry.name: entry for entry in (TOY_VGG, *APPLICATIONS)}


def find(name: str) -> Application | Embedded:
    """The Entry called `name`; "VGG19", "vgg-19" and "resnet50v2" are understood too. Raises InputError."""
    plain_names = {_plain(entry): entry for entry in MODELS}
    if match := plain_names.get(_plain(name)):
        return MODELS[match]
    close = get_close_matches(_plain(name), plain_names, n=1)
    hint = f"did you mean {plain_names[close[0]]!r}?" if close else f"the known ones are {', '.join(MODELS)}."
    raise InputError(f"No classifier is called {str(name)!r}; {hint}")


def load(
    name: str,
    weights: Path | str | None = DEFAULT,
    progress: Progress | None = None,
    *,
    labels: Any = None,
    preprocessing: Any = None,
    head: str | None = None,
    input_size: Any = None,
) -> Classifier | None:
    """The classifier called `name`; a new one each time, so that what is done to it stays with the caller.

    weights: by default its own trained ones, downloaded where they are not on disk; the path of a file (.h5 or
    .weights.h5); or None for the untrained network, the same each time. progress: called as progress(stage, done,
    total), in bytes, during a download; raise `explorer.errors.Cancelled` from it to stop.
    A name that ends in .keras is the path of a network of one's own; labels, preprocessing, head and input_size are
    for such a one alone, see `explorer.models.custom.load_custom`.
    Raises InputError for anything a person can get wrong, the missing connection included.
    """
    own = {"labels": labels, "preprocessing": preprocessing, "head": head, "input_size": input_size}
    own = {option: value for option, value in own.items() if value is not None}
    if is_own(name):
        if weights is not DEFAULT:
            raise InputError(f"A .keras file holds its own weights: leave out those given for {Path(name).name!r}.")
        return load_custom(name, **own)
    if own:
        raise InputError(
            f"The option {next(iter(own))} is for a .keras file of your own, but {name} comes with it: leave it out."
        )
    return find(name).load(weights, progress)


def _plain(name):
    """A name without capitals, hyphens and spaces: people remember no two of them alike."""
    return re.sub(r"[^a-z0-9.]", "", str(name).lower())
