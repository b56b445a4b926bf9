"""The real files, read both ways and compared with what the csv module and fractions make of them."""

from __future__ import annotations

import csv
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

import duckdb
import pytest

from meantime.dataset.reading import staging
from meantime.dataset.reading.description import Description
from meantime.dataset.reading.staging import Rejections, open_file, stage_file
from meantime.dataset.snapshot_folder import open_snapshot
from tests.support.real_data import BY_SEX, SUBSET, real_file
from tests.support.table_files import means, read, read_folder, rows, write
from tests.support.whole import whole


class Kept(NamedTuple):
    """A real file, and the folder of its snapshot."""

    path: Path
    folder: Path


@pytest.fixture(scope="module", params=[SUBSET, BY_SEX])
def kept(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Kept:
    path = real_file(request.param)
    return Kept(path, read_folder(path, into=tmp_path_factory.mktemp("kept")))


def records(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, strict=True))


def test_the_means_are_those_of_the_rows(kept: Kept) -> None:
    expected: dict[tuple[str, str], list[Fraction]] = {}
    for record in records(kept.path):
        if record["Data_Value"]:
            expected.setdefault((record["Question"], record["LocationDesc"]), []).append(Fraction(record["Data_Value"]))
    snapshot = open_snapshot(kept.folder)
    assert means(snapshot) == {key: float(sum(values) / len(values)) for key, values in expected.items()}
    assert snapshot.about.rejected_total == 0
    assert snapshot.about.warnings == ()
    assert {question.unit for question in snapshot.about.questions} == {"percent"}
    assert all(question.topic for question in snapshot.about.questions)
    # Overweight is low where obesity is high.
    assert [each.text for each in snapshot.about.questions if not each.polarity] == [
        "Percent of adults aged 18 years and older who have an overweight classification"
    ]


def test_every_published_row_is_a_cell_with_its_limits(kept: Kept) -> None:
    cube = open_snapshot(kept.folder).cube
    labels, keys = cube.labels, set()
    for key, low, high, size in zip(
        whole(cube).cells.keys.tolist(),
        whole(cube).cells.low,
        whole(cube).cells.high,
        whole(cube).cells.sample_size,
        strict=True,
    ):
        question, location, category, stratum, _, period = key
        cell = (labels.questions[question], labels.locations[location], labels.categories[category])
        keys.add((*cell, labels.strata[stratum], labels.periods[period].first, str(low), str(high), str(size)))
    limits = ("Low_Confidence_Limit", "High_Confidence_Limit ", "Sample_Size")
    expected = {
        (
            *(record[column] for column in ("Question", "LocationDesc", "StratificationCategory1", "Stratification1")),
            int(record["YearStart"]),
            *(str(float(record[column] or "nan")) for column in limits),
        )
        for record in records(kept.path)
    }
    assert keys == expected


def test_the_rows_are_kept_as_in_the_file(kept: Kept) -> None:
    found = rows(kept.folder)
    assert [row.cells for row in found] == records(kept.path)
    assert [row.line for row in found] == list(range(2, len(found) + 2))


@pytest.mark.parametrize("name", [SUBSET, BY_SEX])
def test_duckdb_and_the_tolerant_reader_read_the_same(name: str, tmp_path: Path) -> None:
    path = real_file(name)
    file = open_file(path, tmp_path, Description(), {}, on_bytes=lambda _: None)
    assert file.text is not None
    assert file.text.is_plain
    with duckdb.connect() as database:
        in_place = stage_file(database, file, tmp_path / "a.parquet", rejected_limit=0.0, on_bytes=lambda _: None)
        tolerant = staging._stage_tolerantly(
            database, file, file.text, tmp_path / "b.parquet", Rejections(name, 0), lambda _: None
        )
        assert (in_place.rows, in_place.has_line) == (tolerant.rows, tolerant.has_line)
        tables = [
            database.execute(
                "SELECT * FROM read_parquet(?, file_row_number = true) ORDER BY file_row_number", [str(each.parquet)]
            ).fetchall()
            for each in (in_place, tolerant)
        ]
    assert tables[0] == tables[1]


def test_a_file_with_one_bad_line_of_each_kind_loses_these_and_no_other(tmp_path: Path) -> None:
    lines = real_file(SUBSET).read_bytes().split(b"\r\n")
    bad = [b'2018,"never closed,' + lines[1], b"too,few", lines[2] + b",", b"a\0b", b'"']
    for line_number, line in zip((1, 500, 1000, 1500, 2032), bad, strict=True):
        lines.insert(line_number, line)
    path = write(tmp_path, b"\r\n".join(lines))
    snapshot = read(path, rejected_limit=0.05, into=tmp_path / "broken")
    assert [each.line for each in snapshot.about.rejected] == [2, 501, 1001, 1501, 2033]
    whole = read(real_file(SUBSET), into=tmp_path / "whole")
    assert snapshot.fingerprint == whole.fingerprint
    assert snapshot.about.rows == 2031
