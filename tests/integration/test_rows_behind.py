"""Every number of every statistic leads to rows of the file, and these lead back to the number."""

from __future__ import annotations

import csv
import itertools
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

from meantime.dataset import source_rows
from meantime.dataset.samples.synthetic import write_sample
from meantime.dataset.snapshot import Snapshot
from meantime.errors import SnapshotDamaged
from meantime.model import Unwatched
from meantime.statistics.cells.provenance import merged
from meantime.statistics.check import check
from meantime.statistics.explain.source_rows import Page, page, row_of
from meantime.statistics.registry import STATISTICS
from meantime.statistics.statistic import AnyPrepared, AnyStatistic
from meantime.table import Cell, Table
from tests.support.table_files import read
from tests.support.whole import whole

# Slopes multiply by years, which cancels some digits.
_PRECISION = 1e-9


class Sample(NamedTuple):
    """The synthetic table, as the project reads it and as csv does."""

    snapshot: Snapshot
    columns: list[str]
    lines: list[list[str]]  # the first is line 2; no text of the sample has a line end in it


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Sample:
    folder = tmp_path_factory.mktemp("sample")
    path = folder / "sample.csv"
    with path.open("wb") as file:
        write_sample(file, rows=20_000, seed=1)
    with path.open(encoding="utf-8-sig", newline="") as text:
        columns, *lines = csv.reader(text)
    return Sample(read(path, into=folder), columns, lines)


def prepared_of(row: AnyStatistic, snapshot: Snapshot) -> AnyPrepared:
    return check(row.name, row.example, snapshot)


def number_of(row: dict[str, Cell], name: str | None) -> float:
    assert name is not None
    number = row[name]
    assert isinstance(number, (int, float))
    return number


@pytest.mark.parametrize("row", STATISTICS.values(), ids=STATISTICS)
def test_weight_times_value_added_up_is_the_number_of_every_row(row: AnyStatistic, sample: Sample) -> None:
    prepared, moments = prepared_of(row, sample.snapshot), whole(sample.snapshot.cube).cells.moments
    answer = prepared.compute(Unwatched())
    assert len(answer)
    for index in range(len(answer)):
        record = row_of(answer, index)
        provenance = prepared.rests_on(record)
        weighted = merged(provenance)
        assert len(weighted.cells)
        totals = moments.total[weighted.cells].astype(float) / 10**sample.snapshot.cube.scale
        if provenance.number is None:
            assert np.isnan(weighted.weights).all()
            continue
        sums = np.where(moments.count[weighted.cells] > 0, weighted.weights * totals, np.nan)
        assert np.nansum(sums) == pytest.approx(number_of(record, provenance.number), rel=_PRECISION, abs=_PRECISION)


@pytest.mark.parametrize("row", STATISTICS.values(), ids=STATISTICS)
def test_the_rows_are_those_of_the_file_and_add_up_too(row: AnyStatistic, sample: Sample) -> None:
    prepared = prepared_of(row, sample.snapshot)
    answer = prepared.compute(Unwatched())
    for index in {0, len(answer) - 1}:
        record = row_of(answer, index)
        source_page = page(prepared.snapshot, prepared.rests_on(record), after=None, limit=10_000)
        assert source_page.after is None
        assert_of_file(source_page.table, sample)
        name = prepared.rests_on(record).number
        if name is not None:
            sums = [
                weight * float(value)
                for weight, value in zip(
                    source_page.table.column("weight"), source_page.table.column("Data_Value"), strict=True
                )
                if isinstance(weight, float) and isinstance(value, str)
            ]
            assert sum(sums) == pytest.approx(number_of(record, name), rel=_PRECISION, abs=_PRECISION)


@pytest.mark.parametrize("row", STATISTICS.values(), ids=STATISTICS)
def test_all_of_an_answer_rests_on_what_its_rows_rest_on(row: AnyStatistic, sample: Sample) -> None:
    prepared = prepared_of(row, sample.snapshot)
    answer = prepared.compute(Unwatched())
    whole = merged(prepared.rests_on(None))
    assert np.isnan(whole.weights).all()
    for index in {0, len(answer) - 1}:
        part = merged(prepared.rests_on(row_of(answer, index)))
        assert set(part.cells.tolist()) <= set(whole.cells.tolist())


def assert_of_file(table: Table, sample: Sample) -> None:
    lines = [line for line in table.column("line") if isinstance(line, int)]
    assert lines == sorted(set(lines))
    ours = len(table.columns) - len(sample.columns)
    assert [column.name for column in table.columns[ours:]] == sample.columns
    for line, *cells in itertools.islice(zip(lines, *table.data[ours:], strict=True), 300):
        assert cells == sample.lines[line - 2]


def test_withheld_rows_are_among_them_without_a_weight_and_with_the_reason(sample: Sample) -> None:
    row = STATISTICS["states_mean"]
    prepared = prepared_of(row, sample.snapshot)
    answer = prepared.compute(Unwatched())
    index = next(index for index in range(len(answer)) if answer.column("withheld")[index])
    table = page(prepared.snapshot, prepared.rests_on(row_of(answer, index)), after=None, limit=10_000).table
    without = [
        (weight, reason)
        for weight, reason in zip(table.column("weight"), table.column("withheld"), strict=True)
        if reason is not None
    ]
    assert len(without) == answer.column("withheld")[index]
    assert all(weight is None for weight, _ in without)
    assert {reason for _, reason in without} <= set(sample.snapshot.cube.labels.reasons)


def test_pages_are_the_whole_in_parts(sample: Sample) -> None:
    row = STATISTICS["state_mean"]
    prepared = prepared_of(row, sample.snapshot)
    record = row_of(prepared.compute(Unwatched()), 0)

    def lines(source_page: Page) -> list[Cell]:
        return list(source_page.table.column("line"))

    whole = lines(page(prepared.snapshot, prepared.rests_on(record), after=None, limit=1_000))
    parts: list[Cell] = []
    after: int | None = None
    for _ in whole:
        source_page = page(prepared.snapshot, prepared.rests_on(record), after=after, limit=10)
        parts += lines(source_page)
        if (after := source_page.after) is None:
            break
    assert parts == whole


def test_no_cells_have_no_rows(sample: Sample) -> None:
    assert not source_rows.find_rows(sample.snapshot, np.array([], dtype=np.int64), after=None, limit=1)


def test_a_file_of_several_with_odd_columns_and_lines(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    header = "Question,LocationDesc,Data_Value,Line,line \n"
    (data / "a.csv").write_text(f'{header}Q,Utah,"1\n",x,y\nQ,Ohio,2,x,y\nR,Utah,9,x,y\n')
    (data / "b.csv").write_text(f"{header}Q,Utah,*,x,y\nQ,Utah,3,x,y\n")
    snapshot = read(data, into=tmp_path)
    prepared = check("state_mean", {"question": "Q", "state": "Utah"}, snapshot)
    table = page(prepared.snapshot, prepared.rests_on({"location": "Utah"}), after=None, limit=10).table
    assert [column.name for column in table.columns] == [
        *("file", "line", "weight", "used_as", "withheld", "Question", "LocationDesc", "Data_Value"),
        *("Line (column 4)", "line "),
    ]
    assert [row[:5] for row in table.rows()] == [
        ("a.csv", 2, 0.5, "value", None),
        ("b.csv", 2, None, "value", "*"),
        ("b.csv", 3, 0.5, "value", None),
    ]
    first = page(prepared.snapshot, prepared.rests_on({"location": "Utah"}), after=None, limit=1)
    assert first.after is not None
    rest = page(prepared.snapshot, prepared.rests_on({"location": "Utah"}), after=first.after, limit=5)
    assert list(rest.table.column("line")) == [2, 3]


def test_rows_that_cannot_be_read_are_said_to_be_damaged(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("Question,LocationDesc,Data_Value\nQ,Utah,1\n")
    snapshot = read(tmp_path / "a.csv", into=tmp_path)
    assert snapshot.row_files is not None
    path = snapshot.row_files.folder / "rows" / "0000.parquet"
    path.write_bytes(b"PAR1" + bytes(path.stat().st_size - 8) + b"PAR1")
    with pytest.raises(SnapshotDamaged):
        source_rows.find_rows(snapshot, np.array([0]), after=None, limit=1)
