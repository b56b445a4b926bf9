from __future__ import annotations

import pytest

from meantime.dataset.reading.plain_names import shown_forms
from meantime.did_you_mean import name_key


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Utah", " Utah "),
        ("Utah", "Utah\u00a0"),
        ("New York", "New\u202fYork"),
        ("New York", "New   York"),
        ("New York", "New\tYork"),
        ("\u00c5land", "A\u030aland"),
        ("Utah", "\ufeffUtah\u200b"),
    ],
)
def test_names_that_look_alike_have_one_key(one: str, other: str) -> None:
    assert name_key(one) == name_key(other)


@pytest.mark.parametrize(("one", "other"), [("Utah", "utah"), ("Aland", "\u00c5land"), ("NewYork", "New York")])
def test_names_that_differ_to_the_eye_do_not(one: str, other: str) -> None:
    assert name_key(one) != name_key(other)


def test_the_most_frequent_form_is_shown_and_the_first_of_equals() -> None:
    assert shown_forms({"A\u030aland": 1, "\u00c5land": 2}) == {"A\u030aland": "\u00c5land"}
    assert shown_forms({"New  York": 3, "New York": 3}) == {"New  York": "New York"}
    assert shown_forms({"Utah ": 9, "Utah": 1}) == {"Utah ": "Utah"}
    assert shown_forms({"Utah\u00a0": 1, "\u00a0": 1}) == {"Utah\u00a0": "Utah", "\u00a0": ""}
    assert shown_forms({"Utah": 1, "Ohio": 1, "New\u00a0York": 1, "New\t Mexico": 1}) == {}
