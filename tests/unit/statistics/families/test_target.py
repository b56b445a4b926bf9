from __future__ import annotations

from typing import Any

import pytest

from meantime.dataset.samples import example, survey_example
from meantime.statistics.families.target import STATISTIC, Target
from meantime.table import Table
from tests.support import factories
from tests.support.answers import problems

SURVEY = survey_example.snapshot()


def of(value: float, **asked: Any) -> Table:
    given = Target(question=survey_example.SOUP, target=value, years="2020", **asked)
    assert problems(STATISTIC, SURVEY, given) == ()
    return STATISTIC.answer(SURVEY, given)


def test_the_limits_are_those_of_the_estimate_less_the_target() -> None:
    table = of(25.0, interval_scale="linear")
    assert table.column("difference") == pytest.approx([-3.2, 1.2, 6.8, 1.2])
    assert table.column("difference_low") == pytest.approx([float(str(low)) - 25 for low in table.column("low")])
    assert table.column("difference_high") == pytest.approx([float(str(high)) - 25 for high in table.column("high")])
    assert set(table.column("target")) == {25.0}


def test_verdicts_and_findings_name_the_target() -> None:
    table = of(25.0)
    assert table.column("verdict") == ["better", "no clear difference", "worse", "no clear difference"]
    assert table.findings[0] == (
        "The percent of adults who eat soup at breakfast meets the target of at most 25.0% in 1 of the 4 places and "
        "misses it in 1 (2020; Holm-adjusted); for 2 it is unclear."
    )
    assert "largest first: Cockaigne higher by 6.8 (" in table.findings[1]
    assert "; Avalon lower by 3.2 (" in table.findings[1]


@pytest.mark.parametrize(
    ("polarity", "target", "said"),
    [
        ("lower", 40.0, '"Q" in Utah meets the target of at most 40.0%: 30.0%, 10.0 percentage points lower (95% CI '),
        (
            "lower",
            20.0,
            '"Q" in Utah misses the target of at most 20.0%: 30.0%, 10.0 percentage points higher (95% CI ',
        ),
        (
            "higher",
            20.0,
            '"Q" in Utah meets the target of at least 20.0%: 30.0%, 10.0 percentage points higher (95% CI ',
        ),
        (
            "higher",
            40.0,
            '"Q" in Utah misses the target of at least 40.0%: 30.0%, 10.0 percentage points lower (95% CI ',
        ),
        (
            "lower",
            30.5,
            'Whether "Q" in Utah meets the target of at most 30.5% is unclear: 30.0%, 0.5 percentage points ',
        ),
        ("lower", 30.0, 'Whether "Q" in Utah meets the target of at most 30.0% is unclear: 30.0%.'),
        (None, 40.0, '"Q" in Utah is below the target of 40.0%: 30.0%, 10.0 percentage points lower (95% CI '),
        (None, 20.0, '"Q" in Utah is above the target of 20.0%: 30.0%, 10.0 percentage points higher (95% CI '),
        (None, 30.5, 'Whether "Q" in Utah lies above or below the target of 30.5% is unclear: 30.0%, 0.5 percentage '),
    ],
)
def test_a_target_is_met_missed_or_unclear_by_what_is_good(polarity: Any, target: float, said: str) -> None:
    row = factories.row(location="Utah", value="30.0", low=29.0, high=31.0)
    snapshot = factories.snapshot([row], polarity={"Q": polarity} if polarity else {})
    [finding] = STATISTIC.answer(snapshot, Target(question="Q", target=target)).findings
    assert finding.startswith(said)


def test_without_a_good_direction_places_are_above_or_below() -> None:
    rows = [factories.row(location=name, value="30.0", low=29.0, high=31.0) for name in ("Iowa", "Ohio")]
    snapshot = factories.snapshot(rows, polarity={})
    told = STATISTIC.answer(snapshot, Target(question="Q", target=20.0)).findings
    assert told[0] == '"Q" is above the target of 20.0% in both states and below it in none (Holm-adjusted).'
    told = STATISTIC.answer(snapshot, Target(question="Q", target=30.5)).findings
    assert told[0].startswith('These data do not show that "Q" is above or below the target of 30.5% in any of the 2')


def test_one_of_several_differs_and_of_one_no_count_is_told() -> None:
    told = of(25.0, locations=("Borduria", "Cockaigne")).findings
    assert "in 1 of the 2 places and meets it in none" in told[0]
    missed = " in Cockaigne misses the target of at most 25.0%: 31.8%, 6.8 percentage points higher (2020; "
    assert f"{missed}Holm-adjusted p < 0.001; unadjusted 95% CI " in told[1]
    (one,) = of(25.0, locations=("Cockaigne",)).findings
    assert f"{missed}95% CI " in one


def test_an_aggregate_is_no_location_in_the_count_and_told_after_them() -> None:
    names = ("National", "Iowa", "Maine", "Ohio", "Texas", "Utah")
    rows = [factories.row(location=name, value="30.0", low=29.0, high=31.0) for name in names]
    told = STATISTIC.answer(factories.snapshot(rows), Target(question="Q", target=40.0)).findings
    assert told[0] == '"Q" is below the target of 40.0% in all 5 states and above it in none (Holm-adjusted).'
    assert told[-1].startswith('"Q" nationally is below the target of 40.0%: 30.0%, 10.0 percentage points lower (Holm')


def test_where_nothing_differs_that_is_said() -> None:
    table = of(26.0, locations=("Borduria", "Dorado"))
    assert table.findings == (
        "The percent of adults who eat soup at breakfast meets the target of at most 26.0% in none of the 2 places and "
        "misses it in none (2020; Holm-adjusted); for 2 it is unclear.",
    )


def test_what_has_no_standard_error_is_not_tested() -> None:
    given = Target(question=example.BREAKFAST, target=20.0)
    table = STATISTIC.answer(example.snapshot(), given)
    assert set(table.column("verdict")) == {"not tested"}
    assert table.findings == ()


def test_what_cannot_be_selected_is_refused() -> None:
    assert [
        each.pointer
        for each in problems(STATISTIC, SURVEY, Target(question=survey_example.SOUP, target=1.0, years="1"))
    ] == ["/years"]
    assert problems(STATISTIC, None, Target(question="Q", target=1.0)) == ()


@pytest.mark.parametrize("value", [-0.1, 100.1])
def test_what_no_percent_can_be_is_no_target_of_percents(value: float) -> None:
    (problem,) = problems(STATISTIC, SURVEY, Target(question=survey_example.SOUP, target=value))
    assert (problem.pointer, problem.code) == ("/target", "type")
    assert problems(STATISTIC, example.snapshot(), Target(question=example.TEA, target=value)) == ()
