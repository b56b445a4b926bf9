"""How often each value occurs in each group of rows: a median needs this, and sums do not show it.

Cells of up to three rows determine it: one value is the sum, two are minimum and maximum, a third is the rest of the
sum. So most tables need only the cube. For others, DuckDB counts the rows: each distinct text of a value is parsed
once, by the function that parsed it for the cube, and ranked among all values; rows are then grouped by rank. In
both cases the values are the cube's exact integers.

DuckDB works in a separate thread, so that progress can be reported and the query interrupted. An interruption takes a
few hundredths of a second, and the thread has ended before it is passed on.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, wait
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np

from meantime import threads
from meantime.dataset.cube import ABSENT, AXES, Exact, Integers, Moments, exact
from meantime.dataset.reading.exact_sums import insert_columns
from meantime.dataset.reading.staged_view import KEY_COLUMNS, make_staged_view, parse_period
from meantime.dataset.reading.tally import count_rows_sql
from meantime.dataset.reading.values import parse_number
from meantime.dataset.row_query import query_database
from meantime.dataset.rows import SourceRows
from meantime.dataset.snapshot import Snapshot
from meantime.later import duckdb
from meantime.model import Work

# Cells with more rows do not determine their values.
MOST_ROWS_OF_CELL = 3

# How soon cancelling takes effect; checking costs nothing.
_CHECK_S = 0.02
# Distinct values parsed between two checks: about 50 ms.
_VALUES_AT_A_TIME = 20_000

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ValueCounts:
    """Distinct values by group, sorted by key and then by value."""

    keys: Integers  # (entries, axes): codes of the labels
    values: Exact  # at the cube's scale
    counts: Integers  # how many rows have that value

    def __len__(self) -> int:
        return len(self.counts)


def cells_hold_every_value(moments: Moments) -> bool:
    """Whether these cells determine every value in them."""
    return not len(moments) or int(moments.count.max()) <= MOST_ROWS_OF_CELL


def count_in_cells(keys: Integers, moments: Moments) -> ValueCounts:
    """Count the values of cells that determine them; ``keys`` are those of the groups of the cells."""
    parts = [
        (moments.count == 1, moments.total),
        (moments.count >= 2, moments.minimum),
        (moments.count >= 2, moments.maximum),
        (moments.count == MOST_ROWS_OF_CELL, moments.total - moments.minimum - moments.maximum),
    ]
    values = exact([int(value) for is_used, numbers in parts for value in numbers[is_used].tolist()])
    return _sorted_counts(
        np.concatenate([keys[is_used] for is_used, _ in parts]), values, np.ones(len(values), dtype=np.int64)
    )


def count_in_rows(
    snapshot: Snapshot, question: str, axes: Sequence[str], selected: Mapping[str, Integers], work: Work
) -> ValueCounts:
    """Count the values in a question's rows, grouped by some axes; only rows with the codes in ``selected``.

    Raises:
        JobInterrupted: ``work.check()`` raised it.
        SnapshotDamaged: the rows are missing or cannot be read.
    """
    with SourceRows.of(snapshot).opened() as paths, query_database() as database:
        make_staged_view(database, paths, snapshot.about.columns, snapshot.about.roles, snapshot.about.plain)
        return _Query(database, snapshot, question, work).count(axes, selected)


class _Query:
    """Queries of the rows of one question."""

    def __init__(self, database: duckdb.DuckDBPyConnection, snapshot: Snapshot, question: str, work: Work) -> None:
        self._database = database
        self._snapshot = snapshot
        self._question = question
        self._work = work
        self._share = 0.0

    def count(self, axes: Sequence[str], selected: Mapping[str, Integers]) -> ValueCounts:
        values = self._rank_values()
        used = [axis for axis in KEY_COLUMNS if axis in axes or axis in selected]
        for axis in used:
            self._make_codes(axis, selected.get(axis))
        codes = "".join(f"{axis}_codes.code AS {axis}, " for axis in axes)
        joins = " ".join(f"JOIN {axis}_codes USING ({', '.join(KEY_COLUMNS[axis])})" for axis in used)
        about = self._snapshot.about
        counted = self._run(
            f"SELECT {codes} rank, {count_rows_sql((*about.roles, *about.plain))} AS number "
            f"FROM staged JOIN ranks ON staged.value = ranks.text {joins} "
            "WHERE question = ? GROUP BY ALL ORDER BY ALL",
            lambda cursor: cursor.fetchnumpy(),
            during=(0.5, 1.0),
        )
        number = counted["number"].astype(np.int64)
        keys = np.empty((len(number), len(axes)), dtype=np.int64)
        for column, axis in enumerate(axes):
            keys[:, column] = counted[axis]
        return ValueCounts(keys=keys, values=values[counted["rank"].astype(np.int64)], counts=number)

    def _rank_values(self) -> Exact:
        """Make the table ``ranks`` of the texts that are numbers, and return the distinct numbers in order."""
        numbers: dict[str, int] = {}
        mark, scale = self._snapshot.about.decimal_mark, self._snapshot.cube.scale
        texts = self._run(
            "SELECT DISTINCT value FROM staged WHERE question = ?",
            lambda cursor: [text for (text,) in cursor.fetchall()],
            during=(0.0, 0.4),
        )
        for start in range(0, len(texts), _VALUES_AT_A_TIME):
            self._work.check()
            for text in texts[start : start + _VALUES_AT_A_TIME]:
                if number := parse_number(text, mark):
                    numbers[text] = number.mantissa * 10 ** (number.exponent + scale)
        ascending = sorted(set(numbers.values()))
        ranks = {value: rank for rank, value in enumerate(ascending)}
        self._database.execute("CREATE TABLE ranks (text VARCHAR, rank BIGINT)")
        insert_columns(self._database, "ranks", text=list(numbers), rank=[ranks[value] for value in numbers.values()])
        return exact(ascending)

    def _make_codes(self, axis: str, selected: Integers | None) -> None:
        """Make a table of the texts in the rows for the labels of an axis, with their codes."""
        known = self._period_texts() if axis == "period" else self._label_texts(axis)
        kept = None if selected is None else set(selected.tolist())
        rows = [(texts, code) for texts, code in known if kept is None or code in kept]
        columns = KEY_COLUMNS[axis]
        self._database.execute(
            f"CREATE TABLE {axis}_codes ({', '.join(f'{column} VARCHAR' for column in columns)}, code BIGINT)"
        )
        by_column: dict[str, list[Any]] = {column: [texts[n] for texts, _ in rows] for n, column in enumerate(columns)}
        insert_columns(self._database, f"{axis}_codes", **by_column, code=[code for _, code in rows])

    def _label_texts(self, axis: str) -> list[tuple[tuple[str, ...], int]]:
        labels: tuple[str, ...] = getattr(self._snapshot.cube.labels, AXES[axis])
        return [(("",), ABSENT), *(((label,), code) for code, label in enumerate(labels))]

    def _period_texts(self) -> list[tuple[tuple[str, ...], int]]:
        codes = {period: code for code, period in enumerate(self._snapshot.cube.labels.periods)}
        pairs = self._run(
            "SELECT DISTINCT first_year, last_year FROM staged WHERE question = ?",
            lambda cursor: cursor.fetchall(),
            during=(0.4, 0.5),
        )
        return [
            ((first, last), ABSENT if (period := parse_period(first, last)) is None else codes[period])
            for first, last in pairs
        ]

    def _run(self, query: str, fetch: Callable[[duckdb.DuckDBPyConnection], T], *, during: tuple[float, float]) -> T:
        """Run a query in a thread; ``during`` are the shares of all work that are done before and after it."""

        def report() -> None:
            # -1 while it is unknown; and it starts again with each part of the query.
            share = min(max(self._database.query_progress(), 0.0) / 100, 1.0)
            self._share = max(self._share, during[0] + share * (during[1] - during[0]))
            self._work.progress(self._share)

        def query_rows() -> T:
            return fetch(self._database.execute(query, [self._question]))

        return run_watched(query_rows, report=report, check=self._work.check, interrupt=self._database.interrupt)


def run_watched(
    function: Callable[[], T], *, report: Callable[[], None], check: Callable[[], None], interrupt: Callable[[], None]
) -> T:
    """Run a function in a separate thread; meanwhile report progress and check whether to interrupt it.

    However it ends, the thread has ended too.
    """
    outcome: Future[T] = Future()

    def run() -> None:
        try:
            outcome.set_result(function())
        except BaseException as error:  # noqa: BLE001 - every error is passed on to the waiting thread
            outcome.set_exception(error)

    thread = threads.start("query", run, on_death=lambda _, error: outcome.set_exception(error))
    try:
        while not wait((outcome,), timeout=_CHECK_S).done:
            report()
            check()
    except BaseException:
        # Repeatedly: an interruption before the query has begun is lost when it begins.
        while not wait((outcome,), timeout=_CHECK_S).done:
            interrupt()
        raise
    finally:
        thread.join()
    return outcome.result()


def _sorted_counts(keys: Integers, values: Exact, counts: Integers) -> ValueCounts:
    """Sort by key and value, and add up the counts of equal ones."""
    order = np.lexsort((values, *keys.T[::-1]))
    keys, values, counts = keys[order], values[order], counts[order]
    is_new = np.ones(len(values), dtype=bool)
    is_new[1:] = (values[1:] != values[:-1]) | (keys[1:] != keys[:-1]).any(axis=1)
    starts = np.flatnonzero(is_new)
    sums = np.add.reduceat(counts, starts) if len(starts) else counts
    return ValueCounts(keys=keys[starts], values=values[starts], counts=sums)
