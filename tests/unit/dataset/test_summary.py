from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import pytest

from meantime.dataset.cube import Period, ValueType
from meantime.dataset.points import GeoPoint
from meantime.dataset.samples import example
from meantime.dataset.summary import SnapshotSummary, count, summarize
from tests.support.table_files import read, write

HEADER = (
    "YearStart,YearEnd,Question,LocationDesc,Data_Value,Data_Value_Type,Data_Value_Unit,StratificationCategory1,"
    "Stratification1,GeoLocation,Note"
)


@pytest.fixture
def summary(tmp_path: Path) -> SnapshotSummary:
    lines = [
        HEADER,
        '2015,2016,Naps,Utah,1,Mean,h,Sex,Female,"(39.36, -111.587)",a',
        '2020,2021,Naps,Utah,2,Mean,h,Sex,Male,"(39.36, -111.587)",b',
        '2018,2018,Naps,Ohio,*,Mean,h,,,"(40, -82)",c',
        '2018,2018,Naps,Ohio,3,Median,h,,,"(41, -82)",d',
        ",,Tea,National,4,Mean,cups,Total,Total,,e",
        "2020,2020,Tea,Guam,x,Mean,cups,Total,Total,,f",
        "2020,2020,Tea,,1,Mean,cups,Total,Total,,g",
    ]
    return summarize(read(write(tmp_path, "\n".join(lines)), rejected_limit=0.5))


def test_rows_cells_and_what_is_missing_are_counted(summary: SnapshotSummary) -> None:
    assert (summary.rows, summary.cells, summary.withheld, summary.rejected) == (6, 6, 2, 1)
    assert summary.withheld_by_reason == {"*": 1, "x": 1}


def test_years_are_from_the_first_year_of_any_period_to_the_last(summary: SnapshotSummary) -> None:
    assert summary.years == Period(2015, 2021)
    naps, tea = summary.questions
    assert (naps.years, tea.years) == (Period(2015, 2021), Period(2020, 2020))


def test_a_table_without_years_has_none(tmp_path: Path) -> None:
    summary = summarize(read(write(tmp_path, "Question,LocationDesc,Data_Value\nNaps,Utah,1")))
    assert summary.years is None
    assert summary.questions[0].years is None


def test_each_question_has_its_own_counts_and_value_types(summary: SnapshotSummary) -> None:
    naps, tea = summary.questions
    assert (naps.text, naps.cells, naps.rows, naps.withheld) == ("Naps", 4, 4, 1)
    assert (tea.text, tea.cells, tea.rows, tea.withheld) == ("Tea", 2, 2, 1)
    assert naps.value_types == (ValueType("Mean", "h"), ValueType("Median", "h"))
    assert (tea.unit, tea.polarity) == ("cups", None)


def test_a_location_has_a_point_or_the_reason_why_not(summary: SnapshotSummary) -> None:
    assert {each.name: each.point or each.no_point for each in summary.locations} == {
        "Guam": "no row names one",
        "National": "no row names one",
        "Ohio": "its rows have several points",
        "Utah": GeoPoint(latitude=39.36, longitude=-111.587),
    }
    without = summarize(example.snapshot()).locations[0]
    assert (without.point, without.no_point) == (None, "the table has no column of points")


def test_a_location_that_contains_others_is_an_aggregate(summary: SnapshotSummary) -> None:
    assert [each.name for each in summary.locations if each.is_aggregate] == ["National"]
    assert {each.name: each.cells for each in summary.locations} == {"Guam": 1, "National": 1, "Ohio": 2, "Utah": 2}


def test_categories_list_their_strata(summary: SnapshotSummary) -> None:
    assert {each.name: (each.strata, each.cells) for each in summary.categories} == {
        "Sex": (("Female", "Male"), 2),
        "Total": (("Total",), 2),
    }


def test_columns_without_a_role_are_named(summary: SnapshotSummary) -> None:
    assert summary.unused_columns == ("Note",)


def test_totals_alone_are_those_of_the_whole_summary() -> None:
    snapshot = example.snapshot()
    summary, totals = summarize(snapshot), count(snapshot)
    assert asdict(totals).items() <= asdict(summary).items()
    assert (totals.question_count, totals.location_count) == (len(summary.questions), len(summary.locations))
