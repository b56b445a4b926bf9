"""Which years a request names.

``latest``, ``all``, ``2019``, ``2018..2022``, ``2011..2023/2`` (every second), ``2018-2020`` (one period of three
years), and lists of these with commas.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from meantime import text
from meantime.dataset.cube import Period

SYNTAX = (
    '"latest", "all", a year (2019), a range (2018..2022), every second year of a range (2011..2023/2), a period of '
    "several years (2018-2020), or a list of these with commas (2016,2018..2020)"
)

# ``latest`` is the last year that at least this share of the locations have: the very last one may have just begun to
# come in.
MOST_HAVE = 0.9

_PART = re.compile(r"(\d{1,4})(?:(\.\.|-)(\d{1,4})(?:/([1-9]\d?))?)?", re.ASCII)


class RequestedYears(NamedTuple):
    """The years that a request names."""

    is_latest: bool = False
    is_all: bool = False
    named: tuple[Period, ...] = ()  # must be there
    ranges: tuple[range, ...] = ()  # of which what is there is meant: questions are not asked every year


def parse(text: str) -> RequestedYears | None:
    """Parse years; None if the text has another form.

    >>> parse("2016,2018..2020").ranges
    (range(2018, 2021),)
    >>> parse("2011..2023/2").ranges, parse("2018-2020").named
    ((range(2011, 2024, 2),), (Period(first=2018, last=2020),))
    >>> parse("lately"), parse("2020..2018"), parse("2018-2020/2"), parse("")
    (None, None, None, None)
    """
    words = text.replace(" ", "").casefold()
    if words in ("latest", "all"):
        return RequestedYears(is_latest=words == "latest", is_all=words == "all")
    named: list[Period] = []
    ranges: list[range] = []
    for part in words.split(","):
        meant = _PART.fullmatch(part)
        if meant is None:
            return None
        first, mark, last, step = meant.groups()
        if int(last or first) < int(first) or (mark == "-" and step):
            return None
        if mark == "..":
            ranges.append(range(int(first), int(last) + 1, int(step or 1)))
        else:
            named.append(Period(int(first), int(last or first)))
    return RequestedYears(named=tuple(named), ranges=tuple(ranges))


def matching(years: RequestedYears, there: Sequence[Period]) -> tuple[list[int], list[Period]]:
    """Return the indices of the requested periods, in the order of time, and the named ones that are missing.

    >>> there = [Period(2018, 2018), Period(2019, 2019), Period(2018, 2020)]
    >>> matching(parse("2018..2022"), there), matching(parse("2019,2017"), there)
    (([0, 1], []), ([1], [Period(first=2017, last=2017)]))
    >>> matching(parse("all"), there)[0]
    [0, 1]

    ``all`` is all single years; where there are none, all periods.
    """
    if years.is_all:
        single = [index for index, period in enumerate(there) if period.first == period.last]
        return _in_time(single or range(len(there)), there), []
    wanted = set(years.named)
    meant = [
        index
        for index, period in enumerate(there)
        if period in wanted or (period.first == period.last and any(period.first in each for each in years.ranges))
    ]
    return _in_time(meant, there), [period for period in years.named if period not in there]


def latest(there: Sequence[Period], having: Sequence[int], locations: int) -> int:
    """Return the index of the last period that nine in ten locations have.

    Where there is none, that of the period which most have, the last of these.

    >>> there = [Period(2019, 2019), Period(2020, 2020)]
    >>> latest(there, [55, 49], 55), latest(there, [30, 20], 55)
    (0, 0)
    """
    order = _in_time(range(len(there)), there)
    enough = [index for index in order if having[index] >= MOST_HAVE * locations]
    if enough:
        return enough[-1]
    return max(order, key=lambda index: (having[index], order.index(index)))


def sharing(periods: Sequence[Period]) -> tuple[Period, Period] | None:
    """Return two periods that overlap, and so describe partly the same people; None if no periods do.

    >>> sharing([Period(2018, 2020), Period(2015, 2017), Period(2020, 2022)])
    (Period(first=2018, last=2020), Period(first=2020, last=2022))
    >>> sharing([Period(2018, 2020), Period(2021, 2021)]), sharing([])
    (None, None)
    """
    ordered = sorted(periods)
    return next(((one, next_) for one, next_ in pairwise(ordered) if next_.first <= one.last), None)


def periods_text(periods: Sequence[Period]) -> str:
    """Write periods for people, in the order of time.

    >>> periods_text([Period(2019, 2019), Period(2016, 2016), Period(2017, 2017), Period(2018, 2018)])
    '2016–2019'
    >>> periods_text([Period(2019, 2019), Period(2017, 2017)]), periods_text([Period(2018, 2020)])
    ('2017 and 2019', '2018–2020')
    """
    ordered = sorted(periods, key=_when)
    firsts = [period.first for period in ordered]
    if len(ordered) > 1 and all(first == last for first, last in ordered) and firsts[-1] - firsts[0] == len(firsts) - 1:
        return text.years(firsts[0], firsts[-1])
    return text.listed((text.years(*period) for period in ordered), most=None)


def _in_time(indices: Sequence[int], there: Sequence[Period]) -> list[int]:
    return sorted(indices, key=lambda index: _when(there[index]))


def _when(period: Period) -> tuple[int, int]:
    return period.last, period.first
