"""The path played back, against the reference's sums over the same points."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from explorer.attribution.methods import METHODS
from explorer.engine.run import explain
from explorer.studies.playback import norm, playback
from support import networks as nets
from support import paths
from support import reference as ref

STEPS, CLASS = paths.STEPS, 4
SHOWN = ("grad_cam", "grad_cam_plus_plus", "integrated_grad_cam", "rsi_grad_cam", "layer_conductance")


@pytest.fixture(scope="module")
def net():
    return paths.built("smooth")[0]


def ask(net, **asks):
    given = {"layer": "features", "class_index": CLASS, "units": "all", "methods": SHOWN, "steps": STEPS}
    return explain(net, paths.PICTURE, **given | asks)


@pytest.fixture(scope="module")
def result(net):
    return ask(net)


@pytest.fixture(scope="module")
def played(result):
    return playback(result)


@pytest.fixture(scope="module")
def truth():
    return paths.path_of("smooth", STEPS, CLASS, "probability", "black")


def first(truth, stop):
    """The reference's path up to a point."""
    values = truth.alphas, truth.activations, truth.gradients, truth.scores
    return ref.Path(*(value[: stop + 1] for value in values))


@pytest.mark.parametrize("stop", [1, 4, STEPS])
def test_maps_on_the_way_are_the_reference_s_sums_so_far(played, truth, stop):
    so_far = first(truth, stop)
    weights = ref.unit_integrals(so_far).mean(axis=(0, 1))
    expected = {
        "grad_cam": ref.grad_cam(so_far),  # of the interpolated picture: its gradient and its activations
        "rsi_grad_cam": ref.map_of(weights, truth.activations[-1]),  # ... of the picture, weighed by what is collected
        "integrated_grad_cam": ref.integrated_grad_cam(so_far) * stop / STEPS,  # its mean is over `stop` points
        "layer_conductance": np.maximum(ref.unit_integrals(so_far).sum(axis=2), 0),
    }
    for key, cam in expected.items():
        scale = max(cam.max(), played.cams[key].max())
        off = np.abs(played.cams[key][stop] - cam).max() / scale
        assert off < 2e-5, f"{key} at α = {stop}/{STEPS} is off by {off:.1e}"


def test_numbers_along_the_path_are_the_reference_s(played, truth):
    a, g = truth.activations, truth.gradients
    sizes = [np.sqrt((one**2).sum()) for one in g]
    increments = [np.sqrt(((b - a) ** 2).sum()) for a, b in pairwise(a)]
    collected = [0.0] + [float(ref.unit_integrals(first(truth, stop)).sum()) for stop in range(1, STEPS + 1)]
    np.testing.assert_allclose(played.gradients, sizes, rtol=1e-4, err_msg="the gradient's magnitude")
    np.testing.assert_allclose(played.increments, increments, rtol=1e-4, err_msg="the layer's increments")
    np.testing.assert_allclose(played.collected, collected, rtol=1e-4, atol=1e-6, err_msg="completeness accumulating")
    assert played.steepest == int(np.argmax(sizes)), "the largest gradient"


@pytest.mark.parametrize(
    "asks", [{}, {"steps": "auto", "tolerance": 0.01}, {"quadrature": "right"}, {"endpoint": False}]
)
def test_the_last_map_is_the_comparison_s_own_and_what_is_summed_comes_to_it(net, asks):
    result = ask(net, **asks)
    played = playback(result)
    other = playback(replace(result, cams={key: np.full_like(cam, -1) for key, cam in result.cams.items()}))
    change = result.path.scores[-1] - result.path.scores[0]
    assert abs(abs(played.collected[-1] - change) / abs(change) - result.completeness_gap) < 1e-5, "the same gap"
    for key, cam in result.cams.items():
        np.testing.assert_array_equal(played.cams[key][-1], cam, err_msg=f"{key} at α = 1 is the map on Explore")
        assert (other.cams[key][-1] == -1).all(), "which is not summed again"
    coarse = playback(result, most=3)
    middle = int(coarse.places[1])
    for key, cams in coarse.cams.items():
        scale = max(cams.max(), 1e-12)
        off = np.abs(cams[1] - played.cams[key][middle]).max() / scale
        assert off < 1e-5, f"{key}: fewer stops add up to the same"
    assert list(coarse.places) == [0, middle, len(result.path.alphas) - 1], "both ends are among the stops"


def test_nothing_is_collected_where_the_gradient_has_vanished():
    net, layer, _ = nets.make("functional", "relu", gain=30.0)
    result = explain(net, nets.picture(3), layer, steps=32, units="all")
    played = playback(result)
    gone = np.flatnonzero(played.gradients < 1e-6 * played.gradients.max())
    assert len(gone) > 2 and gone[-1] == 32, "the softmax of this network saturates towards the picture"
    start = int(gone[gone >= played.steepest][0])
    for key in ("rsi_grad_cam", "integrated_grad_cam"):
        moved = np.abs(played.cams[key][start:] - played.cams[key][-1]).max() / played.cams[key][-1].max()
        assert moved < 1e-3, f"{key} stands still there: it moves by {moved:.0e}"
    assert played.cams["grad_cam"][-1].max() < 1e-5 * played.cams["grad_cam"].max(), "and Grad-CAM goes dark"


def test_the_most_probable_classes_of_the_ends_are_those_of_the_pictures(net, played):
    for stop, picture in ((0, np.zeros_like(paths.PICTURE)), (STEPS, paths.PICTURE)):
        p = net.predict(picture[None])[0]
        found = played.likeliest(stop)
        assert [index for index, _ in found] == list(np.argsort(-p)[:5]), "the five most probable, in their order"
        np.testing.assert_allclose([share for _, share in found], np.sort(p)[::-1][:5], rtol=1e-4)


def test_colours_run_over_the_final_map_or_where_each_picture_stands_alone_over_all(played):
    low, high = played.scale("rsi_grad_cam")
    assert (low, high) == (played.cams["rsi_grad_cam"][-1].min(), played.cams["rsi_grad_cam"][-1].max())
    assert played.scale("grad_cam") == (0, played.cams["grad_cam"].max()), "else a vanished map would look large"
    assert METHODS["grad_cam"].at_image_only and not METHODS["rsi_grad_cam"].at_image_only


@pytest.mark.parametrize("size", [1.0, 1e-30, 1e25])
def test_a_norm_neither_vanishes_nor_overflows(size):
    values = np.float32([3, 0, -4]) * np.float32(size)
    assert abs(norm(values) / (5 * size) - 1) < 1e-6, "the squares of these have no place in single precision"
    assert norm(np.zeros((2, 3))) == 0, "nothing is zero long"
    assert np.isnan(norm(np.float32([1, np.nan]))), "and what is not finite stays to be noticed"


def test_a_path_that_was_not_kept_is_refused_in_a_sentence(result):
    gone = replace(result, path=result.path.released())
    assert "kept" in nets.refused(playback, gone)
