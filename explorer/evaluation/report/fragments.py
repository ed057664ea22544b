"""Pieces of an evaluation's report as HTML, for the report and for the page: no whole pages. Looks: assets/report.css.

Everything that is not ours is escaped: names of pictures, layers and classes may hold anything.
"""

import base64
from html import escape

from explorer.evaluation.statistics import MEASURES
from explorer.evaluation.table import label
from explorer.formatting import raw_with_interval, short, with_interval
from explorer.render.export import as_json

MAX_ERRORS = 200
RAW = "raw_mean"
BETTER = {"higher": "↑ better", "lower": "↓ better", "": ""}


def counts_html(settings, counts):
    """What was run: network, layers, methods, and what became of the pictures. settings, counts: see
    `document.write`."""
    dropped = [f"{count:,} dropped: {escape(str(rule))}" for rule, count in counts.get("dropped", {}).items() if count]
    failed = [f"{counts['failed']:,} failed"] if counts.get("failed") else []
    said = {
        "Network": escape(str(settings["model"])),
        "Layers": ", ".join(f"<code>{escape(name)}</code>" for name in settings["layers"]),
        "Methods": ", ".join(escape(label(method)) for method in settings["methods"]),
        "Settings": escape(", ".join(_asked(settings))),
        "Pictures": "; ".join(
            [f"{counts['given']:,} given", *dropped, *failed, f"<strong>{counts['evaluated']:,} evaluated</strong>"]
        ),
    }
    return '<dl class="run">' + "".join(f"<dt>{name}</dt><dd>{words}</dd>" for name, words in said.items()) + "</dl>"


def claims_html(claims):
    """A table of Claims, their verdicts as badges."""
    rows = "".join(
        f"<tr><td>{_unbroken(claim.text)}<small>{escape(claim.where)}</small></td>"
        f'<td><span class="verdict" data-verdict="{claim.verdict}">{claim.verdict}</span></td>'
        f"<td>{_unbroken(claim.measured)}</td></tr>"
        for claim in claims
    )
    return _table("claims", "<th>What the paper says</th><th>Here</th><th>What was measured</th>", rows)


def summary_html(summary):
    """Means and intervals, a table a layer: `explorer.evaluation.statistics.summary`."""
    return _by_layer(summary, label, _cell)


def pairs_html(pairs):
    """RSI-Grad-CAM minus each other method, a table a layer: `explorer.evaluation.statistics.pairs`. Marked where the
    interval leaves zero out."""
    return _by_layer(pairs, lambda method: f"minus {label(method)}", _difference_cell)


def errors_html(errors):
    """The first pictures that could not be explained, and why. errors: (index, image, reason) each."""
    rows = "".join(
        f"<tr><td>{index}</td><td>{escape(str(image))}</td><td>{escape(str(reason))}</td></tr>"
        for index, image, reason in errors[:MAX_ERRORS]
    )
    more = f"<p>and {len(errors) - MAX_ERRORS:,} more, in errors.csv.</p>" if len(errors) > MAX_ERRORS else ""
    return _table("errors", "<th>Number</th><th>Picture</th><th>Why</th>", rows) + more


def gallery_html(gallery):
    """Cards with their pictures; those that have an address are links."""
    return '<div class="gallery">' + "".join(map(_card_html, gallery)) + "</div>"


def settings_html(settings):
    return f'<pre class="settings">{escape(as_json(settings))}</pre>'


def _unbroken(sentence):
    """Escaped, no line ending before a sign that belongs to a number."""
    return escape(sentence).replace(" %", "&nbsp;%").replace(" = ", "&nbsp;=&nbsp;").replace("1 − ", "1&nbsp;−&nbsp;")


def _asked(settings):
    """The settings that a person would name, as far as they are there."""
    words = {"steps": "{} steps", "baseline": "baseline {}", "score": "score {}"}
    given = [form.format(settings[key]) for key, form in words.items() if settings.get(key) is not None]
    return [f"ε = {short(settings['epsilon'])}", *given]


def _by_layer(estimates, name, cell):
    """A table a layer, the deepest first: measures down, methods across."""
    parts = []
    for layer in reversed(dict.fromkeys(one.layer for one in estimates)):
        here = {(one.measure, one.method): one for one in estimates if one.layer == layer}
        methods = list(dict.fromkeys(method for _, method in here))
        known = [measure for measure in MEASURES if any((measure.key, method) in here for method in methods)]
        most = max(one.count for one in here.values())
        head = "<th>Measure</th>" + "".join(f"<th>{escape(name(method))}</th>" for method in methods)
        rows = "".join(
            f"<tr><th>{measure.label}<small>{BETTER[measure.better]}</small></th>"
            + "".join(cell(measure, here.get((measure.key, method)), most) for method in methods)
            + "</tr>"
            for measure in known
        )
        parts.append(f"<h4>{escape(layer)} <small>{most:,} pictures</small></h4>" + _table("numbers", head, rows))
    return "".join(parts)


def _cell(measure, found, most, unit=" %", marks=("", "")):
    """One number with its interval; the number of pictures where some have no value. unit: of shares. marks: CSS class
    and word."""
    if found is None:
        return "<td>–</td>"
    numbers = found.mean, found.low, found.high
    mean, ends = (words.replace(" %", unit) for words in _numbers(measure, numbers))
    count = f"<small>{found.count:,} pictures</small>" if found.count < most else ""
    style, sign = marks
    return f'<td class="{style}"><b>{mean}</b>{sign}<small>{ends}</small>{count}</td>'


def _numbers(measure, numbers):
    return raw_with_interval(*numbers) if measure.key == RAW else with_interval(*numbers, measure.share)


def _difference_cell(measure, found, most):
    marks = "", ""
    if found is not None and measure.better and (found.low > 0 or found.high < 0):
        good = (found.low > 0) == (measure.better == "higher")
        marks = ("good", " better") if good else ("bad", " worse")
    return _cell(measure, found, most, " points", marks)


def _table(kind, head, rows):
    table = f'<table class="{kind}"><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>'
    return f'<div class="scroll">{table}</div>'


def _card_html(card):
    pictures = "".join(
        f'<figure><img src="data:image/png;base64,{base64.b64encode(png).decode("ascii")}" alt="{escape(name)}">'
        f"<figcaption>{escape(name)}<small>{escape(note)}</small></figcaption></figure>"
        for name, png, note in card.pictures
    )
    title = escape(card.title)
    if card.link is not None:
        title = f'<a href="{escape(card.link)}">{title}</a>'
    heading = f"<h4>{title}<small>{escape(card.caption)}</small></h4>"
    return f'<article>{heading}<div class="strip">{pictures}</div></article>'
