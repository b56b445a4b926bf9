"""How what is logged with structlog, or by a library with logging, comes to us."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import structlog

from meantime.log.entries import LEVELS, LogEvent
from meantime.log.sinks import FROM_MEANTIME, Terminal

# Takes the fields of an event.
Receive = Callable[[Mapping[str, Any]], None]


def configure_structlog(receive: Receive, *, level: int) -> None:
    """Have structlog hand over every event from this level on."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            # Here and not in the log's thread, since the traceback belongs to this one.
            structlog.processors.format_exc_info,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=lambda *_: _Receiver(receive),
        cache_logger_on_first_use=False,
    )


@contextmanager
def plain_stderr() -> Iterator[None]:
    """Have structlog write plainly to standard error, warnings and worse only: for commands, which have no ``Log``.

    Its own default is standard output, which belongs to the command's answer.
    """
    before = structlog.get_config()
    terminal = Terminal(None, verbose=False)
    configure_structlog(lambda fields: terminal.show(LogEvent(time.time(), fields)), level=logging.WARNING)
    try:
        yield
    finally:
        structlog.configure(**before)


class _Receiver:
    """What structlog's last processor hands an event to."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive

    def msg(self, **fields: Any) -> None:
        self._receive(fields)

    debug = info = warning = warn = error = critical = exception = fatal = log = msg


class LoggingHandler(logging.Handler):
    """Hands what libraries log on to structlog, from warning on; uvicorn's errors, most of all."""

    def attach(self) -> None:
        """Take what is logged from now on."""
        self.setLevel(logging.WARNING)
        logging.getLogger().addHandler(self)

    def detach(self) -> None:
        """Take nothing any more."""
        logging.getLogger().removeHandler(self)

    def emit(self, record: logging.LogRecord) -> None:
        """Hand a record on, unless it came from us: then it is in the file already.

        A request that uvicorn cancels when the server stops is no error: it has been told how many there were.
        """
        if hasattr(record, FROM_MEANTIME) or _is_cancellation(record):
            return
        level = record.levelname.lower()
        structlog.get_logger(record.name).log(
            LEVELS.get(level, logging.WARNING),
            record.getMessage().strip(),
            logger=record.name,
            exc_info=record.exc_info or None,
        )


def _is_cancellation(record: logging.LogRecord) -> bool:
    return record.exc_info is not None and isinstance(record.exc_info[1], asyncio.CancelledError)
