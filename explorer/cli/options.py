"""What can be said after `python -m explorer`. No framework is imported to read or to list it.

The settings of an explanation are those of `explorer.engine.settings.Settings`: a field there is an option here.
"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from explorer.attribution.methods.variants import METHODS_GROUP, integrated, settings_of
from explorer.engine.settings import GROUPS, Settings, listed
from explorer.errors import InputError

if TYPE_CHECKING:
    from argparse import Namespace


OWN_CLUSTER = "local"
EXPLAIN_EXAMPLE = """example:
  python -m explorer explain photos/*.jpg --model mobilenet-v2 --class mastiff --steps auto --out maps"""
EVALUATE_EXAMPLE = """example:
  python -m explorer evaluate --images photos --boxes annotations --classes boxes --model vgg19 --paper --out report"""


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in one sentence, where argparse would print the usage as well."""

    def error(self, message):
        raise InputError(f"{message[0].upper()}{message[1:]}; see `{self.prog} --help`.")


def read(argv: list[str]) -> Namespace:
    """The command line, `command` being its first word."""
    parser = _Parser(prog="python -m explorer", description="Heatmaps of what a network sees.", allow_abbrev=False)
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    _add_explain(commands)
    _add_evaluate(commands)
    models = commands.add_parser("models", help="list the classifiers that can be loaded", allow_abbrev=False)
    models.set_defaults(command="models")
    _add_train(commands)
    arguments, others = parser.parse_known_args(argv)
    if others:
        parser.error(f"there is no option {others[0]}")
    return arguments


def settings(arguments: Namespace) -> dict[str, Any]:
    """{name: value} of the Settings that were said, of a command that `_settings` gave its options."""
    values = {}
    for name, field in settings_of(Settings).items():
        option = _option(name, field, vars(arguments))
        if option is None:
            continue
        value = vars(arguments)[option]
        if name in ("layers", "methods"):
            value = (
                tuple(dict.fromkeys(one for word in value for one in listed(word))) if option != "layer" else (value,)
            )
        values[name] = value
    return values | integrated(arguments.integrated)


def _option(name, field, arguments):
    """The option that a setting has among those that are known; None where it has none."""
    options = (name, field.metadata["option"]) if field.metadata["option"] is not None else (name,)
    return next((option for option in options if option and option in arguments), None)


def _network():
    """The options about the network, which all commands share."""
    parent = _Parser(add_help=False)
    group = parent.add_argument_group("Network")
    _add(group, "model", "toy-vgg", str, "one that `python -m explorer models` lists, or a .keras file of your own")
    for name, words in (
        ("weights", "of a listed one: a file, .h5 or .weights.h5; else its own, downloaded where missing"),
        ("labels", "of a .keras file: its class names, a file of one a line or JSON"),
        ("preprocessing", "of a .keras file: 1/255 (if nothing is said), 1/127.5-1, none, caffe, tf, torch"),
        ("head", "of a .keras file of several outputs: the name of the one to explain"),
    ):
        _add(group, name, None, str, words)
    _add(group, "precision", "float32", str, "float32; tf32, for graphics cards; or bfloat16")
    return parent


def _settings(several):
    """The options of every setting. several: whether there may be several layers, and no class is named."""
    parent = _Parser(add_help=False)
    groups = {name: parent.add_argument_group(name) for name in GROUPS}
    for name, field in settings_of(Settings).items():
        metadata = field.metadata
        if metadata["option"] == "" or (several and name == "class_index"):
            continue
        group = groups[metadata["group"]]
        if several and name in ("layers", "methods"):
            default, words = (
                (field.default, "") if name == "methods" else ((), " (default: the ends of the last two blocks)")
            )
            help = metadata["help"] if name == "methods" else "which layers' maps"
            group.add_argument(f"--{name}", nargs="+", default=default, metavar=name.upper(), help=help + words)
            continue
        default = ",".join(field.default) if name == "methods" else None if name == "layers" else field.default
        _add(group, metadata["option"] or name, default, metadata["parse"], metadata["help"])
    words = "of Integrated Grad-CAM: published, or notebook, as its authors' code has it"
    _add(groups[METHODS_GROUP], "integrated", "published", str, words)
    return parent


def _add_explain(commands):
    command = commands.add_parser(
        "explain",
        help="explain pictures by one method or several",
        description="Explains each picture by the methods asked for, and writes the overlays and a side-by-side figure "
        "(PNG), the raw arrays (.npz), and every setting and result (.json).",
        epilog=EXPLAIN_EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        parents=[_network(), _settings(several=False)],
        allow_abbrev=False,
    )
    command.set_defaults(command="explain")
    command.add_argument("pictures", nargs="+", metavar="PICTURE", help="PNG, JPEG, GIF, WebP, AVIF, BMP or TIFF")
    files = command.add_argument_group("Files")
    for name, default, kind, words in (
        ("colormap", "inferno", str, "inferno, viridis, magma, plasma, cividis, turbo, jet or hot"),
        ("opacity", 0.5, float, "of the colours over the picture, from 0 to 1"),
        ("out", "out", str, "the folder to write to; made where it is missing"),
    ):
        _add(files, name, default, kind, words)


def _add_evaluate(commands):
    command = commands.add_parser(
        "evaluate",
        help="measure methods on a folder of pictures, or on drawn scenes",
        description="The paper's evaluation (section 4.3): every picture explained at every layer by every method, "
        "measured, and put into a table (Parquet and CSV) and a report (HTML).",
        epilog=EVALUATE_EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        parents=[_network(), _settings(several=True)],
        allow_abbrev=False,
    )
    command.set_defaults(command="evaluate")
    pictures = command.add_argument_group("Pictures")
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
        ("box-under", None, float, "only pictures of which boxes cover a smaller share, such as 0.5"),
    ):
        _add(pictures, name, default, kind, words)
    for name, words in (
        ("only-correct", "only pictures whose most probable class is theirs"),
        ("one-box", "only pictures with exactly one box"),
        ("paper", "the paper's three rules: --only-correct --one-box --box-under 0.5"),
    ):
        pictures.add_argument(f"--{name}", action="store_true", help=words)
    running = command.add_argument_group("Run")
    words = "parts in which pixels are exchanged for insertion and deletion; 0 leaves both out"
    _add(running, "curve-steps", 10, int, words)
    _add(running, "out", "report", str, "the folder to write to")
    running.add_argument("--resume", action="store_true", help="go on with what --out holds")
    words = "on a cluster of Ray; without an address, one on this machine"
    running.add_argument("--ray", nargs="?", const=OWN_CLUSTER, metavar="ADDRESS", help=words)
    _add(running, "workers", 2, int, "with --ray: how many networks")
    _add(running, "gpus-per-worker", 0.0, float, "with --ray: graphics cards, or shares of one")


def _add_train(commands):
    words = "make the embedded classifier again, from its seed"
    command = commands.add_parser("train", help=words, description=f"{words.capitalize()}; or check it.")
    command.set_defaults(command="train")
    command.add_argument("--check", action="store_true", help="try the network on unseen scenes, print JSON")
    for name, default, kind, words in (
        ("seed", 0, int, "everything follows from it; 0, if nothing is said"),
        ("count", 1000, int, "how many scenes to check"),
        ("out", None, str, "folder for the weights, or where --check finds them; else the assets"),
    ):
        _add(command, name, default, kind, words)


def _add(group, name, default, kind, words):
    note = "" if default in (None, 0) else f" (default: {default})"
    group.add_argument(f"--{name}", default=default, type=kind, metavar=name.upper(), help=words + note)
