"""A result taken home: what the files hold, and that none is lost."""

import json
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from explorer.attribution.path import Path
from explorer.engine.images import fit
from explorer.engine.result import Result
from explorer.errors import InputError
from explorer.network.layers import Layer
from explorer.render import export, sheet
from explorer.render.overlays import colour_bar, overlay

METHODS = ("grad_cam", "integrated_grad_cam", "rsi_grad_cam")
FILES = {"a.png", "a.npz", "a.json", *(f"a_{method}.png" for method in METHODS)}


def blob(height, width, row, column):
    rows, columns = np.mgrid[:height, :width]
    return np.exp(-((rows - row) ** 2 + (columns - column) ** 2) / 4).astype(np.float32)


class MadeUp(SimpleNamespace):
    """What a Result reads of its Question."""

    def record(self, layer, class_index):
        return self.settings | {"layer": layer.name, "class_index": class_index}


def make_comparison(cams=None, size=(64, 96), class_name="sailing boat", settings=None, **changes):
    """A Result as `explain` returns it, of made-up maps: Grad-CAM dark, the others not."""
    shown = cams or {"grad_cam": 4e-11 * blob(4, 6, 1, 4), "integrated_grad_cam": 3e-4 * blob(4, 6, 2, 1)}
    if cams is None:
        shown["rsi_grad_cam"] = 2e-3 * blob(4, 6, 1, 4)
    pixels = np.random.default_rng(1).integers(0, 256, (2, *size, 3), dtype=np.uint8)
    told = {
        "model": "toy-vgg",
        "layer": "block5_pool",
        "class_index": 1,
        "class_name": class_name,
        "baseline": "black",
        "steps": 3,
        "score": "probability",
        "gradients": "raw",
        "units": "selected",
        "quadrature": "trapezoid",
        "methods": list(shown),
    }
    question = MadeUp(
        image=pixels[0],
        baseline_image=pixels[1],
        classifier=SimpleNamespace(class_names=("cup", class_name, "tree"), kind="softmax"),
        settings=told | (settings or {}),
        score="probability",
        gradients="raw",
        units="selected",
    )
    values = {
        "question": question,
        "epsilon": 1e-8,
        "class_index": 1,
        "layer": Layer("block5_pool", (4, 6, 8), separates=True),
        "path": scored(np.linspace(0, 1, 4), [0.1, 0.9, 1, 1]),
        "completeness_gap": 0.0012,
        "vanished": False,
        "cams": shown,
    }
    return Result(**values | changes)


def scored(alphas, scores):
    """A path that is not held, at the end of which the class has p = 1 − 2e-8."""
    logits = np.tile(np.log(np.array([2e-8, 1 - 2e-8, 1e-30])), (len(alphas), 1))
    return Path(np.float32(alphas), None, None, np.float32(scores), logits=logits)


def read_strictly(path):
    """JSON as any other language reads it: NaN and Infinity are no JSON."""

    def refuse(word):
        raise AssertionError(f"{word} is no JSON")

    return json.loads(path.read_text(encoding="utf-8"), parse_constant=refuse)


def pixels_of(path):
    return np.asarray(Image.open(path))


def find(whole, part):
    """The top left corners at which the sheet holds these very pixels."""
    height, width = part.shape[:2]
    starts = np.argwhere((whole[: len(whole) - height + 1, : whole.shape[1] - width + 1] == part[0, 0]).all(-1))
    return [(y, x) for y, x in starts if np.array_equal(whole[y : y + height, x : x + width], part)]


def test_save_writes_every_file_and_names_it(tmp_path):
    paths = export.save(make_comparison(), tmp_path / "new" / "folder", "a")
    assert {path.name for path in paths} == FILES, "the paths returned are the files of the contract"
    assert {path.name for path in (tmp_path / "new" / "folder").iterdir()} == FILES, "and no others are there"


def test_the_arrays_are_the_raw_ones(tmp_path):
    result = make_comparison()
    export.save(result, tmp_path, "a")
    with np.load(tmp_path / "a.npz") as held:
        assert set(held) == {"alphas", "scores"} | {f"{m}_{part}" for m in METHODS for part in ("cam", "heatmap")}
        for method in METHODS:
            cam, heatmap = held[f"{method}_cam"], held[f"{method}_heatmap"]
            assert cam.dtype == heatmap.dtype == np.float32
            assert np.array_equal(cam, result.cams[method]), "the cam is not normalised, not even a faint one"
            assert np.array_equal(heatmap, result[method].heatmap), "the heatmap is the one on the screen"
        assert np.array_equal(held["alphas"], result.path.alphas)
        assert np.array_equal(held["scores"], result.path.scores)


def test_the_overlays_are_written_without_loss(tmp_path):
    result = make_comparison()
    export.save(result, tmp_path, "a", colormap="viridis", opacity=0.8)
    for method in METHODS:
        expected = overlay(result.image, result[method].heatmap, "viridis", 0.8)
        assert np.array_equal(pixels_of(tmp_path / f"a_{method}.png"), expected), f"{method}: the colours asked for"


def test_the_record_holds_every_setting_and_result(tmp_path):
    result = make_comparison()
    export.save(result, tmp_path, "a", "viridis", 0.8, picture="pictures/a.jpg")
    told = read_strictly(tmp_path / "a.json")
    expected = {**result.settings, "epsilon": 1e-8, "colormap": "viridis", "opacity": 0.8}
    assert told["settings"] == expected, "every setting is told, so that the result can be had again"
    assert told["picture"] == "pictures/a.jpg"
    assert told["probability"] == pytest.approx(1 - 2e-8, abs=1e-15)
    assert told["one_minus_probability"] == pytest.approx(2e-8, rel=1e-6), "without cancellation"
    assert told["completeness_gap"] == 0.0012
    assert [entry["class_name"] for entry in told["most_probable"]] == ["sailing boat", "cup", "tree"]
    assert told["layer"] == {"name": "block5_pool", "shape": [4, 6, 8], "cuts": True}
    for method in METHODS:
        explanation, said = result[method], told["methods"][method]
        assert said["verdict"] == str(explanation.verdict) and said["label"] == explanation.label
        assert said["reason"] == explanation.verdict.reason and said["advice"] == explanation.verdict.advice
        assert said["maximum"] == float(explanation.cam.max()), "the maximum is of the raw map"
    assert told["methods"]["grad_cam"]["verdict"] == "dark", "the made-up Grad-CAM is below ε"


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_map_that_is_not_finite_is_still_strict_json(tmp_path, value):
    cams = {"grad_cam": np.full((4, 6), value, np.float32), "rsi_grad_cam": blob(4, 6, 1, 1)}
    scores = np.array([0, value], np.float32)
    result = make_comparison(cams, path=scored([0, 1], scores))
    export.save(replace(result, completeness_gap=float(value)), tmp_path, "a")
    told = read_strictly(tmp_path / "a.json")
    assert told["methods"]["grad_cam"]["maximum"] is None and told["completeness_gap"] is None, "no number is null"
    assert told["score_at_baseline"] == 0 and told["score_at_picture"] is None
    assert told["methods"]["grad_cam"]["verdict"] == "non-finite"
    assert told["methods"]["rsi_grad_cam"]["maximum"] == 1, "the other method is told as always"


def test_a_folder_that_cannot_be_written_is_the_users_to_mend(tmp_path):
    (tmp_path / "taken").write_text("a file where the folder should be")
    with pytest.raises(InputError, match="taken"):
        export.save(make_comparison(), tmp_path / "taken", "a")


@pytest.mark.parametrize(
    "stems", [("a", "a", "a"), ("a", "A"), ("a", "a_grad_cam"), ("a_rsi_grad_cam", "a"), ("a", "a-2", "a")]
)
def test_pictures_called_alike_do_not_overwrite_each_other(tmp_path, stems):
    taken, files = set(), []
    for stem in stems:
        chosen = export.free_stem(tmp_path, stem, METHODS, taken)
        files += [str(path).casefold() for path in export.written(tmp_path, chosen, METHODS).values()]
    assert len(set(files)) == len(files), f"{stems}: no file is written twice, on disks that ignore case either"


def test_a_picture_alone_keeps_its_name(tmp_path):
    assert export.free_stem(tmp_path, "a", METHODS, set()) == "a"


def test_results_do_not_overwrite_the_picture_explained(tmp_path):
    taken = export.claim([tmp_path / "a.png", tmp_path / "b.jpg"])
    chosen = [export.free_stem(tmp_path, stem, METHODS, taken) for stem in ("a", "b")]
    assert chosen == ["a-2", "b"], "a.png is the user's own, and nothing is written over b.jpg"
    elsewhere = export.free_stem(tmp_path / "out", "a", METHODS, taken)
    assert elsewhere == "a", "in another folder there is nothing to protect"


@pytest.mark.parametrize("size", [(64, 96), (96, 64), (32, 128), (224, 224)])
def test_the_figure_shows_the_picture_and_every_overlay(size):
    result = make_comparison(size=size)
    whole = export.side_by_side(result, "viridis", 0.7)
    assert whole.dtype == np.uint8 and whole.ndim == 3 and whole.shape[2] == 3
    height = max(1, round(sheet.PANEL * size[0] / size[1]))
    shown = [result.image, *(overlay(result.image, e.heatmap, "viridis", 0.7) for e in result)]
    places = [find(whole, fit(picture, height, sheet.PANEL)) for picture in shown]
    assert all(len(found) == 1 for found in places), "each is there once, its proportions kept"
    corners = [found[0] for found in places]
    assert len({y for y, _ in corners}) == 1, "side by side: all at one height"
    assert sorted(corners) == corners, "in the order of the methods"
    bar = colour_bar("viridis", height, sheet.BAR)
    assert find(whole, bar), "with the bar of the colormap used"


def test_a_map_changes_its_own_column_alone():
    result = make_comparison()
    other = replace(result, cams={**result.cams, "rsi_grad_cam": 2e-3 * blob(4, 6, 3, 0)})
    before, after = export.side_by_side(result), export.side_by_side(other)
    changed = np.argwhere((before != after).any(axis=(0, 2)))
    left = sheet.MARGIN + 3 * (sheet.PANEL + sheet.GAP)
    assert changed.min() >= left and changed.max() < left + sheet.PANEL, "another RSI-Grad-CAM, another third column"


def test_a_map_that_shows_nothing_is_explained_in_words():
    clear = {"grad_cam": blob(4, 6, 1, 4), "rsi_grad_cam": blob(4, 6, 1, 4)}
    heights = {}
    for name, cam in {
        "ok": clear["grad_cam"],
        "dark": 1e-12 * clear["grad_cam"],
        "blank": 0 * clear["grad_cam"],
        "non-finite": np.nan * clear["grad_cam"],
    }.items():
        result = make_comparison(clear | {"grad_cam": cam})
        assert result["grad_cam"].verdict == name, "the made-up map is what it is meant to be"
        heights[name] = len(export.side_by_side(result))
    assert all(heights[name] > heights["ok"] for name in heights if name != "ok"), f"lines are added: {heights}"


@pytest.mark.parametrize("name", ["Ελλάδα", "Привет", "žluťoučký kůň", "ε × σ − ½ ·"])
def test_words_are_drawn_in_most_alphabets(name):
    drawn = sheet.Sheet(400)
    drawn.text(name, 10, 10, 20)
    asked = sheet.Sheet(400)
    asked.text("?" * len(name), 10, 10, 20)
    assert (drawn.pixels < 128).any(), "something is drawn"
    assert not np.array_equal(drawn.pixels, asked.pixels), "and it is not a row of question marks"


@pytest.mark.parametrize("name", ["a class with a name that no line can hold " * 6, "unbroken" * 40])
def test_long_words_stay_within_the_margins(name):
    baseline = {"baseline": f"{name}.png"}
    one = make_comparison({"rsi_grad_cam": blob(4, 6, 1, 4)}, class_name=name)
    whole = export.side_by_side(make_comparison({"rsi_grad_cam": blob(4, 6, 1, 4)}, class_name=name, settings=baseline))
    assert (whole[:, -sheet.MARGIN :] == 255).all(), "the right margin stays white, whatever a class is called"
    usual = export.side_by_side(one)
    overlays = slice(sheet.MARGIN + sheet.PANEL, None)
    assert np.array_equal(whole[:, overlays], usual[:, overlays]), "a baseline's name stays under its own picture"


def test_a_layer_that_is_by_passed_raises_no_false_alarm():
    by_passed = make_comparison(layer=Layer("add", (4, 6, 8), separates=False), completeness_gap=None)
    unchanged = make_comparison(completeness_gap=None)
    words = [sheet._reading_line(result) for result in (make_comparison(), by_passed, unchanged)]
    assert "0.12 %" in words[0] and "by-passes" in words[1] and "does not change" in words[2]


@pytest.mark.parametrize(
    ("value", "written"), [(0, "0"), (1e-8, "1e-8"), (4.21e-11, "4.21e-11"), (0.0021, "0.0021"), (None, "not finite")]
)
def test_numbers_are_short(value, written):
    assert sheet._number(value) == written


def test_a_paragraph_loses_no_word():
    words = " ".join(f"word{number}" for number in range(60))
    lines = list(sheet.Sheet(500)._broken(words, 440, 15, sheet.REGULAR))
    assert len(lines) > 1 and " ".join(lines) == words, "lines are broken between words, and all of them are drawn"
