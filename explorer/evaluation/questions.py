"""What an evaluation asks of every picture: the network, its layers, the methods, and which pictures count."""

from dataclasses import dataclass, field, replace

import numpy as np

from explorer.attribution.methods import DEFAULT, Options
from explorer.engine.baselines import is_named
from explorer.engine.question import request
from explorer.errors import InputError
from explorer.models.spec import Network

MOST_CURVE_STEPS = 1000
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


@dataclass(frozen=True)
class Questions:
    """network, precision: what computes. layers … options: see `explorer.explain_layers`; no layers: the ends of the
    last two blocks. curve_steps: in how many parts pixels are exchanged for insertion and deletion, which cost most;
    0 leaves both out. rules: which pictures count."""

    network: Network
    precision: str = "float32"
    layers: tuple[str, ...] = ()
    methods: tuple[str, ...] = DEFAULT
    baseline: str = "black"
    steps: int | str = 50
    tolerance: float = 0.005
    epsilon: float = 1e-8
    score: str | None = None
    options: Options = field(default_factory=Options)
    curve_steps: int = 10
    rules: Rules = Rules()

    def __post_init__(self):
        whole = isinstance(self.curve_steps, int) and not isinstance(self.curve_steps, bool)
        if not whole or not (self.curve_steps == 0 or 2 <= self.curve_steps <= MOST_CURVE_STEPS):
            raise InputError(
                f"Insertion and deletion take 2 to {MOST_CURVE_STEPS:,} steps, or 0 to leave them out; received "
                f"{self.curve_steps!r}."
            )

    def checked(self, classifier):
        """The same, spelt as the classifier does, its layers in the order of the forward pass.

        Raises InputError for whatever would be wrong with every picture.
        """
        layers = self.layers or [layer.name for layer in classifier.block_ends[-LAST_BLOCKS:]]
        blank = np.zeros((*classifier.input_size, 3), np.uint8)
        asked = request(
            classifier,
            blank,
            layers,
            None,
            self.baseline,
            self.steps,
            self.tolerance,
            self.methods,
            self.epsilon,
            self.score,
            self.options,
        )
        order = [layer.name for layer in classifier.anatomy.layers]
        return replace(
            self,
            layers=tuple(sorted((layer.name for layer in asked.layers), key=order.index)),
            methods=asked.methods,
            baseline=asked.baseline if is_named(self.baseline) else self.baseline,
            steps=asked.steps,
            tolerance=asked.tolerance,
            epsilon=asked.epsilon,
            score=asked.score,
        )
