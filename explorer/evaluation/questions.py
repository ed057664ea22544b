"""What an evaluation asks of every picture: the network, its layers, the methods, and which pictures count."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from explorer.arrays import Image
from explorer.attribution.methods.variants import setting
from explorer.engine.baselines import is_named
from explorer.engine.question import Question
from explorer.engine.settings import Settings
from explorer.errors import InputError
from explorer.models.spec import Network

if TYPE_CHECKING:
    from explorer.network.classifier import Classifier


MAX_CURVE_STEPS = 1000
LAST_BLOCKS = 2  # the ends of so many blocks are evaluated where no layers are named


@dataclass(frozen=True)
class Rules:
    """Which pictures count; one that a rule drops is not explained. The paper, section 4.3.1, has all three.

    correct: only where the most probable class is the picture's. one_box: only with exactly one box. box_under: only
    where the boxes cover a smaller share of the picture than this; None: whatever they cover.
    """

    correct: bool = False
    one_box: bool = False
    box_under: float | None = None

    def __post_init__(self):
        if self.box_under is not None and not 0 < self.box_under <= 1:
            raise InputError(f"The boxes' share of a picture is above 0, at most 1; received {self.box_under}.")


PAPER = Rules(correct=True, one_box=True, box_under=0.5)


@dataclass(frozen=True, kw_only=True, eq=False)
class Questions(Settings):
    """Settings that are the same for every picture, its class aside; no layers: the ends of the last two blocks.

    network, precision: what computes. curve_steps: in how many parts pixels are exchanged for insertion and deletion,
    which cost most; 0 leaves both out. rules: which pictures count.
    """

    network: Network
    precision: str = "float32"
    layers: tuple[str, ...] = setting(
        (), help="which layers' maps (default: the ends of the last two blocks)", group="Question", option="layers"
    )
    curve_steps: int = 10
    rules: Rules = Rules()

    def __post_init__(self):
        super().__post_init__()
        whole = isinstance(self.curve_steps, int) and not isinstance(self.curve_steps, bool)
        if not whole or not (self.curve_steps == 0 or 2 <= self.curve_steps <= MAX_CURVE_STEPS):
            raise InputError(
                f"Insertion and deletion take 2 to {MAX_CURVE_STEPS:,} steps, or 0 to leave them out; received "
                f"{self.curve_steps!r}."
            )

    @property
    def content(self) -> tuple[Network, ...]:
        return (self.network, self.precision, self.curve_steps, self.rules, *super().content)

    def checked(self, classifier: Classifier) -> Questions:
        """The same, spelt as the classifier does, its layers in the order of the forward pass.

        Raises InputError for whatever would be wrong with every picture.
        """
        layers = self.layers or tuple(layer.name for layer in classifier.block_ends[-LAST_BLOCKS:])
        blank = np.zeros((*classifier.input_size, 3), np.uint8)
        question = replace(self, layers=layers).about(classifier, blank)
        order = [layer.name for layer in classifier.anatomy.layers]
        return replace(
            self,
            layers=tuple(sorted(question.layers, key=order.index)),
            baseline=question.baseline_name if is_named(self.baseline) else self.baseline,
            score=question.score,
        )

    def about(self, classifier: Classifier, image: Image, class_index: int | None = None) -> Question:
        """The Question about one picture."""
        return Question(classifier=classifier, image=image, **self.settings | {"class_index": class_index})
