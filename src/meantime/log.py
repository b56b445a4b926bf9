"""The voice of the server: structlog, to the terminal for people and to ``webserver.log`` for the record.

Whoever speaks only puts a small value on a queue; a thread of its own makes lines of it and writes them. So a slow
disk, or a full one, costs lines and never requests: the queue is bounded, and what did not fit is counted and said.
"""

from __future__ import annotations

import json
import logging
import os
import re
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple, TextIO

import structlog

from meantime import threads

FILE_NAME = "webserver.log"

# Two lines a request at ten thousand requests a second: five seconds of a disk that does not answer, in some 40 MB.
QUEUE_LIMIT = 100_000
# A value longer than this is cut: a line must not cost more than the request it is about.
VALUE_LIMIT = 300
# Lines made at a time; between two rounds the interpreter is handed back, so that a burst of lines is no pause
# for those whose requests they are about.
_ROUND = 256
# How long the thread lets lines gather when it was woken. Somebody who follows the file does not notice, and at full
# load it is woken twenty times a second and not ten thousand.
_GATHER_S = 0.05

# Marks what we hand to logging, so that it does not come back to us.
_OURS = "is_said_by_meantime"
_LEVELS = {"debug": 10, "info": 20, "warning": 30, "error": 40, "critical": 50}
# Control characters of both kinds, the separators that end a line for some readers, the marks that turn the
# direction of writing, and halves of characters. A line with any of these as it came could forge another line.
_UNSAFE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


class _Entered(NamedTuple):
    at_s: float
    request: int
    method: str
    path: bytes
    parameters: bytes


class _Left(NamedTuple):
    at_s: float
    request: int
    method: str
    path: bytes
    status: int
    job_id: str | None
    seconds: float
    reason: str | None


class _Said(NamedTuple):
    at_s: float
    event: Mapping[str, Any]


class Log:
    """The log of a running server: between ``start`` and ``close``, whatever is said to structlog or logging goes here.

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
        self._file = _RotatingFile(folder / FILE_NAME, limit_bytes=size_mb * 1_000_000, kept=files)
        self._terminal = _Logger(logger) if logger else _Terminal(terminal, verbose=verbose)
        self._clock = clock
        self._on_death = on_death
        self._queue: deque[_Entered | _Left | _Said] = deque()
        self._queue_limit = queue_limit
        self._dropped = 0
        self._is_asleep = False
        self._is_closing = False
        self._wake = threading.Event()
        self._thread: threading.Thread | None = None
        self._before: dict[str, Any] = {}
        self._handler = _FromLogging()

    def start(self) -> None:
        """Open the file, start the thread, and take over structlog and logging.

        Raises:
            OSError: the file cannot be opened.
        """
        self._file.open()
        self._before = structlog.get_config()
        structlog.configure(
            processors=[
                structlog.contextvars.merge_contextvars,
                structlog.processors.add_log_level,
                # Here and not in the thread: a traceback is that of whoever speaks.
                structlog.processors.format_exc_info,
            ],
            wrapper_class=structlog.make_filtering_bound_logger(logging.DEBUG),
            logger_factory=lambda *_: _Outlet(self._say),
            cache_logger_on_first_use=False,
        )
        self._handler.attach()
        self._thread = threads.start("log", self._write_until_closed, on_death=self._on_death)

    def close(self) -> None:
        """Write what was said, give structlog and logging back, stop the thread. May be called twice."""
        if self._thread is None:
            return
        self._handler.detach()
        structlog.configure(**self._before)
        self._is_closing = True
        self._wake.set()
        self._thread.join()
        self._thread = None
        self._file.close()

    def entered(self, request: int, method: str, path: bytes, parameters: bytes) -> None:
        """Note that a request came in. ``request`` is the number that its two lines share."""
        self._put(_Entered(self._clock(), request, method, path, parameters))

    def left(
        self,
        request: int,
        method: str,
        path: bytes,
        *,
        status: int,
        job_id: str | None,
        seconds: float,
        reason: str | None,
    ) -> None:
        """Note how a request was answered."""
        self._put(_Left(self._clock(), request, method, path, status, job_id, seconds, reason))

    def _say(self, event: Mapping[str, Any]) -> None:
        self._put(_Said(self._clock(), event))

    def _put(self, entry: _Entered | _Left | _Said) -> None:
        if len(self._queue) >= self._queue_limit:
            self._dropped += 1  # two threads may count as one here; the order of magnitude is what is told
            return
        self._queue.append(entry)
        # In this order: the thread says that it sleeps and then looks again, so one of the two sees the other.
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
                    _Said(self._clock(), {"event": "log lines dropped", "level": "warning", "lines": dropped})
                )
            for entry in entries:
                self._terminal.show(entry)
            trouble = self._file.write([_line_or_excuse(entry) for entry in entries])
            if trouble:
                self._terminal.show(_Said(self._clock(), {"event": trouble, "level": "error"}))
            if not self._is_closing:
                time.sleep(0.001)


@contextmanager
def plain_stderr(*, verbose: bool = False) -> Iterator[None]:
    """Have structlog write plainly to standard error, warnings and worse only: for commands, which have no ``Log``.

    Its own default is standard output, which belongs to the command's answer.
    """
    before = structlog.get_config()
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.format_exc_info,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.DEBUG if verbose else logging.WARNING),
        logger_factory=lambda *_: _Outlet(
            lambda event: _Terminal(None, verbose=verbose).show(_Said(time.time(), event))
        ),
        cache_logger_on_first_use=False,
    )
    try:
        yield
    finally:
        structlog.configure(**before)


class _Outlet:
    """Where structlog's last processor hands an event to."""

    def __init__(self, say: Callable[[Mapping[str, Any]], None]) -> None:
        self._say = say

    def msg(self, **event: Any) -> None:
        self._say(event)

    debug = info = warning = warn = error = critical = exception = fatal = log = msg


class _FromLogging(logging.Handler):
    """Hands what libraries say to logging on to structlog; uvicorn's errors, most of all."""

    def attach(self) -> None:
        self.setLevel(logging.WARNING)
        logging.getLogger().addHandler(self)

    def detach(self) -> None:
        logging.getLogger().removeHandler(self)

    def emit(self, record: logging.LogRecord) -> None:
        if hasattr(record, _OURS):
            return  # it came from us, and is in the file
        level = record.levelname.lower()
        structlog.get_logger(record.name).log(
            _LEVELS.get(level, logging.WARNING),
            record.getMessage().strip(),
            logger=record.name,
            exc_info=record.exc_info or None,
        )


class _Terminal:
    """Standard error: in colours for people, plain lines for whatever else reads it."""

    def __init__(self, stream: TextIO | None, *, verbose: bool) -> None:
        self._stream = stream
        self._is_verbose = verbose

    def show(self, entry: _Entered | _Left | _Said) -> None:
        if not (self._is_verbose or (isinstance(entry, _Said) and _level(entry) >= logging.INFO)):
            return
        # Looked up each time: a progress bar puts itself in the place of standard error while it is shown.
        stream = self._stream or sys.stderr
        # Nobody may be there any more, or a value may refuse to be shown: that costs a line and nothing else.
        with suppress(Exception):
            stream.write(self._text(entry, stream) + "\n")
            stream.flush()

    def _text(self, entry: _Entered | _Left | _Said, stream: TextIO) -> str:
        if not (isinstance(entry, _Said) and stream.isatty()):
            return _line(entry)
        event = {"timestamp": time.strftime("%H:%M:%S", time.localtime(entry.at_s)), **entry.event}
        trace = str(event.pop("exception", ""))
        safe = {name: _safe(value) if isinstance(value, str) else value for name, value in event.items()}
        text = _renderer(colors="NO_COLOR" not in os.environ)(None, "", safe)
        return str(text) + "".join(f"\n{_UNSAFE.sub(_escaped, line)}" for line in trace.splitlines())


class _Logger:
    """The logger of a surrounding application, in the place of the terminal."""

    def __init__(self, logger: logging.Logger) -> None:
        self._logger = logger

    def show(self, entry: _Entered | _Left | _Said) -> None:
        # What has a logger came from logging, and would be said there a second time.
        if not isinstance(entry, _Said) or "logger" in entry.event:
            return
        # Its handlers are somebody else's: whatever they do costs a line and nothing else.
        with suppress(Exception):
            # Without time and level: the application's own format has them.
            self._logger.log(_level(entry), "%s", _line(entry).split(" ", 2)[2], extra={_OURS: True})


def _renderer(*, colors: bool) -> structlog.dev.ConsoleRenderer:
    return structlog.dev.ConsoleRenderer(colors=colors, pad_event_to=0, pad_level=False)


class _RotatingFile:
    """A file that begins anew when it is full; the older ones end in .1, .2, ..., the oldest is dropped."""

    def __init__(self, path: Path, *, limit_bytes: int, kept: int) -> None:
        self._path = path
        self._limit_bytes = limit_bytes
        self._kept = kept
        self._descriptor: int | None = None
        self._size_bytes = 0
        self._is_cut = False  # the last write was not whole, so the next line must not continue its line
        self._lost = 0

    def open(self) -> int:
        self._descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        self._size_bytes = os.fstat(self._descriptor).st_size
        return self._descriptor

    def close(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def write(self, lines: list[str]) -> str | None:
        """Write lines; return what to tell people where that does not work any more, once."""
        # A write that was cut short counts as none: what of it is there is not worth the care.
        lost = (
            [f"{_timestamp(time.time())} warning lines lost before this one at_most={self._lost}"] if self._lost else []
        )
        data = ("\n" if self._is_cut else "") + "\n".join(lost + lines) + "\n"
        try:
            self._append(data.encode("utf-8", "backslashreplace"))
        except OSError as error:
            is_first, self._lost = not self._lost, self._lost + len(lines)
            why = error.strerror or error
            return f"{self._path.name} cannot be written, lines are lost: {why}" if is_first else None
        self._lost = 0
        return None

    def _append(self, data: bytes) -> None:
        if self._size_bytes and self._size_bytes + len(data) > self._limit_bytes:
            self._begin_anew()
        # It is closed where beginning anew has failed half way; then the old one goes on.
        descriptor = self.open() if self._descriptor is None else self._descriptor
        written = os.write(descriptor, data)
        self._size_bytes += written
        self._is_cut = written < len(data)
        if self._is_cut:
            raise OSError("only a part could be written")

    def _begin_anew(self) -> None:
        self.close()
        for number in range(self._kept - 1, 0, -1):
            if self._numbered(number).exists():
                self._numbered(number).replace(self._numbered(number + 1))
        if self._path.exists():  # somebody may have cleared it away
            self._path.replace(self._numbered(1))

    def _numbered(self, number: int) -> Path:
        return self._path.with_name(f"{self._path.name}.{number}")


def _level(said: _Said) -> int:
    return _LEVELS.get(str(said.event.get("level")), logging.INFO)


def _line_or_excuse(entry: _Entered | _Left | _Said) -> str:
    try:
        return _line(entry)
    except Exception as error:  # noqa: BLE001 - a value that cannot be told as text costs its line, not the server
        return f"{_timestamp(entry.at_s)} error a line of the log could not be made error={type(error).__name__}"


def _line(entry: _Entered | _Left | _Said) -> str:
    if isinstance(entry, _Entered):
        return (
            f"{_timestamp(entry.at_s)} info enter request={entry.request} method={entry.method} "
            f"path={_bytes(entry.path)} parameters={_quoted(_bytes(entry.parameters))}"
        )
    if isinstance(entry, _Left):
        level = "info" if entry.status < 500 else "error"
        job = f" job_id={entry.job_id}" if entry.job_id else ""
        reason = f" reason={_quoted(_safe(entry.reason))}" if entry.reason else ""
        return (
            f"{_timestamp(entry.at_s)} {level} exit request={entry.request} method={entry.method} "
            f"path={_bytes(entry.path)} status={entry.status}{job} ms={entry.seconds * 1000:.3f}{reason}"
        )
    rest = dict(entry.event)
    level, event = rest.pop("level", "info"), rest.pop("event", "")
    # A traceback is the one value that is worth its length; its lines become one.
    trace = rest.pop("exception", None)
    fields = "".join(f" {_safe(name)}={_value(value)}" for name, value in rest.items())
    told = f" exception={_quoted(_UNSAFE.sub(_escaped, str(trace)))}" if trace else ""
    return f"{_timestamp(entry.at_s)} {level} {_safe(str(event))}{fields}{told}"


def _timestamp(at_s: float) -> str:
    """Return a time as UTC, to the microsecond.

    >>> _timestamp(1.5)
    '1970-01-01T00:00:01.500000Z'
    """
    whole = int(at_s)
    return f"{_second(whole)}.{int((at_s - whole) * 1_000_000):06d}Z"


@lru_cache(2)  # ten thousand lines may share a second
def _second(whole: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(whole))


def _value(value: object) -> str:
    if isinstance(value, bool | int | float | None):
        return json.dumps(value)
    text = _safe(str(value))
    return text if re.fullmatch(r"[\w.:/@+-]+", text) else _quoted(text)


def _quoted(text: str) -> str:
    r"""Put a text that is safe already between quotes.

    >>> print(_quoted('a "b"'))
    "a \"b\""
    """
    return '"' + text.replace('"', '\\"') + '"'


def _bytes(data: bytes) -> str:
    if len(data) > VALUE_LIMIT:
        return f"{_bytes(data[:VALUE_LIMIT])}...({len(data)}_bytes)"
    text = data.decode("utf-8", "backslashreplace").replace("\\", "\\\\")
    return text if text.isascii() and text.isprintable() else _UNSAFE.sub(_escaped, text)


def _safe(text: str) -> str:
    r"""Return a text that can do nothing to the line it is in: bounded, without control characters.

    >>> print(_safe("one\ntwo\x1b[31m"))
    one\ntwo\x1b[31m
    """
    if len(text) > VALUE_LIMIT:
        return f"{_safe(text[:VALUE_LIMIT])}...({len(text)} characters)"
    return _UNSAFE.sub(_escaped, text.replace("\\", "\\\\"))


def _escaped(found: re.Match[str]) -> str:
    return found[0].encode("unicode_escape").decode()
