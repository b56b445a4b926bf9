"""Where people see the log: at the terminal, or in the logger of a surrounding application."""

from __future__ import annotations

import logging
import os
import sys
import time
from contextlib import suppress
from typing import Protocol, TextIO

import structlog

from meantime.log.entries import LogEntry, LogEvent
from meantime.log.lines import line, safe
from meantime.text import visible

# Marks what we hand to logging, so that it does not come back to us.
FROM_MEANTIME = "is_from_meantime"


class Sink(Protocol):
    """Shows entries; what it cannot show costs a line and nothing else."""

    def show(self, entry: LogEntry) -> None:
        """Show one, if it is for people."""


class Terminal:
    """Standard error: in colors for people, plain lines for whatever else reads it.

    It shows the life of the server and its errors; with ``verbose``, everything.
    """

    def __init__(self, stream: TextIO | None, *, verbose: bool) -> None:
        self._stream = stream
        self._is_verbose = verbose

    def show(self, entry: LogEntry) -> None:
        """Show one, if it is for people."""
        if not (self._is_verbose or (isinstance(entry, LogEvent) and entry.level >= logging.INFO)):
            return
        # Looked up each time: a progress bar replaces standard error while it is shown.
        stream = self._stream or sys.stderr
        # Nobody may be there any more, or a value may refuse to be shown: that costs a line and nothing else.
        with suppress(Exception):
            stream.write(self._text(entry, stream) + "\n")
            stream.flush()

    def _text(self, entry: LogEntry, stream: TextIO) -> str:
        if not (isinstance(entry, LogEvent) and stream.isatty()):
            return line(entry)
        fields = {"timestamp": time.strftime("%H:%M:%S", time.localtime(entry.at_s)), **entry.fields}
        trace = str(fields.pop("exception", ""))
        shown = {
            name: value if isinstance(value, bool | int | float | None) else safe(str(value))
            for name, value in fields.items()
        }
        render = structlog.dev.ConsoleRenderer(colors="NO_COLOR" not in os.environ, pad_event_to=0, pad_level=False)
        return str(render(None, "", shown)) + "".join(f"\n{visible(each)}" for each in trace.splitlines())


class ApplicationLogger:
    """The logger of a surrounding application, instead of the terminal."""

    def __init__(self, logger: logging.Logger) -> None:
        self._logger = logger

    def show(self, entry: LogEntry) -> None:
        """Pass one on, if it is for people."""
        # An event with a logger came from logging, and would be logged there a second time.
        if not isinstance(entry, LogEvent) or "logger" in entry.fields:
            return
        # Its handlers are not ours: if they fail, one line is lost and nothing else.
        with suppress(Exception):
            # Without time and level: the application's own format has them.
            self._logger.log(entry.level, "%s", line(entry).split(" ", 2)[2], extra={FROM_MEANTIME: True})
