"""What is said of a table where its numbers may mean something else: a warning, or a refusal with the line to paste."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest

from meantime.dataset.cube import Period
from meantime.dataset.reading.as_written import WrittenForms, decide_forms
from meantime.dataset.reading.description import Description, check_settings
from meantime.dataset.snapshot import Snapshot
from meantime.errors import DescriptionInvalid, SourceUnreadable, TooManyRejected
from tests.support.table_files import means, read, write
from tests.unit.dataset.reading.test_as_people_write import understood


def said(folder: Path, table: str, *, settings: Mapping[str, str] | None = None) -> str:
    return "\n".join(read(write(folder, table), settings=settings).about.warnings)


def years(snapshot: Snapshot) -> tuple[Period, ...]:
    return snapshot.cube.labels.periods


@pytest.mark.parametrize(
    ("table", "expected"),
    [
        pytest.param(
            "State,Question,Value\nUTAH,Tea,1\nUtah,Tea,2\nOhio,Tea,3\n",
            'Names of locations that differ only in capital letters are read as different ones: "UTAH" and "Utah". If '
            "they are one, write ignore_case = true in the TOML file next to the data, or use --set ignore_case=true.",
            id="places",
        ),
        pytest.param("State,Question,Value\nA,Tea,1\nB,TEA,2\n", '"TEA" and "Tea"', id="questions"),
        pytest.param("State,Question,Sex,Value\nA,Tea,Men,1\nA,Tea,men,2\n", '"Men" and "men"', id="groups"),
        pytest.param(
            "State,Question,Wave,Value\nA,Tea,2020,1\nB,Tea,2021,2\n",
            'No column was taken for the years. "Wave" has texts that can be read as years: --column first_year=Wave.',
            id="a column of years with another name",
        ),
        pytest.param(
            "State,Question,Date,Value\nA,Tea,43831,1\nB,Tea,44197,2\n",
            '"Date" is called so, but its texts are no years, such as "43831".',
            id="days counted by a spreadsheet",
        ),
        pytest.param(
            "State,Question,Year,Value\nA,Tea,19,1\nA,Tea,20,2\n",
            'The years in "Year" are 19 and 20, and read so. If years such as 2020 are meant',
            id="years of two digits",
        ),
        pytest.param(
            "State,Question,Value\nA,Tea,34.5%\nB,Tea,0.331\n",
            'the sign of a unit and numbers without, such as "34.5%" and "0.331" in "Value" of "Tea". All are read '
            "as they are, none is converted.",
            id="percents and proportions",
        ),
        pytest.param(
            "State,Question,Value,Footnote\nA,Tea,12,\nB,Tea,0,Suppressed\n",
            "The footnote says that there is no value. If so, leave the value empty in the file.",
            id="a zero that stands for a suppressed value",
        ),
        pytest.param(
            "State,Question,Age,Value\nA,Tea,12-May,1\nA,Tea,13-18,2\n",
            'A spreadsheet has probably made dates of the names of groups: "12-May".',
            id="groups that became dates",
        ),
        pytest.param(
            "State,Question,Value\nA,Tea,12\nB,Tea,14\nC,Tea,13\nD,Tea,-9\n",
            "missing = [-9] in the TOML file",
            id="a negative code of one digit",
        ),
        pytest.param(
            "State,Question,Value\nA,Tea,12\nB,Tea,14\nC,Tea,9999.9\nD,Tea,9999.9\n",
            "missing = [9999.9] in the TOML file",
            id="nines with a decimal",
        ),
        pytest.param(
            "State,Question,Value\nA,Tea,12\nB,Tea,14 a\n",
            '1 text begins like a number but is not read as one in "Value": "14 a". It counts as missing. If it is a '
            "number, write it in the file without the text beside it.",
            id="one text beside a number",
        ),
    ],
)
def test_a_warning(table: str, expected: str, tmp_path: Path) -> None:
    assert expected in said(tmp_path, table)


@pytest.mark.parametrize(
    "table",
    [
        pytest.param("State,Question,Value\nA,Tea,34.5%\nB,Tea,33%\nA,Cups,331\n", id="a sign for each question"),
        pytest.param("State,Question,Year,Value\nA,Tea,2019,1\nA,Tea,2020,-2\n", id="a change below zero"),
        pytest.param("State,Question,Value\nA,Change,-9\nB,Change,14\n", id="-9 beside one other number"),
        pytest.param("State,Question,Value\nUtah,Tea,1\nOhio,Tea,2\n", id="no years anywhere"),
    ],
)
def test_nothing_is_said_of_a_plain_table(table: str, tmp_path: Path) -> None:
    assert not said(tmp_path, table)


def test_names_that_differ_in_capitals_are_one_if_people_say_so(tmp_path: Path) -> None:
    table = "State,Question,Year,Value\nUTAH,Tea,2019,1\nUtah,Tea,2020,2\nUtah,tea,2021,6\n"
    snapshot = read(write(tmp_path, table), settings={"ignore_case": "true"})
    assert means(snapshot) == {("Tea", "Utah"): 3.0}
    assert not [each for each in snapshot.about.warnings if "capital letters are read as different" in each]
    with pytest.raises(DescriptionInvalid, match="ignore_case must be true or false"):
        check_settings({"ignore_case": "perhaps"})


@pytest.mark.parametrize(
    ("settings", "expected"), [({"decimal_mark": "."}, {2.288, 1.047}), ({"thousands": "."}, {2288.0, 1047.0})]
)
def test_points_between_semicolons_are_asked_for(
    settings: dict[str, str], expected: set[float], tmp_path: Path
) -> None:
    table = "State;Question;Value\nA;Cups;2.288\nB;Cups;1.047\n"
    with pytest.raises(SourceUnreadable, match=r"in two ways: 1\.047 is 1047 if the point separates thous"):
        read(write(tmp_path, table))
    assert set(means(read(write(tmp_path, table, "told.csv"), settings=settings)).values()) == expected


@pytest.mark.parametrize("values", [("0.288", "1.047"), ("2.28", "1.047"), ("2.288", "41,5"), ("2.288.000", "1.047")])
def test_points_between_semicolons_that_other_numbers_explain(values: tuple[str, str], tmp_path: Path) -> None:
    assert read(write(tmp_path, f"State;Question;Value\nA;Cups;{values[0]}\nB;Cups;{values[1]}\n")).about.rows == 2


def test_a_point_between_groups_of_people_is_no_decimal_mark(tmp_path: Path) -> None:
    table = "State,Question,Value,N\nA,Tea,12,1.234\nB,Tea,13,2.345\n"
    with pytest.raises(SourceUnreadable, match='The numbers in "N" can be read in two ways'):
        read(write(tmp_path, table))
    told = read(write(tmp_path, table, "told.csv"), settings={"thousands": "."})
    asked = told.cube.pick(np.arange(told.cube.cell_count)).sample_size
    assert asked.tolist() == [1234, 2345]


@pytest.mark.parametrize(
    ("header", "texts", "expected"),
    [
        ("Fiscal Year", ("FY2019", "FY2020"), [2019, 2020]),
        ("FY", ("FY19", "FY 20"), [2019, 2020]),
        ("School_Year", ("2018-19", "2019-20"), [2019, 2020]),
        ("Survey year", ("2019", "2020"), [2019, 2020]),
        ("Quarter", ("2019 Q4", "2020 Q1"), [2019, 2020]),
        ("Month", ("2019-12", "2020-01"), [2019, 2020]),
    ],
)
def test_columns_of_years(header: str, texts: tuple[str, str], expected: list[int], tmp_path: Path) -> None:
    rows = "".join(f"A,Tea,{text},1\n" for text in texts)
    snapshot = read(write(tmp_path, f"State,Question,{header},Value\n{rows}"))
    assert [period.last for period in years(snapshot)] == expected


def test_several_quarters_of_a_year_are_refused_whatever_their_column_is_called(tmp_path: Path) -> None:
    table = "State,Question,Quarter,Value\nA,Tea,2020 Q1,1\nA,Tea,2020 Q2,2\n"
    with pytest.raises(SourceUnreadable, match='The column "Quarter" has several quarters of a year'):
        read(write(tmp_path, table))


@pytest.mark.parametrize("limits", ["conf.low,conf.high", "95% CL Lower,95% CL Upper", "lb,ub"])
def test_limits_as_programs_name_them(limits: str, tmp_path: Path) -> None:
    snapshot = read(write(tmp_path, f"state,question,estimate,{limits}\nA,Tea,34.5,32,37\n"))
    assert understood(snapshot) == {("A", None, None, None, 34.5, 32.0, 37.0, None)}


def test_columns_of_years_as_statistical_programs_name_them(tmp_path: Path) -> None:
    snapshot = read(write(tmp_path, "state,yr2019,yr_2020\nA,1,2\n"), settings={"question": "Tea"})
    assert {row[3:5] for row in understood(snapshot)} == {(2019, 1.0), (2020, 2.0)}


def test_a_name_only_in_the_first_of_its_rows(tmp_path: Path) -> None:
    table = "State,Question,Year,Value\nA,Tea,2019,1\n,Tea,2020,2\n,Tea,2021,2\n"
    with pytest.raises(TooManyRejected, match="stands only in the first of its rows, write it in each"):
        read(write(tmp_path, table))


def test_the_household_pulse_survey_has_everyone_of_each_place(tmp_path: Path) -> None:
    # The header of https://data.cdc.gov/d/8pt5-q6wp; the numbers are made up.
    header = (
        "Indicator,Group,State,Subgroup,Phase,Time Period,Time Period Label,Time Period Start Date,"
        "Time Period End Date,Value,Low CI,High CI,Confidence Interval,Quartile Range\n"
    )
    of_time = '1,1,"Apr 23 - May 5, 2020",04/23/2020,05/05/2020'
    groups = (
        "National Estimate,United States,United States",
        "By State,Avalon,Avalon",
        "By Sex,United States,Female",
    )
    rows = "".join(f"Tea,{group},{of_time},{at + 20},{at + 18},{at + 22},,\n" for at, group in enumerate(groups))
    snapshot = read(write(tmp_path, header + rows))
    assert understood(snapshot) == {
        ("United States", None, None, 2020, 20.0, 18.0, 22.0, None),
        ("Avalon", None, None, 2020, 21.0, 19.0, 23.0, None),
        ("United States", "By Sex", "Female", 2020, 22.0, 20.0, 24.0, None),
    }


def test_years_of_one_column_are_warned_of_once() -> None:
    facts = WrittenForms(years={"first_year": {"19": 1}, "last_year": {"19": 1}})
    columns = {"first_year": "Year", "last_year": "Year"}
    assert len(decide_forms(facts, Description(), columns, semicolons=False).warnings) == 1


@pytest.mark.parametrize(("multipliers", "differ"), [("3,3", False), ("3,0", True)])
def test_multiples_are_said_and_not_multiplied(multipliers: str, differ: bool, tmp_path: Path) -> None:
    one, other = multipliers.split(",")
    table = f"REF_AREA,INDICATOR,TIME_PERIOD,OBS_VALUE,UNIT_MULT\nA,Tea,2019,3,{one}\nA,Tea,2020,4,{other}\n"
    expected = '"UNIT_MULT" says that values are multiples ("3"); they are read as they stand, and not multiplied.'
    warnings = said(tmp_path, table)
    assert expected in warnings
    assert ("They differ, so values cannot be compared." in warnings) == differ


def test_multiples_of_one_need_no_word(tmp_path: Path) -> None:
    assert not said(tmp_path, "REF_AREA,INDICATOR,TIME_PERIOD,OBS_VALUE,UNIT_MULT\nA,Tea,2019,3,0\nA,Tea,2020,4,0\n")
