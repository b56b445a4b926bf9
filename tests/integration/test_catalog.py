"""Real files, the real reading process, real restarts."""

from __future__ import annotations

import csv
import queue
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from meantime.dataset.catalog import Catalog
from meantime.dataset.load_status import Failed, Loading, Ready, Status
from meantime.dataset.reading.ingestor import DataIngestor
from meantime.dataset.reading.source import Source
from meantime.dataset.rows import SourceRows
from meantime.dataset.samples.synthetic import write_sample
from meantime.dataset.snapshot import Snapshot
from meantime.errors import RolesMissing
from tests.support.child_processes import children
from tests.support.real_data import BY_SEX, SUBSET, real_file
from tests.support.waiting import PATIENCE_S
from tests.support.whole import whole

FILES = (SUBSET, BY_SEX)

# Long enough for the slowest machine; a test that comes to this has found a deadlock.


@pytest.fixture(scope="module", autouse=True)
def _shared_data() -> None:
    for name in FILES:
        real_file(name)


def cdc_sources() -> list[Source]:
    return [Source(name=f"cdc-{index}", path=str(real_file(file))) for index, file in enumerate(FILES)]


@contextmanager
def serving(folder: Path, sources: Sequence[Source]) -> Iterator[tuple[Catalog, list[tuple[str, Status]]]]:
    """A catalog whose data sets are all decided, with every change on the way."""

    def died(role: str, error: BaseException) -> None:
        raise AssertionError(f"{role} died") from error

    catalog = Catalog(sources, folder=folder, ingestor=DataIngestor(memory_mb=1024, rejected_limit=0.05), on_death=died)
    opened: queue.SimpleQueue[str] = queue.SimpleQueue()
    changes: list[tuple[str, Status]] = []
    catalog.on_open(opened.put)
    catalog.on_change(lambda name, status: changes.append((name, status)))
    catalog.start()
    try:
        for _ in sources:
            opened.get(timeout=PATIENCE_S)
        yield catalog, changes
    finally:
        catalog.close()


def phases(changes: Sequence[tuple[str, Status]]) -> list[str]:
    return [status.progress.phase for _, status in changes if isinstance(status, Loading)]


def test_real_files_are_read_once_and_opened_at_the_next_start(tmp_path: Path) -> None:
    with serving(tmp_path, cdc_sources()) as (catalog, changes):
        fingerprints = [catalog.snapshot(name).fingerprint for name in catalog.names]
        assert [catalog.snapshot(name).about.rows for name in catalog.names] == [2031, 6724]
        assert phases(changes)
    with serving(tmp_path, cdc_sources()) as (catalog, changes):
        assert phases(changes) == []
        assert [catalog.snapshot(name).fingerprint for name in catalog.names] == fingerprints
        catalog.sweep(set())
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == sorted([*fingerprints, "sources.json"])


@pytest.fixture(scope="module")
def snapshot(tmp_path_factory: pytest.TempPathFactory) -> Snapshot:
    """The first of the files, of a catalog that is closed."""
    [source, _] = cdc_sources()
    with serving(tmp_path_factory.mktemp("snapshots"), [source]) as (catalog, _changes):
        return catalog.snapshot(source.name)


def test_the_rows_behind_a_number_are_those_on_these_lines_of_the_file(snapshot: Snapshot) -> None:
    rows = SourceRows.of(snapshot)
    with real_file(FILES[0]).open(newline="", encoding="utf-8") as file:
        # No text of this file has a line end in it, so records are lines.
        expected = {
            line: record for line, record in enumerate(csv.DictReader(file), 2) if record["LocationDesc"] == "Utah"
        }
    rows_by_line = {row.line: row for row in rows.select({"location": "Utah"})}
    assert rows_by_line.keys() == expected.keys()
    for line, row in rows_by_line.items():
        assert row.file == FILES[0]
        assert {name.strip(): text for name, text in row.cells.items()} == {
            name.strip(): text for name, text in expected[line].items()
        }


def test_every_cell_has_as_many_rows_as_are_found_behind_it(snapshot: Snapshot) -> None:
    from_rows = Counter(
        (row.cells[snapshot.about.roles["question"]].strip(), row.cells[snapshot.about.roles["location"]].strip())
        for row in SourceRows.of(snapshot).select({})
    )
    cube = snapshot.cube
    moments = whole(cube).by_location.moments
    counted = {
        (cube.labels.questions[question], cube.labels.locations[location]): rows
        for (question, location), rows in zip(
            whole(cube).by_location.keys.tolist(), (moments.count + moments.withheld).tolist(), strict=True
        )
    }
    assert counted == from_rows


def test_a_file_in_another_order_is_another_layout_of_the_same_content(tmp_path: Path) -> None:
    lines = real_file(FILES[0]).read_bytes().splitlines(keepends=True)
    (tmp_path / "a.csv").write_bytes(b"".join(lines))
    (tmp_path / "b.csv").write_bytes(b"".join([lines[0], *reversed(lines[1:])]))
    sources = [Source(name=name, path=str(tmp_path / f"{name}.csv")) for name in "ab"]
    with serving(tmp_path / "snapshots", sources) as (catalog, _changes):
        one, other = catalog.snapshot("a"), catalog.snapshot("b")
        assert one.fingerprint == other.fingerprint
        assert [one.about.files, other.about.files] == [("a.csv",), ("b.csv",)]
    with serving(tmp_path / "snapshots", sources) as (catalog, changes):
        assert phases(changes) == []
        assert [catalog.snapshot(name).about.files for name in "ab"] == [("a.csv",), ("b.csv",)]


def test_a_file_that_cannot_be_read_fails_alone(tmp_path: Path) -> None:
    (tmp_path / "notes.csv").write_text("a,b\n1,2\n")
    sources = [Source(name="notes", path=str(tmp_path / "notes.csv")), *cdc_sources()[:1]]
    with serving(tmp_path / "snapshots", sources) as (catalog, _changes):
        status = catalog.status("notes")
        assert isinstance(status, Failed)
        assert isinstance(status.error, RolesMissing)
        assert isinstance(catalog.status("cdc-0"), Ready)


def test_closing_while_a_file_is_read_leaves_no_process_and_no_file(tmp_path: Path) -> None:
    path = tmp_path / "large.csv"
    with path.open("wb") as out:
        write_sample(out, rows=200_000, seed=1)
    catalog = Catalog(
        [Source(name="large", path=str(path))],
        folder=tmp_path / "snapshots",
        ingestor=DataIngestor(memory_mb=1024, rejected_limit=0.05),
        on_death=lambda _role, _error: reading.set(),
    )
    reading = threading.Event()
    catalog.on_change(lambda _name, _status: reading.set())
    before = children()
    catalog.start()
    assert reading.wait(PATIENCE_S)
    catalog.close()
    assert isinstance(catalog.status("large"), Loading)
    assert list((tmp_path / "snapshots").iterdir()) == []
    assert children() <= before
