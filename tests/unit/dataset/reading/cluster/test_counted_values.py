"""What counts values in rows counts those of a tally as often as they are there."""

from __future__ import annotations

from pathlib import Path

from meantime.dataset.reading.source import Source
from meantime.dataset.snapshot import Snapshot
from meantime.model import Unwatched
from meantime.statistics.check import check
from meantime.table import Table
from tests.support.table_files import HEADER, read, write
from tests.support.tallied_here import read_tallied

# Copies, so that a line of a tally is several rows; and a cell of more rows than its sums determine.
VALUES = [1, 1, 1, 2, 3, 3, 5, 8, 8, 8]


def summary(snapshot: Snapshot) -> Table:
    return check("summary", {"question": "Tea", "quantiles": [0.25, 0.5, 0.9]}, snapshot).compute(Unwatched())


def test_quantiles_are_those_of_all_rows(tmp_path: Path) -> None:
    folder = tmp_path / "files"
    folder.mkdir()
    for number in range(2):
        rows = "\n".join(f"Tea,Avalon,{value}" for value in VALUES[number::2])
        write(folder, f"{HEADER}\n{rows}\n", name=f"{number}.csv")
    here = read(folder, into=tmp_path / "here")
    tallied = read_tallied(Source(name="t", path=str(folder)), tmp_path / "tallied", tmp_path / "work")
    assert tallied.fingerprint == here.fingerprint
    assert tallied.about.copies == here.about.copies
    assert here.about.copies
    assert summary(tallied).data == summary(here).data
    [said] = [text for text in tallied.about.warnings if "several rows" in text]
    assert said.startswith("1 cell has several rows.")
    assert "was not looked for, because a cluster has read the files" in said
