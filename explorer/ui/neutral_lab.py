"""The class-neutral baseline as it is optimised: the curve, its difference from black, the maps before and after."""

from explorer import formatting
from explorer.attribution import metrics
from explorer.attribution.methods import METHODS, PathMethod
from explorer.errors import InputError
from explorer.formatting import short
from explorer.render.charts.baselines import amplified, descent_chart
from explorer.render.overlays import overlay, shared_scale
from explorer.studies import class_neutral
from explorer.ui.lineup import ask, passes
from explorer.ui.tiles import Tile, grid, row

PICTURES = class_neutral.STEPS + 1


def reason(classifier):
    """Why a network has no class-neutral baseline, or None."""
    try:
        class_neutral.require_softmax(classifier)
    except InputError as why:
        return str(why)
    return None


def cost(result, pace):
    count = 2 * len(result.path.alphas)
    if class_neutral.kept(result.classifier):
        return f"<p class='caption'>Kept for this network. Maps of another question take {passes(count, pace)}.</p>"
    return f"<p class='caption'>Takes {passes(PICTURES + count, pace)}, most of them once for this network.</p>"


def curve(found, dark):
    return descent_chart(found.losses, found.greatest, found.classes, found.chosen, class_neutral.STEPS, dark)


def picture(found):
    """The difference from black, amplified, and what it says."""
    shown, factor = amplified(found.pixels)
    low, high = short(float(found.pixels.min())), short(float(found.pixels.max()))
    return row([Tile(shown, "Its difference from black, amplified")]) + (
        f"<p class='told'>{_reached(found)} Its pixels differ from black by {low} to {high} of 255. Shown is that "
        f"difference <strong>{factor:.0f} times</strong> as strong around mid-grey: the baseline itself has values "
        "below zero and between whole numbers, and is no picture that could be displayed.</p>"
    )


def _reached(found):
    first, most = short(found.greatest[0], 3), short(found.greatest[found.chosen], 3)
    even = f"1/{found.classes:,} = {short(1 / found.classes, 3)}"
    if not found.chosen:
        return f"No step made the loss smaller than at black, where the greatest probability is {first} ({even})."
    return f"At step {found.chosen} the greatest probability is {most}; at black it was {first}, and {even}."


def before_and_after(explorer, result, found, progress):
    """The same question from black and from the class-neutral baseline."""
    asked = (("black", "from black"), (found.baseline, "from the class-neutral baseline"))
    return [ask(explorer, result, baseline, progress, words) for baseline, words in asked]


def maps(both, asked):
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
                        overlay(one.image, scaled[i], asked.colormap, asked.opacity),
                        f"{METHODS[key].label} from {'the class-neutral baseline' if i else 'black'}",
                        f"max {formatting.or_dash(one[key].statistics['maximum'])}{cosine if i else ''}",
                    )
                    for i, one in enumerate(both)
                ],
            )
        )
    return grid(["before: from black", "after: from the class-neutral one"], rows)
