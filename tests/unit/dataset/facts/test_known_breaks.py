from __future__ import annotations

import tomllib
from importlib import resources

import pytest

from meantime.dataset.facts.known_breaks import breaks_of
from meantime.dataset.facts.publishers import publisher_of

TABLE = tomllib.loads(
    resources.files("meantime.dataset.facts").joinpath("known_breaks.toml").read_text(encoding="utf-8")
)
BRFSS = "Behavioral Risk Factor Surveillance System"
FRUIT = "Percent of adults who report consuming fruit less than one time daily"


def test_every_break_has_a_source_with_an_address() -> None:
    for each in TABLE["breaks"]:
        assert each["source"]
        assert each["url"].startswith("https://")


def test_phrases_are_in_lower_case_as_the_texts_that_they_are_sought_in() -> None:
    for each in TABLE["breaks"]:
        for key in ("phrases", "words"):
            assert each.get(key, []) == [phrase.casefold() for phrase in each.get(key, [])]


def test_every_break_belongs_to_a_publisher_that_is_known() -> None:
    for each in TABLE["breaks"]:
        found = publisher_of(each["publisher"])
        assert found is not None
        assert found.name == each["publisher"]


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


@pytest.mark.parametrize(
    ("question", "publisher", "years"),
    [
        ("Binge drinking in the past month", BRFSS, [2006, 2011]),
        ("Ate no vegetables yesterday", BRFSS, [2011, 2017]),
        ("Binge drinking among adults", "National Health Interview Survey", []),
    ],
)
def test_the_publisher_decides_where_it_is_known(question: str, publisher: str, years: list[int]) -> None:
    assert [each.year for each in breaks_of(question, publisher)] == years
