"""How often each value stands in each group of rows: what a median needs, and sums do not tell.

Cells of up to three rows tell it: one value is the sum, two are least and most, a third is what is left of the sum. So
most tables are answered from the cube. Of others the rows are counted by DuckDB: each different text of a value is
parsed once, by the same function that read it for the cube, and gets its rank among the values; what is then grouped
are ranks. Either way values are the cube's own exact integers.

DuckDB works in a thread of its own, so that whoever waits can look at the progress and say stop: the query is
interrupted within a few hundredths of a second, and its thread has ended before the interruption is passed on.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, wait
from dataclasses import dataclass
from typing import Any, TypeVar

import duckdb
import numpy as np

from meantime import threads
from meantime.dataset.cube import ABSENT, AXES, Exact, Integers, Moments, exact
from meantime.dataset.reading.exact_sums import insert_columns
from meantime.dataset.reading.grouping import KEY_COLUMNS, make_staged_view, period_of_texts
from meantime.dataset.reading.staging import sql_text
from meantime.dataset.reading.values import parse_number
from meantime.dataset.rows import SourceRows
from meantime.dataset.snapshot import Snapshot
from meantime.errors import SnapshotDamaged
from meantime.model import Work

# A cell of more rows does not tell its values.
MOST_ROWS_OF_CELL = 3

# Whoever cancels sees it happen within that, and looking costs nothing.
_LOOK_S = 0.02
# Different values that are parsed between two looks: some 50 ms.
_VALUES_AT_A_TIME = 20_000
# Of each query. What needs more goes to the disk, so that a large table does not take the server's memory.
_MEMORY = "512MB"

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ValueCounts:
    """Different values by group, ordered by key and then by value."""

    keys: Integers  # (entries, axes): codes of the labels
    values: Exact  # at the cube's scale
    counts: Integers  # how many rows have that value

    def __len__(self) -> int:
        return len(self.counts)


def cells_hold_every_value(moments: Moments) -> bool:
    """Whether these cells tell every value in them."""
    return not len(moments) or int(moments.count.max()) <= MOST_ROWS_OF_CELL


def count_in_cells(keys: Integers, moments: Moments) -> ValueCounts:
    """Count the values of cells that tell them; ``keys`` are those of the groups that the cells are in."""
    parts = [
        (moments.count == 1, moments.total),
        (moments.count >= 2, moments.minimum),
        (moments.count >= 2, moments.maximum),
        (moments.count == MOST_ROWS_OF_CELL, moments.total - moments.minimum - moments.maximum),
    ]
    values = exact([int(value) for which, numbers in parts for value in numbers[which].tolist()])
    return _in_order(np.concatenate([keys[which] for which, _ in parts]), values, np.ones(len(values), dtype=np.int64))


def count_in_rows(
    snapshot: Snapshot, question: str, axes: Sequence[str], wanted: Mapping[str, Integers], work: Work
) -> ValueCounts:
    """Count the values in the rows of a question, grouped by some axes; of ``wanted`` axes only rows with these codes.

    Raises:
        JobInterrupted: ``work.check()`` said to stop.
        SnapshotDamaged: the rows are not there, or cannot be read.
    """
    about = snapshot.about
    places = {role: about.columns.index(column) for role, column in about.roles.items()}
    paths = SourceRows.of(snapshot).paths
    with tempfile.TemporaryDirectory(prefix="meantime-query-") as spill, duckdb.connect() as database:
        # For the progress, which is only reckoned where a bar might be shown.
        database.execute("SET enable_progress_bar = true; SET enable_progress_bar_print = false")
        database.execute(f"SET memory_limit = '{_MEMORY}'; SET temp_directory = {sql_text(spill)}")
        try:
            make_staged_view(database, paths, places)
            return _Query(database, snapshot, question, work).count(axes, wanted)
        except (duckdb.IOException, duckdb.InvalidInputException, duckdb.SerializationException) as error:
            raise SnapshotDamaged(
                f"The rows of the snapshot {snapshot.fingerprint} cannot be read ({error}). Start the server again: it "
                "reads its files anew where a snapshot is damaged."
            ) from error


class _Query:
    """One walk through the rows of a question."""

    def __init__(self, database: duckdb.DuckDBPyConnection, snapshot: Snapshot, question: str, work: Work) -> None:
        self._database = database
        self._snapshot = snapshot
        self._question = question
        self._work = work
        self._share = 0.0

    def count(self, axes: Sequence[str], wanted: Mapping[str, Integers]) -> ValueCounts:
        values = self._rank_values()
        used = [axis for axis in KEY_COLUMNS if axis in axes or axis in wanted]
        for axis in used:
            self._make_codes(axis, wanted.get(axis))
        codes = "".join(f"{axis}_codes.code AS {axis}, " for axis in axes)
        joins = " ".join(f"JOIN {axis}_codes USING ({', '.join(KEY_COLUMNS[axis])})" for axis in used)
        found = self._ask(
            f"SELECT {codes} place, count(*) AS number FROM staged JOIN ranks ON staged.value = ranks.text {joins} "
            "WHERE question = ? GROUP BY ALL ORDER BY ALL",
            lambda cursor: cursor.fetchnumpy(),
            during=(0.5, 1.0),
        )
        number = found["number"].astype(np.int64)
        keys = np.empty((len(number), len(axes)), dtype=np.int64)
        for column, axis in enumerate(axes):
            keys[:, column] = found[axis]
        return ValueCounts(keys=keys, values=values[found["place"].astype(np.int64)], counts=number)

    def _rank_values(self) -> Exact:
        """Make the table ``ranks`` of the texts that are numbers, and return the numbers, each once and in order."""
        numbers: dict[str, int] = {}
        mark, scale = self._snapshot.about.decimal_mark, self._snapshot.cube.scale
        texts = self._ask(
            "SELECT DISTINCT value FROM staged WHERE question = ?",
            lambda cursor: [text for (text,) in cursor.fetchall()],
            during=(0.0, 0.4),
        )
        for start in range(0, len(texts), _VALUES_AT_A_TIME):
            self._work.check()
            for text in texts[start : start + _VALUES_AT_A_TIME]:
                if number := parse_number(text, mark):
                    numbers[text] = number.mantissa * 10 ** (number.exponent + scale)
        order = sorted(set(numbers.values()))
        places = {value: place for place, value in enumerate(order)}
        self._database.execute("CREATE TABLE ranks (text VARCHAR, place BIGINT)")
        insert_columns(self._database, "ranks", text=list(numbers), place=[places[value] for value in numbers.values()])
        return exact(order)

    def _make_codes(self, axis: str, wanted: Integers | None) -> None:
        """Make a table of what stands in the rows for the labels of an axis, with their codes."""
        stated = self._period_texts() if axis == "period" else self._label_texts(axis)
        kept = None if wanted is None else set(wanted.tolist())
        rows = [(texts, code) for texts, code in stated if kept is None or code in kept]
        columns = KEY_COLUMNS[axis]
        self._database.execute(
            f"CREATE TABLE {axis}_codes ({', '.join(f'{column} VARCHAR' for column in columns)}, code BIGINT)"
        )
        given: dict[str, list[Any]] = {column: [texts[n] for texts, _ in rows] for n, column in enumerate(columns)}
        insert_columns(self._database, f"{axis}_codes", **given, code=[code for _, code in rows])

    def _label_texts(self, axis: str) -> list[tuple[tuple[str, ...], int]]:
        labels: tuple[str, ...] = getattr(self._snapshot.cube.labels, AXES[axis])
        return [(("",), ABSENT), *(((label,), code) for code, label in enumerate(labels))]

    def _period_texts(self) -> list[tuple[tuple[str, ...], int]]:
        codes = {period: code for code, period in enumerate(self._snapshot.cube.labels.periods)}
        pairs = self._ask(
            "SELECT DISTINCT first_year, last_year FROM staged WHERE question = ?",
            lambda cursor: cursor.fetchall(),
            during=(0.4, 0.5),
        )
        return [
            ((first, last), ABSENT if (period := period_of_texts(first, last)) is None else codes[period])
            for first, last in pairs
        ]

    def _ask(self, query: str, fetch: Callable[[duckdb.DuckDBPyConnection], T], *, during: tuple[float, float]) -> T:
        """Run a query about the question in a thread; ``during`` are the shares of all work before and after it."""

        def tell() -> None:
            # -1 as long as it is not known; and it begins anew with each part of the query.
            share = min(max(self._database.query_progress(), 0.0) / 100, 1.0)
            self._share = max(self._share, during[0] + share * (during[1] - during[0]))
            self._work.progress(self._share)

        def run() -> T:
            return fetch(self._database.execute(query, [self._question]))

        return run_watched(run, tell=tell, check=self._work.check, interrupt=self._database.interrupt)


def run_watched(
    run: Callable[[], T], *, tell: Callable[[], None], check: Callable[[], None], interrupt: Callable[[], None]
) -> T:
    """Run in a thread of its own; meanwhile tell how far it is and check whether to go on, and interrupt it if not.

    Whatever the end, the thread has ended too.
    """
    outcome: Future[T] = Future()

    def decide() -> None:
        try:
            outcome.set_result(run())
        except BaseException as error:  # noqa: BLE001 - whoever waits hears of whatever it is
            outcome.set_exception(error)

    thread = threads.start("query", decide, on_death=lambda _, error: outcome.set_exception(error))
    try:
        while not wait((outcome,), timeout=_LOOK_S).done:
            tell()
            check()
    except BaseException:
        # Again and again: what interrupts a query before it has begun is forgotten when it begins.
        while not wait((outcome,), timeout=_LOOK_S).done:
            interrupt()
        raise
    finally:
        thread.join()
    return outcome.result()


def _in_order(keys: Integers, values: Exact, counts: Integers) -> ValueCounts:
    """Sort by key and value, and add up those that are the same."""
    order = np.lexsort((values, *keys.T[::-1]))
    keys, values, counts = keys[order], values[order], counts[order]
    is_new = np.ones(len(values), dtype=bool)
    is_new[1:] = (values[1:] != values[:-1]) | (keys[1:] != keys[:-1]).any(axis=1)
    starts = np.flatnonzero(is_new)
    added = np.add.reduceat(counts, starts) if len(starts) else counts
    return ValueCounts(keys=keys[starts], values=values[starts], counts=added)
