"""A catalog for tests: real snapshots on a real disk, of files written as JSON, which are read in this process."""

from __future__ import annotations

import json
import queue
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from meantime.dataset.catalog import Catalog
from meantime.dataset.load_status import progress_of
from meantime.dataset.reading.progress import Progress
from meantime.dataset.reading.source import Source
from meantime.dataset.snapshot import Rejected
from meantime.dataset.snapshot_writer import write_snapshot
from meantime.dataset.source_downloads import SourceDownloads
from meantime.dataset.source_snapshots import Shelf
from meantime.errors import LoadCancelled, SourceEmpty
from tests.support import factories
from tests.support.waiting import PATIENCE_S

# Long enough for the slowest machine; a test that comes to this has found a deadlock.


class JsonIngestor:
    """Reads tables written as JSON, in this process, into real snapshots; and calls ``midway`` before the end."""

    rejected_limit = 0.05

    def __init__(self) -> None:
        self.title: str | None = None  # instead of the file's name
        self.rejected: tuple[Rejected, ...] = ()
        self.rejected_total = 0
        self.read: list[str] = []  # names, in the order in which they were read
        self.midway: Callable[[Source, threading.Event], None] = lambda _source, _cancelled: None

    def ingest(
        self,
        source: Source,
        into: Path,
        *,
        on_progress: Callable[[Progress], None],
        cancelled: threading.Event,
    ) -> Path:
        self.read.append(source.name)
        on_progress(Progress(phase="reading", share=0.5, rows=None))
        content = Path(source.path).read_bytes()
        rows = json.loads(content)
        if not rows:
            raise SourceEmpty(f"{source.path} has no rows.")
        self.midway(source, cancelled)
        if cancelled.is_set():
            raise LoadCancelled("Cancelled.")
        made = factories.snapshot(rows)
        # In place of the rows: catalogs do not look into them.
        kept = into / f".rows-{source.name}"
        kept.write_bytes(content)
        about = msgspec.structs.replace(
            made.about,
            title=self.title or Path(source.path).stem,
            files=(Path(source.path).name,),
            rejected=self.rejected,
            rejected_total=self.rejected_total,
            copies=0,
        )
        return write_snapshot(made.cube, about, [kept], into)


class Workspace:
    """A folder with sources and one for snapshots."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.snapshots = folder / "state" / "snapshots"
        self.ingestor = JsonIngestor()
        self.now_s = 0.0
        self.shelf: Shelf | None = None

    def source(self, name: str, *values: str, file: str | None = None) -> Source:
        """Write a source with one row a value; the file is a new one each time, as when somebody replaces it."""
        path = self.folder / f"{file or name}.json"
        new = path.with_suffix(".new")
        new.write_text(json.dumps([factories.row(value=value) for value in values]))
        if path.exists():
            # Kept, so that the new one cannot get its inode.
            path.rename(path.with_name(f"{path.name}.{len(list(self.folder.iterdir()))}"))
        new.rename(path)
        return Source(name=name, path=str(path))

    def catalog(self, *sources: Source, on_death: Callable[[str, BaseException], None] | None = None) -> Catalog:
        def died(role: str, error: BaseException) -> None:
            raise AssertionError(f"{role} died") from error

        return Catalog(
            sources,
            folder=self.snapshots,
            ingestor=self.ingestor,
            on_death=on_death or died,
            downloads=SourceDownloads(self.folder / "state" / "downloads", limit_mb=1),
            shelf=self.shelf,
            monotonic_s=lambda: self.now_s,
        )

    @contextmanager
    def serving(self, *sources: Source) -> Iterator[Catalog]:
        """A catalog whose data sets are all decided."""
        catalog = self.catalog(*sources)
        opened: queue.SimpleQueue[str] = queue.SimpleQueue()
        catalog.on_open(opened.put)
        catalog.start()
        try:
            assert [opened.get(timeout=PATIENCE_S) for _ in sources] == [source.name for source in sources]
            yield catalog
        finally:
            catalog.close()

    @contextmanager
    def settled(self, *sources: Source) -> Iterator[Catalog]:
        """A catalog that has tried to read all data sets once, whatever came of it."""
        catalog = self.catalog(*sources)
        read: queue.SimpleQueue[str] = queue.SimpleQueue()
        catalog.on_change(lambda name, status: read.put(name) if progress_of(status) is None else None)
        catalog.start()
        try:
            assert [read.get(timeout=PATIENCE_S) for _ in sources] == [source.name for source in sources]
            yield catalog
        finally:
            catalog.close()

    def on_disk(self) -> list[str]:
        return sorted(path.name for path in self.snapshots.iterdir() if path.name != "sources.json")

    def load(self, source: Source) -> str:
        """Load a source alone and return its fingerprint."""
        with self.serving(source) as catalog:
            return catalog.snapshot(source.name).fingerprint


class ReadGate:
    """Lets the next readings through one by one."""

    def __init__(self, workspace: Workspace) -> None:
        self._entered = threading.Semaphore(0)
        self._let_on = threading.Semaphore(0)
        workspace.ingestor.midway = self._pass

    def wait_entered(self) -> None:
        assert self._entered.acquire(timeout=PATIENCE_S)

    def let_on(self, times: int = 1) -> None:
        self._let_on.release(times)

    def _pass(self, _source: Source, _cancelled: threading.Event) -> None:
        self._entered.release()
        assert self._let_on.acquire(timeout=PATIENCE_S)
