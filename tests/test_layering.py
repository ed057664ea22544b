"""The layout of DESIGN.md, enforced over the import statements: no module is run here."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
MOST_LINES = 300

# A file imports only from its own group and the groups before it. "explorer" itself is the public API.
GROUPS = {
    "errors": ("errors", "quiet"),
    "mathematics": ("integrals", "scores", "layer_path", "methods", "heatmaps", "measures", "baseline_measures"),
    "network": (
        "backend", "tap", "names", "inputs", "ends", "layers", "classifier", "samplers", "zoo", "loaded",
        "scenes",
    ),
    "use case": (
        "images", "baselines", "sweep", "appraisal", "placement", "comparison", "sampling", "applies", "request",
        "straight", "masking", "further", "explain", "recent", "neutral", "pictured", "positive", "vulnerability",
        "margins", "player", "convergence",
    ),
    "API": ("explorer",),
    "shown": ("overlays", "charts", "charts_scores", "charts_baselines", "charts_path", "figure", "export"),
    "outer faces": ("terminal", "evaluation", "__main__", "ui"),
}
RANK = {part: rank for rank, parts in enumerate(GROUPS.values()) for part in parts}
GROUP_OF = {part: group for group, parts in GROUPS.items() for part in parts}

FRAMEWORKS = {"keras", "tensorflow", "jax", "torch"}
MAY_IMPORT_FRAMEWORKS = set(GROUPS["network"])
MAY_IMPORT_GRADIO = {"ui", "launch"}
# The array functions are no framework: the mathematics is written in them, and what folds a path only joins arrays.
MAY_IMPORT_OPS = {*GROUPS["mathematics"], "sweep", "appraisal", "neutral"}


def part_of(path: Path) -> str:
    """'explorer/scenes/draw.py' -> 'scenes', 'explorer/__init__.py' -> 'explorer'."""
    if path.parts[0] != "explorer":
        return path.stem
    if path.parts[1] == "__init__.py":
        return "explorer"
    return path.parts[1].removesuffix(".py")


def imported(path: Path, tree: ast.AST) -> Iterator[str]:
    """Every absolute dotted name a file imports, inside functions too: 'explorer.heatmaps.resize'."""
    package = path.parts[:-1]
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            start = package[: len(package) + 1 - node.level] if node.level else ()
            prefix = [*start, *([node.module] if node.module else [])]
            yield from (".".join([*prefix, alias.name]) for alias in node.names)


def wrong_group(path: Path, name: str) -> str | None:
    part, (top, *rest) = part_of(path), name.split(".")
    if top != "explorer" or part == "launch":
        return None
    target = rest[0] if rest and rest[0] in RANK else "explorer"
    if RANK[target] <= RANK[part]:
        return None
    return f"{path} ({GROUP_OF[part]}) imports {name} ({GROUP_OF[target]}), a group below its own"


def wrong_library(path: Path, name: str) -> str | None:
    part, top = part_of(path), name.split(".")[0]
    if top == "gradio" and part not in MAY_IMPORT_GRADIO:
        return f"{path} imports {name}: Gradio belongs in explorer/ui and launch.py"
    if top not in FRAMEWORKS or part in MAY_IMPORT_FRAMEWORKS:
        return None
    if part in MAY_IMPORT_OPS and (name == "keras.ops" or name.startswith("keras.ops.")):
        return None
    return f"{path} imports {name}: only {', '.join(sorted(MAY_IMPORT_FRAMEWORKS))} know a framework"


def faults(path: Path, source: str) -> list[str]:
    """What is wrong with one file; its path is given from the repository's root."""
    found = []
    if path.parts[0] == "explorer":
        if part_of(path) not in RANK:
            return [f"{path} is in no group of the layout: say in DESIGN.md and here which one it joins"]
        if (lines := source.count("\n")) > MOST_LINES:
            found.append(f"{path} has {lines} lines, more than {MOST_LINES}: divide it")
    for name in imported(path, ast.parse(source)):
        found += [fault for fault in (wrong_group(path, name), wrong_library(path, name)) if fault]
    return found


def sources() -> list[Path]:
    files = [*sorted((ROOT / "explorer").rglob("*.py")), ROOT / "launch.py"]
    return [file.relative_to(ROOT) for file in files if file.exists()]


@pytest.mark.parametrize("path", sources(), ids=str)
def test_file_keeps_the_layout(path):
    found = faults(path, (ROOT / path).read_text(encoding="utf-8"))
    assert not found, "\n".join(found)


@pytest.mark.parametrize(
    ("path", "source", "said"),
    [
        ("explorer/heatmaps.py", "from explorer.classifier import Classifier", "a group below its own"),
        ("explorer/heatmaps.py", "from explorer import sweep", "a group below its own"),
        ("explorer/methods/grad_cam.py", "from ..explain import explain", "a group below its own"),
        ("explorer/methods/grad_cam.py", "from .. import export", "a group below its own"),
        ("explorer/sweep.py", "def f():\n    from . import overlays", "a group below its own"),
        ("explorer/zoo.py", "from explorer import load", "a group below its own"),
        ("explorer/errors.py", "import explorer.integrals", "a group below its own"),
        ("explorer/export.py", "import explorer.ui.text", "a group below its own"),
        ("explorer/charts.py", "import gradio as gr", "Gradio belongs"),
        ("explorer/__main__.py", "from gradio import Blocks", "Gradio belongs"),
        ("explorer/images.py", "import keras", "know a framework"),
        ("explorer/ui/app.py", "from tensorflow import Tensor", "know a framework"),
        ("explorer/overlays.py", "from keras import ops", "know a framework"),
        ("explorer/heatmaps.py", "from keras import Model", "know a framework"),
        ("launch.py", "import keras", "know a framework"),
        ("explorer/helpers.py", "", "no group"),
        ("explorer/charts.py", "\n" * (MOST_LINES + 1), "divide it"),
    ],
)
def test_a_planted_violation_is_caught(path, source, said):
    found = faults(Path(path), source)
    assert len(found) == 1, f"exactly one fault was planted in {path}, and {found} were reported"
    assert said in found[0], "the report names the rule that was broken"


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("explorer/methods/grad_cam.py", "from keras import ops\nfrom ..layer_path import LayerPath"),
        ("explorer/heatmaps.py", "import keras.ops as ops\nfrom explorer.errors import InputError"),
        ("explorer/classifier.py", "import keras\nfrom .backend import gradients"),
        ("explorer/scenes/train.py", "import tensorflow as tf\nfrom .draw import d\nfrom ..zoo import load"),
        ("explorer/export.py", "import explorer\nfrom explorer import METHODS, overlays"),
        ("explorer/__init__.py", "from .explain import explain\nfrom .zoo import load"),
        ("explorer/ui/app.py", "import gradio as gr\nfrom explorer import export"),
        ("launch.py", "import gradio\nfrom explorer.ui.app import build"),
        ("explorer/charts.py", "\n" * MOST_LINES),
    ],
)
def test_what_the_layout_allows_is_not_reported(path, source):
    assert faults(Path(path), source) == [], f"{path} keeps the layout"


def test_the_api_does_not_need_gradio():
    code = "import sys; from explorer import *; assert 'gradio' not in sys.modules"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT).returncode == 0, (
        "importing explorer must not import Gradio, which costs seconds and which scripts have no use for"
    )
