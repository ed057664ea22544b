"""The same maps on a graphics card: skipped where there is none."""

import pytest

from explorer.engine import integrate, sweep
from explorer.engine.run import explain, explain_layers
from explorer.network import backend
from support import reference as ref
from support.paths import PICTURE, STEPS, assert_same, built, path_of, telling_class

pytestmark = pytest.mark.gpu
SINGLE = 1e-4  # of the map's maximum: cards compute in full single precision unless told otherwise


@pytest.mark.parametrize("net", ["relu", "branch"])
def test_maps_on_a_graphics_card_equal_the_slow_reference(net):
    assert backend.device() == "GPU", "the backend says where it computes"
    classifier, layer, _ = built(net)
    found = explain(classifier, PICTURE, layer, telling_class(net), steps=STEPS, units="all")
    path = path_of(net, STEPS, telling_class(net), "probability", "black")
    assert_same(found["grad_cam"].cam, ref.grad_cam(path), "Grad-CAM", SINGLE)
    assert_same(found["integrated_grad_cam"].cam, ref.integrated_grad_cam(path), "Integrated Grad-CAM", SINGLE)
    assert_same(found["rsi_grad_cam"].cam, ref.rsi_grad_cam(path), "RSI-Grad-CAM", SINGLE)


def test_batches_in_flight_and_sums_on_the_card_change_no_map(monkeypatch):
    classifier, *_ = built("relu")
    layers = [one.name for one in classifier.layers()][-2:]
    whole = explain_layers(classifier, PICTURE, layers, telling_class("relu"), steps=130, memory_budget=1 << 30)
    monkeypatch.setattr(integrate, "HELD_PATH", 1)
    summed = explain_layers(classifier, PICTURE, layers, telling_class("relu"), steps=130, memory_budget=1 << 12)
    for name in layers:
        assert not summed[name].path.held and len(summed[name].path.alphas) == 131
        for explanation in whole[name]:
            assert_same(summed[name][explanation.method].cam, explanation.cam, explanation.label, SINGLE)


def test_automatic_points_reach_their_tolerance_on_the_card():
    classifier, layer, _ = built("relu")
    fine = explain(classifier, PICTURE, layer, telling_class("relu"), steps=512)
    found = explain(classifier, PICTURE, layer, telling_class("relu"), steps="auto", tolerance=0.01)
    assert found.estimated_error <= 0.01 or len(found.path.alphas) == 128
    assert_same(found["rsi_grad_cam"].cam, fine["rsi_grad_cam"].cam, "RSI-Grad-CAM", 0.03)


def test_batches_are_larger_on_a_graphics_card():
    classifier, layer, _ = built("relu")
    points = sweep.batch_size(classifier, [classifier.layer(layer)], None, 1000)
    assert points == sweep.LARGEST_BATCH["GPU"], "a card is fed more points at once than a processor"
