"""The one loop over the path: batches, budget, progress, cancelling, running out of memory, reuse."""

from itertools import pairwise

import networks as nets
import numpy as np
import pytest
import tensorflow as tf

from explorer import backend
from explorer.errors import Cancelled
from explorer.sweep import LARGEST_BATCH, batch_size, even_share, sweep

CLASS = 2


class Counting:
    """A classifier whose trunk and head write down how many points each call of theirs is given.

    most: the batch beyond which the trunk or the head says that memory is exhausted; None for never.
    """

    def __init__(self, classifier, most=None, where="trunk"):
        self.classifier, self.most, self.where = classifier, most, where
        self.trunks, self.heads = [], []

    def __getattr__(self, name):
        return getattr(self.classifier, name)

    def _exhaust(self, where, points):
        if where == self.where and self.most is not None and points > self.most:
            raise tf.errors.ResourceExhaustedError(None, None, "OOM when allocating tensor")

    def trunk(self, layer):
        inner = self.classifier.trunk(layer)

        def trunk(start, end, alphas):
            self.trunks.append(len(alphas))
            self._exhaust("trunk", len(alphas))
            return inner(start, end, alphas)

        return trunk

    def head(self, layer, score):
        inner = self.classifier.head(layer, score)

        def head(a, start, end, alphas, class_index):
            self.heads.append(len(alphas))
            self._exhaust("head", len(alphas))
            return inner(a, start, end, alphas, class_index)

        return head


@pytest.fixture(scope="module")
def made():
    classifier, name, _ = nets.make("nested functional")
    return classifier, classifier.layer(name)


def ends(classifier):
    dark = np.zeros((nets.HEIGHT, nets.WIDTH, 3), np.uint8)
    return classifier.preprocess(np.stack([dark, nets.picture(4)]))


def stretches(classifier, layer, points=12, **options):
    alphas = np.linspace(0, 1, points, dtype=np.float32)
    return list(sweep(classifier, layer, *ends(classifier), CLASS, "probability", alphas, **options))


def per_point(classifier, layer):
    """The bytes one point is reckoned to take: what LayerPath holds for it, and far more."""
    sizes = [4 * np.prod(found.shape) for found in classifier.anatomy.layers]
    here = [found.name for found in classifier.anatomy.layers].index(layer.name)
    return 2 * sum(sizes[here:]) + 2 * max(sizes[: here + 1])


def joined(pieces):
    """The whole path from its stretches, each boundary once."""
    values = [[np.asarray(value) for value in piece.values()] for piece in pieces]
    return [np.concatenate([v[0][:1], *(x[1:] for x in v)]) for v in zip(*values, strict=True)]


def assert_one_path(pieces, points):
    for one, other in pairwise(pieces):
        for a, b in zip(one.values(), other.values(), strict=True):
            np.testing.assert_array_equal(
                np.asarray(a)[-1], np.asarray(b)[0], err_msg="consecutive stretches share their boundary point"
            )
    alphas, *_ = joined(pieces)
    np.testing.assert_array_equal(alphas, np.linspace(0, 1, points, dtype=np.float32), err_msg="every α, once")


# Batches


@pytest.mark.parametrize("size", [1, 2, 3, 5, 12, 64])
def test_the_size_of_batches_changes_no_value(made, size):
    classifier, layer = made
    whole = joined(stretches(classifier, layer))
    counting = Counting(classifier)
    pieces = stretches(counting, layer, budget=size * per_point(*made))
    assert max(counting.trunks) <= size and sum(counting.trunks) == 12, f"{counting.trunks}: 12 points, {size} at most"
    assert counting.trunks == counting.heads, "trunk and head are given the same points"
    assert_one_path(pieces, 12)
    for name, one, other in zip(("α", "A", "g", "y"), joined(pieces), whole, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-7, err_msg=f"{name} does not depend on the batches")


@pytest.mark.parametrize("points", [2, 3, 7, 11, 23])
@pytest.mark.parametrize("size", [1, 2, 4, 10])
def test_any_number_of_points_in_any_batches(made, points, size):
    pieces = stretches(*made, points=points, budget=size * per_point(*made))
    assert_one_path(pieces, points)
    assert all(len(piece.alphas) <= size + 1 for piece in pieces), "a stretch is a batch and one shared point"


def test_batches_are_as_equal_as_can_be():
    for total in range(1, 60):
        for size in range(1, 20):
            left, parts = total, []
            while left:
                parts.append(even_share(left, size))
                left -= parts[-1]
            assert max(parts) <= size and max(parts) - min(parts) <= 1, f"{total} points by {size}: {parts}"
            assert len(parts) == -(-total // size), "and as few as can be"


def test_the_budget_sets_the_batch(made):
    cost = per_point(*made)
    for points in (1, 2, 3, 11):
        assert batch_size(*made, points * cost, 50) == points, f"a budget for {points} points holds {points}"
        assert batch_size(*made, (points + 1) * cost - 1, 50) == points, "and not one more"
    assert batch_size(*made, 1, 50) == 1, "a budget too small for one point still gets one"
    assert batch_size(*made, 1 << 50, 9) == 9, "no more than there are"
    assert batch_size(*made, 1 << 50, 5000) == LARGEST_BATCH[backend.device()], "nor than is quick"


def test_the_budget_covers_what_a_stretch_keeps(made):
    classifier, _ = made
    for found in classifier.anatomy.layers:
        kept = 2 * 4 * np.prod(found.shape)
        assert per_point(classifier, found) >= kept, f"activations and gradients at {found.name} fit the estimate"


# Progress and cancelling


@pytest.mark.parametrize("size", [1, 5, 12])
def test_progress_rises_and_ends_at_the_total(made, size):
    told = []
    stretches(*made, budget=size * per_point(*made), progress=lambda *args: told.append(args))
    stages, done, totals = zip(*told, strict=True)
    assert set(stages) == {"the path"} and set(totals) == {12}, "one stage, counted in points of the path"
    assert list(done) == sorted(done) and done[0] == 0 and done[-1] == 12, f"from none to all: {done}"
    assert len(done) == -(-12 // size) + 1, "told before every batch, and at the end"


@pytest.mark.parametrize("at", [0, 6, 12])
def test_a_cancelled_sweep_stops_and_the_next_one_works(made, at):
    counting = Counting(made[0])

    def progress(stage, done, total):
        if done >= at:
            raise Cancelled

    with pytest.raises(Cancelled):
        stretches(counting, made[1], budget=3 * per_point(*made), progress=progress)
    assert sum(counting.trunks) == at, f"no point is computed after {at}"
    assert_one_path(stretches(counting, made[1]), 12)


# Memory exhausted


@pytest.mark.parametrize("where", ["trunk", "head"])
@pytest.mark.parametrize("most", [1, 2, 3, 5])
def test_batches_halve_when_memory_is_exhausted(made, most, where):
    whole, told = joined(stretches(*made)), []
    counting = Counting(made[0], most, where)
    pieces = stretches(counting, made[1], progress=lambda stage, done, total: told.append(done))
    assert_one_path(pieces, 12)
    for one, other in zip(joined(pieces), whole, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-7, err_msg="halving changes no value")
    given = counting.trunks if where == "trunk" else counting.heads
    refused = [points for points in given if points > most]
    assert sum(given) - sum(refused) == 12, f"every point goes through once: {given}"
    assert refused == given[: len(refused)], f"once a size is found that fits, it is kept: {given}"
    assert all(b <= -(-a // 2) for a, b in pairwise(refused)), f"each try is half the one before: {given}"
    assert told == sorted(told) and told[-1] == 12, "progress never falls back"


def test_memory_exhausted_by_one_point_is_told(made):
    with pytest.raises(tf.errors.ResourceExhaustedError):
        stretches(Counting(made[0], most=0), made[1])


def test_another_fault_is_not_taken_for_exhausted_memory(made):
    counting = Counting(made[0])
    counting._exhaust = lambda *args: (_ for _ in ()).throw(ZeroDivisionError("a fault of ours"))
    with pytest.raises(ZeroDivisionError):
        stretches(counting, made[1])
    assert len(counting.trunks) == 1, "it is not tried again"


# Reuse


def test_known_activations_spare_the_trunk(made):
    classifier, layer = made
    whole = joined(stretches(classifier, layer))
    counting = Counting(classifier)
    pieces = stretches(counting, layer, activations=whole[1], budget=5 * per_point(*made))
    assert counting.trunks == [] and sum(counting.heads) == 12, "only the head is run"
    for one, other in zip(joined(pieces), whole, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-7, err_msg="and everything is as before")


def test_points_are_on_the_straight_path(made):
    """A(α) is the layer's answer to x' + α(x − x'), each point by itself."""
    classifier, layer = made
    start, end = ends(classifier)
    alphas, activations, _, scores = joined(stretches(classifier, layer, points=5))
    backbone = classifier.model.get_layer("backbone")
    for i, alpha in enumerate(alphas):
        x = (start + alpha * (end - start))[None]
        np.testing.assert_allclose(
            activations[i], np.asarray(backbone(x))[0], rtol=1e-4, atol=1e-5, err_msg=f"A at α = {alpha}"
        )
        p = np.asarray(classifier.model(x))[0, CLASS]
        assert abs(scores[i] - p) < 1e-5, f"y at α = {alpha} is the network's probability {p}"
