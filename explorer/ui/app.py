"""The whole app: the pages, the theme, the server."""

from pathlib import Path

import gradio as gr

from explorer.models import DEFAULT, MODELS
from explorer.ui import layout, text
from explorer.ui.warm_up import warm_up
from explorer.ui.wiring import TOY, Explorer

ASSETS = Path(__file__).resolve().parents[2] / "assets"
FONTS = ["system-ui", "-apple-system", "Segoe UI", "Roboto", "Noto Sans", "sans-serif"]  # none fetched from outside


def build(explorer):
    with gr.Blocks(title=text.TITLE, fill_width=True, analytics_enabled=False) as app:
        gr.HTML(f"<h1>{text.TITLE}</h1><p>{text.TAGLINE}</p>", elem_id="title")
        layout.build(app, explorer)
    return app


def launch(share=False, first=TOY, allow_own=False, report=None):
    """Start the server and return it. Its name and port are GRADIO_SERVER_NAME and GRADIO_SERVER_PORT where set.

    first: the Network it opens with; the page is there before it is loaded, which goes on in the background. Only
    where files of this machine decide whether it can be, it is loaded first: raises InputError for what is wrong.
    allow_own: whether visitors may bring networks of their own. report: the Report that it shows, if any.
    """
    explorer = Explorer(first, allow_own, report)
    if _rests_on_files(first):
        explorer.loaded.get(first, lambda: first.load(None))
    theme = gr.themes.Default(
        primary_hue="teal",
        neutral_hue="zinc",
        text_size="sm",
        spacing_size="sm",
        radius_size="sm",
        font=FONTS,
        font_mono=["ui-monospace", "Menlo", "Consolas", "monospace"],
    )
    app = build(explorer).queue(default_concurrency_limit=4)
    app.launch(
        share=share,
        prevent_thread_lock=True,
        quiet=True,
        theme=theme,
        css_paths=[ASSETS / "report.css", ASSETS / "style.css"],
        head=f"<script>{(ASSETS / 'page.js').read_text(encoding='utf-8')}</script>",
        footer_links=[],
        pwa=True,
        ssr_mode=False,  # one server to run: no Node beside Python, on a Space either
        max_file_size="64mb",
    )
    explorer.warming = warm_up(explorer)  # only now, so that it keeps nobody from the page
    return app


def _rests_on_files(network):
    """Whether a network needs a file that may be missing or wrong and that no download can replace."""
    if network.own or network.weights != DEFAULT:
        return True
    entry = MODELS[network.name]
    return not entry.download_bytes and not entry.on_disk()
