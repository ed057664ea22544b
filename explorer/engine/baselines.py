"""Baselines: the pictures of nothing in particular from which the paths begin.

All of them are RGB pixels at the size of the picture, so that "black" is black whatever numbers a network is fed.
A baseline is told by one word that fits in a command line, a settings file or a link: "black", "blurred:12",
"uniform-noise:7", "colour:#ff8800"; or by a picture: an array, a PIL image, or the path of a file. One is neither: a
ClassNeutral.
"""

from __future__ import annotations

import difflib
import hashlib
import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import cv2
import numpy as np
from PIL import Image

from explorer.arrays import Array
from explorer.engine.images import fit, load_image
from explorer.errors import InputError

MAX_SIGMA = 200.0  # pixels; by then every picture the networks see is even
MAX_SEED = 2**32 - 1
MIDDLE, NOISE_SIGMA = 127.5, 64.0  # Gaussian noise: four standard deviations span the range of a pixel
# What settings call a baseline that they do not hold, before eight digits of its pixels' SHA-256: in words, and what
# to do about it.
UPLOADED, NEUTRAL = "uploaded", "class-neutral"
NOT_HELD = {
    UPLOADED: ("an uploaded picture", "An uploaded baseline is not kept with the settings: upload its picture again."),
    NEUTRAL: (
        "class-neutral",
        "A class-neutral baseline is optimised for one network and not kept with the settings: pass the baseline of "
        "explorer.studies.class_neutral.class_neutral(classifier).",
    ),
}


@dataclass(frozen=True)
class Baseline:
    """One kind of baseline.

    draw(image, value) -> uint8 (H, W, 3); read(text) -> the value, or raises InputError; write(value) -> its text.
    default: the value's text where none is given; None for a kind that takes none.
    """

    name: str
    label: str
    draw: Callable
    caption: str
    default: str | None = None
    read: Callable | None = None
    write: Callable = str


@dataclass(frozen=True, eq=False)
class ClassNeutral:
    """The baseline that `explorer.studies.class_neutral` optimises for a network: RGB in the units of pixels, but
    neither whole nor within 0..255, so no picture that could be displayed.

    pixels: (H, W, 3) finite numbers, kept as a read-only float32 copy. Two of the same values are equal.
    """

    pixels: np.ndarray

    def __post_init__(self):
        pixels = np.array(self.pixels, np.float32)
        if pixels.ndim != 3 or pixels.shape[2] != 3 or not np.isfinite(pixels).all():
            raise InputError(
                "A class-neutral baseline is an array (H, W, 3) of finite numbers, and what was received, of the shape "
                f"{pixels.shape}, is not: have it optimised anew."
            )
        pixels.setflags(write=False)
        object.__setattr__(self, "pixels", pixels)

    def __eq__(self, other):
        return isinstance(other, ClassNeutral) and np.array_equal(self.pixels, other.pixels)

    def __hash__(self):
        return hash(self.pixels.tobytes())


def _even(rgb):
    return lambda image, value: np.full_like(image, rgb)


def _blurred(image, sigma):
    """The picture through a Gaussian of standard deviation sigma, in pixels, mirrored at the edges."""
    return cv2.GaussianBlur(image, (0, 0), sigma)


def _uniform_noise(image, seed):
    """Every colour of every pixel drawn alike from 0..255; nothing of the picture is left."""
    return np.random.default_rng(seed).integers(0, 256, image.shape, dtype=np.uint8)


def _gaussian_noise(image, seed):
    """Noise around mid-grey, N(127.5, 64²) cut to 0..255; nothing of the picture is left."""
    noise = np.random.default_rng(seed).normal(MIDDLE, NOISE_SIGMA, image.shape)
    return np.clip(np.rint(noise), 0, 255).astype(np.uint8)


def _colour(image, rgb):
    return np.broadcast_to(np.array(rgb, np.uint8), image.shape).copy()


def _read_sigma(text):
    try:
        sigma = float(text)
    except ValueError:
        sigma = math.nan
    if not 0 < sigma <= MAX_SIGMA:  # written so that NaN fails too
        raise InputError(
            f"A blur's σ is a number of pixels above 0 and up to {MAX_SIGMA:g}, such as 10, not {text[:40]!r}."
        )
    return sigma


def _read_seed(text):
    if not re.fullmatch(r"[0-9]{1,10}", text) or int(text) > MAX_SEED:
        raise InputError(f"A seed is a whole number from 0 to {MAX_SEED}, such as 7, not {text[:40]!r}.")
    return int(text)


def _read_colour(text):
    digits = text.removeprefix("#")
    if len(digits) == 3:
        digits = "".join(digit * 2 for digit in digits)
    if not re.fullmatch(r"[0-9a-fA-F]{6}", digits):
        raise InputError(f"A colour is # and six hexadecimal digits, such as #ff8800, not {text[:40]!r}.")
    return tuple(bytes.fromhex(digits))


def _write_colour(rgb):
    return "#" + bytes(rgb).hex()


BASELINES = MappingProxyType(
    {
        kind.name: kind
        for kind in (
            Baseline("black", "Black", _even(0), "black"),
            Baseline("white", "White", _even(255), "white"),
            Baseline("grey", "Grey", _even(128), "mid-grey"),
            Baseline("blurred", "Blurred", _blurred, "blurred, σ = {} px", "10", _read_sigma, "{:g}".format),
            Baseline("uniform-noise", "Uniform noise", _uniform_noise, "uniform noise, seed {}", "0", _read_seed),
            Baseline("gaussian-noise", "Gaussian noise", _gaussian_noise, "Gaussian noise, seed {}", "0", _read_seed),
            Baseline("colour", "Single colour", _colour, "colour {}", "#808080", _read_colour, _write_colour),
        )
    }
)

# Other spellings of the same words.
ALIASES = {"gray": "grey", "color": "colour", "blur": "blurred"}


def make_baseline(spec: Array | str, image: Image) -> Array:
    """The baseline picture, a new uint8 (H, W, 3) array of the size of image; of a ClassNeutral its float32 values.

    spec: see the top of this file; image: uint8 (H, W, 3) RGB, as the network sees it. An uploaded picture is
    stretched to that size; a ClassNeutral has it already. Raises InputError where spec is none of the choices.
    """
    image = np.asarray(image)
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or 0 in image.shape:
        raise InputError(
            f"A baseline is made for an RGB picture, uint8 of shape (H, W, 3), not {image.dtype} "
            f"{image.shape}: load the picture with load_image."
        )
    if isinstance(spec, ClassNeutral):
        return _sized(spec, image).copy()
    parsed = _parse(spec)
    if parsed is None:
        return fit(load_image(spec), *image.shape[:2])
    kind, value = parsed
    return kind.draw(image, value)


def displayed(picture: Array) -> Array:
    """A baseline picture as it can be displayed, uint8 (H, W, 3): rounded, and cut to 0..255."""
    return picture if picture.dtype == np.uint8 else np.clip(np.rint(picture), 0, 255).astype(np.uint8)


def once_more(spelling: str, picture: Array) -> Array | ClassNeutral | str:
    """What makes the same baseline again: its word, or where it has none, its picture.

    spelling: as `canonical` has it; picture: as `make_baseline` made it.
    """
    if is_named(spelling):
        return spelling
    return picture if picture.dtype == np.uint8 else ClassNeutral(picture)


def canonical(spec: str) -> str:
    """The one spelling of a baseline, a string for settings: "Blurred" -> "blurred:10".

    A file's path stays as it is; an array or PIL image becomes "uploaded:" and eight digits of its pixels'
    SHA-256, enough to tell two apart; a ClassNeutral "class-neutral:" and its digits. Reads no file. Raises InputError
    where spec is none of the choices.
    """
    if isinstance(spec, ClassNeutral):
        return _digest(NEUTRAL, spec.pixels)
    parsed = _parse(spec)
    if parsed is not None:
        kind, value = parsed
        return kind.name if kind.read is None else f"{kind.name}:{kind.write(value)}"
    if isinstance(spec, (str, Path)):
        return str(spec)
    return _digest(UPLOADED, load_image(spec))


def is_named(spec: str) -> bool:
    """Whether a baseline is one of the words of `BASELINES`, not a picture."""
    return isinstance(spec, str) and _split(spec)[0] in BASELINES


def describe(spec: Array | str) -> str:
    """A baseline in a few words for a caption: "blurred, σ = 10 px", "picture 'sea.png'"."""
    if isinstance(spec, ClassNeutral):
        return NOT_HELD[NEUTRAL][0]
    if isinstance(spec, str) and ":" in spec and _split(spec)[0] in NOT_HELD:
        return NOT_HELD[_split(spec)[0]][0]
    parsed = _parse(spec)
    if parsed is not None:
        kind, value = parsed
        return kind.caption.format("" if kind.read is None else kind.write(value))
    return f"picture '{Path(spec).name}'" if isinstance(spec, (str, Path)) else NOT_HELD[UPLOADED][0]


def _digest(name, pixels):
    return f"{name}:{hashlib.sha256(repr(pixels.shape).encode() + pixels.tobytes()).hexdigest()[:8]}"


def _sized(neutral, image):
    """The pixels of a ClassNeutral, which are not stretched: between them nothing was optimised."""
    if neutral.pixels.shape != image.shape:
        raise InputError(
            f"A class-neutral baseline has the size of the pictures of its network, {neutral.pixels.shape}, but the "
            f"picture here is {image.shape}: have one optimised for this network."
        )
    return neutral.pixels


def _split(spec):
    """ "Blur : 12" -> ("blurred", "12"); the second is None where there is no colon."""
    name, colon, text = spec.partition(":")
    name = name.strip().lower().replace(" ", "-").replace("_", "-")
    return ALIASES.get(name, name), text.strip() if colon else None


def _parse(spec):
    """(kind, value) of a named baseline, None for a picture; InputError for neither."""
    if isinstance(spec, (np.ndarray, Image.Image, Path)):
        return None
    if not isinstance(spec, str):
        raise InputError(f"A baseline is {_choices()}, or a picture, not {type(spec).__name__}: choose one.")
    name, text = _split(spec)
    if name in BASELINES:
        return _with_value(BASELINES[name], text)
    if name in NOT_HELD:
        raise InputError(NOT_HELD[name][1])
    if Path(spec).suffix or Path(spec).name != spec:  # named like a file; load_image says if it is none
        return None
    near = difflib.get_close_matches(name, [*BASELINES, *ALIASES], n=1)
    hint = f"did you mean {ALIASES.get(near[0], near[0])}?" if near else "choose one."
    raise InputError(f"A baseline is {_choices()}, or a picture file, not {spec[:40]!r}: {hint}")


def _with_value(kind, text):
    if kind.read is None:
        if text:
            raise InputError(
                f"The baseline {kind.name} takes nothing after it, not {text[:40]!r}: write {kind.name} alone."
            )
        return kind, None
    return kind, kind.read(text or kind.default)


def _choices():
    return ", ".join(BASELINES)
