from __future__ import annotations

import numpy as np
import pytest

from meantime.dataset.facts.geography import for_locations
from meantime.dataset.facts.titles import Title, title_of
from meantime.dataset.samples import survey_example
from meantime.statistics.methods.differences import Estimates
from meantime.statistics.methods.heterogeneity import heterogeneity
from meantime.statistics.methods.pairs import pairs
from meantime.statistics.methods.standard_errors import Scale
from meantime.statistics.words.extremes import end_sentence, range_sentence, spread_sentence
from meantime.statistics.words.subject import Subject, by_size, list_of_largest

OBESITY = "Percent of adults aged 18 years and older who have obesity"
NAMES = ["Colorado", "Hawaii", "Utah", "West Virginia"]
VALUE = np.array([25.3, 25.3, 30.2, 42.1])


def women(*places: str) -> Subject:
    geography = for_locations(tuple(places or NAMES))
    return Subject(title=title_of(OBESITY), years="2023", unit="percent", geography=geography).of("Sex", "Female")


def test_a_range_names_both_ends_with_their_ties() -> None:
    assert range_sentence(women(), NAMES, VALUE) == (
        "Obesity among women ranges from 25.3% in Colorado and Hawaii to 42.1% in West Virginia (2023)."
    )
    assert range_sentence(women(), NAMES, np.full(4, 30.0)).startswith("Obesity among women is 30.0% in all 4 states")


def test_a_range_of_few_of_the_places_says_of_how_many() -> None:
    assert range_sentence(women(), NAMES, VALUE, wanted=10).startswith("In the 4 of 10 states with a value, obesity")
    assert range_sentence(women(), NAMES, VALUE, wanted=4).startswith("Obesity")


def test_an_end_names_its_ties_and_counts_who_cannot_be_distinguished() -> None:
    compared = pairs(Estimates(value=VALUE, se=np.full(4, 3.0), scale=Scale.LINEAR))
    assert end_sentence(women(), NAMES, VALUE, compared, is_low=True) == (
        "Colorado and Hawaii have the lowest figure for obesity among women in 2023; 1 other state cannot be "
        "distinguished from them (95% confidence, all pairs compared)."
    )
    assert end_sentence(women(), NAMES, VALUE, compared, is_low=False).startswith(
        "West Virginia has the highest figure for obesity among women in 2023; every other state is lower"
    )


@pytest.mark.parametrize("stands_out", [True, False])
def test_that_places_differ_is_not_shown_is_never_said_to_be_proof_that_they_do_not(stands_out: bool) -> None:
    about = heterogeneity(np.array([30.0, 30.1, 29.9]), np.ones(3))
    said = spread_sentence(women(), NAMES[:3], about, some_pair_differs=stands_out)
    assert ("though single ones stand out" in said) is stands_out
    assert ("that is not proof that they are equal." in said) is not stands_out


@pytest.mark.parametrize("question", [OBESITY, survey_example.SOUP, "Napping among adults", "Do you nap?", "Naps", ""])
def test_every_question_has_a_title_for_everybody_and_for_a_group(question: str) -> None:
    subject = Subject(title=title_of(question))
    group = subject.of("Sex", "Female")
    assert str(group) != str(subject)
    assert "women" in str(group) or "(Sex: Female)" in str(group)


def test_what_has_no_years_says_none() -> None:
    plain = Subject(title=Title(topic="obesity"))
    assert (plain.during, plain.with_years(), plain.with_years("Q test")) == ("", "", " (Q test)")


def test_lists_are_in_the_order_of_size_and_say_how_many_there_are() -> None:
    assert by_size([1.0, -9.0, 4.0, 8.0], [0, 1, 2, 3], most=3) == [1, 3, 2]
    assert list_of_largest(12, "changes", ["a", "b"]) == "The two largest of 12 changes: a; b."
