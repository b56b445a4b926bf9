from __future__ import annotations

import pytest

from meantime.cli.full_names import with_full_names
from meantime.errors import RequestInvalid

QUESTIONS = ("Percent of adults who nap", "Percent of adults with obesity")
LOCATIONS = ("Ohio", "Utah", "Virginia", "West Virginia")


def test_words_of_a_question_and_of_locations_become_the_full_names() -> None:
    raw = {"question": "NAP", "state": "utah", "location": ["ohio", "west"], "by": "ohio", "limit": 3}
    assert with_full_names(raw, QUESTIONS, LOCATIONS) == {
        "question": "Percent of adults who nap",
        "state": "Utah",
        "location": ["Ohio", "West Virginia"],
        "by": "ohio",
        "limit": 3,
    }


def test_an_empty_name_is_left_to_the_check() -> None:
    assert with_full_names({"question": ""}, QUESTIONS, LOCATIONS) == {"question": ""}


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (
            {"question": "adults"},
            "--question 'adults' matches 2 questions. Use more words:\n"
            "  Percent of adults who nap\n  Percent of adults with obesity",
        ),
        ({"reference": "Utha"}, "-p reference 'Utha' matches no location. The closest:\n  Utah"),
        (
            {"state": "zzz"},
            "--state 'zzz' matches no location. There are:\n  Ohio\n  Utah\n  Virginia\n  West Virginia",
        ),
    ],
)
def test_words_that_name_none_or_several_are_refused_with_the_names_there_are(
    raw: dict[str, object], message: str
) -> None:
    with pytest.raises(RequestInvalid) as caught:
        with_full_names(raw, QUESTIONS, LOCATIONS)
    assert caught.value.reason == message


def test_of_a_long_list_the_rest_is_counted() -> None:
    with pytest.raises(RequestInvalid, match=r"  Question 20\n  and 1,980 more$"):
        with_full_names({"question": "question"}, [f"Question {number}" for number in range(1, 2001)], ())
