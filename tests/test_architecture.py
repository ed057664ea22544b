"""docs/architecture.md: its picture is of these imports, and its recipes are followed to the letter."""

import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys

import numpy as np
import pytest

from support import ROOT

TEXT = (ROOT / "docs" / "architecture.md").read_text("utf-8")
RECIPES = dict(re.findall(r"## Add a (\w+)\n.*?```diff\n(.*?)\n```", TEXT, re.DOTALL))
PICTURE = ROOT / "assets" / "examples" / "bicycle.png"


def test_the_picture_is_of_these_imports():
    spec = importlib.util.spec_from_file_location("draw_architecture", ROOT / "docs" / "draw_architecture.py")
    drawing = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(drawing)
    assert drawing.PICTURE.read_text("utf-8") == drawing.svg(drawing.arrows()), "python docs/draw_architecture.py"
    assert ("engine", "network") in drawing.arrows() and ("network", "engine") not in drawing.arrows()


def test_every_module_that_is_named_is_there():
    named = re.findall(r"`((?:\w+/)+\w*(?:\.py)?)`", TEXT.split("## Add a method")[0])
    assert len(named) > 15
    for name in named:
        path = ROOT / name if name.startswith(("explorer/", "tests/", "docs/")) else ROOT / "explorer" / name
        assert path.exists(), f"{name} is named, and not there"


@pytest.fixture
def recipe(tmp_path):
    """A function that follows one recipe on a copy of the project and runs Python there."""

    def follow(name, *arguments):
        for folder in ("explorer", "assets"):
            shutil.copytree(ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__"))
        patch = tmp_path / "recipe.diff"
        patch.write_text(RECIPES[name] + "\n", encoding="utf-8")
        subprocess.run(["git", "apply", str(patch)], cwd=tmp_path, check=True)
        environment = os.environ | {"PYTHONPATH": str(tmp_path), "TF_CPP_MIN_LOG_LEVEL": "3"}
        done = subprocess.run(
            [sys.executable, *arguments], cwd=tmp_path, env=environment, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr[-2000:]
        return done.stdout

    return follow


@pytest.mark.process
def test_a_method_is_added_as_the_recipe_says(recipe, tmp_path, classifier):
    asked = ("--methods", "hires_cam,grad_cam", "--steps", "1", "--layer", "block5_pool", "--out", "out")
    recipe("method", "-m", "explorer", "explain", str(PICTURE), *asked)
    told = json.loads((tmp_path / "out" / "bicycle.json").read_text("utf-8"))
    assert told["methods"]["hires_cam"]["label"] == "HiResCAM" and told["settings"]["methods"] == [
        "hires_cam",
        "grad_cam",
    ]
    found = np.load(tmp_path / "out" / "bicycle.npz")["hires_cam_cam"]
    import explorer

    path = explorer.explain(classifier, PICTURE, layer="block5_pool", steps=1).path.numpy()
    expected = np.maximum((path.gradients[-1].astype(np.float64) * path.activations[-1]).sum(axis=2), 0)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5 * expected.max(), err_msg="the equation, in NumPy")
    assert expected.any() and (tmp_path / "out" / "bicycle_hires_cam.png").exists()


@pytest.mark.process
def test_a_page_is_added_as_the_recipe_says(recipe):
    script = """
import types, numpy as np, gradio as gr
from explorer.ui.pages import OTHERS
page = OTHERS["classes"]
with gr.Blocks():
    places = page.build()
result = types.SimpleNamespace(
    probabilities=np.array([0.1, 0.7, 0.2]), classifier=types.SimpleNamespace(class_names=["cat", "dog", "fish"]))
shown = page.show(None, types.SimpleNamespace(result=result), None, False, None)
assert shown.keys() == places.keys(), "every place is shown something"
print(shown["classes"][0])
"""
    assert recipe("page", "-c", script).strip().endswith("['dog', 0.7]")


@pytest.mark.process
def test_a_setting_is_added_as_the_recipe_says(recipe, tmp_path):
    script = f"""
import types
import explorer
from explorer.cli.main import main
from explorer.engine.question import Question
assert main(["explain", {str(PICTURE)!r}, "--steps", "2", "--floor", "0.05", "--out", "out"]) == 0
net = explorer.load("toy-vgg")
plain, other = (Question(classifier=net, image={str(PICTURE)!r}, steps=2, floor=floor) for floor in (0.0, 0.05))
assert plain.key != other.key, "another question to the cache"
raw = explorer.explain(net, {str(PICTURE)!r}, steps=2, floor=0.05)["rsi_grad_cam"].raw
assert raw.max() > 0.05 and ((raw == 0) | (raw >= 0.05)).all()
import gradio as gr
from explorer.ui.controls import Controls, choices_column
from explorer.ui.question import question
with gr.Blocks():
    components, *_ = choices_column()
assert components.settings["floor"].label == "Raw values below this count as zero"
values = [one.value for one in components.all()]
values[-1] = 0.05
session = types.SimpleNamespace(network=None, is_old=lambda controls: False, explained=None)
picture = types.SimpleNamespace(asks={{}})
asks, _ = question(session, Controls.of(values), net, session.network, picture)
assert list(components.settings)[-1] == "floor" and asks["floor"] == 0.05, "what the page asks"
try:
    main(["explain", "--help"])
except SystemExit:
    pass
"""
    assert "--floor FLOOR" in recipe("setting", "-c", script)
    assert json.loads((tmp_path / "out" / "bicycle.json").read_text("utf-8"))["settings"]["floor"] == 0.05
