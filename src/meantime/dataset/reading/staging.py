"""Each source file becomes one Parquet file: every column as text, in the file's order, with the physical lines.

Two ways, one meaning. A plain file is read by DuckDB in place, which takes seconds for gigabytes. It is taken for what
DuckDB made of it only if that cannot be anything else than what the careful reader would have made: no line was
refused, none had a field too many or too few, and there are as many records as lines. Everything else goes through the
careful reader, and DuckDB reads its clean copy.
"""

from __future__ import annotations

import gzip
import os
import secrets
import shutil
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import duckdb

from meantime.dataset.reading.description import Description
from meantime.dataset.reading.sniff import LONGEST_LINE, MOST_COLUMNS, TextForm, file_kind, sniff_text
from meantime.dataset.reading.tolerant_csv import write_clean_copy
from meantime.dataset.snapshot import Rejected
from meantime.errors import LoadFailed, SourceUnreadable, TooManyRejected

# How many rejected lines are kept by number and reason: enough to see what is wrong with a file, by people.
REJECTED_KEPT = 1_000
# Rows that are written at a time. DuckDB writes several at once only if its memory allows, so small groups are
# faster: 5 million rows of 33 columns took 5.9 s with this, and 8.7 s with DuckDB's own 122,880.
_ROW_GROUP_ROWS = 40_960
# A record of the clean copy in bytes, at most, and rounded up generously.
_LONGEST_RECORD_BYTES = 8 * LONGEST_LINE
# Bytes that are copied at a time out of a compressed file.
_COPY_BYTES = 2**20


@dataclass(slots=True)
class Rejections:
    """The rejected lines of one file: all counted, the first ones kept."""

    file: str
    most: float  # how many may be rejected before the file is refused for certain
    total: int = 0
    first: list[Rejected] = field(default_factory=list)

    def add(self, line: int, reason: str) -> None:
        """Note a line.

        Raises:
            TooManyRejected: whatever the rest of the file holds, this is more than is allowed.
        """
        self.total += 1
        if len(self.first) < REJECTED_KEPT:
            self.first.append(Rejected(file=self.file, line=line, reason=reason))
        if self.total > self.most:
            raise too_many(f"at least {self.total:,} lines", self.first)


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenedFile:
    """A source file that was looked at; ``text`` is None for Parquet."""

    path: Path  # of the file, or of its decompressed copy
    name: str  # of the source file, for people
    columns: tuple[str, ...]
    text: TextForm | None


@dataclass(frozen=True, slots=True, kw_only=True)
class StagedFile:
    """The rows of a source file as Parquet."""

    parquet: Path
    rows: int
    has_line: bool  # there is a column ``line``; otherwise rows are the lines 2, 3, 4, ...
    rejections: Rejections


def open_file(
    path: Path, work: Path, description: Description, columns: Mapping[str, str], *, on_bytes: Callable[[int], None]
) -> OpenedFile:
    """Find out what a file is, decompress it where it needs that, and look at its bytes.

    Raises:
        SourceUnreadable: it cannot be opened, or is not what it seems to be.
        SourceEmpty: there is nothing in it.
    """
    name = path.name
    form = file_kind(path, name=name)
    if form == "gzip":
        path = _decompress(path, work / f"{secrets.token_hex(4)}.text", name)
        form = file_kind(path, name=name)
        if form == "gzip":
            raise SourceUnreadable(f"{name} is compressed twice. Decompress it once, and try again.")
    if form == "parquet":
        return OpenedFile(path=path, name=name, columns=_parquet_columns(path, name), text=None)
    seen = sniff_text(
        path,
        name=name,
        delimiter=description.delimiter,
        encoding=description.encoding,
        columns=columns,
        on_bytes=on_bytes,
    )
    return OpenedFile(path=path, name=name, columns=seen.header, text=seen)


def stage_file(
    database: duckdb.DuckDBPyConnection,
    opened: OpenedFile,
    into: Path,
    *,
    rejected_limit: float,
    on_bytes: Callable[[int], None],
) -> StagedFile:
    """Write the rows of a file to ``into`` as Parquet.

    Raises:
        TooManyRejected: more lines cannot be read than are allowed.
        SourceUnreadable: a Parquet file is damaged.
    """
    if opened.text is None:
        rows = _stage_parquet(database, opened, into)
        rejections = Rejections(opened.name, rejected_limit * rows)
        return StagedFile(parquet=into, rows=rows, has_line=True, rejections=rejections)
    most = float("inf") if opened.text.lines is None else rejected_limit * opened.text.lines
    rejections = Rejections(opened.name, most)
    if opened.text.is_plain and (in_place := _stage_in_place(database, opened, opened.text, into)) is not None:
        return StagedFile(parquet=into, rows=in_place, has_line=False, rejections=rejections)
    return _stage_carefully(database, opened, opened.text, into, rejections, on_bytes)


def reject_rows(
    database: duckdb.DuckDBPyConnection, staged: StagedFile, condition: str, reason: str, given: Sequence[object]
) -> StagedFile:
    """Take the rows that meet a condition (SQL) out of a staged file. Their reason is an SQL expression, too."""
    source = f"read_parquet({sql_path(staged.parquet)}, file_row_number = true)"
    line = "line" if staged.has_line else "file_row_number + 2"
    cursor = database.cursor()
    found = cursor.execute(f"SELECT {line}, {reason} FROM {source} WHERE {condition} ORDER BY 1", given)
    while batch := found.fetchmany(10_000):
        for number, why in batch:
            staged.rejections.add(number, why)
    staged.rejections.first.sort(key=lambda rejected: rejected.line)
    into = staged.parquet.with_suffix(".kept.parquet")
    others = "* EXCLUDE (file_row_number)" if staged.has_line else f"* EXCLUDE (file_row_number), {line} AS line"
    rows = _copy(database, f"SELECT {others} FROM {source} WHERE NOT ({condition})", into, given)
    staged.parquet.unlink()
    return replace(staged, parquet=into, rows=rows, has_line=True)


def too_many(how_many: str, examples: Sequence[Rejected]) -> TooManyRejected:
    """Say that a file is refused for its rejected lines, with the first of them."""
    told = "; ".join(f"{each.file}, line {each.line}: {each.reason}" for each in examples[:3])
    return TooManyRejected(
        f"Too many lines cannot be read as rows: {how_many}. The first: {told}. Most likely the file is in another "
        "form than it seems: say delimiter, encoding or decimal_mark in the TOML beside it, or mend it; or allow more "
        "with the setting rejected_limit."
    )


def sql_path(path: Path) -> str:
    """Quote a path for DuckDB so that it is this file and no pattern.

    A backslash is the one thing that has no form in which DuckDB takes it literally, in a path that has such
    characters too: then it finds no file, and says so.

    >>> sql_path(Path("it's [1]*.csv"))
    "'it''s [[]1][*].csv'"
    """
    literal = "".join(f"[{c}]" if c in "*?[" else c for c in str(path))
    return sql_text(literal)


def sql_text(text: str) -> str:
    """Quote a text for SQL, where it cannot be bound."""
    return "'" + text.replace("'", "''") + "'"


def _decompress(path: Path, into: Path, name: str) -> Path:
    try:
        with gzip.open(path, "rb") as source, into.open("wb") as out:
            shutil.copyfileobj(source, out, _COPY_BYTES)
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise SourceUnreadable(
            f"{name} is a damaged gzip file ({error}). Most likely it was not downloaded whole: fetch it again."
        ) from error
    return into


def _parquet_columns(path: Path, name: str) -> tuple[str, ...]:
    try:
        with duckdb.connect() as database:
            database.execute(f"SELECT * FROM read_parquet({sql_path(path)}) LIMIT 0")
            columns = tuple(column[0] for column in database.description or ())
    except duckdb.Error as error:
        raise _damaged_parquet(name, error) from error
    if len(columns) > MOST_COLUMNS:
        raise SourceUnreadable(f"{name} has {len(columns):,} columns, and at most {MOST_COLUMNS:,} can be read.")
    return columns


def _damaged_parquet(name: str, error: duckdb.Error) -> SourceUnreadable:
    return SourceUnreadable(f"{name} begins like a Parquet file and cannot be read as one: {str(error)[:300]}")


def _stage_parquet(database: duckdb.DuckDBPyConnection, opened: OpenedFile, into: Path) -> int:
    # By their numbers and not their names: a name may be anything.
    names = ", ".join(f"n{place}" for place in range(len(opened.columns)))
    texts = ", ".join(f"coalesce(CAST(n{place} AS VARCHAR), '') AS c{place}" for place in range(len(opened.columns)))
    source = f"read_parquet({sql_path(opened.path)}, file_row_number = true) AS given({names}, row_number)"
    try:
        # A row of a Parquet file has no line; it is counted from 1, without a header.
        return _copy(database, f"SELECT {texts}, row_number + 1 AS line FROM {source}", into)
    except (duckdb.InvalidInputException, duckdb.ConversionException) as error:
        raise _damaged_parquet(opened.name, error) from error


def _stage_in_place(database: duckdb.DuckDBPyConnection, opened: OpenedFile, text: TextForm, into: Path) -> int | None:
    """Let DuckDB read the file; return the rows, or None where what it read may not be what is there."""
    width = len(opened.columns)
    # DuckDB passes over empty fields behind the last column, and refuses other ones. So one column more is asked for,
    # and what is not there is filled up with NULL, which no text in the file can be: rows with a field too many or too
    # few are then left out here, and missed in the count.
    source = _read_csv(
        opened.path,
        [f"c{place}" for place in range(width + 1)],
        text.delimiter,
        f"header = true, null_padding = true, max_line_size = {LONGEST_LINE}",
    )
    query = f"SELECT {_columns(width)} FROM {source} WHERE c{width} IS NULL AND c{width - 1} IS NOT NULL"
    try:
        rows = _copy(database, query, into)
    except (duckdb.OutOfMemoryException, duckdb.InterruptException, duckdb.IOException):
        raise
    except duckdb.Error:
        # Some line is no record for DuckDB; the careful reader tells which, and why.
        return None
    return rows if rows + 1 == text.lines else None


def _stage_carefully(
    database: duckdb.DuckDBPyConnection,
    opened: OpenedFile,
    text: TextForm,
    into: Path,
    rejections: Rejections,
    on_bytes: Callable[[int], None],
) -> StagedFile:
    copy = into.with_suffix(".copy")
    tidied = write_clean_copy(opened.path, text, copy, reject=rejections.add, on_bytes=on_bytes)
    width = len(opened.columns)
    source = _read_csv(
        copy,
        ["line", *(f"c{place}" for place in range(width))],
        text.delimiter,
        # Several threads find their places in a file by line ends, which quoted ones may mislead. And so they do the
        # guess of what ends a line.
        f"header = false, new_line = '\\n', parallel = {not tidied.has_line_ends}, "
        f"max_line_size = {_LONGEST_RECORD_BYTES}, buffer_size = {2 * _LONGEST_RECORD_BYTES}",
    )
    line = "" if tidied.are_lines_plain else ", CAST(line AS BIGINT) AS line"
    rows = _copy(database, f"SELECT {_columns(width)}{line} FROM {source}", into)
    if rows != tidied.rows:
        raise LoadFailed(f"{opened.name}: {tidied.rows} rows were copied and {rows} read back. This is a bug of ours.")
    copy.unlink()
    return StagedFile(parquet=into, rows=rows, has_line=not tidied.are_lines_plain, rejections=rejections)


def _read_csv(path: Path, columns: Sequence[str], delimiter: str, more: str) -> str:
    types = ", ".join(f"{sql_text(name)}: 'VARCHAR'" for name in columns)
    return (
        f"read_csv({sql_path(path)}, columns = {{{types}}}, delim = {sql_text(delimiter)}, auto_detect = false, "
        # What was compressed is unpacked by now, whatever the name says.
        "compression = 'none', "
        # An empty field is an empty text; this stands for NULL and is in no file.
        f"""quote = '"', escape = '"', strict_mode = true, nullstr = '{secrets.token_hex(16)}', {more})"""
    )


def _columns(width: int) -> str:
    return ", ".join(f"c{place}" for place in range(width))


def _copy(database: duckdb.DuckDBPyConnection, query: str, into: Path, given: Sequence[object] = ()) -> int:
    # Straight to its name: the folder is a temporary one, and a copy that fails ends the reading.
    options = f"FORMAT parquet, USE_TMP_FILE false, COMPRESSION zstd, ROW_GROUP_SIZE {_ROW_GROUP_ROWS}"
    found = database.execute(f"COPY ({query}) TO {sql_text(os.fspath(into))} ({options})", list(given)).fetchone()
    return int(found[0]) if found else 0
