"""What the explorer computes, writes and calls things, recorded so that a change of its inside can be held against it.

    python tests/support/recording.py                     records anew into tests/recorded
    python tests/support/recording.py --only sentences    one part: names, sentences, results or evaluation
    python tests/support/recording.py --to FOLDER         elsewhere, with every map whole: see tests/test_unchanged.py

Only the public API and the command line are used, never a module of the package, so that the same script runs whatever
the modules are called. Real networks are recorded where their weights and photographs are, in ../shared/data.
"""

import argparse
import contextlib
import csv
import hashlib
import inspect
import io
import json
import os
import platform
import runpy
import shutil
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from unittest import mock

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
RECORDED = ROOT / "tests" / "recorded"
EXAMPLES = ROOT / "assets" / "examples"
SHARED_DATA = ROOT.parent / "shared" / "data"
PHOTOGRAPHS = SHARED_DATA / "images"
LARGEST_WHOLE = 28 * 28  # places of the largest map that is kept whole in tests/recorded
SAMPLED = 20  # of a larger one, so many rows and columns, evenly spaced

PATH_METHODS = (
    "grad_cam",
    "grad_cam_plus_plus",
    "integrated_gradients",
    "layer_integrated_gradients",
    "layer_conductance",
    "internal_influence",
    "integrated_grad_cam",
    "rsi_grad_cam",
)
MASK_METHODS = ("score_cam", "sise", "ada_sise")
DEEP = ("block4_pool", "block5_pool")
SHALLOW = ("block1_pool", "block2_pool", "block3_pool")


# The questions


@dataclass(frozen=True)
class Case:
    """One call of `explorer.explain_layers`. network: as `networks` calls it. slow: whether it takes long."""

    name: str
    network: str
    picture: Path
    layers: tuple
    settings: dict = field(default_factory=dict)
    slow: bool = False

    @property
    def real(self):
        return self.network in REAL


def cases():
    """Every Case, by its name."""
    return {case.name: case for case in (*_toy_cases(), *_own_cases(), *_real_cases())}


def _toy_cases():
    listed = json.loads((EXAMPLES / "examples.json").read_text(encoding="utf-8"))
    for number, example in enumerate(listed):
        picture, stem = EXAMPLES / example["file"], Path(example["file"]).stem
        masks_are_quick = number % 4 == 0
        yield Case(stem, "toy-vgg", picture, DEEP, {"methods": PATH_METHODS})
        yield Case(f"{stem}, automatic", "toy-vgg", picture, (example["layer"],), {"steps": "auto"})
        yield Case(f"{stem}, shallow", "toy-vgg", picture, SHALLOW, {"methods": PATH_METHODS}, slow=True)
        yield Case(f"{stem}, masks", "toy-vgg", picture, (None,), {"methods": MASK_METHODS}, slow=not masks_are_quick)
        yield Case(
            f"{stem}, every path automatic",
            "toy-vgg",
            picture,
            DEEP,
            {"methods": PATH_METHODS, "steps": "auto", "class_index": example["class"]},
            slow=True,
        )
    for name, settings in VARIANTS.items():
        yield Case(f"variant: {name}", "toy-vgg", EXAMPLES / "snowman-and-clock.png", (None,), settings)
    # A path too long to be held, which is summed part by part
    yield Case(
        "variant: 300 steps",
        "toy-vgg",
        EXAMPLES / "snowman-and-clock.png",
        (None,),
        {"steps": 300, "methods": PATH_METHODS},
        slow=True,
    )


VARIANTS = {
    "nothing said": {},
    **{
        f"score {score}": {"score": score} for score in ("probability", "probability-naive", "logit", "log-probability")
    },
    "positive gradients": {"gradients": "positive"},
    **{f"{units} units": {"units": units} for units in ("selected", "positive", "all")},
    "right sums": {"quadrature": "right"},
    "the authors' Integrated Grad-CAM": {"subtract_baseline": False, "endpoint": False},
    **{
        f"baseline {baseline}": {"baseline": baseline}
        for baseline in ("white", "grey", "blurred:10", "uniform-noise:7", "gaussian-noise:7", "colour:#ff8800")
    },
    "a picture as baseline": {"baseline": str(EXAMPLES / "die.png")},
    "a class by its name": {"class_index": "clock"},
    "a class by its index": {"class_index": 0},
    "one step": {"steps": 1},
    "a tolerance": {"steps": "auto", "tolerance": 0.05, "methods": PATH_METHODS},
    "a large epsilon": {"epsilon": 0.01},
}


def _own_cases():
    for name in ("own network", "own file"):
        yield Case(name, name, EXAMPLES / "house.png", ("features", "early"), {"methods": PATH_METHODS, "steps": 20})
        yield Case(
            f"{name}, cam and masks",
            name,
            EXAMPLES / "house.png",
            (None,),
            {"methods": ("cam", *MASK_METHODS), "steps": 20},
        )


def _real_cases():
    for network, layers in REAL.items():
        for photograph in ("imagenet/n02123045_tabby.JPEG", "imagenet/n02948072_candle.JPEG", "examples/both.png"):
            stem = Path(photograph).stem
            yield Case(
                f"{network}: {stem}",
                network,
                PHOTOGRAPHS / photograph,
                (None,),
                {"methods": tuple(key for key in ("cam", *PATH_METHODS) if key not in ROUNDING.get(network, ()))},
                slow=True,
            )
            yield Case(
                f"{network}: {stem}, block ends",
                network,
                PHOTOGRAPHS / photograph,
                layers,
                {"methods": ("grad_cam", "integrated_grad_cam", "rsi_grad_cam"), "steps": 25},
                slow=True,
            )
        yield Case(
            f"{network}: doberman, automatic",
            network,
            PHOTOGRAPHS / "examples/doberman.png",
            (None,),
            {"steps": "auto", "score": "logit"},
            slow=True,
        )


# Network -> the ends of its last three blocks. In all of them the last one's maps are averaged into the classes, as CAM
# needs.
REAL = {
    "mobilenet-v2": ("block_5_add", "block_12_add", "out_relu"),
    "densenet121": ("conv3_block12_concat", "conv4_block24_concat", "relu"),
    "tiny-darknet": ("leaky_re_lu_6", "leaky_re_lu_10", "conv2d_16"),
}
# Network -> methods whose map at the last layer is rounding and nothing else: the channels are the logits, and the
# gradients of a probability add up to zero over them.
ROUNDING = {"tiny-darknet": ("internal_influence",)}

# (network, layer) where the methods that do not apply say why
REFUSED = (("toy-vgg", "block5_pool"), ("own network", "early"), ("own network", "features"))
REFUSED_SLOWLY = tuple(("toy-vgg", layer) for layer in (*SHALLOW, "block4_pool"))
REFUSED_BY_REAL = tuple((network, layer) for network, layers in REAL.items() for layer in layers[:1])


# The networks


@contextlib.contextmanager
def networks(**loaded):
    """A function, name -> classifier, that loads each at most once. loaded: those that are there already."""
    import explorer

    with tempfile.TemporaryDirectory() as folder:
        makers = {
            "toy-vgg": lambda: explorer.load("toy-vgg"),
            "own network": lambda: explorer.from_model(
                _own_model(), class_names=OWN_CLASSES, preprocessing="1/127.5-1"
            ),
            "own file": lambda: _own_file(Path(folder)),
            "mobilenet-v2": lambda: _from_keras_home("mobilenet-v2", Path(folder)),
            "densenet121": lambda: explorer.load(
                "densenet121", weights=SHARED_DATA / "weights" / "densenet121_weights_tf_dim_ordering_tf_kernels.h5"
            ),
            "tiny-darknet": _tiny_darknet,
        }

        def network(name):
            if name not in loaded:
                loaded[name] = makers[name]()
            return loaded[name]

        yield network


OWN_CLASSES = ("anchor", "bell", "cup", "drum", "egg")


def _own_model():
    """A network whose maps are averaged into its last layer, as CAM needs it; weights from a seed."""
    import keras

    layers = keras.layers
    model = keras.Sequential(
        [
            keras.Input((40, 48, 3)),
            layers.Conv2D(6, 3, activation="relu", name="early"),
            layers.MaxPooling2D(2, name="pool"),
            layers.Conv2D(8, 3, activation="relu", name="features"),
            layers.GlobalAveragePooling2D(name="mean"),
            layers.Dense(len(OWN_CLASSES), activation="softmax", name="classes"),
        ],
        name="own",
    )
    rng = np.random.default_rng(11)
    for layer in (model.get_layer(name) for name in ("early", "features", "classes")):
        kernel, bias = (weight.shape for weight in layer.weights)
        layer.set_weights([rng.normal(0, (2 / np.prod(kernel[:-1])) ** 0.5, kernel), rng.normal(0, 0.1, bias)])
    return model


def _own_file(folder):
    import explorer

    _own_model().save(folder / "own.keras")
    (folder / "labels.txt").write_text("\n".join(OWN_CLASSES), encoding="utf-8")
    return explorer.load(str(folder / "own.keras"), labels=str(folder / "labels.txt"), preprocessing="1/127.5-1")


def _from_keras_home(name, folder):
    """Keras may delete a file of weights that it cannot verify, so it is given a copy."""
    import explorer

    shutil.copytree(SHARED_DATA / "keras_home" / "models", folder / "models", copy_function=shutil.copyfile)
    with mock.patch.dict(os.environ, {"KERAS_HOME": str(folder)}):
        return explorer.load(name)


def _tiny_darknet():
    import keras

    import explorer

    model = keras.models.load_model(SHARED_DATA / "weights" / "tiny_darknet_imagenet.h5", compile=False)
    return explorer.from_model(model, preprocessing="1/255")


# What comes of a question


def answer(case, classifier):
    """(results, sentences, arrays) of a Case, each by "case | layer", the arrays by "case | layer | method"."""
    import explorer

    found = explorer.explain_layers(classifier, case.picture, list(case.layers), **case.settings)
    results, sentences, arrays = {}, {}, {}
    for layer, result in found.items():
        place = f"{case.name} | {layer}"
        arrays[f"{place} | alphas"], arrays[f"{place} | scores"] = result.path.alphas, result.path.scores
        results[place] = {
            "class": [result.class_index, result.class_name],
            "probability": result.probability,
            "complement": result.complement,
            "completeness_gap": result.completeness_gap,
            "estimated_error": result.estimated_error,
            "settings": _plain(result.settings),
            "epsilon": result.epsilon,
            "methods": {one.method: _method(one) for one in result},
        }
        for one in result:
            arrays[f"{place} | {one.method}"] = one.cam
            said = [str(one.verdict.reason), str(one.verdict.advice)]
            if any(said):
                sentences[f"{place} | {one.method}"] = said
    return results, sentences, {name: np.asarray(array) for name, array in arrays.items()}


def _method(explanation):
    heatmap = explanation.heatmap
    return {
        "label": explanation.label,
        "verdict": str(explanation.verdict),
        **explanation.statistics,
        "shape": list(explanation.cam.shape),
        "heatmap": [*heatmap.shape, float(heatmap.mean(dtype=np.float64)), float(heatmap.max())],
    }


def refusals(classifier, layer, methods=("cam", *PATH_METHODS)):
    """{method: the sentence with which it is refused at the layer}. Methods of masks are never refused."""
    import explorer

    picture, found = np.full((8, 8, 3), 128, np.uint8), {}
    for method in methods:
        try:
            explorer.explain(classifier, picture, layer, methods=method, steps=1)
        except explorer.InputError as refusal:
            found[method] = str(refusal)
    return found


def sampled(array):
    """A map as tests/recorded keeps it: whole where it is small, else some of its rows and columns."""
    if array.ndim < 2 or array.size <= LARGEST_WHOLE:
        return array
    rows, columns = (np.linspace(0, side - 1, SAMPLED).round().astype(int) for side in array.shape)
    return array[np.ix_(rows, columns)]


def _plain(settings):
    """As JSON knows them; the repository's files by their path in it, wherever it lies."""
    settings = json.loads(json.dumps(settings, default=lambda other: other.tolist()))
    return {
        key: value.removeprefix(f"{ROOT}{os.sep}") if isinstance(value, str) else value
        for key, value in settings.items()
    }


# Names


def public_names():
    """{name: what it is, and how it is called} of all that `explorer` exports."""
    import explorer

    return {name: _about(getattr(explorer, name)) for name in sorted(explorer.__all__)}


def _about(value):
    if isinstance(value, Mapping):
        return {"keys": list(value)}
    if inspect.isclass(value) and issubclass(value, Exception):
        return {"exception": [base.__name__ for base in value.__mro__[1:-1]]}
    if isinstance(value, list | tuple):
        return {"values": list(value)}
    parameters = inspect.signature(value).parameters.values()
    return {"parameters": [[one.name, one.kind.name, _default(one.default)] for one in parameters]}


def _default(value):
    return "required" if value is inspect.Parameter.empty else _word(value)


def _word(value):
    """A default as JSON knows it; a sentinel by its type alone."""
    if value is None or isinstance(value, str | int | float | bool):
        return value
    return [_word(item) for item in value] if isinstance(value, list | tuple) else type(value).__name__


def options():
    """{command: {option: its default, choices, number of words, whether it must be given}} of every command line."""
    found = {"python -m explorer": sorted(_commands(_parser(["--help"])))}
    for command in found["python -m explorer"]:
        found[f"python -m explorer {command}"] = _options(_parser([command, "--help"]))
    found["launch.py"] = _options(_parser(["--help"], ROOT / "launch.py"))
    return found


def _parser(words, script=None):
    """The argparse parser that answers --help."""
    seen = []
    with mock.patch.object(argparse.ArgumentParser, "print_help", lambda parser, file=None: seen.append(parser)):
        status, _, complaints = command_line(words, script)
    assert status == 0 and len(seen) == 1, f"--help ended with {status}: {complaints}"
    return seen[0]


def _commands(parser):
    (commands,) = (action for action in parser._actions if isinstance(action, argparse._SubParsersAction))
    return commands.choices


def _options(parser):
    return {
        " ".join(sorted(action.option_strings)) or action.dest: {
            "default": _word(action.default),
            "choices": _word(action.choices),
            "words": _word(action.nargs),
            "required": bool(action.required),
        }
        for action in parser._actions
        if not isinstance(action, argparse._HelpAction)
    }


def command_line(words, script=None):
    """(status, printed, complaints) of `python -m explorer WORDS`, or of a script, run in this process."""
    out, err = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True) for _ in range(2))
    argv = ["explorer", *map(str, words)]
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err), mock.patch.object(sys, "argv", argv):
        try:
            if script:
                runpy.run_path(str(script), run_name="__main__")
            else:
                runpy.run_module("explorer", run_name="__main__", alter_sys=True)
            status = 0
        except SystemExit as end:
            status = end.code or 0
    return status, *(stream.buffer.getvalue().decode() for stream in (out, err))


# What the commands write


def explained(folder):
    """The files of `python -m explorer explain` on two pictures: names, keys, arrays, settings."""
    folder = Path(folder)
    methods = ",".join(PATH_METHODS)
    status, *said = command_line(
        ["explain", EXAMPLES / "die.png", EXAMPLES / "house.png", "--methods", methods, "--steps", "4", "--out", folder]
    )
    assert status == 0, said
    record = json.loads((folder / "house.json").read_text(encoding="utf-8"))
    with np.load(folder / "house.npz") as held:
        arrays = {name: [list(held[name].shape), str(held[name].dtype)] for name in held}
    return {
        "files": sorted(path.name for path in folder.iterdir()),
        "keys": _keys(record),
        "settings": record["settings"],
        "arrays": arrays,
    }


SHEETS = ("results", "pictures", "errors")


def evaluated(folder):
    """(the files, keys and columns of `python -m explorer evaluate` on drawn scenes; its table, a dictionary a row)"""
    import pyarrow.parquet

    folder = Path(folder)
    status, *said = command_line(
        ["evaluate", "--scenes", "4", "--steps", "8", "--curve-steps", "4", "--one-box", "--out", folder]
    )
    assert status == 0, said
    settings = json.loads((folder / "settings.json").read_text(encoding="utf-8"))
    schema = pyarrow.parquet.read_schema(folder / "results.parquet")
    (first, *_) = (folder / "journal.jsonl").read_text(encoding="utf-8").splitlines()
    names = {
        "files": sorted(path.name for path in folder.iterdir()),
        "keys": _keys(settings),
        "settings": {name: value for name, value in settings.items() if name != "versions"},
        "columns of results.parquet": {column.name: str(column.type) for column in schema},
        "columns of the others": {f"{name}.csv": _header(folder / f"{name}.csv") for name in SHEETS},
        "keys of journal.jsonl": sorted(json.loads(first)),
    }
    with (folder / "results.csv").open(newline="", encoding="utf-8") as file:
        return names, list(csv.DictReader(file))


def _header(path):
    with path.open(newline="", encoding="utf-8") as file:
        return next(csv.reader(file))


def _keys(value, above=""):
    """The paths of all keys of nested dictionaries, those in lists as of one item."""
    if isinstance(value, list):
        value = value[0] if value and isinstance(value[0], dict) else {}
        return _keys(value, f"{above}[]") if value else []
    if not isinstance(value, dict):
        return []
    below = [[f"{above}.{key}".lstrip("."), *_keys(item, f"{above}.{key}".lstrip("."))] for key, item in value.items()]
    return sorted(path for paths in below for path in paths)


# The recording on disk


class Recording:
    """A folder written by this script. results, sentences: as `answer` gives them; refusals: by "network | layer"."""

    def __init__(self, folder=RECORDED):
        self.folder = Path(folder)
        self.names, self.table = self._json("names"), self._json("evaluation")
        numbers, words = self._json("results"), self._json("sentences")
        self.machine, self.whole, self.results = numbers["machine"], numbers["whole maps"], numbers["results"]
        self.sentences, self.refusals = words["verdicts"], words["refusals"]
        with np.load(self.folder / "maps.npz") as held:
            self._values, self._places = held["values"], json.loads(str(held["places"]))

    def array(self, name):
        start, shape = self._places[name]
        return self._values[start : start + int(np.prod(shape))].reshape(shape)

    def __contains__(self, case):
        return any(place.startswith(f"{case} | ") for place in self.results)

    def _json(self, part):
        return json.loads((self.folder / f"{part}.json").read_text(encoding="utf-8"))


def machine():
    """What the last digits depend on: the processor (a digest of its description), versions, and settings of oneDNN."""
    processor = [platform.machine(), platform.processor()]
    with contextlib.suppress(OSError):
        lines = Path("/proc/cpuinfo").read_text().split("\n\n")[0].splitlines()
        about = dict(map(str.strip, line.split(":", 1)) for line in lines if ":" in line)
        processor += [about.get(key) for key in ("model name", "cpu family", "model", "flags")]
    return {
        "processor": hashlib.sha256(repr(processor).encode()).hexdigest()[:12],
        "versions": {name: version(name) for name in ("tensorflow", "keras", "numpy", "opencv-python-headless")},
        "settings": {name: os.environ.get(name) for name in ("TF_ENABLE_ONEDNN_OPTS", "ONEDNN_MAX_CPU_ISA")},
    }


def record(folder=RECORDED, only=None, whole=False):
    """Write the recording, or one part of it; whole: every map as it is, not sampled."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        if only in (None, "names", "evaluation"):
            columns, table = evaluated(Path(scratch) / "evaluated")
        if only in (None, "names"):
            written = {"explain": explained(Path(scratch) / "explained"), "evaluate": columns}
            _write(folder / "names.json", {"exported": public_names(), "options": options(), **written}, lines=3)
        if only in (None, "evaluation"):
            _write(folder / "evaluation.json", table, lines=1)
    if only in (None, "results", "sentences"):
        _record_answers(folder, only, whole)


def _record_answers(folder, only, whole):
    results, sentences, arrays, refused = {}, {}, {}, {}
    present = SHARED_DATA.is_dir()
    if not present:
        print(f"{SHARED_DATA} is not there: the real networks are left out.", file=sys.stderr)
    with networks() as network:
        for case in cases().values():
            if case.real and not present:
                continue
            print(case.name, file=sys.stderr)
            for into, found in zip((results, sentences, arrays), answer(case, network(case.network)), strict=True):
                into.update(found)
        for name, layer in (*REFUSED, *REFUSED_SLOWLY):
            refused[f"{name} | {layer}"] = refusals(network(name), layer)
        for name, layer in REFUSED_BY_REAL if present else ():
            refused[f"{name} | {layer}"] = refusals(network(name), layer, ("cam",))
    if only in (None, "sentences"):
        _write(folder / "sentences.json", {"refusals": refused, "verdicts": sentences}, lines=2)
    if only in (None, "results"):
        _write_results(folder, results, arrays, whole)


def _write_results(folder, results, arrays, whole):
    """Equal arrays are kept once; all of them one after the other in one array, which packs better than many."""
    places, known, values, end = {}, {}, [], 0
    for name, array in arrays.items():
        array = np.ascontiguousarray(array if whole else sampled(array), np.float32)
        key = array.shape, array.tobytes()
        if key not in known:
            known[key] = end, array.shape
            values.append(array.ravel())
            end += array.size
        places[name] = known[key]
    np.savez_compressed(folder / "maps.npz", values=np.concatenate(values), places=json.dumps(places))
    _write(folder / "results.json", {"machine": machine(), "whole maps": whole, "results": results}, lines=2)


def _write(path, value, lines):
    """As JSON; lines: the number of levels down to which each item has a line, so that changes are told by lines."""
    path.write_text(_json(value, lines) + "\n", encoding="utf-8")


def _json(value, lines, indent=""):
    if not lines or not value or not isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False)
    inside = indent + " "
    if isinstance(value, list):
        items = [_json(item, lines - 1, inside) for item in value]
    else:
        items = [f"{json.dumps(key)}: {_json(item, lines - 1, inside)}" for key, item in value.items()]
    first, last = "[]" if isinstance(value, list) else "{}"
    return f"{first}\n{inside}" + f",\n{inside}".join(items) + f"\n{indent}{last}"


def main():
    parser = argparse.ArgumentParser(description="Records what must not change.")
    parser.add_argument("--to", type=Path, help="a folder for it, with every map whole; else tests/recorded")
    parser.add_argument("--only", choices=("names", "sentences", "results", "evaluation"), help="one part alone")
    asked = parser.parse_args()
    record(asked.to or RECORDED, asked.only, whole=asked.to is not None)


if __name__ == "__main__":
    os.environ.setdefault("KERAS_BACKEND", "tensorflow")
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    sys.path.insert(0, str(ROOT))
    main()
