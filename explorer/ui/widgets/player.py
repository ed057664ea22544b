"""The path player as the page shows it: one piece of HTML that holds every stop, so that dragging asks nobody."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING

import numpy as np

from explorer.attribution.heatmaps import normalise
from explorer.attribution.methods import METHODS
from explorer.formatting import in_percent, short
from explorer.render import overlays
from explorer.ui import html
from explorer.ui.assets import script

if TYPE_CHECKING:
    from markupsafe import Markup

    from explorer.engine.result import Result
    from explorer.studies.playback import Playback
    from explorer.ui.controls import Controls


SCRIPT = script("player.js")
CELLS = 1 << 20  # cells of all maps at all stops together, a byte each on their way to the page
MIN_STOPS = 17
SCALES = (
    "Colours do not shift while you drag: a map that collects has the scale of its final map, one of each picture "
    "alone that of its largest value along the path. All are drawn over the picture itself."
)
SUPERSCRIPTS = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")
MAX_WIDTH = 224  # pixels of a map's canvas


def max_stops(result: Result, most: int) -> int:
    """How many stops the page can take at a layer of that size."""
    h, w, _ = result.layer.shape
    return int(np.clip(CELLS // (h * w * max(1, len(result.cams))), MIN_STOPS, most))


def player(result: Result, played: Playback, flat_from: float | None, look: Controls) -> Markup:
    """look: colours, opacity and ε, as `explorer.ui.controls.Controls`; flat_from: see
    `explorer.render.charts.histograms.flat_zone`."""
    unplayed = [METHODS[key].label for key in result.cams if key not in played.cams]
    data = _data(result, played, flat_from, look)
    return html.render(
        "player",
        story=story(result, played, flat_from),
        last=len(played.alphas) - 1,
        steepest=played.steepest,
        baseline=result.baseline_image,
        picture=result.image,
        maps=[(key, METHODS[key].label, _meaning(METHODS[key])) for key in played.cams],
        size=_canvas(result.image),
        scales=SCALES,
        unplayed=", ".join(unplayed),
        data=json.dumps(data, ensure_ascii=False, separators=(",", ":")),
    )


def story(result: Result, played: Playback, flat_from: float | None) -> tuple[str, ...]:
    """What this path says of Grad-CAM and of the integral, in the numbers of this path: words, those of them that are
    set off, and the words after them."""
    steepest, at_picture = played.gradients[played.steepest], played.gradients[-1]
    if not np.isfinite(played.gradients).all() or not steepest > 0:
        return "No gradient along this path can be shown: every one is zero, or the network overflowed.", "", ""
    where = f"α = {played.alphas[played.steepest]:.2g}"
    fall = at_picture / steepest
    rising = ", where the score is rising" if _rising(played) else ""
    largest = f"The gradient is largest at {where}{rising}"
    if played.steepest == len(played.alphas) - 1:
        words = (
            "The gradient is largest at the picture itself, which is where Grad-CAM looks: along this path nothing "
            "vanishes, and Grad-CAM need not go dark."
        )
        return words, "", ""
    if flat_from is None or fall > 0.1:
        reason = "there is no flat zone" if flat_from is None else "little is lost in the flat zone"
        words = (
            f"{largest}. At the picture it is still {short(100 * fall)} % of that: here {reason}, so Grad-CAM, "
            "which looks only at α = 1, need not go dark."
        )
        return words, "", ""
    first_flat = int(np.searchsorted(played.alphas, flat_from - 1e-9))
    change = float(result.path.scores[-1]) - float(result.path.scores[0])
    share = played.collected[first_flat] / change if change else np.nan
    times = f"{1 / fall:,.0f}" if at_picture > 0 and fall > 1e-6 else _power(1 / fall) if at_picture > 0 else ""
    integral = (
        f" By then the integral has collected {100 * share:.3g} % of the change of the score, and keeps it."
        if result.layer.separates and 0.5 < share < 1.5
        else " What the integral has collected by then, it keeps."
    )
    return (
        f"{largest}. From α = {flat_from:.2g} on the score is flat, and at the picture the gradient is ",
        f"{times} times smaller" if times else "exactly zero",
        f": Grad-CAM, which looks only at α = 1, fades.{integral}",
    )


def _rising(played):
    """Whether the score rises faster at the largest gradient than it does along the path on average."""
    slopes = np.gradient(played.scores, played.alphas)
    return bool(slopes[played.steepest] > max(0.0, played.scores[-1] - played.scores[0]))


def _data(result, played, flat_from, look):
    stops = range(len(played.alphas))
    return {
        "alphas": [round(float(alpha), 6) for alpha in played.alphas],
        "heads": [_head(played, stop, flat_from) for stop in stops],
        "words": [_words(result, played, stop) for stop in stops],
        "tops": [_top(result, played, stop) for stop in stops],
        "maps": [_map_data(played, key, look) for key in played.cams],
        "table": _encoded(overlays.COLORMAPS[look.colormap]),
        "opacity": look.opacity,
    }


def _head(played, stop, flat_from):
    alpha, last = played.alphas[stop], len(played.alphas) - 1
    name = " · the baseline" if stop == 0 else " · the picture" if stop == last else ""
    if not name and flat_from is not None and alpha >= flat_from:
        name = " · flat zone"
    return f"α = {alpha:.3f}{name}"


def _words(result, played, stop):
    gained = played.scores[stop] - played.scores[0]
    words = (
        f"Score {short(float(played.scores[stop]), 3)}; gradient ‖∂y/∂A‖ {short(float(played.gradients[stop]))}. "
        f"Integrated gradients of all units so far: {short(float(played.collected[stop]), 3)}"
    )
    if not result.layer.separates:
        return f"{words}. A skip connection leads around this layer: they need not add up to the score's change."
    return f"{words}; change of the score so far: {short(float(gained), 3)}."


def _top(result, played, stop):
    """The five most probable classes of the interpolated picture, and the class explained: its name, its probability,
    that in words, whether it is the one explained."""
    likeliest = list(played.likeliest(stop))
    if result.class_index not in [index for index, _ in likeliest]:
        likeliest.append((result.class_index, float(played.probabilities[stop, result.class_index])))
    names = result.classifier.class_names
    return [
        (names[index], round(float(p), 4), in_percent(p), bool(index == result.class_index)) for index, p in likeliest
    ]


def _meaning(method):
    return "of the picture at α alone" if method.at_image_only else "collected from 0 up to α"


def _map_data(played, key, look):
    low, high = played.scale(key)
    cams = played.cams[key]
    finite = np.where(np.isfinite(cams), cams, low)
    h, w = cams.shape[1:]
    values = np.rint(255 * normalise(finite, look.epsilon, low, high)).astype(np.uint8)
    notes = [f"max {short(float(cam.max()) if np.isfinite(cam).all() else None)}" for cam in cams]
    return {"key": key, "h": h, "w": w, "values": _encoded(values), "notes": notes}


def _canvas(image):
    height, width = image.shape[:2]
    shrink = min(1, MAX_WIDTH / max(height, width))
    return max(1, round(height * shrink)), max(1, round(width * shrink))


def _encoded(values):
    return base64.b64encode(np.ascontiguousarray(values).tobytes()).decode()


def _power(value):
    """3.2e9 -> "3·10⁹"."""
    digits, exponent = f"{value:.0e}".split("e")
    return f"{digits}·10{str(int(exponent)).translate(SUPERSCRIPTS)}"
