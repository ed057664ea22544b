"""How numbers are written: what is read is what was meant, to the digits that are shown."""

import pytest

from explorer import formatting


@pytest.mark.parametrize(
    ("p", "text"), [(0.0213, "0.021"), (0.873, "0.873"), (2.4e-7, "2e-7"), (1 - 2e-8, "0.99999998")]
)
def test_a_probability_is_written_to_where_it_differs_from_one(p, text):
    assert formatting.probability(p, 1 - p).startswith(text)


@pytest.mark.parametrize(("share", "text"), [(0.37, "37 %"), (0.004, "0.4 %"), (0.0999, "10 %"), (1, "100 %")])
def test_a_part_is_never_rounded_to_nothing(share, text):
    assert formatting.part(share) == text


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.2, "1 s"), (89, "89 s"), (90, "2 min"), (5399, "90 min"), (5400, "1.5 h"), (4e5, "5 d")]
)
def test_a_duration_is_in_the_unit_that_one_would_say(seconds, text):
    assert formatting.duration(seconds) == text


def test_a_probability_is_not_rounded_up_to_one():
    assert formatting.about(0.9996) == "p > 0.999" and formatting.in_percent(0.99951) == "> 99.9 %"
    assert formatting.about(2e-7) == "p = 2e-7" and formatting.in_percent(0.0002) == "0.02 %"
