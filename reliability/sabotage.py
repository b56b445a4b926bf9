"""Meantime with a fault put in on purpose: a harness that does not find it is worth nothing.

python -m reliability.sabotage FAULT serve ...
"""

from __future__ import annotations

import functools
import sqlite3
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from meantime.cli import main
from meantime.engine.ports import EncodedResult
from meantime.model import Receipt
from meantime.stores.result_files import ResultFiles
from meantime.stores.sqlite import SqliteJobStore
from meantime.stores.sqlite_writer import GroupWriter
from reliability.broken_hosts import BROKEN_HOSTS
from reliability.left_out import LEFT_OUT


def unchecked_results() -> None:
    """Serve a result whether or not it matches the checksum in its record."""

    def read(self: ResultFiles, number: int, receipt: Receipt) -> bytes | None:
        del receipt
        try:
            return Path(self._path(number)).read_bytes()
        except OSError:
            return None

    ResultFiles.open = read  # type: ignore[method-assign]


def mark_before_file() -> None:
    """Write the file of a result only after its job was marked done."""
    put = ResultFiles.put

    def later(self: ResultFiles, number: int, result: EncodedResult) -> Receipt:
        threading.Timer(0.05, put, (self, number, result)).start()
        return result.receipt()

    ResultFiles.put = later  # type: ignore[method-assign]


class _Lazy(sqlite3.Connection):
    """Commits every twentieth time only, once the server runs."""

    commits = 0
    is_lazy = False

    def execute(self, sql: str, *parameters: Any) -> sqlite3.Cursor:
        if sql == "BEGIN IMMEDIATE" and self.in_transaction:
            return self.cursor()
        if sql == "COMMIT" and self.is_lazy:
            self.commits += 1
            if self.commits % 20:
                return self.cursor()
        return super().execute(sql, *parameters)


def acknowledged_before_commit() -> None:
    """Answer that a job is accepted before it is on disk."""
    defaults: dict[str, Any] = SqliteJobStore.__init__.__kwdefaults__ or {}
    defaults["connect"] = functools.partial(sqlite3.connect, factory=_Lazy)
    start = GroupWriter.__init__

    def lazily(self: GroupWriter, connection: sqlite3.Connection, **more: Any) -> None:
        if isinstance(connection, _Lazy):
            connection.is_lazy = True
        start(self, connection, **more)

    GroupWriter.__init__ = lazily  # type: ignore[method-assign]


SABOTAGES: dict[str, Callable[[], None]] = {
    each.__name__.replace("_", "-"): each
    for each in (unchecked_results, mark_before_file, acknowledged_before_commit, *LEFT_OUT, *BROKEN_HOSTS)
}

if __name__ == "__main__":
    SABOTAGES[sys.argv[1]]()
    main(sys.argv[2:])
