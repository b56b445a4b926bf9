"""Some twenty tables that an analyst would bring load as "your own table in ten minutes" says."""

from __future__ import annotations

from pathlib import Path

import pytest

from meantime.dataset.snapshot import Snapshot
from meantime.model import Unwatched
from meantime.statistics.check import check
from meantime.statistics.explain.source_rows import row_of
from tests.support.own_tables import QUESTION, SURVEY, OwnTable, own_tables
from tests.support.table_files import read, write

TABLES = own_tables()


def estimates(snapshot: Snapshot, years: str) -> dict[str, dict[str, float]]:
    answer = check("estimate", {"question": QUESTION, "years": years}, snapshot).compute(Unwatched())
    rows = [row_of(answer, index) for index in range(len(answer))]
    return {str(row["location"]): row for row in rows}  # type: ignore[misc]


def assert_limits(table: OwnTable, row: dict[str, float], low: float, high: float) -> None:
    if table.limits == "own":
        assert (row["low"], row["high"]) == (low, high)
    elif table.limits == "from respondents":  # as of people with unequal weights: wider
        assert 0 < row["low"] < row["estimate"] < row["high"]
    elif table.limits:
        assert row["low"] == pytest.approx(low, abs=0.2)
        assert row["high"] == pytest.approx(high, abs=0.2)


@pytest.mark.parametrize("form", TABLES)
def test_a_table_of_an_analyst(form: str, tmp_path: Path) -> None:
    table = TABLES[form]
    path = write(tmp_path, table.content, table.name)
    snapshot = read(path, columns=table.columns, settings=table.settings, rejected_limit=0)
    assert snapshot.cube.labels.questions == (QUESTION,)
    assert len(snapshot.cube.labels.locations) == table.places
    assert sum(snapshot.cube.withheld_by_reason().values()) == table.withheld
    assert not [each for each in snapshot.about.warnings if "several rows" in each]
    for year in ("2020", "2021", "2022"):
        found = estimates(snapshot, year)
        expected = [each for each in SURVEY if str(each.year) == year]
        assert found.keys() == {each.place for each in expected}
        for each in expected:
            assert found[each.place]["estimate"] == pytest.approx(each.percent * table.times)
            assert_limits(table, found[each.place], each.low, each.high)


def test_there_are_some_twenty_and_most_need_no_more_than_the_question() -> None:
    assert len(TABLES) >= 20
    assert [form for form, table in TABLES.items() if table.columns] == ["German"]
