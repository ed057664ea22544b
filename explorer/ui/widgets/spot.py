"""The blind spot: the colour of a pixel becomes the baseline, and Integrated Gradients no longer sees that colour."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from explorer.attribution.heatmaps import normalise
from explorer.attribution.methods import METHODS
from explorer.attribution.metrics import ALIKE, alike, share
from explorer.engine.baselines import describe, once_more
from explorer.errors import Progress
from explorer.formatting import part
from explorer.render.charts.baselines import marked
from explorer.render.overlays import colour, overlay, shared_scale
from explorer.ui import html
from explorer.ui.assets import script
from explorer.ui.widgets.lineup import ask, passes
from explorer.ui.widgets.tiles import Tile, grid

if TYPE_CHECKING:
    from markupsafe import Markup

    from explorer.engine.result import Result
    from explorer.ui.actions import Explorer
    from explorer.ui.controls import Controls


METHODS_SHOWN = ("integrated_gradients", "rsi_grad_cam")
BRIGHTEST = "the map alone; its largest hundredth is all of the brightest colour"
PICKING = script("pick.js")
NO_SPOT = "RSI-Grad-CAM multiplies by no pixel's change: it weighs whole feature maps of a layer."


def board(result: Result) -> Markup:
    """The picture, to be clicked on."""
    return html.render("pick", picture=result.image)


def invitation(result: Result, pace: float) -> Markup:
    cost = passes(2 * len(result.path.alphas), pace)
    return html.caption(f"Click a pixel of the thing itself, then one beside it. A click takes {cost}.")


def look(explorer: Explorer, result: Result, x: int, y: int, progress: Progress | None, controls: Controls) -> Markup:
    """Both methods from the baseline of the result and from the colour of a pixel, which becomes one; and the pixels of
    nearly that colour."""
    height, width = result.image.shape[:2]
    rgb = result.image[min(max(int(y), 0), height - 1), min(max(int(x), 0), width - 1)]
    word = "colour:#" + bytes(rgb).hex()
    before = once_more(result.settings["baseline"], result.baseline_image)
    both = [
        ask(explorer, result, baseline, progress, words, methods=METHODS_SHOWN)
        for baseline, words in ((before, "the baseline chosen"), (word, "the pixel's colour"))
    ]
    places = alike(result.image, rgb)
    return _finding(both, places, word, _maps(both, places, controls))


def _maps(both, places, controls):
    rows = []
    for key, drawn in (("integrated_gradients", _by_pixels), ("rsi_grad_cam", _overlays)):
        pictures = drawn([one[key].raw for one in both], both[0], controls)
        tiles = [
            Tile(
                picture,
                f"{METHODS[key].label} from {describe(one.settings['baseline'])}",
                f"marked pixels hold {_share(share(one[key].raw, places))}",
            )
            for one, picture in zip(both, pictures, strict=True)
        ]
        rows.append((METHODS[key].label, tiles))
    rows[0] = (rows[0][0], BRIGHTEST), rows[0][1]
    rows[0][1].append(Tile(marked(both[0].image, places), "The pixels of nearly the baseline's colour, marked"))
    rows[1][1].append(Tile(None, note=NO_SPOT))
    heads = [f"from {describe(one.settings['baseline'])}" for one in both]
    return grid([*heads, ("the marked pixels", "of nearly that colour")], rows)


def _by_pixels(raws, result, controls):
    """The maps alone on one scale: single pixels stand out so far that over the picture nothing else would be seen."""
    high = max(np.percentile(raw, 99) for raw in raws)
    return [colour(normalise(raw, result.epsilon, 0, high), controls.colormap) for raw in raws]


def _overlays(raws, result, controls):
    scaled = shared_scale(dict(enumerate(raws)), result.epsilon)
    return [overlay(result.image, one, controls.colormap, controls.opacity) for one in scaled.values()]


def _finding(both, places, word, maps):
    """What to look at, in numbers of this picture, above the maps."""
    first = describe(both[0].settings["baseline"])
    before, after = (share(one["integrated_gradients"].raw, places) for one in both)
    change = (
        f"Of Integrated Gradients they hold {_share(before)} from {first}, "
        f"and {_share(after)} once their own colour is the baseline."
    )
    if both[0].settings["baseline"] == word:
        change = "This is the baseline's colour already: click another to compare."
    return html.render(
        "spot", colour=word.partition(":")[2], part=_share(places.mean()), alike=ALIKE, change=change, maps=maps
    )


def _share(value):
    if np.isnan(value):
        return "nothing, the map being blank,"
    return part(value)
