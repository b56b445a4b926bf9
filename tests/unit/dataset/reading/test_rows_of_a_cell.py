"""Rows of one cell: what they differ in is named when the table is read and in each answer; copies are counted."""

from __future__ import annotations

from pathlib import Path

import pytest

from meantime.errors import RequestInvalid
from meantime.model import Unwatched
from meantime.statistics.check import check
from tests.support.table_files import read, write

HEADER = "row,Indicator,Location,Year,Cause,Measured in,Value"


def test_columns_that_tell_rows_apart_are_named_with_the_options(tmp_path: Path) -> None:
    lines = [
        f"{place}{cause}{unit},Deaths,{place},2020,{cause},{unit},{number}"
        for place in ("Avalon", "Borduria")
        for cause in ("flu", "measles", "other")
        for number, unit in enumerate(("Number", "Share"), 1)
    ]
    snapshot = read(write(tmp_path, "\n".join([HEADER, *lines, ""])))
    [warning] = [each for each in snapshot.about.warnings if "several rows" in each]
    assert warning.startswith('2 cells have several rows, which differ in "Measured in" and "Cause".')
    assert "--column 'stratum=Measured in' --column stratum_2=Cause" in warning
    answer = check("states_mean", {"question": "Deaths"}, snapshot).compute(Unwatched())
    [said] = [each for each in answer.warnings if "rows about the same place" in each]
    assert "The 12 rows of this question are in 2 cells" in said
    assert '"Measured in" and "Cause"' in said
    with pytest.raises(RequestInvalid, match='may differ in the columns "Measured in" and "Cause"'):
        check("estimate", {"question": "Deaths"}, snapshot)


def test_exact_copies_are_counted(tmp_path: Path) -> None:
    lines = ["1,Q,Avalon,2020,flu,Number,3", "1,Q,Avalon,2020,flu,Number,3", "2,Q,Borduria,2020,flu,Number,4"]
    about = read(write(tmp_path, "\n".join([HEADER, *lines, ""]))).about
    assert [each for each in about.warnings if "1 row is an exact copy of another" in each]
    assert about.rows_differ_in == ()


def test_a_table_of_single_rows_says_nothing(tmp_path: Path) -> None:
    about = read(write(tmp_path, f"{HEADER}\n1,Q,Avalon,2020,flu,Number,3\n2,Q,Borduria,2020,other,Number,4\n")).about
    assert not [each for each in about.warnings if "several rows" in each or "copy" in each]
