"""One picture, one question, every method: a request in, a Comparison out."""

from dataclasses import asdict, dataclass, field
from functools import partial

import numpy as np

from explorer.attribution.methods import DEFAULT, METHODS, Options
from explorer.attribution.methods.rsi_grad_cam import completeness_gap
from explorer.attribution.path import joined
from explorer.engine.integrate import KEPT_PATH, Source, View, held, placed, point_bytes, streamed
from explorer.engine.masking import Answers
from explorer.engine.question import request
from explorer.engine.result import Comparison, Cost
from explorer.engine.straight_line import Straight
from explorer.engine.sweep import ENDS, MEMORY_BUDGET, sweep
from explorer.errors import InputError
from explorer.network import output_head
from explorer.network.backend import fetch

ON_THE_PATH = ("layer", "input")  # paths of `explorer.attribution.methods.base.PATHS` that one sweep serves together


def explain(classifier, image, layer=None, class_index=None, *, preview=None, **asked):
    """Explain one picture by several methods from one sweep of the network.

    image: uint8 RGB array (any height, any width, 3), a path, or a PIL image; it is stretched to the network's size.
    layer: the name of a spatial layer, by default the last that cuts the network. The rest is that of
    `explain_layers`. Returns a Comparison. Raises InputError for anything a person can get wrong.
    """
    show = preview and (lambda found: preview(*found.values()))
    (comparison,) = explain_layers(classifier, image, (layer,), class_index, preview=show, **asked).values()
    return comparison


def explain_layers(
    classifier,
    image,
    layers,
    class_index=None,
    baseline="black",
    steps=50,
    tolerance=0.005,
    methods=DEFAULT,
    epsilon=1e-8,
    score=None,
    gradients="raw",
    units="selected",
    quadrature="trapezoid",
    subtract_baseline=True,
    endpoint=True,
    progress=None,
    preview=None,
    memory_budget=MEMORY_BUDGET,
    reuse=None,
):
    """The same picture at several layers, from one sweep of the network for all of them.

    layers: names; None is the default layer. class_index: an index or a class name, by default the most probable.
    baseline: see `explorer.engine.baselines`. steps: m, so T = m + 1 evenly spaced points, or "auto": points are placed
    where the maps need them, until the estimated error of every map and the completeness gap are at most `tolerance`,
    or as many points as can be held have been asked for.
    gradients, units, quadrature, subtract_baseline, endpoint: see `explorer.attribution.methods.Options`. score: a key
    of SCORES, by default the probability.
    progress: called as progress(stage, done, total); raise `explorer.errors.Cancelled` from it to stop. preview: called
    with what is returned, as it is from the points so far, before there are all of them.
    memory_budget: bytes one batch of the path may take. reuse: an earlier Comparison, or several, the best first. Of
    the same path at the one layer its activations serve again, and where class and score are the same too, its
    gradients and its answers to masked pictures: half of the network or none of it is run. The result does not depend
    on it, beyond the rounding of single precision.
    Returns {name of the layer: Comparison}. Raises InputError for anything a person can get wrong.
    """
    options = Options(gradients, units, quadrature, subtract_baseline, endpoint)
    asked = request(
        classifier, image, layers, class_index, baseline, steps, tolerance, methods, epsilon, score, options
    )
    if not asked.layers:
        raise InputError("At least one layer is needed; received none.")
    earlier = () if reuse is None else (reuse,) if isinstance(reuse, Comparison) else tuple(reuse)
    views = _views(asked)
    source_of, known = _known_path(asked, views, earlier)
    chosen, first = _chosen_class(asked, known)
    same = known is not None and chosen == source_of.class_index and asked.score == source_of.settings["score"]
    start, end = classifier.preprocess(np.stack([asked.baseline_picture, asked.picture]))
    question = classifier, [view.layer for view in views], start, end, chosen, asked.score
    source = Source(question, known, same, memory_budget, progress)
    answers = _answers(asked, chosen, earlier)
    further = Further(asked, question, partial(_tracks, asked), answers, memory_budget, progress)

    def comparisons(tracks, more=()):
        heads = source.heads + sum(found.heads for found in more)
        cost = Cost(source.passes + first + further.answers.passes, heads)
        more = more or [Found() for _ in asked.layers]
        return {
            layer.name: _comparison(asked, layer, chosen, track, _at_input(tracks, views), found, further.answers, cost)
            for layer, track, found in zip(asked.layers, tracks, more, strict=False)
        }

    show = preview and (lambda tracks: preview(comparisons(tracks)))
    tracks = _tracks(asked, source, views, show)
    if show and any(METHODS[key].path not in ON_THE_PATH for key in asked.methods):
        show(tracks)
    more = [further.at(layer, track) for layer, track in zip(asked.layers, tracks, strict=False)]
    return comparisons(tracks, more)


@dataclass
class Found:
    """What the methods that need more than the path come to at one layer."""

    cams: dict = field(default_factory=dict)  # method -> the raw map
    layer_maps: dict = field(default_factory=dict)  # method -> [(layer, its map)], of those that fuse several
    estimate: float | None = None  # how far a map may be off, where points were placed automatically
    heads: int = 0  # points through the part behind the layer


class Further:
    """Methods that need more of the network than the path through it: another path, another score, masked pictures.

    question: arguments of `explorer.engine.sweep.sweep` up to the score, its layers left open as None. walk: a function
    (source, views) -> [Track], which chooses the points as asked. known: answers to masked pictures.
    """

    def __init__(self, asked, question, walk, known, budget, progress):
        self.asked, self.question, self.walk, self.budget, self.progress = asked, question, walk, budget, progress
        classifier, _, start, end, class_index, score = question
        self.answers = Answers((classifier, start, end, class_index, score), known, budget, progress)

    def at(self, layer, track):
        """track: of the layer, along the path."""
        found = Found()
        straight = self._of("straight")
        if straight:
            self._straight(layer, track.ends, straight, found)
        for key in self._of("logit"):
            found.cams[key] = self._at_logit(key, layer, track.ends)
            found.heads += len(ENDS)
        for key in self._of("masks"):
            cam, layer_maps = self.answers.map_of(key, layer, float(track.ends.scores[0]))
            found.cams[key] = cam
            if METHODS[key].masking.every_block:
                found.layer_maps[key] = layer_maps
        return found

    def _of(self, kind):
        return tuple(key for key in self.asked.methods if METHODS[key].path == kind)

    def _straight(self, layer, ends, keys, found):
        source = Straight(self._at(layer), ends.activations, self.budget, self.progress)
        (track,) = self.walk(source, [View(layer, keys)])
        options = self.asked.options
        found.cams |= {key: fetch(METHODS[key].cam(track.integrals[key], track.ends, options)) for key in keys}
        found.estimate, found.heads = track.estimate, found.heads + source.heads

    def _at_logit(self, key, layer, ends):
        *question, _ = self._at(layer)
        parts = sweep(*question, "logit", ENDS, fetch(ends.activations), self.budget)
        return fetch(METHODS[key].cam(None, joined(list(parts)).path(0), self.asked.options))

    def _at(self, layer):
        classifier, _, *rest = self.question
        return classifier, [layer], *rest


def _views(asked):
    """A View of each layer, and one of the picture itself where a method asks for it."""
    of = {path: tuple(key for key in asked.methods if METHODS[key].path == path) for path in ON_THE_PATH}
    views = [View(layer, of["layer"], ("rsi_grad_cam",)) for layer in asked.layers]
    return views + ([View(asked.classifier.input_layer, of["input"])] if of["input"] else [])


def _known_path(asked, views, earlier):
    """(the first of the earlier Comparisons that has the path, its PathRecord); None, None where there is none."""
    if len(views) > 1:
        return None, None
    paths = (
        (one, one.path_of(asked.classifier, asked.layers[0], asked.picture, asked.baseline_picture)) for one in earlier
    )
    return next(((one, path) for one, path in paths if path is not None), (None, None))


def _answers(asked, chosen, earlier):
    """What the network has said of the same picture through masks, for the same class and score."""
    same = (
        one
        for one in earlier
        if one.classifier is asked.classifier
        and np.array_equal(one.image, asked.picture)
        and one.class_index == chosen
        and one.settings["score"] == asked.score
    )
    return {mask: score for one in same for mask, score in one.answers.items()}


def _tracks(asked, source, views, show=None):
    """One Track a view, the points of the path chosen as asked."""
    if asked.automatic:
        slope = asked.classifier.score(asked.score).slope
        return placed(source, views, asked.options, slope, asked.tolerance, show)
    alphas = np.linspace(0, 1, asked.steps + 1, dtype=np.float32)
    if len(alphas) * sum(point_bytes(view.layer) for view in views) <= KEPT_PATH:
        return held(source, views, alphas, asked.options, show)
    return streamed(source, views, alphas, asked.options)


def _at_input(tracks, views):
    """The Track of the picture itself, or None."""
    return tracks[-1] if views[-1].layer.call is None else None


def _chosen_class(asked, known):
    """(the class to explain, how many pictures had to be shown to the network to know it)."""
    if asked.class_index is not None:
        return asked.class_index, 0
    if known is not None:
        return int(known.values[-1].argmax()), 0
    return int(asked.classifier.values(asked.picture[None])[0].argmax()), 1


def _comparison(asked, layer, chosen, track, at_input, found, answers, cost):
    classifier, values = asked.classifier, track.record.values[-1]
    settings = {
        "model": classifier.name,
        "layer": layer.name,
        "class_index": chosen,
        "class_name": classifier.class_names[chosen],
        "baseline": asked.baseline,
        "steps": asked.steps,
        **({"tolerance": asked.tolerance} if asked.automatic else {}),
        "score": asked.score,
        **asdict(asked.options),
        "methods": list(asked.methods),
    }
    probability, complement = probability_of(values, chosen, classifier.kind)
    gap = completeness_gap(track.integrals["rsi_grad_cam"], track.record.scores) if layer.cuts else None
    estimates = [one for one in (track.estimate, found.estimate) if one is not None]
    return Comparison(
        settings=settings,
        epsilon=asked.epsilon,
        image=asked.picture,
        baseline_image=asked.baseline_picture,
        class_index=chosen,
        class_name=classifier.class_names[chosen],
        probability=probability,
        complement=complement,
        probabilities=output_head.probabilities(classifier.kind, values[None])[0].astype(np.float32),
        layer=layer,
        path=track.record,
        completeness_gap=gap,
        estimated_error=float(np.max(estimates)) if estimates else None,
        cost=cost,
        vanished=not fetch(track.ends.gradients[-1]).any(),
        cams=_cams(asked, track, at_input, found),
        layer_maps=found.layer_maps,
        answers=answers.known,
        classifier=classifier,
    )


def _cams(asked, track, at_input, found):
    """{method: its raw map}, in the order asked for, of those that are there already."""
    of, cams = {"layer": track, "input": at_input}, {}
    for key in asked.methods:
        one = of.get(METHODS[key].path)
        if one is not None:
            cams[key] = fetch(METHODS[key].cam(one.integrals[key], one.ends, asked.options))
        elif key in found.cams:
            cams[key] = found.cams[key]
    return cams


def probability_of(values, class_index, kind="softmax"):
    """(p, 1 − p) of a class in float64, neither by subtraction: 1 − p stays right at 1e-30. NaN where a logit is.

    values: (classes,), of the kind that `explorer.network.output_head.End` tells. Probabilities as they are have lost
    their 1 − p.
    """
    values = np.asarray(values, np.float64)
    margin = values[class_index]
    if kind == "probabilities":
        return float(margin), float(1 - margin)
    with np.errstate(invalid="ignore"):
        if kind == "softmax":
            margin = margin - np.logaddexp.reduce(np.delete(values, class_index))
        return float(np.exp(-np.logaddexp(0, -margin))), float(np.exp(-np.logaddexp(0, margin)))
