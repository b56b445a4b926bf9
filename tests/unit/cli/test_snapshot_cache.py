"""`meantime ask --data` on a file that was asked before."""

from __future__ import annotations

import fcntl
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from meantime.cli import snapshot_cache
from meantime.cli.snapshot_cache import SnapshotCache, cache_folder, compute_from
from meantime.dataset.reading import ingestor
from meantime.dataset.reading.source import Source
from meantime.dataset.reading.source_reader import ReadingTask, read_source
from meantime.dataset.snapshot import Snapshot
from meantime.errors import LoadFailed, LoadMemoryTooSmall, SnapshotDamaged, SourceUnreadable
from meantime.settings import read_settings
from tests.support.command_line import meantime

Reads = list[str]
SETTINGS = read_settings(file=None, options={})


@pytest.fixture(autouse=True)
def reads(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Reads:
    """Return the paths that were read, in this process; the cache is this test's own."""
    paths: Reads = []

    def read(task: ReadingTask, _watch: object, on_progress: Callable[..., None], _cancelled: object) -> Path:
        paths.append(task.source.path)
        return read_source(task, on_progress)

    monkeypatch.setattr(ingestor, "run_reader", read)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return paths


def table(folder: Path, *values: float, name: str = "table.csv") -> Path:
    """Write a table that was last changed an hour ago."""
    path = folder / name
    rows = "".join(f"Adults who nap,Utah,{value}\n" for value in values)
    path.write_text(f"Question,LocationDesc,Data_Value\n{rows}", encoding="utf-8")
    return settled(path)


def settled(path: Path, seconds_ago: float = 3600) -> Path:
    then = path.stat().st_ctime - seconds_ago
    os.utime(path, (then, then))
    return path


def mean(path: Path, *options: str) -> str:
    asked = meantime("ask", "states_mean", "--question", "nap", "--data", str(path), "--format", "csv", *options)
    assert asked.returncode == 0, asked.stderr
    return asked.stdout.split()[-1]


def kept(tmp_path: Path) -> list[Path]:
    folder = tmp_path / "cache" / "meantime" / "snapshots"
    return sorted(folder.iterdir()) if folder.is_dir() else []


def test_a_file_that_was_asked_before_is_not_read_again(tmp_path: Path, reads: Reads) -> None:
    path = table(tmp_path, 1, 3)
    assert [mean(path) for _ in range(3)] == ["Utah,2.0,2,0"] * 3
    assert reads == [str(path)]
    assert (tmp_path / "cache" / "meantime").stat().st_mode & 0o077 == 0  # nobody else may see what is in a file


def test_a_changed_file_is_read_anew_and_takes_the_place_of_the_old_one(tmp_path: Path, reads: Reads) -> None:
    assert mean(table(tmp_path, 1, 3)) == "Utah,2.0,2,0"
    assert mean(settled(table(tmp_path, 5, 3), 1800)) == "Utah,4.0,2,0"  # as many bytes
    assert len(reads) == 2
    (entry,) = kept(tmp_path)
    assert len(list(entry.glob("read/*/manifest.json"))) == 1


def test_what_the_toml_file_says_counts(tmp_path: Path, reads: Reads) -> None:
    path = table(tmp_path, 1, 3)
    mean(path)
    (tmp_path / "table.csv.toml").write_text('title = "Naps"\n', encoding="utf-8")
    settled(tmp_path / "table.csv.toml")
    mean(path)
    mean(path)
    assert len(reads) == 2


def test_other_ways_of_reading_are_kept_beside_each_other(tmp_path: Path, reads: Reads) -> None:
    path = table(tmp_path, 1, 3)
    for _ in range(2):
        mean(path)
        mean(path, "--set", "title=Naps")
        mean(path, "--rejected-limit", "0.5")
    assert len(reads) == len(kept(tmp_path)) == 3


def test_without_the_cache_nothing_is_kept(tmp_path: Path, reads: Reads) -> None:
    path = table(tmp_path, 1, 3)
    assert mean(path, "--no-cache") == mean(path, "--no-cache") == "Utah,2.0,2,0"
    assert (len(reads), kept(tmp_path)) == (2, [])


def test_a_file_that_was_just_written_is_not_kept(tmp_path: Path, reads: Reads) -> None:
    """It may be written to again without a later time."""
    path = table(tmp_path, 1, 3)
    settled(path, seconds_ago=0)
    assert mean(path) == mean(path) == "Utah,2.0,2,0"
    assert (len(reads), kept(tmp_path)) == (2, [])


@pytest.mark.parametrize("trouble", ["a file in its place", "no permission", "a relative path"])
def test_a_cache_that_cannot_be_used_is_no_error(
    trouble: str, tmp_path: Path, reads: Reads, monkeypatch: pytest.MonkeyPatch
) -> None:
    match trouble:
        case "a file in its place":
            (tmp_path / "cache").write_text("")
        case "no permission":  # also for root, whom permissions do not stop

            def refuse(*_: object, **__: object) -> None:
                raise PermissionError(13, "Permission denied")

            monkeypatch.setattr(SnapshotCache, "_made", refuse)
        case "a relative path":
            monkeypatch.setenv("XDG_CACHE_HOME", "cache")
            monkeypatch.setenv("HOME", str(tmp_path / "cache" / "nobody"))
            (tmp_path / "cache").write_text("")
    path = table(tmp_path, 1, 3)
    assert mean(path) == mean(path) == "Utah,2.0,2,0"
    assert len(reads) == 2


def test_a_damaged_snapshot_is_read_anew(tmp_path: Path, reads: Reads) -> None:
    path = table(tmp_path, 1, 3)
    mean(path)
    (cells,) = kept(tmp_path)[0].glob("read/*/cells.bin")
    cells.write_bytes(bytes(byte ^ 1 for byte in cells.read_bytes()))  # found when its cells are read
    assert mean(path) == mean(path) == "Utah,2.0,2,0"
    assert len(reads) == 2
    (manifest,) = kept(tmp_path)[0].glob("read/*/manifest.json")
    manifest.write_text("{}")  # found when it is opened
    assert mean(path) == "Utah,2.0,2,0"
    assert len(reads) == 3


def test_a_disk_without_room_for_the_cache_is_no_error(
    tmp_path: Path, reads: Reads, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = table(tmp_path, 1, 3)
    read: Any = vars(ingestor)["run_reader"]

    def into_cache_fails(task: ReadingTask, *more: Any) -> Path:
        if task.into.startswith(str(tmp_path / "cache")):
            raise LoadFailed("the disk is full")
        return Path(read(task, *more))

    monkeypatch.setattr(ingestor, "run_reader", into_cache_fails)
    assert mean(path) == "Utah,2.0,2,0"
    assert reads == [str(path)]


def test_what_needs_too_much_memory_is_not_tried_twice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tried = []

    def fails(*_: object) -> Path:
        tried.append(1)
        raise LoadMemoryTooSmall("it needs more")

    monkeypatch.setattr(ingestor, "run_reader", fails)
    asked = meantime("ask", "states_mean", "--question", "nap", "--data", str(table(tmp_path, 1)))
    assert (asked.returncode, len(tried)) == (2, 1)


def test_a_file_that_is_gone_is_not_answered_from_the_cache(tmp_path: Path) -> None:
    path = table(tmp_path, 1, 3)
    mean(path)
    path.unlink()
    with pytest.raises(SourceUnreadable):
        compute_from(Source(name="table", path=str(path)), SETTINGS, lambda _: None, cached=True)


@contextmanager
def held(folder: Path, how: int) -> Iterator[None]:
    """Hold a folder as another process would: locks belong to what was opened, not to a process."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, how)
        yield
    finally:
        os.close(descriptor)


def test_several_processes_share_what_was_read(tmp_path: Path, reads: Reads) -> None:
    path = table(tmp_path, 1, 3)
    mean(path)
    with held(kept(tmp_path)[0], fcntl.LOCK_SH):
        assert mean(path) == "Utah,2.0,2,0"
    assert len(reads) == 1


@pytest.mark.parametrize("how", [fcntl.LOCK_EX, fcntl.LOCK_SH])
def test_what_another_process_holds_is_left_alone(how: int, tmp_path: Path, reads: Reads) -> None:
    mean(table(tmp_path, 1, 3))
    (entry,) = kept(tmp_path)
    before = sorted(entry.rglob("*"))
    changed = settled(table(tmp_path, 5, 3), 1800)
    with held(entry, how):
        assert mean(changed) == "Utah,4.0,2,0"
    assert len(reads) == 2
    assert sorted(entry.rglob("*")) == before


def test_a_folder_that_was_replaced_before_it_was_held_is_not_used(
    tmp_path: Path, reads: Reads, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = table(tmp_path, 1, 3)
    mean(path)
    (entry,) = kept(tmp_path)
    flock = fcntl.flock

    def replaced_before(descriptor: int, how: int) -> None:
        if how & fcntl.LOCK_SH and not (tmp_path / "aside").exists():
            entry.rename(tmp_path / "aside")
            shutil.copytree(tmp_path / "aside", entry)
        flock(descriptor, how)

    monkeypatch.setattr(fcntl, "flock", replaced_before)
    assert mean(path) == "Utah,2.0,2,0"
    assert len(reads) == 2


def test_the_least_recently_used_go_when_there_is_no_room(tmp_path: Path) -> None:
    folder = tmp_path / "cache" / "meantime" / "snapshots"
    sources = [Source(name="t", path=str(table(tmp_path, 1, 3, name=f"{name}.csv"))) for name in "abc"]

    def ask(source: Source, most_bytes: int = 10**9) -> None:
        cache = SnapshotCache(folder, rejected_limit=SETTINGS.rejected_limit, most_bytes=most_bytes)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(snapshot_cache, "SnapshotCache", lambda *_, **__: cache)
            assert compute_from(source, SETTINGS, lambda snapshot: snapshot.about.rows, cached=True) == 2

    ask(sources[0])
    ask(sources[1])
    one = sum(path.stat().st_size for path in kept(tmp_path)[0].rglob("*") if path.is_file())
    for entry, at_s in zip(kept(tmp_path), (1000, 2000), strict=True):
        os.utime(entry, (at_s, at_s))
    oldest, newer = kept(tmp_path)
    with held(newer, fcntl.LOCK_SH):
        ask(sources[2], most_bytes=2 * one + one // 2)
    assert newer in kept(tmp_path)
    assert oldest not in kept(tmp_path)
    assert len(kept(tmp_path)) == 2
    with held(newer, fcntl.LOCK_SH):  # whoever computes from it keeps it
        table(tmp_path, 1, 3, name="c.csv")
        settled(tmp_path / "c.csv", 1800)
        ask(sources[2], most_bytes=0)
    assert kept(tmp_path) == [newer]


def test_the_folder_is_where_the_system_keeps_caches(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert cache_folder() == tmp_path / "cache" / "meantime" / "snapshots"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", "/home/ann")
    monkeypatch.setattr(sys, "platform", "linux")
    assert cache_folder() == Path("/home/ann/.cache/meantime/snapshots")
    monkeypatch.setattr(sys, "platform", "darwin")
    assert cache_folder() == Path("/home/ann/Library/Caches/meantime/snapshots")


def test_damage_that_is_found_while_computing_is_raised_where_the_file_was_read_anew(tmp_path: Path) -> None:
    def fails(_snapshot: Snapshot) -> None:
        raise SnapshotDamaged("a flipped bit")

    with pytest.raises(SnapshotDamaged):
        compute_from(Source(name="t", path=str(table(tmp_path, 1))), SETTINGS, fails, cached=True)
