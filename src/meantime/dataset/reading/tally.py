"""A tally: a table in which a column says how often each row counts.

A warehouse counts equal rows itself, exactly and quickly, and sends a fraction of them. Everything that counts rows or
adds them up does so as if each of them were there so many times.

There are two such columns. ``row_count`` is one of the table, named by hand. ``lines`` is ours: where others have read
and counted the lines of a file (``cluster``), it says how many lines of it a staged row is. A row then counts as often
as one of these lines does, times their number.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping

import numpy as np

from meantime.dataset.cube import ABSENT, AXES, Cells, Cube, add_up
from meantime.dataset.reading.staging import sql_text
from meantime.dataset.reading.values import SPACES
from meantime.errors import SourceUnreadable
from meantime.text import quoted

# Up to it, sums of the counts of a thousand rows are still doubles, exactly.
_MOST_OF_ROW = 10**12
MOST_ROWS = 2**53
# The role of the column that says how many lines a staged row is. Its column is a plain one: no file has it.
LINES = "lines"
# What separates thousands, each time the same. A point may be a decimal mark: "1.000" is not read. "5.0" is how some
# programs write a whole number.
_SEPARATORS = ",'\u2019 \u00a0\u202f"
_COUNT = re.compile(rf"[0-9]{{1,13}}(?:\.0{{1,2}})?|[0-9]{{1,3}}([{_SEPARATORS}])[0-9]{{3}}(?:\1[0-9]{{3}})*")
_WITHOUT_SEPARATORS = str.maketrans("", "", _SEPARATORS)

_CATEGORY, _STRATUM = (list(AXES).index(axis) for axis in ("category", "stratum"))


def parse_row_count(text: str) -> int | None:
    """Read how often a row counts; None if that is not a whole number from 0 to a trillion.

    >>> [parse_row_count(text) for text in ("12", " 3.0", "0", "1,234", "1 234 567", "1.5", "-1", "1,23", "1.000", "")]
    [12, 3, 0, 1234, 1234567, None, None, None, None, None]
    """
    text = text.strip(SPACES)
    is_number = _COUNT.fullmatch(text) is not None
    number = int(text.partition(".")[0].translate(_WITHOUT_SEPARATORS)) if is_number else _MOST_OF_ROW + 1
    return number if number <= _MOST_OF_ROW else None


def row_count_sql(columns: Mapping[str, str]) -> str:
    """Return the SQL of how often a row counts, given the SQL of the columns by role; 1 without such a column."""
    if "row_count" not in columns:
        return columns.get(LINES, "1")
    of_line = _number_sql(columns["row_count"])
    if LINES not in columns:
        return of_line
    # No more than what is refused anyway, so that it stays within 64 bits.
    return f"CAST(least(CAST({of_line} AS HUGEINT) * {columns[LINES]}, {MOST_ROWS + 1}) AS BIGINT)"


def count_lines_sql(columns: Mapping[str, str]) -> str:
    """Return the SQL that counts lines of the file in a query of staged rows, however often they count.

    >>> count_lines_sql({"question": "c0"}), count_lines_sql({"lines": "plain_lines"})
    ('count(*)', 'sum(plain_lines)')
    """
    return f"sum({columns[LINES]})" if LINES in columns else "count(*)"


def distinct_rows_sql(columns: Mapping[str, str]) -> str:
    """Return the SQL of how many of the rows that a line stands for are different; 1 without such a column."""
    return _number_sql(columns["distinct_rows"]) if "distinct_rows" in columns else "1"


def count_distinct_sql(roles: Collection[str], lines: str) -> str:
    """Return the SQL that counts different rows, given the one that counts lines.

    >>> count_distinct_sql(["row_count"], "count(*)"), count_distinct_sql(["row_count", "distinct_rows"], "count(*)")
    ('count(*)', 'CAST(sum(distinct_rows) AS BIGINT)')
    """
    if "distinct_rows" not in roles:
        return lines
    return f"CAST(sum(distinct_rows{' * lines' if LINES in roles else ''}) AS BIGINT)"


def _number_sql(column: str) -> str:
    return f"CAST(split_part(translate({column}, {sql_text(_SEPARATORS + SPACES)}, ''), '.', 1) AS BIGINT)"


def count_rows_sql(roles: Collection[str], row_count: str = "row_count") -> str:
    """Return the SQL that counts rows, in a query of rows whose own count is ``row_count``.

    >>> count_rows_sql(["question"]), count_rows_sql(["question", "row_count"])
    ('count(*)', 'sum(row_count)')
    """
    return f"sum({row_count})" if is_counted(roles) else "count(*)"


def is_counted(roles: Collection[str]) -> bool:
    """Whether a row of a table with these roles may count more than once."""
    return "row_count" in roles or LINES in roles


class StrataOfSums:
    """Finds a stratum that repeats the rows of all others of its category, as ROLLUP and CUBE write it.

    Its rows would count twice. It is recognized where its rows and their sum are those of all others together, for
    every question, place and year that has at least two others.
    """

    def __init__(self) -> None:
        self._always_repeats: dict[tuple[str, str], bool] = {}  # by category and stratum

    def add(self, cube: Cube) -> None:
        """Look at the cells of some questions."""
        for question in range(len(cube.labels.questions)):
            self._add_question(cube, cube.block(question).cells)

    def refuse(self) -> None:
        """Refuse the table if it has such a stratum.

        Raises:
            SourceUnreadable: it has one.
        """
        for (category, stratum), does in sorted(self._always_repeats.items()):
            if does:
                raise SourceUnreadable(
                    f"The rows of the stratum {quoted(stratum)} count those of all other strata of the category "
                    f"{quoted(category)} again, for every question, place and year, as GROUP BY ROLLUP, CUBE or "
                    "GROUPING SETS does. Leave these rows out: each row of the table must be counted once."
                )

    def _add_question(self, cube: Cube, cells: Cells) -> None:
        keys = np.delete(cells.keys, _STRATUM, axis=1)
        _, together = add_up(keys, cells.moments)
        _, of_cell, strata = np.unique(keys, axis=0, return_inverse=True, return_counts=True)
        of_cell = of_cell.reshape(-1)
        has_others = strata[of_cell] > 2
        repeats = (2 * cells.rows == (together.count + together.withheld)[of_cell]) & (
            2 * cells.moments.total == together.total[of_cell]
        )
        groups = cells.keys[:, [_CATEGORY, _STRATUM]]
        for category, stratum in np.unique(groups[has_others], axis=0).tolist():
            here = bool(repeats[has_others & (groups == (category, stratum)).all(axis=1)].all())
            names = (
                "" if category == ABSENT else cube.labels.categories[category],
                "" if stratum == ABSENT else cube.labels.strata[stratum],
            )
            self._always_repeats[names] = here and self._always_repeats.get(names, True)
