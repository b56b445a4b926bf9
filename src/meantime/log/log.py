"""A queue with its own thread: logging only puts a small value on the queue.

So a slow disk, or a full one, costs lines and never requests: the queue is bounded, and what did not fit is counted and
reported.
"""

from __future__ import annotations

import logging
import threading
import time
import traceback
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any, TextIO

import structlog

from meantime import threads
from meantime.log.capture import LoggingHandler, configure_structlog
from meantime.log.entries import LogEntry, LogEvent, RequestFinished, RequestStarted
from meantime.log.lines import line_or_error
from meantime.log.rotating_file import RotatingFile
from meantime.log.sinks import ApplicationLogger, Sink, Terminal

FILE_NAME = "webserver.log"

# Two lines a request at ten thousand requests a second: five seconds of a disk that does not answer, in some 40 MB.
QUEUE_LIMIT = 100_000
# Lines made at a time; between two rounds the interpreter is handed back, so that a burst of lines is no pause
# for those whose requests they are about.
_ROUND = 256
# How long the thread lets lines gather when it was woken. Somebody who follows the file does not notice, and at full
# load it is woken twenty times a second and not ten thousand.
_GATHER_S = 0.05


class Log:
    """The log of a running server: between ``start`` and ``close``, what goes to structlog or logging is written here.

    The terminal (standard error) gets the life of the server and its errors, with ``verbose`` everything; the file gets
    everything, and two lines for every request. With ``logger``, that logger of a surrounding application gets what
    the terminal would, and decides who sees it.
    """

    def __init__(
        self,
        folder: Path,
        *,
        size_mb: int,
        files: int,
        on_death: threads.OnDeath,
        verbose: bool = False,
        terminal: TextIO | None = None,
        logger: logging.Logger | None = None,
        clock: Callable[[], float] = time.time,
        queue_limit: int = QUEUE_LIMIT,
    ) -> None:
        self._file = RotatingFile(folder / FILE_NAME, limit_bytes=size_mb * 1_000_000, kept=files)
        self._sink: Sink = ApplicationLogger(logger) if logger else Terminal(terminal, verbose=verbose)
        self._clock = clock
        self._on_death = on_death
        self._queue: deque[LogEntry] = deque()
        self._queue_limit = queue_limit
        self._dropped = 0
        self._is_asleep = False
        self._is_closing = False
        self._is_dead = False
        self._wake = threading.Event()
        self._thread: threading.Thread | None = None
        self._before: dict[str, Any] = {}
        self._handler = LoggingHandler()

    def start(self) -> None:
        """Open the file, start the thread, and take over structlog and logging.

        Raises:
            OSError: the file cannot be opened.
        """
        self._file.open()
        self._before = structlog.get_config()
        configure_structlog(lambda fields: self._put(LogEvent(self._clock(), fields)), level=logging.DEBUG)
        self._handler.attach()
        self._thread = threads.start("log", self._write_until_closed, on_death=self._died)

    def close(self) -> None:
        """Write what was logged, give structlog and logging back, stop the thread. May be called twice."""
        if self._thread is None:
            return
        self._handler.detach()
        structlog.configure(**self._before)
        self._is_closing = True
        self._wake.set()
        self._thread.join()
        self._thread = None
        self._file.close()

    def request_started(self, request: int, method: str, path: bytes, parameters: bytes) -> None:
        """Note that a request came in. ``request`` is the number that its two lines share."""
        self._put(RequestStarted(self._clock(), request, method, path, parameters))

    def request_finished(
        self,
        request: int,
        method: str,
        path: bytes,
        *,
        status: int,
        job_id: str | None,
        seconds: float,
        reason: str | None,
        key_id: str | None = None,
    ) -> None:
        """Note how a request was answered, and the id of the key that it came with."""
        self._put(RequestFinished(self._clock(), request, method, path, status, job_id, seconds, reason, key_id))

    def _died(self, role: str, error: BaseException) -> None:
        """Go on without the thread, or nobody would hear why the server ends: events are shown where they happen."""
        self._is_dead = True
        self._put(
            LogEvent(
                self._clock(),
                {
                    "event": "a thread died",
                    "level": "error",
                    "role": role,
                    "exception": "".join(traceback.format_exception(error)),
                },
            )
        )
        self._on_death(role, error)

    def _put(self, entry: LogEntry) -> None:
        if self._is_dead:
            self._sink.show(entry)
            return
        if len(self._queue) >= self._queue_limit:
            self._dropped += 1  # two threads may count as one here; the order of magnitude is what is reported
            return
        self._queue.append(entry)
        # In this order: the thread marks that it sleeps and then looks again, so one of the two sees the other.
        if self._is_asleep:
            self._is_asleep = False
            self._wake.set()

    def _write_until_closed(self) -> None:
        while True:
            self._write_all()
            if self._is_closing:
                self._write_all()  # what came between the last look and the closing
                return
            self._wake.clear()
            self._is_asleep = True
            if not self._queue and not self._is_closing:
                self._wake.wait()
            self._is_asleep = False
            if not self._is_closing:
                time.sleep(_GATHER_S)

    def _write_all(self) -> None:
        while self._queue:
            entries = [self._queue.popleft() for _ in range(min(_ROUND, len(self._queue)))]
            if self._dropped:
                dropped, self._dropped = self._dropped, 0
                entries.append(
                    LogEvent(self._clock(), {"event": "log lines dropped", "level": "warning", "lines": dropped})
                )
            for entry in entries:
                self._sink.show(entry)
            error = self._file.write([line_or_error(entry) for entry in entries])
            if error:
                self._sink.show(LogEvent(self._clock(), {"event": error, "level": "error"}))
            if not self._is_closing:
                time.sleep(0.001)
