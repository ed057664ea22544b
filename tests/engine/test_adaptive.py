"""Where points of the path are placed: on paths made of formulas, which need no network and whose truth is known."""

from functools import cache
from types import SimpleNamespace

import numpy as np
import pytest

from explorer.attribution.methods import METHODS, Options
from explorer.attribution.path import joined
from explorer.engine import integrate
from explorer.engine.adaptive import FINEST, FIRST, ROUNDS
from support.formulas import CASES, SHOWN, SLOPE, H, K, W, made_of, random, search

LAYER = SimpleNamespace(name="made up", shape=(H, W, K), cuts=False)


def bump(place, width):
    """q is large at one place only; all else is straight."""
    return made_of(lambda t: 1 + t, lambda t: np.exp(-(((t - place) / width) ** 2)), lambda t: 0.1 * t)


STRAIGHT = made_of(lambda t: 1 + t, lambda t: 1.0, lambda t: 0.1 * t)
STEEP = made_of(lambda t: 1 + t, lambda t: 1 + t, lambda t: 80 * t - 20)


def grown(at, rounds=ROUNDS, of=None):
    """(count, Standing) after each round of a search."""
    of, samples = of or search(), at(FIRST)
    for total in rounds:
        if total > len(samples.alphas):
            samples = joined([samples, at(of.of(samples).next(total - len(samples.alphas)))])
        yield len(samples.alphas), of.of(samples)


def unit(cam):
    cam = np.asarray(cam, np.float64)
    return cam / np.linalg.norm(cam)


def maps(path):
    options = Options()
    return {
        key: unit(METHODS[key].cam(METHODS[key].integral(path, path.activations[0], options), path, options))
        for key in SHOWN
    }


def off(standing, truth):
    """How far the worse of the two maps is from the truth."""
    found = maps(standing.paths[0])
    return max(np.linalg.norm(found[key] - truth[key]) for key in SHOWN)


def fine(at, points=1001):
    return maps(at(np.linspace(0, 1, points)).path(0, np.full((points - 1, 2), 0.5, np.float32)))


class Formulas:
    """What `placed` asks for points, in the network's place."""

    def __init__(self, at):
        self.at, self.progress, self.asked = at, None, []

    def look(self, alphas):
        self.asked.append(np.array(alphas))
        yield self.at(alphas)


def placed(at, tolerance=0.005, methods=SHOWN, layer=LAYER, preview=None):
    source = Formulas(at)
    view = integrate.View(layer, methods, ("rsi_grad_cam",))
    (track,) = integrate.placed(source, [view], Options(), SLOPE, tolerance, preview)
    asked = np.concatenate(source.asked)
    assert len(np.unique(asked)) == len(asked) == len(track.record.alphas), "no point is asked for twice, none is lost"
    np.testing.assert_array_equal(track.record.alphas, np.sort(asked), err_msg="in the order of the path")
    return track


# The points


@pytest.mark.parametrize("place", [0.13, 0.5, 0.72])
def test_points_gather_where_the_integrand_changes(place):
    *_, (count, standing) = grown(bump(place, 0.03), ROUNDS[:5])
    near = np.abs(standing.alphas - place) < 0.1
    assert count == ROUNDS[4] and near.sum() > 0.6 * count, f"a fifth of the path has most points: {near.sum()}"
    widths = np.diff(standing.alphas)
    assert widths[near[1:] & near[:-1]].min() < 0.1 * widths.max(), "ten times as close as elsewhere"


def test_a_steep_score_needs_no_points_where_the_rest_is_straight():
    """From 2e-9 to 1 − 1e-26: the weights of the sums know the sigmoid already."""
    truth = fine(STEEP, 20_001)
    *_, (_, standing) = grown(STEEP, ROUNDS[:2])
    assert off(standing, truth) < 1e-3 and standing.estimate < 5e-3, "ten points are plenty, and it knows"


@pytest.mark.parametrize("count", [1, 3, 7, 40])
def test_new_points_halve_intervals_that_are_there(count):
    for seed in range(3):
        for _, standing in grown(random(seed, kinked=True), ROUNDS[:4]):
            new, old = standing.next(count), set(map(float, standing.alphas))
            assert len(new) == count and new.dtype == np.float32 and (np.diff(new) > 0).all(), "in order, no two alike"
            assert not old & set(map(float, new)), "none that was there"
            every = np.sort([*old, *map(float, new)])
            for point in map(float, new):
                left, right = (min(abs(point - p) for p in every if side * (p - point) > 0) for side in (-1, 1))
                assert max(left, right) in (2 ** np.arange(10)) * min(left, right), "a half, a quarter … of an interval"
                assert np.log2(min(left, right)) % 1 == 0, "so that every α is exact in single precision"


def test_intervals_are_not_halved_for_ever():
    step = made_of(lambda t: 1 + t, lambda t: t > 1 / 3, lambda t: 0.1 * t)
    narrow = np.array([0, FINEST, 3 * FINEST, 5.5 * FINEST, 1], np.float32)
    new = search().of(step(narrow)).next(2000)
    assert len(new) == 2000, "the wide interval has room for all of them"
    inside = new[new < narrow[3]]
    assert set(inside) <= {np.float32(2 * FINEST), np.float32(4.25 * FINEST)}, f"no interval gets finer: {inside}"
    tight = search().of(step(np.array([0, 0.5, 1], np.float32) * 1.9 * 2 * FINEST)).next(10)
    assert len(tight) == 0, "where nothing can be halved there is nothing more to ask"


def test_the_wider_of_two_like_intervals_is_halved_first():
    even = made_of(lambda t: 1 + t, lambda t: np.sin(20 * t), lambda t: 0.1 * t)
    alphas = np.array([0, 0.1, 0.2, 0.3, 0.4, 0.8, 0.9, 1.0], np.float32)
    assert 0.4 < search().of(even(alphas)).next(1)[0] < 0.8, "that leaves most open"


# The estimate


def test_the_estimate_is_unknown_until_half_the_points_can_be_left_out():
    for count, standing in grown(random(0, kinked=False), (5, 7, 9, 10, 16)):
        assert (standing.estimate == np.inf) == (count < 10), f"of {count} points: {standing.estimate}"


@cache
def estimates():
    """(estimate, true error) of 24 random paths, smooth and kinked, at 10, 16, 24 and 32 points."""
    found = []
    for case in CASES:
        at = random(*case)
        truth = fine(at)
        found += [(standing.estimate, off(standing, truth)) for count, standing in grown(at, ROUNDS[:5]) if count > 5]
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
        *_, (_, standing) = grown(missing, ROUNDS[:2], search(cuts=cuts))
        assert (standing.estimate > 0.49) == cuts, f"half the change of the score is missing: {standing.estimate}"
    whole = made_of(lambda t: 1 + t, lambda t: 1 / (H * W * K), lambda t: t)
    *_, (_, standing) = grown(whole, ROUNDS[:2], search(cuts=True))
    assert standing.estimate < 1e-3, "where it is, nothing is said"


def test_only_the_maps_that_are_shown_count():
    at = bump(0.5, 0.02)
    *_, (_, standing) = grown(at, ROUNDS[:2], search(methods=("grad_cam",)))
    assert standing.estimate == 0, "Grad-CAM needs no path"
    each = {key: list(grown(at, ROUNDS[:2], search(methods=(key,))))[-1][1].estimate for key in SHOWN}
    both = list(grown(at, ROUNDS[:2]))[-1][1].estimate
    assert both > 0 and all(value > 0 for value in each.values()), f"the others do: {each}"


# The whole search


def test_a_path_on_which_nothing_changes_stops_at_once():
    track = placed(STRAIGHT)
    assert len(track.record.alphas) == ROUNDS[1] and track.estimate < 1e-4, "as soon as it can know"


def test_it_goes_on_until_the_estimate_is_within_the_tolerance():
    counts = []
    for tolerance in (0.1, 0.01, 0.001):
        track = placed(random(3, kinked=True), tolerance)
        counts.append(len(track.record.alphas))
        assert track.estimate <= tolerance or counts[-1] == ROUNDS[-1], f"{track.estimate} within {tolerance}"
    assert counts[0] < counts[1] < counts[2], f"the less is tolerated, the more it takes: {counts}"


def test_a_smaller_tolerance_goes_on_from_the_same_points():
    coarse, fine_ = (set(placed(random(5, kinked=True), t).record.alphas) for t in (0.05, 0.005))
    assert coarse < fine_, "every point serves again"


@pytest.mark.parametrize(("room", "most"), [(1 << 40, 128), (40, 40), (17, 17), (1, 17), (0, 17)])
def test_no_more_points_than_can_be_held(room, most, monkeypatch):
    monkeypatch.setattr(integrate, "KEPT_PATH", room * integrate.point_bytes(LAYER))
    track = placed(random(1, kinked=True), 1e-9)
    assert len(track.record.alphas) == most, "then it stops, and tells how far it may be off"
    assert track.estimate > 1e-9


@pytest.mark.parametrize("where", ["activations", "q", "u"])
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_what_is_no_number_ends_the_search(where, value):
    def spoilt(t):
        return np.where(np.abs(t - 0.5) < 0.3, value, 1 + t)

    given = {"activations": lambda t: 1 + t, "q": lambda t: 1 + t, "u": lambda t: t} | {where: spoilt}
    with np.errstate(all="ignore"):
        track = placed(made_of(*given.values()))
    assert len(track.record.alphas) <= ROUNDS[-1], "it comes to an end"
    assert not np.isfinite(np.asarray(track.integrals["rsi_grad_cam"])).all(), "and the fault stays to be seen"
    if np.isnan(value):
        assert len(track.record.alphas) == ROUNDS[1] and np.isnan(track.estimate), "at once: no point would mend it"


def test_the_search_is_shown_as_it_goes():
    seen = []
    track = placed(random(2, kinked=False), 0.002, preview=lambda tracks: seen.append(tracks[0]))
    counts = [len(one.record.alphas) for one in seen] + [len(track.record.alphas)]
    assert tuple(counts) == ROUNDS[: len(counts)] and len(counts) > 3, f"round by round, the last not twice: {counts}"
    assert all(one.record.alphas[0] == 0 and one.record.alphas[-1] == 1 for one in seen), "over the whole path"
    assert seen[0].estimate == np.inf and track.estimate <= 0.002, "with what is known of its error"
