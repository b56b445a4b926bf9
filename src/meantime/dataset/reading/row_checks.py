"""Checks of staged rows: which of them are complete, and whether a topic belongs to its question."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import duckdb

from meantime.dataset.reading.labels import label_sql
from meantime.dataset.reading.staged_view import rows_sql
from meantime.dataset.reading.staging import StagedFile, reject_rows
from meantime.dataset.reading.values import parse_year


def drop_incomplete(
    database: duckdb.DuckDBPyConnection, staged: Sequence[StagedFile], columns: Mapping[str, str]
) -> list[StagedFile]:
    """Reject the rows without a question or a location, and those whose year is not a whole number.

    Raises:
        TooManyRejected: there are more of them than the setting allows.
    """
    # An id alone does not make a location: nobody would know which place it is.
    location = label_sql("location", {role: column for role, column in columns.items() if role != "location_id"})
    conditions = [f"trim({columns['question']}) = ''", f"trim({location}) = ''"]
    reasons = [f"WHEN {conditions[0]} THEN 'no question'", f"WHEN {conditions[1]} THEN 'no location'"]
    parameters: list[object] = []
    files = rows_sql([file.parquet for file in staged])
    for role in ("first_year", "last_year"):
        column = columns.get(role, "''")
        texts = database.execute(f"SELECT DISTINCT {column} FROM {files}").fetchall()
        wrong = [text for (text,) in texts if text and parse_year(text) is None]
        if wrong:
            # Bound once for the whole statement, however often it is used.
            parameters.append(wrong)
            conditions.append(f"list_contains(${len(parameters)}::VARCHAR[], {column})")
            reasons.append(f"WHEN {conditions[-1]} THEN 'the year is not a whole number: ' || {column}[:40]")
    condition = " OR ".join(conditions)
    reason = f"CASE {' '.join(reasons)} END"
    kept = []
    for file in staged:
        query = f"SELECT 1 FROM {rows_sql([file.parquet])} WHERE {condition} LIMIT 1"
        is_complete = database.execute(query, parameters).fetchone() is None
        kept.append(file if is_complete else reject_rows(database, file, condition, reason, parameters))
    return kept


def has_several_topics(
    database: duckdb.DuckDBPyConnection, staged: Sequence[StagedFile], columns: Mapping[str, str]
) -> bool:
    """Whether a question has rows with different topics; then the column does not hold topics of questions."""
    rows = rows_sql([file.parquet for file in staged])
    topic, question = columns["topic"], label_sql("question", columns)
    query = f"SELECT {question} AS label FROM {rows} GROUP BY label HAVING min({topic}) <> max({topic}) LIMIT 1"
    return database.execute(query).fetchone() is not None
