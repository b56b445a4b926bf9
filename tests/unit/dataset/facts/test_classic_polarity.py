"""Overweight has no good direction; the classic API keeps the one that its contract fixes."""

from __future__ import annotations

from typing import Any

import pytest

from meantime.dataset.facts.classic_polarity import classic_polarity
from meantime.dataset.facts.questions import built_in_questions
from meantime.dataset.snapshot import QuestionMetadata, Snapshot
from meantime.errors import RequestInvalid
from meantime.model import Unwatched
from meantime.statistics.check import check
from meantime.table import Table
from tests.support.factories import row, snapshot

ADULTS = "Percent of adults aged 18 years and older who have an overweight classification"
STUDENTS = "Percent of students in grades 9-12 who have an overweight classification"


def read_without_polarity(question: str) -> Snapshot:
    """A snapshot with what is built in for the question."""
    rows = [
        row(question, location, str(value), period=(2020, 2020), low=value - 1, high=value + 1)
        for location, value in (("Ohio", 34.5), ("Utah", 31.0), ("Iowa", 36.2))
    ]
    known = built_in_questions()[question]
    return snapshot(rows, polarity={} if known.polarity is None else {question: known.polarity})


def answer(name: str, of: Snapshot, **raw: Any) -> Table:
    return check(name, raw, of).compute(Unwatched())


@pytest.mark.parametrize("question", [ADULTS, STUDENTS])
def test_the_classic_statistics_take_low_overweight_for_good(question: str) -> None:
    of = read_without_polarity(question)
    assert answer("best5", of, question=question).column("location") == ["Utah", "Ohio", "Iowa"]
    assert answer("worst5", of, question=question).column("location") == ["Iowa", "Ohio", "Utah"]


@pytest.mark.parametrize("question", [ADULTS, STUDENTS])
@pytest.mark.parametrize("statistic", ["ranking", "sensitivity"])
def test_a_ranking_asks_which_values_are_better_and_takes_either(question: str, statistic: str) -> None:
    of = read_without_polarity(question)
    with pytest.raises(RequestInvalid) as refused:
        answer(statistic, of, question=question)
    [problem] = refused.value.problems
    assert (problem.pointer, problem.code) == ("/better", "no-polarity")
    assert "Please choose" in problem.detail
    if statistic == "ranking":
        assert answer(statistic, of, question=question, better="higher").column("location")[0] == "Iowa"
        assert answer(statistic, of, question=question, better="lower").column("location")[0] == "Utah"


def test_a_comparison_says_above_and_below_and_not_better_and_worse() -> None:
    of = read_without_polarity(ADULTS)
    verdicts = answer("comparison", of, question=ADULTS, reference="Ohio").column("verdict")
    assert not {"better", "worse"}.intersection(verdicts)
    assert "below" in verdicts


def test_a_direction_in_the_toml_file_comes_before_the_list() -> None:
    assert classic_polarity(QuestionMetadata(text=ADULTS, polarity="higher")) == "higher"


def test_where_both_lists_have_a_direction_it_is_the_same() -> None:
    known = built_in_questions()
    for text, facts in known.items():
        if facts.polarity is not None:
            assert classic_polarity(QuestionMetadata(text=text)) in (None, facts.polarity)
    assert len([text for text in known if classic_polarity(QuestionMetadata(text=text))]) == 10
