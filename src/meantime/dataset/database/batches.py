"""The rows of a query, some at a time, into a table of DuckDB: as Arrow where a driver has it, else row by row."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import nanoarrow  # type: ignore[import-untyped]  # it ships no types
from sqlalchemy import Select
from sqlalchemy.dialects import postgresql

from meantime.dataset.database.connecting import TableReader, cancelling, was_cancelled
from meantime.dataset.reading.exact_sums import insert_columns
from meantime.errors import LoadFailed
from meantime.later import duckdb

# A few megabytes of short texts.
_ROWS_AT_A_TIME = 20_000
_ARROW_DRIVER = "adbc_driver_postgresql"


def copy_rows(
    reader: TableReader,
    query: Select[Any],
    database: duckdb.DuckDBPyConnection,
    table: str,
    *,
    on_rows: Callable[[int], None],
) -> None:
    """Append the rows of a query to a table. ``on_rows`` is called with how many came since the last call.

    Raises:
        SQLAlchemyError, LoadFailed: the database is in trouble.
        LoadCancelled: the reader was cancelled.
    """
    is_arrow = reader.address.dialect == "postgresql" and importlib.util.find_spec(_ARROW_DRIVER) is not None
    copy = _copy_arrow if is_arrow else _copy_tuples
    for rows in copy(reader, query, database, table):
        on_rows(rows)


def _copy_tuples(
    reader: TableReader, query: Select[Any], database: duckdb.DuckDBPyConnection, table: str
) -> Iterator[int]:
    options = {"stream_results": True, "max_row_buffer": _ROWS_AT_A_TIME}
    with reader.connection.execution_options(**options).execute(query) as result:
        names = [f"c{at}" for at in range(len(result.keys()))]
        for batch in result.partitions(_ROWS_AT_A_TIME):
            columns = zip(*batch, strict=True)
            insert_columns(database, table, **{name: list(each) for name, each in zip(names, columns, strict=True)})
            yield len(batch)


def _copy_arrow(
    reader: TableReader, query: Select[Any], database: duckdb.DuckDBPyConnection, table: str
) -> Iterator[int]:
    """Read over a second connection, which sees the same version of the database as the first one."""
    driver = importlib.import_module(f"{_ARROW_DRIVER}.dbapi")
    # Without doubled percent signs: nothing is bound.
    dialect: Any = postgresql.dialect
    compiled = query.compile(dialect=dialect(paramstyle="numeric_dollar"), compile_kwargs={"literal_binds": True})
    version = reader.connection.exec_driver_sql("SELECT pg_export_snapshot()").scalar_one()
    begin, *settings = reader.dialect.begin
    try:
        with closing(driver.connect(reader.address.libpq_url)) as connection, closing(connection.cursor()) as cursor:
            for statement in (begin, f"SET TRANSACTION SNAPSHOT '{version}'", *settings):
                cursor.execute(statement)
            with cancelling(cursor.adbc_cancel, reader.cancelled):
                cursor.execute(str(compiled))
                for batch in nanoarrow.ArrayStream(cursor.fetch_arrow()).iter_chunks():
                    database.register("batch", batch)
                    database.execute(f"INSERT INTO {table} SELECT * FROM batch")
                    database.unregister("batch")
                    yield len(batch)
    except (driver.Error, RuntimeError) as error:  # the second is nanoarrow's, when a stream breaks off
        if reader.cancelled.is_set():
            raise was_cancelled(reader.address) from error
        what = f"Reading {reader.address.shown} ended before all rows had come."
        raise LoadFailed(what).for_operator(f"{what} The driver says: {' '.join(str(error).split())}") from error
