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
        "2 of 4 locations differ from the target of 25.0% (p adjusted by Holm): 1 above, 1 below."
    )
    assert table.findings[1].startswith("Cockaigne is above the target of 25.0% by 6.8 percentage points")


def test_one_of_several_differs_and_of_one_no_count_is_told() -> None:
    assert of(25.0, locations=("Borduria", "Cockaigne")).findings[0].startswith("1 of 2 locations differs from")
    (told,) = of(25.0, locations=("Cockaigne",)).findings
    assert told.startswith("Cockaigne is above the target of 25.0% by 6.8 percentage points (95% CI ")


def test_an_aggregate_is_no_location_in_the_count_and_told_after_them() -> None:
    names = ("National", "Iowa", "Maine", "Ohio", "Texas", "Utah")
    rows = [factories.row(location=name, value="30.0", low=29.0, high=31.0) for name in names]
    told = STATISTIC.answer(factories.snapshot(rows), Target(question="Q", target=40.0)).findings
    assert told[0] == "5 of 5 locations differ from the target of 40.0% (p adjusted by Holm): 0 above, 5 below."
    assert told[-1].startswith("National (an aggregate) is below the target of 40.0% by 10.0 percentage points")


def test_where_nothing_differs_that_is_said() -> None:
    table = of(26.0, locations=("Borduria", "Dorado"))
    assert table.findings == (
        "No location can be told apart from the target of 26.0% (2 compared, p adjusted by Holm).",
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
