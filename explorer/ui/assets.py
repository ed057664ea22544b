"""The files that the browser gets: pictures, styles and scripts."""

from pathlib import Path

ASSETS = Path(__file__).resolve().parents[2] / "assets"


def script(name: str) -> str:
    return (ASSETS / name).read_text(encoding="utf-8")
