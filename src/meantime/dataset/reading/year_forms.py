"""How years are written: a year, years joined to a period, or a date, a month or a quarter within a year.

>>> all(read_year(text) == WrittenYears(2020, 2020) for text in ("2020 ", "2020.0", "2,020", "2020p"))
True
>>> read_year("2013 - 15"), read_year("2019-2020"), read_year("2019/20 - 21/22")
(WrittenYears(first=2013, last=2015), WrittenYears(first=2019, last=2020), WrittenYears(first=2019, last=2022))
>>> read_year("31.12.2022")
WrittenYears(first=2022, last=2022, within='12-31', grain='day')
>>> read_year("FY20"), read_year("FY 98")
(WrittenYears(first=2020, last=2020), WrittenYears(first=1998, last=1998))
>>> read_year("2020 Q3")
WrittenYears(first=2020, last=2020, within='Q3', grain='quarter')
>>> [read_year(text) for text in ("", "last year", "1/7/20", "2020-13-01")]
[None, None, None, None]

"2011-12" and "2011/12" are a financial year or December 2011. The other texts of the column show which: in a column of
months, some month is not the year after ("2011-03").
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Literal

import msgspec

from meantime.dataset.reading.values import parse_year

Grain = Literal["", "half-year", "quarter", "month", "week", "day"]

_MONTH_NAMES = "janfebmaraprmayjunjulaugsepoctnovdec"
_MONTH = (
    r"(?P<month_name>jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|"
    r"oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)\.?"
)
_YEAR = r"(?P<year>[12][0-9]{3})"
_MONTH_NUMBER = "(?P<month>0?[1-9]|1[0-2])"
_DAY = "(?P<day>0?[1-9]|[12][0-9]|3[01])"
_TIME = r"(?:[T ]+[0-9]{1,2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]+)?)?(?: ?[AP]M)?(?:Z| ?UTC|[+-][0-9]{2}(?::?[0-9]{2})?)?)?"
_JOINED = r"[ \t]*(?:[-/\u2013\u2014\u2212]|to|bis)[ \t]*"
# What may stand behind a year: a flag, or a mark of a footnote.
_FLAG = r"[ \t]*(?:[*\u2020\u2021\u00b9\u00b2\u00b3]{1,3}|[bepr]|\((?:[bepr]|[0-9])\))?"


class WrittenYears(msgspec.Struct, frozen=True, omit_defaults=True, repr_omit_defaults=True):
    """First and last year of a text; and which part of the year it is, where it is a part."""

    first: int
    last: int
    within: str = ""  # "12-31", "Q3"
    grain: Grain = ""


def _forms(*patterns: str) -> tuple[Callable[[str], re.Match[str] | None], ...]:
    return tuple(re.compile(pattern, re.IGNORECASE).fullmatch for pattern in patterns)


_SINGLE = re.compile(rf"(?:FY ?)?(?P<year>[12][0-9]{{3}}|[12],[0-9]{{3}})(?:\.0*)?{_FLAG}", re.IGNORECASE)
# "FY20"; from 51 on, of the century before.
_SHORT = re.compile(r"FY ?['\u2019]?(?P<year>[0-9]{2})", re.IGNORECASE)
_JOINED_YEARS = re.compile(rf"(?:FY ?)?{_YEAR}(?P<joined>{_JOINED})(?P<last>[12][0-9]{{3}}|[0-9]{{2}}){_FLAG}", re.I)
_JOINED_FINANCIAL = re.compile(
    rf"{_YEAR}/[0-9]{{2}}{_JOINED}(?:[12][0-9])?[0-9]{{2}}/(?P<last>[0-9]{{2}}){_FLAG}", re.IGNORECASE
)
_DATES = _forms(
    rf"{_YEAR}-{_MONTH_NUMBER}-{_DAY}{_TIME}",
    rf"{_YEAR}/{_MONTH_NUMBER}/{_DAY}{_TIME}",
    rf"{_YEAR}(?P<month>0[1-9]|1[0-2])(?P<day>0[1-9]|[12][0-9]|3[01])",
    rf"{_DAY}\. ?{_MONTH_NUMBER}\. ?{_YEAR}{_TIME}",
    rf"{_DAY}[ -]?{_MONTH}[ -]?{_YEAR}{_TIME}",
    rf"{_MONTH} {_DAY},? {_YEAR}{_TIME}",
)
# Month and day in either order: of no effect on the year, and a day is a day.
_SLASHED = re.compile(
    rf"(?P<one>[0-9]{{1,2}})(?P<mark>[/-])(?P<two>[0-9]{{1,2}})(?P=mark){_YEAR}{_TIME}", re.IGNORECASE
)
_PARTS: tuple[tuple[Grain, tuple[Callable[[str], re.Match[str] | None], ...]], ...] = (
    ("quarter", _forms(rf"{_YEAR}[ -]?Q(?P<part>[1-4])", rf"(?:Q(?P<part>[1-4])|(?P<part2>[1-4])Q)[ /-]*{_YEAR}")),
    ("half-year", _forms(rf"{_YEAR}[ -]?[HS](?P<part>[12])", rf"[HS](?P<part>[12])[ /-]*{_YEAR}")),
    ("week", _forms(rf"{_YEAR}[ -]?W(?P<part>0?[1-9]|[1-4][0-9]|5[0-3])")),
    (
        "month",
        _forms(
            rf"{_YEAR}[ -]?M(?P<part>0?[1-9]|1[0-2])",
            rf"{_YEAR}[ -]{_MONTH}",
            rf"{_MONTH}[ /-]*{_YEAR}",
            rf"(?P<part>0?[1-9]|1[0-2])/{_YEAR}",
        ),
    ),
)
# From one month to another: "Apr 2019 - Mar 2020".
_FROM_MONTH = re.compile(
    rf"{_MONTH} ?{_YEAR}{_JOINED}{_MONTH.replace('month_name', 'last_month')} ?{_YEAR.replace('year', 'last')}", re.I
)
_EITHER = re.compile(rf"{_YEAR}[-/](?P<part>0[1-9]|1[0-2])")
_TWO_DIGITS = re.compile(r"([12][0-9]{3})[-/]([0-9]{2})")
_LAST_OF_CENTURY = 50
# The longest period whose last year may have two digits.
_MOST_YEARS = 30


def read_year(text: str, *, has_months: bool | None = None) -> WrittenYears | None:
    """Read a text as a year or several; None if it is none.

    ``has_months``: in its column, "2011-12" is December 2011; None: as if the text were its whole column.

    >>> read_year("2011/12"), read_year("2011-12", has_months=True)
    (WrittenYears(first=2011, last=2012), WrittenYears(first=2011, last=2011, within='12', grain='month'))
    """
    text = " ".join(text.split())
    if match := _SINGLE.fullmatch(text):
        year = int(match["year"].replace(",", ""))
        return WrittenYears(year, year)
    if match := _SHORT.fullmatch(text):
        year = 2000 + int(match["year"]) - 100 * (int(match["year"]) > _LAST_OF_CENTURY)
        return WrittenYears(year, year)
    if (match := _EITHER.fullmatch(text)) and (are_months([text]) if has_months is None else has_months):
        year = int(match["year"])
        return WrittenYears(year, year, match["part"], "month")
    if match := _JOINED_FINANCIAL.fullmatch(text) or _JOINED_YEARS.fullmatch(text):
        return _joined(int(match["year"]), match["last"])
    if match := _FROM_MONTH.fullmatch(text):
        return WrittenYears(int(match["year"]), int(match["last"])) if match["last"] >= match["year"] else None
    if found := _part_of_year(text):
        return found
    # Any other whole number is a year as well.
    other = parse_year(text)
    return None if other is None else WrittenYears(other, other)


def are_months(texts: Iterable[str]) -> bool:
    """Whether texts such as "2011-12" are months: they are not, if each ends equally many years after its first.

    >>> are_months(["2011-12", "2012-13"]), are_months(["2001-03", "2002-04"]), are_months(["2011-12", "2012-01"])
    (False, False, True)
    """
    pairs = [_TWO_DIGITS.fullmatch(text.strip()) for text in texts]
    lasts = [(int(match[1]), int(match[2])) for match in pairs if match]
    lengths = {(last - first) % 100 for first, last in lasts}
    return (
        bool(lasts)
        and all(1 <= last <= 12 for _, last in lasts)
        and not (len(lengths) == 1 and lengths <= set(range(1, _MOST_YEARS)))
    )


def finest(years: Mapping[str, WrittenYears]) -> tuple[Grain, tuple[str, str]] | None:
    """Return the part of a year that texts are about if some year has several, with two such texts; None otherwise.

    One date in each year stands for the year.

    >>> texts = ("2020-06-30", "2021-06-30", "2021-12-31")
    >>> finest({text: read_year(text) for text in texts[:2]}), finest({text: read_year(text) for text in texts})
    (None, ('day', ('2021-06-30', '2021-12-31')))
    """
    first: dict[int, str] = {}
    for text in sorted(years):
        of_text = years[text]
        if not of_text.within:
            continue
        other = first.setdefault(of_text.first, text)
        if years[other].within != of_text.within:
            return of_text.grain, (other, text)
    return None


def read_years(texts: Iterable[str]) -> dict[str, WrittenYears]:
    """Read the distinct texts of a column together; those that are no years are left out.

    >>> sorted(read_years(["2011-12", "2012-13", "?"]).items())
    [('2011-12', WrittenYears(first=2011, last=2012)), ('2012-13', WrittenYears(first=2012, last=2013))]
    """
    listed = sorted(set(texts))
    has_months = are_months(listed)
    found = {text: read_year(text, has_months=has_months) for text in listed}
    return {text: years for text, years in found.items() if years is not None}


def _joined(first: int, last: str) -> WrittenYears | None:
    if len(last) == 4:
        return WrittenYears(first, int(last)) if int(last) >= first else None
    end = first - first % 100 + int(last)
    end += 100 if end < first else 0  # 1999/00
    return WrittenYears(first, end) if end < first + _MOST_YEARS else None


def _part_of_year(text: str) -> WrittenYears | None:
    for match_date in _DATES:
        if match := match_date(text):
            return _part(match, "day", f"{_month(match):02}-{int(match['day']):02}")
    if match := _SLASHED.fullmatch(text):
        one, two = int(match["one"]), int(match["two"])
        is_date = min(one, two) in range(1, 13) and max(one, two) <= 31
        return _part(match, "day", f"{match['one']}/{match['two']}") if is_date else None
    for grain, forms in _PARTS:
        for match_part in forms:
            if match := match_part(text):
                within = f"{_month(match):02}" if grain == "month" else f"{_PREFIX[grain]}{_number(match)}"
                return _part(match, grain, within)
    return None


def _part(match: re.Match[str], grain: Grain, within: str) -> WrittenYears:
    year = int(match["year"])
    return WrittenYears(year, year, within, grain)


def _month(match: re.Match[str]) -> int:
    found = match.groupdict()
    if name := found.get("month_name"):
        return _MONTH_NAMES.index(name[:3].lower()) // 3 + 1
    return int(found.get("month") or found["part"])


def _number(match: re.Match[str]) -> str:
    found = match.groupdict()
    return str(found["part"] or found["part2"])


_PREFIX: Mapping[str, str] = {"quarter": "Q", "half-year": "H", "week": "W"}
