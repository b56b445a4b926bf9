from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from meantime.engine.ports import EncodedResult
from meantime.errors import StoreBroken, StoreFull, StorePaused
from meantime.stores.result_files import ResultFiles

ANSWER = EncodedResult(b'{"Utah": 1.5}', 1)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "results"


def test_a_file_is_named_by_the_job_and_holds_the_bytes(folder: Path) -> None:
    ResultFiles(folder).put(12, ANSWER)
    assert [path.name for path in folder.iterdir()] == ["job_id_12"]
    assert (folder / "job_id_12").read_bytes() == ANSWER.body


def test_what_a_crash_left_half_written_is_removed_at_the_start_and_nothing_else(folder: Path) -> None:
    ResultFiles(folder).put(1, ANSWER)
    (folder / ".writing-2-99").write_bytes(b"half")
    (folder / ".writing-folder").mkdir()
    (folder / "notes.txt").write_text("mine")
    ResultFiles(folder)
    assert sorted(path.name for path in folder.iterdir()) == [".writing-folder", "job_id_1", "notes.txt"]


@pytest.mark.parametrize("damage", [b"", b'{"Utah": 1.6}', b'{"Utah": 1.5}\n'], ids=["torn", "altered", "longer"])
def test_a_damaged_file_is_not_returned(folder: Path, damage: bytes) -> None:
    files = ResultFiles(folder)
    receipt = files.put(1, ANSWER)
    (folder / "job_id_1").write_bytes(damage)
    assert files.open(1, receipt) is None


def test_a_link_is_not_followed_even_to_the_right_bytes(folder: Path, tmp_path: Path) -> None:
    files = ResultFiles(folder)
    receipt = files.put(1, ANSWER)
    (folder / "job_id_1").rename(tmp_path / "elsewhere")
    (folder / "job_id_1").symlink_to(tmp_path / "elsewhere")
    assert files.open(1, receipt) is None


def test_a_pipe_or_a_folder_in_a_files_place_holds_nobody_up(folder: Path) -> None:
    files = ResultFiles(folder)
    os.mkfifo(folder / "job_id_1")
    (folder / "job_id_2").mkdir()
    assert files.open(1, ANSWER.receipt()) is None
    assert files.open(2, ANSWER.receipt()) is None


def test_a_folder_in_a_files_place_is_moved_aside_with_what_it_holds(folder: Path) -> None:
    files = ResultFiles(folder)
    (folder / "job_id_1").mkdir()
    (folder / "job_id_1" / "diary").write_text("mine")
    receipt = files.put(1, ANSWER)
    assert files.open(1, receipt) == ANSWER.body
    [aside] = folder.glob("job_id_1.aside-*")
    assert (aside / "diary").read_text() == "mine"


def test_removing_something_that_is_no_file_leaves_it(folder: Path) -> None:
    (folder / "job_id_1").mkdir(parents=True)
    ResultFiles(folder).remove(1)
    assert (folder / "job_id_1").is_dir()


def test_a_results_folder_that_was_deleted_is_made_again(folder: Path) -> None:
    files = ResultFiles(folder)
    folder.rmdir()
    receipt = files.put(1, ANSWER)
    assert files.open(1, receipt) == ANSWER.body


def test_a_full_disk_is_reported_and_nothing_is_left_over(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = ResultFiles(folder)
    full = os.open("/dev/full", os.O_WRONLY)
    real_write = os.write
    # /dev/full is a real full disk; only the way there is bent.
    monkeypatch.setattr(os, "write", lambda _file, data: real_write(full, data))
    with pytest.raises(StoreFull, match="space"):
        files.put(1, ANSWER)
    os.close(full)
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("code", [errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.EAGAIN])
def test_a_machine_that_is_short_of_something_is_a_pause_for_writing_and_for_reading(
    folder: Path, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    files = ResultFiles(folder)
    receipt = files.put(1, ANSWER)

    def refuse(*_: object) -> int:
        raise OSError(code, os.strerror(code))

    with monkeypatch.context() as patched:
        patched.setattr(os, "open", refuse)
        patched.setattr(os, "scandir", refuse)
        with pytest.raises(StorePaused, match="for the moment"):
            files.put(2, ANSWER)
        # Not "lost": that would have it computed again, and call it gone if that cannot be.
        with pytest.raises(StorePaused, match="for the moment"):
            files.open(1, receipt)
        with pytest.raises(StorePaused):
            ResultFiles(folder)
    assert files.open(1, receipt) == ANSWER.body


def test_an_exceeded_quota_is_a_full_disk(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = ResultFiles(folder)

    def refuse(*_: object) -> int:
        raise OSError(errno.EDQUOT, os.strerror(errno.EDQUOT))

    monkeypatch.setattr(os, "write", refuse)
    with pytest.raises(StoreFull, match="quota"):
        files.put(1, ANSWER)


def test_results_are_for_their_owner_alone(folder: Path) -> None:
    ResultFiles(folder).put(1, ANSWER)
    assert (folder.stat().st_mode & 0o777, (folder / "job_id_1").stat().st_mode & 0o777) == (0o700, 0o600)


def test_no_folder_of_this_machine_is_in_an_error(folder: Path) -> None:
    files = ResultFiles(folder)
    folder.rmdir()
    folder.write_text("a file in the folder's place")
    with pytest.raises(StoreBroken) as broken:
        files.put(1, ANSWER)
    assert str(folder) not in broken.value.reason


def test_a_write_that_takes_a_part_is_continued(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = ResultFiles(folder)
    real_write = os.write
    monkeypatch.setattr(os, "write", lambda file, data: real_write(file, data[:3]))
    assert files.open(1, files.put(1, ANSWER)) == ANSWER.body


def test_the_error_about_a_folder_that_cannot_be_written_says_what_to_do(folder: Path) -> None:
    files = ResultFiles(folder)
    folder.rmdir()
    folder.write_text("a file in the folder's place")
    with pytest.raises(StoreBroken, match="permissions"):
        files.put(1, ANSWER)
    with pytest.raises(StoreBroken, match="permissions"):
        ResultFiles(folder)


def test_a_folder_that_is_deleted_again_and_again_is_reported(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = ResultFiles(folder)
    real_rename = os.rename

    def rename(source: str, target: str) -> None:
        os.unlink(source)  # noqa: PTH108 - what somebody else does at the worst moment
        real_rename(source, target)

    monkeypatch.setattr(os, "rename", rename)
    with pytest.raises(StoreBroken, match="keeps deleting"):
        files.put(1, ANSWER)
