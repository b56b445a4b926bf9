"""Errors of SQLite as ours: those that pass by themselves, and those after which only a restart helps."""

from __future__ import annotations

import sqlite3

from meantime.errors import StoreBroken, StoreFull, StorePaused

# What opening, reading and writing a file can raise: SQLite's own, and what Python makes of bytes that are no text, of
# a value of another type, and of memory that was refused.
SqliteErrors = (sqlite3.Error, MemoryError, ValueError, TypeError, OverflowError)

# Kinds of errors (the low byte) that pass: no memory, another program that holds the file, no descriptor for a file.
_PASSING = frozenset({sqlite3.SQLITE_NOMEM, sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_CANTOPEN})
# SQLite calls a full disk by its name, but an exceeded quota, refused memory and used-up descriptors an I/O error of
# the step that met them. After these, nothing is committed, and the next commit writes over what is there. Errors of
# reading, and of fsync, are none of them: after those, only reading anew can tell what is on disk.
_PASSING_IO = frozenset(
    {
        sqlite3.SQLITE_IOERR_WRITE,
        sqlite3.SQLITE_IOERR_NOMEM,
        sqlite3.SQLITE_IOERR_SHMOPEN,
        sqlite3.SQLITE_IOERR_SHMSIZE,
        sqlite3.SQLITE_IOERR_SHMMAP,
    }
)


def translated(error: BaseException) -> StorePaused | StoreBroken:
    """Return Meantime's error for one of ``SqliteErrors``.

    A machine that is short of something is harmless: SQLite has committed nothing, and may later. After anything else
    it is open what is on disk, so it is final: only reading it anew, after a restart, can tell.
    """
    code = getattr(error, "sqlite_errorcode", 0)
    kind = code & 0xFF
    name = getattr(error, "sqlite_errorname", type(error).__name__)
    if kind == sqlite3.SQLITE_FULL:
        return StoreFull("The disk is full; nothing was written. Free some space, then try again.")
    if isinstance(error, MemoryError) or kind in _PASSING or code in _PASSING_IO:
        return StorePaused(
            f"The store of jobs cannot be used for the moment ({name}); nothing was written. It goes on by itself when "
            "the machine has what it lacks: memory, open files, or space within its quota."
        )
    if kind in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB) or not isinstance(error, sqlite3.Error):
        return _broken(
            f"The store of jobs is damaged ({name}). Restore jobs.sqlite3 from a backup, or move it away and start "
            "without jobs.",
            error,
        )
    return _broken(
        f"The store of jobs failed ({name}). What was acknowledged is on disk. Check the disk, and other programs that "
        "use this file; then start the server again.",
        error,
    )


def _broken(reason: str, error: BaseException) -> StoreBroken:
    # SQLite's own words are for who runs the server: they may name a file.
    return StoreBroken(reason).for_operator(f"{reason} SQLite says: {error}.")
