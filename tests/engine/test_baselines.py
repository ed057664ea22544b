"""Baselines are RGB pixels at the picture's size, the same each time, told by one word."""

import json

import numpy as np
import pytest
from PIL import Image

from explorer.engine.baselines import BASELINES, canonical, describe, make_baseline
from explorer.engine.images import fit, load_image
from explorer.errors import InputError

IMAGE = np.random.default_rng(0).integers(0, 256, (31, 47, 3), dtype=np.uint8)
SPECS = [
    "black",
    "white",
    "grey",
    "blurred",
    "blurred:2.5",
    "uniform-noise",
    "uniform-noise:7",
    "gaussian-noise:7",
    "colour:#ff8800",
]


@pytest.mark.parametrize("spec", SPECS + list(BASELINES))
def test_every_baseline_is_pixels_of_the_pictures_size(spec):
    before = IMAGE.copy()
    first, second = make_baseline(spec, IMAGE), make_baseline(spec, IMAGE)
    assert first.shape == IMAGE.shape and first.dtype == np.uint8, "RGB pixels, whatever the network is fed"
    assert np.array_equal(first, second), "the same word makes the same picture each time"
    first[:] = 1
    assert np.array_equal(IMAGE, before), "the picture itself is never changed"
    assert np.array_equal(make_baseline(spec, IMAGE), second), "and what we return is the caller's own"


@pytest.mark.parametrize(
    "spec, rgb",
    [
        ("black", (0, 0, 0)),
        ("white", (255, 255, 255)),
        ("grey", (128,) * 3),
        ("colour:#ff8800", (255, 136, 0)),
        ("colour:#F80", (255, 136, 0)),
    ],
)
def test_even_baselines(spec, rgb):
    assert (make_baseline(spec, IMAGE) == rgb).all(), f"{spec} is {rgb}, red first"


def test_blur_is_a_gaussian_of_sigma_pixels():
    dot = np.zeros((101, 101, 3), np.uint8)
    dot[50, 50] = 255
    dot[40:61, 40:61] = 255  # a square is bright enough to survive rounding to whole numbers
    for sigma in (4, 10):
        seen = make_baseline(f"blurred:{sigma}", dot)[..., 0].astype(float)
        places = np.arange(101) - 50
        variance = (seen.sum(0) * places**2).sum() / seen.sum() - (21**2 - 1) / 12
        assert variance == pytest.approx(sigma**2, rel=0.12), f"the blur widens by σ = {sigma} pixels"
    assert np.array_equal(make_baseline("blurred", IMAGE), make_baseline("blurred:10", IMAGE)), "σ is 10 unasked"
    even = np.full((9, 1, 3), 77, np.uint8)
    assert np.array_equal(make_baseline("blurred:200", even), even), "an even picture stays even to the edge"


def test_noise_follows_its_seed_and_its_law():
    large = np.zeros((300, 300, 3), np.uint8)
    uniform, gaussian = make_baseline("uniform-noise:7", large), make_baseline("gaussian-noise:7", large)
    for kind, noise in (("uniform-noise", uniform), ("gaussian-noise", gaussian)):
        assert not np.array_equal(noise, make_baseline(f"{kind}:8", large)), "another seed is another picture"
        assert np.array_equal(noise, make_baseline(f"{kind}:7", 255 - large)), "nothing of the picture is in it"
        assert np.corrcoef(noise[..., 0].ravel(), noise[..., 1].ravel())[0, 1] < 0.02, "colours are independent"
        assert noise.mean() == pytest.approx(127.5, abs=0.6), "its middle is mid-grey"
    counts = np.bincount(uniform.ravel(), minlength=256) / uniform.size
    assert counts.min() > 0.8 / 256 and counts.max() < 1.2 / 256, "every value of a pixel is as likely"
    within = (np.abs(gaussian.astype(float) - 127.5) < 64).mean()
    assert within == pytest.approx(0.683, abs=0.01), "two thirds lie within σ = 64 of mid-grey"


def test_an_uploaded_picture_is_fitted(tmp_path):
    picture = np.random.default_rng(1).integers(0, 256, (80, 60, 3), dtype=np.uint8)
    path = tmp_path / "sea.png"
    Image.fromarray(picture).save(path)
    expected = fit(load_image(picture), 31, 47)
    for spec in (picture, Image.fromarray(picture), path, str(path)):
        assert np.array_equal(make_baseline(spec, IMAGE), expected), "stretched to the size of the picture"


@pytest.mark.parametrize(
    "spec, spelling",
    [
        ("black", "black"),
        (" Black ", "black"),
        ("gray", "grey"),
        ("blurred", "blurred:10"),
        ("blur:12", "blurred:12"),
        ("blurred:2.50", "blurred:2.5"),
        ("uniform-noise", "uniform-noise:0"),
        ("Uniform noise:7", "uniform-noise:7"),
        ("gaussian_noise:007", "gaussian-noise:7"),
        ("color:#F80", "colour:#ff8800"),
        ("colour:FF8800", "colour:#ff8800"),
        ("colour", "colour:#808080"),
        ("black:", "black"),
    ],
)
def test_one_spelling(spec, spelling):
    assert canonical(spec) == spelling, "each baseline has one spelling in the settings"
    assert canonical(spelling) == spelling, "which is its own spelling"
    assert np.array_equal(make_baseline(spec, IMAGE), make_baseline(spelling, IMAGE)), "and draws the same picture"


def test_uploads_are_told_apart_in_settings(tmp_path):
    one, other = canonical(IMAGE), canonical(IMAGE[::-1])
    assert one.startswith("uploaded:") and one != other, "two pictures have two names"
    assert canonical(Image.fromarray(IMAGE)) == one, "the same pixels have the same name"
    assert canonical(IMAGE.reshape(47, 31, 3)) != one, "of another shape they are another picture"
    assert json.loads(json.dumps(canonical(tmp_path / "a.png"))) == str(tmp_path / "a.png"), "a path is its text"
    with pytest.raises(InputError, match="again"):
        make_baseline(one, IMAGE)


@pytest.mark.parametrize(
    "spec, words",
    [
        ("black", "black"),
        ("grey", "mid-grey"),
        ("blurred", "blurred, σ = 10 px"),
        ("blurred:2.5", "blurred, σ = 2.5 px"),
        ("uniform-noise:7", "uniform noise, seed 7"),
        ("gaussian-noise", "Gaussian noise, seed 0"),
        ("colour:#F80", "colour #ff8800"),
        (IMAGE, "an uploaded picture"),
        ("uploaded:1a2b3c4d", "an uploaded picture"),
        ("holiday/sea.png", "picture 'sea.png'"),
    ],
)
def test_described_in_words(spec, words):
    assert describe(spec) == words, "a caption says what the baseline is"


@pytest.mark.parametrize(
    "spec, words",
    [
        ("blakc", "did you mean black?"),
        ("uniformnoise", "did you mean uniform-noise?"),
        ("xyzzy", "choose one"),
        ("", "black, white, grey"),
        ("blurred:0", "above 0"),
        ("blurred:nan", "above 0"),
        ("blurred:inf", "above 0"),
        ("blurred:201", "200"),
        ("blurred:-3", "above 0"),
        ("blurred:much", "'much'"),
        ("uniform-noise:-1", "seed"),
        ("gaussian-noise:1.5", "seed"),
        ("uniform-noise:99999999999", "seed"),
        ("uniform-noise:4294967296", "seed"),
        ("colour:red", "hexadecimal"),
        ("colour:#12345", "hexadecimal"),
        ("black:3", "takes nothing"),
        (None, "NoneType"),
        (3, "int"),
        ("no-such-file.png", "'no-such-file.png'"),
    ],
)
def test_a_bad_word_gets_one_sentence(spec, words):
    with pytest.raises(InputError) as caught:
        make_baseline(spec, IMAGE)
    assert words in str(caught.value) and "\n" not in str(caught.value), "the sentence says what was wrong"


def test_a_baseline_needs_a_picture():
    for image in (IMAGE[..., 0], IMAGE / 255, IMAGE[:0]):
        with pytest.raises(InputError, match="RGB"):
            make_baseline("black", image)


def test_the_registry_describes_itself():
    for name, kind in BASELINES.items():
        assert kind.name == name and kind.label and (kind.read is None) == (kind.default is None), name
        assert kind.default is None or canonical(name) == f"{name}:{kind.default}", "the default is spelt as told"
