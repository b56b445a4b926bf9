"""Snapshots that an older version wrote have units as their files spell them."""

from __future__ import annotations

from pathlib import Path

import msgspec

from meantime.dataset.cube import ValueType
from meantime.dataset.snapshot_folder import open_snapshot
from tests.support.factories import row, snapshot
from tests.support.older_format import write_older
from tests.support.whole import whole


def test_an_older_snapshot_is_opened_with_the_one_spelling_and_keeps_its_fingerprint(tmp_path: Path) -> None:
    old = snapshot([row(value_type="Crude", unit="%"), row(location="Ohio", value="2", unit="rate")], unit="Per cent")
    parquet = tmp_path / "rows.parquet"
    parquet.write_text("the rows")
    folder = write_older(old.cube, old.about, [parquet], tmp_path / "snapshots")
    opened = open_snapshot(folder)
    assert opened.fingerprint == folder.name
    assert set(opened.cube.labels.value_types) == {ValueType("Crude", "percent"), ValueType("", "rate")}
    assert [question.unit for question in opened.about.questions] == ["percent"]
    assert whole(opened.cube).by_location.mean.tolist() == [2.0, 1.0]


def test_what_were_two_spellings_is_one_type_of_value_with_merged_cells(tmp_path: Path) -> None:
    rows = [
        row(unit="%", low=0.5, high=1.5),
        row(value="3", unit="Percent", low=2.5, high=3.5),
        row(location="Ohio", value="5", unit="Percent", low=4.5, high=5.5),
    ]
    old = snapshot(rows)
    parquet = tmp_path / "rows.parquet"
    parquet.write_text("the rows")
    about = msgspec.structs.replace(
        old.about, questions=tuple(msgspec.structs.replace(each, unit=None) for each in old.about.questions)
    )
    opened = open_snapshot(write_older(old.cube, about, [parquet], tmp_path / "snapshots"))
    assert opened.cube.labels.value_types == (ValueType("", "percent"),)
    assert whole(opened.cube).by_location.mean.tolist() == [5.0, 2.0]
    assert whole(opened.cube).cells.rows.tolist() == [1, 2]
    assert opened.about.questions[0].unit is None
