"""The reading process: it gets a task on standard input, and writes progress and the outcome to standard output.

Messages are JSON objects, one a line. Standard input stays open as long as the parent waits for the outcome; when it
ends, this process ends too. Nothing else may write to standard output, so anything printed goes to standard error.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import threading
import traceback
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

import msgspec

from meantime.dataset.reading.cluster.shared_files import StageTask, stage_shared_file
from meantime.dataset.reading.cluster.tallying import TallyTask, tally_file
from meantime.dataset.reading.progress import Progress
from meantime.dataset.reading.reader_messages import ReaderError, ReaderInput, ReaderMessage
from meantime.dataset.reading.session import memory_refused
from meantime.dataset.reading.source_reader import ReadingTask, read_source
from meantime.errors import MeantimeError

# Smaller steps would not show in a progress bar.
_SMALLEST_STEP = 0.002
_PR_SET_PDEATHSIG = 1


def main() -> int:
    """Carry out the task on standard input. Returns 0 when the outcome was sent; any other exception is a bug."""
    out = _take_standard_output()
    order = msgspec.json.Decoder(ReaderInput).decode(sys.stdin.buffer.readline())
    task = msgspec.json.Decoder(ReadingTask | TallyTask | StageTask).decode(order.task)
    _die_with(order.parent)
    try:
        path = _carry_out(task, _ProgressSender(out))
    except MeantimeError as error:
        _send(out, ReaderMessage(error=ReaderError.of(error)))
    except MemoryError:
        _send(out, ReaderMessage(error=ReaderError.of(memory_refused(task.memory_mb))))
    else:
        _send(out, ReaderMessage(folder=str(path)))
    return 0


def _carry_out(task: ReadingTask | TallyTask | StageTask, on_progress: Callable[[Progress], None]) -> Path:
    match task:
        case TallyTask():
            return tally_file(task)
        case StageTask():
            return stage_shared_file(task)
        case _:
            return read_source(task, on_progress)


class _ProgressSender:
    """Sends progress, in steps that can be seen."""

    def __init__(self, out: BinaryIO) -> None:
        self._out = out
        self._lock = threading.Lock()
        self._last = Progress("", -1.0, None)

    def __call__(self, progress: Progress) -> None:
        with self._lock:
            is_step = progress.phase != self._last.phase or progress.share - self._last.share >= _SMALLEST_STEP
            # Never backwards: a file that DuckDB could not read in place is read a second time.
            if is_step and progress.share >= self._last.share:
                self._last = progress
                _send(self._out, ReaderMessage(progress=progress))


def _send(out: BinaryIO, message: ReaderMessage) -> None:
    out.write(msgspec.json.encode(message) + b"\n")
    out.flush()


def _take_standard_output() -> BinaryIO:
    ours = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    return ours


def _die_with(parent: int) -> None:
    """End when the parent ends, however that happens: otherwise nobody would remove this process's files."""
    # Where the system can do it, it is certain. It watches the thread that started us, not its process; but that thread
    # waits for us.
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        # The parent may have ended before this call.
        if os.getppid() != parent:
            os._exit(1)

    def watch() -> None:
        sys.stdin.buffer.read()
        os._exit(1)

    # Not with meantime.threads, since nothing can join this thread: it waits for the end of the parent.
    threading.Thread(target=watch, name="meantime-parent-watch", daemon=True).start()


if __name__ == "__main__":
    # Not sys.exit, nor a traceback by the interpreter's end: both would wait for what the watching thread holds, and
    # crash. What is on standard error comes into the server's log.
    code = 1
    try:
        code = main()
    except BaseException:  # noqa: BLE001 - whatever it was, it is printed, and the exit code says so
        traceback.print_exc()
    finally:
        with suppress(OSError):
            sys.stderr.flush()
        os._exit(code)
