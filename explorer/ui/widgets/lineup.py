"""Every baseline side by side: its preview, what the network says of it, and the methods' maps from it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from explorer import formatting
from explorer.attribution.methods import METHODS, PathMethod
from explorer.attribution.metrics import entropy
from explorer.engine.baselines import BASELINES, canonical, describe, displayed, is_named, make_baseline, once_more
from explorer.errors import Progress
from explorer.network import output_head
from explorer.render.overlays import overlay, shared_scale
from explorer.studies import class_neutral
from explorer.ui import html
from explorer.ui.widgets.tiles import Tile, grid

if TYPE_CHECKING:
    from markupsafe import Markup

    from explorer.engine.result import Result
    from explorer.ui.actions import Explorer
    from explorer.ui.controls import Controls


AT_ONCE = 12.0  # seconds: on opening the page, no further column is begun after them
NO_PATH = "walks no path, so the baseline does not matter"


@dataclass(eq=False)
class Lineup:
    """What the page has of one result. baselines: {spelling: what to ask for}; probabilities: {spelling: of each class
    there}; results: {spelling: its Result}, as far as they are computed."""

    result: Any
    baselines: dict
    probabilities: dict
    results: dict = field(default_factory=dict)

    @property
    def missing(self) -> list:
        return [spelling for spelling in self.baselines if spelling not in self.results]

    @property
    def max_passes(self) -> int:
        """About how many pictures the missing columns put through the network: as many as that of the result."""
        return len(self.missing) * len(self.result.path.alphas)


def lineup(result: Result, earlier: Any = ()) -> Lineup:
    """The Lineup of a result, its own baseline computed, and what the network says of every one (one batch).

    earlier: {spelling: Result} of the same result.
    """
    baselines = _baselines(result)
    pictures = np.stack([make_baseline(spec, result.image).astype(np.float32) for spec in baselines.values()])
    rows = output_head.probabilities(result.classifier.kind, result.classifier.values(pictures))
    results = dict(earlier) | {result.settings["baseline"]: result}
    results = {spelling: results[spelling] for spelling in baselines if spelling in results}
    return Lineup(result, baselines, dict(zip(baselines, rows, strict=True)), results)


def _baselines(result):
    """Each named baseline, its parameter that of the result where it is of that kind; a picture; the class-neutral one.

    The single colour is the mean of the picture, since the usual one is mid-grey, which is there already.
    """
    mean = "#" + bytes(np.rint(result.image.mean(axis=(0, 1))).astype(np.uint8)).hex()
    kinds = {name: canonical(name) for name in BASELINES} | {"colour": f"colour:{mean}"}
    own = result.settings["baseline"]
    if is_named(own):
        kinds[own.partition(":")[0]] = own
    baselines = {spelling: spelling for spelling in kinds.values()}
    if not is_named(own):
        baselines[own] = once_more(own, result.baseline_image)
    neutral = class_neutral.cached(result.classifier)
    return baselines if neutral is None else baselines | {canonical(neutral.baseline): neutral.baseline}


def fill(
    line: Lineup,
    explorer: Explorer,
    progress: Progress | None,
    show: Callable[[], object],
    seconds: float | None = None,
) -> None:
    """Compute the columns that are missing, calling show() after each; none is begun after so many seconds."""
    begun, count = time.monotonic(), len(line.missing)
    for place, spelling in enumerate(line.missing, 1):
        if seconds is not None and time.monotonic() - begun > seconds:
            return
        words = f"baseline {place} of {count}, {describe(spelling)}"
        line.results[spelling] = ask(explorer, line.result, line.baselines[spelling], progress, words)
        show()


def ask(
    explorer: Explorer, result: Result, baseline: str, progress: Progress | None, words: str, **other: Any
) -> Result:
    """The same question from another baseline, some words in front of its progress."""

    def tell(stage, done, total):
        progress(f"{words}: {stage}", done, total)

    return explorer.cache.explain(
        result.classifier, result.image, progress=tell, **(result.asks | {"baseline": baseline} | other)
    )


def board(line: Lineup, controls: Controls) -> Markup:
    """The Lineup as a grid, each method's row on one colour scale."""
    result = line.result
    heads = [(describe(spelling), _remark(line, spelling)) for spelling in line.baselines]
    rows = [("What the network says of it", [_preview(line, spelling) for spelling in line.baselines])]
    for key in result.settings["methods"]:
        rows.append(
            ((METHODS[key].label, "" if isinstance(METHODS[key], PathMethod) else NO_PATH), _row(line, key, controls))
        )
    return grid(heads, rows)


def cost(line: Lineup, pace: float | None) -> Markup:
    """What the columns will take or have taken, in a sentence."""
    if line.missing:
        return html.caption(f"The missing columns take {passes(line.max_passes, pace)}; it can be stopped.")
    count = sum(one.cost.passes for spelling, one in line.results.items() if one is not line.result)
    words = f"took {count:,} pictures through the network" if count else "were still in memory"
    return html.caption(f"The other columns {words}. Each method's row is on one colour scale.")


def passes(count: int, pace: float | None) -> str:
    time = f", about {formatting.duration(pace * count)}" if pace else ""
    return f"about {count:,} pictures through the network{time}"


def _remark(line, spelling):
    if spelling == line.result.settings["baseline"]:
        return "the one chosen"
    return "the picture's mean" if spelling.startswith("colour:") else ""


def _preview(line, spelling):
    probabilities, names = line.probabilities[spelling], line.result.classifier.class_names
    likeliest, explained = int(probabilities.argmax()), probabilities[line.result.class_index]
    words = f"{names[likeliest]}, {formatting.about(probabilities[likeliest])}"
    if _shared(line.result.classifier):
        words += f" · {entropy(probabilities):.2f} of {np.log2(len(probabilities)):.2f} bits"
    picture = displayed(make_baseline(line.baselines[spelling], line.result.image))
    badge = "this class" if explained > 0.5 else ""  # see `text.baseline_warning`
    return Tile(picture, f"The baseline {describe(spelling)}", words, badge=badge)


def _shared(classifier):
    """Whether the classes share one probability, so that it has an entropy."""
    return classifier.kind == "softmax"


def _row(line, key, controls):
    raws = {spelling: one[key].raw for spelling, one in line.results.items()}
    scaled = shared_scale(raws, line.result.epsilon)
    return [
        Tile(
            overlay(line.result.image, scaled[spelling], controls.colormap, controls.opacity),
            f"{METHODS[key].label} from {describe(spelling)}",
            f"max {formatting.or_dash(line.results[spelling][key].statistics['maximum'])}",
        )
        if spelling in scaled
        else Tile(None, note="not yet computed")
        for spelling in line.baselines
    ]
