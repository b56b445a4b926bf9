from __future__ import annotations

import pytest

from meantime.dataset.reading.year_forms import WrittenYears, finest, read_year, read_years


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        *(
            (text, 2020, 2020)
            for text in ("2020", " 2020\u00a0", "2020.0", "2020.", "2,020", "2020*", "2020 (p)", "FY2020")
        ),
        *(
            (text, 2019, 2020)
            for text in ("2019/20", "2019-20", "2019 \u2013 20", "2019-2020", "2019 to 2020", "FY 2019/20")
        ),
        ("2013 - 15", 2013, 2015),
        ("1999/00", 1999, 2000),
        ("1998-01", 1998, 2001),
        ("2019/20 - 21/22", 2019, 2022),
        ("2019/20 \u2013 2021/22", 2019, 2022),
        ("Apr 2019 - Mar 2020", 2019, 2020),
        ("12345", 12345, 12345),
    ],
)
def test_years_and_periods(text: str, first: int, last: int) -> None:
    assert read_year(text) == WrittenYears(first, last)


@pytest.mark.parametrize(
    ("text", "within", "grain"),
    [
        *(
            (text, "07-01", "day")
            for text in ("2020-07-01", "2020-07-01 00:00:00", "2020-07-01T00:00:00.000Z", "20200701")
        ),
        *((text, "07-01", "day") for text in ("1.7.2020", "01.07.2020", "1 July 2020", "01JUL2020", "July 1, 2020")),
        ("7/1/2020", "7/1", "day"),
        ("07/01/2020 12:00:00 AM", "07/01", "day"),
        *((text, "07", "month") for text in ("2020-07", "2020M07", "Jul 2020", "July 2020", "2020-Jul", "7/2020")),
        *((text, "Q3", "quarter") for text in ("2020Q3", "2020-Q3", "Q3 2020", "3Q2020", "2020 q3")),
        *((text, "H2", "half-year") for text in ("2020-H2", "2020S2", "H2 2020")),
        ("2020-W07", "W07", "week"),
    ],
)
def test_parts_of_a_year(text: str, within: str, grain: str) -> None:
    found = read_year(text)
    assert found is not None
    assert (found.first, found.last, found.within, found.grain) == (2020, 2020, within, grain)


@pytest.mark.parametrize(
    "text",
    ["", "unknown", "1/7/20", "2020-13-01", "32.1.2020", "13/13/2020", "2020-1999", "Mar 2020 - Apr 2019", "1950-49"],
)
def test_other_texts_are_no_years(text: str) -> None:
    assert read_year(text) is None


def test_financial_years_and_months_are_told_apart_by_their_column() -> None:
    assert read_years(["2010-11", "2011-12"])["2011-12"] == WrittenYears(2011, 2012)
    assert read_years(["2011-12", "2012-01"])["2011-12"] == WrittenYears(2011, 2011, "12", "month")
    assert read_years(["2010-12", "2011-13"])["2010-12"] == WrittenYears(2010, 2012)
    assert "none" not in read_years(["none", "2011"])


def test_one_date_a_year_stands_for_the_year() -> None:
    assert finest(read_years(["2020-12-31", "2021-12-31", "2022"])) is None
    assert finest(read_years(["Q4 2019", "Q4 2020"])) is None
    assert finest(read_years(["2020-01", "2020-02", "2021-01"])) == ("month", ("2020-01", "2020-02"))
    assert finest(read_years(["2020Q1", "2020Q2"])) == ("quarter", ("2020Q1", "2020Q2"))
