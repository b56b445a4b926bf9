"""The database of jobs: its address, connections to it, and its schema."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

import psycopg
from psycopg.rows import tuple_row

from meantime.errors import SettingInvalid, StoreTooNew
from meantime.stores import queries
from meantime.stores.job_rows import SqlRow
from meantime.stores.postgres.errors import said

Connection = psycopg.Connection[SqlRow]
Statement = tuple[str, Sequence[Any]]

_SCHEMA_VERSION = 1
# PostgreSQL ends a transaction that its host has left alone for so long, with a host that is stopped or cut off: all
# others wait for it. A pause of a busy machine is shorter, and a lease much longer.
_ABANDONED_MS = 5_000
# How long to wait for others to commit, and for a network that answers nothing.
_TURN_MS = 10_000
_SILENCE_MS = 10_000
_CONNECT_S = 5
_MAKING = 5_770_173  # the advisory lock under which the schema is made; any number that nobody else uses


class Database:
    """Where the jobs are. The address has no password: that comes from PGPASSWORD, PGPASSFILE or ~/.pgpass."""

    def __init__(self, address: str) -> None:
        self._address = address
        parts = urlsplit(address)
        # For messages: without anything that the address may have in its query.
        self.name = f"{parts.hostname or 'localhost'}{f':{parts.port}' if parts.port else ''}{parts.path}"

    def connect(self) -> Connection:
        """Open a connection whose commits are durable.

        Raises:
            psycopg.Error: it cannot be opened.
        """
        connection: Connection = psycopg.connect(
            self._address,
            autocommit=True,
            row_factory=tuple_row,
            connect_timeout=_CONNECT_S,
            tcp_user_timeout=_SILENCE_MS,
            application_name="meantime",
        )
        try:
            connection.execute(f"SET idle_in_transaction_session_timeout = {_ABANDONED_MS}")
            connection.execute(f"SET lock_timeout = {_TURN_MS}")
            connection.execute("SET client_min_messages = warning")
            [(commit,)] = connection.execute("SHOW synchronous_commit").fetchall()
            if commit in ("off", "local"):
                connection.execute("SET synchronous_commit = on")
        except BaseException:
            connection.close()
            raise
        return connection

    def prepare(self) -> None:
        """Make the schema if there is none, and check that jobs are safe here.

        Raises:
            SettingInvalid: the database cannot be reached or written to, or does not keep what it commits.
            StoreTooNew: a newer Meantime made the schema.
        """
        try:
            with self.connect() as connection:
                self._require_durable(connection)
                self._make_schema(connection)
        except (psycopg.Error, OSError) as error:
            raise self._refused(error) from error

    def _require_durable(self, connection: Connection) -> None:
        if connection.execute("SELECT pg_is_in_recovery()").fetchall() == [(True,)]:
            raise SettingInvalid(
                f"The database of jobs at {self.name} is a standby, which only the primary writes to. Set jobs to the "
                "address of the primary, or add target_session_attrs=read-write."
            )
        if connection.execute("SHOW fsync").fetchall() == [("off",)]:
            raise SettingInvalid(
                f"PostgreSQL at {self.name} runs with fsync = off, so a power cut would lose jobs that were accepted. "
                "Set fsync = on in its configuration."
            )

    def _make_schema(self, connection: Connection) -> None:
        with connection.transaction():
            # Two hosts that start at the same time would both make it.
            connection.execute("SELECT pg_advisory_xact_lock(%s)", (_MAKING,))
            if connection.execute("SELECT to_regclass('meantime.counters') IS NULL").fetchall() == [(True,)]:
                connection.execute(queries.script("postgres/schema.sql"))
            [(version,)] = connection.execute("SELECT schema_version FROM meantime.counters").fetchall()
        if version > _SCHEMA_VERSION:
            raise StoreTooNew(
                f"The jobs at {self.name} were written by a newer Meantime (schema {version}; this one knows "
                f"{_SCHEMA_VERSION}). Update this host."
            )

    def _refused(self, error: BaseException) -> SettingInvalid:
        code = getattr(error, "sqlstate", None) or ""
        text = said(error)
        if code.startswith("28") or re.search(
            r"authentication failed|no password supplied|role .* does not exist", text
        ):
            what = "refuses the user or the password. Check PGUSER, and PGPASSWORD or ~/.pgpass"
        elif code.startswith("3D") or re.search(r'database ".*" does not exist', text):
            what = "has no such database. Make it with createdb, or correct the setting jobs"
        elif code == "42501":
            what = "does not let this user make or use the schema meantime. Grant CREATE on the database"
        elif code.startswith(("42", "25")):
            what = "has a schema meantime that is not Meantime's, or cannot be written to"
        else:
            what = "cannot be reached. Check that PostgreSQL runs there, and the setting jobs"
        reason = f"The database of jobs at {self.name} {what}."
        return SettingInvalid(f"{reason} PostgreSQL says: {text}.")


def run(connection: Connection, statements: Sequence[Statement]) -> list[list[SqlRow]]:
    """Run statements in one round trip; return the rows of each.

    Raises:
        psycopg.Error: one of them failed; those after it did not run.
    """
    with connection.pipeline():  # its end waits for all answers, once
        cursors = [connection.execute(query, values, prepare=True) for query, values in statements]
    return [cursor.fetchall() if cursor.description else [] for cursor in cursors]
