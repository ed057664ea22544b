"""How well a heatmap lies on what it should show: closed forms, laws, and a slow count."""

import numpy as np
import pytest

from explorer.errors import InputError
from explorer.measures import inside, pixel_energy, pointing_game

HEIGHT, WIDTH = 5, 7
RAMP = np.arange(HEIGHT * WIDTH, dtype=np.float32).reshape(HEIGHT, WIDTH)


def counted(heatmap, boxes):
    """The share of the mass inside, pixel by pixel."""
    held = 0.0
    for y in range(heatmap.shape[0]):
        for x in range(heatmap.shape[1]):
            held += float(heatmap[y, x]) * any(l <= x < r and t <= y < b for l, t, r, b in boxes)  # noqa: E741
    return held / float(heatmap.sum())


@pytest.mark.parametrize("seed", range(20))
def test_energy_is_the_mass_counted_pixel_by_pixel(seed):
    rng = np.random.default_rng(seed)
    heatmap = rng.random((HEIGHT, WIDTH))
    corners = rng.integers(-2, 9, (1 + seed % 3, 4))
    boxes = [(min(a, c), min(b, d), max(a, c), max(b, d)) for a, b, c, d in corners.tolist()]
    assert pixel_energy(heatmap, boxes) == pytest.approx(counted(heatmap, boxes)), f"boxes {boxes}"
    assert pixel_energy(8 * heatmap, boxes) == pytest.approx(pixel_energy(heatmap, boxes)), "brightness is no matter"


def test_energy_in_closed_form():
    assert pixel_energy(np.ones((HEIGHT, WIDTH)), [(1, 1, 4, 3)]) == pytest.approx(6 / 35), (
        "an even map: the box's share"
    )
    assert pixel_energy(RAMP, [(0, 0, WIDTH, HEIGHT)]) == 1, "everything is inside the whole picture"
    assert pixel_energy(RAMP, []) == 0, "and nothing inside no box"
    assert pixel_energy(RAMP, [(6, 4, 7, 5)]) == pytest.approx(34 / 595), "the last pixel alone"


def test_where_boxes_overlap_a_pixel_counts_once():
    both = pixel_energy(RAMP, [(0, 0, 4, 4), (2, 2, 6, 5)])
    apart = pixel_energy(RAMP, [(0, 0, 4, 4)]) + pixel_energy(RAMP, [(2, 2, 6, 5)])
    assert both == pytest.approx(apart - pixel_energy(RAMP, [(2, 2, 4, 4)]))


def test_a_box_may_reach_beyond_the_picture():
    assert inside([(-3, -3, 2, 1)], HEIGHT, WIDTH).sum() == 2 and inside([(5, 3, 99, 99)], HEIGHT, WIDTH).sum() == 4
    assert not inside([(-9, -9, -2, -2)], HEIGHT, WIDTH).any(), "one that is all outside holds nothing"


def test_the_pointing_game():
    assert pointing_game(RAMP, [(6, 4, 7, 5)]), "the maximum is the last pixel"
    assert not pointing_game(RAMP, [(0, 0, 6, 5), (6, 0, 7, 4)]), "every other pixel is no hit"
    assert pointing_game(RAMP, [(0, 0, 1, 1), (6, 4, 7, 5)]), "any of the boxes will do"
    assert not pointing_game(RAMP, [])


def test_a_blank_heatmap_points_nowhere():
    blank = np.zeros((HEIGHT, WIDTH))
    assert np.isnan(pixel_energy(blank, [(0, 0, 7, 5)])) and not pointing_game(blank, [(0, 0, 7, 5)])


@pytest.mark.parametrize(
    "heatmap", [np.ones(5), np.ones((2, 3, 1)), np.ones((0, 4)), -RAMP, RAMP + np.nan, RAMP + np.inf]
)
def test_what_is_no_heatmap_is_refused(heatmap):
    for measure in (pixel_energy, pointing_game):
        with pytest.raises(InputError, match=r"^A heatmap .*; received .*\.$"):
            measure(heatmap, [(0, 0, 1, 1)])
