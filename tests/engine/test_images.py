"""Every kind of upload becomes the right RGB pixels or one clear sentence."""

import io
import struct
import zlib

import cv2
import numpy as np
import pytest
from PIL import Image

from explorer.engine import images
from explorer.engine.images import fit, load_image
from explorer.errors import InputError

RNG = np.random.default_rng(0)
COLOURS = RNG.integers(0, 256, (5, 7, 3), dtype=np.uint8)


def encode(picture, kind="PNG", **options):
    """A PIL image (or pixels) -> the bytes of a picture file."""
    picture = Image.fromarray(picture) if isinstance(picture, np.ndarray) else picture
    file = io.BytesIO()
    picture.save(file, kind, **options)
    return file.getvalue()


def orientation_tag(orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    return exif


def png_header(width, height):
    """A PNG that states a size and has hardly any pixels behind it."""

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0" * 64))


def refused(source, *words):
    """The sentence with which a source is refused, checked to be one sentence with these words in it."""
    with pytest.raises(InputError) as caught:
        load_image(source)
    sentence = str(caught.value)
    assert sentence.endswith(".") and "\n" not in sentence, f"a refusal is one sentence: {sentence!r}"
    for word in words:
        assert word in sentence, f"the refusal should say {word!r}: {sentence!r}"
    return sentence


@pytest.mark.parametrize("kind", ["PNG", "BMP", "TIFF", "PPM"])
def test_lossless_files_keep_their_pixels(kind):
    assert np.array_equal(load_image(encode(COLOURS, kind)), COLOURS), f"{kind} loses nothing, so nor may we"


@pytest.mark.parametrize("kind", ["WEBP", "AVIF", "JPEG", "JPEG2000"])
def test_lossy_files_come_close(kind):
    ramp = np.repeat(np.linspace(0, 255, 64).astype(np.uint8)[None, :, None], 48, axis=0).repeat(3, axis=2)
    ramp[..., 2] = 40
    seen = load_image(encode(ramp, kind, **({} if kind == "JPEG2000" else {"quality": 95})))
    assert np.abs(seen.astype(int) - ramp).mean() < 4, f"{kind} is nearly the picture, red before blue"


def test_path_str_bytes_pil_and_array_agree(tmp_path):
    path = tmp_path / "a.png"
    path.write_bytes(encode(COLOURS))
    content, opened = path.read_bytes(), Image.open(path)
    for source in (path, str(path), content, bytearray(content), opened, opened, COLOURS):
        seen = load_image(source)
        assert np.array_equal(seen, COLOURS), f"{type(source).__name__} gives the same pixels as the others"
        assert seen.dtype == np.uint8 and seen.flags.c_contiguous, "always uint8 and contiguous"


def test_an_array_is_copied():
    mine = COLOURS.copy()
    seen = load_image(mine)
    seen[:] = 0
    assert np.array_equal(mine, COLOURS), "the caller's array is never changed through what we return"


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_rotation(orientation):
    picture = Image.fromarray(COLOURS)
    turned = {
        1: COLOURS,
        2: COLOURS[:, ::-1],
        3: COLOURS[::-1, ::-1],
        4: COLOURS[::-1],
        5: COLOURS.swapaxes(0, 1),
        6: np.rot90(COLOURS, -1),
        7: COLOURS[::-1, ::-1].swapaxes(0, 1),
        8: np.rot90(COLOURS),
    }[orientation]
    for kind in ("PNG", "TIFF"):
        seen = load_image(encode(picture, kind, exif=orientation_tag(orientation)))
        assert np.array_equal(seen, turned), f"EXIF orientation {orientation} in {kind} is undone"


def test_exif_rotation_of_16_bit_grey():
    values = RNG.integers(0, 65536, (4, 6), dtype=np.uint16)
    seen = load_image(encode(Image.fromarray(values), exif=orientation_tag(6)))
    assert seen.shape == (6, 4, 3), "16-bit greyscale is rotated as any other picture"


def test_greyscale_palette_and_one_bit():
    grey = COLOURS[..., 0]
    assert np.array_equal(load_image(encode(grey)), np.dstack([grey] * 3)), "greyscale is three equal colours"
    palette = Image.fromarray(COLOURS).quantize(64)
    assert np.array_equal(load_image(encode(palette)), palette.convert("RGB")), "palette is looked up"
    bits = Image.fromarray(grey > 127)
    assert set(np.unique(load_image(encode(bits)))) == {0, 255}, "one-bit pictures are black and white"


def test_transparency_lies_on_white():
    alpha = np.array([[0, 255, 128]], np.uint8)
    rgba = np.dstack([np.full((1, 3), 10, np.uint8)] * 3 + [alpha])
    expected = np.array([255, 10, 132])
    for source in (encode(rgba), rgba, encode(rgba, "WEBP", lossless=True, exact=True)):
        assert np.abs(load_image(source)[0, :, 0] - expected).max() <= 1, "transparent is white, half halfway"
    grey_alpha = Image.fromarray(np.dstack([rgba[..., 0], alpha]), "LA")
    assert np.abs(load_image(encode(grey_alpha))[0, :, 0] - expected).max() <= 1, "greyscale with alpha too"
    palette = Image.fromarray(np.array([[0, 1]], np.uint8), "P")
    palette.putpalette([9, 9, 9, 50, 60, 70])
    seen = load_image(encode(palette, "PNG", transparency=0))
    assert seen.tolist() == [[[255] * 3, [50, 60, 70]]], "a palette's transparent entry is white"


def test_cmyk_jpeg():
    red = Image.new("CMYK", (16, 16), (0, 255, 255, 0))
    seen = load_image(encode(red, "JPEG", quality=95)).astype(int).mean(axis=(0, 1))
    assert seen[0] > 245 and seen[1] < 10 and seen[2] < 10, "no cyan, all magenta and yellow is red"


@pytest.mark.parametrize("suffix", [".png", ".tiff"])
def test_16_bits_are_scaled_not_clipped(tmp_path, suffix):
    values = np.array([[0, 100, 200, 257, 300, 32768, 65400, 65535]], np.uint16)
    grey, colour = tmp_path / f"grey{suffix}", tmp_path / f"colour{suffix}"
    cv2.imwrite(str(grey), values)
    cv2.imwrite(str(colour), np.dstack([values[:, ::-1], values, values]))  # cv2 writes blue first
    expected = np.rint(values / 257).astype(int)
    assert np.array_equal(load_image(grey)[..., 1], expected), "16-bit greyscale is divided by 257"
    seen = load_image(colour).astype(int)
    assert np.abs(seen[..., 0] - expected).max() <= 1, "16-bit colour keeps its brightness, red first"
    assert np.abs(seen[..., 2] - expected[:, ::-1]).max() <= 1, "and its blue last"


def test_damaged_exif_does_not_lose_the_picture():
    content = encode(COLOURS, "PNG", exif=orientation_tag(6))
    start = content.index(b"eXIf") + 4
    damaged = bytearray(content)
    damaged[start + 8 : start + 20] = b"\xff" * 12
    length = struct.unpack(">I", content[start - 8 : start - 4])[0]
    check = zlib.crc32(bytes(damaged[start - 4 : start + length]))
    damaged[start + length : start + length + 4] = struct.pack(">I", check)
    assert np.array_equal(load_image(bytes(damaged)), COLOURS), "the pixels are whole, so they are shown"


def test_16_bit_pgm_is_scaled(tmp_path):
    path = tmp_path / "grey.pgm"
    cv2.imwrite(str(path), np.array([[0, 32768, 65535]], np.uint16))
    assert load_image(path)[0, :, 0].tolist() == [0, 128, 255], "a 16-bit PGM uses the whole range"


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG", "TIFF"])
def test_of_an_animation_the_first_frame(kind):
    frames = [Image.new("RGB", (6, 4), colour) for colour in ("red", "blue", "lime")]
    options = {"lossless": True} if kind == "WEBP" else {}
    seen = load_image(encode(frames[0], kind, save_all=True, append_images=frames[1:], **options))
    assert seen.shape == (4, 6, 3) and (seen == [255, 0, 0]).all(), f"the red frame of {kind} is first"


def test_one_pixel():
    pixel = np.array([[[1, 2, 3]]], np.uint8)
    assert np.array_equal(load_image(encode(pixel)), pixel), "one pixel is a picture"
    assert np.array_equal(fit(pixel, 9, 4), np.broadcast_to(pixel, (9, 4, 3))), "and fills any size evenly"


@pytest.mark.parametrize("width, height", [(40_000, 1_000), (1_000, 40_000), (10_000, 10_000)])
def test_too_large_is_refused_by_the_header(width, height):
    refused(png_header(width, height), f"{width:,} × {height:,}", "64 million", "20,000")


@pytest.mark.filterwarnings("error")
def test_far_too_large_is_refused_without_a_warning_beside_it():
    for width, height in ((40_000, 40_000), (12_000, 8_000)):
        refused(png_header(width, height), "64 million", "20,000")


def test_the_largest_allowed_size_is_allowed():
    images.check_size(images.MAX_SIDE, images.MAX_PIXELS // images.MAX_SIDE)
    with pytest.raises(InputError):
        images.check_size(images.MAX_SIDE, images.MAX_PIXELS // images.MAX_SIDE + 1)


def test_no_picture_names_the_file_only(tmp_path):
    path = tmp_path / "secret-folder" / "notes.png"
    path.parent.mkdir()
    for content in (b"hello, I am text", b"%PDF-1.4 nothing", b"%!PS-Adobe-3.0 EPSF-3.0\n", b"\0" * 100):
        path.write_bytes(content)
        sentence = refused(path, "'notes.png'")
        assert "secret-folder" not in sentence, "the folders of the person's machine are not shown"
    path.write_bytes(b"")
    refused(path, "'notes.png'", "empty")
    refused(tmp_path / "gone.png", "'gone.png'", "not found")
    refused(tmp_path, "not found")
    refused("zero\0byte.png", "not found")
    assert len(refused("x" * 5000 + ".png", "could not be opened", "…")) < 200, "a long name is cut"
    refused(b"", "empty")
    path.write_bytes(png_header(30_000, 10))
    assert str(tmp_path) not in refused(Image.open(path), "'notes.png'"), "a PIL image's file is named too"


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "TIFF", "BMP"])
def test_truncated(kind):
    noise = RNG.integers(0, 256, (64, 64, 3), dtype=np.uint8)
    content = encode(noise, kind)
    refused(content[: len(content) // 2], "the picture")


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "WEBP", "AVIF", "TIFF", "BMP", "PPM", "JPEG2000"])
def test_damaged_files_give_pixels_or_a_sentence(kind):
    content = np.frombuffer(encode(RNG.integers(0, 256, (16, 16, 3), dtype=np.uint8), kind), np.uint8)
    damage = np.random.default_rng(1)
    for _ in range(100):
        broken = content.copy()
        broken[damage.integers(0, min(len(broken), 400), 4)] = damage.integers(0, 256, 4)
        try:
            assert load_image(broken.tobytes()).ndim == 3, "what decodes is a picture"
        except InputError as error:
            assert str(error).endswith("."), "what does not is refused in a sentence"


def test_arrays_of_other_kinds():
    grey = COLOURS[..., 0]
    three = np.dstack([grey] * 3)
    for same in (
        grey,
        grey[..., None],
        grey.astype(np.int64),
        grey / 255.0,
        (grey / 255).astype(np.float32),
        grey.astype(np.float32),
        grey.astype(np.uint16) * 257,
    ):
        assert np.array_equal(load_image(same), three), f"{same.dtype} {same.shape} means the same picture"
    assert np.array_equal(load_image(grey > 9)[..., 0], (grey > 9) * 255), "true is white"
    assert np.array_equal(load_image(COLOURS[:, ::-1]), COLOURS[:, ::-1]), "views with strides are read right"


@pytest.mark.parametrize(
    "values, word",
    [
        *[(np.zeros(s, np.uint8), str(s)) for s in ((4, 5, 2), (3, 40, 50), (1, 4, 5, 3), (7,))],
        *[(np.array([[0.5, v]]), f"{v:g}") for v in (np.nan, np.inf, -1, 300)],
        (np.full((2, 2), 256), "256"),
        (np.zeros((0, 5, 3), np.uint8), "5 × 0"),
        (np.zeros((2, 2), complex), "complex"),
        (np.array([["a"]]), "<U1"),
        (np.zeros((20_001, 2), np.uint8), "20,001"),
    ],
)
def test_arrays_that_are_no_picture(values, word):
    refused(values, word)


def test_other_things_are_refused():
    refused(None, "NoneType")
    refused(Image.fromarray(np.zeros((2, 2), np.float32)), "fractions")
    refused(Image.fromarray(np.full((2, 2), 70_000, np.int32)), "32")


@pytest.mark.parametrize("height, width", [(3, 4), (11, 13), (3, 13), (11, 4), (5, 7)])
def test_fit_keeps_the_brightness_and_gives_the_size(height, width):
    even = np.full((5, 7, 3), 93, np.uint8)
    seen = fit(even, height, width)
    assert seen.shape == (height, width, 3) and (seen == 93).all(), "an even picture stays even"


def test_fit_averages_when_shrinking_and_interpolates_when_enlarging():
    stripes = np.tile(np.array([255, 0, 0, 255], np.uint8)[:, None, None], (16, 64, 3))
    small = fit(stripes, 16, 64)
    assert set(np.unique(small)) <= {127, 128}, "fine texture becomes grey, not the rows that happen to be sampled"
    step = np.zeros((2, 2, 3), np.uint8)
    step[:, 1] = 200
    assert fit(step, 2, 4)[0, :, 0].tolist() == [0, 50, 150, 200], "half-pixel centres, linear between"
    assert fit(COLOURS, 5, 7).tolist() == COLOURS.tolist(), "the same size changes nothing"


def test_fit_refuses_no_size():
    with pytest.raises(InputError, match="0"):
        fit(COLOURS, 0, 5)
