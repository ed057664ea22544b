"""One figure of a result: the picture, every method's overlay, the numbers behind them, the words beneath.

Text is drawn with the typeface inside OpenCV, so that a figure looks the same on every machine and ε, × and class
names in most alphabets come out right.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from explorer import formatting
from explorer.arrays import Array
from explorer.engine.baselines import describe, displayed
from explorer.engine.images import fit
from explorer.engine.settings import AUTO
from explorer.render.overlays import DEFAULT_COLORMAP, colour_bar, overlay

if TYPE_CHECKING:
    from explorer.engine.result import Result


PANEL = 300  # pixels, the width of every picture in the figure
MARGIN, GAP, BAR = 28, 20, 14
BAR_LABELS = 40
MAX_ABREAST = 4  # methods
FOOT = 66  # the lines beneath a picture
INK, GREY, LINE, WHITE = (28, 28, 32), (104, 104, 112), (222, 222, 228), (255, 255, 255)
BADGES = {"ok": (27, 110, 62), "dark": (74, 63, 53), "blank": (104, 104, 112), "non-finite": (170, 30, 30)}
REGULAR, BOLD = 400, 600

CAPTION = (
    "A heatmap shows where the layer's activation is associated with the class, not what causes the decision. "
    "A dark or blank one is no proof of absence. No method is always best."
)


def side_by_side(result: Result, colormap: str = DEFAULT_COLORMAP, opacity: float = 0.5) -> Array:
    """Everything of a Result on one sheet, RGB uint8 (height, width, 3), some 350 pixels wide a method, of which
    at most four stand side by side.

    The picture as the network sees it with its baseline; for each method the overlay, the verdict and the raw
    minimum, mean and maximum; a colour bar; for a map that shows nothing, why and what to try.
    """
    height = max(1, round(PANEL * result.image.shape[0] / result.image.shape[1]))
    columns = min(len(result), MAX_ABREAST)
    width = 2 * MARGIN + PANEL + columns * (GAP + PANEL) + GAP + BAR + BAR_LABELS
    sheet = Sheet(width)
    sheet.paragraph(_headline(result), 26, INK, space=4, weight=BOLD)
    sheet.paragraph(_setting_line(result), 15, GREY, space=18)
    top = sheet.y
    _draw_picture(sheet, result, top, height)
    down = 30 + height + FOOT + 14
    for place, explanation in enumerate(result):
        picture = overlay(result.image, explanation.heatmap, colormap, opacity)
        row, column = divmod(place, columns)
        _draw_method(sheet, explanation, picture, MARGIN + (column + 1) * (PANEL + GAP), top + row * down, height)
    _draw_bar(sheet, colormap, width - MARGIN - BAR_LABELS - BAR, top + 30, height)
    sheet.y = top + down * -(-len(result) // columns)
    for explanation in result:
        if explanation.verdict != "ok":
            words = f"{explanation.label} is {explanation.verdict}. {explanation.verdict.reason}"
            sheet.paragraph(f"{words} {explanation.verdict.advice}", 15, INK, space=8)
    sheet.rule()
    sheet.paragraph(_reading_line(result), 14, GREY, space=4)
    sheet.paragraph(CAPTION, 14, GREY, space=0)
    return sheet.trimmed()


class Sheet:
    """A white page of a given width that grows downwards; `y` is where the next line begins."""

    def __init__(self, width: int):
        self.pixels = np.full((400, width, 3), 255, np.uint8)
        self.face = cv2.FontFace("sans")
        self.y = MARGIN

    def text(self, words: str, x: int, y: int, size: int, weight: int = REGULAR, ink: tuple[int, ...] = INK) -> None:
        """One line whose top left corner is at (x, y)."""
        self._reach(y + 2 * size)
        cv2.putText(self.pixels, words, (x, y + size), ink, self.face, size, weight)

    def measure(self, words: str, size: int, weight: int = REGULAR) -> int:
        """The width of one line, in pixels."""
        return cv2.getTextSize((0, 0), words, (0, 0), self.face, size, weight)[2]

    def cut(self, words: str, room: int, size: int, weight: int = REGULAR) -> str:
        """The words, or as many of their letters as fit the room with an ellipsis."""
        if self.measure(words, size, weight) <= room:
            return words
        while words and self.measure(f"{words}…", size, weight) > room:
            words = words[:-1]
        return f"{words}…"

    def paragraph(self, words: str, size: int, ink: tuple[int, ...], space: int, weight: int = REGULAR) -> None:
        """Words broken into lines between the margins."""
        room = self.pixels.shape[1] - 2 * MARGIN
        for line in self._broken(words, room, size, weight):
            self.text(line, MARGIN, self.y, size, weight, ink)
            self.y += size + 6
        self.y += space

    def picture(self, pixels: Array, x: int, y: int) -> None:
        self._reach(y + len(pixels))
        self.pixels[y : y + len(pixels), x : x + pixels.shape[1]] = pixels

    def box(self, x: int, y: int, width: int, height: int, ink: tuple[int, ...]) -> None:
        self._reach(y + height)
        self.pixels[y : y + height, x : x + width] = ink

    def rule(self) -> None:
        self.box(MARGIN, self.y, self.pixels.shape[1] - 2 * MARGIN, 1, LINE)
        self.y += 12

    def trimmed(self) -> Array:
        self._reach(self.y + MARGIN)
        return np.ascontiguousarray(self.pixels[: self.y + MARGIN])

    def _reach(self, y):
        missing = y - len(self.pixels)
        if missing > 0:
            self.pixels = np.pad(self.pixels, ((0, missing), (0, 0), (0, 0)), constant_values=255)

    def _broken(self, words, room, size, weight):
        line = ""
        for word in words.split(" "):
            longer = f"{line} {word}" if line else word
            if line and self.measure(longer, size, weight) > room:
                yield line
                longer = word
            line = self.cut(longer, room, size, weight)
        yield line


def _draw_picture(sheet, result, top, height):
    """The first column: what the network sees, and the baseline the path began from."""
    sheet.text("What the network sees", MARGIN, top, 18, BOLD)
    sheet.picture(fit(result.image, height, PANEL), MARGIN, top + 30)
    below = top + 30 + height + 10
    side = FOOT - 14
    sheet.picture(fit(displayed(result.baseline_image), side, side), MARGIN, below)
    _frame(sheet, MARGIN, below, side, side)
    sheet.text("baseline", MARGIN + side + 10, below + 4, 14, ink=GREY)
    words = sheet.cut(describe(result.settings["baseline"]), PANEL - side - 10, 14)
    sheet.text(words, MARGIN + side + 10, below + 26, 14)


def _draw_method(sheet, explanation, picture, x, top, height):
    sheet.text(explanation.label, x, top, 18, BOLD)
    wide = sheet.measure(explanation.verdict, 14, BOLD) + 16
    sheet.box(x + PANEL - wide, top - 1, wide, 22, BADGES[explanation.verdict])
    sheet.text(str(explanation.verdict), x + PANEL - wide + 8, top + 2, 14, BOLD, WHITE)
    sheet.picture(fit(picture, height, PANEL), x, top + 30)
    below = top + 30 + height + 14
    for place, name in enumerate(("minimum", "mean", "maximum")):
        at = x + place * (PANEL // 3)
        sheet.text(f"raw {name}", at, below, 13, ink=GREY)
        sheet.text(_number(explanation.statistics[name]), at, below + 20, 16)


def _draw_bar(sheet, colormap, x, top, height):
    sheet.picture(colour_bar(colormap, height, BAR), x, top)
    for value, y in (("1", top), ("½", top + height // 2 - 7), ("0", top + height - 14)):
        sheet.text(value, x + BAR + 6, y, 14, ink=GREY)


def _frame(sheet, x, y, width, height):
    cv2.rectangle(sheet.pixels, (x, y), (x + width - 1, y + height - 1), LINE, 1)


def _headline(result):
    return f"{result.class_name}   p = {formatting.probability(result.probability, result.complement)}"


def _sums(result):
    """How many points the sums are over, and by which rule."""
    settings = result.settings
    if settings["steps"] == AUTO:
        return (f"{len(result.path.alphas)} points, placed automatically",)
    return f"{settings['steps']} steps", f"{settings['quadrature']} rule"


def _setting_line(result):
    settings, (rows, columns, channels) = result.settings, result.layer.shape
    parts = (
        settings["model"],
        f"layer {settings['layer']} {rows}×{columns}×{channels}",
        f"score: {settings['score']}",
        *_sums(result),
        f"{settings['gradients']} gradients (Grad-CAM)",
        f"{settings['units']} units (RSI-Grad-CAM)",
        f"ε = {formatting.short(result.epsilon, 3)}",
    )
    return "  ·  ".join(parts)


def _reading_line(result):
    gap = result.completeness_gap
    if gap is not None:
        completeness = f"The integrated gradients add up to the change of the score within {100 * gap:.2g} %."
    elif result.layer.separates:
        completeness = "The score does not change along the path."
    else:
        completeness = "A connection by-passes this layer, so its integrated gradients need not add up to the score."
    return f"Colours run from 0 to 1 after each map is divided by its own range plus ε. {completeness}"


def _number(value):
    return "not finite" if value is None else formatting.short(value, 3)
