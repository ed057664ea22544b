"""Entropy, the pixels a colour makes blind, and how alike two maps are."""

import numpy as np
import pytest

from explorer.attribution.metrics import alike, entropy, share
from explorer.engine.run import explain
from explorer.render.charts.baselines import MARK, amplified, descent_chart, marked
from support import networks


def test_entropy_is_counted_in_bits():
    assert entropy([0.5, 0.25, 0.25]) == 1.5 and entropy([0, 1, 0]) == 0
    assert entropy(np.full((2, 16), 1 / 16)) == pytest.approx([4, 4]), "sixteen alike: log₂ 16"
    one, other = np.array([0.2, 0.3, 0.5]), np.array([0.9, 0.1])
    both = np.outer(one, other).ravel()
    assert entropy(both) == pytest.approx(entropy(one) + entropy(other)), "of independent choices it adds up"


def test_nearly_one_colour_is_within_so_much_in_each_of_red_green_and_blue():
    image = np.array([[[250, 10, 10], [238, 10, 22]], [[237, 10, 10], [250, 255, 10]]], np.uint8)
    assert alike(image, (250, 10, 10)).tolist() == [[True, True], [False, False]], "and bytes do not wrap around"
    assert alike(image, (250, 10, 10), within=0).sum() == 1


def test_integrated_gradients_give_exactly_nothing_to_pixels_of_the_baselines_colour():
    picture = networks.picture().copy()
    picture[2:9, 3:8] = (250, 20, 30)
    found = explain(
        networks.make()[0], picture, baseline="colour:#fa141e", steps=8, methods=["integrated_gradients", "grad_cam"]
    )
    there = alike(picture, (250, 20, 30), within=0)
    assert there.sum() == 35 and share(found["integrated_gradients"].raw, there) == 0, "what does not change gets none"
    assert share(found["integrated_gradients"].raw, ~there) == 1, "others have it all"


def test_shares_of_maps():
    one = np.array([[3.0, 1], [0, 0]])
    assert share(one, one > 2) == 0.75 and np.isnan(share(0 * one, one > 2))


def test_a_difference_amplified_can_be_read_back():
    pixels = np.random.default_rng(0).normal(0, 2, (6, 7, 3))
    shown, factor = amplified(pixels)
    assert np.abs((shown - 128.0) / factor - pixels).max() <= 0.5 / factor + 1e-9, "mid-grey is no difference"
    assert np.abs(shown - 128.0).max() == 127, "the largest reaches as far as it can"
    assert (amplified(0 * pixels)[0] == 128).all(), "nothing stays nothing"


def test_marked_pixels_have_a_colour_of_their_own():
    image, places = networks.picture(), np.zeros(networks.picture().shape[:2], bool)
    places[1, 2] = True
    shown = marked(image, places)
    assert (shown[1, 2] == MARK).all() and (shown == MARK).all(axis=-1).sum() == 1
    assert (np.ptp(shown[~places].astype(int), axis=-1) == 0).all(), "the rest is grey"


@pytest.mark.parametrize("steps", [0, 3, 200])
def test_the_curve_shows_each_step_the_one_kept_and_the_aim(steps):
    greatest = 0.3 * 0.99 ** np.arange(steps + 1) + 0.001
    figure = descent_chart(0.9 * greatest, greatest, 1000, steps // 2, 200)
    assert np.array_equal(figure.data[0].y, greatest) and np.array_equal(figure.data[2].y, 0.9 * greatest)
    assert figure.data[1].x == (steps // 2,) and figure.data[1].y == (greatest[steps // 2],), "the dot is the one kept"
    low, high = figure.layout.yaxis.range
    assert low < np.log10(0.001) and high > np.log10(0.301), "1/N and the beginning are both to be seen"
    assert any("1/1,000" in one.text for one in figure.layout.annotations)
