"""What can be said after `python -m explorer`. No framework is imported to read or to list it."""

import argparse

from explorer.attribution.methods import DEFAULT, METHODS
from explorer.cli.progress import listed, number
from explorer.errors import InputError

OWN_CLUSTER = "local"


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in one sentence, where argparse would print the usage as well."""

    def error(self, message):
        raise InputError(f"{message[0].upper()}{message[1:]}; see `{self.prog} --help`.")


def read(argv):
    """The command line, `command` being its first word; only `train` takes words that are not known here, as `rest`."""
    parser = _Parser(prog="python -m explorer", description="Heatmaps of what a network sees.", allow_abbrev=False)
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    _add_explain(commands)
    _add_evaluate(commands)
    models = commands.add_parser("models", help="list the classifiers that can be loaded", allow_abbrev=False)
    models.set_defaults(command="models")
    training = commands.add_parser("train", help="make the embedded classifier again, from its seed", add_help=False)
    training.set_defaults(command="train")
    arguments, arguments.rest = parser.parse_known_args(argv)
    if arguments.rest and arguments.command != "train":
        parser.error(f"there is no option {arguments.rest[0]}")
    return arguments


def _add_explain(commands):
    command = commands.add_parser(
        "explain",
        help="explain pictures by one method or several",
        description="Explains each picture by the methods asked for, and writes the overlays and a side-by-side figure "
        "(PNG), the raw arrays (.npz), and every setting and result (.json).",
        allow_abbrev=False,
    )
    command.set_defaults(command="explain")
    command.add_argument("pictures", nargs="+", metavar="PICTURE", help="PNG, JPEG, GIF, WebP, AVIF, BMP or TIFF")
    for name, default, kind, words in (
        ("model", "toy-vgg", str, "one that `python -m explorer models` lists, or a .keras file of your own"),
        ("weights", None, str, "of a listed one: a file, .h5 or .weights.h5; else its own, downloaded where missing"),
        ("labels", None, str, "of a .keras file: its class names, a file of one a line or JSON"),
        ("preprocessing", None, str, "of a .keras file: 1/255 (if nothing is said), 1/127.5-1, none, caffe, tf, torch"),
        ("head", None, str, "of a .keras file of several outputs: the name of the one to explain"),
        ("layer", None, str, "which layer's map; else the last that cuts the network"),
        ("class", None, str, "which class, by name or index; else the most probable"),
        (
            "baseline",
            "black",
            str,
            "black, white, grey, blurred:10, uniform-noise:7, gaussian-noise:7, colour:#ff8800 or a picture file",
        ),
        ("steps", 50, number, "how many along the path; auto: as many as the tolerance needs, where they are needed"),
        ("tolerance", 0.005, number, "of automatic steps: the estimated error of every map at which they stop"),
        ("methods", ",".join(DEFAULT), listed, "which, with commas between: " + ", ".join(METHODS)),
        ("epsilon", 1e-8, number, "the number that keeps the normalisation from dividing by zero"),
        ("score", None, str, "probability (if nothing is said), probability-naive, logit or log-probability"),
        ("gradients", "raw", str, "of Grad-CAM: raw or positive"),
        ("units", "selected", str, "of RSI-Grad-CAM: selected, positive or all"),
        ("quadrature", "trapezoid", str, "of RSI-Grad-CAM: trapezoid or right"),
        ("integrated", "published", str, "Integrated Grad-CAM: published, or notebook, as its authors' code has it"),
        ("precision", "float32", str, "float32; tf32, for graphics cards; or bfloat16"),
        ("colormap", "inferno", str, "inferno, viridis, magma, plasma, cividis, turbo, jet or hot"),
        ("opacity", 0.5, float, "of the colours over the picture, from 0 to 1"),
        ("out", "out", str, "the folder to write to; made where it is missing"),
    ):
        note = "" if default is None else f" (default: {default})"
        command.add_argument(f"--{name}", default=default, type=kind, metavar=name.upper(), help=words + note)


def _add_evaluate(commands):
    command = commands.add_parser(
        "evaluate",
        help="measure methods on a folder of pictures, or on drawn scenes",
        description="The paper's evaluation (section 4.3): every picture explained at every layer by every method, "
        "measured, and put into a table (Parquet and CSV) and a report (HTML).",
        allow_abbrev=False,
    )
    command.set_defaults(command="evaluate")
    for name, default, kind, words in (
        ("images", None, str, "a folder of pictures, with its sub-folders"),
        ("scenes", 0, int, "in place of a folder: so many labelled scenes, drawn for the embedded classifier"),
        ("seed", 0, int, "of the scenes"),
        ("boxes", None, str, "a folder of VOC or ILSVRC XML, an ILSVRC CSV or a COCO JSON"),
        (
            "classes",
            "predicted",
            str,
            "what to explain: predicted; folders, the sub-folder's name; boxes, the first box's label; or a CSV file",
        ),
        ("limit", None, int, "only the first so many pictures"),
        ("model", "toy-vgg", str, "one that `python -m explorer models` lists, or a .keras file of your own"),
        ("weights", None, str, "of a listed one: a file, .h5 or .weights.h5"),
        ("labels", None, str, "of a .keras file: its class names"),
        ("preprocessing", None, str, "of a .keras file: 1/255 (if nothing is said), 1/127.5-1, none, caffe, tf, torch"),
        ("head", None, str, "of a .keras file of several outputs: the name of the one to explain"),
        ("precision", "float32", str, "float32; tf32, for graphics cards; or bfloat16"),
        ("baseline", "black", str, "see `python -m explorer explain --help`"),
        ("steps", 50, number, "along the path, or auto"),
        ("tolerance", 0.005, number, "of automatic steps"),
        ("epsilon", 1e-8, number, "of the normalisation; dark heatmaps are counted at it"),
        ("score", None, str, "probability (if nothing is said), probability-naive, logit or log-probability"),
        ("gradients", "raw", str, "of Grad-CAM: raw or positive"),
        ("units", "selected", str, "of RSI-Grad-CAM: selected, positive or all"),
        ("quadrature", "trapezoid", str, "of RSI-Grad-CAM: trapezoid or right"),
        ("integrated", "published", str, "Integrated Grad-CAM: published, or notebook"),
        ("curve-steps", 10, int, "parts in which pixels are exchanged for insertion and deletion; 0 leaves both out"),
        ("box-under", None, float, "only pictures of which boxes cover a smaller share, such as 0.5"),
        ("workers", 2, int, "with --ray: how many networks"),
        ("gpus-per-worker", 0.0, float, "with --ray: graphics cards, or shares of one"),
        ("out", "report", str, "the folder to write to"),
    ):
        note = "" if default in (None, 0) else f" (default: {default})"
        command.add_argument(f"--{name}", default=default, type=kind, metavar=name.upper(), help=words + note)
    for name, default, words in (
        ("layers", (), "which layers' maps (default: the ends of the last two blocks)"),
        ("methods", DEFAULT, "some of " + ", ".join(METHODS)),
    ):
        command.add_argument(f"--{name}", nargs="+", default=default, metavar=name.upper(), help=words)
    for name, words in (
        ("only-correct", "only pictures whose most probable class is theirs"),
        ("one-box", "only pictures with exactly one box"),
        ("paper", "the paper's three rules: --only-correct --one-box --box-under 0.5"),
        ("resume", "go on with what --out holds"),
    ):
        command.add_argument(f"--{name}", action="store_true", help=words)
    command.add_argument(
        "--ray",
        nargs="?",
        const=OWN_CLUSTER,
        metavar="ADDRESS",
        help="on a cluster of Ray; without an address, one on this machine",
    )
