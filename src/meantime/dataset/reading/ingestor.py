"""DataIngestor reads a source into a snapshot, in a separate process that it watches.

Whatever a hostile file does there (take all memory, hang, crash) ends that process only, and neither the server nor
other data sets. Temporary files are in one folder, ``.reading-...``, which is removed with the process.
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
import structlog

from meantime import errors
from meantime.dataset.reading.disk_watch import DiskWatch
from meantime.dataset.reading.progress import Progress
from meantime.dataset.reading.reader_process import ReaderError, ReaderInput, ReaderMessage
from meantime.dataset.reading.session import memory_too_small
from meantime.dataset.reading.source import Source, data_files, file_state, label_of
from meantime.dataset.reading.source_reader import ReadingTask
from meantime.errors import LoadCancelled, LoadFailed, MeantimeError

# How often memory, disk and cancellation are checked while the process sends nothing. DuckDB takes about 1 GB of memory
# a second, so it cannot go far beyond its limit; and to people, cancelling is immediate.
_CHECK_EVERY_S = 0.05
# How much of a dead process's standard error is logged: the whole of most tracebacks.
_STDERR_BYTES = 8_000
_WORK = ".reading-"

# Made at import, by one thread: see formats/document.py.
_MESSAGE = msgspec.json.Decoder(ReaderMessage)

_log = structlog.get_logger("meantime")


class DataIngestor:
    """Reads sources, each in a separate process. Several threads may use it at a time."""

    def __init__(self, *, memory_mb: int, rejected_limit: float, reserve_mb: int = 0) -> None:
        self._memory_mb = memory_mb
        self._rejected_limit = rejected_limit
        self._reserve_mb = reserve_mb

    @property
    def rejected_limit(self) -> float:
        """The share of rejected lines beyond which a file is refused."""
        return self._rejected_limit

    def ingest(
        self,
        source: Source,
        into: Path,
        *,
        on_progress: Callable[[Progress], None] = lambda _: None,
        cancelled: threading.Event | None = None,
    ) -> Path:
        """Read a source and return the folder of its snapshot in ``into``. Blocks until it is done.

        Raises:
            DataError: the files cannot become a data set, or changed while they were read.
            LoadFailed: the process ended without a result or needed too much memory, or the disk is full.
            LoadCancelled: ``cancelled`` was set; nothing was kept.
        """
        into = into.absolute()
        source_bytes = sum(state[0] for path in data_files(source) if (state := file_state(path)))
        with _work_folder(into) as work:
            task = ReadingTask(
                source=source,
                into=str(into),
                work=str(work),
                memory_mb=self._memory_mb,
                rejected_limit=self._rejected_limit,
            )
            watch = DiskWatch(work, source=source, source_bytes=source_bytes, reserve_mb=self._reserve_mb)
            return _run(task, watch, on_progress, cancelled or threading.Event())


def _run(
    task: ReadingTask, watch: DiskWatch, on_progress: Callable[[Progress], None], cancelled: threading.Event
) -> Path:
    if cancelled.is_set():
        raise _cancelled(task)
    stderr_path = Path(task.work) / "stderr"
    try:
        with stderr_path.open("wb") as stderr:
            # A separate session: Ctrl-C at the terminal goes to the server, which then decides about this process.
            process = subprocess.Popen(
                # -P: nothing is imported from the folder in which the server was started.
                [sys.executable, "-P", "-m", "meantime.dataset.reading.reader_process"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=stderr,
                start_new_session=True,
            )
    except OSError as error:
        raise _failed(task, f"no process could be started ({error.strerror or error})") from error
    try:
        outcome = _follow(process, task, watch, on_progress, cancelled)
        process.wait()
    finally:
        # Also after an exception in on_progress: the process must not outlive this call.
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe:
                with suppress(BrokenPipeError):
                    pipe.close()
    if outcome.folder is not None:
        return Path(outcome.folder)
    if outcome.error is not None:
        raise _raised_error(outcome.error)
    ending = _ending(process.returncode)
    # Whatever it wrote last (a traceback, with paths and code) is for the log alone.
    _log.error(
        "the reading process ended without a result",
        dataset=task.source.name,
        path=task.source.path,
        ending=ending,
        exception=_last_output(stderr_path),
    )
    raise _failed(task, ending)


def _follow(
    process: subprocess.Popen[bytes],
    task: ReadingTask,
    watch: DiskWatch,
    on_progress: Callable[[Progress], None],
    cancelled: threading.Event,
) -> ReaderMessage:
    """Pass on progress until the outcome arrives; an empty message if the process ended without one."""
    to_process, from_process = cast(IO[bytes], process.stdin), cast(IO[bytes], process.stdout)
    # Left open: the process ends when this end is closed.
    with suppress(BrokenPipeError):  # it is dead already, which reading will show
        to_process.write(msgspec.json.encode(ReaderInput(task=task, parent=os.getpid())) + b"\n")
        to_process.flush()
    received = b""
    while True:
        if cancelled.is_set():
            raise _cancelled(task)
        if _resident_mb(process.pid) > task.memory_mb:
            raise memory_too_small(task.memory_mb)
        watch.check()
        ready, _, _ = select.select([from_process], [], [], _CHECK_EVERY_S)
        if not ready:
            continue
        piece = os.read(from_process.fileno(), 2**16)
        if not piece:
            return ReaderMessage()
        *lines, received = (received + piece).split(b"\n")
        for line in lines:
            message = _MESSAGE.decode(line)
            if message.progress is None:
                return message
            on_progress(message.progress)


def _resident_mb(process: int) -> float:
    """Return how much memory a process has; 0 where the system does not show it.

    Without /proc, DuckDB's own limit is the only one.
    """
    try:
        pages = int(Path(f"/proc/{process}/statm").read_bytes().split()[1])
    except (OSError, IndexError):  # ended meanwhile
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def _raised_error(error: ReaderError) -> MeantimeError:
    """Return the error that was raised in the process."""
    kind: type[MeantimeError] = getattr(errors, error.kind)
    return kind(error.message, **error.data).for_operator(error.operator_message)


def _failed(task: ReadingTask, why: str) -> LoadFailed:
    return LoadFailed(f"Reading {label_of(task.source)} failed: {why}.").for_operator(
        f"Reading {task.source.path} failed: {why}."
    )


def _cancelled(task: ReadingTask) -> LoadCancelled:
    what = "was cancelled. Nothing was kept; the next start reads it from the beginning."
    return LoadCancelled(f"Reading {label_of(task.source)} {what}").for_operator(f"Reading {task.source.path} {what}")


def _ending(code: int) -> str:
    if code >= 0:
        return f"the reading process ended with exit code {code}; the server's log has the details"
    name = signal.Signals(-code).name
    more = ", most likely by the system because memory ran out" if -code == signal.SIGKILL else ""
    return f"the reading process was ended by {name}{more}"


def _last_output(stderr_path: Path) -> str:
    try:
        return stderr_path.read_bytes()[-_STDERR_BYTES:].decode("utf-8", "replace").strip()
    except OSError as error:
        return f"(its last output cannot be read: {error})"


@contextmanager
def _work_folder(into: Path) -> Iterator[Path]:
    """Make a folder for temporary files and remove it afterwards; also remove those of crashed runs.

    A folder is locked while its run lasts; the system releases the lock when the process ends.
    """
    try:
        into.mkdir(parents=True, exist_ok=True)
        # Locked while folders are made and checked: a new one has no lock yet and would seem abandoned.
        with _locked(into):
            for folder in into.glob(f"{_WORK}*"):
                _remove_if_abandoned(folder)
            work = Path(tempfile.mkdtemp(prefix=_WORK, dir=into))
            held = os.open(work, os.O_RDONLY)
            fcntl.flock(held, fcntl.LOCK_EX)
    except OSError as error:
        raise LoadFailed(f"The server cannot store snapshots: {error.strerror}.").for_operator(
            f"Snapshots cannot be stored in {into}: {error.strerror}. Set another state_dir."
        ) from error
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


def _remove_if_abandoned(folder: Path) -> None:
    with suppress(FileNotFoundError):
        held = os.open(folder, os.O_RDONLY)
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return  # another run is using it
        else:
            shutil.rmtree(folder, ignore_errors=True)
        finally:
            os.close(held)
