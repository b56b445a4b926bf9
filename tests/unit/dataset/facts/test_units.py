"""A unit has one spelling from the file on, so that a difference of percents is in percentage points everywhere."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from meantime.dataset.cube import ValueType
from meantime.dataset.facts.units import PERCENT_SPELLINGS
from meantime.dataset.snapshot import Snapshot
from meantime.dataset.source_rows import find_rows
from meantime.statistics.registry import STATISTICS
from meantime.table import Table
from tests.support.examples import one_case_in
from tests.support.table_files import read, write

HEADER = "Question,LocationDesc,YearStart,YearEnd,Data_Value_Type,Data_Value_Unit,Data_Value,Low_CI,High_CI"
COLUMNS = {"low": "Low_CI", "high": "High_CI"}


VALUES = (("Ohio", 2019, 20.8), ("Ohio", 2022, 17.1), ("Utah", 2019, 8.0), ("Utah", 2022, 7.0))


def smoking(unit: str, *, kind: str = "Crude") -> list[str]:
    return [
        f"Smoking,{location},{year},{year},{kind},{unit},{value},{value - 0.8:.1f},{value + 0.8:.1f}"
        for location, year, value in VALUES
    ]


def snapshot_of(folder: Path, *lines: str) -> Snapshot:
    return read(write(folder, "\n".join((HEADER, *lines, ""))), columns=COLUMNS)


def answer(statistic: str, of: Snapshot, **parameters: Any) -> Table:
    statistics = STATISTICS[statistic]
    return statistics.answer(of, msgspec.convert(parameters, statistics.parameters))


def units(table: Table) -> dict[str, str | None]:
    return {column.name: column.unit for column in table.columns}


@pytest.mark.parametrize("spelling", one_case_in(2, ["%", " Percent ", "PER CENT", "percentage", "Pct."]))
def test_however_a_file_spells_percent_a_change_is_in_percentage_points(tmp_path: Path, spelling: str) -> None:
    of = snapshot_of(tmp_path, *smoking(spelling))
    assert [question.unit for question in of.about.questions] == ["percent"]
    assert of.cube.labels.value_types == (ValueType("Crude", "percent"),)
    table = answer("change", of, question="Smoking", years="2022", since="2019")
    assert units(table)["change"] == "percentage points"
    assert any("3.7 percentage points" in finding for finding in table.findings)


def test_two_spellings_in_one_file_are_one_type_of_value(tmp_path: Path) -> None:
    of = snapshot_of(tmp_path, *smoking("%")[:2], *smoking("Per cent")[2:])
    assert of.cube.labels.value_types == (ValueType("Crude", "percent"),)
    assert units(answer("comparison", of, question="Smoking", reference="Ohio"))["difference"] == "percentage points"


def test_the_unit_of_the_chosen_type_of_value_is_that_of_the_columns(tmp_path: Path) -> None:
    """A question in percents and in numbers has no unit; its answers still have one."""
    of = snapshot_of(tmp_path, *smoking("%"), *smoking("Number", kind="Number"))
    assert of.about.questions[0].unit is None
    table = answer("comparison", of, question="Smoking", reference="Ohio", value_type="Crude")
    assert (units(table)["estimate"], units(table)["difference"]) == ("percent", "percentage points")


def test_a_unit_in_the_toml_file_has_the_same_spelling(tmp_path: Path) -> None:
    (tmp_path / "table.csv.toml").write_text('[questions.Smoking]\nunit = "Percentage"\n', encoding="utf-8")
    of = snapshot_of(tmp_path, *smoking(""))
    assert of.about.questions[0].unit == "percent"
    target = answer("target", of, question="Smoking", target=10)
    assert units(target)["difference"] == "percentage points"


def test_other_units_stay_as_they_are_written(tmp_path: Path) -> None:
    of = snapshot_of(tmp_path, *smoking("Cases  per 100"))
    assert of.cube.labels.value_types == (ValueType("Crude", "Cases  per 100"),)


def test_the_rows_of_a_cell_are_found_under_the_spelling_of_the_file(tmp_path: Path) -> None:
    of = snapshot_of(tmp_path, *smoking("%"))
    rows = find_rows(of, np.arange(of.cube.cell_count), after=None, limit=9)
    assert [each.row.cells["Data_Value"] for each in rows] == ["20.8", "17.1", "8.0", "7.0"]
    assert {each.row.cells["Data_Value_Unit"] for each in rows} == {"%"}


def test_the_spellings_are_in_lower_case_and_sql() -> None:
    assert all(spelling == spelling.casefold() and "'" not in spelling for spelling in PERCENT_SPELLINGS)
