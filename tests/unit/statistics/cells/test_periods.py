from __future__ import annotations

import pytest

from meantime.dataset.cube import Period
from meantime.statistics.cells.periods import latest, matching, parse, periods_text


def single(*years: int) -> list[Period]:
    return [Period(year, year) for year in years]


ODD = single(2011, 2013, 2015, 2017, 2019)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2015", [2015]),
        ("2013..2017", [2013, 2015, 2017]),
        ("2012..2018", [2013, 2015, 2017]),  # of a range what is there is meant
        ("2011..2019/4", [2011, 2015, 2019]),
        ("2019,2011", [2011, 2019]),  # in the order of time
        (" 2011 , 2015..2017 ", [2011, 2015, 2017]),
        ("2015,2013..2017", [2013, 2015, 2017]),  # each once
        ("ALL", [2011, 2013, 2015, 2017, 2019]),
    ],
)
def test_years_are_found(text: str, expected: list[int]) -> None:
    years = parse(text)
    assert years is not None
    places, absent = matching(years, ODD)
    assert [ODD[place].first for place in places] == expected
    assert absent == []


def test_a_year_that_is_named_must_be_there() -> None:
    years = parse("2012,2013")
    assert years is not None
    assert matching(years, ODD) == ([1], single(2012))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "soon",
        "2019..2018",
        "2018-2017",
        "2018..",
        "..2019",
        "2011..2019/0",
        "2018-2020/2",
        "20111",
        "２０１９",
        "2019,",
    ],
)
def test_what_is_no_years_is_none(text: str) -> None:
    assert parse(text) is None


def test_a_period_of_several_years_is_named_as_it_is_written() -> None:
    there = [Period(2015, 2019), Period(2016, 2020), Period(2020, 2020)]
    years = parse("2016-2020")
    assert years is not None
    assert matching(years, there) == ([1], [])
    between = parse("2015..2020")
    assert between is not None
    assert matching(between, there) == ([2], [])


def test_all_are_the_single_years_or_where_there_are_none_all_periods() -> None:
    years = parse("all")
    assert years is not None
    assert matching(years, [Period(2016, 2020), Period(2015, 2019), Period(2020, 2020)]) == ([2], [])
    assert matching(years, [Period(2016, 2020), Period(2015, 2019)]) == ([1, 0], [])


@pytest.mark.parametrize(
    ("having", "expected"),
    [([10, 10, 9, 3, 1], 2), ([10, 9, 8, 8, 8], 1), ([2, 8, 8, 5, 1], 2)],
)
def test_the_latest_year_is_the_last_that_nine_in_ten_have(having: list[int], expected: int) -> None:
    assert latest(ODD, having, 10) == expected


def test_years_in_a_row_are_told_as_a_range() -> None:
    assert periods_text(single(2018, 2017, 2019)) == "2017–2019"
    assert periods_text(single(2018, 2019)) == "2018–2019"
    assert periods_text(single(2015, 2017, 2019)) == "2015, 2017, and 2019"
    assert periods_text([]) == ""
