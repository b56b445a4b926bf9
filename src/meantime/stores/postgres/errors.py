"""Errors of PostgreSQL as ours: those that pass by themselves, and those after which only a restart helps."""

from __future__ import annotations

import psycopg

from meantime.errors import StoreBroken, StoreFull, StorePaused

# What a connection can raise.
PostgresErrors = (psycopg.Error, OSError)

_DISK_FULL = "53100"
# Classes of SQLSTATE that pass: no connection, a transaction that has to be repeated, too little of something, somebody
# who intervenes (a restart), a lock or a state that is in the way, and a server that is only being read for now.
_PASSING = ("08", "25", "28", "40", "53", "55", "57")


def translated(error: BaseException) -> StorePaused | StoreBroken:
    """Return Meantime's error for one of ``PostgresErrors``.

    Where the connection is gone, it is open for now what was committed; the writer finds that out when it is back.
    """
    code = getattr(error, "sqlstate", None) or ""
    if code == _DISK_FULL:
        return StoreFull(
            "The disk of the database of jobs is full; nothing was written. Free some space and try again."
        )
    if isinstance(error, (OSError, psycopg.InterfaceError)) or code.startswith(_PASSING):
        return _paused(error)
    if isinstance(error, psycopg.OperationalError) and not code:  # nobody answers at all
        return _paused(error)
    reason = (
        f"The database of jobs refused what it must be able to do (SQLSTATE {code or 'unknown'}). What was accepted is "
        "kept. See the log of PostgreSQL; then start the server again."
    )
    return StoreBroken(reason).for_operator(f"{reason} PostgreSQL says: {said(error)}.")


def said(error: BaseException) -> str:
    """Return what PostgreSQL or its library says, as one line. It never names a password."""
    return " ".join(str(error).split()).rstrip(".?")


def _paused(error: BaseException) -> StorePaused:
    reason = "The database of jobs cannot be reached for the moment; nothing was written. Jobs go on when it is back."
    return StorePaused(reason).for_operator(f"{reason} PostgreSQL says: {said(error)}.")
