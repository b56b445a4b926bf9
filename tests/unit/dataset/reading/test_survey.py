"""What a survey counts, up to its bounds."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from meantime.dataset.reading import survey
from meantime.dataset.reading.survey import FileFacts, QuestionTexts, join_all, survey_file


def surveyed(database: duckdb.DuckDBPyConnection, path: Path, rows: list[tuple[str, str]]) -> FileFacts:
    values = ", ".join(f"('{question}', '1', '{source}')" for question, source in rows)
    database.execute(f"COPY (SELECT * FROM (VALUES {values}) AS rows(c0, c1, c2)) TO '{path}' (FORMAT parquet)")
    columns = {"question": "c0", "value": "c1", "source": "c2"}
    return survey_file(database, path, columns, decimal_mark=".", may_be_category=False)


def test_a_question_with_too_many_sources_has_none_however_its_table_is_cut(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(survey, "_MOST_OF_QUESTION", 2)
    rows = [("Tea", "A"), ("Tea", "B"), ("Naps", "A"), ("Tea", "C"), ("Naps", "A"), ("Tea", "B"), ("Naps", "")]
    expected = {"Tea": QuestionTexts({"": 4}, None), "Naps": QuestionTexts({"": 3}, {"A": 2, "": 1})}
    with duckdb.connect() as database:
        assert surveyed(database, tmp_path / "whole.parquet", rows).questions == expected
        parts = [surveyed(database, tmp_path / f"{at}.parquet", part) for at, part in enumerate((rows[:3], rows[3:]))]
    assert join_all(parts).questions == expected
