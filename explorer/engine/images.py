"""An upload becomes the RGB picture the network sees: limits, EXIF rotation, safe decoding."""

from __future__ import annotations

import io
import struct
import warnings
import zlib
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
from PIL import Image, ImageOps

from explorer.arrays import Array
from explorer.errors import InputError

if TYPE_CHECKING:
    from explorer.engine.network_paths import ImagePath, StraightLine


MAX_PIXELS = 64_000_000
MAX_SIDE = 20_000
LONGEST_NAME = 60  # characters of a file's name that a message shows

# Only formats that Pillow decodes itself: others (EPS, for one) start outside programs.
FORMATS = ("PNG", "JPEG", "GIF", "WEBP", "AVIF", "BMP", "TIFF", "PPM", "JPEG2000")
ADVICE = "choose a PNG, JPEG, GIF, WebP, AVIF, BMP or TIFF picture"

# What Pillow raises on a damaged file, found by feeding it tens of thousands of them.
DAMAGED = (OSError, SyntaxError, ValueError, TypeError, RuntimeError, EOFError, IndexError, struct.error, zlib.error)
TOO_LARGE = f"A picture may have {MAX_PIXELS // 10**6} million pixels and {MAX_SIDE:,} on a side"


def load_image(source: ImagePath | StraightLine) -> Array:
    """Read a picture as RGB.

    source: a path, the bytes of a picture file, a PIL image, or an array of shape (H, W), (H, W, 1),
    (H, W, 3) or (H, W, 4). Arrays are uint8, whole numbers from 0 to 255, uint16 (0..65535), or floats in
    [0, 1] or, where any value is above 1, in [0, 255].

    Returns a new uint8 (H, W, 3) array. EXIF rotation is applied, transparency is composited on white,
    16-bit greyscale is scaled (not clipped) to 8 bits, and of an animation the first frame is taken.

    Raises InputError for anything else, and for pictures over MAX_PIXELS pixels or MAX_SIDE on a side; a
    file's stated size is checked before its pixels are decoded.
    """
    if isinstance(source, np.ndarray):
        return _from_array(source)
    if isinstance(source, Image.Image):
        return _decode(source, _quoted(getattr(source, "filename", "")))
    if isinstance(source, (bytes, bytearray, memoryview)):
        return _from_quiet_file(io.BytesIO(source), "the picture")
    if isinstance(source, (str, Path)):
        return _from_path(Path(source))
    raise InputError(
        f"A picture is a path, bytes, an array or a PIL image, not {type(source).__name__}: pass one of these."
    )


def fit(image: Image, height: int, width: int) -> Array:
    """What the network sees: the picture stretched to (height, width), its proportions not kept.

    image: uint8 (H, W, 3). Returns uint8 (height, width, 3). A side that shrinks is averaged over areas,
    so that fine texture does not alias; a side that grows is interpolated linearly.
    """
    if min(height, width) < 1:
        raise InputError(f"A picture has at least 1 pixel each way, not {height} × {width}: give a larger size.")
    narrow, low = min(width, image.shape[1]), min(height, image.shape[0])
    shrunk = cv2.resize(image, (narrow, low), interpolation=cv2.INTER_AREA)
    return cv2.resize(shrunk, (width, height), interpolation=cv2.INTER_LINEAR)


def check_size(height: int, width: int, name: str = "the picture") -> None:
    """Raise InputError where a picture of this size (pixels) is over the limits."""
    if height < 1 or width < 1:
        raise InputError(f"A picture has at least one pixel, but {name} is {width} × {height}: choose another one.")
    if max(height, width) > MAX_SIDE or height * width > MAX_PIXELS:
        raise InputError(f"{TOO_LARGE}, but {name} is {width:,} × {height:,}: make it smaller first.")


def _from_path(path):
    name = _quoted(path)
    try:
        file = path.open("rb")
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError, ValueError) as error:
        raise InputError(f"A picture is a file, but {name} was not found: check the name.") from error
    except OSError as error:
        raise InputError(
            f"A picture must be readable, but {name} could not be opened ({error.strerror}): check the file."
        ) from error
    with file:
        return _from_quiet_file(file, name)


def _from_quiet_file(file, name):
    """As _from_file, without Pillow's warnings on the terminal: our own sentence says what matters."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module=r"PIL\.")
        return _from_file(file, name)


def _from_file(file, name):
    if not file.read(1):
        raise InputError(f"A picture file holds a picture, but {name} is empty: choose another one.")
    file.seek(0)
    try:
        picture = Image.open(file, formats=FORMATS)
    except Image.DecompressionBombError as error:
        raise InputError(f"{TOO_LARGE}, but {name} has more: make it smaller first.") from error
    except DAMAGED as error:
        raise InputError(f"A picture file holds a picture, but {name} could not be read as one: {ADVICE}.") from error
    with picture:
        return _decode(picture, name)


def _decode(picture, name):
    """A PIL image, perhaps not yet decoded -> uint8 (H, W, 3)."""
    check_size(picture.height, picture.width, name)
    try:
        picture.load()
    except DAMAGED as error:
        raise InputError(
            f"A picture file must be whole, but {name} is damaged or cut short: save or download it again."
        ) from error
    return _to_rgb(_upright(picture), name)


def _upright(picture):
    """The picture turned as its EXIF data say."""
    try:
        return ImageOps.exif_transpose(picture)
    except DAMAGED:  # damaged EXIF data are no reason to refuse a picture whose pixels are whole
        return picture


def _to_rgb(picture, name):
    if picture.mode.startswith("I"):
        return _grey_to_rgb(_from_16_bits(np.asarray(picture), name))
    if picture.mode == "F":
        raise InputError(
            f"A picture has whole numbers for pixels, but those of {name} are fractions: save it with 8 or 16 bits."
        )
    if picture.has_transparency_data:
        picture = picture.convert("RGBA")
        white = Image.new("RGBA", picture.size, "white")
        picture = Image.alpha_composite(white, picture)
    return np.array(picture.convert("RGB"))


def _from_16_bits(values, name):
    """Numbers from 0 to 65535 -> uint8 by dividing by 257, which sends 65535 to 255."""
    if values.min() < 0 or values.max() > 65535:
        raise InputError(f"A picture has 8 or 16 bits for each colour, but {name} has 32: save it with 16.")
    return ((values.astype(np.uint32) + 128) // 257).astype(np.uint8)


def _from_array(values):
    channels = values.shape[2] if values.ndim == 3 else 1
    if values.ndim not in (2, 3) or channels not in (1, 3, 4):
        raise InputError(
            "An array of pixels has the shape (H, W), (H, W, 1), (H, W, 3) or (H, W, 4), "
            f"not {values.shape}: put rows first and colours last."
        )
    check_size(*values.shape[:2], "the array")
    pixels = _to_uint8(values)
    if channels == 4:
        return _to_rgb(Image.fromarray(pixels, "RGBA"), "the array")
    if channels == 3:
        return pixels
    return _grey_to_rgb(pixels.reshape(values.shape[:2]))


def _to_uint8(values):
    """Pixels of any numeric dtype -> a uint8 copy; the ranges are those of load_image."""
    if values.dtype == np.uint8:
        return values.copy(order="C")
    if values.dtype == bool:
        return values.astype(np.uint8) * np.uint8(255)
    if values.dtype == np.uint16:
        return _from_16_bits(values, "the array")
    if values.dtype.kind not in "iuf":
        raise InputError(f"Pixels are uint8 numbers from 0 to 255, not {values.dtype}: convert the array first.")
    lowest, highest = values.min(), values.max()
    if not (lowest >= 0 and highest <= 255):  # written so that NaN fails too
        raise InputError(
            f"Pixels are numbers from 0 to 255, but the array has {lowest:.4g} to {highest:.4g}: scale it first."
        )
    if values.dtype.kind == "f":
        values = np.rint(values * 255.0 if highest <= 1 else values)
    return values.astype(np.uint8, order="C")


def _grey_to_rgb(pixels):
    """(H, W) -> (H, W, 3), the three colours alike."""
    return np.repeat(pixels[..., None], 3, axis=2)


def _quoted(path):
    """A file's own name, never the folders that hold it; a PIL image may have none."""
    name = "".join(filter(str.isprintable, Path(path).name)) if path else ""
    if len(name) > LONGEST_NAME:
        name = name[:LONGEST_NAME] + "…"
    return f"'{name}'" if name else "the picture"
