"""A file becomes a tally: its lines, as the columns with a role have them, each different one once with their number.

It runs in a reading process, and does what reading a source does with a file up to its staged rows. Nothing is decided
here that depends on other files. A line that may have to be rejected, if the whole table says so, keeps its number.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from meantime.dataset.reading import session
from meantime.dataset.reading.cluster.orders import OpenFile, TableOfFile, Tallied, TallyOrder
from meantime.dataset.reading.columns import YEARS
from meantime.dataset.reading.file_set import find_form
from meantime.dataset.reading.reader_messages import ReaderTask
from meantime.dataset.reading.staged_view import (
    columns_by_role,
    identity_sql,
    plain_column,
    rows_sql,
    tally_identity_sql,
)
from meantime.dataset.reading.staging import (
    REJECTABLE,
    REJECTED_KEPT,
    StagedFile,
    arrange_file,
    copy_rows,
    open_file,
    sql_path,
    stage_file,
)
from meantime.dataset.reading.tally import LINES, parse_row_count
from meantime.dataset.reading.values import parse_year
from meantime.did_you_mean import name_key
from meantime.errors import DataError
from meantime.later import duckdb

TALLY = "tally.parquet"
FACTS = "tally.json"


class TallyTask(ReaderTask, frozen=True, kw_only=True, tag="tally"):
    """A file to be tallied in ``work``."""

    order: TallyOrder


def tally_file(task: TallyTask) -> Path:
    """Tally a file into ``work``, and return that folder; or look at it, if its table is to be found first.

    Raises:
        DataError: the file cannot become a part of a data set.
        LoadFailed: the machine is in trouble, or the memory limit is too low.
    """
    try:
        facts = _tally(task.order, Path(task.work), task.memory_mb)
    except (DataError, duckdb.Error, OSError) as error:
        raise session.explain(error, source=task.source, into=task.work, memory_mb=task.memory_mb) from error
    (Path(task.work) / FACTS).write_bytes(msgspec.json.encode(facts))
    return Path(task.work)


def _tally(order: TallyOrder, work: Path, memory_mb: int) -> Tallied:
    opened = open_file(
        Path(order.path),
        work,
        order.description,
        order.columns_by_hand,
        on_bytes=lambda _: None,
        part=order.source.part,
    )
    file = OpenFile.of(opened)
    is_like_first = order.first is not None and opened.columns == order.first.columns
    if order.first is not None and is_like_first:
        table = order.first.table
    else:
        table = find_form(
            opened, order.description, order.columns_by_hand, title=order.title, described_in=order.described_in
        )
    # Files with one header have one form, so its sample is not sent again.
    found = TableOfFile.of(opened.columns, table, with_sample=not is_like_first)
    if order.first is None:
        return Tallied(file=file, table=found)
    with session.connect(work=work, memory_mb=memory_mb) as database:
        rows = stage_file(
            database, opened, work / "staged.parquet", rejected_limit=order.rejected_limit, on_bytes=lambda _: None
        )
        staged = arrange_file(database, rows, table.arrangement, work / "table.parquet")
        # The roles are those of the first file's table, by position: files with other columns are refused afterwards.
        roles = order.first.table.roles if table.columns == order.first.arrangement.columns else table.roles
        _count_lines(database, staged, table.columns, roles, work / TALLY)
    most = staged.rejections.most
    return Tallied(
        file=file,
        table=found,
        lines=staged.rows,
        rejected_total=staged.rejections.total,
        rejected=tuple(staged.rejections.first),
        most_rejected=None if most == float("inf") else most,
        notes=staged.notes,
    )


def _count_lines(
    database: duckdb.DuckDBPyConnection, staged: StagedFile, names: Sequence[str], roles: Mapping[str, str], into: Path
) -> None:
    """Write each different line once, as its columns with a role have it, with the number of such lines.

    Of the other columns, a tally has what tells whether two lines are exact copies: those count once in places.
    """
    columns = columns_by_role(names, roles)
    condition, parameters = _may_be_rejected(database, rows_sql([staged.parquet], {}), columns)
    numbers = (
        f"min({staged.line}, {REJECTED_KEPT}) FILTER (WHERE {condition})" if condition else "CAST(NULL AS BIGINT[])"
    )
    keys = ", ".join(sorted(set(columns.values()), key=lambda column: int(column[1:])))
    rows = f"SELECT *, {identity_sql(names, roles)} AS identity FROM read_parquet({sql_path(staged.parquet)}, " + (
        "file_row_number = true)"
    )
    if tally_identity_sql(names, roles) == "identity":
        keys += ", identity"
    copy_rows(
        database,
        f"SELECT {keys}, count(*) AS {plain_column(LINES)}, {numbers} AS {REJECTABLE} FROM ({rows}) GROUP BY {keys}",
        into,
        parameters,
    )
    staged.parquet.unlink()


def _may_be_rejected(
    database: duckdb.DuckDBPyConnection, rows: str, columns: Mapping[str, str]
) -> tuple[str, list[list[str]]]:
    """Return the condition (SQL) of lines that ``row_checks`` may reject, whatever is decided; "" if there are none."""
    checks = [(role, _is_blank) for role in ("question", "location")]
    checks += [(role, _is_no_year) for role in YEARS]
    checks += [("row_count", _is_no_count)]
    conditions: list[str] = []
    parameters: list[list[str]] = []
    for role, may_be_rejected in checks:
        if role not in columns:
            continue
        texts = database.execute(f"SELECT DISTINCT {columns[role]} FROM {rows}").fetchall()
        if found := [text for (text,) in texts if may_be_rejected(text)]:
            parameters.append(found)
            conditions.append(f"list_contains(${len(parameters)}::VARCHAR[], {columns[role]})")
    return " OR ".join(conditions), parameters


def _is_blank(text: str) -> bool:
    return not name_key(text).strip() or not text.strip()


def _is_no_year(text: str) -> bool:
    return bool(text) and parse_year(text) is None


def _is_no_count(text: str) -> bool:
    return parse_row_count(text) is None
