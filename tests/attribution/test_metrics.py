"""How well a heatmap lies on what it should show: closed forms, laws, and a slow count."""

import numpy as np
import pytest

from explorer.attribution.metrics import (
    drop,
    exchanged,
    increases,
    inside,
    overlaps,
    pixel_energy,
    pointing_game,
    ranks,
)
from explorer.errors import InputError

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


def test_overlaps_are_the_pixels_counted_one_by_one():
    rng = np.random.default_rng(3)
    thresholds = (0.0, 0.25, 0.5, 0.95)
    for trial in range(20):
        heatmap = np.round(rng.random((HEIGHT, WIDTH)), 2) * (rng.random((HEIGHT, WIDTH)) > 0.2)
        corners = rng.integers(0, 8, (1 + trial % 3, 4)).tolist()
        boxes = [(min(a, c), min(b, d), max(a, c) + 1, max(b, d) + 1) for a, b, c, d in corners]
        for place, threshold in enumerate(thresholds):
            region = {(y, x) for y in range(HEIGHT) for x in range(WIDTH) if heatmap[y, x] > threshold}
            box = {
                (y, x)
                for y in range(HEIGHT)
                for x in range(WIDTH)
                if any(left <= x < right and top <= y < bottom for left, top, right, bottom in boxes)
            }
            both, either = len(region & box), len(region | box)
            wanted = both / either, both / len(box) if box else np.nan, both / len(region) if region else np.nan
            found = [measure[place] for measure in overlaps(heatmap, boxes, thresholds)]
            assert found == pytest.approx(wanted, nan_ok=True), f"at {threshold}, boxes {boxes}"


def test_overlaps_by_hand():
    heatmap = np.zeros((4, 6))
    heatmap[:, :3] = 0.6  # 12 pixels, the left half
    iou, iob, ior = overlaps(heatmap, [(2, 0, 4, 4), (2, 0, 3, 4)], (0.5, 0.6))
    assert (iou[0], iob[0], ior[0]) == (4 / 16, 4 / 8, 4 / 12), "two boxes of which one holds the other count once"
    assert iou[1] == iob[1] == 0 and np.isnan(ior[1]), "above its own value there is no region, and no share of it"


def test_drop_and_increase_in_closed_form():
    assert drop((0.8, 0.2), (0.2, 0.8)) == pytest.approx(0.75), "(0.8 − 0.2)/0.8"
    assert drop((0.2, 0.8), (0.8, 0.2)) == 0 and increases((0.2, 0.8), (0.8, 0.2)), "no drop where it gains"
    assert not increases((0.3, 0.7), (0.3, 0.7)), "as sure as before is no increase"


def test_drop_and_increase_where_probabilities_round_to_one():
    before, after = (1.0, 1e-20), (1.0, 3e-20)
    assert drop(before, after) == pytest.approx(2e-20), "what is lacking is told apart where p is not"
    assert not increases(before, after) and increases(after, before), "and so is which is surer"


def test_ranks_go_from_the_highest_down_and_equal_ones_by_lot():
    raw = RAMP[::-1].copy()
    raw[2] = 7.0
    ranked = ranks(raw)
    assert sorted(ranked.ravel()) == list(range(raw.size)), "every rank once"
    order = raw.ravel()[np.argsort(ranked.ravel())]
    assert (np.diff(order) <= 0).all(), "none before a higher one"
    level = ranked[2]
    assert not (np.diff(level) > 0).all() and not (np.diff(level) < 0).all(), "equal ones in no direction"
    np.testing.assert_array_equal(ranks(1e-20 * raw), ranked, "brightness is no matter, the lot is the same")


def test_pixels_are_exchanged_the_highest_first():
    raw, steps = np.random.default_rng(0).random((HEIGHT, WIDTH)), 4
    picture, other = np.zeros((HEIGHT, WIDTH, 3)), np.ones((HEIGHT, WIDTH, 3))
    pictures = list(exchanged(picture, other, ranks(raw), steps))
    assert len(pictures) == steps - 1, "neither nothing nor everything: those two are there already"
    for step, found in enumerate(pictures, 1):
        count = int(found[..., 0].sum())
        assert count == int(np.ceil(step * raw.size / steps)), f"{step} quarters of the pixels"
        assert raw[found[..., 0] == 1].min() > raw[found[..., 0] == 0].max(), "the highest ones"
