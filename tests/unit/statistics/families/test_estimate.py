from __future__ import annotations

from typing import Any

import pytest

from meantime.dataset.samples import example, survey_example
from meantime.dataset.snapshot import Snapshot
from meantime.statistics.families.estimate import STATISTIC, Estimate, columns_for
from meantime.statistics.methods.pooling import Weights
from meantime.statistics.methods.standard_errors import Z95
from meantime.table import Table
from tests.support import factories
from tests.support.answers import problems

SURVEY = survey_example.snapshot()


def of(snapshot: Snapshot = SURVEY, **asked: Any) -> Table:
    given = Estimate(**{"question": survey_example.SOUP, **asked})
    assert not problems(STATISTIC, snapshot, given)
    table = STATISTIC.answer(snapshot, given)
    assert [column.name for column in table.columns] == [column.name for column in columns_for(given)]
    return table


def codes(snapshot: Snapshot = SURVEY, **asked: Any) -> list[tuple[str, str]]:
    found = problems(STATISTIC, snapshot, Estimate(**{"question": survey_example.SOUP, **asked}))
    return [(problem.pointer, problem.code) for problem in found]


def test_a_single_year_is_as_published() -> None:
    table = of(years="2020")
    assert table.column("location") == ["Avalon", "Borduria", "Cockaigne", "Dorado"]
    assert table.column("estimate") == [21.8, 26.2, 31.8, 26.2]
    assert table.column("low") == [19.9, 24.3, 29.9, 24.3]
    assert table.warnings == ("Not shown: Erewhon has no 2020 value.",)
    assert table.columns[1].unit == "percent"


def test_strata_are_rows_of_their_own() -> None:
    table = of(years="2019", by=("stratum",), category="Sex")
    assert list(zip(table.column("location"), table.column("stratum"), table.column("estimate"), strict=True)) == [
        ("Avalon", "Female", 18.0),
        ("Avalon", "Male", 23.8),
        ("Borduria", "Female", 27.0),
        ("Borduria", "Male", 26.2),
    ]
    assert set(table.column("category")) == {"Sex"}


def test_periods_are_rows_of_their_own_and_a_withheld_one_has_its_reason() -> None:
    table = of(years="all", by=("period",), locations=("Cockaigne",))
    assert table.column("period") == ["2016", "2017", "2018", "2019", "2020"]
    assert table.column("estimate") == [30.0, 30.1, None, 31.0, 31.8]
    assert table.column("withheld") == [None, None, '"~"', None, None]
    assert table.column("cells") == [1, 1, 0, 1, 1]


@pytest.mark.parametrize(
    ("weights", "told"),
    [(Weights.EQUAL, "equal"), (Weights.SAMPLE_SIZE, "respondents"), (Weights.EFFECTIVE_SIZE, "effective")],
)
def test_it_is_said_how_years_are_pooled(weights: Weights, told: str) -> None:
    assert any(told in note for note in of(years="2019..2020", weights=weights).notes)


def test_one_estimate_is_said_in_words() -> None:
    assert of(years="2020", locations=("Avalon",)).findings == (
        "The percent of adults who eat soup at breakfast in Avalon is 21.8% (2020; 95% CI 19.9 to 23.9).",
    )


def test_of_several_estimates_of_one_group_the_range_is_said() -> None:
    assert of(years="2020").findings == (
        "In the 4 of 5 places with a value, the percent of adults who eat soup at breakfast ranges from 21.8% in "
        "Avalon to 31.8% in Cockaigne (2020).",
    )
    [of_women] = of(category="Sex", stratum="Female").findings
    assert of_women.startswith("In the 2 of 5 places with a value, the percent of women who eat soup at breakfast")
    assert of(by=("stratum",)).findings == ()
    assert of(by=("period",)).findings == ()


def test_the_first_finding_says_that_the_group_is_the_first_one_and_which_others_there_are() -> None:
    row: dict[str, Any] = {"low": 28.0, "high": 32.0, "value": "30.0", "category": "Sex"}
    groups = [factories.row(stratum=stratum, **row) for stratum in ("Female", "Male")]
    assert (
        of(factories.snapshot(groups), question="Q")
        .findings[0]
        .endswith(
            ". No group was requested, so this is about people (Sex: Female), the first one; there are figures for "
            "people (Sex: Male) too."
        )
    )
    alone = of(factories.snapshot(groups[:1]), question="Q").findings[0]
    assert alone.endswith(". No group was requested, so this is about people (Sex: Female), the only one.")


def test_one_without_a_standard_error_is_said_without_an_interval() -> None:
    table = of(example.snapshot(), question=example.TEA)
    assert table.column("se") == [None]
    [finding] = table.findings
    assert "CI" not in finding
    assert "nan" not in finding
    assert any("neither limits nor respondents" in warning for warning in table.warnings)


def test_a_zero_has_the_standard_error_of_its_limit_and_is_flagged() -> None:
    table = of(question=survey_example.SINGING)
    row = dict(zip([column.name for column in table.columns], list(table.rows())[4], strict=True))
    assert row["location"] == "Erewhon"
    assert (row["estimate"], row["flags"]) == (0, "boundary")
    assert row["se"] == pytest.approx(float(str(row["high"])) / 2 / Z95)
    assert row["flagged_cells"] == 1


def test_all_rows_are_averaged_as_they_come_and_warned_of() -> None:
    table = of(basis="all_rows", years="2019")
    assert table.column("location")[0] == "Avalon"
    assert table.column("estimate")[0] == pytest.approx((20.9 + 18.0 + 23.8) / 3, rel=1e-15)
    assert table.column("cells")[0] == 3
    assert set(table.column("se")) == {None}
    assert "Do not rank by it." in table.warnings[0]
    assert "All rows / 2019." in table.notes


def test_all_rows_without_years_are_those_there_are() -> None:
    snapshot = factories.snapshot([factories.row(value="30"), factories.row(value="31")])
    table = of(snapshot, question="Q", basis="all_rows")
    assert table.column("estimate") == [30.5]
    assert table.notes[0] == "All rows."


def test_all_rows_are_not_broken_down() -> None:
    assert codes(basis="all_rows", by=("period",)) == [("/basis", "contradiction")]
    assert codes(basis="all_rows", category="Sex") == [("/basis", "contradiction")]
    assert codes(basis="all_rows", stratum="Male") == [("/basis", "contradiction")]


def test_what_cannot_be_selected_is_refused() -> None:
    assert codes(years="1999") == [("/years", "absent")]
    assert codes(basis="all_rows", years="1999") == [("/years", "absent")]
    assert problems(STATISTIC, None, Estimate(question="Q", years="1999")) == ()


def test_a_request_without_data_is_checked_for_its_years() -> None:
    (problem,) = problems(STATISTIC, None, Estimate(question="Q", years="soon"))
    assert problem.pointer == "/years"
