"""Opens the SQLite file of jobs, for the one connection that writes and for those that read.

WAL with ``synchronous=FULL``, and both are read back: SQLite falls back without an error where a file system cannot do
it.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import threading
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from meantime.descriptors import PASSING
from meantime.errors import StoreBroken, StoreError, StorePaused, StoreTooNew
from meantime.stores import queries
from meantime.stores.job_rows import SqlRow, sealed
from meantime.stores.mapped_files import may_break
from meantime.stores.sqlite_errors import SqliteErrors, translated
from meantime.stores.sqlite_repairs import repair
from meantime.stores.state_files import HIGHEST_NUMBER
from meantime.stores.write_ahead_log import commits_left_out

Connect = Callable[..., sqlite3.Connection]

# How long to wait for another program that writes to our file (a backup, a shell): longer than such things take.
_BUSY_TIMEOUT_S = 30.0
# PRAGMA synchronous as SQLite reads it back.
_SYNCHRONOUS_FULL = 2
# The schema from which on rows have checksums.
_SEALED = 3


class SqliteFile:
    """A file of jobs that may be opened several times."""

    def __init__(self, path: Path, *, connect: Connect) -> None:
        self._path = path.resolve()
        self._connect = connect
        self._sql = queries.load()
        # With it, the index of the log is in memory instead of a mapped file; no other process can open the database.
        self._vfs = "&vfs=unix-excl" if may_break(self._path.parent) else ""

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the files that SQLite has open."""
        return tuple(self._path.name + suffix for suffix in ("", "-wal", "-shm"))

    def open_writer(self, *, noted_number: int) -> sqlite3.Connection:
        """Open the connection that writes, and bring the schema up to date.

        ``noted_number`` is the highest number that a job was given, as far as others than the database know.

        Raises:
            StoreTooNew, StoreBroken, StorePaused: see ``SqliteJobStore``.
        """
        self._create()
        self._require_whole_log(noted_number)
        return self._open(f"rw{self._vfs}", self._prepare)

    def open_reader(self) -> sqlite3.Connection:
        """Open a connection that can only read, with everything that it ever needs a descriptor for.

        Raises:
            StoreBroken, StorePaused: the file cannot be read.
        """
        return self._open(f"ro{self._vfs}", lambda reader: reader.execute("SELECT number FROM jobs LIMIT 1").fetchall())

    def last_number(self, connection: sqlite3.Connection) -> int:
        """Return the highest number that a job was given, as far as the database knows.

        Raises:
            StoreBroken, StorePaused: the file cannot be read.
        """
        try:
            numbers = [number for (number,) in connection.execute(self._sql["given_numbers"])]
        except SqliteErrors as error:
            raise translated(error) from error
        # One that no server can have given comes from a damaged row.
        return max((number for number in numbers if isinstance(number, int) and number <= HIGHEST_NUMBER), default=0)

    def _create(self) -> None:
        """Make the file if there is none, for us alone; SQLite gives the same mode to its others."""
        try:
            os.close(os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
        except OSError as error:
            if error.errno in PASSING:
                raise StorePaused(
                    f"The store of jobs cannot be opened ({error.strerror}). Start the server again when the machine "
                    "has what it lacks."
                ) from error
            raise StoreBroken(
                f"The store of jobs cannot be opened ({error.strerror}). Check owner and permissions of jobs.sqlite3 "
                "and its folder, or set another state directory (state_dir)."
            ) from error

    def _require_whole_log(self, noted_number: int) -> None:
        """Refuse a log that lacks jobs. Before anybody can write: then it would be begun anew.

        Commits may be left out for an innocent reason too: when the power fails while the log is begun anew, some that
        are in the database already stand behind a torn one. Without a job that is missing, nothing is lost for good.
        """
        if not self._path.stat().st_size or not self._path.with_name(f"{self._path.name}-wal").exists():
            return  # a new database, whatever lies beside it; or one that was closed
        known = left_out = 0
        # A file that cannot be read at all is reported by the opening that follows.
        with contextlib.suppress(StoreError, OSError), contextlib.closing(self._open("ro", _look)) as reader:
            left_out = commits_left_out(self._path)
            known = self.last_number(reader)  # fails if the table itself is in what was left out
        if left_out and known < noted_number:
            reason = (
                f"The log of the database of jobs (jobs.sqlite3-wal) is damaged: commits in it ({left_out}) cannot be "
                "read. Keep both files and restore a backup, or move the log away and start without these changes."
            )
            raise StoreBroken(reason).for_operator(f"{reason} The database is {self._path}.")

    def _open(self, mode: str, prepare: Callable[[sqlite3.Connection], object]) -> sqlite3.Connection:
        try:
            connection = self._connect(
                f"{self._path.as_uri()}?mode={mode}",
                uri=True,
                timeout=_BUSY_TIMEOUT_S,
                isolation_level=None,  # we say BEGIN
                check_same_thread=False,  # opened where errors are to be raised, and used by one thread at a time
            )
        except SqliteErrors as error:
            raise translated(error) from error
        try:
            # Bytes that are no text are a damaged record, which its checksum tells: not the end of the whole list.
            connection.text_factory = _text
            # Else a large list or change would need a file, and so a descriptor.
            connection.execute("PRAGMA temp_store = MEMORY")
            prepare(connection)
        except StoreError:
            connection.close()
            raise
        except SqliteErrors as error:
            connection.close()
            raise translated(error) from error
        return connection

    def _prepare(self, writer: sqlite3.Connection) -> None:
        (version,) = writer.execute("PRAGMA user_version").fetchone()
        migrations = queries.migrations()
        if version > migrations[-1].version:
            raise StoreTooNew(
                f"The jobs in {self._path} were written by a newer Meantime (schema {version}; this version knows "
                f"{migrations[-1].version}). Start that version, or set another state directory (state_dir)."
            )
        (mode,) = writer.execute("PRAGMA journal_mode = WAL").fetchone()
        writer.execute("PRAGMA synchronous = FULL")
        (synchronous,) = writer.execute("PRAGMA synchronous").fetchone()
        if (mode, synchronous) != ("wal", _SYNCHRONOUS_FULL):
            raise StoreBroken(
                f"{self._path} cannot be written durably here (journal mode {mode!r}, synchronous {synchronous}). "
                "Put the state directory (state_dir) on a local disk."
            )
        # We checkpoint ourselves: SQLite would do it inside a commit, and say nothing when that fails.
        writer.execute("PRAGMA wal_autocheckpoint = 0")
        for migration in migrations:
            if migration.version > version:
                writer.executescript(f"BEGIN IMMEDIATE; {migration.sql} PRAGMA user_version = {migration.version};")
                if migration.version == _SEALED:
                    writer.executemany(self._sql["seal"], list(self._seals(writer)))
                writer.execute("COMMIT")
        repair(writer, self._path)

    def _seals(self, writer: sqlite3.Connection) -> Iterator[tuple[int, int]]:
        """Return the checksum of each row that has none yet, and its number; none of a row that cannot be read."""
        for row in writer.execute(self._sql["jobs"]):
            with contextlib.suppress(ValueError, TypeError):
                yield sealed(row[:-1])[-1], row[0]


def _look(reader: sqlite3.Connection) -> object:
    return reader.execute("SELECT count(*) FROM sqlite_schema").fetchall()


_text = partial(str, encoding="utf-8", errors="surrogateescape")


class Reader:
    """A read-only connection, for one thread at a time."""

    def __init__(self, file: SqliteFile) -> None:
        self._lock = threading.Lock()
        self._connection = file.open_reader()

    def read(self, query: str, values: Any) -> list[SqlRow]:
        """Return all rows.

        Raises:
            StoreBroken: the file cannot be read.
            StorePaused: not for the moment.
        """
        try:
            with self._lock:
                return self._connection.execute(query, values).fetchall()
        except SqliteErrors as error:
            raise translated(error) from error

    def close(self) -> None:
        """Close the connection."""
        with self._lock:
            self._connection.close()
