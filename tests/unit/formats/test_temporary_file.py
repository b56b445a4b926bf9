"""A form that is written to a file first: nothing stays behind, however it ends."""

from __future__ import annotations

import errno
import tempfile
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest

from meantime.errors import StoreFull, StorePaused
from meantime.formats.format import Format
from meantime.formats.registry import FORMATS
from meantime.formats.writers import temporary_file
from tests.support.result_documents import of_names


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def write_a_megabyte(path: Path) -> Iterator[None]:
    path.with_suffix(".other").write_bytes(b"beside it")
    yield
    path.write_bytes(bytes(range(256)) * 4096)


def test_it_is_read_piece_by_piece_and_then_gone(folder: Path) -> None:
    pieces = list(temporary_file.pieces_of(write_a_megabyte))
    # The empty one is a chance to stop while the file is written.
    assert [bool(piece) for piece in pieces] == [False, True, True, True, True]
    assert b"".join(pieces) == bytes(range(256)) * 4096
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("taken", [1, 2])
def test_a_reader_that_stops_early_leaves_no_files(folder: Path, taken: int) -> None:
    pieces = temporary_file.pieces_of(write_a_megabyte)
    for _ in range(taken):
        next(pieces)
    assert len(list(folder.iterdir())) == 1
    assert isinstance(pieces, Generator)
    pieces.close()
    assert list(folder.iterdir()) == []


def test_a_full_disk_is_said_before_the_first_piece_and_leaves_nothing_behind(folder: Path) -> None:
    def write(path: Path) -> Iterator[None]:
        path.write_bytes(b"a part")
        yield
        raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(StoreFull, match="csv"):
        list(temporary_file.pieces_of(write))
    assert list(folder.iterdir()) == []


def test_a_machine_without_descriptors_or_space_for_the_folder_says_so(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(number: int) -> None:
        def make(*_: object, **__: object) -> None:
            raise OSError(number, "refused")

        monkeypatch.setattr(tempfile, "mkdtemp", make)

    refuse(errno.EMFILE)
    with pytest.raises(StorePaused, match="short of something for the moment"):
        next(temporary_file.pieces_of(write_a_megabyte))
    refuse(errno.ENOSPC)
    with pytest.raises(StoreFull, match="is full"):
        next(temporary_file.pieces_of(write_a_megabyte))
    assert list(folder.iterdir()) == []


def test_a_full_disk_is_found_behind_an_error_of_the_library(folder: Path) -> None:
    def write(_path: Path) -> Iterator[None]:
        try:
            raise OSError(errno.ENOSPC, "No space left on device")
        except OSError as error:
            raise RuntimeError("the workbook cannot be written") from error

    with pytest.raises(StoreFull):
        next(temporary_file.pieces_of(write))
    assert list(folder.iterdir()) == []


def test_another_failure_is_not_taken_for_a_full_disk(folder: Path) -> None:
    def write(_path: Path) -> Iterator[None]:
        raise PermissionError(errno.EACCES, "Permission denied")

    with pytest.raises(PermissionError):
        next(temporary_file.pieces_of(write))
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("form", FORMATS.values(), ids=FORMATS)
def test_no_form_leaves_anything_behind(folder: Path, form: Format) -> None:
    assert b"".join(form.pieces(of_names("Utah")))
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("suffix", ["xlsx", "parquet"])
def test_a_long_result_may_be_left_while_its_file_is_written(folder: Path, suffix: str) -> None:
    pieces = FORMATS[suffix].pieces(of_names(*(f"Place {index}" for index in range(5_000))))
    assert next(pieces) == b""
    assert isinstance(pieces, Generator)
    pieces.close()
    assert list(folder.iterdir()) == []
