"""Opens the SQLite file of jobs, for the one connection that writes and for those that read.

WAL with ``synchronous=FULL``, and both are read back: SQLite falls back without an error where a file system cannot do
it. Foreign errors become ours here, in ``translated``.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from meantime.errors import StoreBroken, StoreError, StoreFull, StoreTooNew
from meantime.stores import queries

Connect = Callable[..., sqlite3.Connection]

# How long to wait for another program that writes to our file (a backup, a shell): longer than such things take.
_BUSY_TIMEOUT_S = 30.0
# PRAGMA synchronous as SQLite reads it back.
_SYNCHRONOUS_FULL = 2


class SqliteFile:
    """A file of jobs that may be opened several times."""

    def __init__(self, path: Path, *, connect: Connect) -> None:
        self._uri = path.resolve().as_uri()
        self._connect = connect

    def open_writer(self) -> sqlite3.Connection:
        """Open the connection that writes, and bring the schema up to date.

        Raises:
            StoreTooNew, StoreBroken, StoreFull: see ``SqliteJobStore``.
        """
        try:
            writer = self._open("rwc")
        except sqlite3.Error as error:
            raise translated(error) from error
        try:
            self._prepare(writer)
        except sqlite3.Error as error:
            writer.close()
            raise translated(error) from error
        except StoreError:
            writer.close()
            raise
        return writer

    def open_reader(self) -> sqlite3.Connection:
        """Open a connection that can only read."""
        return self._open("ro")

    def _open(self, mode: str) -> sqlite3.Connection:
        return self._connect(
            f"{self._uri}?mode={mode}",
            uri=True,
            timeout=_BUSY_TIMEOUT_S,
            isolation_level=None,  # we say BEGIN
            check_same_thread=False,  # opened where errors are to be raised, and used by one thread at a time
        )

    def _prepare(self, writer: sqlite3.Connection) -> None:
        (version,) = writer.execute("PRAGMA user_version").fetchone()
        migrations = queries.migrations()
        if version > migrations[-1].version:
            raise StoreTooNew(
                f"The jobs in {self._uri} were written by a newer Meantime (schema {version}; this version knows "
                f"{migrations[-1].version}). Start that version, or set another state directory (state_dir)."
            )
        (mode,) = writer.execute("PRAGMA journal_mode = WAL").fetchone()
        writer.execute("PRAGMA synchronous = FULL")
        (synchronous,) = writer.execute("PRAGMA synchronous").fetchone()
        if (mode, synchronous) != ("wal", _SYNCHRONOUS_FULL):
            raise StoreBroken(
                f"{self._uri} cannot be written durably here (journal mode {mode!r}, synchronous {synchronous}). "
                "Put the state directory (state_dir) on a local disk."
            )
        # We checkpoint ourselves: SQLite would do it inside a commit, and say nothing when that fails.
        writer.execute("PRAGMA wal_autocheckpoint = 0")
        for migration in migrations:
            if migration.version > version:
                writer.executescript(
                    f"BEGIN IMMEDIATE; {migration.sql} PRAGMA user_version = {migration.version}; COMMIT;"
                )


class Reader:
    """A read-only connection, opened when it is first needed, for one thread at a time."""

    def __init__(self, file: SqliteFile) -> None:
        self._file = file
        self._connection: sqlite3.Connection | None = None
        self._lock = threading.Lock()

    def read(self, query: str, values: Any) -> list[tuple[Any, ...]]:
        """Return all rows.

        Raises:
            StoreBroken: the file cannot be read.
        """
        try:
            with self._lock:
                if self._connection is None:
                    self._connection = self._file.open_reader()
                return self._connection.execute(query, values).fetchall()
        except sqlite3.Error as error:
            raise translated(error) from error

    def close(self) -> None:
        """Close the connection."""
        with self._lock:
            if self._connection is not None:
                self._connection.close()
                self._connection = None


def translated(error: sqlite3.Error) -> StoreFull | StoreBroken:
    """Return Meantime's error for an error of SQLite.

    A full disk is harmless: SQLite has written nothing, and may later. After anything else it is open what is on disk,
    so it is final: only reading it anew, after a restart, can tell.
    """
    # The low byte is the kind of error; the rest says where it happened.
    kind = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if kind == sqlite3.SQLITE_FULL:
        return StoreFull("The disk is full; nothing was written. Free some space, then try again.")
    name = getattr(error, "sqlite_errorname", type(error).__name__)
    if kind in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
        return StoreBroken(
            f"The store of jobs is damaged ({name}: {error}). Restore jobs.sqlite3 from a backup, or move it away and "
            "start without jobs."
        )
    return StoreBroken(
        f"The store of jobs failed ({name}: {error}). What was acknowledged is on disk. Check the disk, and other "
        "programs that use this file; then start the server again."
    )
