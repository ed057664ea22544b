"""How maps and the completeness gap approach their limit as steps are added: measured, rule by rule."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from explorer.arrays import Array, Cam
from explorer.attribution.methods import METHODS, PathMethod
from explorer.attribution.methods.base import Curve as Followed
from explorer.attribution.methods.rsi_grad_cam import completeness_gap
from explorer.engine.integrate import HELD_PATH, point_bytes
from explorer.engine.run import explain
from explorer.errors import InputError, Progress
from explorer.network.backend import fetch

if TYPE_CHECKING:
    from explorer.engine.result import Result
    from explorer.network.layers import Layer


FINEST, COARSEST = 256, 16  # steps of the path all others are held against; fewer where so many cannot be held
PLACED = "placed"  # the rule of points that were placed automatically
RULES = {"right": (0, 1), "trapezoid": (0.5, 0.5)}  # the shares of an interval's two ends
TOLERANCE = 1e-4  # at which automatic placement stops here: late, so that there are rounds to look at
ROUNDING = 1e-5  # errors below are of single precision, not of the sum
WHOLE = "rsi_grad_cam"


@dataclass(frozen=True, eq=False)
class Curve:
    """Errors (n,) of sums over so many steps (n,), which are intervals."""

    steps: Array
    errors: Array

    def order(self, first: float, last: float) -> float | None:
        """p where the errors fall as 1/m^p: the least-squares slope in log-log over the steps from first to last.

        None where fewer than two of the errors there are above the rounding of single precision.
        """
        there = (self.steps >= first) & (self.steps <= last) & (self.errors > ROUNDING)
        if there.sum() < 2:
            return None
        slope, _ = np.polyfit(np.log2(self.steps[there]), np.log2(self.errors[there]), 1)
        return float(-slope)


@dataclass(frozen=True, eq=False)
class Convergence:
    """finest: the steps of the trapezoid sum that stands for the limit. maps: {method: {rule: Curve}}, the relative L2
    distance of unit-norm maps to it; gaps: {rule: Curve}, the completeness gap, empty where the layer does not cut the
    network. Rules: those of RULES, and PLACED round by round. floor: {method: how much the last doubling of the steps
    still moved the map that stands for the limit}; that map itself may be off by as much, hardly by more, so distances
    below say nothing."""

    finest: int
    maps: Mapping[str, Mapping[str, Curve]]
    gaps: Mapping[str, Curve]
    floor: Mapping[str, float]

    def order(self, curve: Curve) -> float:
        """The measured order of a Curve, over steps enough for a law to show and few enough for the limit that is used
        to be far nearer than they are."""
        return curve.order(self.finest / 32, self.finest / 4)


def most_points(layer: Layer) -> int:
    """Points that `converge` asks the network for at most: the finest path, and those that are placed besides."""
    return finest_steps(layer) + 1 + 128


def finest_steps(layer: Layer) -> int:
    """The finest path that can be held at a layer, a power of two. Raises InputError where that is too coarse."""
    room, steps = HELD_PATH // point_bytes(layer) - 1, FINEST
    while steps > room:
        steps //= 2
    if steps < COARSEST:
        raise InputError(
            f"Convergence is measured on a path of at least {COARSEST} steps held at once, and at {layer.name} only "
            f"{max(room, 0)} can be: choose a later layer."
        )
    return steps


def converge(result: Result, ask: Callable = explain, progress: Progress | None = None) -> Convergence:
    """Measure it for a Result's question: one sweep of the finest path, all coarser ones being parts of it, then
    the rounds of automatic placement, which mostly find their points there.

    ask: what explains in place of `explorer.engine.run.explain`, such as one that remembers. progress: as there.
    Raises InputError where the layer is too large, or the path is not kept.
    """
    methods = tuple(key for key in result.cams if _integrated(key)) or (WHOLE,)
    asks = result.asks | {"methods": methods, "layer": result.layer.name, "progress": progress}
    classifier, image, finest = result.classifier, result.image, finest_steps(result.layer)
    fine = ask(classifier, image, **asks | {"steps": finest, "tolerance": TOLERANCE})
    if not fine.path.held:
        raise InputError(
            "Convergence is measured on a path that is kept, and a card that was lent keeps none: "
            "start the explorer on a machine of your own."
        )
    rounds, placed = [], {"steps": "auto", "tolerance": TOLERANCE, "reuse": fine}
    last = explain(classifier, image, preview=rounds.append, **asks | placed)
    return measure(fine, [*rounds, last])


def measure(fine: Result, rounds: list[Result] | tuple = ()) -> Convergence:
    """Convergence from a Result of 2^n evenly spaced steps whose path is kept; rounds: Results about the same,
    of points that were placed."""
    finest = len(fine.path.alphas) - 1
    methods, path, options = (
        [key for key in fine.cams if _integrated(key)],
        fine.path.numpy(),
        replace(fine.question.options, endpoint=True),
    )
    strides = [2**n for n in range(int(np.log2(finest)) + 1)][::-1]
    sums = {(rule, stride): _sums(path, stride, rule, methods, options) for rule in RULES for stride in strides}
    limits, steps = sums["trapezoid", 1].maps, [finest // stride for stride in strides]
    coarse = len(strides) - 1  # the finest of all is the limit itself
    maps, gaps = {}, {}
    for key in methods:
        maps[key] = {
            rule: Curve(
                *_arrays(steps[:coarse], [apart(sums[rule, s].maps[key], limits[key]) for s in strides[:coarse]])
            )
            for rule in RULES
        }
        if rounds:
            maps[key][PLACED] = Curve(*_arrays(_steps(rounds), [apart(one.cams[key], limits[key]) for one in rounds]))
    if fine.layer.separates and fine.completeness_gap is not None:
        gaps = {rule: Curve(*_arrays(steps, [sums[rule, s].gap for s in strides])) for rule in RULES}
        if rounds:
            gaps[PLACED] = Curve(*_arrays(_steps(rounds), [one.completeness_gap for one in rounds]))
    floor = {key: apart(sums["trapezoid", 2].maps[key], limits[key]) for key in methods}
    return Convergence(finest, maps, gaps, floor)


def apart(cam: Cam, limit: Array) -> float:
    """‖cam/‖cam‖ − limit/‖limit‖‖, 0 to √2 of maps ≥ 0; 1 where one of them is blank, NaN where one is not finite."""
    cam, limit = (np.asarray(one, np.float64).ravel() for one in (cam, limit))
    sizes = np.linalg.norm(cam), np.linalg.norm(limit)
    return float(np.linalg.norm(cam / (sizes[0] or 1) - limit / (sizes[1] or 1)))


@dataclass(frozen=True, eq=False)
class _Sums:
    maps: dict
    gap: float | None


def _integrated(key):
    method = METHODS[key]
    return isinstance(method, PathMethod) and method.curve is Followed.LAYER


def _sums(path, stride, rule, methods, options):
    """The maps and the gap of every stride-th point, summed by one rule, whatever a method was published with."""
    weights = np.tile(np.float32(RULES[rule]), ((len(path.alphas) - 1) // stride, 1))
    thin = replace(path.part(slice(None, None, stride)), weights=weights)
    integrals = {key: METHODS[key].integral(thin, path.activations[0], options) for key in {*methods, WHOLE}}
    maps = {key: fetch(METHODS[key].cam(integrals[key], path, options)) for key in methods}
    return _Sums(maps, completeness_gap(integrals[WHOLE], path.scores))


def _steps(rounds):
    return [len(one.path.alphas) - 1 for one in rounds]


def _arrays(steps, errors):
    return np.array(steps, np.float64), np.array([np.nan if e is None else e for e in errors], np.float64)
