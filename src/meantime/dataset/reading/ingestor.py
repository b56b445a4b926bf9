"""DataIngestor: a source is read into a snapshot by a process of its own, watched from here.

What a hostile file can do there (take all memory, hang, crash) ends that process and nothing else: not the server, and
not its other data sets. Temporary files are in one folder, ``.reading-...``, which goes with the process.
"""

from __future__ import annotations

import fcntl
import os
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, cast

import msgspec

from meantime import errors
from meantime.dataset.reading.reader_process import ReaderError, ReaderInput, ReaderMessage
from meantime.dataset.reading.source import Source
from meantime.dataset.reading.source_reader import Progress, ReadingTask, memory_too_small
from meantime.errors import LoadCancelled, LoadFailed, MeantimeError

__all__ = ["DataIngestor", "Progress"]

# How often memory and cancellation are looked at while the process says nothing: at the pace at which DuckDB takes
# memory (about 1 GB/s), it cannot go far beyond its bound; and to people it looks like at once.
_LOOK_EVERY_S = 0.05
# How much of what a dead process wrote to standard error is told.
_TAIL_BYTES = 2_000
_WORK = ".reading-"


class DataIngestor:
    """Reads sources, each in a process of its own. May be used by several threads at a time."""

    def __init__(self, *, memory_mb: int, rejected_limit: float) -> None:
        self._memory_mb = memory_mb
        self._rejected_limit = rejected_limit

    @property
    def rejected_limit(self) -> float:
        """Share of rejected lines beyond which a file is refused."""
        return self._rejected_limit

    def ingest(
        self,
        source: Source,
        into: Path,
        *,
        on_progress: Callable[[Progress], None] = lambda _: None,
        cancelled: threading.Event | None = None,
    ) -> Path:
        """Read a source and return the folder of its snapshot in ``into``. Blocks until that is done.

        Raises:
            DataError: the files cannot become a data set, or changed while they were read.
            LoadFailed: the process ended without an answer, needed too much memory, or the disk is full.
            LoadCancelled: ``cancelled`` was set; nothing was kept.
        """
        into = into.absolute()
        with _work_folder(into) as work:
            job = ReadingTask(
                source=source,
                into=str(into),
                work=str(work),
                memory_mb=self._memory_mb,
                rejected_limit=self._rejected_limit,
            )
            return _run(job, on_progress, cancelled or threading.Event())


def _run(job: ReadingTask, on_progress: Callable[[Progress], None], cancelled: threading.Event) -> Path:
    if cancelled.is_set():
        raise _cancelled(job)
    said = Path(job.work) / "stderr"
    with said.open("wb") as stderr:
        # Its own session: Ctrl-C at the terminal is for the server, which then decides about this process.
        process = subprocess.Popen(
            # -P: the folder that the server was started in, with whatever is there, is no place to import from.
            [sys.executable, "-P", "-m", "meantime.dataset.reading.reader_process"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=stderr,
            start_new_session=True,
        )
    try:
        outcome = _follow(process, job, on_progress, cancelled)
        process.wait()
    finally:
        # Also after an exception of on_progress: the process must not outlive this call.
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe:
                with suppress(BrokenPipeError):
                    pipe.close()
    if outcome.folder is not None:
        return Path(outcome.folder)
    if outcome.trouble is not None:
        raise _error(outcome.trouble)
    raise LoadFailed(f"Reading {job.source.path} ended without an answer: {_ending(process.returncode)}.{_tail(said)}")


def _follow(
    process: subprocess.Popen[bytes],
    job: ReadingTask,
    on_progress: Callable[[Progress], None],
    cancelled: threading.Event,
) -> ReaderMessage:
    """Hand on progress until the process says how it ended; News without anything where it ended without a word."""
    to_process, from_process = cast(IO[bytes], process.stdin), cast(IO[bytes], process.stdout)
    # Left open: the process ends when this end is closed.
    with suppress(BrokenPipeError):  # it died already; reading shows that
        to_process.write(msgspec.json.encode(ReaderInput(job=job, parent=os.getpid())) + b"\n")
        to_process.flush()
    received = b""
    while True:
        if cancelled.is_set():
            raise _cancelled(job)
        if _resident_mb(process.pid) > job.memory_mb:
            raise memory_too_small(job.memory_mb)
        ready, _, _ = select.select([from_process], [], [], _LOOK_EVERY_S)
        if not ready:
            continue
        piece = os.read(from_process.fileno(), 2**16)
        if not piece:
            return ReaderMessage()
        *lines, received = (received + piece).split(b"\n")
        for line in lines:
            news = msgspec.json.decode(line, type=ReaderMessage)
            if news.progress is None:
                return news
            on_progress(news.progress)


def _resident_mb(process: int) -> float:
    """Return the memory that a process has; 0 where the system does not tell.

    Without /proc there is no watch, then, and DuckDB's own limit is all there is.
    """
    try:
        pages = int(Path(f"/proc/{process}/statm").read_bytes().split()[1])
    except (OSError, IndexError):  # ended meanwhile
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def _error(trouble: ReaderError) -> MeantimeError:
    """Make the error anew that was raised in the process."""
    kind: type[MeantimeError] = getattr(errors, trouble.kind)
    return kind(trouble.message, **trouble.data)


def _cancelled(job: ReadingTask) -> LoadCancelled:
    return LoadCancelled(
        f"Reading {job.source.path} was cancelled. Nothing was kept; it starts anew with the next start."
    )


def _ending(code: int) -> str:
    if code >= 0:
        return f"exit code {code}"
    name = signal.Signals(-code).name
    more = ", most likely by the system, for lack of memory" if -code == signal.SIGKILL else ""
    return f"it was ended by {name}{more}"


def _tail(said: Path) -> str:
    text = said.read_bytes()[-_TAIL_BYTES:].decode("utf-8", "replace").strip()
    return f" It said last: {text}" if text else ""


@contextmanager
def _work_folder(into: Path) -> Iterator[Path]:
    """Make a folder for temporary files and remove it afterwards, and also what an earlier run that crashed left.

    A folder is held by a lock for as long as its run lives; the system lets go of it when a process dies.
    """
    try:
        into.mkdir(parents=True, exist_ok=True)
        # Held only while folders are made and looked at: in between, one has no lock yet and would look left behind.
        with _locked(into):
            for left in into.glob(f"{_WORK}*"):
                _remove_if_left(left)
            work = Path(tempfile.mkdtemp(prefix=_WORK, dir=into))
            held = os.open(work, os.O_RDONLY)
            fcntl.flock(held, fcntl.LOCK_EX)
    except OSError as error:
        raise LoadFailed(f"Snapshots cannot be kept in {into}: {error.strerror}. Set another state_dir.") from error
    try:
        yield work
    finally:
        shutil.rmtree(work, ignore_errors=True)
        os.close(held)


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    held = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield
    finally:
        os.close(held)


def _remove_if_left(folder: Path) -> None:
    with suppress(FileNotFoundError):
        held = os.open(folder, os.O_RDONLY)
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return  # somebody reads there
        else:
            shutil.rmtree(folder, ignore_errors=True)
        finally:
            os.close(held)
