"""A DuckDB connection for one query over rows of a snapshot, with a bound on its memory."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from meantime.dataset.reading.staging import sql_text
from meantime.later import duckdb
from meantime.temporary_folders import temporary_folder

# What needs more spills to the disk, so that a large table does not take the server's memory.
_MEMORY = "512MB"


@contextmanager
def query_database() -> Iterator[duckdb.DuckDBPyConnection]:
    """Connect to an empty database, which spills to a folder that is removed afterwards."""
    with temporary_folder() as spill, duckdb.connect() as database:
        # DuckDB computes progress only if it might show a bar.
        database.execute("SET enable_progress_bar = true; SET enable_progress_bar_print = false")
        database.execute(f"SET memory_limit = '{_MEMORY}'; SET temp_directory = {sql_text(str(spill))}")
        yield database
