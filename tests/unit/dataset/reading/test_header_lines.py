"""Headers of two lines, and columns of values beside columns of what belongs to them."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from openpyxl import Workbook  # type: ignore[import-untyped]  # it ships no types

from meantime.dataset.cube import ABSENT, AXES
from meantime.dataset.snapshot import Snapshot
from meantime.errors import HeaderRepeated, RolesMissing
from tests.support.table_files import read, write
from tests.support.whole import whole

# Question, place, stratum, years, value, limits, respondents.
Row = tuple[str, str, str, str, float, float | None, float | None, float | None]


def rows_of(snapshot: Snapshot) -> set[Row]:
    labels, cells = snapshot.cube.labels, snapshot.cube.pick(np.arange(len(whole(snapshot.cube).cells.keys)))
    found = set()
    for at, codes in enumerate(cells.keys.tolist()):
        key = dict(zip(AXES, codes, strict=True))
        numbers = [float(array[at]) for array in (cells.low, cells.high, cells.sample_size)]
        low, high, respondents = (None if number != number else number for number in numbers)
        found.add(
            (
                labels.questions[key["question"]],
                labels.locations[key["location"]],
                labels.strata[key["stratum"]] if key["stratum"] != ABSENT else "",
                str(labels.periods[key["period"]].first) if key["period"] != ABSENT else "",
                float(cells.means[at]),
                *(low, high, respondents),
            )
        )
    return found


BY_YEAR = [
    ["County", "2021", "", "", "2022", "", ""],
    ["", "Percent", "Lower", "Upper", "Percent", "Lower", "Upper"],
    ["Avalon", "10.5", "9.5", "11.5", "11.5", "10.5", "12.5"],
    ["Borduria", "20.5", "19.5", "21.5", "*", "", ""],
]


def lines(*rows: list[str]) -> str:
    return "".join(",".join(row) + "\n" for row in rows)


def workbook(rows: list[list[str]], *merged: str) -> bytes:
    book = Workbook()
    for row in rows:
        book.active.append([float(text) if text.replace(".", "").isdigit() else text or None for text in row])
    for each in merged:
        book.active.merge_cells(each)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("tea.csv", lines(*BY_YEAR).encode()),
        ("tea.csv", lines(["Survey of tea", *[""] * 6], [""] * 7, *BY_YEAR).encode()),
        ("tea.csv", lines(["County", *["2021"] * 3, *["2022"] * 3], *BY_YEAR[1:]).encode()),
        ("tea.xlsx", workbook(BY_YEAR, "A1:A2", "B1:D1", "E1:G1")),
        ("tea.xlsx", workbook([["Survey of tea", *[""] * 6], *BY_YEAR])),
        ("tea.csv", lines(BY_YEAR[0], ["", "%", "Lower", "Upper", "%", "Lower", "Upper"], *BY_YEAR[2:]).encode()),
    ],
    ids=["empty fields", "below a title", "repeated names", "merged cells", "numbers for years", "percent signs"],
)
def test_a_header_of_two_lines_is_read_as_one(name: str, content: bytes, tmp_path: Path) -> None:
    snapshot = read(write(tmp_path, content, name), settings={"question": "Tea"}, rejected_limit=0)
    assert rows_of(snapshot) >= {
        ("Tea", "Avalon", "", "2021", 10.5, 9.5, 11.5, None),
        ("Tea", "Avalon", "", "2022", 11.5, 10.5, 12.5, None),
        ("Tea", "Borduria", "", "2021", 20.5, 19.5, 21.5, None),
    }
    assert snapshot.cube.labels.locations == ("Avalon", "Borduria")
    assert sum(snapshot.cube.withheld_by_reason().values()) == 1
    assert f"The header of {name} has two lines; the names of both were read together." in snapshot.about.warnings


@pytest.mark.parametrize(
    "table",
    [
        "State,Year,Indicator,Value,\nUtah,2020,Tea,*,\nOhio,2020,Tea,10.5,e\n",
        "State,2020,,2021,\nUtah,*,a,*,\nOhio,10.5,,12.5,e\n",
        ",State,Year,Indicator,Value\n0,Utah,2020,Tea,1.5\n1,Ohio,2020,Tea,2.5\n",
    ],
    ids=["a field too many", "flags in columns without a name", "row numbers"],
)
def test_a_row_is_no_second_line_of_a_header(table: str, tmp_path: Path) -> None:
    about = read(write(tmp_path, table), settings={"question": "Tea"}).about
    assert not [each for each in about.warnings if "two lines" in each]


def test_the_second_line_may_be_told_by_groups_and_respondents(tmp_path: Path) -> None:
    table = lines(
        ["County", "Year", "Men", "", "Women", ""],
        ["", "", "Percent", "N", "Percent", "N"],
        ["Avalon", "2020", "10.5", "100", "20.5", "200"],
        ["Borduria", "2020", "11.5", "110", "21.5", "210"],
    )
    snapshot = read(write(tmp_path, table), settings={"question": "Tea"}, rejected_limit=0)
    assert rows_of(snapshot) == {
        ("Tea", "Avalon", "Men", "2020", 10.5, None, None, 100.0),
        ("Tea", "Avalon", "Women", "2020", 20.5, None, None, 200.0),
        ("Tea", "Borduria", "Men", "2020", 11.5, None, None, 110.0),
        ("Tea", "Borduria", "Women", "2020", 21.5, None, None, 210.0),
    }


# County Health Rankings, https://www.countyhealthrankings.org/health-data/methodology-and-sources/data-documentation:
# a line of names and a line of codes. The numbers are invented.
RANKINGS = """\
State FIPS Code,County FIPS Code,5-digit FIPS Code,State Abbreviation,Name,Release Year,Adult smoking raw value,Adult \
smoking numerator,Adult smoking CI low,Adult smoking CI high,Adult obesity raw value,Adult obesity numerator,Adult \
obesity CI low,Adult obesity CI high
statecode,countycode,fipscode,state,county,year,v009_rawvalue,v009_numerator,v009_cilow,v009_cihigh,v011_rawvalue,\
v011_numerator,v011_cilow,v011_cihigh
01,001,01001,AL,Autauga County,2022,0.19,,0.16,0.22,0.38,,0.36,0.4
01,003,01003,AL,Baldwin County,2022,0.17,,0.14,0.2,0.33,,0.31,0.35
"""


def test_codes_of_a_second_line_have_their_names_from_the_first(tmp_path: Path) -> None:
    snapshot = read(write(tmp_path, RANKINGS), rejected_limit=0)
    assert rows_of(snapshot) >= {
        ("Adult smoking", "Autauga County, AL", "", "2022", 0.19, 0.16, 0.22, None),
        ("Adult obesity", "Baldwin County, AL", "", "2022", 0.33, 0.31, 0.35, None),
    }
    assert len(rows_of(snapshot)) == 4
    assert not [each for each in snapshot.about.warnings if "above the header" in each]


def test_the_census_bureaus_table_with_places_as_columns(tmp_path: Path) -> None:
    # As https://data.census.gov shows and saves a table; the numbers are invented.
    table = (
        '"Label (Grouping)","Avalon County!!Estimate","Avalon County!!Margin of Error","Borduria County!!Estimate",'
        '"Borduria County!!Margin of Error"\n'
        '"Total:","1,234,567","±1,234","98,765","±987"\n"    Insured","1,034,567","±1,034","90,765","±887"\n'
    )
    snapshot = read(write(tmp_path, table), rejected_limit=0)
    assert {row[:5] for row in rows_of(snapshot)} == {
        ("Total:", "Avalon County", "", "", 1234567.0),
        ("Total:", "Borduria County", "", "", 98765.0),
        ("Insured", "Avalon County", "", "", 1034567.0),
        ("Insured", "Borduria County", "", "", 90765.0),
    }
    assert all(None not in row[5:7] for row in rows_of(snapshot))
    assert not [each for each in snapshot.about.warnings if "95% is assumed" in each]


def test_values_of_what_may_be_anything_are_not_turned(tmp_path: Path) -> None:
    table = "Indicator,County,Before Percent,Before N,After Percent,After N\nTea,Avalon,10.5,100,20.5,200\n"
    with pytest.raises(RolesMissing, match=r"write in table.csv.toml the lines \[wide\]"):
        read(write(tmp_path, table))


def test_a_header_of_three_lines_is_refused_with_what_to_do(tmp_path: Path) -> None:
    table = ",Tea,Tea,Tea\n,2016,2016,2016\nCountry,Both sexes,Male,Female\nAvalon,5.5,3.2,7.6\n"
    with pytest.raises(HeaderRepeated, match="write one name for each column in one line"):
        read(write(tmp_path, table))


@pytest.mark.parametrize(
    ("names", "question", "strata"),
    [
        ("Men,Men LCL,Men UCL,Women,Women LCL,Women UCL", ("Tea", "Tea"), ("Men", "Women")),
        ("Obesity,Obesity_LL,Obesity_UL,Smoking,Smoking_LL,Smoking_UL", ("Obesity", "Smoking"), ("", "")),
    ],
)
def test_limits_beside_values_that_no_word_calls_so(
    names: str, question: tuple[str, str], strata: tuple[str, str], tmp_path: Path
) -> None:
    table = f"State,Year,{names}\nUtah,2020,10.5,9.5,11.5,20.5,19.5,21.5\n"
    settings = {"question": "Tea"} if question[0] == "Tea" else {}
    assert rows_of(read(write(tmp_path, table), settings=settings)) == {
        (question[0], "Utah", strata[0], "2020", 10.5, 9.5, 11.5, None),
        (question[1], "Utah", strata[1], "2020", 20.5, 19.5, 21.5, None),
    }


def test_intervals_in_the_cells_of_groups(tmp_path: Path) -> None:
    # As the World Health Organization shows a table, https://apps.who.int/gho/data/; the numbers are invented.
    table = (
        '"Countries, territories and areas",Year,Both sexes,Male\n'
        "Avalon,2016,5.5 [3.4-8.1],3.2 [1.6-5.3]\nBorduria,2016,No data,No data\n"
    )
    assert rows_of(read(write(tmp_path, table), settings={"question": "Tea"})) >= {
        ("Tea", "Avalon", "Both sexes", "2016", 5.5, 3.4, 8.1, None),
        ("Tea", "Avalon", "Male", "2016", 3.2, 1.6, 5.3, None),
    }


def test_rates_and_dates_as_people_name_them(tmp_path: Path) -> None:
    table = 'State,Start Date,End Date,Indicator,"Rate per 100,000"\nUtah,2020-01-01,2022-12-31,Tea,10.5\n'
    snapshot = read(write(tmp_path, table))
    assert rows_of(snapshot) == {("Tea", "Utah", "", "2020", 10.5, None, None, None)}
    assert snapshot.cube.labels.periods[0].last == 2022
