"""Classifiers by name."""

from collections.abc import Callable
from dataclasses import dataclass
from difflib import get_close_matches

from explorer.classifier import Classifier
from explorer.errors import InputError
from explorer.scenes import toy_vgg


@dataclass(frozen=True)
class Entry:
    name: str
    label: str
    about: str
    make: Callable[[], Classifier]


def _toy_vgg():
    size = (toy_vgg.SIZE, toy_vgg.SIZE)
    return Classifier("toy-vgg", toy_vgg.load(), toy_vgg.preprocess, toy_vgg.class_names(), size)


MODELS = {
    entry.name: entry
    for entry in (
        Entry(
            "toy-vgg",
            "ToyVGG",
            "The embedded classifier: VGG-shaped, trained on scenes the project draws itself. Needs no download.",
            _toy_vgg,
        ),
    )
}


def load(name):
    """The classifier called `name`; a new one each time, so that what is done to it stays with the caller."""
    entry = MODELS.get(str(name).strip().lower())
    if entry is None:
        close = get_close_matches(str(name).lower(), MODELS, n=1)
        hint = f"did you mean {close[0]!r}?" if close else f"the known ones are {', '.join(MODELS)}."
        raise InputError(f"No classifier is called {name!r}; {hint}")
    return entry.make()
