"""What one click produced: every method's map of one picture, frozen."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np

from explorer.attribution import heatmaps
from explorer.attribution.methods import METHODS
from explorer.attribution.path import Array, Samples
from explorer.engine.baselines import once_more
from explorer.network.backend import fetch
from explorer.network.layers import Layer


@dataclass(frozen=True, eq=False)
class PathRecord:
    """What stays of the path with a result. Activations and gradients stay where the network left them, and are None
    where they would take too much room."""

    alphas: Array  # (T,)
    scores: Array  # (T,)            y(α)
    inner: Array | None = None  # (T,)       u(α), of which the score is a function
    values: Array | None = None  # (T, C)    of every class, what scores are computed of
    on_device: tuple[Array, Array] | None = field(default=None, repr=False)  # A(α) and ∂y/∂A, both (T, h, w, K)
    shares: Array | None = None  # (T − 1, 2)  the weights of the sums, where the points were placed automatically

    def samples(self):
        """The points as the network gave them, at the one layer."""
        activations, gradients = self.on_device
        return Samples(self.alphas, self.values, self.inner, self.scores, (activations,), (gradients,))

    @property
    def activations(self):
        """(T, h, w, K) NumPy, or None."""
        return self.on_device and fetch(self.on_device[0])

    @property
    def gradients(self):
        """(T, h, w, K) NumPy, or None."""
        return self.on_device and fetch(self.on_device[1])

    @property
    def bytes(self):
        """What the points take, activations and gradients first of all."""
        points = [one for one in (self.alphas, self.scores, self.inner, self.values) if one is not None]
        return sum(one.nbytes for one in points) + sum(4 * math.prod(one.shape) for one in self.on_device or ())


@dataclass(frozen=True)
class Cost:
    """How often the network was asked for an answer. Zero of both: everything was still there from an earlier one."""

    passes: int = 0  # pictures through the whole network, forth and back to the layer
    heads: int = 0  # points through the part behind the layer alone, the activations being known


@dataclass(frozen=True, eq=False)
class Explanation:
    """One method's share of a Comparison."""

    method: str  # key of METHODS
    label: str
    cam: Array  # (h, w) float32, raw, ≥ 0, at the layer's resolution
    raw: Array  # (H, W) float32, the cam up-sampled to the size the network sees, not normalised
    heatmap: Array  # (H, W) float32 in [0, 1]
    verdict: heatmaps.Verdict
    statistics: Mapping[str, float]  # of the cam: minimum, mean, maximum, zeros, cells


@dataclass(frozen=True, eq=False)
class Comparison:
    """Index it by a method's key, or iterate over it, for the Explanations; the rest is what they share."""

    settings: Mapping[str, Any]  # every setting but ε and the picture, ready for JSON
    epsilon: float
    image: Array  # (H, W, 3) uint8, the picture as the network sees it
    baseline_image: Array  # (H, W, 3) uint8, or float32 where it is class-neutral: see `baselines.displayed`
    class_index: int
    class_name: str
    probability: float  # p of the class for the picture
    complement: float  # 1 − p without cancellation
    probabilities: Array  # (classes,) float32
    layer: Layer
    path: PathRecord
    completeness_gap: float | None  # relative; None where the layer does not cut the network
    vanished: bool  # every gradient at the picture is exactly zero
    cams: Mapping[str, Array] = field(repr=False)
    classifier: Any = field(repr=False)
    estimated_error: float | None = None  # of the worst map or the gap, relative; None where the steps were given
    cost: Cost = Cost()
    layer_maps: Mapping[str, Any] = field(default_factory=dict, repr=False)  # SISE: [(Layer, (H, W) or None)]
    answers: Mapping[tuple, float] = field(default_factory=dict, repr=False)  # (layer, channel) -> y through that mask

    @cached_property
    def explanations(self):
        return {key: self._explanation(key, cam) for key, cam in self.cams.items()}

    def __getitem__(self, method):
        return self.explanations[method]

    def __iter__(self):
        return iter(self.explanations.values())

    def __len__(self):
        return len(self.cams)

    @property
    def bytes(self):
        """What the path takes, the two pictures, and a raw map and a heatmap a method."""
        pictures = self.image.nbytes + self.baseline_image.nbytes
        maps = 2 * len(self.cams) + sum(map(len, self.layer_maps.values()))
        return self.path.bytes + pictures + 4 * maps * math.prod(self.image.shape[:2]) + 200 * len(self.answers)

    @property
    def asks(self):
        """What `explorer.explain` has to be asked for the same again, but picture and layer."""
        settings = dict(self.settings)
        for name in ("model", "layer", "class_name"):
            del settings[name]
        settings["methods"] = tuple(settings["methods"])
        return settings | {"baseline": once_more(settings["baseline"], self.baseline_image), "epsilon": self.epsilon}

    def at_epsilon(self, epsilon):
        """The same maps normalised with another ε; the network is not asked again."""
        return replace(self, epsilon=heatmaps.check_epsilon(epsilon))

    def path_of(self, classifier, layer, picture, baseline_picture):
        """The path that was sampled here, where a question about the same one can use it again; else None."""
        same = (
            classifier is self.classifier
            and layer.name == self.layer.name
            and np.array_equal(picture, self.image)
            and np.array_equal(baseline_picture, self.baseline_image)
        )
        return self.path if same and self.path.on_device else None

    def _explanation(self, key, cam):
        raw = heatmaps.resize(cam, *self.image.shape[:2])
        about = heatmaps.Circumstances(
            label=METHODS[key].label,
            score=self.settings["score"],
            probability=self.probability,
            complement=self.complement,
            vanished=self.vanished,
            at_picture_only=METHODS[key].at_picture_only,
            other_variant=self._other_variant(key),
        )
        return Explanation(
            method=key,
            label=METHODS[key].label,
            cam=cam,
            raw=raw,
            heatmap=heatmaps.normalise(raw, self.epsilon),
            verdict=heatmaps.diagnose(raw, self.epsilon, about),
            statistics=heatmaps.statistics(cam),
        )

    def _other_variant(self, key):
        if key == "grad_cam" and self.settings["gradients"] == "raw":
            return "positive gradients"
        return "all units" if key == "rsi_grad_cam" and self.settings["units"] == "selected" else None
