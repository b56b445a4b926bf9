"""More faults put in on purpose: checks that are left out, and shortages that are taken for the end."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from meantime import descriptors
from meantime.dataset.row_files import FileDigest, RowFiles
from meantime.engine.clock_watch import ClockWatch
from meantime.errors import MeantimeError
from meantime.stores import job_rows, result_files, sqlite, sqlite_writer
from meantime.web.http import bodies
from meantime.web.http.request import HttpRequest


def unchecked_rows() -> None:
    """Read the rows of a snapshot whether or not they are what was written."""

    def compare(_self: RowFiles, _path: Path, _expected: FileDigest) -> None:
        pass

    RowFiles._compare = compare  # type: ignore[method-assign,assignment]


def unchecked_records() -> None:
    """Believe a record whatever its checksum is."""
    for module in (sqlite, sqlite_writer):
        module.record_of = job_rows._record_of  # type: ignore[attr-defined]


def believed_clock() -> None:
    """Remove what is too old by a clock that has just jumped."""
    ClockWatch.held_s = 0.0  # type: ignore[assignment,method-assign]


def shortage_is_final() -> None:
    """Take a lack of space or descriptors for the end."""
    result_files.PASSING = frozenset()  # type: ignore[attr-defined]


def uncapped_connections() -> None:
    """Accept connections until there are no descriptors, and take that for the end."""
    descriptors.connections_for = lambda limit: 10 * limit
    shortage_is_final()


def shown_paths() -> None:
    """Tell clients what only the operator should read."""
    MeantimeError.reason = MeantimeError.operator_reason  # type: ignore[method-assign]


def kept_requests() -> None:
    """Keep something of each request for ever."""
    start, kept = HttpRequest.__init__, []

    def keep(self: HttpRequest, *arguments: Any, **more: Any) -> None:
        kept.append(b"x" * 200_000)
        start(self, *arguments, **more)

    HttpRequest.__init__ = keep  # type: ignore[method-assign]


def unforeseen_bodies() -> None:
    """Let bodies that are no JSON be a bug."""

    class Decoder:
        def decode(self, body: bytes) -> Any:
            try:
                return msgspec.json.decode(body)
            except Exception as error:
                raise RuntimeError from error

    bodies._DECODER = Decoder()  # type: ignore[assignment]


LEFT_OUT: tuple[Callable[[], None], ...] = (
    unchecked_rows,
    unchecked_records,
    believed_clock,
    shortage_is_final,
    uncapped_connections,
    shown_paths,
    kept_requests,
    unforeseen_bodies,
)
