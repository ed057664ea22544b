"""A Result as the page shows it: pieces of HTML and figures, from plain values."""

import base64
from html import escape

import cv2

from explorer import formatting
from explorer.attribution.methods import METHODS
from explorer.attribution.scores import SCORES
from explorer.engine.baselines import describe, displayed
from explorer.render import overlays
from explorer.render.charts import histograms as charts
from explorer.ui import text


def heading(result):
    """The class, its probability and the question, in one line."""
    saturated = text.saturation(result)
    chip = f'<span class="chip warn" title="{text.SATURATED}">{escape(saturated)}</span>' if saturated else ""
    return (
        f'<div class="heading"><h2>{escape(result.class_name)}</h2>'
        f'<span class="probability">p = {text.probability(result)}</span>{chip}'
        f'<span class="question">{escape(text.question(result))} · '
        f"baseline: {escape(describe(result.settings['baseline']))}</span></div>"
    )


def cards(result, colormap, opacity, scale):
    """One card a method: overlay, verdict, raw minimum, mean and maximum; the colour bar beneath."""
    shown = {one.method: one.heatmap for one in result}
    if scale == "shared":
        shown = overlays.shared_scale({one.method: one.raw for one in result}, result.epsilon)
    figures = "".join(
        _card(result[key], result, shown[key], colormap, opacity) if key in result.cams else _waiting(key)
        for key in result.settings["methods"]
    )
    return f'<div class="cards">{figures}</div>{_bar(colormap, scale)}'


def preview(result, look):
    """What can be shown of a path that is still being walked; look: the colours, as `explorer.ui.controls.Asked`."""
    shown = result.at_epsilon(look.epsilon)
    html = cards(shown, look.colormap, look.opacity, look.scale)
    return {"cards": f'<div class="sharpening">{html}</div>', "heading": heading(shown)}


def _card(one, result, heatmap, colormap, opacity):
    picture = overlays.overlay(result.image, heatmap, colormap, opacity)
    numbers = "".join(
        f"<div><dt>{name}</dt><dd>{formatting.or_dash(one.statistics[key])}</dd></div>"
        for name, key in (("min", "minimum"), ("mean", "mean"), ("max", "maximum"))
    )
    described = f"{one.label} for {result.class_name}: {text.BADGES[one.verdict]}. {one.verdict.reason}"
    return (
        f'<figure class="card" data-method="{one.method}" data-verdict="{one.verdict}">'
        f'<figcaption><strong>{one.label}</strong><span class="badge">{text.BADGES[one.verdict]}</span>'
        f"<small>{METHODS[one.method].hint}</small></figcaption>"
        f'<img src="{data_uri(picture)}" alt="{escape(described, quote=True)}">'
        f'<dl title="raw values, before normalisation">{numbers}</dl></figure>'
    )


def _waiting(key):
    """The place of a map that is still being computed."""
    return (
        f'<figure class="card waiting" data-method="{key}"><figcaption><strong>{METHODS[key].label}</strong>'
        f"<small>{METHODS[key].hint}</small></figcaption><p>being computed …</p></figure>"
    )


def methods_note(objections, counts, pace):
    """Which methods cannot be had at the layer, and why; what others would take. The first are greyed in their list.

    objections: {method: the reason}; counts, pace: see `text.masked`.
    """
    order = list(METHODS)
    greyed = ", ".join(f"#chosen-methods label:nth-of-type({order.index(key) + 1})" for key in objections)
    style = f"<style>{greyed} {{ opacity: .45; pointer-events: none; }}</style>" if greyed else ""
    told = "".join(f"<p><strong>{METHODS[key].label}</strong>: {escape(why)}</p>" for key, why in objections.items())
    return f'{style}<div class="note">{told}<p>{escape(text.masked(counts, pace))}</p></div>'


def _bar(colormap, scale):
    low, high = text.SHARED_BAR if scale == "shared" else text.OWN_BAR
    strip = overlays.colour_bar(colormap, 1, 256)
    return (
        f'<div class="bar"><span>0: {low}</span><img src="{data_uri(strip)}" alt="Colour bar, from low to high">'
        f"<span>1: {high}</span></div>"
    )


def notice(result, at_baseline):
    """The announcement in words of every dark, blank or non-finite map; a quiet line where all is well.

    at_baseline: p of the class at the baseline.
    """
    found = text.notices(result)
    warning = text.baseline_warning(result, at_baseline)
    if not found and not warning:
        return (
            f'<div class="notice calm" role="status">Every map spans more than '
            f"ε = {formatting.short(result.epsilon)}. {escape(text.largest_values(result))}.</div>"
        )
    parts = "".join(
        f"<p><strong>{escape(title)}</strong> {escape(why)} <span class='advice'>{escape(advice)}</span></p>"
        for title, why, advice in found
    )
    if warning:
        parts += f"<p><strong>{escape(warning)}</strong></p>"
    return (
        f'<div class="notice warn" role="alert">{parts}<p class="values">{escape(text.largest_values(result))}.'
        "</p></div>"
    )


def glossary():
    """The words of the page, each in one sentence."""
    told = {word for word, _ in text.WORDS}
    others = [(method.label, method.about) for method in METHODS.values() if method.label not in told]
    return "<dl>" + "".join(f"<dt>{word}</dt><dd>{meaning}</dd>" for word, meaning in (*text.WORDS, *others)) + "</dl>"


def histograms(result, dark):
    return charts.histograms({one.label: one.cam for one in result}, result.epsilon, dark=dark)


def path(result, dark):
    record = result.path
    flat = charts.flat_zone(record.alphas, record.scores)
    return charts.score_path(
        record.alphas, record.scores, SCORES[result.settings["score"]].label, flat_from=flat, dark=dark
    )


def completeness(result):
    words = f"{text.completeness(result)} {text.exactness(result)}".strip()
    return f'<p class="completeness">{escape(words)}</p>'


def seen(picture, result):
    """The picture as it came beside what the network sees of it."""
    height, width = result.image.shape[:2]
    return (
        '<div class="seen">'
        f'<figure><img src="{data_uri(thumbnail(picture.image))}" alt="{escape(picture.name, quote=True)}, as it came">'
        f"<figcaption>as it came, {picture.image.shape[1]}×{picture.image.shape[0]}</figcaption></figure>"
        f'<figure><img src="{data_uri(result.image)}" alt="What the network sees">'
        f"<figcaption>what the network sees, {width}×{height}</figcaption></figure></div>"
    )


def baseline_preview(picture, class_name, probability):
    """The baseline picture and what the network makes of it."""
    return (
        f'<figure class="baseline"><img src="{data_uri(displayed(picture))}" alt="The baseline">'
        f"<figcaption>here the network says {escape(class_name)}, {formatting.about(probability)}</figcaption></figure>"
    )


def status(words, kind="ready", detail=""):
    """The line that says what is going on; kind: ready or wrong. detail: what an answer took, beside it."""
    role = "alert" if kind == "wrong" else "status"
    beside = f'<small class="cost">{escape(detail)}</small>' if detail else ""
    return f'<div class="status {kind}" role="{role}">{escape(words)}{beside}</div>'


def machine(words):
    """What computes: backend, device, precision."""
    return f'<p class="caption">Computed by {escape(words)}.</p>'


def complaints(title, sentences):
    """What is wrong with each of several files."""
    items = "".join(f"<li>{escape(sentence)}</li>" for sentence in sentences)
    return f'<div class="status wrong" role="alert">{escape(title)}<ul>{items}</ul></div>'


def progress(stage, done, total):
    """The same line while the network works: "the path: 17 of 51"."""
    return (
        f'<div class="status working" role="status"><progress max="{total}" value="{done}"></progress>'
        f"{escape(stage)}: {done} of {total}</div>"
    )


def data_uri(picture):
    """uint8 RGB (H, W, 3) as a PNG inside the page: nothing is written to disk."""
    done, png = cv2.imencode(".png", cv2.cvtColor(picture, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_PNG_COMPRESSION, 3])
    if not done:
        raise RuntimeError("OpenCV could not encode a picture")
    return "data:image/png;base64," + base64.b64encode(png.tobytes()).decode()


def thumbnail(picture, longest=224):
    shrink = min(1, longest / max(picture.shape[:2]))
    size = [max(1, round(side * shrink)) for side in picture.shape[1::-1]]
    return cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
