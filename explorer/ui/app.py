"""The whole app: the pages, the theme, the server."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import gradio as gr
from markupsafe import Markup

from explorer.models import DEFAULT, MODELS
from explorer.ui import html, layout, text
from explorer.ui.actions import TOY, Explorer
from explorer.ui.assets import ASSETS, script
from explorer.ui.warm_up import warm_up

if TYPE_CHECKING:
    from explorer.models.spec import Network


FONTS = ["system-ui", "-apple-system", "Segoe UI", "Roboto", "Noto Sans", "sans-serif"]  # none fetched from outside


def build(explorer: Explorer) -> gr.Blocks:
    with gr.Blocks(title=text.TITLE, fill_width=True, analytics_enabled=False) as app:
        gr.HTML(html.render("title", title=text.TITLE, tagline=text.TAGLINE), elem_id="title")
        layout.build(app, explorer)
    return app


def launch(share: bool = False, first: Network = TOY, allow_own: bool = False, report: Any = None) -> gr.Blocks:
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
        head=html.render("head", script=Markup(script("page.js"))),
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
