"""The class-neutral baseline as it is optimised: the curve, its difference from black, the maps before and after."""

from __future__ import annotations

from typing import TYPE_CHECKING

from explorer import formatting
from explorer.attribution import metrics
from explorer.attribution.methods import METHODS, PathMethod
from explorer.errors import InputError, Progress
from explorer.formatting import short
from explorer.render.charts.baselines import amplified, descent_chart
from explorer.render.overlays import overlay, shared_scale
from explorer.studies import class_neutral
from explorer.ui import html
from explorer.ui.widgets.lineup import ask, passes
from explorer.ui.widgets.tiles import Tile, grid, row

if TYPE_CHECKING:
    from markupsafe import Markup
    from plotly.graph_objects import Figure

    from explorer.engine.result import Result
    from explorer.network.classifier import Classifier
    from explorer.studies.class_neutral import Neutral
    from explorer.ui.actions import Explorer
    from explorer.ui.controls import Controls


PICTURES = class_neutral.STEPS + 1


def reason(classifier: Classifier) -> str | None:
    """Why a network has no class-neutral baseline, or None."""
    try:
        class_neutral.require_softmax(classifier)
    except InputError as why:
        return str(why)
    return None


def cost(result: Result, pace: float) -> Markup:
    count = 2 * len(result.path.alphas)
    if class_neutral.cached(result.classifier):
        return html.caption(f"Kept for this network. Maps of another question take {passes(count, pace)}.")
    return html.caption(f"Takes {passes(PICTURES + count, pace)}, most of them once for this network.")


def curve(neutral: Neutral, dark: bool) -> Figure:
    return descent_chart(
        neutral.losses, neutral.greatest, neutral.classes, neutral.best_step, class_neutral.STEPS, dark
    )


def picture(neutral: Neutral) -> Markup:
    """The difference from black, amplified, and what it says."""
    difference, factor = amplified(neutral.pixels)
    return html.render(
        "neutral_picture",
        tiles=row([Tile(difference, "Its difference from black, amplified")]),
        reached=_reached(neutral),
        low=short(float(neutral.pixels.min())),
        high=short(float(neutral.pixels.max())),
        factor=f"{factor:.0f}",
    )


def _reached(neutral):
    first, least = (short(neutral.greatest[step], 3) for step in (0, neutral.best_step))
    even = f"1/{neutral.classes:,} = {short(1 / neutral.classes, 3)}"
    if not neutral.best_step:
        return f"No step made the loss smaller than at black, where the greatest probability is {first} ({even})."
    return f"At step {neutral.best_step} the greatest probability is {least}; at black it was {first}, and {even}."


def before_and_after(explorer: Explorer, result: Result, neutral: Neutral, progress: Progress | None) -> list[Result]:
    """The same question from black and from the class-neutral baseline."""
    baselines = (("black", "from black"), (neutral.baseline, "from the class-neutral baseline"))
    return [ask(explorer, result, baseline, progress, words) for baseline, words in baselines]


def maps(both: list[Result], controls: Controls) -> Markup:
    """The maps from black and from the class-neutral baseline, each method's two on one scale."""
    black, after = both
    methods = black.settings["methods"]
    rows = []
    for key in [key for key in methods if isinstance(METHODS[key], PathMethod)] or methods:  # the others walk no path
        scaled = shared_scale({0: black[key].raw, 1: after[key].raw}, black.epsilon)
        cosine = f"; cosine similarity {metrics.cosine(black[key].cam, after[key].cam):.4f}"
        rows.append(
            (
                METHODS[key].label,
                [
                    Tile(
                        overlay(one.image, scaled[i], controls.colormap, controls.opacity),
                        f"{METHODS[key].label} from {'the class-neutral baseline' if i else 'black'}",
                        f"max {formatting.or_dash(one[key].statistics['maximum'])}{cosine if i else ''}",
                    )
                    for i, one in enumerate(both)
                ],
            )
        )
    return grid(["before: from black", "after: from the class-neutral one"], rows)
