"""How pixels become what a network is fed."""

import numpy as np
import pytest

from explorer.errors import InputError
from explorer.models.preprocessing import PREPROCESSINGS, parse

PIXELS = np.random.default_rng(0).integers(0, 256, (2, 3, 4, 3)).astype(np.float32)
RED, GREEN, BLUE = np.eye(3, dtype=np.float32)[:, None, None, None] * 255

EVERY = [*PREPROCESSINGS, "1/127.5, -1", "-1/255,1", "0.5"]


@pytest.mark.parametrize("text", EVERY)
def test_every_one_is_affine(text):
    black, half, whole = (parse(text)(share * PIXELS) for share in (0.0, 0.5, 1.0))
    np.testing.assert_allclose(half, (black + whole) / 2, atol=1e-4, err_msg="halfway in pixels is halfway here")
    assert (parse(text)(PIXELS[:, :, :2]) == whole[:, :, :2]).all(), "and every pixel is fed apart from the others"


@pytest.mark.parametrize("text", EVERY)
def test_the_pixels_are_left_as_they_were(text):
    given = PIXELS.copy()
    fed = parse(text)(given)
    assert (given == PIXELS).all() and fed is not given, "Keras writes into the array it is given; this one does not"
    assert fed.dtype == np.float32 and fed.shape == PIXELS.shape


@pytest.mark.parametrize(
    ("name", "red", "green", "blue"),
    [
        ("none", (255, 0, 0), (0, 255, 0), (0, 0, 255)),
        ("1/255", (1, 0, 0), (0, 1, 0), (0, 0, 1)),
        ("tf", (1, -1, -1), (-1, 1, -1), (-1, -1, 1)),
        # the means of ImageNet's training pictures, blue first: 103.939, 116.779, 123.68
        ("caffe", (-103.939, -116.779, 131.32), (-103.939, 138.221, -123.68), (151.061, -116.779, -123.68)),
        # (value − mean) / deviation, of red 0.485 and 0.229, green 0.456 and 0.224, blue 0.406 and 0.225
        ("torch", (2.248908, -2.035714, -1.804444), (-2.117904, 2.428571, -1.804444), (-2.117904, -2.035714, 2.64)),
    ],
)
def test_the_known_ones(name, red, green, blue):
    for pixel, expected in ((RED, red), (GREEN, green), (BLUE, blue)):
        np.testing.assert_allclose(PREPROCESSINGS[name](pixel).ravel(), expected, rtol=1e-5)


@pytest.mark.parametrize(
    ("text", "scale", "offset"),
    [
        ("1/255", 1 / 255, 0),
        ("x/255", 1 / 255, 0),
        ("1/127.5,-1", 1 / 127.5, -1),
        (" 1 / 127.5 - 1 ", 1 / 127.5, -1),
        ("X/64-2", 1 / 64, -2),
        ("2/255, .5", 2 / 255, 0.5),
        ("0.5+3", 0.5, 3),
        ("-1/255,1", -1 / 255, 1),
        ("1e-2", 0.01, 0),
        ("1", 1, 0),
    ],
)
def test_a_scale_and_an_offset(text, scale, offset):
    np.testing.assert_allclose(parse(text)(PIXELS), scale * PIXELS.astype(float) + offset, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("name", PREPROCESSINGS)
def test_a_known_one_by_name(name):
    assert parse(f" {name.upper()} ") is PREPROCESSINGS[name]


@pytest.mark.parametrize("text", ["1/127.5, -1", "0.5", "-1/255,1", "2/3+0.25"])
def test_its_name_can_be_read_again(text):
    once = parse(text)
    np.testing.assert_allclose(parse(once.name)(PIXELS), once(PIXELS), err_msg="settings can be repeated")


@pytest.mark.parametrize(
    "text", ["", "0", "0/255", "1/0", "x", "imagenet", "1/255/2", "1e999", "1,1e999", "nan", "1,2,3"]
)
def test_anything_else_is_told_in_one_sentence(text):
    with pytest.raises(InputError, match=r"^A preprocessing is one of none, 1/255, tf.*; received .*\.$"):
        parse(text)
