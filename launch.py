"""Start RSI Explorer's page: `python launch.py`. Also the entry file of a Hugging Face Space."""

import argparse
import logging
import os
import sys
import webbrowser


def arguments(argv=None):
    parser = argparse.ArgumentParser(description="Start RSI Explorer's page and print its address.")
    parser.add_argument("--no-browser", action="store_true", help="do not open the page in a browser")
    parser.add_argument("--share", action="store_true", help="make a public link for as long as this runs")
    parser.add_argument("--model", help="a network by name, or a .keras file, to open with (default: toy-vgg)")
    parser.add_argument("--weights", metavar="FILE", help="weights for it, in place of its own")
    parser.add_argument("--labels", metavar="FILE", help="names of the classes of a .keras file, one a line or JSON")
    parser.add_argument("--preprocessing", help="how a .keras file is fed pixels: 1/255 (default), tf, torch, caffe, …")
    parser.add_argument("--precision", default="float32", help="float32 (default), tf32 (graphics cards) or bfloat16")
    parser.add_argument(
        "--report", metavar="FOLDER", help="show the report of an evaluation, and open with its network"
    )
    parser.add_argument(
        "--allow-model-upload",
        action="store_true",
        help="let visitors bring networks even where other machines reach the page",
    )
    return parser.parse_args(argv)


def has_screen():
    """Whether a browser window can open here: not on a server, not on a Space."""
    if os.environ.get("SPACE_ID"):
        return False
    return not sys.platform.startswith("linux") or any(map(os.environ.get, ("DISPLAY", "WAYLAND_DISPLAY")))


def is_private(share):
    """Whether only this machine reaches the page, so that whoever is on it may bring networks of their own."""
    address = os.environ.get("GRADIO_SERVER_NAME", "127.0.0.1")
    public = share or os.environ.get("SPACE_ID") or os.environ.get("GRADIO_SHARE", "").lower() == "true"
    return not public and address in ("127.0.0.1", "localhost", "::1")


def keep_a_log():
    """On standard error; our own by a way to it that stays open while the background has it quiet (explorer.stderr)."""
    form = "%(asctime)s %(name)s %(levelname)s %(message)s"
    logging.basicConfig(level=logging.WARNING, format=form)
    ours = logging.StreamHandler(os.fdopen(os.dup(2), "w", buffering=1, errors="replace"))
    ours.setFormatter(logging.Formatter(form))
    log = logging.getLogger("explorer")
    log.addHandler(ours)
    log.propagate = False


def first_network(asked, report):
    """The Network to open with: the one asked for, else the report's, else the embedded one."""
    from explorer.models.spec import network

    given = asked.weights, asked.labels, asked.preprocessing
    if report and not asked.model and not any(given):
        return report.network
    return network(asked.model or "toy-vgg", *given)


def main(argv=None):
    asked = arguments(argv)
    os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
    if os.environ.get("SPACES_ZERO_GPU"):  # lends cards to PyTorch alone, and never to this process
        os.environ.setdefault("KERAS_BACKEND", "torch")
        os.environ.setdefault("KERAS_TORCH_DEVICE", "cpu")
    keep_a_log()
    print("RSI Explorer is starting; the first time takes longest.", flush=True)
    from explorer.errors import InputError
    from explorer.stderr import quietly

    try:
        with quietly():
            from explorer.network.backend import set_precision
            from explorer.ui import app
            from explorer.ui.reports import Report

            set_precision(asked.precision)
            report = Report.read(asked.report) if asked.report else None
            allow_own = asked.allow_model_upload or is_private(asked.share)
            running = app.launch(asked.share, first_network(asked, report), allow_own, report)
    except (InputError, OSError) as mistake:  # a missing file, a port that is taken
        print(mistake, file=sys.stderr)
        return 2
    print(f"RSI Explorer is at {running.local_url} (Ctrl-C stops it).", flush=True)
    if running.share_url:
        print(f"For others, until it stops: {running.share_url}", flush=True)
    if not asked.no_browser and has_screen():
        webbrowser.open(running.local_url)
    running.block_thread()
    return 0


if __name__ == "__main__":
    sys.exit(main())
