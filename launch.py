"""Start RSI Explorer's page: `python launch.py`. Also the entry file of a Hugging Face Space."""

import argparse
import logging
import os


def arguments(argv=None):
    parser = argparse.ArgumentParser(description="Start RSI Explorer's page and print its address.")
    parser.add_argument("--no-browser", action="store_true", help="do not open the page in a browser")
    parser.add_argument("--share", action="store_true", help="make a public link for as long as this runs")
    return parser.parse_args(argv)


def main(argv=None):
    asked = arguments(argv)
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(name)s %(levelname)s %(message)s")
    from explorer.ui import app

    app.launch(browser=not asked.no_browser and not os.environ.get("SPACE_ID"), share=asked.share)


if __name__ == "__main__":
    main()
