"""Verdicts on the paper's claims, over tables made so that the answer is known."""

import re

import numpy as np
import pytest

from explorer.evaluation.claims import CONTRADICTED, NOT_TESTED, SUPPORTED, UNDECIDED, above, below, claims, similar
from explorer.evaluation.table import Table
from support import evaluated

SETTINGS = {"epsilon": 1e-8}
GC, IGC, RSI = evaluated.METHODS
NEXT, LAST = evaluated.LAYERS
PICTURES = 60


def verdicts(make, **keywords):
    """{(claim's text): verdict} of a table; make(index, layer, method, rng) gives the values of a row."""
    rng = np.random.default_rng(3)
    rows = evaluated.rows(PICTURES, lambda i, layer, method: make(i, layer, method, rng), **keywords)
    return {claim.text: claim for claim in claims(Table.of_rows(rows), SETTINGS)}


def one(found, *words):
    """The one claim whose text has all these words."""
    (text,) = [text for text in found if all(re.search(rf"(?<!Integrated ){word}\b", text) for word in words)]
    return found[text]


def of_paper(i, layer, method, rng):
    """As the paper has it."""
    sure = i % 2 == 0  # where Grad-CAM is dark
    complement = 10.0 ** -(9 + rng.random() if sure else 1 + rng.random())
    raw = {GC: 1e-10 if sure else 1e-5, IGC: 1e-3, RSI: 3e-3}[method] * np.exp(rng.normal())
    worse = method == IGC and layer == NEXT
    level = {GC: 0.5, IGC: 0.35 if worse else 0.6, RSI: 0.6}[method] + rng.normal(0, 0.01)
    drop = {GC: 0.4, IGC: 0.6 if worse else 0.3, RSI: 0.3}[method] + rng.normal(0, 0.01)
    return {
        "p": 1 - complement,
        "complement": complement,
        "raw_mean": raw,
        "spread": 5 * raw,
        "dark": 5 * raw < 1e-8,
        "drop": drop,
        "increase": i % 10 < {GC: 1, IGC: 3, RSI: 5}[method],
        "energy": level,
        **evaluated.overlaps(level / 2),
    }


def opposite(i, layer, method, rng):
    """The two methods of every claim change places."""
    swapped = {GC: RSI, RSI: GC, IGC: GC}[method]
    values = of_paper(i, {LAST: NEXT, NEXT: LAST}[layer] if method == IGC else layer, swapped, rng)
    energy = values["energy"] + 0.2 * (method == IGC)
    return values | {
        "complement": 0.1,
        "dark": method != GC and i % 2 == 1,
        "energy": energy,
        "drop": 0.3 + 0.2 * (method == RSI) + 0.2 * (method == IGC and layer == LAST) + rng.normal(0, 0.01),
        **evaluated.overlaps(energy / 2),
    }


def alike(i, layer, method, rng):
    """Nothing but noise, and noise around the limit of similarity."""
    shift = 0.05 * (method == IGC and layer == LAST)
    noise = rng.normal(0, 0.1)
    return {
        "complement": 10.0 ** -rng.uniform(1, 9),
        "raw_mean": np.exp(noise),
        "dark": rng.random() < 0.5,
        "drop": 0.5 + noise,
        "increase": rng.random() < 0.5,
        "energy": 0.5 + noise + shift,
        **evaluated.overlaps(0.3 + noise / 5),
    }


def test_what_is_as_the_paper_says_supports_every_claim():
    found = verdicts(of_paper)
    assert len(found) == 21, "every claim has its own words"
    assert {claim.verdict for claim in found.values()} == {SUPPORTED}, "all hold"
    assert all(np.isfinite([claim.low, claim.high]).all() for claim in found.values()), "each from an interval"


def test_the_opposite_contradicts():
    found = verdicts(opposite)
    contradicted = {text for text, claim in found.items() if claim.verdict == CONTRADICTED}
    untested = {text for text, claim in found.items() if claim.verdict == NOT_TESTED}
    assert all("dark heatmaps come" in text for text in untested), "no Grad-CAM heatmap is dark: nothing to ask of p"
    assert contradicted | untested == set(found), "every other claim is contradicted"


def test_noise_decides_nothing():
    found = verdicts(alike)
    assert {claim.verdict for claim in found.values()} == {UNDECIDED}, "an interval with zero, or the limit, in it"


@pytest.mark.parametrize(
    ("judge", "low", "high", "verdict"),
    [
        (above, 0.1, 0.2, SUPPORTED),
        (above, -0.2, -0.1, CONTRADICTED),
        (above, -0.1, 0.1, UNDECIDED),
        (above, 0.0, 0.0, UNDECIDED),
        (below, -0.2, -0.1, SUPPORTED),
        (below, 0.1, 0.2, CONTRADICTED),
        (below, 0.0, 0.1, UNDECIDED),
        (similar, -0.05, 0.05, SUPPORTED),
        (similar, 0.051, 0.2, CONTRADICTED),
        (similar, -0.2, -0.051, CONTRADICTED),
        (similar, 0.04, 0.06, UNDECIDED),
        (similar, -0.2, 0.2, UNDECIDED),
    ],
)
def test_a_verdict_is_where_the_interval_lies(judge, low, high, verdict):
    assert judge(low, high) == verdict, "wholly on a side, or undecided"


def test_what_is_missing_is_said():
    rng = np.random.default_rng(0)
    without = evaluated.rows(PICTURES, lambda i, layer, method: of_paper(i, layer, method, rng), methods=(GC, RSI))
    found = {claim.text: claim for claim in claims(Table.of_rows(without), SETTINGS)}
    about = [claim for text, claim in found.items() if "Integrated" in text]
    assert {(c.verdict, c.measured) for c in about} == {(NOT_TESTED, "Integrated Grad-CAM was not evaluated.")}, "why"
    assert all(c.verdict == SUPPORTED for c in found.values() if c not in about), "the others are tested as ever"

    single = verdicts(of_paper, layers=(LAST,))
    deeper = [claim for text, claim in single.items() if "next to last" in text]
    assert {(c.verdict, c.measured) for c in deeper} == {(NOT_TESTED, "Only one layer was evaluated.")}, "of one layer"
    assert all(c.verdict == SUPPORTED for c in single.values() if c not in deeper), "the one layer is the last"

    boxless = {c.text: c for c in claims(Table.of_rows(evaluated.plausible(PICTURES, boxes=False)), SETTINGS)}
    boxed = [claim for text, claim in boxless.items() if "energy" in text or "IoU" in text]
    assert {(c.verdict, c.measured) for c in boxed} == {(NOT_TESTED, "No boxes were given.")}, "and of no boxes"

    (why,) = {(claim.verdict, claim.measured) for claim in claims(Table.of_rows([]), SETTINGS)}
    assert why == (NOT_TESTED, "No picture was evaluated."), "an empty table tests nothing"


def test_a_handful_of_pictures_tests_nothing():
    rng = np.random.default_rng(0)
    few = evaluated.rows(9, lambda i, layer, method: of_paper(i, layer, method, rng))
    assert {claim.verdict for claim in claims(Table.of_rows(few), SETTINGS)} == {NOT_TESTED}, "nine are no sample"


def test_the_sentence_has_the_numbers():
    def make(i, layer, method, rng):
        return {
            "drop": {GC: 0.4, IGC: 0.5, RSI: 0.3}[method] + (0.1 if i % 2 else -0.1),
            "increase": i % 2 == 0,
            "raw_mean": {GC: 1e-9, IGC: 1e-3, RSI: 1e-3}[method] * (i != 4),
        }

    found = verdicts(make)
    drop = one(found, "RSI-Grad-CAM", "average drop", "at the last")
    assert "RSI-Grad-CAM 30.0 %, Grad-CAM 40.0 %: a difference of −10 points" in drop.measured, "means and difference"
    assert "block5_pool, 60 pictures" in drop.measured, "where, and of how many"
    assert (drop.low, drop.high) == pytest.approx((-0.1, -0.1)), "the same for every picture: no width"
    raw = one(found, "nearer to zero", "RSI-Grad-CAM", "at the last")
    assert "Grad-CAM's raw mean is 1e-6 times RSI-Grad-CAM's (95 %: 1e-6 to 1e-6" in raw.measured, "a ratio"
    assert "59 pictures, 1 left out whose map is blank" in raw.measured, "blank maps have no logarithm"
    assert raw.low == pytest.approx(-6), "in decades"


def test_last_is_the_deepest_whatever_the_names():
    depths = {"z": 0, "m": 1, "a": 2}
    rows = evaluated.rows(PICTURES, lambda i, layer, method: {"depth": depths[layer]}, ("m", "a", "z"))
    found = {claim.text: claim for claim in claims(Table.of_rows(rows), SETTINGS)}
    assert "; a, 60 pictures" in one(found, "dark heatmaps than RSI-Grad-CAM", "at the last").measured, "by depth"
    assert "; m, 60" in one(found, "dark heatmaps than RSI-Grad-CAM", "at the next to last").measured, "the second"
