from __future__ import annotations

import errno
import os
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from meantime.engine.ports import Transition
from meantime.errors import Failure, JobCancelled, StoreBroken
from meantime.stores.sqlite import SqliteJobStore
from meantime.stores.state_files import HIGHEST_NUMBER, LastNumber, OpenFiles
from tests.support.engine_fakes import Fatal, request
from tests.support.waiting import PATIENCE_S


@pytest.fixture
def fatal() -> Fatal:
    return Fatal()


@pytest.fixture
def state(tmp_path: Path) -> Path:
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / "lock").touch()
    return tmp_path / "state"


@pytest.fixture
def store(state: Path, fatal: Fatal) -> Iterator[SqliteJobStore]:
    made = opened(state, fatal)
    yield made
    made.close()


def opened(state: Path, fatal: Fatal) -> SqliteJobStore:
    return SqliteJobStore(state / "jobs.sqlite3", on_broken=fatal, watched=("lock",))


def numbers(store: SqliteJobStore, count: int = 1) -> list[int]:
    return [job.number for job in store.add([request()] * count, at_s=1.0).result(PATIENCE_S)]


def delete_all(state: Path) -> None:
    for file in state.glob("jobs.sqlite3*"):
        file.unlink()


def replace_lock(state: Path) -> None:
    (state / "other").touch()
    (state / "other").replace(state / "lock")


def move_under_a_file(state: Path) -> None:
    state.rename(state.with_name("moved"))
    state.touch()


def replace(state: Path) -> None:
    shutil.copy(state / "jobs.sqlite3", state / "copy")
    (state / "copy").replace(state / "jobs.sqlite3")


DAMAGES: dict[str, Callable[[Path], object]] = {
    "database deleted": lambda state: (state / "jobs.sqlite3").unlink(),
    "log deleted": lambda state: (state / "jobs.sqlite3-wal").unlink(),
    "index of the log deleted": lambda state: (state / "jobs.sqlite3-shm").unlink(),
    "all three deleted": delete_all,
    "database replaced by a copy": replace,
    "lock deleted": lambda state: (state / "lock").unlink(),
    "lock replaced": replace_lock,
    "folder deleted": shutil.rmtree,
    "folder moved": lambda state: state.rename(state.with_name("moved")),
    "a file in the folder's place": move_under_a_file,
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_nothing_is_acknowledged_into_a_store_whose_files_are_gone(
    state: Path, store: SqliteJobStore, fatal: Fatal, damage: str
) -> None:
    assert numbers(store, 3) == [1, 2, 3]
    DAMAGES[damage](state)
    error = store.add([request()], at_s=1.0).exception(PATIENCE_S)
    assert isinstance(error, StoreBroken)
    assert "while the server was running" in error.reason
    assert str(state) not in error.reason
    assert fatal.wait() is error
    assert isinstance(store.add([request()], at_s=1.0).exception(PATIENCE_S), StoreBroken)


@pytest.mark.parametrize("damage", ["all three deleted", "database deleted", "folder deleted"])
def test_no_number_is_given_twice_after_the_database_was_deleted_under_the_server(
    state: Path, fatal: Fatal, damage: str
) -> None:
    store = opened(state, fatal)
    assert numbers(store, 3) == [1, 2, 3]
    DAMAGES[damage](state)
    store.add([request()], at_s=1.0).exception(PATIENCE_S)
    store.close()
    delete_all(state)  # what is left of it
    (state / "lock").touch()
    again = opened(state, fatal)
    assert numbers(again) == [4]
    again.close()


def test_no_number_is_given_twice_after_an_older_copy_was_put_back(state: Path, fatal: Fatal) -> None:
    store = opened(state, fatal)
    assert numbers(store, 2) == [1, 2]
    store.close()
    copy = (state / "jobs.sqlite3").read_bytes()
    store = opened(state, fatal)
    assert numbers(store, 3) == [3, 4, 5]
    store.close()
    (state / "jobs.sqlite3").write_bytes(copy)
    store = opened(state, fatal)
    assert numbers(store) == [6]
    store.close()


def test_without_the_file_of_the_last_number_the_database_knows_it(state: Path, fatal: Fatal) -> None:
    store = opened(state, fatal)
    [one] = store.add([request()], at_s=1.0).result(PATIENCE_S)
    cancelled = one.cancel(Failure.of(JobCancelled("Not needed.")), at_s=2.0)
    store.update([Transition(one, cancelled)]).result(PATIENCE_S)
    store.remove([1]).result(PATIENCE_S)
    store.close()
    (state / "last-number").unlink()
    store = opened(state, fatal)
    assert numbers(store) == [2]
    store.close()


@pytest.mark.parametrize(
    "content",
    [b"", b"5", b"0000000000000000005 00000000\n", b"4000000000000000005 59fae9b1\n", b"\xff\xfe 1 2 3"],
    ids=["empty", "no checksum", "wrong checksum", "flipped", "junk"],
)
def test_a_damaged_file_of_the_last_number_is_not_believed(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "last-number").write_bytes(content)
    assert LastNumber(tmp_path / "last-number").read() == 0


def test_a_number_that_no_server_gives_is_not_believed(tmp_path: Path) -> None:
    last = LastNumber(tmp_path / "last-number")
    last.write(HIGHEST_NUMBER + 1)
    assert last.read() == 0
    last.write(HIGHEST_NUMBER)
    assert last.read() == HIGHEST_NUMBER
    last.close()


def test_a_number_is_kept_unless_a_higher_one_is_there(tmp_path: Path) -> None:
    last = LastNumber(tmp_path / "last-number")
    last.write(7)
    last.keep(5)
    assert last.read() == 7
    last.keep(9)
    assert last.read() == 9
    last.close()
    last.close()


def test_a_number_that_cannot_be_noted_costs_nothing_but_the_note(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    last = LastNumber(tmp_path / "file" / "last-number")
    last.write(7)
    last.keep(7)
    assert last.read() == 0


@pytest.mark.parametrize("is_settled", [True, False], ids=["settled", "fresh"])
def test_a_folder_that_has_not_changed_for_a_moment_is_looked_at_once_for_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_settled: bool
) -> None:
    (tmp_path / "file").touch()
    files = OpenFiles(tmp_path, ["file"])
    if is_settled:
        long_ago_ns = time.time_ns() - 10**10
        os.utime(tmp_path, ns=(long_ago_ns, long_ago_ns))
    later_ns = time.time_ns() + (10**10 if is_settled else 0)
    monkeypatch.setattr(time, "time_ns", lambda: later_ns)
    files.require_unchanged()
    looks: list[str] = []
    look = os.stat

    def counted(path: str) -> os.stat_result:
        looks.append(path)
        return look(path)

    monkeypatch.setattr(os, "stat", counted)
    files.require_unchanged()
    assert len(looks) == (1 if is_settled else 3)
    (tmp_path / "file").unlink()
    with pytest.raises(StoreBroken, match="'file'"):
        files.require_unchanged()


def test_a_file_that_cannot_be_looked_at_is_not_taken_for_gone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    files = OpenFiles(tmp_path, ["file"])
    files.require_unchanged()

    def no_memory(_path: str) -> os.stat_result:
        raise OSError(errno.ENOMEM, os.strerror(errno.ENOMEM))

    monkeypatch.setattr(os, "stat", no_memory)
    files.require_unchanged()
