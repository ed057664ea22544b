"""One question, every method: a Question in, Results out."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from explorer.attribution.methods import METHODS, Curve, MaskMethod, PointMethod
from explorer.attribution.methods.rsi_grad_cam import completeness_gap
from explorer.attribution.methods.variants import settings_of
from explorer.engine.adaptive import adaptive
from explorer.engine.integrate import LayerTask, evenly
from explorer.engine.masking import MaskScores
from explorer.engine.network_paths import ImagePath, StraightLine
from explorer.engine.question import Question
from explorer.engine.result import Cost, Result
from explorer.engine.settings import Settings
from explorer.engine.sweep import ENDS, Target, joined, sweep
from explorer.errors import Progress
from explorer.network.backend import fetch

if TYPE_CHECKING:
    from explorer.engine.integrate import Integration
    from explorer.network.classifier import Classifier
    from explorer.network.layers import Layer


def explain(
    classifier: Classifier,
    image: Any,
    layer: str | None = None,
    class_index: int | str | None = None,
    *,
    preview: Callable[[Any], object] | None = None,
    **settings: Any,
) -> Result:
    """Explain one image by several methods from one sweep of the network.

    image: uint8 RGB array (any height, any width, 3), a path, or a PIL image; it is stretched to the network's size.
    layer: the name of a spatial layer, by default the last that separates input from output. The rest is that of
    `explain_layers`. Returns a Result. Raises InputError for anything a person can get wrong.
    """
    show = preview and (lambda results: preview(*results.values()))
    (result,) = explain_layers(classifier, image, (layer,), class_index, preview=show, **settings).values()
    return result


def explain_layers(
    classifier: Classifier,
    image: Any,
    layers: Sequence[str | None],
    class_index: int | str | None = None,
    *,
    progress: Progress | None = None,
    preview: Callable[[Any], object] | None = None,
    memory_budget: int | None = None,
    reuse: Any = None,
    **settings: Any,
) -> dict[str, Result]:
    """The same image at several layers, from one sweep of the network for all of them.

    layers: names; None is the default layer. class_index and settings: those of `explorer.engine.settings.Settings`.
    progress, preview, memory_budget, reuse: see `answer`. Returns {name of the layer: Result}. Raises InputError for
    anything a person can get wrong.
    """
    question = Question(classifier=classifier, image=image, layers=layers, class_index=class_index, **settings)
    return answer(question, progress=progress, preview=preview, memory_budget=memory_budget, reuse=reuse)


def answer(
    question: Question,
    *,
    progress: Progress | None = None,
    preview: Callable[[Any], object] | None = None,
    memory_budget: int | None = None,
    reuse: Any = None,
) -> dict[str, Result]:
    """{name of the layer: Result} of a Question.

    progress: called as progress(stage, done, total); raise `explorer.errors.Cancelled` from it to stop. preview: called
    with what is returned, as it is from the points so far, before there are all of them. memory_budget: bytes that one
    batch may take on the device; None: as much as suits it. reuse: an earlier Result, or several, the best first. Of
    the same path at the one layer its activations serve again, and where class and score are the same too, its
    gradients and its scores of masked images: half of the network or none of it is run. The answer does not depend on
    it, beyond the rounding of single precision.
    """
    earlier = reuse if isinstance(reuse, tuple | list) else () if reuse is None else (reuse,)
    tasks = _tasks(question)
    earlier_path = _earlier_path(question, tasks, earlier)
    target, passes = _target(question, earlier_path)
    source = ImagePath(
        target, [task.layer for task in tasks], earlier_path.path, earlier_path.serves(target), memory_budget, progress
    )
    others = OtherMethods(question, target, _earlier_scores(question, target, earlier), memory_budget, progress)

    def results(integrations, outcomes=None):
        outcomes = outcomes or [Outcome() for _ in question.layers]
        heads = source.heads + sum(one.heads for one in outcomes)
        cost = Cost(source.passes + passes + others.mask_scores.passes, heads)
        at_input = integrations[-1] if tasks[-1].layer.call is None else None
        return {
            task.layer.name: _result(question, target, task, integration, at_input, one, others.mask_scores, cost)
            for task, integration, one in zip(tasks, integrations, outcomes, strict=False)
        }

    show = preview and (lambda integrations: preview(results(integrations)))
    integrations = integrate(question, target, source, tasks, show)
    if show and others.any:
        show(integrations)
    return results(integrations, [others.at(*one) for one in zip(question.layer_objects, integrations, strict=False)])


def integrate(
    question: Question,
    target: Target,
    source: ImagePath | StraightLine,
    tasks: list[LayerTask],
    preview: Callable[[Any], object] | None = None,
) -> list[Integration]:
    """[Integration], one a task, the points of the path chosen as asked."""
    if question.automatic:
        slope = target.classifier.score(target.score).slope
        return adaptive(source, tasks, question.options, slope, question.tolerance, preview)
    return evenly(source, tasks, question.steps, question.options, preview)


@dataclass
class Outcome:
    """What the methods that ask more of the network than its path come to at one layer."""

    cams: dict = field(default_factory=dict)  # {method: the raw map}
    layer_maps: dict = field(default_factory=dict)  # {method: [(layer, its map)]}, of those that fuse several
    error: float | None = None  # estimated, where points were placed adaptively
    heads: int = 0  # points through the part behind the layer


class OtherMethods:
    """Those that ask more of the network than its path: another curve, another score, masked images.

    earlier_scores: {(layer, channel): score} of masked images, from earlier results.
    """

    def __init__(
        self, question: Question, target: Target, earlier_scores: dict, memory: int | None, progress: Progress | None
    ):
        self.question, self.target, self.memory, self.progress = question, target, memory, progress
        self.mask_scores = MaskScores(target, earlier_scores, memory, progress)
        methods = [METHODS[key] for key in question.methods]
        self.straight = [one for one in methods if one.curve is Curve.STRAIGHT_LINE]
        self.of_score = [one for one in methods if isinstance(one, PointMethod) and one.score]
        self.masked = [one for one in methods if isinstance(one, MaskMethod)]

    @property
    def any(self) -> bool:
        """Whether there are any."""
        return bool(self.straight or self.of_score or self.masked)

    def at(self, layer: Layer, integration: Integration) -> Outcome:
        """What they come to at a layer. integration: of the image's path there."""
        outcome, ends = Outcome(), integration.ends
        if self.straight:
            keys = tuple(method.key for method in self.straight)
            line = StraightLine(self.target, layer, ends.activations, self.memory, self.progress)
            (straight,) = integrate(self.question, self.target, line, [LayerTask(layer, keys)])
            outcome.cams |= straight.maps(keys, self.question.options)[0]
            outcome.error, outcome.heads = straight.error, line.heads
        for method in self.of_score:
            target = self.target.of_score(method.score)
            samples = joined(list(sweep(target, [layer], ENDS, fetch(ends.activations), self.memory)))
            outcome.cams[method.key] = fetch(method.cam(samples.path(0), self.question.options))
            outcome.heads += len(ENDS)
        for method in self.masked:
            cam, layer_maps = self.mask_scores.map_of(method.key, layer, float(ends.scores[0]))
            outcome.cams[method.key] = cam
            if method.every_block:
                outcome.layer_maps[method.key] = layer_maps
        return outcome


def _tasks(question):
    """A LayerTask for each layer, and one for the image itself where a method asks for it."""
    at_layer, at_input = _on(question, Curve.LAYER), _on(question, Curve.INPUT)
    tasks = [LayerTask(layer, at_layer, ("rsi_grad_cam",)) for layer in question.layer_objects]
    return tasks + ([LayerTask(question.classifier.input_layer, at_input)] if at_input else [])


def _on(question, curve):
    """Keys of the methods whose maps come from that curve."""
    return tuple(key for key in question.methods if METHODS[key].curve is curve)


@dataclass(frozen=True)
class EarlierPath:
    """The path of an earlier Result about the same baseline and image at the one layer; both None without one."""

    result: Result | None = None
    path: object = None

    def serves(self, target: Target) -> bool:
        """Whether it is of the same class and score too."""
        if self.result is None:
            return False
        return (self.result.class_index, self.result.question.score) == (target.class_index, target.score)


def _earlier_path(question, tasks, earlier):
    if len(tasks) > 1:
        return EarlierPath()
    paths = ((result, result.path_for(question)) for result in earlier)
    return next((EarlierPath(result, path) for result, path in paths if path is not None), EarlierPath())


def _earlier_scores(question, target, earlier):
    """{(layer, channel): score} of the same image seen through masks, for the same class and score."""
    same = (
        result
        for result in earlier
        if result.classifier is question.classifier
        and np.array_equal(result.image, question.image)
        and (result.class_index, result.question.score) == (target.class_index, target.score)
    )
    return {mask: score for result in same for mask, score in result.mask_scores.items()}


def _target(question, earlier_path):
    """(the Target, how many images had to be shown to the network to know its class)."""
    start, end = question.classifier.preprocess(np.stack([question.baseline_image, question.image]))
    class_index, passes = question.class_index, 0
    if class_index is None and earlier_path.path is not None:
        class_index = int(earlier_path.path.logits[-1].argmax())
    elif class_index is None:
        class_index, passes = int(question.classifier.values(question.image[None])[0].argmax()), 1
    return Target(question.classifier, start, end, class_index, question.score), passes


def _result(question, target, task, integration, at_input, outcome, mask_scores, cost):
    errors = [error for error in (integration.error, outcome.error) if error is not None]
    gap = (
        completeness_gap(integration.integrals["rsi_grad_cam"], integration.path.scores)
        if task.layer.separates
        else None
    )
    cams, vanished = integration.maps(_on(question, Curve.LAYER), question.options)
    cams |= outcome.cams
    if at_input:
        cams |= at_input.maps(_on(question, Curve.INPUT), question.options)[0]
    return Result(
        question=question,
        layer=task.layer,
        class_index=target.class_index,
        path=integration.path,
        cams={key: cams[key] for key in question.methods if key in cams},
        completeness_gap=gap,
        vanished=vanished,
        epsilon=question.epsilon,
        estimated_error=float(np.max(errors)) if errors else None,
        layer_maps=outcome.layer_maps,
        mask_scores=mask_scores.scores,
        cost=cost,
    )


def _with_settings(function):
    """The function, its signature naming every setting it takes."""
    own = inspect.signature(function)
    named = [one for one in own.parameters.values() if one.kind is not inspect.Parameter.VAR_KEYWORD]
    settings = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=one.default)
        for name, one in settings_of(Settings).items()
        if name not in {"layers", *own.parameters}
    ]
    function.__signature__ = own.replace(parameters=named + settings)


_with_settings(explain)
_with_settings(explain_layers)
