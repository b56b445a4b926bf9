"""What is done about a damaged database of jobs when it is opened, before anything relies on it.

Indexes are made again. A job whose number was damaged comes back under its own: else it would be unknown, another job
could not be found behind it, or two rows would claim one number. Of two, the sound one stays.
"""

from __future__ import annotations

import re
import sqlite3
from pathlib import Path

import structlog

from meantime.errors import StoreBroken
from meantime.stores import queries
from meantime.stores.job_rows import SqlRow, blank_row, is_sound, under_its_number

_log = structlog.get_logger("meantime")

# What the damage of a single row looks like, in its number or in an index. The checksum of the row tells the rest.
_IS_ABOUT_ONE_ROW = re.compile(
    "out of order|from index|entries in index|non-unique entry|NULL value|NUMERIC value|TEXT value"
)
_IS_OUT_OF_ORDER = re.compile("out of order")


def repair(writer: sqlite3.Connection, path: Path) -> None:
    """Put right what can be told from the checksums of rows, and report it.

    Raises:
        StoreBroken: jobs are hidden, and cannot be found.
        sqlite3.Error: the file cannot be read or written.
    """
    sql = queries.load()
    # A flipped bit in an index would hide jobs from their key or from their snapshot; it costs 2 µs a job to know.
    found = _damages(writer)
    if not found and all(map(is_sound, writer.execute(sql["unindexed"]))):
        return
    if found:
        _log.warning("the database of jobs is damaged; its indexes are made again", found=found[0])
        writer.execute("REINDEX")
        found = _damages(writer)
        # A number that is out of order is one job's. What hides a page hides all jobs of it, and nobody would miss
        # them: their ids would be unknown.
        if hiding := [each for each in found if not _IS_ABOUT_ONE_ROW.search(each)]:
            raise StoreBroken(
                "The database of jobs is damaged, and jobs in it cannot be found. Keep the file, and restore a "
                f"backup. SQLite says: {hiding[0]}."
            ).for_operator(
                f"{path} is damaged, and jobs in it cannot be found. Keep the file, and restore a backup. "
                f"SQLite says: {hiding[0]}."
            )
    rows = writer.execute(sql["in_place"]).fetchall()
    numbered = [under_its_number(row) for row in rows]
    if numbered != rows or any(map(_IS_OUT_OF_ORDER.search, found)):
        _log.warning(
            "jobs lie under wrong numbers in the database; all are written again, in order",
            numbers=[row[0] for row, right in zip(rows, numbered, strict=True) if row != right],
        )
        _write_again(writer, sql, numbered)


def _write_again(writer: sqlite3.Connection, sql: dict[str, str], rows: list[SqlRow]) -> None:
    sound = {row[0]: row for row in rows if is_sound(row)}
    damaged = {row[0]: row for row in rows if row[0] not in sound}
    writer.execute("BEGIN IMMEDIATE")
    writer.execute(sql["clear"])
    writer.executemany(sql["add"], [sound[number] for number in sorted(sound)])
    for number, row in damaged.items():
        try:
            writer.execute(sql["add"], row)
        except (sqlite3.Error, ValueError):  # no row may hold what is in it
            writer.execute(sql["add"], blank_row(number))
    writer.execute("COMMIT")


def _damages(connection: sqlite3.Connection) -> list[str]:
    """Return what SQLite finds wrong with the file, a sentence each; nothing if it is sound."""
    rows = connection.execute("PRAGMA integrity_check").fetchall()
    lines = [line for (text,) in rows for line in str(text).splitlines()]
    return [line for line in lines if line != "ok" and not line.startswith("***")]
