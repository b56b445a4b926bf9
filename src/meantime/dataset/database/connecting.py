"""A connection to the database of a table, and its errors in our words.

Errors of drivers quote hosts, users and queries. What people may read is written here; the driver's own words are for
who runs the server. No password is in either: it never passes through Meantime.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import sqlalchemy
from sqlalchemy import ColumnClause, ColumnElement, Connection, Inspector, TableClause, func
from sqlalchemy.exc import DBAPIError, NoSuchTableError, SQLAlchemyError

from meantime.dataset.database.dialects import DIALECTS, NOTHING
from meantime.dataset.reading.source import no_such_file
from meantime.dataset.table_address import CONNECT_S, TableAddress
from meantime.did_you_mean import hint
from meantime.errors import DataError, LoadCancelled, LoadFailed, SourceUnreadable
from meantime.text import listed, quoted

# How soon a stop is noticed.
_LOOK_EVERY_S = 0.1
_TABLES_LISTED = 20
# What PostgreSQL answers to who may not enter, or asks for a database that is not there. libpq passes on no codes of
# connections that fail.
_REFUSED = (
    "authentication failed",
    "no password supplied",
    "no pg_hba.conf entry",
    "does not exist",
    "is not permitted",
)
_NO_PRIVILEGE, _TOO_LONG = "42501", "57014"


class TableReader:
    """A table in a transaction that sees one version of it."""

    def __init__(self, connection: Connection, address: TableAddress, cancelled: threading.Event) -> None:
        self.connection = connection
        self.address = address
        self.cancelled = cancelled
        self.dialect = DIALECTS[address.dialect]
        inspector = sqlalchemy.inspect(connection)
        self.columns = _columns(inspector, address)
        # No two rows of such a table are equal. A view has none, and in SQLite those of a key may be.
        key = inspector.get_pk_constraint(address.table, address.schema)["constrained_columns"]
        self.has_primary_key = bool(key) and address.dialect == "postgresql"
        # Without types: whatever is read is cast to text. SQLAlchemy quotes the names.
        columns: list[ColumnClause[Any]] = [sqlalchemy.column(name) for name in self.columns]
        self.clause: TableClause = sqlalchemy.table(address.table, *columns, schema=address.schema)

    def text(self, column: str) -> ColumnElement[str]:
        """The text of a column's value in a query; "" where there is none."""
        return func.coalesce(self.dialect.text(self.clause.c[column]), NOTHING)


@contextmanager
def open_table(address: TableAddress, cancelled: threading.Event, *, time_limit_ms: int = 0) -> Iterator[TableReader]:
    """Connect to the database of a table, and begin a transaction that sees one version of it.

    Raises:
        SourceUnreadable: there is no such database or table, or it may not be read.
        LoadFailed: the database cannot be reached or is in trouble, which may pass; a query takes longer than
            ``time_limit_ms``; or it has changed so that it must be read again.
        LoadCancelled: ``cancelled`` was set.
    """
    with explained(address, cancelled):
        engine = sqlalchemy.create_engine(
            _url(address), poolclass=sqlalchemy.NullPool, connect_args=_arguments(address)
        )
        dialect = DIALECTS[address.dialect]
        with engine.connect() as connection, cancelling(_cancel_of(connection), cancelled):
            if address.dialect == "sqlite":
                _prepare_sqlite(connection)
            for statement in dialect.begin:
                connection.exec_driver_sql(statement)
            if time_limit_ms and dialect.time_limit:
                connection.exec_driver_sql(dialect.time_limit.format(time_limit_ms))
            yield TableReader(connection, address, cancelled)


@contextmanager
def explained(address: TableAddress, cancelled: threading.Event) -> Iterator[None]:
    """Raise errors of the database as ours."""
    try:
        yield
    except SQLAlchemyError as error:
        if cancelled.is_set():
            raise was_cancelled(address) from error
        raise _error_of(address, error) from error


def was_cancelled(address: TableAddress) -> LoadCancelled:
    """Return the error of a reading that was cancelled."""
    return LoadCancelled(f"Reading {address.shown} was cancelled. Nothing was kept.")


def _url(address: TableAddress) -> str:
    return address.url.replace(f"{address.dialect}://", f"{DIALECTS[address.dialect].driver}://", 1)


def _arguments(address: TableAddress) -> dict[str, Any]:
    if address.dialect == "postgresql":
        return {} if "connect_timeout=" in address.url else {"connect_timeout": CONNECT_S}
    # They would make the file.
    if not Path(address.path).is_file():
        raise no_such_file(Path(address.path).name, address.path)
    return {}


def _prepare_sqlite(connection: Connection) -> None:
    connection.exec_driver_sql("PRAGMA query_only = ON")
    driver: Any = connection.connection.driver_connection
    driver.create_function("shortest_text", 1, repr, deterministic=True)


def _columns(inspector: Inspector, address: TableAddress) -> tuple[str, ...]:
    try:
        columns = inspector.get_columns(address.table, address.schema)
    except NoSuchTableError:
        raise _no_such_table(inspector, address) from None
    return tuple(str(column["name"]) for column in columns)


def _no_such_table(inspector: Inspector, address: TableAddress) -> SourceUnreadable:
    schema = address.schema
    if schema is not None and schema not in (schemas := inspector.get_schema_names()):
        return SourceUnreadable(
            f"There is no schema {quoted(schema)} for {address.shown}{hint(schema, schemas)}. Names are case-sensitive."
        )
    tables = sorted({*inspector.get_table_names(schema), *inspector.get_view_names(schema)})
    there = f" There are: {listed(map(quoted, tables), most=_TABLES_LISTED)}." if tables else ""
    return SourceUnreadable(
        f"There is no table {address.shown}{hint(address.table, tables)}.{there} Names are case-sensitive."
    )


def _cancel_of(connection: Connection) -> Callable[[], None]:
    """Return what ends the query that a connection is waiting for. Drivers agree on no name for it."""
    driver: Any = connection.connection.driver_connection
    names = ("cancel_safe", "cancel", "interrupt", "close")
    found: Callable[[], None] = next(getattr(driver, name) for name in names if hasattr(driver, name))
    return found


@contextmanager
def cancelling(cancel: Callable[[], None], cancelled: threading.Event) -> Iterator[None]:
    """Cancel what the connection does as soon as that is asked for."""
    done = threading.Event()

    def watch() -> None:
        while not done.wait(_LOOK_EVERY_S):
            if cancelled.is_set():
                # Again and again: between two queries there is nothing to cancel.
                with suppress(Exception):
                    cancel()

    thread = threading.Thread(target=watch, name="database-watch", daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def _error_of(address: TableAddress, error: SQLAlchemyError) -> DataError | LoadFailed:
    original = error.orig if isinstance(error, DBAPIError) and error.orig is not None else error
    said = " ".join(str(original).split())
    state = getattr(original, "sqlstate", None)
    kind: type[DataError | LoadFailed] = SourceUnreadable
    if state == _NO_PRIVILEGE:
        what = f"The user of the database may not read {address.shown}. Grant SELECT on it, or connect as another user."
    elif state == _TOO_LONG:
        kind, what = LoadFailed, f"A query of {address.shown} took too long and was ended."
    elif state is None and any(text in said for text in _REFUSED):
        what = (
            f"The database refuses the connection to {address.shown}. Check the name of the database, the user in the "
            "address or PGUSER, and the password in PGPASSWORD or ~/.pgpass."
        )
    elif address.dialect != "postgresql" and "locked" not in said:
        what = f"{address.shown} cannot be read: it is damaged, or no {address.dialect} database."
    elif state is None:
        check = "Check that it is running, and host and port in the address, or PGHOST and PGPORT."
        kind, what = (
            LoadFailed,
            f"The database of {address.shown} cannot be reached, or has ended the connection. {check}",
        )
    else:
        what = f"{address.shown} cannot be read: the database reports an error ({state})."
    return kind(what).for_operator(f"{what} It says: {said}")
