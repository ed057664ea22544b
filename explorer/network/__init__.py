"""A Keras model seen from outside: the only package, with models, that knows a framework."""

from explorer.stderr import quietly

with quietly():  # the notes of the framework on the hardware that it did not find
    from explorer.network import backend  # noqa: F401
