"""A table in a database becomes a tally: a Parquet file of the texts of its columns, with a count for each combination.

Texts are sorted, so equal tables give equal bytes, and a table that has not changed gives the same file.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

import msgspec

from meantime.dataset.database.batches import copy_rows
from meantime.dataset.database.connecting import TableReader
from meantime.dataset.database.tally_query import counted_columns, tally_query
from meantime.dataset.machine_trouble import is_machine_trouble
from meantime.dataset.reading.arrangement import free_name
from meantime.dataset.reading.description import Description
from meantime.dataset.reading.staging import sql_path, sql_text
from meantime.dataset.reading.tally_file import TALLY, TallyFacts
from meantime.errors import HeaderRepeated, LoadFailed
from meantime.later import duckdb
from meantime.text import listed, quoted

# What needs more spills to the disk: a tally is made in the server's process.
_MEMORY = "512MB"


def write_tally(
    reader: TableReader,
    into: Path,
    *,
    work: Path,
    description: Description,
    by_hand: Mapping[str, str],
    described_in: str,
    on_rows: Callable[[int, int], None],
) -> int:
    """Count a table, write the tally to a file, and return its number of rows.

    ``on_rows`` is called with how many rows of the tally have come, and how many bytes they take on the disk.

    Raises:
        SourceEmpty, RolesMissing, HeaderRepeated, DescriptionInvalid: it is no table that can be read.
        LoadFailed: the disk is in trouble.
    """
    _refuse_alike(reader)
    counted = counted_columns(reader, description, by_hand, described_in=described_in)
    columns = list(reader.columns)
    if is_tally := "row_count" in by_hand:
        counted = reader.columns
    left_out = tuple(name for name in columns if name not in counted)
    count = "" if is_tally else free_name("row_count", columns)
    distinct = free_name("distinct_rows", columns) if left_out else ""
    facts = TallyFacts(row_count=count, distinct_rows=distinct, left_out=left_out)
    counts = [name for name in (count, distinct) if name]
    stage = work / "rows.duckdb"
    rows = 0

    def note(more: int) -> None:
        nonlocal rows
        rows += more
        on_rows(rows, _size_of(work))

    try:
        with duckdb.connect(str(stage)) as database:
            spill = work / "spill"
            database.execute(f"SET memory_limit = '{_MEMORY}'; SET temp_directory = {sql_text(str(spill))}")
            named = [*columns, *counts]
            types = ["VARCHAR"] * len(columns) + ["BIGINT"] * len(counts)
            database.execute(f"CREATE TABLE tally ({', '.join(f'c{at} {kind}' for at, kind in enumerate(types))})")
            copy_rows(reader, tally_query(reader, counted, is_tally=is_tally), database, "tally", on_rows=note)
            selected = ", ".join(f'c{at} AS "{name.replace(chr(34), chr(34) * 2)}"' for at, name in enumerate(named))
            order = ", ".join(f"c{at}" for at in range(len(named)))
            said = sql_text(msgspec.json.encode(facts).decode())
            database.execute(
                f"COPY (SELECT {selected} FROM tally ORDER BY {order}) TO {sql_path(into)} "
                f"(FORMAT parquet, KV_METADATA {{{TALLY}: {said}}})"
            )
    except duckdb.Error as error:
        if not is_machine_trouble(error):
            raise
        what = f"{reader.address.shown} cannot be kept: the disk or the memory is full."
        raise LoadFailed(what).for_operator(f"{what} {error}") from error
    on_rows(rows, into.stat().st_size)
    return rows


def _size_of(folder: Path) -> int:
    """Return how many bytes the files in a folder have; one that goes away meanwhile has none."""
    sizes = 0
    for path in folder.rglob("*"):
        with suppress(FileNotFoundError):
            sizes += path.stat().st_size
    return sizes


def _refuse_alike(reader: TableReader) -> None:
    """Refuse names that differ in case alone: Parquet has them, but DuckDB takes them for one."""
    seen: dict[str, str] = {}
    for name in reader.columns:
        if (other := seen.setdefault(name.lower(), name)) != name:
            raise HeaderRepeated(
                f"{reader.address.shown} has columns whose names differ in case alone: "
                f"{listed(map(quoted, (other, name)))}. Make a view in which they have different names, and give that."
            )
