"""The figures of benchmarks.gpu as Markdown."""

from benchmarks import results

FORWARD = "forward pass"
PEERS = ("captum", "pytorch-grad-cam")
METHODS = {"grad_cam": "Grad-CAM", "integrated_grad_cam": "Integrated Grad-CAM", "rsi_grad_cam": "RSI-Grad-CAM"}


def text(kept):
    """kept: {"time" or "error": {"network / steps / backend / precision / what": figures}}, in any order."""
    parts = ["### On a graphics card"]
    if kept.get("time"):
        parts += [places(kept["time"]), times(kept["time"])]
    if kept.get("error"):
        parts += [
            "Error of the maps against float64: relative L2 of the maps, each divided by its own norm.",
            errors(kept["error"]),
        ]
    return "\n\n".join(parts)


def places(kept):
    """Where the figures were taken, each place once."""
    return "\n".join(sorted({f"* {figures['where']}" for figures in kept.values()}))


def times(kept):
    """One row for each network, steps, way and work; one column a precision, beside each time its multiple of the
    plain forward pass over the same points in the same backend and precision."""
    rows = {}
    for key, figures in kept.items():
        network, steps, way, precision, work = key.split(" / ")
        rows.setdefault((network, steps, way, work), {})[precision] = figures
    precisions = sorted({precision for row in rows.values() for precision in row}, key=order)
    columns = ["network", "m", "way", "at", "evaluations", *precisions]
    lines = []
    for key in sorted(rows, key=_row_order):
        network, steps, way, work = key
        forward = rows.get((network, steps, way, FORWARD), {}) if work != FORWARD else {}
        label = way if way in PEERS else f"ours, {way}"
        counts = sorted({figures["evaluations"] for figures in rows[key].values()})
        cells = [_cell(rows[key].get(precision), forward.get(precision)) for precision in precisions]
        lines.append([network, steps, label, work, "–".join(map(str, dict.fromkeys([counts[0], counts[-1]]))), *cells])
    return results.table(columns, lines)


def _row_order(key):
    network, steps, way, work = key
    return network, steps == "auto", 0 if steps == "auto" else int(steps), way in PEERS, way, work != FORWARD, work


def errors(kept):
    """One row for each network, steps, backend, precision and layer; one column a method."""
    lines = []
    for key, off in sorted(kept.items(), key=lambda item: (item[0].split(" / ")[:3], order(item[0].split(" / ")[3]))):
        lines.append([*key.split(" / "), *(f"{off[method]:.1e}" for method in METHODS)])
    return results.table(["network", "m", "backend", "precision", "layer", *METHODS.values()], lines)


def order(precision):
    known = ("float32", "tf32", "bfloat16")
    return known.index(precision) if precision in known else len(known)


def _cell(figures, forward):
    if figures is None:
        return ""
    multiple = f" ({figures['ms'] / forward['ms']:.2f} ×)" if forward else ""
    memory = "" if figures["memory"] is None else f", {results.size(figures['memory'])}"
    return f"{figures['ms']:.1f} ms{multiple}{memory}"
