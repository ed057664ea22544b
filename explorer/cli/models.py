"""python -m explorer models"""

from explorer.models import MODELS
from explorer.models.weights import megabytes


def run(arguments):
    """One line for each classifier that can be loaded: whether its weights are there, and else how large they are."""
    wide = max(len(name) for name in MODELS)
    for name, entry in MODELS.items():
        place = "on disk" if entry.on_disk() else f"download {megabytes(entry.download_bytes)}"
        print(f"{name:<{wide}}  {place:<15}  {entry.label}: {entry.about}")
    return 0
