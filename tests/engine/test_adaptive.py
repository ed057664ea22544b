"""Where points of the path are placed: on paths made of formulas, which need no network and whose truth is known."""

from functools import cache

import numpy as np
import pytest

from explorer.attribution.methods import METHODS, Options
from explorer.engine import integrate
from explorer.engine.adaptive import FIRST, ROUNDS, SHORTEST, adaptive
from explorer.engine.sweep import joined
from support.formulas import CASES, SHOWN, SLOPE, H, K, W, made_of, random, refinement, task


def bump(place, width):
    """q is large at one place only; all else is straight."""
    return made_of(lambda t: 1 + t, lambda t: np.exp(-(((t - place) / width) ** 2)), lambda t: 0.1 * t)


STRAIGHT = made_of(lambda t: 1 + t, lambda t: 1.0, lambda t: 0.1 * t)
STEEP = made_of(lambda t: 1 + t, lambda t: 1 + t, lambda t: 80 * t - 20)


def refined(at, rounds=ROUNDS, **asked):
    """(count, Refinement) after each round."""
    samples = at(FIRST)
    for total in rounds:
        if total > len(samples):
            samples = joined([samples, at(refinement(samples, **asked).next_points(total - len(samples)))])
        yield len(samples), refinement(samples, **asked)


def unit(cam):
    cam = np.asarray(cam, np.float64)
    return cam / np.linalg.norm(cam)


def maps(path):
    options = Options()
    return {
        key: unit(METHODS[key].cam(METHODS[key].integral(path, path.activations[0], options), path, options))
        for key in SHOWN
    }


def off(now, truth):
    """How far the worse of the two maps is from the truth."""
    found = maps(now.paths[0])
    return max(np.linalg.norm(found[key] - truth[key]) for key in SHOWN)


def fine(at, points=1001):
    return maps(at(np.linspace(0, 1, points)).path(0, np.full((points - 1, 2), 0.5, np.float32)))


class Formulas:
    """What `adaptive` asks for points, in the network's place."""

    def __init__(self, at):
        self.at, self.asked = at, []

    def samples(self, alphas, before):
        assert before == sum(map(len, self.asked)), "progress goes on from the points that are there"
        self.asked.append(np.array(alphas))
        yield self.at(alphas)


def integrated(at, tolerance=0.005, preview=None):
    source = Formulas(at)
    (integration,) = adaptive(source, [task()], Options(), SLOPE, tolerance, preview)
    asked, alphas = np.concatenate(source.asked), integration.path.alphas
    assert len(np.unique(asked)) == len(asked) == len(alphas), "no point is asked for twice, none is lost"
    np.testing.assert_array_equal(alphas, np.sort(asked), err_msg="in the order of the path")
    return integration


# The points


@pytest.mark.parametrize("place", [0.13, 0.5, 0.72])
def test_points_gather_where_the_integrand_changes(place):
    *_, (count, now) = refined(bump(place, 0.03), ROUNDS[:5])
    near = np.abs(now.alphas - place) < 0.1
    assert count == ROUNDS[4] and near.sum() > 0.6 * count, f"a fifth of the path has most points: {near.sum()}"
    widths = np.diff(now.alphas)
    assert widths[near[1:] & near[:-1]].min() < 0.1 * widths.max(), "ten times as close as elsewhere"


def test_a_steep_score_needs_no_points_where_the_rest_is_straight():
    """From 2e-9 to 1 − 1e-26: the weights of the sums know the sigmoid already."""
    truth = fine(STEEP, 20_001)
    *_, (_, now) = refined(STEEP, ROUNDS[:2])
    assert off(now, truth) < 1e-3 and now.error < 5e-3, "ten points are plenty, and it knows"


@pytest.mark.parametrize("count", [1, 3, 7, 40])
def test_new_points_halve_intervals_that_are_there(count):
    for seed in range(3):
        for _, now in refined(random(seed, kinked=True), ROUNDS[:4]):
            new, old = now.next_points(count), set(map(float, now.alphas))
            assert len(new) == count and new.dtype == np.float32 and (np.diff(new) > 0).all(), "in order, no two alike"
            assert not old & set(map(float, new)), "none that was there"
            every = np.sort([*old, *map(float, new)])
            for point in map(float, new):
                left, right = (min(abs(point - p) for p in every if side * (p - point) > 0) for side in (-1, 1))
                assert max(left, right) in (2 ** np.arange(10)) * min(left, right), "a half, a quarter … of an interval"
                assert np.log2(min(left, right)) % 1 == 0, "so that every α is exact in single precision"


def test_intervals_are_not_halved_for_ever():
    step = made_of(lambda t: 1 + t, lambda t: t > 1 / 3, lambda t: 0.1 * t)
    narrow = np.array([0, SHORTEST, 3 * SHORTEST, 5.5 * SHORTEST, 1], np.float32)
    new = refinement(step(narrow)).next_points(2000)
    assert len(new) == 2000, "the wide interval has room for all of them"
    inside = new[new < narrow[3]]
    assert set(inside) <= {np.float32(2 * SHORTEST), np.float32(4.25 * SHORTEST)}, f"no interval gets finer: {inside}"
    tight = refinement(step(np.array([0, 0.5, 1], np.float32) * 1.9 * 2 * SHORTEST)).next_points(10)
    assert len(tight) == 0, "where nothing can be halved there is nothing more to ask"


def test_the_wider_of_two_like_intervals_is_halved_first():
    even = made_of(lambda t: 1 + t, lambda t: np.sin(20 * t), lambda t: 0.1 * t)
    alphas = np.array([0, 0.1, 0.2, 0.3, 0.4, 0.8, 0.9, 1.0], np.float32)
    assert 0.4 < refinement(even(alphas)).next_points(1)[0] < 0.8, "that leaves most open"


# The estimate


def test_the_estimate_is_unknown_until_half_the_points_can_be_left_out():
    for count, now in refined(random(0, kinked=False), (5, 7, 9, 10, 16)):
        assert (now.error == np.inf) == (count < 10), f"of {count} points: {now.error}"


@cache
def estimates():
    """(estimate, true error) of 24 random paths, smooth and kinked, at 10, 16, 24 and 32 points."""
    found = []
    for case in CASES:
        at = random(*case)
        truth = fine(at)
        found += [(now.error, off(now, truth)) for count, now in refined(at, ROUNDS[:5]) if count > 5]
    return np.array(found)


def test_the_estimate_is_above_the_true_error_as_a_rule():
    estimate, true = estimates().T
    above = (estimate >= true).mean()
    assert len(true) == 4 * len(CASES) and above >= 0.95, f"the estimate is above it in {above:.0%} of cases"
    assert (true < 2 * estimate).all(), "and never far above it"


def test_the_estimate_is_not_far_above_it_either():
    estimate, true = estimates().T
    assert np.median(estimate / true) < 6, "or points would be wasted"
    assert np.corrcoef(np.log(estimate), np.log(true))[0, 1] > 0.9, "it follows the true error over decades"


def test_the_error_falls_as_points_are_added():
    _, true = estimates().T
    first, *_, last = true.reshape(len(CASES), -1).T
    assert np.median(first / last) > 8, "from 10 points to 32, by more than the square of their number would"


def test_completeness_is_part_of_the_estimate_where_the_layer_cuts():
    """A(α) and q are straight and one unit's worth of the score is missing: no map can tell, completeness does."""
    missing = made_of(lambda t: 1 + t, lambda t: 0.5 / (H * W * K), lambda t: t)  # Σ ∫ q dA is half of the change of u
    for cuts in (False, True):
        *_, (_, now) = refined(missing, ROUNDS[:2], separates=cuts)
        assert (now.error > 0.49) == cuts, f"half the change of the score is missing: {now.error}"
    whole = made_of(lambda t: 1 + t, lambda t: 1 / (H * W * K), lambda t: t)
    *_, (_, now) = refined(whole, ROUNDS[:2], separates=True)
    assert now.error < 1e-3, "where it is, nothing is said"


def test_only_the_maps_that_are_shown_count():
    at = bump(0.5, 0.02)
    *_, (_, now) = refined(at, ROUNDS[:2], methods=("grad_cam",))
    assert now.error == 0, "Grad-CAM needs no path"
    each = {key: list(refined(at, ROUNDS[:2], methods=(key,)))[-1][1].error for key in SHOWN}
    both = list(refined(at, ROUNDS[:2]))[-1][1].error
    assert both > 0 and all(value > 0 for value in each.values()), f"the others do: {each}"


# The whole of it


def test_a_path_on_which_nothing_changes_stops_at_once():
    found = integrated(STRAIGHT)
    assert len(found.path.alphas) == ROUNDS[1] and found.error < 1e-4, "as soon as it can know"


def test_it_goes_on_until_the_estimate_is_within_the_tolerance():
    counts = []
    for tolerance in (0.1, 0.01, 0.001):
        found = integrated(random(3, kinked=True), tolerance)
        counts.append(len(found.path.alphas))
        assert found.error <= tolerance or counts[-1] == ROUNDS[-1], f"{found.error} within {tolerance}"
    assert counts[0] < counts[1] < counts[2], f"the less is tolerated, the more it takes: {counts}"


def test_a_smaller_tolerance_goes_on_from_the_same_points():
    coarse, fine_ = (set(integrated(random(5, kinked=True), t).path.alphas) for t in (0.05, 0.005))
    assert coarse < fine_, "every point serves again"


@pytest.mark.parametrize(("room", "most"), [(1 << 40, 128), (40, 40), (17, 17), (1, 17), (0, 17)])
def test_no_more_points_than_can_be_held(room, most, monkeypatch):
    monkeypatch.setattr(integrate, "HELD_PATH", room * integrate.point_bytes(task().layer))
    found = integrated(random(1, kinked=True), 1e-9)
    assert len(found.path.alphas) == most, "then it stops, and tells how far it may be off"
    assert found.error > 1e-9


@pytest.mark.parametrize("where", ["activations", "q", "u"])
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_what_is_no_number_ends_the_refinement(where, value):
    def spoilt(t):
        return np.where(np.abs(t - 0.5) < 0.3, value, 1 + t)

    given = {"activations": lambda t: 1 + t, "q": lambda t: 1 + t, "u": lambda t: t} | {where: spoilt}
    with np.errstate(all="ignore"):
        found = integrated(made_of(*given.values()))
    assert len(found.path.alphas) <= ROUNDS[-1], "it comes to an end"
    assert not np.isfinite(np.asarray(found.integrals["rsi_grad_cam"])).all(), "and the fault stays to be seen"
    if np.isnan(value):
        assert len(found.path.alphas) == ROUNDS[1] and np.isnan(found.error), "at once: no point would mend it"


def test_the_refinement_is_shown_as_it_goes():
    seen = []
    found = integrated(random(2, kinked=False), 0.002, preview=lambda found: seen.append(found[0]))
    counts = [len(one.path.alphas) for one in seen] + [len(found.path.alphas)]
    assert tuple(counts) == ROUNDS[: len(counts)] and len(counts) > 3, f"round by round, the last not twice: {counts}"
    assert all(one.path.alphas[0] == 0 and one.path.alphas[-1] == 1 for one in seen), "over the whole path"
    assert seen[0].error == np.inf and found.error <= 0.002, "with what is known of its error"
