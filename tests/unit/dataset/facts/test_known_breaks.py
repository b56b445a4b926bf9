from __future__ import annotations

import tomllib
from importlib import resources

import pytest

from meantime.dataset.facts.known_breaks import breaks_of

TABLE = tomllib.loads(
    resources.files("meantime.dataset.facts").joinpath("known_breaks.toml").read_text(encoding="utf-8")
)
FRUIT = "Percent of adults who report consuming fruit less than one time daily"


def test_every_break_has_a_source_with_an_address() -> None:
    for each in TABLE["breaks"]:
        assert each["source"]
        assert each["url"].startswith("https://")


def test_phrases_are_in_lower_case_as_the_texts_that_they_are_sought_in() -> None:
    for each in TABLE["breaks"]:
        assert each["phrases"] == [phrase.casefold() for phrase in each["phrases"]]


@pytest.mark.parametrize(
    ("question", "years"),
    [
        (FRUIT, [2011, 2017]),
        ("Percent of adults aged 18 years and older who have obesity", [2011]),
        ("Binge drinking among adults", [2006, 2011]),
        ("Percent of students in grades 9-12 who consume fruit less than 1 time daily", []),
        ("Median household income", []),
    ],
)
def test_a_question_has_the_breaks_of_its_own_survey(question: str, years: list[int]) -> None:
    assert [each.year for each in breaks_of(question)] == years
