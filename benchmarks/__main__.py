"""What `make bench` runs: every measurement that a processor can make in under ten minutes, one after the other.

    python -m benchmarks [forward] [batches] [compare] [scaling] [charts]

Each part is a command of its own with options of its own (`python -m benchmarks.forward --help`). Not among them, being
long: `python -m benchmarks.memory`. On a graphics card: `python -m benchmarks.gpu`.
"""

import argparse
import subprocess
import sys
import time

PARTS = ("forward", "batches", "compare", "scaling", "charts")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("parts", nargs="*", metavar="part", help=f"by default all of {', '.join(PARTS)}")
    parts = parser.parse_args().parts or PARTS
    if unknown := set(parts) - set(PARTS):
        parser.error(f"the parts are {', '.join(PARTS)}; received {', '.join(sorted(unknown))}")
    begun, failed = time.monotonic(), []
    for part in parts:
        print(f"\n=== {part} (after {time.monotonic() - begun:.0f} s)", flush=True)
        if subprocess.run([sys.executable, "-m", f"benchmarks.{part}"]).returncode:
            failed.append(part)
    print(f"\nDone in {time.monotonic() - begun:.0f} s; see benchmarks/RESULTS.md.")
    if failed:
        sys.exit(f"Not everything went well: see above what {' and '.join(failed)} said.")


if __name__ == "__main__":
    main()
