"""python -m explorer"""

import sys

from explorer.cli.main import main

if __name__ == "__main__":
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="replace")  # an ε on a terminal that has none is no reason to stop
    sys.exit(main())
