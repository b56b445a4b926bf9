"""A task of reading in a process of its own, watched from here.

Whatever a hostile file does there (take all memory, hang, crash) ends that process only, and nothing beside it.
"""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import IO, cast

import msgspec

from meantime import errors
from meantime.dataset.reading.disk_watch import DiskWatch
from meantime.dataset.reading.progress import Progress
from meantime.dataset.reading.reader_messages import ReaderError, ReaderMessage, ReaderTask, order_of
from meantime.dataset.reading.session import memory_too_small
from meantime.dataset.reading.source import label_of
from meantime.errors import LoadCancelled, LoadFailed, MeantimeError
from meantime.later import structlog
from meantime.process_memory import resident_mb

# How often memory, disk and cancellation are checked while the process sends nothing. DuckDB takes about 1 GB of memory
# a second, so it cannot go far beyond its limit; and to people, cancelling is immediate.
_CHECK_EVERY_S = 0.05
# How much of a dead process's standard error is logged: the whole of most tracebacks.
_STDERR_BYTES = 8_000

# Made at import, by one thread: see formats/document.py.
_MESSAGE = msgspec.json.Decoder(ReaderMessage)


def run_reader(
    task: ReaderTask, watch: DiskWatch, on_progress: Callable[[Progress], None], cancelled: threading.Event
) -> Path:
    """Have a task carried out in a process of its own, and return the path that it results in. Blocks until it is done.

    Raises:
        MeantimeError: what the task raised.
        LoadFailed: the process ended without a result or needed too much memory, or the disk is full.
        LoadCancelled: ``cancelled`` was set.
    """
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
        raise raised_error(outcome.error)
    ending = _ending(process.returncode)
    # Whatever it wrote last (a traceback, with paths and code) is for the log alone.
    structlog.get_logger("meantime").error(
        "the reading process ended without a result",
        dataset=task.source.name,
        path=task.source.path,
        ending=ending,
        exception=_last_output(stderr_path),
    )
    raise _failed(task, ending)


def _follow(
    process: subprocess.Popen[bytes],
    task: ReaderTask,
    watch: DiskWatch,
    on_progress: Callable[[Progress], None],
    cancelled: threading.Event,
) -> ReaderMessage:
    """Pass on progress until the outcome arrives; an empty message if the process ended without one."""
    to_process, from_process = cast(IO[bytes], process.stdin), cast(IO[bytes], process.stdout)
    # Left open: the process ends when this end is closed.
    with suppress(BrokenPipeError):  # it is dead already, which reading will show
        to_process.write(order_of(task, parent=os.getpid()))
        to_process.flush()
    received = b""
    while True:
        if cancelled.is_set():
            raise _cancelled(task)
        # Where the system does not show it, DuckDB's own limit is the only one.
        if resident_mb(process.pid) > task.memory_mb:
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


def raised_error(error: ReaderError) -> MeantimeError:
    """Return the error that was raised in the process."""
    kind: type[MeantimeError] = getattr(errors, error.kind)
    return kind(error.message, **error.data).for_operator(error.operator_message)


def _failed(task: ReaderTask, why: str) -> LoadFailed:
    return LoadFailed(f"Reading {label_of(task.source)} failed: {why}.").for_operator(
        f"Reading {task.source.path} failed: {why}."
    )


def _cancelled(task: ReaderTask) -> LoadCancelled:
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
