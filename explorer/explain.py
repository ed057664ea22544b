"""One picture, one question, every method: a request in, a Comparison out."""

from dataclasses import asdict

import numpy as np
from keras import ops

from explorer import heatmaps
from explorer.backend import fetch
from explorer.baselines import canonical, make_baseline
from explorer.comparison import Comparison, PathRecord
from explorer.errors import InputError
from explorer.images import fit, load_image
from explorer.layer_path import LayerPath
from explorer.methods import METHODS, Options
from explorer.sweep import MEMORY_BUDGET, sweep

MOST_STEPS = 10_000
KEPT_PATH = 64 << 20  # bytes: a whole path up to this size stays with the result


def explain(
    classifier,
    image,
    layer=None,
    class_index=None,
    baseline="black",
    steps=50,
    methods=("grad_cam", "integrated_grad_cam", "rsi_grad_cam"),
    epsilon=1e-8,
    score=None,
    gradients="raw",
    units="selected",
    quadrature="trapezoid",
    subtract_baseline=True,
    endpoint=True,
    progress=None,
    memory_budget=MEMORY_BUDGET,
    reuse=None,
):
    """Explain one picture by several methods from one sweep of the network.

    image: uint8 RGB array (any height, any width, 3), a path, or a PIL image; it is stretched to the network's size.
    layer: the name of a spatial layer, by default the last that cuts the network. class_index: an index or a
    class name, by default the most probable. baseline: see `explorer.baselines`. steps: m, so T = m + 1 points.
    gradients, units, quadrature, subtract_baseline, endpoint: see `explorer.methods.Options`. score: a key of
    SCORES, by default the probability.
    progress: called as progress(stage, done, total); raise `explorer.errors.Cancelled` from it to stop.
    memory_budget: bytes one stretch of the path may take. reuse: an earlier Comparison; where only class, score,
    method variants or ε differ from it, its activations serve again and half the network is not run.
    Raises InputError for anything a person can get wrong.
    """
    options = Options(gradients, units, quadrature, subtract_baseline, endpoint)
    methods = _check_methods(methods)
    epsilon = heatmaps.check_epsilon(epsilon)
    steps = check_steps(steps)
    score = classifier.score(score).key
    layer = classifier.layer(layer)
    picture = fit(load_image(image), *classifier.input_size)
    baseline_picture = make_baseline(baseline, picture)
    values = classifier.values(picture[None])[0]
    chosen = int(values.argmax()) if class_index is None else classifier.class_index(class_index)

    start, end = classifier.preprocess(np.stack([baseline_picture, picture]))
    alphas = np.linspace(0, 1, steps + 1, dtype=np.float32)
    known = reuse.activations_for(classifier, layer, picture, baseline_picture, steps) if reuse else None
    stretches = sweep(classifier, layer, start, end, chosen, score, alphas, known, memory_budget, progress)
    keep = 2 * 4 * len(alphas) * int(np.prod(layer.shape)) <= KEPT_PATH
    integrals, ends, path = fold(stretches, methods, options, keep)

    cams = {key: fetch(METHODS[key].cam(integrals[key], ends, options)) for key in methods}
    settings = {
        "model": classifier.name,
        "layer": layer.name,
        "class_index": chosen,
        "class_name": classifier.class_names[chosen],
        "baseline": canonical(baseline),
        "steps": steps,
        "score": score,
        **asdict(options),
        "methods": list(methods),
    }
    probability, complement = probability_of(values, chosen, classifier.kind)
    return Comparison(
        settings=settings,
        epsilon=epsilon,
        image=picture,
        baseline_image=baseline_picture,
        class_index=chosen,
        class_name=classifier.class_names[chosen],
        probability=probability,
        complement=complement,
        probabilities=classifier.predict(picture[None])[0],
        layer=layer,
        path=path,
        completeness_gap=completeness_gap(integrals["rsi_grad_cam"], path.scores) if layer.cuts else None,
        vanished=not fetch(ends.gradients[-1]).any(),
        cams=cams,
        classifier=classifier,
    )


def fold(stretches, methods, options, keep):
    """Add up each method's integral over the stretches -> (integrals, the path's two ends, what is kept of the path).

    keep: whether the activations and gradients of every point stay with the result, or its scores alone.
    """
    integrals, kept, first = {}, [], None
    for stretch in stretches:
        first = first or stretch
        for key in {*methods, "rsi_grad_cam"}:  # its integral is also what completeness is about
            part = METHODS[key].integral(stretch, first.activations[0], options)
            integrals[key] = integrals[key] + part if key in integrals else part
        shared = 1 if kept else 0  # the point it has in common with the stretch before
        alphas, activations, gradients, scores = (value[shared:] for value in stretch.values())
        kept.append([fetch(v) for v in ((alphas, scores, activations, gradients) if keep else (alphas, scores))])
        last = stretch
    ends = LayerPath(*(ops.stack([a[0], b[-1]]) for a, b in zip(first.values(), last.values(), strict=True)))
    return integrals, ends, PathRecord(*map(np.concatenate, zip(*kept, strict=True)))


def completeness_gap(integral, scores):
    """|Σ_ijk IG − (y(1) − y(0))| / |y(1) − y(0)|, equation (14); None where the score does not change at all."""
    change = float(scores[-1]) - float(scores[0])
    with np.errstate(invalid="ignore"):  # a network that overflowed is told of by the verdicts
        total = float(fetch(integral).astype(np.float64).sum())
    return abs(total - change) / abs(change) if change else None


def probability_of(values, class_index, kind="softmax"):
    """(p, 1 − p) of a class in float64, neither by subtraction: 1 − p stays right at 1e-30. NaN where a logit is.

    values: (classes,), of the kind that `explorer.ends.End` tells. Probabilities as they are have lost their 1 − p.
    """
    values = np.asarray(values, np.float64)
    margin = values[class_index]
    if kind == "probabilities":
        return float(margin), float(1 - margin)
    with np.errstate(invalid="ignore"):
        if kind == "softmax":
            margin = margin - np.logaddexp.reduce(np.delete(values, class_index))
        return float(np.exp(-np.logaddexp(0, -margin))), float(np.exp(-np.logaddexp(0, margin)))


def check_steps(steps):
    whole = isinstance(steps, int | np.integer) or (isinstance(steps, float) and steps.is_integer())
    if isinstance(steps, bool) or not whole or not 1 <= steps <= MOST_STEPS:
        raise InputError(f"The number of steps is a whole number from 1 to {MOST_STEPS:,}; received {steps!r}.")
    return int(steps)


def _check_methods(methods):
    methods = (methods,) if isinstance(methods, str) else tuple(methods)
    unknown = [key for key in methods if key not in METHODS]
    if unknown or not methods:
        raise InputError(f"The methods are some of {', '.join(METHODS)}; received {unknown or 'none'}.")
    return methods
