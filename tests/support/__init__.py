"""What several tests share: networks, references, a page without a browser."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
