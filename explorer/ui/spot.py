"""The blind spot: the colour of a pixel becomes the baseline, and Integrated Gradients no longer sees that colour."""

from html import escape

import numpy as np

from explorer.attribution.heatmaps import normalise
from explorer.attribution.methods import METHODS
from explorer.attribution.metrics import ALIKE, alike, share
from explorer.engine.baselines import describe, once_more
from explorer.formatting import part
from explorer.render.charts.baselines import marked
from explorer.render.overlays import colour, overlay, shared_scale
from explorer.ui.lineup import ask, passes
from explorer.ui.results import data_uri
from explorer.ui.tiles import Tile, grid

METHODS_SHOWN = ("integrated_gradients", "rsi_grad_cam")
BRIGHTEST = "the map alone; its largest hundredth is all of the brightest colour"
NO_SPOT = "RSI-Grad-CAM multiplies by no pixel's change: it weighs whole feature maps of a layer."

# Where a picture was clicked, in its own pixels. From the keyboard: arrows move the cross, Enter picks.
PICKING = """
const place = (part, count) => Math.min(count - 1, Math.max(0, Math.floor(part * count)));
const pick = (board, x, y) => {
  const picture = board.querySelector('img');
  board.style.setProperty('--x', x);
  board.style.setProperty('--y', y);
  trigger('click', { x: place(x, picture.naturalWidth), y: place(y, picture.naturalHeight) });
};
element.addEventListener('click', (event) => {
  const board = event.target.closest('.pick');
  if (!board) return;
  const box = board.querySelector('img').getBoundingClientRect();
  pick(board, (event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height);
});
element.addEventListener('keydown', (event) => {
  const board = event.target.closest('.pick');
  const step = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
  if (!board || (!step && event.key !== 'Enter')) return;
  event.preventDefault();
  const [x, y] = ['--x', '--y'].map((name) => Number(getComputedStyle(board).getPropertyValue(name)));
  const moved = [x + (step?.[0] ?? 0) / 32, y + (step?.[1] ?? 0) / 32].map((at) => Math.min(1, Math.max(0, at)));
  if (!step) return pick(board, x, y);
  board.style.setProperty('--x', moved[0]);
  board.style.setProperty('--y', moved[1]);
});
"""


def board(result):
    """The picture, to be clicked on."""
    return (
        f'<div class="pick" tabindex="0" role="application" aria-label="Pick a pixel: arrows move, Enter picks">'
        f'<img src="{data_uri(result.image)}" alt="The picture, to pick a pixel of" draggable="false"></div>'
    )


def invitation(result, pace):
    count = 2 * len(result.path.alphas)
    told = f"Click a pixel of the thing itself, then one beside it. A click takes {passes(count, pace)}."
    return f"<p class='caption'>{told}</p>"


def look(explorer, result, x, y, progress, asked):
    """Both methods from the baseline of the result and from the colour of a pixel, which becomes one; and the pixels of
    nearly that colour."""
    height, width = result.image.shape[:2]
    rgb = result.image[min(max(int(y), 0), height - 1), min(max(int(x), 0), width - 1)]
    word = "colour:#" + bytes(rgb).hex()
    before = once_more(result.settings["baseline"], result.baseline_image)
    found = [
        ask(explorer, result, baseline, progress, words, methods=METHODS_SHOWN)
        for baseline, words in ((before, "the baseline chosen"), (word, "the pixel's colour"))
    ]
    places = alike(result.image, rgb)
    return _told(found, places, word) + _maps(found, places, asked)


def _maps(found, places, asked):
    rows = []
    for key, drawn in (("integrated_gradients", _by_pixels), ("rsi_grad_cam", _overlays)):
        pictures = drawn([one[key].raw for one in found], found[0], asked)
        tiles = [
            Tile(
                picture,
                f"{METHODS[key].label} from {describe(one.settings['baseline'])}",
                f"marked pixels hold {_share(share(one[key].raw, places))}",
            )
            for one, picture in zip(found, pictures, strict=True)
        ]
        rows.append((METHODS[key].label, tiles))
    rows[0] = (rows[0][0], BRIGHTEST), rows[0][1]
    rows[0][1].append(Tile(marked(found[0].image, places), "The pixels of nearly the baseline's colour, marked"))
    rows[1][1].append(Tile(None, note=NO_SPOT))
    heads = [f"from {describe(one.settings['baseline'])}" for one in found]
    return grid([*heads, ("the marked pixels", "of nearly that colour")], rows)


def _by_pixels(raws, result, asked):
    """The maps alone on one scale: single pixels stand out so far that over the picture nothing else would be seen."""
    high = max(np.percentile(raw, 99) for raw in raws)
    return [colour(normalise(raw, result.epsilon, 0, high), asked.colormap) for raw in raws]


def _overlays(raws, result, asked):
    scaled = shared_scale(dict(enumerate(raws)), result.epsilon)
    return [overlay(result.image, one, asked.colormap, asked.opacity) for one in scaled.values()]


def _told(found, places, word):
    """What to look at, in numbers of this picture."""
    name = word.partition(":")[2]
    before, after = (share(one["integrated_gradients"].raw, places) for one in found)
    swatch = f'<span class="swatch" style="background: {name}"></span>'
    if found[0].settings["baseline"] == word:
        change = "This is the baseline's colour already: click another to compare."
    else:
        first = escape(describe(found[0].settings["baseline"]))
        change = (
            f"Of Integrated Gradients they hold {_share(before)} from {first}, "
            f"and {_share(after)} once their own colour is the baseline."
        )
    return (
        f"<p class='told'>{swatch}<strong>{name}</strong> is the baseline now. Look at the marked pixels: "
        f"{_share(places.mean())} of the picture is within {ALIKE} of 255 of it. {change} The method multiplies by "
        "how far a pixel is from the baseline, so a pixel of its colour gets nothing, however much it matters to the "
        "network.</p>"
    )


def _share(value):
    if np.isnan(value):
        return "nothing, the map being blank,"
    return part(value)
