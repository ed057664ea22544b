"""The path player as the page shows it: one piece of HTML that holds every stop, so that dragging asks nobody."""

import base64
import json
from html import escape
from pathlib import Path

import numpy as np

from explorer.attribution.heatmaps import normalise
from explorer.attribution.methods import METHODS
from explorer.formatting import in_percent, short
from explorer.render import overlays
from explorer.ui.results import data_uri

SCRIPT = (Path(__file__).resolve().parents[2] / "assets" / "player.js").read_text(encoding="utf-8")
CELLS = 1 << 20  # cells of all maps at all stops together, a byte each on their way to the page
MIN_STOPS = 17
SCALES = (
    "Colours do not shift while you drag: a map that collects has the scale of its final map, one of each picture "
    "alone that of its largest value along the path. All are drawn over the picture itself."
)
WIDEST = 224  # pixels of a map's canvas


def max_stops(result, most):
    """How many stops the page can take at a layer of that size."""
    h, w, _ = result.layer.shape
    return int(np.clip(CELLS // (h * w * max(1, len(result.cams))), MIN_STOPS, most))


def html(result, played, flat_from, look):
    """look: colours, opacity and ε, as `explorer.ui.controls.Asked`; flat_from: see
    `explorer.render.charts.histograms.flat_zone`."""
    last = len(played.alphas) - 1
    height, width = _canvas(result.image)
    maps = "".join(_map(key, width, height) for key in played.cams)
    data = json.dumps(_data(result, played, flat_from, look), ensure_ascii=False, separators=(",", ":"))
    return (
        f"<div class='player'><p class='story'>{story(result, played, flat_from)}</p>"
        '<div class="path-controls"><button type="button" class="play">▶ Play</button>'
        f'<input type="range" class="path-slider" min="0" max="{last}" value="{last}" step="1" aria-label="Point of '
        'the path, from baseline to picture"><strong class="path-head"></strong></div>'
        f'<p class="path-jumps">Go to <button type="button" data-stop="0">the baseline</button>'
        f'<button type="button" data-stop="{played.steepest}">the largest gradient</button>'
        f'<button type="button" data-stop="{last}">the picture</button></p>'
        f'<div class="path-stage">{_now(result)}<div class="path-maps">{maps}</div></div>'
        f'<p class="path-words"></p><p class="caption">{SCALES}</p>{_left_out(result, played)}'
        f'<div class="path-data" hidden>{escape(data, quote=False)}</div></div>'
    )


def story(result, played, flat_from):
    """What this path says of Grad-CAM and of the integral, in the numbers of this path; HTML."""
    steepest, at_picture = played.gradients[played.steepest], played.gradients[-1]
    if not np.isfinite(played.gradients).all() or not steepest > 0:
        return "No gradient along this path can be told: every one is zero, or the network overflowed."
    where = f"α = {played.alphas[played.steepest]:.2g}"
    fall = at_picture / steepest
    rising = ", where the score is rising" if _rising(played) else ""
    largest = f"The gradient is largest at {where}{rising}"
    if played.steepest == len(played.alphas) - 1:
        return (
            "The gradient is largest at the picture itself, which is where Grad-CAM looks: along this path nothing "
            "vanishes, and Grad-CAM need not go dark."
        )
    if flat_from is None or fall > 0.1:
        kept = "there is no flat zone" if flat_from is None else "little is lost in the flat zone"
        return (
            f"{largest}. At the picture it is still {short(100 * fall)} % of that: here {kept}, so Grad-CAM, "
            "which looks only at α = 1, need not go dark."
        )
    there = int(np.searchsorted(played.alphas, flat_from - 1e-9))
    change = float(result.path.scores[-1]) - float(result.path.scores[0])
    share = played.collected[there] / change if change else np.nan
    faded = f"{1 / fall:,.0f}" if at_picture > 0 and fall > 1e-6 else _power(1 / fall) if at_picture > 0 else ""
    fainter = f"<strong>{faded} times smaller</strong>" if faded else "<strong>exactly zero</strong>"
    kept = (
        f" By then the integral has collected {100 * share:.3g} % of the change of the score, and keeps it."
        if result.layer.separates and 0.5 < share < 1.5
        else " What the integral has collected by then, it keeps."
    )
    return (
        f"{largest}. From α = {flat_from:.2g} on the score is flat, and at the picture the gradient is {fainter}: "
        f"Grad-CAM, which looks only at α = 1, fades.{kept}"
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
    said = (
        f"Score {short(float(played.scores[stop]), 3)}; gradient ‖∂y/∂A‖ {short(float(played.gradients[stop]))}. "
        f"Integrated gradients of all units so far: {short(float(played.collected[stop]), 3)}"
    )
    if not result.layer.separates:
        return f"{said}. A skip connection leads around this layer: they need not add up to the score's change."
    return f"{said}; change of the score so far: {short(float(gained), 3)}."


def _top(result, played, stop):
    """The five most probable classes of the interpolated picture as bars; the class explained stands out."""
    names = result.classifier.class_names
    rows = "".join(
        f'<div class="path-class{" explained" if index == result.class_index else ""}">'
        f"<span>{escape(names[index])}</span><i style='width:{100 * p:.2f}%'></i><b>{in_percent(p)}</b></div>"
        for index, p in played.likeliest(stop)
    )
    if result.class_index not in [index for index, _ in played.likeliest(stop)]:
        p = float(played.probabilities[stop, result.class_index])
        rows += (
            f'<div class="path-class explained"><span>{escape(result.class_name)}</span>'
            f"<i style='width:{100 * p:.2f}%'></i><b>{in_percent(p)}</b></div>"
        )
    return rows


def _now(result):
    """The interpolated picture: the picture laid over the baseline, as opaque as α. That is the blend itself."""
    return (
        f'<figure class="path-now"><figcaption><strong>The picture at α</strong><small>baseline and picture, '
        "blended</small></figcaption>"
        f'<div class="stack"><img src="{data_uri(result.baseline_image)}" alt="The baseline">'
        f'<img src="{data_uri(result.image)}" alt="The picture, as opaque as α"></div>'
        '</figure><div class="path-guess"><strong>Most probable there</strong><div class="path-top"></div></div>'
    )


def _map(key, width, height):
    method = METHODS[key]
    about = "of the picture at α alone" if method.at_image_only else "collected from 0 up to α"
    label = escape(method.label)
    return (
        f'<figure data-map="{key}"><figcaption><strong>{label}</strong><small>{about}</small></figcaption>'
        f'<canvas width="{width}" height="{height}" role="img" aria-label="{label}, {about}"></canvas>'
        '<small class="value"></small></figure>'
    )


def _map_data(played, key, look):
    low, high = played.scale(key)
    cams = played.cams[key]
    finite = np.where(np.isfinite(cams), cams, low)
    h, w = cams.shape[1:]
    values = np.rint(255 * normalise(finite, look.epsilon, low, high)).astype(np.uint8)
    notes = [f"max {short(float(cam.max()) if np.isfinite(cam).all() else None)}" for cam in cams]
    return {"key": key, "h": h, "w": w, "values": _encoded(values), "notes": notes}


def _left_out(result, played):
    """Which methods cannot be played, and why."""
    others = [METHODS[key].label for key in result.cams if key not in played.cams]
    if not others:
        return ""
    words = f"Not about this layer along this path, and so not played: {', '.join(others)}."
    return f"<p class='caption'>{escape(words)}</p>"


def _canvas(image):
    height, width = image.shape[:2]
    shrink = min(1, WIDEST / max(height, width))
    return max(1, round(height * shrink)), max(1, round(width * shrink))


def _encoded(values):
    return base64.b64encode(np.ascontiguousarray(values).tobytes()).decode()


def _power(value):
    """3.2e9 as HTML: 3·10<sup>9</sup>."""
    digits, exponent = f"{value:.0e}".split("e")
    return f"{digits}·10<sup>{int(exponent)}</sup>"
