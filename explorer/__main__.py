"""python -m explorer explain | evaluate | models | train"""

import argparse
import sys
from pathlib import Path

import numpy as np

import explorer
from explorer.attribution.heatmaps import describe_probability
from explorer.attribution.methods import DEFAULT, METHODS
from explorer.attribution.methods.options import integrated
from explorer.engine.images import load_image
from explorer.engine.masking import most_masks
from explorer.errors import InputError
from explorer.evaluation import command as evaluation
from explorer.models.toy import train
from explorer.models.weights import megabytes
from explorer.network.backend import device, set_precision
from explorer.render.export import claim, free_stem, save
from explorer.render.overlays import overlay
from explorer.stderr import quietly
from explorer.terminal import INTERRUPTED, ProgressLine, listed, number

MISTAKEN = 2


def main(argv=None):
    """Run one command; the exit status: 0, 2 after a person's mistake, 130 after Ctrl-C."""
    try:
        arguments = _read(argv)
        return arguments.run(arguments)
    except InputError as error:
        print(error, file=sys.stderr)
        return MISTAKEN
    except KeyboardInterrupt:
        print("Stopped.", file=sys.stderr)
        return INTERRUPTED


def explain_pictures(arguments):
    """Explain each picture and write its files; one that cannot be read is told, and the others go on."""
    _check_colours(arguments)
    with quietly():  # TensorFlow looks for a graphics card when first used, and complains where there is none
        device()
    set_precision(arguments.precision)
    with ProgressLine("weights", megabytes) as progress:
        classifier = explorer.load(arguments.model, progress=progress, **_said_of_model(arguments))
    _tell_of_masks(classifier, arguments)
    taken, status = claim(arguments.pictures), 0
    for picture in arguments.pictures:
        stem = free_stem(arguments.out, Path(picture).stem, explorer.METHODS, taken)
        if not _explain_one(classifier, picture, stem, arguments):
            status = MISTAKEN
    return status


def list_models(arguments):
    """One line for each classifier that can be loaded: whether its weights are there, and else how large they are."""
    wide = max(len(name) for name in explorer.MODELS)
    for name, entry in explorer.MODELS.items():
        place = "on disk" if entry.on_disk() else f"download {megabytes(entry.download_bytes)}"
        print(f"{name:<{wide}}  {place:<15}  {entry.label}: {entry.about}")
    return 0


def train_again(arguments):
    """Everything after the word is the training's own to understand."""
    return train.main(arguments.rest) or 0


def _explain_one(classifier, picture, stem, arguments):
    """Whether the picture could be read; anything else that is wrong would be wrong with every picture."""
    try:
        image = load_image(picture)
    except InputError as error:
        print(f"{picture}: {error}", file=sys.stderr)
        return False
    with ProgressLine(Path(picture).name) as progress:
        comparison = explorer.explain(classifier, image, progress=progress, **_settings(arguments))
    paths = save(comparison, arguments.out, stem, arguments.colormap, arguments.opacity, picture)
    print(f"{picture}: {_summary(comparison)}; see {paths[0]}", flush=True)
    return True


def _tell_of_masks(classifier, arguments):
    """Beforehand, how many masked pictures a method will show the network at most."""
    for key in arguments.methods:
        if key in METHODS and METHODS[key].masking:
            count = most_masks(key, classifier, classifier.layer(arguments.layer))
            print(f"{METHODS[key].label} shows the network up to {count:,} masked pictures each time.", file=sys.stderr)


def _check_colours(arguments):
    """What is wrong with the colours is said before the network runs, not after."""
    overlay(np.zeros((1, 1, 3), np.uint8), np.zeros((1, 1)), arguments.colormap, arguments.opacity)


def _said_of_model(arguments):
    said = {option: vars(arguments)[option] for option in ("weights", "labels", "preprocessing", "head")}
    return {option: value for option, value in said.items() if value is not None}


def _settings(arguments):
    return {
        "layer": arguments.layer,
        "class_index": vars(arguments)["class"],
        "baseline": arguments.baseline,
        "steps": arguments.steps,
        "tolerance": arguments.tolerance,
        "epsilon": arguments.epsilon,
        "score": arguments.score,
        "gradients": arguments.gradients,
        "units": arguments.units,
        "quadrature": arguments.quadrature,
        "methods": arguments.methods,
        **integrated(arguments.integrated),
    }


def _summary(comparison):
    p = describe_probability(comparison.probability, comparison.complement)
    verdicts = ", ".join(f"{explanation.label} {explanation.verdict}" for explanation in comparison)
    about = f"{comparison.class_name}, p = {p}; {verdicts}"
    if comparison.estimated_error is None:
        return about
    points, error = len(comparison.path.alphas), 100 * comparison.estimated_error
    return f"{about}; {points} points, estimated error {error:.2g} %"


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in one sentence, where argparse would print the usage as well."""

    def error(self, message):
        raise InputError(f"{message[0].upper()}{message[1:]}; see `{self.prog} --help`.")


def _read(argv):
    """The command line; only `train` takes words that are not known here, as `rest`."""
    parser = _Parser(prog="python -m explorer", description="Heatmaps of what a network sees.", allow_abbrev=False)
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    _add_explain(commands)
    evaluation.add(commands)
    models = commands.add_parser("models", help="list the classifiers that can be loaded", allow_abbrev=False)
    models.set_defaults(run=list_models)
    training = commands.add_parser("train", help="make the embedded classifier again, from its seed", add_help=False)
    training.set_defaults(run=train_again)
    arguments, arguments.rest = parser.parse_known_args(argv)
    if arguments.rest and arguments.run is not train_again:
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
    command.set_defaults(run=explain_pictures)
    command.add_argument("pictures", nargs="+", metavar="PICTURE", help="PNG, JPEG, GIF, WebP, AVIF, BMP or TIFF")
    for name, default, kind, words in (
        ("model", "toy-vgg", str, "one that `python -m explorer models` lists, or a .keras file of your own"),
        ("weights", None, str, "of a listed one: a file, .h5 or .weights.h5; else its own, downloaded where missing"),
        ("labels", None, str, "of a .keras file: its class names, a file of one a line or JSON"),
        ("preprocessing", None, str, "of a .keras file: 1/255 (if nothing is said), 1/127.5-1, none, caffe, tf, torch"),
        ("head", None, str, "of a .keras file of several outputs: the name of the one to explain"),
        ("layer", None, str, "which layer's map; else the last that cuts the network"),
        ("class", None, str, "which class, by name or index; else the most probable"),
        ("baseline", "black", str, "black, white, grey, blurred:10, uniform-noise:7, gaussian-noise:7, colour:#ff8800 "
         "or a picture file"),
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
    ):  # fmt: skip
        note = "" if default is None else f" (default: {default})"
        command.add_argument(f"--{name}", default=default, type=kind, metavar=name.upper(), help=words + note)


if __name__ == "__main__":
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="replace")  # an ε on a terminal that has none is no reason to stop
    sys.exit(main())
