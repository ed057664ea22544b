"""Normalisation (26), up-sampling, and the words for a map that shows nothing."""

import re

import numpy as np
import pytest

from explorer import formatting
from explorer.attribution import heatmaps
from explorer.attribution.diagnosis import Circumstances, Verdict, diagnose
from explorer.attribution.heatmaps import normalise, resize, statistics
from explorer.errors import InputError
from support import reference as ref

RNG = np.random.default_rng(11)


def circumstances(label="Grad-CAM", score="probability", complement=0.2, vanished=False, at_picture_only=True):
    return Circumstances(label, score, 1 - complement, complement, vanished, at_picture_only)


def spanning(spread, low=0.0, shape=(5, 8)):
    """A map whose values span exactly from low to low + spread."""
    raw = low + spread * RNG.random(shape)
    raw[0, 0], raw[-1, -1] = low, low + spread
    return raw


# Up-sampling


@pytest.mark.parametrize(("cam", "size"), [((4, 6), (12, 16)), ((3, 5), (7, 31)), ((1, 4), (9, 8)), ((7, 2), (7, 2))])
def test_resize_is_bilinear_with_half_pixel_centres(cam, size):
    cam = RNG.random(cam).astype(np.float32)
    found = resize(cam, *size)
    assert found.shape == size and found.dtype == np.float32, "height comes first, and single precision is kept"
    np.testing.assert_allclose(found, ref.resize(cam, *size), atol=2e-6, err_msg="bilinear, pixel centres at ½")


def test_resize_keeps_tiny_values():
    cam = (1e-30 * RNG.random((3, 4))).astype(np.float32)
    np.testing.assert_allclose(resize(cam, 9, 8), ref.resize(cam, 9, 8), rtol=1e-5, err_msg="no value is lost")


# Normalisation


@pytest.mark.parametrize("epsilon", [1e-12, 1e-8, 1e-3, 1.0])
@pytest.mark.parametrize("spread", [1e-30, 1e-12, 3e-9, 1e-4, 1.0, 1e6, 1e30])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_normalise_is_equation_26(spread, epsilon, dtype):
    raw = spanning(spread).astype(dtype)
    expected = ref.normalise(raw.astype(np.float64), epsilon)
    found = normalise(raw, epsilon)
    assert found.dtype == np.float32, "a heatmap is single precision"
    np.testing.assert_allclose(found, expected, rtol=1e-7, atol=1e-38, err_msg="(L − min L)/(max L − min L + ε)")
    assert (found >= 0).all() and (found <= 1).all(), "a heatmap lies in [0, 1]"


def test_a_map_fainter_than_epsilon_stays_faint():
    """Peers that add an ε twice, or scale first, draw this one at full brightness."""
    found = normalise(spanning(1e-12), 1e-8)
    assert abs(float(found.max()) / 0.99990001e-4 - 1) < 1e-6, "1e-12/(1e-12 + 1e-8), not 0.99"


def test_a_large_offset_is_subtracted_exactly():
    raw = spanning(1e-6, low=1000.0)
    np.testing.assert_allclose(
        normalise(raw, 1e-8), ref.normalise(raw, 1e-8), rtol=1e-7, err_msg="float32 would see a constant map here"
    )


def test_a_constant_map_becomes_zero():
    assert not normalise(np.full((3, 4), 7.0), 1e-8).any(), "0/(0 + ε) is 0, never a division by zero"


def test_a_shared_scale():
    raw = np.array([[0.0, 1.0, 4.0]])
    np.testing.assert_allclose(normalise(raw, 1.0, 0.0, 3.0), [[0, 0.25, 1]], err_msg="other ends, clipped to [0, 1]")
    np.testing.assert_allclose(normalise(raw, 1e-8, low=-4.0), [[0.5, 0.625, 1]], err_msg="either end alone", rtol=1e-6)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_map_with_a_value_that_is_no_number_is_empty(value):
    raw = spanning(1.0)
    raw[1, 2] = value
    assert not normalise(raw, 1e-8).any(), "there is nothing to show, and nothing is divided"


@pytest.mark.parametrize("epsilon", [0, -1e-8, float("nan"), float("inf"), True, "1e-8", None])
def test_an_epsilon_that_is_none_is_refused(epsilon):
    with pytest.raises(InputError, match=r"^ε is a positive"):
        heatmaps.check_epsilon(epsilon)


@pytest.mark.parametrize("epsilon", [1, 1e-12, np.float32(0.5)])
def test_an_epsilon_becomes_a_plain_number(epsilon):
    checked = heatmaps.check_epsilon(epsilon)
    assert type(checked) is float and checked == epsilon, "ready for JSON"


# Verdicts


@pytest.mark.parametrize("epsilon", [1e-12, 1e-8, 1e-3, 1.0])
@pytest.mark.parametrize("ratio", [1e-4, 0.5, 0.999, 1.001, 3.0, 1e6])
def test_dark_means_the_normalised_map_stays_under_one_half(ratio, epsilon):
    raw = spanning(ratio * epsilon)
    dark = diagnose(raw, epsilon, circumstances()) == "dark"
    assert dark == (ratio < 1), "dark is max L − min L < ε, for every ε alike"
    assert dark == ref.is_dark(raw, epsilon), "and that is the same as a brightest point under ½"


def test_a_dark_map_says_how_dark_and_why():
    verdict = diagnose(spanning(4.7e-11), 1e-8, circumstances(complement=2e-8))
    assert verdict == "dark", "4.7e-11 is below ε"
    for word in ("Grad-CAM", "4.7e-11", "ε = 1e-8", "0.99999998", "saturated", "1 − p = 2e-8"):
        assert word in verdict.reason, f"the reason says {word!r}: {verdict.reason}"
    for word in ("Lower ε below 4e-11", "logit", "RSI-Grad-CAM"):
        assert word in verdict.advice, f"the advice says {word!r}: {verdict.advice}"


@pytest.mark.parametrize("spread", [9.9999999999e-12, 1e-11, 4.7e-11, 1.0000001e-5, 0.003, 0.3, 7.0, 123.0, 9999.0])
def test_the_epsilon_advised_mends_the_map(spread):
    raw = spanning(spread)
    verdict = diagnose(raw, 1e5, circumstances())
    number = re.search(r"Lower ε below ([\d.e+-]+?)\.?(?: |$)", verdict.advice).group(1)
    assert re.fullmatch(r"\d(e-\d+)?|[1-9]0+|0\.0*[1-9]", number), f"one digit is enough: {number}"
    assert float(number) <= spread * (1 + 1e-12), f"{number} is at most the {spread} that the map spans"
    assert float(number) >= spread / 2, f"and no lower than need be: {number} for {spread}"
    assert diagnose(raw, 0.999 * float(number), circumstances()) == "ok", "any ε below it mends the map"


def test_saturation_is_named_only_where_it_is_the_cause():
    faint = spanning(1e-11)
    cases = {
        "p = 0.8 scales nothing away": circumstances(complement=0.2),
        "a logit does not saturate": circumstances(complement=1e-9, score="logit"),
        "the gradient of log p does not fall with p": circumstances(complement=1 - 1e-9, score="log-probability"),
    }
    for said, about in cases.items():
        assert "softmax" not in diagnose(faint, 1e-8, about).reason, said
    for score in ("probability-naive", "log-probability"):
        verdict = diagnose(faint, 1e-8, circumstances(complement=1e-9, score=score))
        assert "saturated" in verdict.reason, f"the {score} saturates too: its gradient is scaled by 1 − p"


def test_a_class_the_network_rules_out_is_faint_as_well():
    verdict = diagnose(spanning(1e-11), 1e-8, circumstances(complement=1 - 3e-9))
    assert "p = 3e-9" in verdict.reason and "saturated" not in verdict.reason, "here it is p that scales the gradient"


def test_advice_never_sends_people_where_they_are():
    rsi = diagnose(spanning(1e-11), 1e-8, circumstances("RSI-Grad-CAM", complement=1e-9, at_picture_only=False))
    assert "read RSI-Grad-CAM" not in rsi.advice, "RSI-Grad-CAM is not advised to those who read it"
    logit = diagnose(spanning(1e-11), 1e-8, circumstances(score="logit"))
    assert "explain the logit" not in logit.advice, "nor the logit to those who explain it"


def test_a_constant_map_is_dark_and_no_epsilon_is_advised():
    verdict = diagnose(np.full((4, 5), 0.25), 1e-8, circumstances())
    assert verdict == "dark" and "0.25" in verdict.reason, "constant: no place stands out"
    assert "Lower ε" not in verdict.advice, "no ε mends a constant map"


def test_a_blank_map_says_whether_the_gradient_or_the_sum_is_to_blame():
    nothing = np.zeros((4, 5))
    vanished = diagnose(nothing, 1e-8, circumstances(complement=1e-50, vanished=True))
    assert vanished == "blank" and "exactly zero" in vanished.reason, "no gradient at all"
    assert "saturated" in vanished.reason and "RSI-Grad-CAM" in vanished.advice, "its cause, and a way out"
    negative = diagnose(nothing, 1e-8, circumstances())
    assert negative == "blank" and "positive" in negative.reason, "the sum is negative everywhere"
    assert "no proof" in negative.advice, "a blank map does not say that the class is absent"
    path = diagnose(nothing, 1e-8, circumstances("RSI-Grad-CAM", vanished=True, at_picture_only=False))
    assert "gradient at the picture" not in path.reason, "a path method is not blank for the picture's gradient"
    for verdict in (vanished, negative, path):
        assert "No ε" in verdict.advice, "no ε mends a blank map"


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_map_that_overflowed_is_neither_dark_nor_blank(value):
    raw = np.zeros((4, 5))
    raw[0, :3] = value
    verdict = diagnose(raw, 1e-8, circumstances())
    assert verdict == "non-finite" and "3 of 20" in verdict.reason, f"how many values: {verdict.reason}"
    assert verdict.advice, "and what to try"


def test_an_ok_map_needs_no_words():
    verdict = diagnose(spanning(1.0), 1e-8, circumstances())
    assert (verdict, verdict.reason, verdict.advice) == ("ok", "", ""), "ok, and nothing to say"


@pytest.mark.parametrize("complement", [0.2, 1e-9, 1e-30])
def test_reasons_and_advice_are_sentences(complement):
    about = circumstances(complement=complement)
    for raw in (spanning(1e-11), np.zeros((3, 4)), np.full((3, 4), np.nan), np.ones((3, 4))):
        verdict = diagnose(raw, 1e-8, about)
        for words in (verdict.reason, verdict.advice):
            assert words.endswith(".") and not words[0].islower() and "  " not in words, f"a sentence: {words!r}"


def test_a_verdict_is_a_string():
    verdict = Verdict("dark", "why", "what to do")
    assert verdict == "dark" and isinstance(verdict, str) and f"{verdict}" == "dark", "it compares and prints as one"
    assert {"dark": 1}[verdict] == 1, "and can be looked up as one"
    assert (verdict.reason, verdict.advice) == ("why", "what to do"), "with its words at hand"


@pytest.mark.parametrize(
    ("complement", "text"),
    [(0.127, "0.873"), (1e-5, "0.99999"), (2e-8, "0.99999998"), (1e-15, "1 − 1e-15"), (1 - 2e-7, "2e-7"), (0, "1")],
)
def test_a_probability_is_told_apart_from_one(complement, text):
    found = formatting.probability(1 - complement, complement)
    assert found.startswith(text), f"{found} should begin with {text}"
    assert complement == 0 or found.rstrip("0.") != "1", "only p = 1 reads as 1"


# Statistics


def test_statistics_are_plain_numbers_of_the_raw_map():
    cam = np.array([[0, 2, 0], [4, 0, 6]], np.float32)
    found = statistics(cam)
    assert found == {"minimum": 0.0, "mean": 2.0, "maximum": 6.0, "zeros": 3, "cells": 6}, "counted by hand"
    assert {type(value) for value in found.values()} == {float, int}, "ready for JSON"


def test_statistics_of_an_overflowed_map_hold_no_nan():
    found = statistics(np.array([[1.0, np.inf]]))
    assert found["maximum"] is None and found["mean"] is None and found["minimum"] == 1.0, "JSON knows no infinity"


def test_tiny_values_are_averaged_without_loss():
    assert statistics(np.full((3, 4), 1e-40, np.float32))["mean"] > 0, "a mean of float32 denormals is not zero"
