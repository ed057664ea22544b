"""What one question produced: every method's map of one image, frozen."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from explorer.arrays import Array
from explorer.attribution import heatmaps
from explorer.attribution.diagnosis import Circumstances, Verdict, diagnose
from explorer.attribution.methods import METHODS
from explorer.attribution.path import Path
from explorer.engine.baselines import once_more
from explorer.engine.question import Question
from explorer.network import output_head
from explorer.network.layers import Layer

if TYPE_CHECKING:
    from explorer.attribution.path import Path
    from explorer.network.classifier import Classifier


@dataclass(frozen=True)
class Cost:
    """How often the network was asked. Zero of both: everything was still there from an earlier result."""

    passes: int = 0  # images through the whole network, forth and back to the layer
    heads: int = 0  # points through the part behind the layer alone, the activations being known


@dataclass(frozen=True, eq=False)
class Explanation:
    """One method's share of a Result."""

    method: str  # key of METHODS
    label: str
    cam: Array  # (h, w) float32, raw, ≥ 0, at the layer's resolution
    raw: Array  # (H, W) float32, the cam up-sampled to the size the network sees, not normalised
    heatmap: Array  # (H, W) float32 in [0, 1]
    verdict: Verdict
    statistics: Mapping[str, float]  # of the cam: minimum, mean, maximum, zeros, cells


@dataclass(frozen=True, eq=False)
class Result:
    """Index it by a method's key, or iterate over it, for the Explanations; the rest is what they share."""

    question: Question
    layer: Layer
    class_index: int  # the one asked for, or the most probable
    path: Path
    cams: Mapping[str, Array] = field(repr=False)  # {method: (h, w) float32}, raw
    completeness_gap: float | None  # relative; None where the layer does not separate input from output
    vanished: bool  # every gradient at the image is exactly zero
    epsilon: float
    estimated_error: float | None = None  # of the worst map or the gap, relative; None where the steps were given
    layer_maps: Mapping[str, Any] = field(default_factory=dict, repr=False)  # SISE: [(Layer, (H, W) or None)]
    mask_scores: Mapping[tuple, float] = field(default_factory=dict, repr=False)  # {(layer, channel): y through it}
    cost: Cost = Cost()

    # The question, and what the network says of the image

    @property
    def classifier(self) -> Classifier:
        return self.question.classifier

    @property
    def image(self) -> Array:
        """(H, W, 3) uint8, the image as the network sees it."""
        return self.question.image

    @property
    def baseline_image(self) -> Array:
        """(H, W, 3) uint8, or float32 where it is class-neutral: see `explorer.engine.baselines.displayed`."""
        return self.question.baseline_image

    @property
    def settings(self) -> dict[str, Any]:
        """Every setting but ε, ready for JSON."""
        return self.question.record(self.layer, self.class_index)

    @property
    def class_name(self) -> str:
        return self.classifier.class_names[self.class_index]

    @property
    def probability(self) -> float:
        """p of the class for the image."""
        return self._probability[0]

    @property
    def complement(self) -> float:
        """1 − p without cancellation."""
        return self._probability[1]

    @cached_property
    def probabilities(self) -> Array:
        """(classes,) float32."""
        logits = self.path.logits[-1]
        return output_head.probabilities(self.classifier.kind, logits[None])[0].astype(np.float32)

    # The maps

    @cached_property
    def explanations(self) -> dict[str, Explanation]:
        """{method: its Explanation}."""
        return {key: self._explanation(key, cam) for key, cam in self.cams.items()}

    def __getitem__(self, method):
        return self.explanations[method]

    def __iter__(self):
        return iter(self.explanations.values())

    def __len__(self):
        return len(self.cams)

    def at_epsilon(self, epsilon: float) -> Result:
        """The same maps normalised with another ε; the network is not asked again."""
        return replace(self, epsilon=heatmaps.check_epsilon(epsilon))

    # For asking again

    @property
    def bytes(self) -> int:
        """The memory that the path takes, the two images, and a raw map and a heatmap a method."""
        images = self.image.nbytes + self.baseline_image.nbytes
        maps = 2 * len(self.cams) + sum(map(len, self.layer_maps.values()))
        return self.path.bytes + images + 4 * maps * math.prod(self.image.shape[:2]) + 200 * len(self.mask_scores)

    @property
    def asks(self) -> dict[str, Any]:
        """What `explorer.explain` has to be asked for the same again, but image and layer."""
        settings = self.question.settings | {"class_index": self.class_index, "epsilon": self.epsilon}
        settings["baseline"] = once_more(self.question.baseline_name, self.baseline_image)
        del settings["layers"]
        return settings

    def path_for(self, question: Question) -> Path:
        """The path that was sampled here, where a question about the same one can use it again; else None."""
        same = (
            question.classifier is self.classifier
            and question.layers == (self.layer.name,)
            and np.array_equal(question.image, self.image)
            and np.array_equal(question.baseline_image, self.baseline_image)
        )
        return self.path if same and self.path.held else None

    def of(self, classifier: Classifier | None) -> Result:
        """The same of another Classifier of the same network; of None, without what cannot be sent to another process:
        the activations and gradients stay where they are."""
        question = self.question.of(classifier)
        if classifier is None:
            return replace(self, question=question, layer=replace(self.layer, call=None), path=self.path.released())
        return replace(self, question=question, layer=classifier.layer(self.layer.name))

    @cached_property
    def _probability(self):
        return output_head.probability_of(self.path.logits[-1], self.class_index, self.classifier.kind)

    def _explanation(self, key, cam):
        raw = heatmaps.resize(cam, *self.image.shape[:2])
        about = Circumstances(
            label=METHODS[key].label,
            score=self.question.score,
            probability=self.probability,
            complement=self.complement,
            vanished=self.vanished,
            at_picture_only=METHODS[key].at_image_only,
            other_variant=self._other_variant(key),
        )
        return Explanation(
            method=key,
            label=METHODS[key].label,
            cam=cam,
            raw=raw,
            heatmap=heatmaps.normalise(raw, self.epsilon),
            verdict=diagnose(raw, self.epsilon, about),
            statistics=heatmaps.statistics(cam),
        )

    def _other_variant(self, key):
        if key == "grad_cam" and self.question.gradients == "raw":
            return "positive gradients"
        return "all units" if key == "rsi_grad_cam" and self.question.units == "selected" else None
