"""The whole app: the pages, the theme, the server."""

from pathlib import Path

import gradio as gr

from explorer.ui import explore, text

ASSETS = Path(__file__).resolve().parents[2] / "assets"
FONTS = ["system-ui", "-apple-system", "Segoe UI", "Roboto", "Noto Sans", "sans-serif"]  # none fetched from outside


def build():
    with gr.Blocks(title=text.TITLE, fill_width=True, analytics_enabled=False) as app:
        gr.HTML(f"<h1>{text.TITLE}</h1><p>{text.TAGLINE}</p>", elem_id="title")
        explore.build(app)
    return app


def launch(server_name=None, server_port=None, browser=True, share=False):
    """Start the server and block. Names and ports default to GRADIO_SERVER_NAME and GRADIO_SERVER_PORT."""
    theme = gr.themes.Default(
        primary_hue="teal", neutral_hue="zinc", text_size="sm", spacing_size="sm", radius_size="sm", font=FONTS,
        font_mono=["ui-monospace", "Menlo", "Consolas", "monospace"],
    )  # fmt: skip
    build().queue(default_concurrency_limit=4).launch(
        server_name=server_name,
        server_port=server_port,
        inbrowser=browser,
        share=share,
        theme=theme,
        css_paths=ASSETS / "style.css",
        head=f"<script>{(ASSETS / 'page.js').read_text(encoding='utf-8')}</script>",
        footer_links=[],
        pwa=True,
        max_file_size="64mb",
    )
