"""What `make bench` runs: ours against a plain forward pass and other libraries, in under ten minutes on a processor.

    python -m benchmarks [forward] [batches] [compare] [scaling] [charts] [startup]

Each part is a command of its own with options of its own (`python -m benchmarks.forward --help`). By default the
first three, with few rounds. Not among them, being long: `python -m benchmarks.memory` and `benchmarks.automatic`. On a
graphics card: `python -m benchmarks.gpu`.
"""

import argparse
import subprocess
import sys
import time

USUAL = ("forward", "batches", "compare")
PARTS = (*USUAL, "scaling", "charts", "startup")
QUICKLY = {
    "forward": ("--rounds", "1", "--ends-steps", "4"),
    "batches": ("--rounds", "2"),
    "compare": ("--steps", "20", "--rounds", "1"),
}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    words = f"of {', '.join(PARTS)}; by default {', '.join(USUAL)}"
    parser.add_argument("parts", nargs="*", metavar="part", help=words)
    parts = parser.parse_args().parts or USUAL
    if unknown := set(parts) - set(PARTS):
        parser.error(f"the parts are {', '.join(PARTS)}; received {', '.join(sorted(unknown))}")
    begun, failed = time.monotonic(), []
    for part in parts:
        print(f"\n=== {part} (after {time.monotonic() - begun:.0f} s)", flush=True)
        if subprocess.run([sys.executable, "-m", f"benchmarks.{part}", *QUICKLY.get(part, ())]).returncode:
            failed.append(part)
    print(f"\nDone in {time.monotonic() - begun:.0f} s; see benchmarks/RESULTS.md.")
    if failed:
        sys.exit(f"Not everything went well: see above what {' and '.join(failed)} said.")


if __name__ == "__main__":
    main()
