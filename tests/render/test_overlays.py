"""Colours say what they mean: red before blue, nothing hidden, one scale where one is asked for."""

import cv2
import numpy as np
import pytest

from explorer.errors import InputError
from explorer.render import overlays
from explorer.render.overlays import COLORMAPS, colour, colour_bar, overlay, shared_scale

RNG = np.random.default_rng(0)
IMAGE = RNG.integers(0, 256, (6, 9, 3), dtype=np.uint8)
HEATMAP = RNG.random((6, 9), dtype=np.float32)


def lightness(table):
    """CIE L* of RGB colours, (n, 3) uint8 -> (n,)."""
    return cv2.cvtColor((table[None] / 255).astype(np.float32), cv2.COLOR_RGB2LAB)[0, :, 0]


def test_tables_are_rgb_and_cannot_be_changed():
    for name, table in COLORMAPS.items():
        assert table.shape == (256, 3) and table.dtype == np.uint8, f"{name} is 256 RGB colours"
        with pytest.raises(ValueError):
            table[0] = 0
    with pytest.raises(TypeError):
        COLORMAPS["mine"] = COLORMAPS["hot"]


def test_red_comes_before_blue():
    hot = COLORMAPS["hot"].astype(int)
    assert (hot[:, 0] >= hot[:, 2]).all(), "hot goes black, red, yellow, white: never more blue than red"
    assert hot[100].tolist()[1:] != [0, 255] and hot[80, 0] > 150 > hot[80, 2], "a third of the way up it is red"
    jet = COLORMAPS["jet"].astype(int)
    assert jet[0, 2] > jet[0, 0] and jet[255, 0] > jet[255, 2], "jet runs from blue to red"
    viridis = COLORMAPS["viridis"]
    assert np.abs(viridis[0].astype(int) - [68, 1, 84]).max() <= 2, "viridis begins in its published purple"
    assert np.abs(viridis[255].astype(int) - [253, 231, 37]).max() <= 2, "and ends in its published yellow"


def test_perceptual_ones_come_first_and_are():
    assert tuple(COLORMAPS)[: len(overlays.PERCEPTUAL)] == overlays.PERCEPTUAL, "perceptual ones come first"
    assert next(iter(COLORMAPS)) == overlays.DEFAULT_COLORMAP == "inferno", "inferno is the default"
    for name in overlays.PERCEPTUAL:
        assert (np.diff(lightness(COLORMAPS[name])) > -0.7).all(), f"the lightness of {name} only rises"
    assert (np.diff(lightness(COLORMAPS["jet"])) < -0.7).any(), "that of jet does not: the test can fail"


@pytest.mark.parametrize("colormap", COLORMAPS)
def test_opacity_runs_from_picture_to_colours(colormap):
    colours = colour(HEATMAP, colormap)
    assert np.array_equal(overlay(IMAGE, HEATMAP, colormap, 0), IMAGE), "opacity 0 is the picture"
    assert np.array_equal(overlay(IMAGE, HEATMAP, colormap, 1), colours), "opacity 1 is the pure colours"
    half = overlay(IMAGE, HEATMAP, colormap, 0.5).astype(float)
    assert np.abs(half - (IMAGE.astype(float) + colours) / 2).max() <= 0.5, "opacity ½ is halfway"


def test_colour_reads_the_table():
    table = COLORMAPS["viridis"]
    assert np.array_equal(colour(np.array([[0.0, 1.0]]), "viridis")[0], table[[0, 255]]), "0 and 1 are the ends"
    assert np.array_equal(colour(np.array([[-0.1, 1.1]]), "viridis")[0], table[[0, 255]]), "beyond them too"
    every = colour(np.arange(256)[None] / 255, "viridis")[0]
    assert np.array_equal(every, table), "each of 256 steps has its own colour"
    assert colour(HEATMAP).dtype == np.uint8 and np.array_equal(colour(HEATMAP), colour(HEATMAP, "inferno"))


@pytest.mark.parametrize("missing", [np.nan, np.inf, -np.inf])
def test_no_value_is_drawn_in_no_colour_of_any_map(missing):
    heatmap = np.full((16, 16), missing)
    heatmap[0, 0] = 1
    for name, table in COLORMAPS.items():
        seen = colour(heatmap, name)
        assert np.array_equal(seen[0, 0], table[255]), "a value beside missing ones keeps its colour"
        chequers = np.unique(seen[4:].reshape(-1, 3), axis=0)
        assert len(chequers) == 2 and (chequers == chequers[:, :1]).all(), "no value is two greys, chequered"
    assert np.array_equal(overlay(np.zeros((16, 16, 3), np.uint8), heatmap, opacity=0), np.zeros((16, 16, 3)))


def test_colour_bar():
    table = COLORMAPS["magma"]
    upright = colour_bar("magma", 256, 3)
    assert np.array_equal(upright[:, 1], table[::-1]), "upright, 1 is at the top"
    lying = colour_bar("magma", 3, 256)
    assert np.array_equal(lying[1], table), "lying, 1 is at the right"
    assert colour_bar(height=40, width=12).shape == (40, 12, 3), "height comes first"
    with pytest.raises(InputError):
        colour_bar("magma", 0, 5)


def test_shared_scale_keeps_the_proportions():
    raws = {"faint": np.array([[0, 1e-10]]), "clear": np.array([[1e-4, 2e-4]])}
    shared = shared_scale(raws, 1e-8)
    spread = 2e-4 + 1e-8
    assert np.allclose(shared["clear"], raws["clear"] / spread), "(26) with the least and greatest of all maps"
    assert shared["faint"].max() < 1e-6, "a map a million times fainter looks it"
    alone = shared_scale({"clear": raws["clear"]}, 1e-8)["clear"]
    assert np.allclose(alone, (raws["clear"] - 1e-4) / (1e-4 + 1e-8), atol=1e-6), "alone it is (26) as it stands"


def test_shared_scale_with_nothing_to_scale():
    raws = {"broken": np.array([[np.nan, 5.0]]), "blank": np.zeros((1, 2)), "clear": np.array([[0.0, 1.0]])}
    shared = shared_scale(raws, 1e-8)
    assert np.allclose(shared["clear"], [[0, 1]]), "a map that is not finite has no share in the scale"
    assert not shared["broken"].any() and not shared["blank"].any(), "and is zero itself, as a blank one is"
    assert not shared_scale({"broken": raws["broken"]}, 1e-8)["broken"].any(), "also where it is the only one"
    assert shared_scale({}, 1e-8) == {}, "no maps, no scale"


def test_mistakes_are_told_in_a_sentence():
    with pytest.raises(InputError, match="did you mean viridis"):
        colour(HEATMAP, "virids")
    with pytest.raises(InputError, match="inferno, viridis"):
        colour(HEATMAP, None)
    for opacity in (-0.1, 1.1, float("nan")):
        with pytest.raises(InputError, match="opacity"):
            overlay(IMAGE, HEATMAP, opacity=opacity)
    with pytest.raises(InputError, match="size of its picture"):
        overlay(IMAGE, HEATMAP.T)
    with pytest.raises(InputError, match="size of its picture"):
        overlay(IMAGE.astype(float), HEATMAP)
    with pytest.raises(InputError, match="shape"):
        colour(IMAGE)
