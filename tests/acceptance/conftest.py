from __future__ import annotations

from pathlib import Path

import pytest

TABLE = """\
Question,LocationDesc,Data_Value,StratificationCategory1,Stratification1,YearStart,YearEnd
{0},Alaska,20.5,Total,Total,2020,2020
{0},Alaska,21.5,Total,Total,2021,2021
{0},Utah,18.0,Total,Total,2020,2020
{0},Guam,,Total,Total,2020,2020
{0},Ohio,*,Total,Total,2020,2020
{0},Ohio,30.1,Sex,Female,2020,2020
{0},National,25.0,,,2020,2020
""".format("Percent of adults aged 18 years and older who have obesity")

QUESTION = "Percent of adults aged 18 years and older who have obesity"


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """A small file, written by hand."""
    path = tmp_path / "table.csv"
    path.write_text(TABLE, encoding="utf-8")
    return path
