"""The reading process: a job comes in on standard input, progress and the outcome go out on standard output.

One JSON object a line. Standard input stays open as long as the parent wants the answer; when it ends, this process
does, too. Nobody else may write to standard output, so whatever prints goes to standard error.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import threading
from typing import Any, BinaryIO

import msgspec

from meantime.dataset.reading.source_reader import Progress, ReadingTask, memory_too_small, read_source
from meantime.errors import MeantimeError

# Progress that a bar cannot show is not worth a line.
_SHARE_WORTH_TELLING = 0.002
_PR_SET_PDEATHSIG = 1


class ReaderInput(msgspec.Struct, frozen=True, kw_only=True):
    """What the parent sends: the job, and who it is."""

    job: ReadingTask
    parent: int  # process id


class ReaderError(msgspec.Struct, frozen=True, kw_only=True):
    """An error of ours on its way to the parent."""

    kind: str  # name of its class in meantime.errors
    message: str
    data: dict[str, Any]  # what it carries beside the message


class ReaderMessage(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One line to the parent: one of the three."""

    progress: Progress | None = None
    folder: str | None = None  # of the snapshot: done
    trouble: ReaderError | None = None


def main() -> int:
    """Read what standard input says. Returns the exit code, which is 0 whenever the outcome was told."""
    out = _take_standard_output()
    order = msgspec.json.decode(sys.stdin.buffer.readline(), type=ReaderInput)
    _die_with(order.parent)
    try:
        folder = read_source(order.job, _Teller(out))
    except MeantimeError as error:
        data = {name: value for name, value in vars(error).items() if not name.startswith("_")}
        _tell(out, ReaderMessage(trouble=ReaderError(kind=type(error).__name__, message=error.reason, data=data)))
    except MemoryError:
        short = memory_too_small(order.job.memory_mb)
        _tell(out, ReaderMessage(trouble=ReaderError(kind=type(short).__name__, message=short.reason, data={})))
    else:
        _tell(out, ReaderMessage(folder=str(folder)))
    return 0


class _Teller:
    """Tells progress, where there is something to tell."""

    def __init__(self, out: BinaryIO) -> None:
        self._out = out
        self._lock = threading.Lock()
        self._last = Progress("", -1.0, None)

    def __call__(self, progress: Progress) -> None:
        with self._lock:
            is_news = progress.phase != self._last.phase or progress.share - self._last.share >= _SHARE_WORTH_TELLING
            # Never backwards: a file that DuckDB gave up on is read a second time.
            if is_news and progress.share >= self._last.share:
                self._last = progress
                _tell(self._out, ReaderMessage(progress=progress))


def _tell(out: BinaryIO, news: ReaderMessage) -> None:
    out.write(msgspec.json.encode(news) + b"\n")
    out.flush()


def _take_standard_output() -> BinaryIO:
    ours = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    return ours


def _die_with(parent: int) -> None:
    """End when the parent ends, however that happens: nobody would remove what a reading process leaves behind."""
    # Where the system does that, it is certain. It watches the thread that started us, not its process; but that thread
    # waits for us.
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        # It may have ended before we asked.
        if os.getppid() != parent:
            os._exit(1)

    def watch() -> None:
        sys.stdin.buffer.read()
        os._exit(1)

    # Not by meantime.threads, since nothing can join it: it waits for the end of the parent.
    threading.Thread(target=watch, name="meantime-parent-watch", daemon=True).start()


if __name__ == "__main__":
    # Not sys.exit: it would wait for what the watch holds.
    code = main()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
