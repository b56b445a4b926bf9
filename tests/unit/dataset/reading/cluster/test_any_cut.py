"""Files that are tallied one by one are the same table as if they were read: content, rejected lines and rows.

That files read here are the same table however it is cut is a test of ``test_source_reader``.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from meantime.dataset import shared_rows
from meantime.dataset.reading.source import Source
from meantime.dataset.snapshot import Snapshot
from meantime.dataset.source_rows import find_rows
from meantime.errors import MeantimeError
from tests.support.examples import one_in
from tests.support.table_files import read
from tests.support.tallied_here import read_tallied, staged_here

COLUMNS = ("Question", "LocationDesc", "Year", "Data_Value", "Low", "Data_Value_Footnote", "Sex", "n", "Id")
ROLES = {"stratum": "Sex", "low": "Low"}
CELLS = (
    st.sampled_from(["Tea", "Tea ", "Tea", "Coffee, strong", "", " ", "\u00a0"]),
    st.sampled_from(["Avalon", "Borduria", "\u00c5land", "A\u030aland", "Avalon\u00a0", "", "\t"]),
    st.sampled_from(["2020", "2020.0", "2019", "2021/22", "2018 - 20", "soon", ""]),
    st.sampled_from(["1.5", "2", "2.50", "3,000", "1,234.5", "12 e", "..", "", "99999999999999999999.5"]),
    st.sampled_from(["1", "1.5", "-", ""]),
    st.sampled_from(["", "", "~", "too few"]),
    st.sampled_from(["Female", "Male", "Total", ""]),
    st.sampled_from(["1", "2", "1,000", "0", "some"]),
    st.sampled_from(["a", "b", ""]),
)
ROWS = st.lists(st.tuples(*CELLS), min_size=1, max_size=25)
# A line without how often it counts.
ROW = ("Tea", "Avalon", "2020", "1.5", "1", "", "Male")
# In how many rows a file ends; and which file comes where, by its name.
CUTS = st.lists(st.integers(0, 25), max_size=4)


def write_files(folder: Path, parts: Sequence[Sequence[tuple[str, ...]]]) -> None:
    folder.mkdir(parents=True)
    for number, part in enumerate(parts):
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerows([COLUMNS, *part])
        (folder / f"{number}.csv").write_text(text.getvalue(), encoding="utf-8")


def outcome(snapshot: Snapshot) -> tuple[object, ...]:
    about = snapshot.about
    return (
        snapshot.fingerprint,
        about.rows,
        about.copies,
        about.roles,
        about.rejected_total,
        about.rejected,
        about.points,
    )


def behind(snapshot: Snapshot) -> list[tuple[object, ...]]:
    cells = np.arange(snapshot.cube.cell_count)
    found = find_rows(snapshot, cells, after=None, limit=1_000)
    # Page by page as well: each page continues where the last one ended.
    paged, after = [], None
    while page := find_rows(snapshot, cells, after=after, limit=10):
        paged += page
        after = page[-1].position
    assert [row._replace(position=0) for row in paged] == [row._replace(position=0) for row in found]
    return [
        (row.cell, row.row.file, row.row.line, dict(row.row.cells), row.withheld, row.times, row.copy_of)
        for row in found
    ]


def read_or_error(read_it: object) -> Snapshot | str:
    assert callable(read_it)
    try:
        snapshot: Snapshot = read_it()
    except MeantimeError as error:
        return f"{type(error).__name__}: {error}"
    return snapshot


@settings(max_examples=one_in(8))  # each reads up to five files twice, and looks at all rows
@given(ROWS, CUTS, st.randoms(use_true_random=False), st.booleans())
@example([(*ROW, "2", "a")] * 3, [1, 2], None, True)
@example([(*ROW, "2", "a")] * 3, [1, 2], None, False)
@example([(*ROW, "1", "a"), (*ROW, "2", "a"), (*ROW, "1,000", "a")], [2], None, True)
@example([(*ROW, "1", "a"), ("Tea", "Avalon", "2019", "1.5", "1", "", "Male", "0", "a")], [], None, True)
def test_any_cut_in_any_order_is_the_same_table(
    tmp_path_factory: pytest.TempPathFactory,
    rows: list[tuple[str, ...]],
    cuts: list[int],
    order: object,
    is_counted: bool,  # whether the table says itself how often a row counts
) -> None:
    folder = tmp_path_factory.mktemp("cut")
    ends = sorted({min(cut, len(rows)) for cut in cuts} | {len(rows)})
    parts = [rows[start:end] for start, end in zip([0, *ends], ends, strict=False) if end > start]
    if order is not None:
        order.shuffle(parts)  # type: ignore[attr-defined]
    columns = ROLES | ({"row_count": "n"} if is_counted else {})
    write_files(folder / "several", parts)
    source = Source(name="several", path=str(folder / "several"), columns=columns)
    here = read_or_error(lambda: read(folder / "several", columns=columns, rejected_limit=1, into=folder / "here"))
    tallied = read_or_error(lambda: read_tallied(source, folder / "tallied", folder / "work"))
    if isinstance(here, str) or isinstance(tallied, str):
        assert tallied == here
        return
    assert outcome(tallied) == outcome(here)
    with staged_here():
        assert behind(tallied) == behind(here)
    shared = shared_rows.shared_rows(tallied)
    assert shared is not None
    shared.close()
