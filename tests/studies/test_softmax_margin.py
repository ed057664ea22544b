"""Logits scaled until a class is ahead by a margin, against the same worked out by hand."""

import numpy as np
import pytest

from explorer.engine.run import explain
from explorer.studies.at_image import at_picture
from explorer.studies.softmax_margin import at_margin, errors_along, factor_for, margin_of
from support import networks as nets
from support.paths import PICTURE

VALUES = np.array([1.0, 3.5, -2.0, 3.0, 0.5])


def test_the_margin_is_the_log_odds_of_the_class():
    for factor in (0.3, 1, 4):
        p = nets.softmax(factor * VALUES[None])[0][1]
        assert np.isclose(margin_of(VALUES, 1, factor), np.log(p / (1 - p)))


@pytest.mark.parametrize("margin", [0.0, 0.5, 5, 20, 60])
def test_the_factor_puts_the_class_that_far_ahead(margin):
    assert np.isclose(margin_of(VALUES, 1, factor_for(VALUES, 1, margin)), margin, atol=1e-9)


@pytest.mark.parametrize("index", [0, 2, 3])
def test_no_factor_puts_another_class_ahead(index):
    assert factor_for(VALUES, index, 5) is None
    assert factor_for(np.array([2.0, 2.0, 1.0]), 0, 5) is None, "nor one of two that are equal"


def asked(class_index=None):
    classifier, layer, _ = nets.make()
    result = explain(classifier, PICTURE, layer, class_index, steps=2)
    (logit,) = at_picture(classifier, [result.layer], PICTURE, result.class_index, "logit")
    return result, logit


def test_the_naive_map_is_right_until_p_rounds_to_one_and_then_about_other_classes():
    result, logit = asked()
    margins, errors = errors_along(result, logit, np.array([2.0, 6, 10, 14, 18, 24, 36]))
    assert (np.diff(errors[:5]) > 0).all(), f"the nearer p is to one the more digits are lost: {errors}"
    assert errors[0] < 1e-5 and (errors[margins > 17] > 0.5).all(), "all of them in the end"
    stable = [at_margin(result, logit, m)[1] for m in (2.0, 36.0)]
    assert all(np.abs(one.gradients).max() > 0 for one in stable), "the stable one does not vanish"
    p = stable[1].score
    assert p == 1.0, "though float32 knows p only as one"


def test_a_class_that_is_not_ahead_has_no_margin_to_show():
    result, logit = asked()
    other = int(np.argsort(logit.logits)[0])
    behind, at = asked(other)
    assert at_margin(behind, at, 5) is None and errors_along(behind, at, [5]) == (None, None)
    assert at_margin(result, logit, 5) is not None


def test_progress_is_told():
    result, logit = asked()
    told = []
    errors_along(result, logit, [1.0, 2.0], lambda *args: told.append(args))
    assert told == [("margins", 0, 2), ("margins", 1, 2)]
