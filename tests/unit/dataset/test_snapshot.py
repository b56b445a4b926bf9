from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from meantime.dataset.cube import Cube
from meantime.dataset.snapshot import About, Break, QuestionMetadata, Rejected, Snapshot, fingerprint
from meantime.dataset.snapshot_folder import FORMAT_VERSION, fingerprint_of, open_snapshot
from meantime.dataset.snapshot_writer import SnapshotWriter, write_snapshot
from meantime.dataset.standard_population import StandardPopulation
from meantime.errors import LoadFailed, SnapshotDamaged, StorePaused
from tests.support.factories import cube, row, snapshot
from tests.support.tables import Row, tables
from tests.support.whole import whole

ROWS = [
    row("Q", "Utah", "28.8", category="Age", stratum="18 - 24", period=(2018, 2018), low=28.1, high=29.5),
    row("Q", "Ohio", "30.1", category="Age", stratum="18 - 24", period=(2018, 2018), sample_size=842, unit="cups"),
    row("Q", "Ohio", None, reason="~", footnote="Data not available"),
    row("R", "Guam", "1e25"),  # its square is far beyond int64
    row("R", "Guam", "-0.5"),
]


def about(**changes: Any) -> About:
    return msgspec.structs.replace(snapshot(ROWS).about, **changes)


def rows_file(folder: Path, text: str = "the rows") -> Path:
    """What stands for a Parquet file: a snapshot keeps it and does not look into it."""
    path = folder / f"{hashlib.sha256(text.encode()).hexdigest()}.parquet"
    path.write_text(text)
    return path


def write_one(into: Path, *, rows: str = "the rows", content: Cube | None = None, **changes: Any) -> Path:
    with tempfile.TemporaryDirectory(dir=into.parent) as outside:
        return write_snapshot(content or cube(ROWS), about(**changes), [rows_file(Path(outside), rows)], into)


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A snapshot on disk, for tests that copy it before they harm it."""
    return write_one(tmp_path_factory.mktemp("written") / "snapshots")


@pytest.fixture
def copy(written: Path, tmp_path: Path) -> Path:
    return shutil.copytree(written, tmp_path / written.name)


def _assert_same(one: Cube, other: Cube) -> None:
    """Array by array, type by type."""
    assert (one.labels, one.scale, one.starts.tolist()) == (other.labels, other.scale, other.starts.tolist())
    assert one.location_cells.tolist() == other.location_cells.tolist()
    for code in range(len(one.labels.questions)):
        assert one.outline(code) == other.outline(code)
        ours, theirs = one.block(code), other.block(code)
        assert (ours.start, ours.scale) == (theirs.start, theirs.scale)
        for left, right in (
            (ours.cells, theirs.cells),
            (ours.cells.moments, theirs.cells.moments),
            (ours.by_location.moments, theirs.by_location.moments),
            (one.by_question.moments, other.by_question.moments),
        ):
            for field in fields(left):
                a, b = getattr(left, field.name), getattr(right, field.name)
                if isinstance(a, np.ndarray):
                    assert (a.dtype, a.shape) == (b.dtype, b.shape), field.name
                    assert a.tolist() == b.tolist() if a.dtype == object else a.tobytes() == b.tobytes(), field.name


def test_what_was_written_comes_back(tmp_path: Path) -> None:
    folder = write_one(tmp_path / "snapshots", title="Obesity")
    opened = open_snapshot(folder)
    given_cube = cube(ROWS)
    assert opened.fingerprint == folder.name == fingerprint(given_cube, about())
    assert opened.about == about(title="Obesity")
    _assert_same(opened.cube, given_cube)
    assert fingerprint(opened.cube, opened.about) == opened.fingerprint
    assert (folder / "rows" / "0000.parquet").read_text() == "the rows"


def test_a_snapshot_of_no_rows_and_no_files_comes_back(tmp_path: Path) -> None:
    folder = write_snapshot(cube([]), about(files=(), questions=()), [], tmp_path)
    assert open_snapshot(folder).cube.rows == 0


def test_integers_longer_than_python_prints_come_back(tmp_path: Path) -> None:
    rows = [row(value="1e-2500"), row(value="1")]
    folder = write_one(tmp_path / "snapshots", content=cube(rows), questions=(QuestionMetadata(text="Q"),))
    opened = open_snapshot(folder).cube
    assert opened.by_question.moments.squares.tolist() == [1 + 10**5000]


def test_a_number_of_rows_other_than_of_files_is_a_bug(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="1 files were read, but rows of 0 files were passed"):
        write_snapshot(cube(ROWS), about(), [], tmp_path)


def test_the_rows_are_moved_in_and_nothing_else_is_left(tmp_path: Path) -> None:
    path = rows_file(tmp_path)
    folder = write_snapshot(cube(ROWS), about(), [path], tmp_path / "snapshots")
    assert not path.exists()
    assert list((tmp_path / "snapshots").iterdir()) == [folder]


def test_a_snapshot_is_built_in_the_folder_that_the_caller_cleans_up(tmp_path: Path) -> None:
    work = tmp_path / "work"
    work.mkdir()
    folder = write_snapshot(cube(ROWS), about(), [rows_file(tmp_path)], tmp_path / "snapshots", work=work)
    assert list((tmp_path / "snapshots").iterdir()) == [folder]
    assert list(work.iterdir()) == []


def test_a_disk_that_cannot_be_written_to_is_reported_and_nothing_is_left_behind(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(LoadFailed, match="could not be written"):
        write_snapshot(cube(ROWS), about(files=()), [], tmp_path / "file" / "snapshots")
    with pytest.raises(LoadFailed, match="could not be written"):
        write_snapshot(cube(ROWS), about(), [tmp_path / "absent.parquet"], tmp_path / "snapshots")
    assert list((tmp_path / "snapshots").iterdir()) == []


@given(rows=tables)
def test_any_table_comes_back(tmp_path_factory: pytest.TempPathFactory, rows: list[Row]) -> None:
    given_cube = cube(rows)
    questions = tuple(QuestionMetadata(text=text) for text in given_cube.labels.questions)
    described = about(files=(), questions=questions)
    opened = open_snapshot(write_snapshot(given_cube, described, [], tmp_path_factory.mktemp("any")))
    _assert_same(opened.cube, given_cube)
    assert fingerprint(given_cube, described) == opened.fingerprint


# ---- question by question ----


def test_questions_that_are_written_one_by_one_are_the_same_table(tmp_path: Path) -> None:
    whole_table = write_one(tmp_path / "one")
    with SnapshotWriter(tmp_path / "other") as writer:
        for text in "QR":
            # Each with its own labels, and at its own scale.
            writer.add_question(cube([each for each in ROWS if each["question"] == text]))
        folder = writer.finish(about(), [rows_file(tmp_path)])
    assert folder.name == whole_table.name
    for name in ("cells.bin", "manifest.json"):
        assert (folder / name).read_bytes() == (whole_table / name).read_bytes()
    _assert_same(open_snapshot(folder).cube, open_snapshot(whole_table).cube)


def test_questions_out_of_order_and_tables_of_several_are_bugs(tmp_path: Path) -> None:
    with SnapshotWriter(tmp_path / "snapshots") as writer:
        writer.add_question(cube([row("R")]))
        with pytest.raises(ValueError, match="comes after"):
            writer.add_question(cube([row("Q")]))
        with pytest.raises(ValueError, match="values to unpack"):
            writer.add_question(cube(ROWS))
        with pytest.raises(ValueError, match="are not those that are described"):
            writer.finish(about(), [rows_file(tmp_path)])
    assert list((tmp_path / "snapshots").iterdir()) == []


def test_a_question_has_the_same_bytes_and_digest_whatever_other_questions_there_are(tmp_path: Path) -> None:
    def entries(rows: list[Row]) -> dict[str, Any]:
        table = cube(rows)
        questions = tuple(QuestionMetadata(text=text) for text in table.labels.questions)
        folder = write_snapshot(table, about(files=(), questions=questions), [], tmp_path)
        manifest = json.loads((folder / "manifest.json").read_bytes())["manifest"]
        return dict(zip(table.labels.questions, manifest["questions"], strict=True))

    alone, among = entries(ROWS[:3]), entries([row("A", "Alabama", "0.125", period=(1999, 1999)), *ROWS])
    changed = entries([row("Q", "Ohio", "30.2"), *ROWS[:3]])
    for name in ("content", "digest"):
        assert alone["Q"][name] == among["Q"][name] != changed["Q"][name]
    assert alone["Q"]["block"]["digest"] == among["Q"]["block"]["digest"]


def test_questions_with_the_same_labels_share_their_codes(tmp_path: Path) -> None:
    table = cube([row(question, place) for question in "ABC" for place in ("Ohio", "Utah")])
    questions = tuple(QuestionMetadata(text=text) for text in "ABC")
    folder = write_snapshot(table, about(files=(), questions=questions), [], tmp_path)
    manifest = json.loads((folder / "manifest.json").read_bytes())["manifest"]
    assert len({each["codes"]["offset"] for each in manifest["questions"]}) == 1


# ---- the fingerprint ----


def test_the_fingerprint_of_a_content_stays_what_it_is() -> None:
    # Kept jobs name fingerprints. When this fails, FINGERPRINT_VERSION has to count up, and this text to change.
    percent = [row | {"unit": "%"} if "unit" in row else row for row in ROWS]
    assert fingerprint(cube(percent), about()) == "1ce7dd6c47b340edc0f714958f4ab3cdb835803e75ac84f0f484ccec3a21b679"


def test_breaks_and_standards_are_part_of_the_fingerprint_only_where_there_are_any() -> None:
    plain, [question, *others] = fingerprint(cube(ROWS), about()), about().questions
    ours = StandardPopulation(name="ours", title="Ours", source="Census", weights={"18-44": 3.0, "45+": 2.0})
    moved = Break(year=2018, reason="moved to the web", source="Report 7")

    def with_breaks(*breaks: Break) -> str:
        broken = msgspec.structs.replace(question, breaks=breaks)
        return fingerprint(cube(ROWS), about(questions=(broken, *others)))

    def with_standard(**changes: Any) -> str:
        return fingerprint(cube(ROWS), about(standards=(msgspec.structs.replace(ours, **changes),)))

    different = {
        plain,
        # That a question has none of the breaks that its text shows is content too.
        with_breaks(),
        with_breaks(moved),
        with_breaks(msgspec.structs.replace(moved, year=2019)),
        with_breaks(msgspec.structs.replace(moved, reason="by telephone")),
        with_breaks(msgspec.structs.replace(moved, source="Report 8")),
        with_standard(),
        with_standard(name="theirs"),
        with_standard(source="Register"),
        with_standard(weights={"18-44": 3.0, "45+": 2.5}),
    }
    assert len(different) == 10
    assert fingerprint(cube(ROWS), about(standards=())) == plain


def test_breaks_and_standards_come_back_from_disk(tmp_path: Path) -> None:
    moved = Break(year=2018, reason="moved to the web", source="Report 7")
    questions = tuple(msgspec.structs.replace(each, breaks=(moved,)) for each in about().questions)
    ours = StandardPopulation(name="ours", title="Ours", source="Census", weights={"18-44": 3.0})
    opened = open_snapshot(write_one(tmp_path / "snapshots", questions=questions, standards=(ours,)))
    assert opened.about.standards == (ours,)
    assert [each.breaks for each in opened.about.questions] == [(moved,), (moved,)]
    assert fingerprint(opened.cube, opened.about) == opened.fingerprint


@given(order=st.permutations(ROWS))
def test_the_fingerprint_is_the_same_for_any_order_of_the_rows(order: list[Any]) -> None:
    assert fingerprint(cube(order), about()) == fingerprint(cube(ROWS), about())


@pytest.mark.parametrize(
    "changes",
    [
        {"title": "Another title"},
        {"files": ("other.csv",)},
        {"rejected_total": 7, "rejected": (Rejected(file="test.csv", line=7, reason="ragged"),)},
        {"encoding": "utf-16"},
        {"delimiter": ";"},
        {"decimal_mark": ","},
        {"columns": ("Question", "LocationDesc", "Data_Value", "Remark")},
        {"warnings": ("the decimal mark was guessed",)},
        {"questions": tuple(QuestionMetadata(text=text, unit="percent", topic="a topic") for text in "QR")},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_the_form_of_the_file_is_not_in_the_fingerprint(changes: dict[str, Any]) -> None:
    assert fingerprint(cube(ROWS), about(**changes)) == fingerprint(cube(ROWS), about())


@pytest.mark.parametrize(
    "changes",
    [
        {"synthetic": True},
        {"roles": {"question": "Question", "location": "LocationDesc", "value": "Data_Value_Alt"}},
        {"questions": tuple(QuestionMetadata(text=text, unit="minutes") for text in "QR")},
        {"questions": tuple(QuestionMetadata(text=text, unit="percent", polarity="lower") for text in "QR")},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_what_a_result_depends_on_is_in_the_fingerprint(changes: dict[str, Any]) -> None:
    assert fingerprint(cube(ROWS), about(**changes)) != fingerprint(cube(ROWS), about())


@pytest.mark.parametrize("index", range(len(ROWS)))
@pytest.mark.parametrize(
    "change",
    [
        {"question": "S"},
        {"location": "Iowa"},
        {"value": "7"},
        {"value": "7.125"},
        {"category": "Sex"},
        {"stratum": "Male"},
        {"period": (2011, 2018)},
        {"value_type": "Crude"},
        {"unit": "minutes"},
        {"reason": "*", "value": None},
        {"footnote": "another"},
        {"low": 1.5},
        {"high": 1.5},
        {"sample_size": 1.5},
    ],
    ids=lambda change: next(iter(change)),
)
def test_any_change_of_a_row_is_in_the_fingerprint(index: int, change: dict[str, Any]) -> None:
    changed = [{**one, **change} if at == index else one for at, one in enumerate(ROWS)]
    # The last two rows share a cell, and a mixed cell has none of these.
    expected_same = index >= 3 and next(iter(change)) in ("footnote", "low", "high", "sample_size")
    assert (fingerprint(cube(changed), about()) == fingerprint(cube(ROWS), about())) is expected_same


def test_only_names_of_snapshots_have_a_fingerprint() -> None:
    name = "0a" * 32
    assert fingerprint_of(name) == name
    assert fingerprint_of(f"{name}.{'b' * 16}") == name
    for other in (name[1:], name.upper(), f"{name}.b", f".{name}", f"{name}\n", f"../{name}", "sources.json", "é" * 64):
        assert fingerprint_of(other) is None


# ---- what is there already ----


def test_the_same_snapshot_written_again_is_kept(tmp_path: Path) -> None:
    folder = write_one(tmp_path / "snapshots")
    inode = folder.stat().st_ino
    assert write_one(tmp_path / "snapshots") == folder
    assert folder.stat().st_ino == inode
    assert list((tmp_path / "snapshots").iterdir()) == [folder]


@pytest.mark.parametrize("other", [{"rows": "the rows in another order"}, {"title": "Another title"}])
def test_another_layout_of_the_same_content_is_kept_with_the_first(tmp_path: Path, other: dict[str, Any]) -> None:
    first = write_one(tmp_path / "snapshots")
    before = _bytes_in(first)
    second = write_one(tmp_path / "snapshots", **other)
    assert second != first
    assert _bytes_in(first) == before
    assert open_snapshot(second).fingerprint == open_snapshot(first).fingerprint
    assert write_one(tmp_path / "snapshots", **other) == second
    assert write_one(tmp_path / "snapshots") == first
    assert sorted((tmp_path / "snapshots").iterdir()) == sorted([first, second])


def _bytes_in(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def _cut_cube(folder: Path) -> None:
    (folder / "cells.bin").write_bytes(b"")


def _cut_rows(folder: Path) -> None:
    (folder / "rows" / "0000.parquet").unlink()


def _flip_rows(folder: Path) -> None:
    # Of the same length: not seen when it is opened, but before it is kept in place of a good one.
    (folder / "rows" / "0000.parquet").write_text("the ruws")


def _replace_by_a_file(folder: Path) -> None:
    shutil.rmtree(folder)
    folder.touch()


def _replace_by_an_empty_folder(folder: Path) -> None:
    shutil.rmtree(folder)
    folder.mkdir()


@pytest.mark.parametrize(
    "harm",
    [_cut_cube, _cut_rows, _flip_rows, _replace_by_a_file, _replace_by_an_empty_folder],
    ids=lambda f: f.__name__,
)
def test_a_damaged_snapshot_is_replaced_by_a_sound_one(tmp_path: Path, harm: Callable[[Path], None]) -> None:
    folder = write_one(tmp_path / "snapshots")
    harm(folder)
    assert write_one(tmp_path / "snapshots") == folder
    open_snapshot(folder)
    assert (folder / "rows" / "0000.parquet").read_text() == "the rows"
    assert list((tmp_path / "snapshots").iterdir()) == [folder]


@pytest.mark.parametrize("is_damaged_before", [False, True])
def test_several_may_write_the_same_snapshot_at_a_time(tmp_path: Path, is_damaged_before: bool) -> None:
    if is_damaged_before:
        _cut_cube(write_one(tmp_path / "snapshots"))
    with ThreadPoolExecutor(8) as pool:
        folders = set(pool.map(lambda _: write_one(tmp_path / "snapshots"), range(16)))
    [folder] = folders
    open_snapshot(folder)
    assert list((tmp_path / "snapshots").iterdir()) == [folder]


# ---- damage ----


@given(
    name=st.sampled_from(["manifest.json", "rows.json", "cells.bin"]),
    where=st.floats(0, 1, exclude_max=True),
    bit=st.integers(0, 7),
)
def test_any_flipped_bit_is_damage(written: Path, name: str, where: float, bit: int) -> None:
    def flip(content: bytes) -> bytes:
        index = int(where * len(content))
        return content[:index] + bytes([content[index] ^ 1 << bit]) + content[index + 1 :]

    _assert_damaged_by(written, name, flip)


@given(
    name=st.sampled_from(["manifest.json", "rows.json", "cells.bin", "rows/0000.parquet"]),
    where=st.floats(0, 1, exclude_max=True),
)
def test_any_truncation_is_damage(written: Path, name: str, where: float) -> None:
    _assert_damaged_by(written, name, lambda content: content[: int(where * len(content))])


@given(name=st.sampled_from(["manifest.json", "rows.json", "cells.bin"]), content=st.binary(max_size=200))
def test_any_foreign_file_is_damage(written: Path, name: str, content: bytes) -> None:
    _assert_damaged_by(written, name, lambda _: content)


def _assert_damaged_by(written: Path, name: str, harm: Callable[[bytes], bytes]) -> None:
    with tempfile.TemporaryDirectory(dir=written.parent.parent) as folder:
        harmed = shutil.copytree(written, Path(folder) / written.name)
        (harmed / name).write_bytes(harm((harmed / name).read_bytes()))
        with pytest.raises(SnapshotDamaged, match="stored copy of the data is damaged") as caught:
            whole(open_snapshot(harmed).cube)
    assert folder not in caught.value.reason
    assert f"The snapshot in {harmed} is damaged" in caught.value.operator_reason


@pytest.mark.parametrize("number", [errno.EMFILE, errno.ENOMEM, errno.EIO])
def test_a_machine_that_cannot_open_a_file_now_is_not_damage(
    copy: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    def refuse(*_: Any) -> bytes:
        raise OSError(number, os.strerror(number))

    opened = open_snapshot(copy)
    with monkeypatch.context() as trouble:
        trouble.setattr(Path, "open", refuse)
        with pytest.raises(StorePaused, match="cannot be read at the moment"):
            opened.cube.block(0)
    assert len(opened.cube.block(0).cells) == 3
    monkeypatch.setattr(Path, "read_bytes", refuse)
    with pytest.raises(StorePaused, match="cannot be opened"):
        open_snapshot(copy)


@pytest.mark.parametrize("name", ["manifest.json", "rows.json", "cells.bin", "rows/0000.parquet"])
def test_a_missing_file_is_damage_and_named(copy: Path, name: str) -> None:
    (copy / name).unlink()
    with pytest.raises(SnapshotDamaged, match=name):
        open_snapshot(copy)


def test_a_folder_where_a_file_belongs_is_damage(copy: Path) -> None:
    (copy / "cells.bin").unlink()
    (copy / "cells.bin").mkdir()
    with pytest.raises(SnapshotDamaged, match=r"cells\.bin has"):
        open_snapshot(copy)


def test_a_missing_folder_is_damage(tmp_path: Path) -> None:
    with pytest.raises(SnapshotDamaged, match=r"manifest\.json cannot be read"):
        open_snapshot(tmp_path / ("0" * 64))


def test_a_snapshot_under_the_name_of_another_is_damage(copy: Path) -> None:
    with pytest.raises(SnapshotDamaged, match="it contains the snapshot"):
        open_snapshot(copy.rename(copy.with_name("0" * 64)))


def _reseal(folder: Path, **changes: Any) -> None:
    manifest = json.loads((folder / "manifest.json").read_bytes())["manifest"] | changes
    body = json.dumps(manifest).encode()
    (folder / "manifest.json").write_bytes(
        b'{"sha256":"%s","manifest":%s}' % (hashlib.sha256(body).hexdigest().encode(), body)
    )


def test_a_snapshot_of_another_format_is_refused_whatever_else_it_holds(copy: Path) -> None:
    _reseal(copy, format_version=FORMAT_VERSION + 1, about="in another form")
    with pytest.raises(SnapshotDamaged, match=f"it has format {FORMAT_VERSION + 1}"):
        open_snapshot(copy)


def test_a_manifest_without_what_belongs_into_it_is_damage(copy: Path) -> None:
    _reseal(copy, about="in another form")
    with pytest.raises(SnapshotDamaged, match=r"manifest\.json cannot be read"):
        open_snapshot(copy)


def test_rows_of_another_snapshot_are_damage(copy: Path, tmp_path: Path) -> None:
    shutil.copy(write_one(tmp_path / "others", synthetic=True) / "rows.json", copy)
    with pytest.raises(SnapshotDamaged, match=r"rows\.json is of the snapshot"):
        open_snapshot(copy)


@pytest.mark.parametrize(
    "content", [b"", b"no header", b"{}\n", b'{"columns":[]}\n', b'{"columns":[["location",{}]]}\n']
)
def test_cells_that_were_sealed_and_are_none_are_damage(copy: Path, content: bytes) -> None:
    manifest = json.loads((copy / "manifest.json").read_bytes())["manifest"]
    digest = hashlib.sha256(content).hexdigest()
    (copy / "cells.bin").write_bytes(content)
    piece = {"offset": 0, "size_bytes": len(content), "digest": digest}
    questions = [{**each, "block": piece, "codes": piece} for each in manifest["questions"]]
    _reseal(copy, questions=questions, cells_bytes=len(content))
    with pytest.raises(SnapshotDamaged, match="does not contain cells"):
        open_snapshot(copy).cube.block(0)


def test_snapshots_are_compared_by_identity() -> None:
    one = snapshot(ROWS)
    assert one == one
    assert one != replace(one)
    assert isinstance(hash(one), int)
    assert isinstance(one, Snapshot)
