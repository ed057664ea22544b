"""Methods that need more of the network than the path through it: another path, another score, masked pictures."""

from dataclasses import dataclass, field

from explorer.attribution.methods import METHODS
from explorer.attribution.path import joined
from explorer.masking import Answers
from explorer.network.backend import fetch
from explorer.sampling import View
from explorer.straight import Straight
from explorer.sweep import ENDS, sweep


@dataclass
class Found:
    """What they come to at one layer."""

    cams: dict = field(default_factory=dict)  # method -> the raw map
    layer_maps: dict = field(default_factory=dict)  # method -> [(layer, its map)], of those that fuse several
    estimate: float | None = None  # how far a map may be off, where points were placed automatically
    heads: int = 0  # points through the part behind the layer


class Further:
    """question: arguments of `explorer.sweep.sweep` up to the score, its layers left open as None. walk: a function
    (source, views) -> [Track], which chooses the points as asked. known: answers to masked pictures."""

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
