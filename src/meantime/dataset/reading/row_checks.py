"""Which staged rows are complete: each row is looked at by itself, before the file is surveyed."""

from __future__ import annotations

from collections.abc import Mapping

from meantime.dataset.reading.columns import YEARS
from meantime.dataset.reading.labels import label_sql
from meantime.dataset.reading.rejected_lines import INCOMPLETE, UNREADABLE_YEAR
from meantime.dataset.reading.staged_view import rows_sql
from meantime.dataset.reading.staging import StagedFile, reject_rows, sql_text
from meantime.dataset.reading.tally import parse_row_count
from meantime.dataset.reading.values import parse_year
from meantime.later import duckdb


def drop_incomplete(database: duckdb.DuckDBPyConnection, staged: StagedFile, columns: Mapping[str, str]) -> StagedFile:
    """Reject rows without a question or location, with a year that cannot be read, or a count that is no whole number.

    Raises:
        TooManyRejected: there are more of them than the setting allows.
    """
    # An id alone does not make a location: nobody would know which place it is.
    location = label_sql("location", {role: column for role, column in columns.items() if role != "location_id"})
    conditions = [f"trim({columns['question']}) = ''", f"trim({location}) = ''"]
    reasons = [
        f"WHEN {condition} THEN {sql_text(reason)}" for condition, reason in zip(conditions, INCOMPLETE, strict=True)
    ]
    parameters: list[object] = []
    rows = rows_sql([staged.parquet], {})
    for role in YEARS:
        year = columns.get(role, "''")
        texts = database.execute(f"SELECT DISTINCT {year} FROM {rows}").fetchall()
        wrong = [text for (text,) in texts if text and parse_year(text) is None]
        if wrong:
            # Bound once for the whole statement, however often it is used.
            parameters.append(wrong)
            conditions.append(f"list_contains(${len(parameters)}::VARCHAR[], {year})")
            reasons.append(f"WHEN {conditions[-1]} THEN {sql_text(UNREADABLE_YEAR)} || {year}[:40]")
    if (column := columns.get("row_count")) is not None:
        texts = database.execute(f"SELECT DISTINCT {column} FROM {rows}").fetchall()
        parameters.append([text for (text,) in texts if parse_row_count(text) is None])
        conditions.append(f"list_contains(${len(parameters)}::VARCHAR[], {column})")
        reasons.append(f"WHEN {conditions[-1]} THEN 'not a whole number of rows: ' || {column}[:40]")
    if (column := columns.get("distinct_rows")) is not None:
        row_count = columns.get("row_count", "'1'")
        pairs = database.execute(f"SELECT DISTINCT {column}, {row_count} FROM {rows}").fetchall()
        wrong = [f"{text} of {times}" for text, times in pairs if not _is_number_of_distinct(text, times)]
        parameters.append(wrong)
        conditions.append(f"list_contains(${len(parameters)}::VARCHAR[], {column} || ' of ' || {row_count})")
        reasons.append(f"WHEN {conditions[-1]} THEN 'not a number of different rows among these: ' || {column}[:40]")
    condition = " OR ".join(conditions)
    query = f"SELECT 1 FROM {rows} WHERE {condition} LIMIT 1"
    if database.execute(query, parameters).fetchone() is None:
        return staged
    return reject_rows(database, staged, condition, f"CASE {' '.join(reasons)} END", parameters)


def _is_number_of_distinct(text: str, row_count: str) -> bool:
    distinct, rows = parse_row_count(text), parse_row_count(row_count)
    return distinct is not None and (rows is None or min(rows, 1) <= distinct <= rows)
