"""What a tally that was made here says of itself: metadata of its Parquet file, which is read like any other."""

from __future__ import annotations

import msgspec

from meantime.later import duckdb

# The key of the metadata.
TALLY = "meantime_tally"


class TallyFacts(msgspec.Struct, frozen=True, kw_only=True):
    """How a table was counted."""

    row_count: str  # the column with the counts; "" where one of the table is named by hand
    distinct_rows: str = ""  # the column with how many of these rows are different; "" where no column is left out
    left_out: tuple[str, ...]  # columns of the table that are empty here: rows were counted whatever they hold


# Made at import, by one thread: see formats/document.py.
_FACTS = msgspec.json.Decoder(TallyFacts)


def tally_facts(database: duckdb.DuckDBPyConnection, path: str) -> TallyFacts | None:
    """Return what a Parquet file says of the table that it counts; None if it is no tally that was made here.

    ``path`` is SQL (``staging.sql_path``).

    Raises:
        duckdb.Error: it cannot be read as Parquet.
    """
    found = database.execute(
        f"SELECT value FROM parquet_kv_metadata({path}) WHERE key = ?", [TALLY.encode()]
    ).fetchone()
    try:
        return None if found is None else _FACTS.decode(found[0])
    except msgspec.MsgspecError:
        return None
