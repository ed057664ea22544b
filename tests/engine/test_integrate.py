"""How points reach a method: held, summed stretch by stretch, or placed, and in every way the same map."""

import numpy as np
import pytest

from explorer.engine import integrate
from explorer.engine.adaptive import ROUNDS, max_points
from explorer.engine.integrate import coarse_to_fine, point_bytes
from explorer.engine.network_paths import ImagePath
from explorer.engine.result import Cost
from explorer.engine.run import explain, explain_layers
from explorer.engine.sweep import batch_size
from support import networks as nets
from support.counting import Counting, assert_same_maps

PICTURE = nets.picture(1)
ASKED = {"layer": "features", "class_index": 4}
OPTIONS = [{}, {"units": "all", "gradients": "positive"}, {"quadrature": "right"}, {"endpoint": False}]


@pytest.fixture
def net():
    return Counting(nets.make()[0])


@pytest.fixture(scope="module")
def expected():
    return explain(nets.make()[0], PICTURE, steps=12, **ASKED)


def points_at_once(net, count):
    """A memory budget that lets `count` points through together."""
    layers = (net.layer("features"),)
    return next(b for b in range(1, 1 << 20, 64) if batch_size(net, layers, b, 100) == count)


# Held or summed stretch by stretch


@pytest.mark.parametrize("options", OPTIONS, ids=str)
@pytest.mark.parametrize("size", [1, 2, 5, 13])
def test_stretch_by_stretch_is_the_same_sum(net, monkeypatch, size, options):
    whole = explain(net, PICTURE, steps=12, **ASKED, **options)
    monkeypatch.setattr(integrate, "HELD_PATH", 1)
    budget = points_at_once(net, size)
    net.forget()
    found = explain(net, PICTURE, steps=12, memory_budget=budget, **ASKED, **options)
    assert max(net.sizes) == size and sorted(net.alphas) == list(net.alphas), f"in order, {net.sizes} at once"
    assert not found.path.held and found.cost == Cost(passes=13), "nothing held, every point asked for once"
    assert_same_maps(found, whole, f"batches of {size}, {options}")
    assert found.completeness_gap == pytest.approx(whole.completeness_gap, abs=1e-5), "completeness as well"
    np.testing.assert_allclose(found.path.scores, whole.path.scores, rtol=1e-5, err_msg="the curve of the score stays")


def test_what_is_held_does_not_grow_with_the_steps(net, monkeypatch):
    """While a path is summed, two batches' worth of its points is alive at most."""
    monkeypatch.setattr(integrate, "HELD_PATH", 1)
    alive, most = [], []
    in_order = ImagePath.in_order

    def watched(source, alphas):
        import weakref

        for samples in in_order(source, alphas):
            alive.append(weakref.ref(samples))
            most.append(sum(one() is not None for one in alive))
            yield samples

    monkeypatch.setattr(ImagePath, "in_order", watched)
    explain(net, PICTURE, steps=60, memory_budget=points_at_once(net, 3), **ASKED)
    assert len(most) >= 20 and max(most) <= 3, f"batches alive at once: {most}"


@pytest.mark.parametrize("most", [1, 2, 5])
@pytest.mark.parametrize("way", ["held", "streamed", "placed"])
def test_exhausted_memory_is_survived(way, most, monkeypatch):
    asked = ASKED | {"steps": "auto" if way == "placed" else 12}
    whole = explain(nets.make()[0], PICTURE, **asked)
    if way == "streamed":
        monkeypatch.setattr(integrate, "HELD_PATH", 1)
    net = Counting(nets.make()[0], most)
    found = explain(net, PICTURE, **asked)
    assert net.refused and max(net.sizes) <= most, "batches were halved until they fitted"
    assert found.cost.passes == len(found.path.alphas) == len(set(net.alphas)), "every point counts once"
    np.testing.assert_array_equal(found.path.alphas, whole.path.alphas, err_msg="the same points")
    assert_same_maps(found, whole, f"{way}, at most {most} at once")


# What is known


@pytest.mark.parametrize("change", [{}, {"class_index": 5}, {"score": "logit"}])
@pytest.mark.parametrize("steps", [3, 6, 12, "auto"])
def test_points_of_an_earlier_path_serve_again(net, expected, steps, change):
    asked = ASKED | change
    earlier = explain(net, PICTURE, steps=12, **ASKED)
    fresh = explain(net, PICTURE, steps=steps, **asked)
    net.forget()
    found = explain(net, PICTURE, steps=steps, reuse=earlier, **asked)
    shared = set(map(float, found.path.alphas)) & set(map(float, earlier.path.alphas))
    assert len(shared) >= 3 and net.passes == len(found.path.alphas) - len(shared), "only new points go all the way"
    assert net.heads == (len(shared) if change else 0), "known ones behind the layer, and only for another score"
    assert found.cost == Cost(net.passes, net.heads), "which is what the answer says it cost"
    assert_same_maps(found, fresh, f"{steps} steps after 12, {change}", tolerance=5e-5)


@pytest.mark.parametrize("steps", [12, 24, "auto"])
def test_progress_rises_to_the_total_whatever_is_known(net, steps):
    earlier, told = explain(net, PICTURE, steps=12, **ASKED), []
    asked = ASKED | {"class_index": 5, "steps": steps, "memory_budget": points_at_once(net, 2)}
    found = explain(net, PICTURE, reuse=earlier, progress=lambda *args: told.append(args[1:]), **asked)
    done = [one for one, _ in told]
    assert done == sorted(done) and all(one <= total for one, total in told), f"never back, never beyond: {told}"
    assert told[-1] == (len(found.path.alphas),) * 2, "and all of it in the end"


# Seen while it is made


def test_previews_sharpen_and_end_in_the_answer(net):
    seen = []
    asked = ASKED | {"steps": 40, "memory_budget": points_at_once(net, 3)}
    found = explain(net, PICTURE, preview=seen.append, **asked)
    counts = [len(one.path.alphas) for one in seen]
    assert len(seen) > 5 and counts == sorted(set(counts)) and counts[-1] < 41, f"more points each time: {counts}"
    for one in seen:
        assert one.path.alphas[0] == 0 and one.path.alphas[-1] == 1, "each is an explanation of the whole path"
    assert_same_maps(found, explain(nets.make()[0], PICTURE, steps=40, **ASKED), "with previews as without")
    final = found["rsi_grad_cam"].cam
    off = [np.abs(one["rsi_grad_cam"].cam - final).max() / final.max() for one in seen]
    assert off[-1] < 0.2 * off[0] and off[-1] < 0.02, f"and they come nearer: {off}"


def test_previews_of_an_automatic_path(net):
    seen = []
    found = explain(net, PICTURE, preview=seen.append, steps="auto", tolerance=1e-3, **ASKED)
    counts = [len(one.path.alphas) for one in seen]
    assert counts == list(ROUNDS[: len(counts)]) and len(counts) >= 2, f"one a round: {counts}"
    assert all(one.estimated_error > 1e-3 for one in seen), "until the estimate is within what was asked"
    assert found.estimated_error <= 1e-3 or len(found.path.alphas) == ROUNDS[-1], "and then no more"


def test_without_a_preview_points_go_in_order(net):
    explain(net, PICTURE, steps=12, **ASKED)
    assert list(net.alphas) == sorted(net.alphas), "the order of the path"


@pytest.mark.parametrize("count", [2, 3, 4, 9, 51, 100])
def test_coarse_to_fine(count):
    alphas = np.linspace(0, 1, count, dtype=np.float32)
    order = coarse_to_fine(alphas)
    assert sorted(order) == list(alphas) and {order[0], order[1]} == {0, 1}, "all of them, both ends first"
    for first in range(2, count + 1):
        widest = np.diff(np.sort(order[:first])).max()
        assert widest <= 4 / (first - 1), f"the first {first} are spread over the whole path: {widest}"


# Automatic


def test_automatic_steps_reach_the_tolerance_or_all_they_may(net):
    reference = explain(net, PICTURE, steps=4000, **ASKED)
    for tolerance in (0.05, 0.01, 0.002):
        net.forget()
        found = explain(net, PICTURE, steps="auto", tolerance=tolerance, **ASKED)
        assert net.passes == len(set(net.alphas)) == found.cost.passes, "no point is asked for twice"
        assert found.estimated_error <= tolerance and found.completeness_gap <= tolerance, "what was asked for"
        for one in found:
            a, b = one.cam / np.linalg.norm(one.cam), reference[one.method].cam
            off = np.linalg.norm(a - b / np.linalg.norm(b))
            assert off <= 1.5 * tolerance, f"{one.method}, tolerance {tolerance}: {off}"


def test_points_are_at_most_what_can_be_held(net, monkeypatch):
    layer = net.layer("features")
    assert max_points([layer]) == ROUNDS[-1], "a small layer may have all"
    monkeypatch.setattr(integrate, "HELD_PATH", 40 * point_bytes(layer))
    assert max_points([layer]) == 40, "a large one those that fit"
    found = explain(net, PICTURE, steps="auto", tolerance=1e-9, **ASKED)
    assert len(found.path.alphas) == 40 and found.estimated_error > 1e-9, "and the estimate says how far that is"


# Several layers from one sweep


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 0, 1), (1, 2, 0)])
@pytest.mark.parametrize("way", ["held", "streamed"])
def test_layers_together_are_layers_alone(net, monkeypatch, order, way):
    names = [("stem", "features", "neck")[i] for i in order]
    alone = {name: explain(net, PICTURE, name, 4, steps=9) for name in names}
    if way == "streamed":
        monkeypatch.setattr(integrate, "HELD_PATH", 1)
    net.forget()
    together = explain_layers(net, PICTURE, names, 4, steps=9)
    assert net.passes == 10, "ten points for three layers, not thirty"
    assert list(together) == names, "in the order asked for"
    for name, found in together.items():
        assert found.layer.name == name == found.settings["layer"]
        assert_same_maps(found, alone[name], f"{name} among {names}")


def test_automatic_points_serve_every_layer(net):
    names = ("stem", "features", "neck")
    together = explain_layers(net, PICTURE, names, 4, steps="auto", tolerance=0.01)
    assert len({tuple(found.path.alphas) for found in together.values()}) == 1, "one path for all of them"
    assert net.passes == len(together["neck"].path.alphas), "walked once"
    for name, found in together.items():
        truth, most = explain(net, PICTURE, name, 4, steps=2000), 0.02
        for one in found:
            cam = truth[one.method].cam
            off = np.linalg.norm(one.cam / np.linalg.norm(one.cam) - cam / np.linalg.norm(cam))
            assert off < most, f"{one.method} at {name}: {off}"
