"""Queries over the rows: what they count, and how they are stopped."""

from __future__ import annotations

import threading
from pathlib import Path

import duckdb
import numpy as np
import pytest

from meantime.dataset import value_counts
from meantime.dataset.value_counts import (
    ValueCounts,
    cells_hold_every_value,
    count_in_cells,
    count_in_rows,
    run_watched,
)
from meantime.errors import JobCancelled, SnapshotDamaged
from meantime.model import Unwatched
from tests.support.factories import cube, row, snapshot
from tests.support.table_files import read, write
from tests.support.waiting import wait_for
from tests.support.whole import whole

TABLE = """\
Question,LocationDesc,StratificationCategory1,Stratification1,YearStart,YearEnd,Data_Value
Q,Utah,Sex,Male,2020,2020,1.50
Q,Utah,Sex,Male,2020,2020, 1.5
Q,Utah,,,2020,,1.5e0
Q,Utah,,,2020.0,2020,*
Q,Ohio,Sex,Male,,,-2
Q,Ohio,Sex,Female,2019,2020,0
R,Ohio,Sex,Female,2019,2020,7
"""


def as_lists(counted: ValueCounts) -> list[tuple[list[int], int, int]]:
    return list(zip(counted.keys.tolist(), counted.values.tolist(), counted.counts.tolist(), strict=True))


class Cancelled(Unwatched):
    """Says stop at the check after so many."""

    def __init__(self, checks: int = 0) -> None:
        self._left = checks
        self.shares: list[float] = []

    def progress(self, share: float) -> None:
        self.shares.append(share)

    def check(self) -> None:
        self._left -= 1
        if self._left < 0:
            raise JobCancelled("somebody asked for that")


def our_threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name == "meantime-query"]


def test_values_are_counted_by_group_however_they_are_written(tmp_path: Path) -> None:
    of = read(write(tmp_path, TABLE))
    assert of.cube.labels.locations == ("Ohio", "Utah")
    counts = count_in_rows(of, "Q", ("location",), {}, Unwatched())
    assert as_lists(counts) == [([0], -20, 1), ([0], 0, 1), ([1], 15, 3)]
    assert len(counts) == 3
    # Years in two spellings are one period, as in the cube; none, and one only, are what the cube made of them.
    periods = [list(period) for period in of.cube.labels.periods]
    by_period = count_in_rows(of, "Q", ("period", "category"), {}, Unwatched())
    assert as_lists(by_period) == [
        ([-1, 0], -20, 1),
        ([periods.index([2019, 2020]), 0], 0, 1),
        ([periods.index([2020, 2020]), -1], 15, 1),
        ([periods.index([2020, 2020]), 0], 15, 2),
    ]


def test_only_wanted_labels_are_counted(tmp_path: Path) -> None:
    of = read(write(tmp_path, TABLE))
    only = {"location": np.array([1]), "category": np.array([-1])}
    assert as_lists(count_in_rows(of, "Q", (), only, Unwatched())) == [([], 15, 1)]
    assert as_lists(count_in_rows(of, "Q", ("stratum",), {"period": np.array([], dtype=np.int64)}, Unwatched())) == []


def test_cells_of_up_to_three_rows_determine_their_values() -> None:
    table = cube([row(value=value) for value in ("3", "1", "2")] + [row("R", value="5"), row("S", value=None)])
    cells = whole(table).cells
    assert cells_hold_every_value(cells.moments)
    assert as_lists(count_in_cells(cells.keys[:, :1], cells.moments)) == [
        ([0], 1, 1),
        ([0], 2, 1),
        ([0], 3, 1),
        ([1], 5, 1),
    ]
    assert not cells_hold_every_value(cube([row(value=value) for value in "1234"]).block(0).cells.moments)
    assert cells_hold_every_value(whole(cube([])).cells.moments)


def test_a_query_that_is_to_stop_is_interrupted_and_its_thread_has_ended() -> None:
    with duckdb.connect() as database:

        def endless() -> object:
            return database.execute(
                "SELECT sum(a.range * b.range) FROM range(10000000) a, range(10000000) b"
            ).fetchall()

        work = Cancelled(2)
        with pytest.raises(JobCancelled):
            run_watched(endless, report=lambda: work.progress(0.5), check=work.check, interrupt=database.interrupt)
        assert work.shares == [0.5, 0.5, 0.5]
        assert our_threads() == []
        assert database.execute("SELECT 1").fetchall() == [(1,)]


def test_a_stop_that_comes_before_the_query_has_begun_is_not_forgotten() -> None:
    begun, interrupted = threading.Event(), threading.Event()

    def late() -> None:
        wait_for(begun, "nobody has interrupted the query")
        interrupted.clear()  # as DuckDB does when a query begins
        wait_for(interrupted, "nobody has interrupted the query again")

    def interrupt() -> None:
        interrupted.set()
        begun.set()

    with pytest.raises(JobCancelled):
        run_watched(late, report=lambda: None, check=Cancelled().check, interrupt=interrupt)
    assert our_threads() == []


def test_what_goes_wrong_in_the_thread_is_raised_where_it_is_waited_for() -> None:
    def wrong() -> None:
        raise KeyError("x")

    with pytest.raises(KeyError):
        run_watched(wrong, report=lambda: None, check=lambda: None, interrupt=lambda: None)


def test_work_is_looked_at_while_values_are_parsed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(value_counts, "_VALUES_AT_A_TIME", 1)
    of = read(write(tmp_path, TABLE))
    # With a query that is over at once, the checks are those between the values.
    monkeypatch.setattr(value_counts, "_CHECK_S", 60)
    with pytest.raises(JobCancelled):
        count_in_rows(of, "Q", (), {}, Cancelled(2))


def test_progress_goes_on_and_never_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(value_counts, "_CHECK_S", 0)
    work = Cancelled(10**9)
    count_in_rows(read(write(tmp_path, TABLE)), "Q", ("period",), {}, work)
    assert work.shares == sorted(work.shares)
    assert all(0 <= share <= 1 for share in work.shares)


def test_rows_that_are_damaged_or_missing_are_reported(tmp_path: Path) -> None:
    of = read(write(tmp_path, TABLE))
    with pytest.raises(SnapshotDamaged, match="in memory only"):
        count_in_rows(snapshot([row()]), "Q", (), {}, Unwatched())
    for file in (tmp_path / "snapshots").rglob("*.parquet"):
        file.write_bytes(b"PAR1" + b"x" * 100)
    with pytest.raises(SnapshotDamaged, match="bytes instead of"):
        count_in_rows(of, "Q", (), {}, Unwatched())
