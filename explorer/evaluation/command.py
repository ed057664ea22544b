"""python -m explorer evaluate"""

import sys
import time
from dataclasses import replace
from pathlib import Path

from explorer.attribution.methods import DEFAULT, METHODS, Options
from explorer.attribution.methods.options import integrated
from explorer.errors import InputError
from explorer.models.spec import network
from explorer.network.backend import device
from explorer.stderr import quietly
from explorer.terminal import INTERRUPTED, ProgressLine, listed, number

WORDS_EVERY = 60  # seconds between two lines of progress where the output is a file
OWN_CLUSTER = "local"


def add(commands):
    """The command's options, for argparse."""
    command = commands.add_parser(
        "evaluate",
        help="measure methods on a folder of pictures, or on drawn scenes",
        description="The paper's evaluation (section 4.3): every picture explained at every layer by every method, "
        "measured, and put into a table (Parquet and CSV) and a report (HTML).",
        allow_abbrev=False,
    )
    command.set_defaults(run=run)
    for name, default, kind, words in (
        ("images", None, str, "a folder of pictures, with its sub-folders"),
        ("scenes", 0, int, "in place of a folder: so many labelled scenes, drawn for the embedded classifier"),
        ("seed", 0, int, "of the scenes"),
        ("boxes", None, str, "a folder of VOC or ILSVRC XML, an ILSVRC CSV or a COCO JSON"),
        ("classes", "predicted", str, "what to explain: predicted; folders, the sub-folder's name; boxes, the first "
         "box's label; or a CSV file"),
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
    ):  # fmt: skip
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
    command.add_argument("--ray", nargs="?", const=OWN_CLUSTER, metavar="ADDRESS",
                         help="on a cluster of Ray; without an address, one on this machine")  # fmt: skip


def run(arguments):
    """Evaluate, with progress on the terminal; the exit status."""
    # Here, since the other commands need none of it
    from explorer.evaluation.questions import PAPER, Questions, Rules
    from explorer.evaluation.run import evaluate
    from explorer.evaluation.source import Source

    rules = Rules(arguments.only_correct, arguments.one_box, arguments.box_under)
    if arguments.paper:
        rules = replace(PAPER, box_under=arguments.box_under or PAPER.box_under)
    source = Source(
        _absolute(arguments.images), _absolute(arguments.boxes), _classes(arguments.classes), arguments.limit,
        arguments.scenes, arguments.seed,
    )  # fmt: skip
    questions = Questions(
        network(arguments.model, arguments.weights, arguments.labels, arguments.preprocessing, arguments.head),
        arguments.precision, _several(arguments.layers), _several(arguments.methods), arguments.baseline,
        arguments.steps, arguments.tolerance, arguments.epsilon, arguments.score, _options(arguments),
        arguments.curve_steps, rules,
    )  # fmt: skip
    with quietly():  # TensorFlow looks for a graphics card when first used, and complains where there is none
        device()
    try:
        with ProgressLine(arguments.out) as line:
            told = _Lines(line)
            path = evaluate(questions, source, arguments.out, arguments.resume, told, cluster=_cluster(arguments))
    except KeyboardInterrupt:
        print("Stopped; the same command with --resume goes on.", file=sys.stderr)
        return INTERRUPTED
    return _conclude(path)


def _conclude(path):
    """Say what came of the pictures, and where; the exit status."""
    from explorer.evaluation.journal import Journal
    from explorer.evaluation.run import counts

    journal = Journal(path.parent)
    found = counts(journal.counts, len(journal))
    dropped = sum(found["dropped"].values())
    print(f"{found['evaluated']:,} of {len(journal):,} pictures evaluated, {dropped:,} dropped by the rules, "
          f"{found['failed']:,} failed; see {path}")  # fmt: skip
    if not found["evaluated"] and found["failed"]:
        first = next(one.reason for one in journal if one.status == "failed")
        raise InputError(f"No picture could be evaluated. Of the first that failed: {first}")
    return 0


class _Lines:
    """Progress as a line that is written over, or as one a minute where nobody watches."""

    def __init__(self, line):
        self.line, self.last = line, time.monotonic()

    def __call__(self, stage, done, total):
        self.line(stage, done, total)
        if not self.line.watched and time.monotonic() - self.last >= WORDS_EVERY:
            self.last = time.monotonic()
            print(f"{stage} {done}/{total}", file=sys.stderr, flush=True)


def _cluster(arguments):
    if arguments.ray is None:
        return None
    from explorer.evaluation.cluster import on_ray

    address = None if arguments.ray == OWN_CLUSTER else arguments.ray
    return on_ray(address, arguments.workers, arguments.gpus_per_worker)


def _options(arguments):
    variant = integrated(arguments.integrated)
    return Options(arguments.gradients, arguments.units, arguments.quadrature, **variant)


def _absolute(path):
    return path and str(Path(path).resolve())


def _classes(word):
    return word if word in ("predicted", "folders", "boxes") else _absolute(word)


def _several(words):
    """With spaces or commas between."""
    return tuple(dict.fromkeys(one for word in words for one in listed(word)))
