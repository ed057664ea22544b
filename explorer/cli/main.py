"""python -m explorer explain | evaluate | models | train"""

import sys
from importlib import import_module

from explorer.cli.options import read
from explorer.cli.progress import INTERRUPTED, MISTAKEN
from explorer.errors import InputError


def main(argv: list[str] | None = None) -> int:
    """Run one command; the exit status: 0, 2 after a person's mistake, 130 after Ctrl-C."""
    try:
        arguments = read(argv)
        return import_module(f"explorer.cli.{arguments.command}").run(arguments)
    except InputError as error:
        print(error, file=sys.stderr)
        return MISTAKEN
    except KeyboardInterrupt:
        print("Stopped.", file=sys.stderr)
        return INTERRUPTED
