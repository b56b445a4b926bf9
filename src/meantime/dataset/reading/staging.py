"""Each source file becomes one Parquet file: every column as text, in file order, with physical line numbers.

There are two ways with the same result. DuckDB reads a plain file in place, gigabytes in seconds. What it read is used
only if the tolerant reader could not have read anything else: no line was refused, none had too many or too few fields,
and there are as many records as lines. Any other file goes through the tolerant reader, and DuckDB reads its clean
copy.
"""

from __future__ import annotations

import gzip
import os
import secrets
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from meantime.dataset.machine_trouble import is_machine_trouble
from meantime.dataset.reading.arrangement import Arrangement
from meantime.dataset.reading.containers import Unpacked, unpack, unpacked_pieces
from meantime.dataset.reading.description import Description
from meantime.dataset.reading.header import MOST_COLUMNS
from meantime.dataset.reading.rejected_lines import too_many_rejected
from meantime.dataset.reading.sample import sample_rows
from meantime.dataset.reading.session import first_line
from meantime.dataset.reading.sniff import LONGEST_LINE, TextForm, file_kind, refuse_no_table, sniff_text
from meantime.dataset.reading.tally_file import tally_facts
from meantime.dataset.reading.tolerant_csv import write_clean_copy
from meantime.dataset.snapshot import Rejected
from meantime.errors import LoadFailed, SourceUnreadable
from meantime.later import duckdb
from meantime.text import count

# How many rejected lines are kept with number and reason: enough for people to see what is wrong with a file.
REJECTED_KEPT = 1_000
# Rows written at a time. DuckDB writes several groups at once only if it has the memory, so small groups are faster: 5
# million rows of 33 columns took 5.9 s, and 8.7 s with DuckDB's own 122,880.
_ROW_GROUP_ROWS = 40_960
# Of a Parquet file, to see what its columns hold.
_SAMPLED_ROWS = 1_000
# The longest record of the clean copy in bytes, rounded up generously.
_LONGEST_RECORD_BYTES = 8 * LONGEST_LINE
_ROW_NUMBER = "file_row_number"
REJECTABLE = "rejectable"
# A row of a table takes at least a few bits of a Parquet file: its values differ. A bomb has thousands of rows a byte.
_MOST_ROWS_A_BYTE = 100
_HARMLESS_ROWS = 10_000_000


@dataclass(slots=True)
class Rejections:
    """The rejected lines of one file: all counted, the first ones kept."""

    file: str
    most: float  # once more are rejected, the file is refused whatever follows
    total: int = 0
    first: list[Rejected] = field(default_factory=list)

    def add_counted(self, lines: Sequence[tuple[int, str]], total: int) -> None:
        """Note ``total`` more rejected lines, of which these are the first, with their reasons.

        Raises:
            TooManyRejected: there are more than allowed.
        """
        for line, reason in lines[: REJECTED_KEPT - len(self.first)]:
            self.first.append(Rejected(file=self.file, line=line, reason=reason))
        self.total += total
        if self.total > self.most:
            raise too_many_rejected(f"at least {count(self.total, 'line')}", self.first)

    def add(self, line: int, reason: str) -> None:
        """Note a rejected line.

        Raises:
            TooManyRejected: there are more than allowed, whatever the rest of the file contains.
        """
        self.total += 1
        if len(self.first) < REJECTED_KEPT:
            self.first.append(Rejected(file=self.file, line=line, reason=reason))
        if self.total > self.most:
            raise too_many_rejected(f"at least {count(self.total, 'line')}", self.first)


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenedFile:
    """A source file whose form is known; ``text`` is None for Parquet."""

    path: Path  # of the file, or of its decompressed copy
    name: str  # of the source file, for people
    columns: tuple[str, ...]  # as in the file; a column without a name is called by its position
    text: TextForm | None
    # What a container says of the table in it.
    roles: Mapping[str, str] = field(default_factory=dict)
    title: str = ""
    said: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()  # columns of the table that a tally does not have: they are empty


@dataclass(frozen=True, slots=True, kw_only=True)
class StagedFile:
    """The rows of a source file as Parquet."""

    parquet: Path
    rows: int
    has_line: bool  # there is a column ``line``; otherwise the rows are lines 2, 3, 4, ...
    rejections: Rejections
    notes: tuple[tuple[int, str], ...] = ()  # lines that are no rows and not meant to be, with their numbers
    # Its rows are counted lines, with the number of each in the plain column of ``tally.LINES``, and, where a line may
    # have to be rejected, the first line numbers of each in REJECTABLE. ``rows`` are the lines.
    is_tally: bool = False

    @property
    def line(self) -> str:
        """The SQL of the line of a row, where DuckDB numbers the rows: from 0, while people count the header as 1."""
        return "line" if self.has_line else "file_row_number + 2"


def open_file(
    path: Path,
    work: Path,
    description: Description,
    columns: Mapping[str, str],
    *,
    on_bytes: Callable[[int], None],
    name: str = "",
    part: str = "",
) -> OpenedFile:
    """Find out what kind of file this is, unpack it if necessary, and sniff its form.

    ``name`` is what people call it, if not by its path; ``part`` names a sheet of a spreadsheet, or a file of an
    archive.

    Raises:
        SourceUnreadable: it cannot be opened, or is not what it seems to be.
        SourceEmpty: it has no content.
    """
    name = name or path.name
    kind = file_kind(path, name=name)
    if kind == "gzip":
        path = _decompress(path, work / f"{secrets.token_hex(4)}.text", name, description.encoding)
        kind = file_kind(path, name=name)
        if kind == "gzip":
            raise SourceUnreadable(f"{name} is compressed twice. Decompress it once and try again.")
    if kind == "parquet":
        return _open_parquet(path, name)
    found = unpack(path, work, name=name, part=part) or Unpacked(path=path, name=name)
    if kind == "zip" and found.delimiter is None:
        inner = open_file(found.path, work, description, columns, on_bytes=on_bytes, name=found.name)
        return replace(inner, said=(*found.said, *inner.said))
    text = sniff_text(
        found.path,
        name=found.name,
        delimiter=found.delimiter or description.delimiter,
        encoding="utf-8" if found.delimiter else description.encoding,
        columns=columns,
        on_bytes=on_bytes,
    )
    return OpenedFile(
        path=found.path,
        name=found.name,
        columns=_named(text.header),
        text=text,
        roles=found.roles,
        title=found.title,
        said=found.said,
    )


def sample_of(opened: OpenedFile) -> Sequence[Sequence[str]]:
    """Return some rows of an opened file, as texts."""
    if opened.text is not None:
        return sample_rows(opened.path, opened.text)
    try:
        with duckdb.connect() as database:
            return database.execute(f"{_parquet_texts(opened)} LIMIT {_SAMPLED_ROWS}").fetchall()
    except duckdb.Error as error:
        raise _damaged_parquet(opened.name, error) from error


def arrange_file(
    database: duckdb.DuckDBPyConnection, staged: StagedFile, arrangement: Arrangement, into: Path
) -> StagedFile:
    """Make the staged rows of a file those of its table; nothing is done where they are the same."""
    if arrangement.is_as_in_file:
        return staged
    source = f"read_parquet({sql_path(staged.parquet)}, file_row_number = true)"
    rows = copy_rows(database, arrangement.sql(source, staged.line), into)
    staged.parquet.unlink()
    return replace(staged, parquet=into, rows=rows, has_line=True)


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
        TooManyRejected: more lines are rejected than allowed.
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
    return _stage_tolerantly(database, opened, opened.text, into, rejections, on_bytes)


def reject_rows(
    database: duckdb.DuckDBPyConnection, staged: StagedFile, condition: str, reason: str, parameters: Sequence[object]
) -> StagedFile:
    """Remove the rows that meet a condition (SQL) from a staged file. Their reason is an SQL expression, too."""
    if staged.is_tally:
        return _reject_counted(database, staged, condition, reason, parameters)
    source = f"read_parquet({sql_path(staged.parquet)}, file_row_number = true)"
    cursor = database.cursor()
    rejected = cursor.execute(f"SELECT {staged.line}, {reason} FROM {source} WHERE {condition} ORDER BY 1", parameters)
    while batch := rejected.fetchmany(10_000):
        for number, text in batch:
            staged.rejections.add(number, text)
    staged.rejections.first.sort(key=lambda each: each.line)
    into = staged.parquet.with_suffix(".kept.parquet")
    others = "* EXCLUDE (file_row_number)" if staged.has_line else f"* EXCLUDE (file_row_number), {staged.line} AS line"
    rows = copy_rows(database, f"SELECT {others} FROM {source} WHERE NOT ({condition})", into, parameters)
    staged.parquet.unlink()
    return replace(staged, parquet=into, rows=rows, has_line=True)


def _reject_counted(
    database: duckdb.DuckDBPyConnection, staged: StagedFile, condition: str, reason: str, parameters: Sequence[object]
) -> StagedFile:
    source = f"read_parquet({sql_path(staged.parquet)})"
    cursor = database.cursor()
    total = cursor.execute(f"SELECT sum(plain_lines) FROM {source} WHERE {condition}", parameters).fetchall()[0][0]
    first = cursor.execute(
        f"SELECT unnest({REJECTABLE}) AS line, {reason} FROM {source} WHERE {condition} "
        f"ORDER BY 1 LIMIT {REJECTED_KEPT}",
        parameters,
    ).fetchall()
    staged.rejections.add_counted(first, total)
    staged.rejections.first.sort(key=lambda each: each.line)
    into = staged.parquet.with_suffix(".kept.parquet")
    copy_rows(database, f"SELECT * FROM {source} WHERE NOT ({condition})", into, parameters)
    staged.parquet.unlink()
    return replace(staged, parquet=into, rows=staged.rows - total)


def sql_path(path: Path) -> str:
    """Quote a path for DuckDB so that it means this file and is not a pattern.

    DuckDB has no way to write a literal backslash in a path with these characters: then it reports that there is no
    such file.

    >>> sql_path(Path("it's [1]*.csv"))
    "'it''s [[]1][*].csv'"
    """
    literal = "".join(f"[{c}]" if c in "*?[" else c for c in str(path))
    return sql_text(literal)


def sql_text(text: str) -> str:
    """Quote a text for SQL where it cannot be bound as a parameter."""
    return "'" + text.replace("'", "''") + "'"


def _decompress(path: Path, into: Path, name: str, encoding: str | None) -> Path:
    try:
        with gzip.open(path, "rb") as source, into.open("wb") as out:
            for number, piece in enumerate(unpacked_pieces(source, path, name)):
                if number == 0:
                    # Before the rest is unpacked, which may be a thousand times as much.
                    refuse_no_table(piece, name, encoding)
                out.write(piece)
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise SourceUnreadable(
            f"{name} is a damaged gzip file ({error}). Most likely the download was incomplete: download it again."
        ) from error
    return into


def _open_parquet(path: Path, name: str) -> OpenedFile:
    try:
        with duckdb.connect() as database:
            tally = tally_facts(database, sql_path(path))
            database.execute(f"SELECT * FROM read_parquet({sql_path(path)}) LIMIT 0")
            columns = tuple(column[0] for column in database.description or ())
            counted = database.execute(f"SELECT sum(num_rows) FROM parquet_file_metadata({sql_path(path)})").fetchone()
    except duckdb.Error as error:
        raise _damaged_parquet(name, error) from error
    rows = int((counted and counted[0]) or 0)
    if rows > max(_HARMLESS_ROWS, _MOST_ROWS_A_BYTE * path.stat().st_size):
        raise SourceUnreadable(
            f"{name} says that it has {rows:,} rows, far more than fit into a file of its size. Write it again."
        )
    # DuckDB numbers the rows under this name, whatever its case.
    if clash := next((column for column in columns if column.lower() == _ROW_NUMBER), None):
        raise SourceUnreadable(f"{name} has a column named {clash}, which is needed for its lines. Rename the column.")
    if len(columns) > MOST_COLUMNS:
        raise SourceUnreadable(
            f"{name} has {len(columns):,} columns; at most {MOST_COLUMNS:,} can be read. Remove columns."
        )
    counts = {"row_count": tally.row_count, "distinct_rows": tally.distinct_rows} if tally else {}
    roles = {role: column for role, column in counts.items() if column in columns}
    left_out = tally.left_out if tally else ()
    return OpenedFile(path=path, name=name, columns=columns, text=None, roles=roles, left_out=left_out)


def _damaged_parquet(name: str, error: duckdb.Error) -> Exception:
    """Return the error about a Parquet file; the error itself if the machine is to blame."""
    if is_machine_trouble(error):
        return error
    what = f"{name} begins like a Parquet file but cannot be read as one. Most likely it is damaged or incomplete"
    return SourceUnreadable(f"{what}: write or download it again.").for_operator(
        f"{what}: write or download it again. DuckDB says: {first_line(error)}"
    )


def _stage_parquet(database: duckdb.DuckDBPyConnection, opened: OpenedFile, into: Path) -> int:
    try:
        # A row of a Parquet file has no line: its number is used, from 1, since there is no header.
        return copy_rows(database, _parquet_texts(opened, "row_number + 1 AS line"), into)
    except duckdb.Error as error:
        raise _damaged_parquet(opened.name, error) from error


def _parquet_texts(opened: OpenedFile, *more: str) -> str:
    # Columns by number, not by name: a name may be anything.
    names = ", ".join(f"n{column}" for column in range(len(opened.columns)))
    texts = [f"coalesce(CAST(n{column} AS VARCHAR), '') AS c{column}" for column in range(len(opened.columns))]
    source = f"read_parquet({sql_path(opened.path)}, file_row_number = true) AS source({names}, row_number)"
    return f"SELECT {', '.join([*texts, *more])} FROM {source}"


def _named(columns: Sequence[str]) -> tuple[str, ...]:
    """Name the columns without a name by their position, if there are several: names are told apart.

    >>> _named(["Place", "", "Value", ""]), _named(["Place", ""])
    (('Place', 'column 2', 'Value', 'column 4'), ('Place', ''))
    """
    several = sum(not name.strip() for name in columns) > 1
    return tuple(name if name.strip() or not several else f"column {at}" for at, name in enumerate(columns, 1))


def _stage_in_place(database: duckdb.DuckDBPyConnection, opened: OpenedFile, text: TextForm, into: Path) -> int | None:
    """Let DuckDB read the file in place; return the number of rows, or None if it may have read something else."""
    width = len(opened.columns)
    # DuckDB ignores empty fields after the last column and refuses others. So we request one more column, and missing
    # fields become NULL, which no text in the file can be. Rows with too many or too few fields are left out here, and
    # then the count is too low.
    source = _read_csv(
        opened.path,
        [f"c{column}" for column in range(width + 1)],
        text.delimiter,
        f"header = true, null_padding = true, max_line_size = {LONGEST_LINE}",
    )
    query = f"SELECT {_columns(width)} FROM {source} WHERE c{width} IS NULL AND c{width - 1} IS NOT NULL"
    try:
        rows = copy_rows(database, query, into)
    except (duckdb.OutOfMemoryException, duckdb.InterruptException, duckdb.IOException):
        raise
    except duckdb.Error:
        # For DuckDB, some line is not a record; the tolerant reader finds out which one and why.
        return None
    return rows if rows + 1 == text.lines else None


def _stage_tolerantly(
    database: duckdb.DuckDBPyConnection,
    opened: OpenedFile,
    text: TextForm,
    into: Path,
    rejections: Rejections,
    on_bytes: Callable[[int], None],
) -> StagedFile:
    copy = into.with_suffix(".copy")
    clean = write_clean_copy(opened.path, text, copy, reject=rejections.add, on_bytes=on_bytes)
    width = len(opened.columns)
    source = _read_csv(
        copy,
        ["line", *(f"c{column}" for column in range(width))],
        text.delimiter,
        # Several threads divide a file at line ends, and quoted line ends may mislead them, as they may mislead the
        # guess of what ends a line.
        f"header = false, new_line = '\\n', parallel = {not clean.has_line_ends}, "
        f"max_line_size = {_LONGEST_RECORD_BYTES}, buffer_size = {2 * _LONGEST_RECORD_BYTES}",
    )
    line = "" if clean.are_lines_plain else ", CAST(line AS BIGINT) AS line"
    rows = copy_rows(database, f"SELECT {_columns(width)}{line} FROM {source}", into)
    if rows != clean.rows:
        raise LoadFailed(
            f"{opened.name}: {clean.rows} rows were copied but {rows} read back: a bug in Meantime. Please report it."
        )
    copy.unlink()
    return StagedFile(
        parquet=into, rows=rows, has_line=not clean.are_lines_plain, rejections=rejections, notes=clean.notes
    )


def _read_csv(path: Path, columns: Sequence[str], delimiter: str, more: str) -> str:
    types = ", ".join(f"{sql_text(name)}: 'VARCHAR'" for name in columns)
    return (
        f"read_csv({sql_path(path)}, columns = {{{types}}}, delim = {sql_text(delimiter)}, auto_detect = false, "
        # Compressed files are decompressed by now, whatever their name.
        "compression = 'none', "
        # An empty field is an empty text. This random text stands for NULL and is in no file.
        f"""quote = '"', escape = '"', strict_mode = true, nullstr = '{secrets.token_hex(16)}', {more})"""
    )


def _columns(width: int) -> str:
    return ", ".join(f"c{column}" for column in range(width))


def copy_rows(database: duckdb.DuckDBPyConnection, query: str, into: Path, parameters: Sequence[object] = ()) -> int:
    """Write the rows of a query as Parquet, and return their number."""
    # Without a temporary name: the folder is temporary, and a copy that fails ends the reading.
    options = f"FORMAT parquet, USE_TMP_FILE false, COMPRESSION zstd, ROW_GROUP_SIZE {_ROW_GROUP_ROWS}"
    result = database.execute(f"COPY ({query}) TO {sql_text(os.fspath(into))} ({options})", list(parameters)).fetchone()
    return int(result[0]) if result else 0
