"""The same maps on a graphics card: skipped where there is none."""

import pytest

from explorer.engine import sweep
from explorer.engine.run import explain
from explorer.network import backend
from support import reference as ref
from support.paths import PICTURE, STEPS, assert_same, built, path_of

pytestmark = pytest.mark.gpu
TF32 = 5e-3  # of the map's maximum: graphics cards multiply with ten bits of mantissa unless told otherwise


@pytest.mark.parametrize("net", ["relu", "branch"])
def test_maps_on_a_graphics_card_equal_the_slow_reference(net):
    assert backend.device() == "GPU", "the backend says where it computes"
    classifier, layer, _ = built(net)
    found = explain(classifier, PICTURE, layer, 4, steps=STEPS, units="all")
    path = path_of(net, STEPS, 4, "probability", "black")
    assert_same(found["grad_cam"].cam, ref.grad_cam(path), "Grad-CAM", TF32)
    assert_same(found["integrated_grad_cam"].cam, ref.integrated_grad_cam(path), "Integrated Grad-CAM", TF32)
    assert_same(found["rsi_grad_cam"].cam, ref.rsi_grad_cam(path), "RSI-Grad-CAM", TF32)


def test_batches_are_larger_on_a_graphics_card():
    classifier, layer, _ = built("relu")
    points = sweep.batch_size(classifier, classifier.layer(layer), sweep.MEMORY_BUDGET, 1000)
    assert points == sweep.LARGEST_BATCH["GPU"], "a card is fed more points at once than a processor"
