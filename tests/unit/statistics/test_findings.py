from __future__ import annotations

import string

import pytest

from meantime.statistics import findings
from meantime.statistics.findings import MOST_OF_A_KIND, amount, interval, number, points, strongest


@pytest.mark.parametrize("message", findings._MESSAGES)
def test_a_message_is_a_sentence_and_all_its_places_have_names(message: str) -> None:
    text = findings._MESSAGES[message]
    fields = [name for _, name, _, _ in string.Formatter().parse(text) if name is not None]
    assert all(fields)
    assert text.endswith(".")
    assert findings.say(message, **dict.fromkeys(fields, "X")).count("X") == len(fields)


def test_units_are_said() -> None:
    assert (points(2.0, "percent"), points(2.0, "cups"), points(2.0, None)) == ("2.0 points", "2.0 cups", "2.0")
    assert (amount(2.0, "percent"), amount(2.0, "cups"), amount(2.0, None)) == ("2.0 %", "2.0 cups", "2.0")


def test_both_ends_of_an_interval_have_as_many_decimals() -> None:
    assert interval(0.68, 0.9) == "95 % interval 0.68 to 0.90"
    assert interval(-0.5, 12.0) == "95 % interval -0.5 to 12.0"
    assert interval(0.041, 2.0, 90) == "90 % interval 0.041 to 2.000"


def test_a_small_number_is_not_rounded_to_nothing() -> None:
    assert number(0.0417) == "0.042"


def test_only_the_strongest_are_told_strongest_first() -> None:
    z = [3.0, 9.0, 4.0, 8.0, 7.0, 6.0, 5.0]
    told = strongest(z, [each != 8.0 for each in z])
    assert told == [1, 4, 5, 6, 2]
    assert len(told) == MOST_OF_A_KIND
