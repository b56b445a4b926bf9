"""The sentences of answers are those that have been read: a change of one shows in tests/fixtures/sentences."""

from __future__ import annotations

from collections import Counter

from meantime.statistics.registry import STATISTICS
from tests.support.sentences import FOLDER, REAL_REQUESTS, REQUESTS, own_table, real_table, written

RENEW = "read what changed, then run python -m tests.support.sentences"


def test_sentences_over_small_tables_are_those_that_have_been_read() -> None:
    assert written(REQUESTS, own_table) == (FOLDER / "own.md").read_text(encoding="utf-8"), RENEW


def test_sentences_over_the_files_of_the_cdc_are_those_that_have_been_read() -> None:
    assert written(REAL_REQUESTS, real_table) == (FOLDER / "cdc.md").read_text(encoding="utf-8"), RENEW


def test_each_statistic_with_findings_has_four_requests_at_least() -> None:
    asked = Counter(statistic for statistic, _, _ in (*REQUESTS, *REAL_REQUESTS))
    survey = [name for name, row in STATISTICS.items() if row.order >= 110]
    assert {name: asked[name] for name in survey if asked[name] < 4} == {}
    assert len(REQUESTS) + len(REAL_REQUESTS) >= 52
