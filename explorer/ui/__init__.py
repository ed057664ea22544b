"""The page: Gradio is imported here and in launch.py only."""

import inspect
from contextlib import contextmanager


@contextmanager
def _without_stubs():
    """Gradio, whenever it is imported, parses the source of each of its components twice, to keep a `.pyi` file for
    editors beside it: half of the seconds that the import takes. It leaves out a class whose file is not found.
    """
    getfile = inspect.getfile

    def hidden(thing):
        if isinstance(thing, type) and thing.__module__.startswith("gradio."):
            raise OSError(f"the file of {thing.__name__} is not looked for")
        return getfile(thing)

    inspect.getfile = hidden
    try:
        yield
    finally:
        inspect.getfile = getfile


with _without_stubs():
    import gradio  # noqa: F401
