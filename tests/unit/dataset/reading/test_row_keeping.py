"""A table is the same whether its rows are kept with its cells or after them."""

from __future__ import annotations

import threading
from pathlib import Path

import msgspec
import pytest

from meantime.dataset.reading.ingestor import DataIngestor
from meantime.dataset.reading.progress import KEEPING_ROWS, Progress
from meantime.dataset.reading.source import Source
from meantime.dataset.rows import SourceRows
from meantime.dataset.snapshot import Snapshot
from meantime.dataset.snapshot_folder import editions_of, open_snapshot
from meantime.errors import LoadCancelled, LoadFailed, SnapshotDamaged, SourceChanged, SourceUnreadable
from tests.support.table_files import read_folder, rows, write

HEADER = "a,Question,b,LocationDesc,c,Data_Value,d,YearStart,e,Footnote,f"
CLEAN = [f"{n % 2},Q,y,Place {n % 5},z,{n}.5,,20{n % 3 + 10},e,,{n}" for n in range(60)]


def table(*records: str, header: str = HEADER) -> str:
    return "\n".join([header, *records, ""])


# What a table may have besides plain rows: each is decided, dropped or rewritten before its cells are made.
TABLES = {
    "clean": table(*CLEAN),
    "a cell each": table(*(f"x,Q,y,Place {n},z,{n},,2010,e,,f" for n in range(9))),
    "line ends of Windows": table(*CLEAN).replace("\n", "\r\n"),
    "another delimiter": table(*CLEAN).replace(",", ";"),
    "quotes": table(*CLEAN, 'x,"Q, or ""R""",y,Ohio,z,4.25,,2010,"e, e",,f'),
    "without a question or a place": table("x,,y,Ohio,z,1,,2010,e,,f", *CLEAN, "x,Q,y, ,z,1,,2010,e,,f"),
    "years that cannot be read": table(*CLEAN, "x,Q,y,Ohio,z,1,,soon,e,,f"),
    "thousands and flags": table(*CLEAN, 'x,Q,y,Ohio,z,"2,288 e",,2010,e,,f', 'x,Q,y,Ohio,z,"1,000,001",,2010,e,,f'),
    "reasons": table(*CLEAN, "x,Q,y,Ohio,z,,,2010,e,~,f", "x,Q,y,Ohio,z,-,,2010,e,,f"),
    "copies": table(*CLEAN, *CLEAN[:7]),
    "names with spaces": table(*CLEAN, "x,Q,y,Place 1 ,z,1,,2010,e,,f"),
    "letters beyond ASCII": table(*CLEAN, "x,Q,y,Köln,z,1,,2010,e,,ß"),
    "no line end at the end": table(*CLEAN).rstrip("\n"),
    "a field too many": table(*CLEAN, "x,Q,y,Ohio,z,1,,2010,e,,f,g"),
    "a quote that stays open": table(*CLEAN[:30], 'x,Q,y,"Ohio,z,1,,2010,e,,f', *CLEAN[30:]),
    "line ends in quotes": table(*CLEAN, 'x,Q,y,Ohio,z,1,,2010,"e\ne",,f'),
    "a tally": table(
        *(f"x,Q,y,Place {n},z,{n},,2010,e,{n % 3},f" for n in range(9)), header=HEADER.replace("Footnote", "row_count")
    ),
}


def about(snapshot: Snapshot) -> object:
    # What only whole rows show is said last where they come last.
    return msgspec.structs.replace(snapshot.about, warnings=tuple(sorted(snapshot.about.warnings)))


@pytest.mark.parametrize(("name", "ending"), [("clean", ".csv.gz"), *((name, ".csv") for name in TABLES)])
def test_a_table_is_the_same_when_its_rows_come_after_its_cells(tmp_path: Path, name: str, ending: str) -> None:
    columns = {"row_count": "row_count"} if name == "a tally" else {}
    path = write(tmp_path, TABLES[name], f"table{ending}")
    at_once = read_folder(path, columns=columns, into=tmp_path / "at once")
    answering: list[Snapshot] = []
    behind = read_folder(
        path,
        columns=columns,
        into=tmp_path / "behind",
        rows_behind=True,
        on_cells=lambda cells: answering.append(open_snapshot(cells)),
    )
    one, other = open_snapshot(at_once), open_snapshot(behind)
    assert other.fingerprint == one.fingerprint
    assert about(other) == about(one)
    assert rows(behind) == rows(at_once)
    # The last three are for the tolerant reader, which has whole rows at once.
    is_plain = name not in ("a field too many", "a quote that stays open", "line ends in quotes")
    assert [early.rows_pending for early in answering] == [True] * is_plain
    for early in answering:
        assert early.fingerprint == one.fingerprint
        assert early.about.rows_differ_in == one.about.rows_differ_in
        with SourceRows.of(early).opened() as paths:
            assert len(paths) == 1


def test_several_files_are_kept_after_their_cells_too(tmp_path: Path) -> None:
    for number in range(3):
        folder = tmp_path / "table"
        folder.mkdir(exist_ok=True)
        write(folder, table(*CLEAN[number * 20 :][:20], f"x,,y,Ohio,z,{number},,2010,e,,f"), f"{number}.csv")
    at_once = read_folder(folder, into=tmp_path / "at once")
    behind = read_folder(folder, into=tmp_path / "behind", rows_behind=True)
    assert rows(behind) == rows(at_once)
    assert about(open_snapshot(behind)) == about(open_snapshot(at_once))
    assert open_snapshot(behind).about.rows_differ_in == ("a",)


def test_a_table_whose_columns_mostly_have_a_role_is_read_at_once(tmp_path: Path) -> None:
    path = write(tmp_path, table("Q,Ohio,1,x", header="Question,LocationDesc,Data_Value,other"))
    cells: list[Path] = []
    folder = read_folder(path, rows_behind=True, on_cells=cells.append)
    assert not cells
    assert editions_of(folder) is not None
    assert not open_snapshot(folder).rows_pending


def test_a_file_that_changes_before_its_rows_are_kept_is_refused_and_its_cells_stay(tmp_path: Path) -> None:
    path = write(tmp_path, table(*CLEAN))
    cells: list[Path] = []

    def replace(folder: Path) -> None:
        cells.append(folder)
        write(tmp_path, table(*CLEAN, *CLEAN))

    with pytest.raises(SourceChanged):
        read_folder(path, rows_behind=True, on_cells=replace)
    assert open_snapshot(cells[0]).rows_pending
    # Even if nobody noticed: rows of other content are not put behind these cells.
    with pytest.raises(LoadFailed, match="the cells were made of 60 rows, and 120 were read"):
        read_folder(path, rows_of=cells[0].name)
    write(tmp_path, table(*CLEAN))
    assert read_folder(path, rows_of=cells[0].name) == cells[0]
    assert len(rows(cells[0])) == 60
    # A second time, they are there.
    assert read_folder(path, rows_of=cells[0].name) == cells[0]


class _Ended(Exception):
    """The reading process ended here."""


def test_a_process_of_its_own_tells_when_the_cells_can_answer_and_keeps_rows_later(tmp_path: Path) -> None:
    source = Source(name="a", path=str(write(tmp_path, table(*CLEAN))), columns={})
    ingestor = DataIngestor(memory_mb=512, rejected_limit=0.05, rows_behind_bytes=1)
    cells: list[Path] = []
    cancelled = threading.Event()

    def stop(progress: Progress) -> None:
        if progress.phase == KEEPING_ROWS:
            cancelled.set()

    with pytest.raises(LoadCancelled):
        ingestor.ingest(source, tmp_path / "into", on_progress=stop, on_cells=cells.append, cancelled=cancelled)
    assert open_snapshot(cells[0]).rows_pending
    reports: list[Progress] = []
    assert ingestor.keep_rows(source, cells[0], on_progress=reports.append) == cells[0]
    assert len(rows(cells[0])) == 60
    assert {"looking", KEEPING_ROWS} <= {each.phase for each in reports}
    # Read again as a whole, it is recognized.
    assert ingestor.ingest(source, tmp_path / "into") == cells[0]
    assert list((tmp_path / "into").iterdir()) == cells


def test_rows_are_not_put_behind_damaged_cells(tmp_path: Path) -> None:
    path = write(tmp_path, table(*CLEAN))
    cells: list[Path] = []

    def end(folder: Path) -> None:
        cells.append(folder)
        raise _Ended

    with pytest.raises(_Ended):
        read_folder(path, rows_behind=True, on_cells=end)
    manifest = cells[0] / "manifest.json"
    manifest.write_bytes(manifest.read_bytes().replace(b"Place", b"Plaza"))
    with pytest.raises(SnapshotDamaged):
        read_folder(path, rows_of=cells[0].name)
    # Damaged, they are made again under the same name.
    assert read_folder(path, rows_behind=True) == cells[0]
    assert len(rows(cells[0])) == 60


def test_a_file_that_is_refused_has_no_cells(tmp_path: Path) -> None:
    path = write(tmp_path, table(*(row.replace("5", "x").replace(".", "y") for row in CLEAN)))
    with pytest.raises(SourceUnreadable, match="None of the 60 rows"):
        read_folder(path, rows_behind=True)
