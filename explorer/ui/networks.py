"""Which networks a visitor can choose."""

from explorer.models import MODELS


def choices(own: dict = ()) -> list[tuple[str, str]]:
    """What the page's list shows: every registered network with what choosing it costs, then the visitor's own."""
    return [(_words(entry), name) for name, entry in MODELS.items()] + [(f"{name} · yours", name) for name in own]


def _words(entry):
    if not entry.download_bytes:
        return entry.label
    if entry.on_disk():
        return f"{entry.label} · on disk"
    return f"{entry.label} · {entry.download_bytes / 1e6:.0f} MB to download"
