"""Draws what `benchmarks.scaling` measured, with Plotly, into docs/pictures.

    python -m benchmarks.charts [--folder benchmarks] [--pictures docs/pictures]

Plotly makes pictures in a browser: Chromium, through Playwright. Where either is missing nothing is drawn, and one
sentence says so.
"""

import argparse
import base64
import shutil
from pathlib import Path
from urllib.parse import unquote

from plotly.subplots import make_subplots

from benchmarks import results

PICTURES = results.FOLDER.parent / "docs" / "pictures"
COLOURS = ("#009e73", "#d55e00", "#7d7d85")  # ours, captum, the forward pass: Okabe and Ito's, for every kind of sight
MARKS = ("circle", "square", "diamond")
INK, GRID = "#27272a", "#e4e4e7"
WIDTH, HEIGHT = 900, 380
BROWSERS = ("chromium", "chromium-browser", "google-chrome")


def figure(part, across, unit):
    """Time on the left and memory on the right. part: {"places": [...], "curves": {label: ...}} as scaling keeps it."""
    drawn = make_subplots(cols=2, subplot_titles=("Time", "Memory above the loaded network"), horizontal_spacing=0.11)
    for (label, curve), colour, mark in zip(part["curves"].items(), COLOURS, MARKS, strict=False):
        style = {"mode": "lines+markers", "line_color": colour, "line_width": 2.5, "marker_symbol": mark}
        gigabytes = [value / 1e9 for value in curve["above"]]
        drawn.add_scatter(x=part["places"], y=curve["time"], name=label, **style, row=1, col=1)
        drawn.add_scatter(x=part["places"], y=gigabytes, name=label, showlegend=False, **style, row=1, col=2)
    drawn.update_xaxes(title=across, tickvals=part["places"], gridcolor=GRID, range=[0, 1.05 * part["places"][-1]])
    drawn.update_yaxes(gridcolor=GRID, rangemode="tozero", zerolinecolor=GRID)
    drawn.update_yaxes(title=unit, col=1)
    drawn.update_yaxes(title="GB", col=2)
    drawn.update_layout(
        width=WIDTH,
        height=HEIGHT,
        paper_bgcolor="white",
        plot_bgcolor="white",
        font={"size": 13, "color": INK, "family": "DejaVu Sans, Arial, sans-serif"},
        legend={"orientation": "h", "x": 0.5, "xanchor": "center", "y": -0.2, "yanchor": "top"},
        margin={"l": 64, "r": 24, "t": 44, "b": 96},
    )
    return drawn


def figures(scaling):
    """{file name: figure} of what benchmarks.scaling kept."""
    first = scaling["steps"]["places"][0]
    return {
        "cost-steps.svg": figure(scaling["steps"], "steps m", f"forward passes over {first + 1} pictures"),
        "cost-layers.svg": figure(
            scaling["layers"], f"layers at once, {scaling['layer_steps']} steps", "÷ ours at one layer"
        ),
    }


def svg(drawn, page):
    """The figure as the text of an SVG file; page: a Playwright page."""
    page.set_content(drawn.to_html(include_plotlyjs=True, full_html=True))
    script = "size => Plotly.toImage(document.querySelector('.plotly-graph-div'), {format: 'svg', ...size})"
    address = page.evaluate(script, {"width": WIDTH, "height": HEIGHT})
    head, body = address.split(",", 1)
    return base64.b64decode(body).decode() if head.endswith("base64") else unquote(body)


def draw(drawn, folder):
    """Write each figure into the folder. Returns why it could not be done, in one sentence, or None."""
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        return "The charts are not drawn: Playwright, which requirements-bench.txt names, is not installed."
    if browser is None:
        return "The charts are not drawn: there is no Chromium (`sh tests/browser/chromium.sh` installs it on Debian)."
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=browser, args=["--no-sandbox"])
        page = chromium.new_page()
        for name, one in drawn.items():
            (Path(folder) / name).write_text(svg(one, page), encoding="utf-8")
        chromium.close()
    return None


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--folder", default=results.FOLDER, help="where measured.json is")
    parser.add_argument("--pictures", default=PICTURES, help="where the pictures go")
    asked = parser.parse_args(arguments)
    measured = results.recall(asked.folder).get("scaling")
    if measured is None:
        print("The charts are not drawn: `python -m benchmarks.scaling` measures what they show.")
        return
    print(draw(figures(measured), asked.pictures) or f"The charts are in {asked.pictures}.")


if __name__ == "__main__":
    main()
