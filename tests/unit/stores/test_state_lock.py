from __future__ import annotations

import errno
import fcntl
import os
import stat
from pathlib import Path

import pytest

from meantime.errors import SettingInvalid, StateInUse
from meantime.stores.state_lock import StateLock


def test_the_folder_is_made_with_its_parents(tmp_path: Path) -> None:
    with StateLock(tmp_path / "a" / "b"):
        assert (tmp_path / "a" / "b").is_dir()


def test_a_second_server_is_refused_in_one_line_that_names_folder_and_process(tmp_path: Path) -> None:
    with StateLock(tmp_path), pytest.raises(StateInUse) as refused:
        StateLock(tmp_path)
    assert str(tmp_path) in str(refused.value)
    assert f"process {os.getpid()}" in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_holder_that_could_not_write_its_number_is_not_named(tmp_path: Path) -> None:
    with StateLock(tmp_path):
        (tmp_path / "lock").write_bytes(b"")
        with pytest.raises(StateInUse, match=r"^Another server is using"):
            StateLock(tmp_path)


def test_a_folder_whose_lock_file_was_deleted_is_still_locked(tmp_path: Path) -> None:
    with StateLock(tmp_path):
        (tmp_path / "lock").unlink()
        with pytest.raises(StateInUse, match=r"^Another server is using"):
            StateLock(tmp_path)
    with StateLock(tmp_path):
        pass


def test_a_server_of_a_version_that_locked_only_the_file_is_noticed(tmp_path: Path) -> None:
    with (tmp_path / "lock").open("w") as older:
        fcntl.flock(older, fcntl.LOCK_EX)
        with pytest.raises(StateInUse):
            StateLock(tmp_path)


def test_a_file_system_that_cannot_lock_folders_locks_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lock = fcntl.flock

    def only_files(file: int, how: int) -> None:
        if stat.S_ISDIR(os.fstat(file).st_mode):
            raise OSError(errno.EBADF, os.strerror(errno.EBADF))
        lock(file, how)

    monkeypatch.setattr(fcntl, "flock", only_files)
    with StateLock(tmp_path), pytest.raises(StateInUse):
        StateLock(tmp_path)


def test_the_folder_and_its_lock_are_for_their_owner_alone(tmp_path: Path) -> None:
    folder = tmp_path / "state"
    with StateLock(folder):
        file = folder / "lock"
        assert (file.stat().st_mode & 0o777, folder.stat().st_mode & 0o777) == (0o600, 0o700)


def test_after_release_another_server_may_lock_and_release_may_be_called_again(tmp_path: Path) -> None:
    first = StateLock(tmp_path)
    first.release()
    first.release()
    with StateLock(tmp_path):
        pass


def test_the_error_about_a_folder_that_cannot_be_used_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SettingInvalid, match="state_dir"):
        StateLock(tmp_path / "file")


def test_a_file_system_without_locks_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_locks(_file: int, _how: int) -> None:
        raise OSError(37, "No locks available")

    monkeypatch.setattr("fcntl.flock", no_locks)
    with pytest.raises(SettingInvalid, match="No locks available"):
        StateLock(tmp_path)
