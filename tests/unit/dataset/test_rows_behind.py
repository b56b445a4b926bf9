"""The rows of a large source are kept after its cells, which answer meanwhile."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from meantime.dataset.catalog import Catalog
from meantime.dataset.load_status import Ready, ReloadOutcome, Status, progress_of
from meantime.dataset.reading.progress import KEEPING_ROWS
from meantime.dataset.reading.source import Source
from meantime.dataset.rows import SourceRows
from meantime.dataset.snapshot import Snapshot
from meantime.errors import DatasetUnknown, LoadCancelled, LoadFailed, MeantimeError, RowsPending, SourceChanged
from tests.support.catalogs import Workspace
from tests.support.waiting import PATIENCE_S

COPIES = "Two rows are copies."


class Keeping:
    """Holds the rows of sources back until the test lets them be kept, or says why they cannot be."""

    def __init__(self, workspace: Workspace) -> None:
        self.begun = threading.Semaphore(0)
        self.outcomes: queue.SimpleQueue[MeantimeError | None] = queue.SimpleQueue()
        workspace.ingestor.before_rows = self._hold

    def _hold(self, _source: Source, cancelled: threading.Event) -> None:
        self.begun.release()
        while True:
            try:
                outcome = self.outcomes.get(timeout=0.01)
            except queue.Empty:
                if cancelled.is_set():
                    return
            else:
                if outcome is not None:
                    raise outcome
                return

    def wait_begun(self) -> None:
        assert self.begun.acquire(timeout=PATIENCE_S)


class Statuses:
    """The statuses of a catalog's data sets that say that reading has ended."""

    def __init__(self, catalog: Catalog) -> None:
        self._ended: queue.SimpleQueue[Status] = queue.SimpleQueue()
        catalog.on_change(lambda _name, status: self._ended.put(status) if progress_of(status) is None else None)

    def next(self) -> Ready:
        status = self._ended.get(timeout=PATIENCE_S)
        assert isinstance(status, Ready)
        return status


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path)


@pytest.fixture
def keeping(workspace: Workspace) -> Keeping:
    return Keeping(workspace)


@contextmanager
def started(workspace: Workspace, *sources: Source) -> Iterator[tuple[Catalog, Statuses]]:
    catalog = workspace.catalog(*sources)
    statuses = Statuses(catalog)
    catalog.start()
    try:
        yield catalog, statuses
    finally:
        catalog.close()


def has_rows(snapshot: Snapshot) -> bool:
    try:
        with SourceRows.of(snapshot).opened():
            return True
    except RowsPending:
        return False


def test_a_data_set_answers_while_its_rows_are_kept(workspace: Workspace, keeping: Keeping) -> None:
    with started(workspace, workspace.source("a", "1", "2")) as (catalog, statuses):
        early = statuses.next().snapshot
        keeping.wait_begun()
        assert catalog.is_open("a")
        assert early.cube.rows == 2
        assert not has_rows(early)
        assert early.about.warnings == ()
        status = catalog.status("a")
        assert isinstance(status, Ready)
        assert status.reloading is not None
        assert status.reloading.phase == KEEPING_ROWS
        kept = catalog.repair(early.fingerprint)
        assert kept is not None
        catalog.sweep(set())
        keeping.outcomes.put(None)
        late = statuses.next().snapshot
        assert kept.result(PATIENCE_S) is None
        assert late.fingerprint == early.fingerprint
        assert late.about.warnings == (COPIES,)
        # Whoever has the one that was opened before gets the rows too.
        assert has_rows(late)
        assert has_rows(early)
        assert workspace.on_disk() == [late.fingerprint]


def test_after_a_crash_only_the_rows_are_read_again(workspace: Workspace, keeping: Keeping) -> None:
    source = workspace.source("a", "1", "2")
    with started(workspace, source) as (_, statuses):
        early = statuses.next().snapshot
        keeping.wait_begun()
    assert workspace.on_disk() == [early.fingerprint]
    # A process that was ended while it moved the rows in.
    (workspace.snapshots / early.fingerprint / "rows").mkdir()
    (workspace.snapshots / early.fingerprint / "rows" / "0000.parquet").write_bytes(b"half")
    workspace.ingestor.read.clear()
    with started(workspace, source) as (catalog, statuses):
        assert statuses.next().snapshot.fingerprint == early.fingerprint
        assert catalog.is_open("a")
        keeping.wait_begun()
        keeping.outcomes.put(None)
        assert has_rows(statuses.next().snapshot)
    assert workspace.ingestor.read == ["rows of a"]
    workspace.ingestor.read.clear()
    with started(workspace, source) as (_, statuses):
        assert statuses.next().snapshot.about.warnings == (COPIES,)
    assert workspace.ingestor.read == []


def test_trouble_while_rows_are_kept_leaves_the_data_set_answering_and_is_tried_again(
    workspace: Workspace, keeping: Keeping
) -> None:
    with started(workspace, workspace.source("a", "1", "2")) as (catalog, statuses):
        early = statuses.next().snapshot
        kept = catalog.repair(early.fingerprint)
        assert kept is not None
        keeping.outcomes.put(LoadFailed("The disk is full."))
        failed = statuses.next()
        assert failed.snapshot is early
        assert str(failed.reload_error) == "The disk is full."
        assert catalog.is_open("a")
        assert not kept.done()
        workspace.now_s += 1000
        keeping.outcomes.put(None)
        assert catalog.reload("a").result(PATIENCE_S) is ReloadOutcome.UNCHANGED
        assert kept.done()
        status = catalog.status("a")
        assert isinstance(status, Ready)
        assert has_rows(status.snapshot)
        assert status.reload_error is None
    assert workspace.ingestor.read == ["a", "rows of a"]


def test_trouble_passes_without_anybody_asking(workspace: Workspace, keeping: Keeping) -> None:
    with started(workspace, workspace.source("a", "1")) as (_, statuses):
        statuses.next()
        workspace.now_s = -1000.0  # the next try is due as soon as it is noted
        keeping.outcomes.put(LoadFailed("The disk is full."))
        assert statuses.next().reload_error is not None
        workspace.now_s = 1000.0
        keeping.outcomes.put(None)
        assert has_rows(statuses.next().snapshot)


def test_a_source_that_changes_while_its_rows_are_kept_is_read_again(workspace: Workspace, keeping: Keeping) -> None:
    with started(workspace, workspace.source("a", "1")) as (catalog, statuses):
        early = statuses.next().snapshot
        keeping.wait_begun()
        former = catalog.repair(early.fingerprint)
        assert former is not None
        workspace.source("a", "5", "7")
        keeping.outcomes.put(SourceChanged("It was replaced."))
        assert isinstance(statuses.next().reload_error, SourceChanged)
        keeping.outcomes.put(None)
        reloaded = catalog.reload("a")
        assert statuses.next().snapshot.cube.rows == 2
        late = statuses.next().snapshot
        assert has_rows(late)
        assert late.fingerprint != early.fingerprint
        assert reloaded.result(PATIENCE_S) is ReloadOutcome.REPLACED
        assert isinstance(former.exception(PATIENCE_S), RowsPending)


def test_a_reload_changes_what_is_served_when_its_rows_are_there_too(workspace: Workspace, keeping: Keeping) -> None:
    with started(workspace, workspace.source("a", "1")) as (catalog, statuses):
        statuses.next()
        keeping.outcomes.put(None)
        before = statuses.next().snapshot
        keeping.wait_begun()
        workspace.source("a", "5")
        reloaded = catalog.reload("a")
        keeping.wait_begun()
        assert catalog.snapshot("a") is before
        keeping.outcomes.put(None)
        assert reloaded.result(PATIENCE_S) is ReloadOutcome.REPLACED
        assert has_rows(catalog.snapshot("a"))
        assert catalog.snapshot("a") is not before


def test_a_data_set_can_be_removed_while_its_rows_are_kept(workspace: Workspace, keeping: Keeping) -> None:
    with started(workspace, workspace.source("a", "1"), workspace.source("b", "2")) as (catalog, statuses):
        early = statuses.next().snapshot
        kept = catalog.repair(early.fingerprint)
        assert kept is not None
        keeping.wait_begun()
        catalog.remove("a")
        with pytest.raises(DatasetUnknown):
            catalog.status("a")
        assert kept.exception(PATIENCE_S) is not None
        statuses.next()
        keeping.outcomes.put(None)
        assert has_rows(statuses.next().snapshot)


def test_a_stop_while_rows_are_kept_ends_at_once_and_tells_who_waits(workspace: Workspace, keeping: Keeping) -> None:
    with started(workspace, workspace.source("a", "1")) as (catalog, statuses):
        kept = catalog.repair(statuses.next().snapshot.fingerprint)
        assert kept is not None
        keeping.wait_begun()
    assert isinstance(kept.exception(PATIENCE_S), LoadCancelled)


def test_the_same_content_with_the_same_rows_is_kept_once(workspace: Workspace, keeping: Keeping) -> None:
    source = workspace.source("a", "1")
    keeping.outcomes.put(None)
    with started(workspace, source) as (_, statuses):
        statuses.next()
        first = statuses.next().snapshot
    workspace.source("a", "1")  # another file with the same bytes
    keeping.outcomes.put(None)
    with started(workspace, source) as (catalog, statuses):
        statuses.next()
        assert statuses.next().snapshot.fingerprint == first.fingerprint
        assert catalog.reload("a").result(PATIENCE_S) is ReloadOutcome.UNCHANGED
        [folder, other] = workspace.on_disk()
        assert other.startswith(f"{folder}.")  # it answered while its rows were read; nothing is served from it now
        kept = catalog.snapshot("a").row_files
        assert kept is not None
        assert kept.folder.name == folder
