"""A tally: a table in which a column, named by hand, says how often each row counts.

A warehouse counts equal rows itself, exactly and quickly, and sends a fraction of them. Everything that counts rows or
adds them up does so as if each of them were there so many times.
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
# "5.0" is how some programs write a whole number. Three zeros might be thousands: "1.000" is not read.
_COUNT = re.compile(r"[0-9]{1,13}(?:\.0{1,2})?", re.ASCII)

_CATEGORY, _STRATUM = (list(AXES).index(axis) for axis in ("category", "stratum"))


def parse_row_count(text: str) -> int | None:
    """Read how often a row counts; None if that is not a whole number from 0 to a trillion.

    >>> [parse_row_count(text) for text in ("12", " 3.0", "0", "1.5", "-1", "1,234", "1.000", "")]
    [12, 3, 0, None, None, None, None, None]
    """
    text = text.strip(SPACES)
    number = int(text.partition(".")[0]) if _COUNT.fullmatch(text) else _MOST_OF_ROW + 1
    return number if number <= _MOST_OF_ROW else None


def row_count_sql(columns: Mapping[str, str]) -> str:
    """Return the SQL of how often a row counts, given the SQL of the columns by role; 1 without such a column."""
    if "row_count" not in columns:
        return "1"
    return f"CAST(split_part(trim({columns['row_count']}, {sql_text(SPACES)}), '.', 1) AS BIGINT)"


def count_rows_sql(roles: Collection[str], row_count: str = "row_count") -> str:
    """Return the SQL that counts rows, in a query of rows whose own count is ``row_count``.

    >>> count_rows_sql(["question"]), count_rows_sql(["question", "row_count"])
    ('count(*)', 'sum(row_count)')
    """
    return f"sum({row_count})" if "row_count" in roles else "count(*)"


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
