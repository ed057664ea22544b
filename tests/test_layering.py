"""The order of the packages, read from the import statements: no module is run here."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from support import ROOT

# A package imports only itself and what stands before it; the last two are beside each other.
ORDER = (
    "errors",
    "arrays",
    "caching",
    "formatting",
    "attribution",
    "network",
    "models",
    "engine",
    "studies",
    "render",
    "evaluation",
    ("cli", "ui"),
)
RANK = {name: rank for rank, entry in enumerate(ORDER) for name in ((entry,) if isinstance(entry, str) else entry)}
RANK["stderr"] = 0.5

FRAMEWORKS = {"keras", "tensorflow", "jax", "torch"}
MAY_IMPORT_FRAMEWORKS = {"network", "models"}
# keras.ops are the array functions that the mathematics is written in: no framework is chosen by them.
MAY_IMPORT_OPS = {"attribution", "engine", "studies"}
MAY_IMPORT_GRADIO = {"ui", "launch"}


def package_of(path: Path) -> str:
    """'explorer/models/toy/train.py' -> 'models', 'explorer/__init__.py' -> '__init__', 'launch.py' -> 'launch'."""
    return path.parts[1].removesuffix(".py") if path.parts[0] == "explorer" else path.stem


def imports(path: Path, source: str) -> Iterator[str]:
    """Every absolute dotted name a file imports, inside functions too: 'explorer.attribution.heatmaps.resize'."""
    package = path.parts[:-1]
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            start = package[: len(package) + 1 - node.level] if node.level else ()
            prefix = [*start, *([node.module] if node.module else [])]
            yield from (".".join([*prefix, alias.name]) for alias in node.names)


def wrong_order(path: Path, name: str) -> str | None:
    """The public API, `import explorer`, is for what stands outside of the order: cli, ui and launch.py."""
    package, parts = package_of(path), name.split(".")
    if parts[0] != "explorer" or package in ("launch", "__init__", "__main__"):
        return None
    target = parts[1] if parts[1:] and parts[1] in RANK else None
    if target is None:
        return None if package in ORDER[-1] else f"{path} imports {name}: the public API is not for what it is made of"
    if RANK[target] < RANK[package] or target == package:
        return None
    return f"{path} imports {name}, which does not stand before {package}"


def wrong_library(path: Path, name: str) -> str | None:
    package, library = package_of(path), name.split(".")[0]
    if library == "gradio" and package not in MAY_IMPORT_GRADIO:
        return f"{path} imports {name}: Gradio belongs in explorer/ui and launch.py"
    if library not in FRAMEWORKS or package in MAY_IMPORT_FRAMEWORKS:
        return None
    if package in MAY_IMPORT_OPS and (name == "keras.ops" or name.startswith("keras.ops.")):
        return None
    return f"{path} imports {name}: only {' and '.join(sorted(MAY_IMPORT_FRAMEWORKS))} know a framework"


def faults(path: Path, source: str) -> list[str]:
    """What is wrong with one file; its path is given from the repository's root."""
    if path.parts[0] == "explorer" and package_of(path) not in {*RANK, "__init__", "__main__"}:
        return [f"{path} is in no package of the order"]
    return [
        fault
        for name in imports(path, source)
        for fault in (wrong_order(path, name), wrong_library(path, name))
        if fault
    ]


def sources() -> list[Path]:
    files = [*sorted((ROOT / "explorer").rglob("*.py")), ROOT / "launch.py"]
    return [file.relative_to(ROOT) for file in files]


@pytest.mark.parametrize("path", sources(), ids=str)
def test_file_keeps_the_order(path):
    found = faults(path, (ROOT / path).read_text(encoding="utf-8"))
    assert not found, "\n".join(found)


@pytest.mark.parametrize(
    ("path", "source", "said"),
    [
        ("explorer/attribution/heatmaps.py", "from explorer.network.classifier import Classifier", "stand before"),
        ("explorer/attribution/heatmaps.py", "from explorer.engine import sweep", "stand before"),
        ("explorer/attribution/methods/grad_cam.py", "from ...engine.run import explain", "stand before"),
        ("explorer/attribution/methods/grad_cam.py", "from ... import render", "stand before"),
        ("explorer/engine/sweep.py", "def f():\n    from ..render import overlays", "stand before"),
        ("explorer/models/entry.py", "from explorer import load", "public API"),
        ("explorer/models/entry.py", "import explorer", "public API"),
        ("explorer/errors.py", "import explorer.attribution.quadrature", "stand before"),
        ("explorer/errors.py", "import explorer.stderr", "stand before"),
        ("explorer/render/export.py", "import explorer.ui.text", "stand before"),
        ("explorer/cli/main.py", "from explorer.ui import app", "stand before"),
        ("explorer/ui/app.py", "from explorer.cli import progress", "stand before"),
        ("explorer/render/sheet.py", "import gradio as gr", "Gradio belongs"),
        ("explorer/__main__.py", "from gradio import Blocks", "Gradio belongs"),
        ("explorer/engine/images.py", "import keras", "know a framework"),
        ("explorer/ui/app.py", "from tensorflow import Tensor", "know a framework"),
        ("explorer/render/overlays.py", "from keras import ops", "know a framework"),
        ("explorer/attribution/heatmaps.py", "from keras import Model", "know a framework"),
        ("launch.py", "import keras", "know a framework"),
        ("explorer/helpers.py", "", "no package"),
    ],
)
def test_a_planted_violation_is_caught(path, source, said):
    found = faults(Path(path), source)
    assert len(found) == 1, f"exactly one fault was planted in {path}, and {found} were reported"
    assert said in found[0], "the report names the rule that was broken"


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("explorer/attribution/methods/grad_cam.py", "from keras import ops\nfrom ..path import LayerPath_"),
        ("explorer/attribution/heatmaps.py", "import keras.ops as ops\nfrom explorer.errors import InputError"),
        ("explorer/network/classifier.py", "import keras\nfrom .backend import gradients"),
        ("explorer/models/toy/train.py", "import tensorflow as tf\nfrom .scenes import d\nfrom .. import load"),
        ("explorer/cli/explain.py", "import explorer\nfrom explorer import METHODS, render"),
        ("explorer/__init__.py", "from .engine.run import explain\nfrom .models import load"),
        ("explorer/ui/app.py", "import gradio as gr\nfrom explorer.render import export"),
        ("launch.py", "import gradio\nfrom explorer.ui.app import build"),
    ],
)
def test_what_the_order_allows_is_not_reported(path, source):
    assert faults(Path(path), source) == [], f"{path} keeps the order"


def test_the_api_does_not_need_gradio():
    code = "import sys; from explorer import *; assert 'gradio' not in sys.modules"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT).returncode == 0, (
        "importing explorer must not import Gradio, which costs seconds and which scripts have no use for"
    )
