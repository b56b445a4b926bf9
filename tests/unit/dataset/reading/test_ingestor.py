"""The reading process as its parent sees it. What is read, and how, is in test_reading, which needs no process."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import msgspec
import pytest
from structlog.testing import capture_logs

from meantime.dataset.reading import disk_watch, work_folder
from meantime.dataset.reading.ingestor import DataIngestor
from meantime.dataset.reading.progress import Progress
from meantime.dataset.reading.reader_messages import ReaderMessage, order_of
from meantime.dataset.reading.source import Source
from meantime.dataset.reading.source_reader import ReadingTask
from meantime.dataset.snapshot_folder import open_snapshot
from meantime.errors import LoadCancelled, LoadFailed, RolesMissing, SourceUnreadable
from tests.support.examples import one_case_in
from tests.support.table_files import HEADER, write
from tests.support.waiting import PATIENCE_S, join


class Usage(NamedTuple):
    total: int
    used: int
    free: int


def source(path: Path) -> Source:
    return Source(name="test", path=str(path))


def table(folder: Path, rows: int = 2) -> Path:
    return write(folder, f"{HEADER}\n" + "".join(f"Q,Place {row % 50},{row}\n" for row in range(rows)))


def ingestor(memory_mb: int = 512) -> DataIngestor:
    return DataIngestor(memory_mb=memory_mb, rejected_limit=0.05)


def endless(folder: Path) -> Path:
    """A file that takes the tolerant reader longer than any test."""
    path = folder / "endless.csv"
    with path.open("w", encoding="utf-8") as file:
        file.write(f"{HEADER}\n")
        for _ in range(20):
            file.write('Q, "x",1\n' * 100_000)
    return path


def children() -> set[int]:
    return {int(each) for each in Path(f"/proc/self/task/{threading.get_native_id()}/children").read_text().split()}


def test_a_file_becomes_a_snapshot_with_progress_and_nothing_else_is_left(tmp_path: Path) -> None:
    into = tmp_path / "deep" / "snapshots"
    reports: list[Progress] = []
    folder = ingestor().ingest(source(table(tmp_path)), into, on_progress=reports.append)
    assert open_snapshot(folder).about.rows == 2
    assert list(into.iterdir()) == [folder]
    assert [each.phase for each in reports if each.share in (0.0, 0.95)] == ["looking", "writing"]


def test_an_error_comes_over_as_what_it_is(tmp_path: Path) -> None:
    into = tmp_path / "snapshots"
    with pytest.raises(RolesMissing) as caught:
        ingestor().ingest(source(write(tmp_path, "a,b\n1,2\n")), into)
    assert caught.value.roles == ("value", "location")
    assert caught.value.columns == ("a", "b")
    with pytest.raises(SourceUnreadable, match="does not exist"):
        ingestor().ingest(source(tmp_path / "absent.csv"), into)
    assert not list(into.iterdir())


def test_reading_ends_promptly_when_it_is_cancelled(tmp_path: Path) -> None:
    cancelled, before = threading.Event(), children()

    def cancel(progress: Progress) -> None:
        if progress.phase == "reading":
            cancelled.set()

    with pytest.raises(LoadCancelled, match="was cancelled"):
        ingestor().ingest(source(endless(tmp_path)), tmp_path / "into", on_progress=cancel, cancelled=cancelled)
    assert not list((tmp_path / "into").iterdir())
    assert children() <= before
    with pytest.raises(LoadCancelled):
        ingestor().ingest(source(table(tmp_path)), tmp_path / "into", cancelled=cancelled)


def test_a_process_that_is_killed_is_a_failed_load_that_names_the_signal(tmp_path: Path) -> None:
    before = children()

    def kill(progress: Progress) -> None:
        if progress.phase == "reading":
            for child in children() - before:
                os.kill(child, signal.SIGKILL)

    with pytest.raises(LoadFailed, match="SIGKILL"):
        ingestor().ingest(source(endless(tmp_path)), tmp_path / "into", on_progress=kill)
    assert not list((tmp_path / "into").iterdir())


def test_a_process_that_takes_too_much_memory_is_ended_and_the_setting_named(tmp_path: Path) -> None:
    with pytest.raises(LoadFailed, match=r"32 MB .*MEANTIME_LOAD_MEMORY_MB=64"):
        ingestor(memory_mb=32).ingest(source(endless(tmp_path)), tmp_path / "into")
    assert not list((tmp_path / "into").iterdir())


def test_a_process_that_breaks_is_a_failed_load_and_its_last_words_are_in_the_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = write(tmp_path, "import sys\nprint('no room', file=sys.stderr)\nsys.exit(3)\n", "broken.py")
    interpreter = write(tmp_path, f"#!/bin/sh\nexec {sys.executable} {broken}\n", "python")
    interpreter.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(interpreter))
    with capture_logs() as logged, pytest.raises(LoadFailed, match=r"exit code 3; the server's log has the") as caught:
        ingestor().ingest(source(table(tmp_path)), tmp_path / "into")
    assert "no room" not in caught.value.reason + caught.value.operator_reason
    assert [event["exception"] for event in logged] == ["no room"]
    assert not list((tmp_path / "into").iterdir())


def test_a_disk_with_little_space_left_ends_reading_before_it_is_full(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gigabyte, free_mb = 10**9, 100

    def disk_usage(_: Path) -> Usage:
        return Usage(100 * gigabyte, 0, free_mb * 2**20)

    monkeypatch.setattr(shutil, "disk_usage", disk_usage)
    reading = DataIngestor(memory_mb=512, rejected_limit=0.05, reserve_mb=256)
    with pytest.raises(LoadFailed, match="has 100 MB left, and 256 MB are kept free for jobs") as caught:
        reading.ingest(source(table(tmp_path)), tmp_path / "into")
    assert str(tmp_path) in caught.value.operator_reason
    assert str(tmp_path) not in caught.value.reason
    assert not list((tmp_path / "into").iterdir())
    free_mb = 300
    reading.ingest(source(table(tmp_path)), tmp_path / "into")
    # Of a small disk a twentieth is enough.
    gigabyte, free_mb = 10**6, 6
    reading.ingest(source(table(tmp_path)), tmp_path / "into")


def test_a_file_that_grows_beyond_any_table_while_it_is_read_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(disk_watch, "_HARMLESS_BYTES", 0)
    monkeypatch.setattr(disk_watch, "_MOST_TIMES", 0.1)
    with pytest.raises(SourceUnreadable, match="which no table does"):
        ingestor().ingest(source(endless(tmp_path)), tmp_path / "into")
    assert not list((tmp_path / "into").iterdir())


def test_an_unforeseen_exception_in_the_process_is_a_traceback_on_its_standard_error_and_an_exit_code(
    tmp_path: Path,
) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "meantime.dataset.reading.reader_process"],
        input=b"no task\n",
        capture_output=True,
        timeout=PATIENCE_S,
        check=False,
        cwd=tmp_path,
    )
    assert (ended.returncode, ended.stdout) == (1, b"")
    assert b"Traceback" in ended.stderr
    assert b"Fatal Python error" not in ended.stderr


def test_an_error_in_the_callback_ends_the_process(tmp_path: Path) -> None:
    before = children()

    def fail(_: Progress) -> None:
        raise ValueError("a bug of the caller's")

    with pytest.raises(ValueError, match="a bug of the caller's"):
        ingestor().ingest(source(endless(tmp_path)), tmp_path / "into", on_progress=fail)
    assert children() <= before
    assert not list((tmp_path / "into").iterdir())


def test_what_a_crash_left_is_removed_and_what_another_reads_is_not(tmp_path: Path) -> None:
    into = tmp_path / "into"
    left = into / ".reading-crashed" / "spilled"
    left.mkdir(parents=True)
    other = into / ".reading-other"
    other.mkdir()
    kept = into / "kept"
    kept.mkdir()
    with work_folder._locked(other):
        folder = ingestor().ingest(source(table(tmp_path)), into)
    assert sorted(into.iterdir()) == sorted([folder, other, kept])


def test_a_folder_that_cannot_be_created_is_reported(tmp_path: Path) -> None:
    with pytest.raises(LoadFailed, match="cannot store snapshots"):
        ingestor().ingest(source(table(tmp_path)), write(tmp_path, "", "file") / "into")


@pytest.mark.parametrize("name", one_case_in(2, ['it\'s [1] "quoted" é.csv', "a*.csv", "-x.csv", " .csv"]))
def test_any_name_of_a_file_is_only_a_name(tmp_path: Path, name: str) -> None:
    table(tmp_path).rename(tmp_path / name)
    (tmp_path / "a decoy.csv").write_text("not,a table\n")
    folder = ingestor().ingest(source(tmp_path / name), tmp_path / "into [x]* 'y'")
    assert open_snapshot(folder).about.files == (name,)


def end_of(tmp_path: Path, end: Callable[[subprocess.Popen[bytes]], None]) -> int:
    """Start the reading process with a long job, let it begin, do something to it, and return how it ended."""
    work = tmp_path / "work"
    work.mkdir()
    job = ReadingTask(
        source=source(endless(tmp_path)), into=str(tmp_path), work=str(work), memory_mb=512, rejected_limit=0.05
    )
    with subprocess.Popen(
        [sys.executable, "-m", "meantime.dataset.reading.reader_process"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(order_of(job, parent=os.getpid()))
        process.stdin.flush()
        assert msgspec.json.decode(process.stdout.readline(), type=ReaderMessage).progress is not None
        end(process)
        return process.wait(timeout=PATIENCE_S)


def test_the_process_ends_when_its_parent_lets_go(tmp_path: Path) -> None:
    def let_go(process: subprocess.Popen[bytes]) -> None:
        assert process.stdin is not None
        process.stdin.close()

    assert end_of(tmp_path, let_go) == 1


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a process that its parent died")
def test_a_process_whose_parent_died_before_it_began_ends_at_once(tmp_path: Path) -> None:
    work = tmp_path / "work"
    work.mkdir()
    job = ReadingTask(
        source=source(table(tmp_path)), into=str(tmp_path), work=str(work), memory_mb=512, rejected_limit=0.05
    )
    order = order_of(job, parent=1)
    ended = subprocess.run(
        [sys.executable, "-m", "meantime.dataset.reading.reader_process"],
        input=order,
        capture_output=True,
        timeout=PATIENCE_S,
        check=False,
    )
    assert (ended.returncode, ended.stdout) == (1, b"")


def test_two_may_read_at_a_time_into_one_folder(tmp_path: Path) -> None:
    path = table(tmp_path)
    folders: list[Path] = []

    def read() -> None:
        folders.append(ingestor().ingest(source(path), tmp_path / "into"))

    threads = [threading.Thread(target=read) for _ in range(2)]
    for thread in threads:
        thread.start()
    join(*threads)
    assert len(folders) == 2
    assert folders[0] == folders[1]
    assert list((tmp_path / "into").iterdir()) == [folders[0]]
