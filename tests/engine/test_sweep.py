"""The one loop over the path: batches, budget, progress, cancelling, running out of memory, known activations."""

from itertools import pairwise

import numpy as np
import pytest
import tensorflow as tf

from explorer.engine.sweep import LARGEST_BATCH, Target, batch_size, in_batches, joined, sweep
from explorer.errors import Cancelled
from explorer.network import backend
from support import networks as nets
from support.counting import Counting

CLASS, POINTS = 2, 12
NAMES = ("backbone/stem", "backbone/features", "neck")


@pytest.fixture(scope="module")
def net():
    return nets.make("nested functional")[0]


@pytest.fixture(scope="module")
def layers(net):
    """Several, so that every test is about all of them at once."""
    return tuple(net.layer(name) for name in NAMES)


@pytest.fixture(scope="module")
def whole(net, layers):
    (samples,) = batches(net, layers)
    return samples


def ends(classifier):
    dark = np.zeros((nets.HEIGHT, nets.WIDTH, 3), np.uint8)
    return classifier.preprocess(np.stack([dark, nets.picture(4)]))


def evenly(points):
    return np.linspace(0, 1, points, dtype=np.float32)


def batches(classifier, layers, alphas=None, **options):
    alphas = evenly(POINTS) if alphas is None else alphas
    return list(sweep(Target(classifier, *ends(classifier), CLASS, "probability"), layers, alphas, **options))


def per_point(classifier, layers):
    """The bytes one point is reckoned to take, written out: twice all maps from the first layer on, twice the largest
    before it."""
    sizes = [4 * np.prod(found.shape) for found in classifier.anatomy.layers]
    names = [found.name for found in classifier.anatomy.layers]
    here = min(names.index(layer.name) for layer in layers)
    return int(2 * sum(sizes[here:]) + 2 * max(sizes[: here + 1]))


def values(samples):
    return {
        "values": samples.logits,
        "u": samples.inner,
        "y": samples.scores,
        **{f"A at {name}": a for name, a in zip(NAMES, samples.activations, strict=False)},
        **{f"∂y/∂A at {name}": g for name, g in zip(NAMES, samples.gradients, strict=False)},
    }


def assert_same(pieces, whole, alphas=None):
    """The batches hold those points in that order, and the values `whole` has there."""
    alphas = evenly(POINTS) if alphas is None else alphas
    np.testing.assert_array_equal(np.concatenate([piece.alphas for piece in pieces]), alphas, err_msg="every α, once")
    found, expected = values(joined(pieces)), values(whole)
    for name, value in expected.items():
        size = np.abs(value).max()
        np.testing.assert_allclose(found[name], value, rtol=1e-4, atol=1e-6 * size, err_msg=f"{name} is as before")


# Batches


@pytest.mark.parametrize("size", [1, 2, 3, 5, 12, 64])
def test_the_size_of_batches_changes_no_value(net, layers, whole, size):
    counting = Counting(net)
    pieces = batches(counting, layers, memory=size * per_point(net, layers))
    assert max(counting.sizes) <= size and counting.passes == POINTS, f"{counting.sizes}: each point once, {size} most"
    assert [len(piece.alphas) for piece in pieces] == counting.sizes, "what goes through together comes out together"
    assert_same(pieces, whole)


@pytest.mark.parametrize("points", [1, 2, 3, 7, 23])
@pytest.mark.parametrize("size", [1, 2, 4, 10])
def test_any_number_of_points_in_any_batches(net, layers, points, size):
    pieces = batches(net, layers, evenly(points), memory=size * per_point(net, layers))
    np.testing.assert_array_equal(np.concatenate([piece.alphas for piece in pieces]), evenly(points))
    assert all(len(piece.alphas) <= size for piece in pieces), "no batch is larger than the budget holds"
    for piece in pieces:
        count = len(piece.alphas)
        assert {len(v) for v in values(piece).values()} == {count}, "every value has one row a point"


def test_points_come_in_the_order_they_are_asked_for(net, layers, whole):
    order = np.random.default_rng(3).permutation(POINTS)
    pieces = batches(net, layers, evenly(POINTS)[order], memory=5 * per_point(net, layers))
    np.testing.assert_array_equal(np.concatenate([piece.alphas for piece in pieces]), evenly(POINTS)[order])
    found = np.concatenate([np.asarray(piece.activations[1]) for piece in pieces])
    np.testing.assert_allclose(found, np.asarray(whole.activations[1])[order], rtol=1e-4, atol=1e-5)


def test_no_points_ask_for_nothing(net, layers):
    counting = Counting(net)
    assert batches(counting, layers, evenly(3)[:0]) == [] and counting.batches == [], "nothing is computed"


def test_batches_are_as_equal_as_can_be():
    for total in range(1, 60):
        for size in range(1, 20):
            found = in_batches(lambda points, size: None, lambda points, _: points, total, size, lambda done: None)
            *parts, last = [points.stop - points.start for points in found]
            assert sum(parts) + last == total and last <= size, f"{total} points by {size}: {parts} and {last}"
            assert len(set(parts)) <= 1 and all(last <= part <= size for part in parts), (
                "of one length but for the last"
            )
            assert len(parts) + 1 == -(-total // size), "and as few as can be"


class Device:
    """Takes batches of at most `most` points; late: says so when they are waited for, as JAX does."""

    def __init__(self, most, late):
        self.most, self.late, self.in_flight, self.most_in_flight = most, late, 0, 0

    def begin(self, points, size):
        self._check(points, late=False)
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        return points

    def finish(self, points, begun):
        assert points == begun, "batches are finished in the order in which they were begun"
        self.in_flight -= 1
        self._check(points, late=True)
        return points

    def _check(self, points, late):
        if late == self.late and points.stop - points.start > self.most:
            self.in_flight = 0
            raise MemoryError


@pytest.mark.parametrize("late", [False, True])
@pytest.mark.parametrize("most", [1, 2, 5, 12])
@pytest.mark.parametrize("where", ["CPU", "GPU"])
def test_a_card_is_handed_a_batch_ahead_and_no_point_is_lost(where, most, late, monkeypatch):
    monkeypatch.setattr(backend, "device", lambda: where)
    device = Device(most, late)
    found = in_batches(device.begin, device.finish, 12, 12 if most < 12 else 3, lambda done: None)
    kept = [point for points in found for point in range(points.start, points.stop)]
    assert kept == list(range(12)), f"every point once and in order: {kept}"
    assert device.most_in_flight == (2 if where == "GPU" else 1), "one ahead on a card, none on a processor"


def test_the_budget_sets_the_batch(net, layers):
    for some in (layers[:1], layers[1:2], layers[2:], layers, layers[::-1]):
        cost = per_point(net, some)
        for points in (1, 2, 3, 11):
            assert batch_size(net, some, points * cost, 50) == points, f"a budget for {points} points holds {points}"
            assert batch_size(net, some, (points + 1) * cost - 1, 50) == points, "and not one more"
        assert batch_size(net, some, 1, 50) == 1, "a budget too small for one point still gets one"
        assert batch_size(net, some, 1 << 50, 9) == 9, "no more than there are"
        assert batch_size(net, some, 1 << 50, 5000) == LARGEST_BATCH[backend.device()], "nor than is quick"


def test_behind_the_layer_more_points_make_a_batch(net, layers):
    sizes, names = net.anatomy.bytes_per_image, [found.name for found in net.anatomy.layers]
    most = LARGEST_BATCH[backend.device()]
    for layer in layers:
        behind = sum(sizes[names.index(layer.name) :])
        assert batch_size(net, (layer,), 1 << 50, 5000, activations_given=True) == most * sum(sizes) // behind, (
            "for the same work"
        )
        for points in (1, 2, 11):
            assert batch_size(net, (layer,), points * 2 * behind, 11, activations_given=True) == points, (
                "and the budget holds"
            )


def test_several_layers_cost_what_the_first_of_them_does(net, layers):
    budget = 5 * per_point(net, layers[:1])
    assert batch_size(net, layers, budget, 50) == batch_size(net, layers[:1], budget, 50), (
        "the maps of the later ones are among what the backward pass to the first keeps anyway"
    )


def test_the_budget_covers_what_a_batch_leaves(net):
    every = net.anatomy.layers
    assert per_point(net, every) >= sum(2 * 4 * np.prod(found.shape) for found in every), (
        "activations and gradients at all layers at once fit the estimate"
    )
    for found in every:
        assert per_point(net, (found,)) >= 2 * 4 * np.prod(found.shape), f"and so do those at {found.name} alone"


# Progress and cancelling


@pytest.mark.parametrize("size", [1, 5, 12])
def test_progress_rises_and_ends_at_the_total(net, layers, size):
    told = []
    batches(net, layers, memory=size * per_point(net, layers), progress=lambda *args: told.append(args))
    stages, done, totals = zip(*told, strict=True)
    assert set(stages) == {"the path"} and set(totals) == {POINTS}, "one stage, counted in points of the path"
    assert list(done) == sorted(done) and done[0] == 0 and done[-1] == POINTS, f"from none to all: {done}"
    assert len(done) == -(-POINTS // size) + 1, "told before every batch, and at the end"


@pytest.mark.parametrize("at", [0, 6, 12])
def test_a_cancelled_sweep_stops_and_the_next_one_works(net, layers, whole, at):
    counting = Counting(net)

    def progress(stage, done, total):
        if done >= at:
            raise Cancelled

    with pytest.raises(Cancelled):
        batches(counting, layers, memory=3 * per_point(net, layers), progress=progress)
    assert counting.passes == at, f"no point is computed after {at}"
    assert_same(batches(counting, layers), whole)


# Memory exhausted


@pytest.mark.parametrize("known", [False, True], ids=["the whole network", "behind the layer"])
@pytest.mark.parametrize("most", [1, 2, 3, 5])
def test_batches_halve_when_memory_is_exhausted(net, layers, whole, most, known):
    counting, told = Counting(net, most), []
    some, given = (layers[:1], whole.activations[0]) if known else (layers, None)
    pieces = batches(counting, some, activations=given, progress=lambda stage, done, total: told.append(done))
    for piece, stop in zip(pieces, np.cumsum(counting.sizes), strict=True):
        np.testing.assert_allclose(piece.scores[-1], whole.scores[stop - 1], rtol=1e-5, err_msg="halving changes no y")
    if not known:
        assert_same(pieces, whole)
    assert sum(counting.sizes) == POINTS, f"every point goes through once: {counting.sizes}"
    assert max(counting.sizes) <= most, "in batches that fit"
    assert all(b <= -(-a // 2) for a, b in pairwise(counting.refused)), f"each try is half: {counting.refused}"
    assert len(counting.refused) <= 4, f"once a size is found that fits, it is kept: {counting.refused}"
    assert told == sorted(told) and told[-1] == POINTS, f"progress never falls back: {told}"


def test_memory_exhausted_by_one_point_is_told(net, layers):
    with pytest.raises(tf.errors.ResourceExhaustedError):
        batches(Counting(net, most=0), layers)


def test_another_fault_is_not_taken_for_exhausted_memory(net, layers):
    tried = []

    class Faulty(Counting):
        def sampler(self, *args):
            def sample(*args):
                tried.append(1)
                raise ZeroDivisionError("a fault of ours")

            return sample

    with pytest.raises(ZeroDivisionError):
        batches(Faulty(net), layers)
    assert len(tried) == 1, "it is not tried again"


# What is known


@pytest.mark.parametrize("index", range(len(NAMES)))
def test_known_activations_spare_the_network_before_the_layer(net, layers, whole, index):
    counting = Counting(net)
    known = whole.activations[index]
    pieces = batches(counting, layers[index : index + 1], activations=known, memory=5 * per_point(net, layers))
    assert counting.passes == 0 and counting.heads == POINTS, "only what is behind the layer is run, once a point"
    found = joined(pieces)
    np.testing.assert_array_equal(found.activations[0], known, err_msg="the activations are those given")
    np.testing.assert_allclose(found.scores, whole.scores, rtol=1e-5, err_msg="and lead to the same score")
    expected = np.asarray(whole.gradients[index])
    np.testing.assert_allclose(
        found.gradients[0], expected, rtol=1e-3, atol=1e-6 * np.abs(expected).max(), err_msg="and to its gradients"
    )


def test_points_are_on_the_straight_path(net, layers, whole):
    """A(α) is the layer's answer to x' + α(x − x'), each point by itself."""
    start, end = ends(net)
    backbone = net.model.get_layer("backbone")
    for i, alpha in enumerate(evenly(POINTS)):
        x = (start + alpha * (end - start))[None]
        np.testing.assert_allclose(
            whole.activations[1][i], np.asarray(backbone(x))[0], rtol=1e-4, atol=1e-5, err_msg=f"A at α = {alpha}"
        )
        p = np.asarray(net.model(x))[0]
        assert abs(whole.scores[i] - p[CLASS]) < 1e-5, f"y at α = {alpha} is the network's probability"
        logits = whole.logits[i]
        np.testing.assert_allclose(np.exp(logits) / np.exp(logits).sum(), p, rtol=1e-4, err_msg="of its logits")


def test_the_score_is_a_function_of_u(net, whole):
    score = net.score("probability")
    np.testing.assert_allclose(score.value(whole.inner), whole.scores, rtol=1e-6, err_msg="y = σ(M)")
    others = np.delete(whole.logits.astype(np.float64), CLASS, axis=1)
    margins = whole.logits[:, CLASS] - np.log(np.exp(others).sum(axis=1))
    np.testing.assert_allclose(whole.inner, margins, rtol=1e-4, atol=1e-5, err_msg="u is the margin of the class")
