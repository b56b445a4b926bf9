from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import duckdb
import msgspec
import pytest

from meantime.dataset.rows import SourceRow, SourceRows
from meantime.dataset.snapshot import About
from meantime.dataset.snapshot_folder import open_snapshot, write_snapshot
from meantime.errors import SnapshotDamaged
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


UTAH, OHIO, NONE = ("Utah", "Q", "1.0"), ("Ohio", "Q", "2.50"), ("Utah", "R", None)


def test_rows_come_as_text_with_their_file_and_line(tmp_path: Path) -> None:
    write_rows(tmp_path / "s", [UTAH, OHIO])
    assert SourceRows(tmp_path / "s", about(files=("a.csv",))).select({}) == [
        SourceRow(file="a.csv", line=2, cells={"State": "Utah", "Question": "Q", 'Value "%"': "1.0"}),
        SourceRow(file="a.csv", line=3, cells={"State": "Ohio", "Question": "Q", 'Value "%"': "2.50"}),
    ]


def test_the_line_is_the_one_that_was_kept_where_lines_do_not_follow_each_other(tmp_path: Path) -> None:
    write_rows(tmp_path / "s", [UTAH, OHIO, NONE], lines=[2, 7, 9])
    rows = SourceRows(tmp_path / "s", about(files=("a.csv",)))
    assert [row.line for row in rows.select({})] == [2, 7, 9]
    assert [row.line for row in rows.select({"location": "Utah"})] == [2, 9]


def test_rows_are_selected_by_the_texts_of_their_roles(tmp_path: Path) -> None:
    write_rows(tmp_path / "s", [UTAH, OHIO, NONE])
    rows = SourceRows(tmp_path / "s", about(files=("a.csv",)))
    assert [row.line for row in rows.select({"location": "Utah"})] == [2, 4]
    assert [row.line for row in rows.select({"location": "Utah", "question": "Q"})] == [2]
    assert rows.select({"location": "utah"}) == []
    assert rows.select({"location": "' OR true --"}) == []


def test_nothing_is_an_empty_text(tmp_path: Path) -> None:
    write_rows(tmp_path / "s", [UTAH, NONE, ("Utah", "R", "")])
    rows = SourceRows(tmp_path / "s", about(files=("a.csv",)))
    selected = rows.select({"value": ""})
    assert [row.line for row in selected] == [3, 4]
    assert [row.cells['Value "%"'] for row in selected] == ["", ""]


def test_a_role_without_a_column_is_nothing_in_every_row(tmp_path: Path) -> None:
    write_rows(tmp_path / "s", [UTAH, OHIO])
    rows = SourceRows(tmp_path / "s", about(files=("a.csv",)))
    assert len(rows.select({"category": ""})) == 2
    assert rows.select({"category": "Age", "location": "Utah"}) == []


def test_two_roles_of_one_column_are_both_compared(tmp_path: Path) -> None:
    write_rows(tmp_path / "s", [("Utah", "2018", "1"), ("Utah", "2019", "1")])
    roles = {"first_year": "Question", "last_year": "Question"}
    rows = SourceRows(tmp_path / "s", about(files=("a.csv",), roles=roles))
    assert [row.line for row in rows.select({"first_year": "2019", "last_year": "2019"})] == [3]
    assert rows.select({"first_year": "2018", "last_year": "2019"}) == []


def test_rows_of_several_files_come_in_order_with_file_names(tmp_path: Path) -> None:
    write_rows(tmp_path / "s", [UTAH, OHIO])
    write_rows(tmp_path / "s", [OHIO], file_number=1)
    rows = SourceRows(tmp_path / "s", about(files=("a's.csv", 'b".csv')))
    assert [(row.file, row.line) for row in rows.select({"location": "Ohio"})] == [("a's.csv", 3), ('b".csv', 2)]


def test_many_rows_keep_their_order(tmp_path: Path) -> None:
    # More than one row group, so that several threads read.
    path = tmp_path / "s" / "rows" / "0000.parquet"
    path.parent.mkdir(parents=True)
    with duckdb.connect() as database:
        database.execute(
            f"COPY (SELECT range::VARCHAR AS c0, 'Q' AS c1, '1' AS c2 FROM range(300000)) TO '{path}' "
            "(FORMAT parquet, ROW_GROUP_SIZE 20000)"
        )
    selected = SourceRows(tmp_path / "s", about(files=("a.csv",))).select({"question": "Q"})
    assert [int(row.cells["State"]) for row in selected] == list(range(300_000))
    assert [row.line for row in selected] == list(range(2, 300_002))


def test_an_odd_path_is_a_path_like_any_other(tmp_path: Path) -> None:
    write_rows(tmp_path / ODD, [UTAH])
    write_rows(tmp_path / "odd x'\"; a é", [OHIO])  # what the odd one would find, were it a pattern
    assert [row.cells["State"] for row in SourceRows(tmp_path / ODD, about(files=("a.csv",))).select({})] == ["Utah"]


def test_missing_rows_are_damage_even_where_the_path_fits_others(tmp_path: Path) -> None:
    write_rows(tmp_path / "odd", [UTAH])
    (tmp_path / "o[d]d").mkdir()
    with pytest.raises(SnapshotDamaged, match=r"rows/0000\.parquet is missing"):
        SourceRows(tmp_path / "o[d]d", about(files=("a.csv",))).select({})


@pytest.mark.parametrize("content", [b"", b"PAR1", b"PAR1" + 100 * b"\x00" + b"PAR1", b"no rows at all"])
def test_rows_that_cannot_be_read_are_damage(tmp_path: Path, content: bytes) -> None:
    write_rows(tmp_path / "s", [UTAH])
    (tmp_path / "s" / "rows" / "0000.parquet").write_bytes(content)
    with pytest.raises(SnapshotDamaged, match=r"rows/0000\.parquet cannot be read"):
        SourceRows(tmp_path / "s", about(files=("a.csv",))).select({})


def test_bytes_that_are_not_text_are_damage(tmp_path: Path) -> None:
    write_rows(tmp_path / "s", [UTAH])
    path = tmp_path / "s" / "rows" / "0000.parquet"
    path.write_bytes(path.read_bytes().replace(b"Utah", b"\xff\xfeah"))
    with pytest.raises(SnapshotDamaged, match=r"rows/0000\.parquet cannot be read"):
        SourceRows(tmp_path / "s", about(files=("a.csv",))).select({})


def test_rows_of_other_columns_are_damage(tmp_path: Path) -> None:
    write_rows(tmp_path / "s", [UTAH])
    wider = msgspec.structs.replace(about(files=("a.csv",)), columns=("State", "Question", 'Value "%"', "Remark"))
    with pytest.raises(SnapshotDamaged, match=r"rows/0000\.parquet cannot be read"):
        SourceRows(tmp_path / "s", wider).select({})


# ---- of a snapshot ----


def test_an_opened_snapshot_leads_to_its_rows(tmp_path: Path) -> None:
    write_rows(tmp_path / "made", [UTAH, OHIO])
    made = snapshot([])
    folder = write_snapshot(
        made.cube, about(files=("a.csv",)), [tmp_path / "made" / "rows" / "0000.parquet"], tmp_path / "in"
    )
    rows = SourceRows.of(open_snapshot(folder))
    assert [row.cells["State"] for row in rows.select({})] == ["Utah", "Ohio"]
    assert rows.paths == (folder / "rows" / "0000.parquet",)
    rows.paths[0].unlink()
    with pytest.raises(SnapshotDamaged, match=r"0000\.parquet is missing"):
        _ = rows.paths


def test_a_snapshot_that_was_never_written_has_no_rows_to_read() -> None:
    with pytest.raises(SnapshotDamaged, match="in memory only"):
        SourceRows.of(snapshot([]))
