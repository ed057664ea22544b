"""`python -m explorer`: what it writes, what it says, and how it ends."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import explorer
from explorer import models
from explorer.attribution.methods import DEFAULT
from explorer.cli import main as command_line
from explorer.models.toy import model as toy_vgg
from explorer.models.toy import train

METHODS = DEFAULT
QUICK = ("--steps", "2")


def picture(height=60, width=80):
    """Red, green and blue blobs, so that turned or swapped colours are noticed."""
    rows, columns = np.mgrid[:height, :width]
    places = ((0.2, 0.3), (0.5, 0.8), (0.9, 0.4))
    layers = [np.exp(-8 * ((rows / height - y) ** 2 + (columns / width - x) ** 2)) for y, x in places]
    return np.rint(255 * np.stack(layers, axis=-1)).astype(np.uint8)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """An empty folder to be in, with good.png."""
    monkeypatch.chdir(tmp_path)
    Image.fromarray(picture()).save("good.png")
    return tmp_path


@pytest.fixture
def run(folder, classifier, monkeypatch, capfd):
    """run(*words) -> (status, what was printed, the lines of complaint); the classifier is loaded only once."""
    load = explorer.load

    def once(name, progress, **said):
        return classifier if (name, said) == ("toy-vgg", {}) else load(name, progress=progress, **said)

    monkeypatch.setattr(explorer, "load", once)

    def call(*words):
        capfd.readouterr()
        status = command_line.main([str(word) for word in words])
        printed, complaints = capfd.readouterr()
        return status, printed, complaints.splitlines()

    return call


def arrays(stem, out="out"):
    with np.load(Path(out) / f"{stem}.npz") as held:
        return dict(held)


def test_explain_writes_what_the_core_computes(run, classifier):
    status, printed, complaints = run(
        "explain",
        "good.png",
        "--layer",
        "block4_pool",
        "--class",
        3,
        "--baseline",
        "white",
        "--steps",
        4,
        "--epsilon",
        "1e-6",
        "--score",
        "logit",
        "--gradients",
        "positive",
        "--units",
        "all",
        "--quadrature",
        "right",
        "--out",
        "maps",
    )
    assert (status, complaints) == (0, []), "nothing went wrong and nothing is complained about"
    expected = explorer.explain(
        classifier,
        "good.png",
        layer="block4_pool",
        class_index=3,
        baseline="white",
        steps=4,
        epsilon=1e-6,
        score="logit",
        gradients="positive",
        units="all",
        quadrature="right",
    )
    held = arrays("good", "maps")
    for method in METHODS:
        assert np.array_equal(held[f"{method}_cam"], expected[method].cam), f"{method}: every option has its effect"
    told = json.loads(Path("maps/good.json").read_text(encoding="utf-8"))
    assert told["settings"].items() >= expected.settings.items(), "and every option is in the record"
    assert told["settings"]["epsilon"] == 1e-6
    assert {path.name for path in Path("maps").iterdir()} == {
        "good.png",
        "good.npz",
        "good.json",
        *(f"good_{method}.png" for method in METHODS),
    }
    assert len(printed.splitlines()) == 1 and expected.class_name in printed, "one line tells what was found"


def test_automatic_steps_tell_what_they_reached(run, classifier):
    status, printed, _ = run("explain", "good.png", "--steps", "auto", "--tolerance", "0.1", "--layer", "block4_pool")
    expected = explorer.explain(classifier, "good.png", layer="block4_pool", steps="auto", tolerance=0.1)
    points = len(expected.path.alphas)
    assert status == 0 and f"{points} points, estimated error" in printed, printed
    told = json.loads(Path("out/good.json").read_text(encoding="utf-8"))
    assert (told["settings"]["steps"], told["settings"]["tolerance"], told["points"]) == ("auto", 0.1, points)
    assert told["estimated_error"] == pytest.approx(expected.estimated_error) and told["estimated_error"] <= 0.1


def test_explain_without_options_asks_what_python_would(run, classifier):
    assert run("explain", "good.png")[0] == 0
    held, expected = arrays("good"), explorer.explain(classifier, "good.png")
    for method in METHODS:
        assert np.array_equal(held[f"{method}_cam"], expected[method].cam), "the defaults are the same"
    assert len(held["alphas"]) == len(held["scores"]) == 51


def test_a_class_is_named_or_numbered(run, classifier):
    name = classifier.class_names[2]
    run("explain", "good.png", "--class", name, "--out", "named", *QUICK)
    run("explain", "good.png", "--class", 2, "--out", "numbered", *QUICK)
    named, numbered = arrays("good", "named"), arrays("good", "numbered")
    assert all(np.array_equal(named[key], numbered[key]) for key in named), f"{name} is class 2"
    assert json.loads(Path("named/good.json").read_text())["class_name"] == name


def test_colormap_and_opacity_change_the_overlay_alone(run):
    run("explain", "good.png", "--out", "one", *QUICK)
    run("explain", "good.png", "--out", "other", "--colormap", "viridis", "--opacity", "1", *QUICK)
    one, other = (np.asarray(Image.open(f"{out}/good_rsi_grad_cam.png")) for out in ("one", "other"))
    assert not np.array_equal(one, other), "the colours are others"
    assert all(
        np.array_equal(arrays("good", "one")[key], arrays("good", "other")[key]) for key in arrays("good", "one")
    )


def save_turned(path):
    """Stored lying on its side, with the EXIF note that says so."""
    exif = Image.Exif()
    exif[0x0112] = 6  # turn by 90° clockwise to see it upright
    Image.fromarray(np.ascontiguousarray(np.rot90(picture()))).save(path, exif=exif)


def save_rgba(path):
    opaque = np.full((*picture().shape[:2], 1), 255, np.uint8)
    Image.fromarray(np.concatenate([picture(), opaque], axis=-1)).save(path)


def save_animated(path):
    frames = [Image.fromarray(pixels) for pixels in (picture(), 255 - picture())]
    frames[0].save(path, save_all=True, append_images=frames[1:])


@pytest.mark.parametrize("save", [save_turned, save_rgba, save_animated], ids=["turned by EXIF", "RGBA", "animated"])
def test_an_unusual_file_of_the_same_picture_gives_the_same_maps(run, save):
    save("unusual.png")
    assert run("explain", "good.png", "unusual.png", *QUICK)[0] == 0
    usual, unusual = arrays("good"), arrays("unusual")
    assert all(np.array_equal(usual[key], unusual[key]) for key in usual), "the network sees the same pixels"


def test_a_grey_picture_of_8_or_16_bits_is_the_same_as_in_colour(run):
    grey = picture()[..., 0]
    Image.fromarray(grey).save("grey.png")
    Image.fromarray(grey.astype(np.uint16) * 257).save("deep.png")
    Image.fromarray(np.dstack([grey] * 3)).save("colour.png")
    assert run("explain", "grey.png", "deep.png", "colour.png", *QUICK)[0] == 0
    for stem in ("grey", "deep"):
        assert np.array_equal(arrays(stem)["rsi_grad_cam_cam"], arrays("colour")["rsi_grad_cam_cam"]), stem


def test_cmyk_and_a_single_pixel_are_explained(run):
    Image.fromarray(picture()).convert("CMYK").save("print.jpg", quality=95)
    Image.fromarray(picture(1, 1)).save("dot.png")
    status, _, complaints = run("explain", "print.jpg", "dot.png", *QUICK)
    assert (status, complaints) == (0, [])
    assert all(Path(f"out/{stem}.json").exists() for stem in ("print", "dot"))


def test_a_bad_picture_is_told_and_the_others_are_explained(run):
    Path("words.png").write_text("no picture at all")
    Path("cut.png").write_bytes(Path("good.png").read_bytes()[:-200])
    Path("empty.jpg").write_bytes(b"")
    Image.fromarray(picture(1, 40_000)).save("wide.png")
    Image.fromarray(255 - picture()).save("last.png")
    bad = ("words.png", "cut.png", "empty.jpg", "wide.png", "missing.png")
    status, printed, complaints = run("explain", "good.png", *bad, "last.png", *QUICK)
    assert status == 2, "a mistake is not hidden from scripts"
    assert [line.split(":")[0] for line in complaints] == list(bad), "one sentence for each bad picture"
    assert "40,000" in complaints[3] and "not found" in complaints[4], "that says what is wrong with it"
    assert len(printed.splitlines()) == 2
    assert {path.stem for path in Path("out").glob("*.json")} == {"good", "last"}, "nothing is written for the bad"


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (("--steps", "0"), "0"),
        (("--steps", "1000000"), "1000000"),
        (("--steps", "nan"), "nan"),
        (("--steps", "2.5"), "2.5"),
        (("--steps", "many"), "many"),
        (("--steps", "auto", "--tolerance", "2"), "2"),
        (("--steps", "auto", "--tolerance", "low"), "low"),
        (("--steps", "auto", "--quadrature", "right"), "right"),
        (("--epsilon", "nan"), "nan"),
        (("--epsilon", "0"), "0"),
        (("--epsilon", "inf"), "inf"),
        (("--epsilon", "small"), "small"),
        (("--class", "no such class"), "no such class"),
        (("--class", "4711"), "4711"),
        (("--layer", "block9_pool"), "block9_pool"),
        (("--model", "no-such-model"), "no-such-model"),
        (("--baseline", "pink"), "pink"),
        (("--baseline", "missing.png"), "missing.png"),
        (("--score", "softmax"), "softmax"),
        (("--gradients", "negative"), "negative"),
        (("--units", "none"), "none"),
        (("--quadrature", "simpson"), "simpson"),
        (("--colormap", "rainbow"), "rainbow"),
        (("--opacity", "2"), "2"),
        (("--opacity", "nan"), "nan"),
        (("--opacity", "half"), "half"),
        (("--no-such-option",), "--no-such-option"),
        (("--out", "good.png"), "good.png"),
    ],
)
def test_a_wrong_setting_is_told_in_one_sentence(run, words, named):
    status, printed, complaints = run("explain", "good.png", "good.png", *words)
    assert status == 2 and printed == "", "it is a mistake, and nothing is explained"
    assert len(complaints) == 1 and named in complaints[0], f"one sentence that says what was received: {complaints}"
    assert not Path("out").exists(), "nothing is written"


@pytest.mark.parametrize("words", [("--colormap", "rainbow"), ("--opacity", "2")])
def test_wrong_colours_are_told_before_the_network_runs(run, monkeypatch, words):
    monkeypatch.setattr(explorer, "load", lambda name, **said: pytest.fail("the network was loaded for nothing"))
    assert run("explain", "good.png", *words)[0] == 2


@pytest.mark.parametrize("words", [(), ("explain",), ("paint",), ("models", "--all")])
def test_a_wrong_command_is_told_in_one_sentence(run, words):
    status, _, complaints = run(*words)
    assert status == 2 and len(complaints) == 1 and "--help" in complaints[0], complaints


def test_two_pictures_called_alike_are_both_kept(run):
    for folder, pixels in (("first", picture()), ("second", 255 - picture())):
        Path(folder).mkdir()
        Image.fromarray(pixels).save(f"{folder}/a.png")
    assert run("explain", "first/a.png", "second/a.png", *QUICK)[0] == 0
    told = {path.name: json.loads(path.read_text())["picture"] for path in Path("out").glob("*.json")}
    assert told == {"a.json": "first/a.png", "a-2.json": "second/a.png"}


def test_the_picture_itself_is_never_written_over(run):
    before = Path("good.png").read_bytes()
    assert run("explain", "good.png", "--out", ".", *QUICK)[0] == 0
    assert Path("good.png").read_bytes() == before, "the figure of good.png would be called good.png too"
    assert Path("good-2.png").exists()


def test_a_fault_of_ours_is_not_hidden(run, monkeypatch):
    def fail(*_, **__):
        raise RuntimeError("a fault of ours")

    monkeypatch.setattr("explorer.cli.explain.save", fail)
    with pytest.raises(RuntimeError, match="a fault of ours"):
        run("explain", "good.png", *QUICK)


def test_models_lists_what_can_be_loaded(run, monkeypatch, tmp_path):
    monkeypatch.setattr(models.weights, "folders", lambda: [tmp_path])
    (tmp_path / models.MODELS["mobilenet-v2"].file).write_bytes(b"weights")
    status, printed, complaints = run("models")
    assert (status, complaints) == (0, [])
    told = {line.split()[0]: line for line in printed.splitlines()}
    assert list(told) == list(models.MODELS)
    assert {name for name, line in told.items() if " on disk " in line} == {"toy-vgg", "mobilenet-v2"}
    assert " download 575 MB " in told["vgg19"] and "VGG19" in told["vgg19"] and "224×224" in told["vgg19"]


def test_weights_of_another_network_are_told_in_one_sentence(run, tmp_path):
    status, _, complaints = run("explain", "good.png", *QUICK, "--weights", str(toy_vgg.WEIGHTS))
    assert (status, complaints) == (0, []), "its own weights by their path"
    status, _, complaints = run("explain", "good.png", "--model", "mobilenet-0.25", "--weights", str(toy_vgg.WEIGHTS))
    assert status == 2 and len(complaints) == 1 and "another network than MobileNet, α = 0.25" in complaints[0]
    status, _, complaints = run("explain", "good.png", *QUICK, "--weights", "missing.h5")
    assert status == 2 and len(complaints) == 1 and "there is none at missing.h5" in complaints[0]


def test_a_training_and_its_check_follow_from_the_words(run, monkeypatch, tmp_path):
    seen = []
    monkeypatch.setattr(train, "train", lambda seed, out, progress: seen.append((seed, out)) or "weights")
    status, printed, _ = run("train", "--seed", "7", "--out", str(tmp_path))
    assert (status, printed.split(), seen) == (0, ["weights"], [(7, str(tmp_path))])
    status, printed, _ = run("train", "--check", "--seed", "3", "--count", "20")
    shares = json.loads(printed)
    assert status == 0 and set(shares) == {"accuracy", "saturated"} and all(0 <= v <= 1 for v in shares.values())


@pytest.mark.parametrize(
    "words", [["--check", "--count", "0"], ["--check", "--seed", "-1"], ["--seed", "-1"], ["--out", __file__]]
)
def test_a_mistake_about_training_is_answered_in_one_sentence(run, words):
    status, _, complaints = run("train", *words)
    assert status == 2 and len(complaints) == 1 and "received" in complaints[0]


@pytest.mark.parametrize("words", [[], ["explain"], ["evaluate"]], ids=" ".join)
def test_help_needs_no_framework(words):
    code = (
        "import sys\n"
        "from explorer.cli.main import main\n"
        "try:\n"
        f"    main([*{words!r}, '--help'])\n"
        "finally:\n"
        "    print({'keras', 'tensorflow', 'jax', 'torch'} & set(sys.modules), file=sys.stderr)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0 and "--help" in done.stdout, "help is printed"
    assert done.stderr.strip() == "set()", "help is there at once: a framework takes seconds to import"
