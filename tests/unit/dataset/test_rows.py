from __future__ import annotations

import errno
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import duckdb
import msgspec
import pytest

from meantime.dataset import row_files
from meantime.dataset.row_files import FileDigest, RowFiles, measure, row_file
from meantime.dataset.rows import SourceRow, SourceRows
from meantime.dataset.snapshot import About
from meantime.dataset.snapshot_folder import open_snapshot
from meantime.dataset.snapshot_writer import write_snapshot
from meantime.errors import SnapshotDamaged, StoreFull, StorePaused
from tests.support.factories import snapshot

# A path of a pattern's characters, quotes and spaces: none of them may mean anything.
ODD = "o[d]d *?'\"; {a,b} é"


def about(**changes: Any) -> About:
    changes = {"roles": {"question": "Question", "location": "State", "value": 'Value "%"'}} | changes
    return msgspec.structs.replace(
        snapshot([]).about, columns=("State", "Question", 'Value "%"'), questions=(), **changes
    )


def write_rows(
    folder: Path, rows: Sequence[Sequence[str | None]], *, file_number: int = 0, lines: Sequence[int] | None = None
) -> None:
    path = folder / "rows" / f"{file_number:04}.parquet"
    path.parent.mkdir(parents=True, exist_ok=True)
    columns = "c0 VARCHAR, c1 VARCHAR, c2 VARCHAR" + (", line BIGINT" if lines else "")
    with duckdb.connect() as database:
        database.execute(f"CREATE TABLE kept ({columns})")
        for number, row in enumerate(rows):
            values = [*row, *([lines[number]] if lines else [])]
            database.execute(f"INSERT INTO kept VALUES ({', '.join('?' * len(values))})", values)
        # DuckDB takes no bound name here, and the odd one is not for its grammar.
        made = folder.parent / "made.parquet"
        database.execute(f"COPY kept TO '{made}' (FORMAT parquet)")
    made.replace(path)


def rows_of(folder: Path, of: About, *, on_damage: Callable[[], None] = lambda: None) -> SourceRows:
    digests = []
    for number in range(len(of.files)):
        path = folder / row_file(number)
        digests.append(measure(path) if path.is_file() else FileDigest(size_bytes=1, digest=""))
    return SourceRows(RowFiles(folder, digests, on_damage=on_damage), of)


UTAH, OHIO, NONE = ("Utah", "Q", "1.0"), ("Ohio", "Q", "2.50"), ("Utah", "R", None)


def test_rows_come_as_text_with_their_file_and_line(tmp_path: Path) -> None:
    write_rows(tmp_path / "s", [UTAH, OHIO])
    assert rows_of(tmp_path / "s", about(files=("a.csv",))).select({}) == [
        SourceRow(file="a.csv", line=2, cells={"State": "Utah", "Question": "Q", 'Value "%"': "1.0"}),
        SourceRow(file="a.csv", line=3, cells={"State": "Ohio", "Question": "Q", 'Value "%"': "2.50"}),
    ]


def test_the_line_is_the_one_that_was_kept_where_lines_do_not_follow_each_other(tmp_path: Path) -> None:
    write_rows(tmp_path / "s", [UTAH, OHIO, NONE], lines=[2, 7, 9])
    rows = rows_of(tmp_path / "s", about(files=("a.csv",)))
    assert [row.line for row in rows.select({})] == [2, 7, 9]
    assert [row.line for row in rows.select({"location": "Utah"})] == [2, 9]


def test_rows_are_selected_by_the_texts_of_their_roles(tmp_path: Path) -> None:
    write_rows(tmp_path / "s", [UTAH, OHIO, NONE])
    rows = rows_of(tmp_path / "s", about(files=("a.csv",)))
    assert [row.line for row in rows.select({"location": "Utah"})] == [2, 4]
    assert [row.line for row in rows.select({"location": "Utah", "question": "Q"})] == [2]
    assert rows.select({"location": "utah"}) == []
    assert rows.select({"location": "' OR true --"}) == []


def test_nothing_is_an_empty_text(tmp_path: Path) -> None:
    write_rows(tmp_path / "s", [UTAH, NONE, ("Utah", "R", "")])
    rows = rows_of(tmp_path / "s", about(files=("a.csv",)))
    selected = rows.select({"value": ""})
    assert [row.line for row in selected] == [3, 4]
    assert [row.cells['Value "%"'] for row in selected] == ["", ""]


def test_a_role_without_a_column_is_nothing_in_every_row(tmp_path: Path) -> None:
    write_rows(tmp_path / "s", [UTAH, OHIO])
    rows = rows_of(tmp_path / "s", about(files=("a.csv",)))
    assert len(rows.select({"category": ""})) == 2
    assert rows.select({"category": "Age", "location": "Utah"}) == []


def test_two_roles_of_one_column_are_both_compared(tmp_path: Path) -> None:
    write_rows(tmp_path / "s", [("Utah", "2018", "1"), ("Utah", "2019", "1")])
    roles = {"first_year": "Question", "last_year": "Question"}
    rows = rows_of(tmp_path / "s", about(files=("a.csv",), roles=roles))
    assert [row.line for row in rows.select({"first_year": "2019", "last_year": "2019"})] == [3]
    assert rows.select({"first_year": "2018", "last_year": "2019"}) == []


def test_rows_of_several_files_come_in_order_with_file_names(tmp_path: Path) -> None:
    write_rows(tmp_path / "s", [UTAH, OHIO])
    write_rows(tmp_path / "s", [OHIO], file_number=1)
    rows = rows_of(tmp_path / "s", about(files=("a's.csv", 'b".csv')))
    assert [(row.file, row.line) for row in rows.select({"location": "Ohio"})] == [("a's.csv", 3), ('b".csv', 2)]


def test_many_rows_keep_their_order(tmp_path: Path) -> None:
    # More than one row group, so that several threads read.
    path = tmp_path / "s" / "rows" / "0000.parquet"
    path.parent.mkdir(parents=True)
    with duckdb.connect() as database:
        database.execute(
            f"COPY (SELECT range::VARCHAR AS c0, 'Q' AS c1, '1' AS c2 FROM range(80000)) TO '{path}' "
            "(FORMAT parquet, ROW_GROUP_SIZE 20000)"
        )
    selected = rows_of(tmp_path / "s", about(files=("a.csv",))).select({"question": "Q"})
    assert [int(row.cells["State"]) for row in selected] == list(range(80_000))
    assert [row.line for row in selected] == list(range(2, 80_002))


def test_an_odd_path_is_a_path_like_any_other(tmp_path: Path) -> None:
    write_rows(tmp_path / ODD, [UTAH])
    write_rows(tmp_path / "odd x'\"; a é", [OHIO])  # what the odd one would find, were it a pattern
    assert [row.cells["State"] for row in rows_of(tmp_path / ODD, about(files=("a.csv",))).select({})] == ["Utah"]


def test_missing_rows_are_damage_even_where_the_path_fits_others(tmp_path: Path) -> None:
    write_rows(tmp_path / "odd", [UTAH])
    (tmp_path / "o[d]d").mkdir()
    with pytest.raises(SnapshotDamaged, match=r"rows/0000\.parquet is missing"):
        rows_of(tmp_path / "o[d]d", about(files=("a.csv",))).select({})


@pytest.mark.parametrize("content", [b"", b"PAR1", b"no rows at all"])
def test_rows_of_another_size_are_damage(tmp_path: Path, content: bytes) -> None:
    write_rows(tmp_path / "s", [UTAH])
    rows = rows_of(tmp_path / "s", about(files=("a.csv",)))
    (tmp_path / "s" / "rows" / "0000.parquet").write_bytes(content)
    with pytest.raises(SnapshotDamaged, match=r"rows/0000\.parquet has \d+ bytes instead of") as caught:
        rows.select({})
    assert str(tmp_path) not in caught.value.reason
    assert str(tmp_path) in caught.value.operator_reason


def test_every_flipped_bit_is_damage_also_after_the_rows_were_read(tmp_path: Path) -> None:
    write_rows(tmp_path / "s", [UTAH, OHIO])
    damages: list[str] = []
    rows = rows_of(tmp_path / "s", about(files=("a.csv",)), on_damage=lambda: damages.append("told"))
    path = tmp_path / "s" / "rows" / "0000.parquet"
    sound = path.read_bytes()
    before = rows.select({})
    for at in range(len(sound)):
        # In place, as a disk does it: same size and inode, and most likely the same time of modification.
        with path.open("r+b") as file:
            file.seek(at)
            file.write(bytes([sound[at] ^ 1 << at % 8]))
        with pytest.raises(SnapshotDamaged, match="has changed since it was written"):
            rows.select({})
        with path.open("r+b") as file:
            file.seek(at)
            file.write(sound[at : at + 1])
    assert len(damages) == len(sound)
    assert rows.select({}) == before


def test_a_file_is_hashed_once_and_again_only_when_it_has_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_rows(tmp_path / "s", [UTAH])
    path = tmp_path / "s" / "rows" / "0000.parquet"
    rows = rows_of(tmp_path / "s", about(files=("a.csv",)))
    hashed: list[Path] = []

    def measured(each: Path) -> FileDigest:
        hashed.append(each)
        return measure(each)

    monkeypatch.setattr(row_files, "measure", measured)
    rows.select({})
    assert len(hashed) == 1
    # A file that was only just written may be written to again within the same step of its time.
    rows.select({})
    assert len(hashed) == 2
    monkeypatch.setattr(row_files, "_SETTLED_NS", -(10**18))
    for _ in range(3):
        rows.select({})
    assert len(hashed) == 3
    os.utime(path)
    rows.select({})
    assert len(hashed) == 4


def test_rows_that_are_replaced_while_they_are_read_are_damage(tmp_path: Path) -> None:
    write_rows(tmp_path / "s", [UTAH])
    rows = rows_of(tmp_path / "s", about(files=("a.csv",)))
    with pytest.raises(SnapshotDamaged, match="was changed while it was read"), rows.opened() as (path,):
        path.write_bytes(path.read_bytes())

    def read_half(path: Path) -> None:
        path.write_bytes(path.read_bytes())
        raise duckdb.InvalidInputException("half a file")

    with pytest.raises(SnapshotDamaged, match="was changed while it was read"), rows.opened() as (path,):
        read_half(path)


def test_an_error_of_duckdb_on_sound_rows_is_no_damage(tmp_path: Path) -> None:
    write_rows(tmp_path / "s", [UTAH])
    rows = rows_of(tmp_path / "s", about(files=("a.csv",)))
    with pytest.raises(duckdb.BinderException), rows.opened():
        raise duckdb.BinderException("a bug")
    with pytest.raises(StoreFull, match="disk is full"), rows.opened():
        raise duckdb.IOException("Could not write file: No space left on device")
    with pytest.raises(StorePaused, match="at the moment"), rows.opened():
        raise OSError(errno.EMFILE, "Too many open files")
    with pytest.raises(StorePaused, match="at the moment"), rows.opened():
        raise duckdb.IOException("Cannot open file: Too many open files")


def test_rows_that_the_machine_cannot_open_now_are_no_damage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_rows(tmp_path / "s", [UTAH])
    rows = rows_of(tmp_path / "s", about(files=("a.csv",)))

    def refuse(_: Path) -> FileDigest:
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))

    with monkeypatch.context() as trouble:
        trouble.setattr(row_files, "measure", refuse)
        with pytest.raises(StorePaused):
            rows.select({})
    assert len(rows.select({})) == 1


# ---- of a snapshot ----


def test_an_opened_snapshot_leads_to_its_rows(tmp_path: Path) -> None:
    write_rows(tmp_path / "made", [UTAH, OHIO])
    made = snapshot([])
    folder = write_snapshot(
        made.cube, about(files=("a.csv",)), [tmp_path / "made" / "rows" / "0000.parquet"], tmp_path / "in"
    )
    rows = SourceRows.of(open_snapshot(folder))
    assert [row.cells["State"] for row in rows.select({})] == ["Utah", "Ohio"]
    with rows.opened() as paths:
        assert paths == (folder / "rows" / "0000.parquet",)
    paths[0].unlink()
    with pytest.raises(SnapshotDamaged, match=r"0000\.parquet is missing"), rows.opened():
        pass


def test_a_snapshot_that_was_never_written_has_no_rows_to_read() -> None:
    with pytest.raises(SnapshotDamaged, match="in memory only"):
        SourceRows.of(snapshot([]))
