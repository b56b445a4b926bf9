"""Settings become the running parts: the one file that knows every concrete class.

The parts have no listener: ``server`` gives them Meantime's own, ``flask`` that of a WSGI server.
"""

from __future__ import annotations

import contextlib
import logging
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import structlog

from meantime import descriptors, temporary_folders
from meantime.access.keys import KeyFile, KeyRing
from meantime.access.rates import RateLimit
from meantime.compute.local import LocalCompute
from meantime.dataset.answerable import can_answer
from meantime.dataset.catalog import Catalog
from meantime.dataset.load_status import WAITING, Failed, Loading, Ready, Status, progress_of
from meantime.dataset.open_blocks import OpenBlocks
from meantime.dataset.reading import source
from meantime.dataset.reading.cluster.address import Cluster, parse_cluster
from meantime.dataset.reading.ingestor import DataIngestor
from meantime.dataset.reading.source import Source
from meantime.dataset.row_files import measure
from meantime.dataset.samples import synthetic
from meantime.dataset.snapshot import Snapshot
from meantime.dataset.source_downloads import SourceDownloads
from meantime.dataset.uploads import Uploads
from meantime.durable import durable_file
from meantime.engine.ports import JobStore
from meantime.engine.wiring import create_engine
from meantime.errors import MeantimeError, PackageMissing, SettingInvalid, StorePaused
from meantime.formats.writers import renderer
from meantime.log import Log
from meantime.settings import Settings
from meantime.statistics.cost import CostLimit, CostLimits
from meantime.stores.fresh_results import FreshResults
from meantime.stores.host_name import host_name
from meantime.stores.last_seen import LastSeenFile
from meantime.stores.result_files import ResultFiles
from meantime.stores.sqlite import SqliteJobStore
from meantime.stores.state_lock import LOCK_NAME, StateLock
from meantime.web.http import hosts
from meantime.web.http.access import Access
from meantime.web.metrics import Metrics

if TYPE_CHECKING:
    from meantime.dataset.object_storage.shelf import SnapshotShelf
    from meantime.stores.postgres.host_results import PostgresResults
    from meantime.stores.postgres.store import PostgresJobStore

_log = structlog.get_logger("meantime")

# How long running work gets to reach its next check when the server stops; then its jobs are given back under it.
STOP_WORK_S = 5.0


def data_ingestor(settings: Settings) -> DataIngestor:
    """Make the reader of files that these settings describe."""
    return DataIngestor(
        memory_mb=settings.load_memory_mb,
        rejected_limit=settings.rejected_limit,
        reserve_mb=settings.disk_reserve_mb,
        cluster=_cluster(settings),
    )


def _cluster(settings: Settings) -> Cluster | None:
    if not settings.cluster:
        return None
    return parse_cluster(
        settings.cluster,
        ca_file=settings.cluster_ca_file or "",
        certificate_file=settings.cluster_certificate_file or "",
        key_file=settings.cluster_key_file or "",
    )


def _shelf(settings: Settings) -> SnapshotShelf | None:
    if not settings.shelf:
        return None
    try:
        from meantime.dataset.object_storage.shelf import SnapshotShelf
    except ImportError as error:
        raise PackageMissing(
            "The setting shelf needs the package obstore. Install it with: pip install 'meantime[object]'"
        ) from error
    return SnapshotShelf(settings.shelf, reserve_mb=settings.disk_reserve_mb, with_paths=settings.cluster is not None)


def cost_limits(settings: Settings) -> CostLimits:
    """Return what answers may cost by these settings."""
    return CostLimits(
        at_once=CostLimit(seconds=settings.answer_cost_s, answer_bytes=settings.answer_size_mb * 10**6),
        job=CostLimit(seconds=settings.job_cost_s, answer_bytes=settings.job_size_mb * 10**6),
    )


def built_in_sample(settings: Settings) -> Source:
    """Write the built-in synthetic sample into the state directory, which is there, once; return it as a source."""
    path = settings.state_dir / f"sample-{synthetic.DEFAULT_ROWS}-{synthetic.DEFAULT_SEED}.csv"
    digest = path.with_suffix(".sha256")
    if not _is_whole(path, digest):
        # Each is renamed when whole and on the disk, the digest last: a sample cut short by a crash is made again.
        with durable_file(path) as out:
            synthetic.write_sample(out, rows=synthetic.DEFAULT_ROWS, seed=synthetic.DEFAULT_SEED)
        with durable_file(digest) as out:
            out.write(measure(path).digest.encode())
    return Source(name="sample", path=str(path))


def _is_whole(path: Path, digest: Path) -> bool:
    try:
        return digest.read_bytes() == measure(path).digest.encode()
    except OSError:
        return False


def sources_to_serve(
    paths: Sequence[str], columns: Mapping[str, str] | None = None, said: Mapping[str, str] | None = None
) -> list[Source]:
    """Return each ``[NAME=]PATH`` as a source.

    Raises:
        SettingInvalid: two have one name.
        SourceUnreadable: a file is absent. That is reported now, not after the server has started.
    """
    sources = [source.parse_source(path, columns, said) for path in paths]
    for name, times in Counter(each.name for each in sources).items():
        if times > 1:
            raise SettingInvalid(f"{times} data sets are named {name!r}. Give each its own name: NAME=PATH.")
    for each in sources:
        if not each.address:
            source.data_files(each)
    return sources


class Parts:
    """The running parts without a listener. Without sources they serve the built-in sample.

    Made and started once per process; one set works in a state directory. ``on_fatal`` is called, in whatever thread it
    happens, when a part died or the store broke: the process must end, and recovers from disk when started again.
    ``logger``, if any, gets what the terminal would. ``listens_at`` is where other hosts reach this one, if nobody says
    otherwise.

    Raises:
        StateInUse: another process works in this state directory.
        StoreTooNew: the state was written by a newer Meantime.
        SettingInvalid: the state directory cannot be used.
    """

    def __init__(
        self,
        settings: Settings,
        sources: Sequence[Source],
        *,
        on_fatal: Callable[[BaseException], None],
        verbose: bool = False,
        logger: logging.Logger | None = None,
        listens_at: str = "",
    ) -> None:
        state = settings.state_dir.resolve()
        self._on_fatal = on_fatal
        self._descriptor_limit = descriptors.raise_limit()
        # First of all: it makes the folder, durably, and nobody touches anything in it without holding it.
        self._lock = StateLock(state)
        temporary_folders.keep_in(state / "temporary")
        self.log = Log(
            state,
            size_mb=settings.log_size_mb,
            files=settings.log_files,
            verbose=verbose,
            logger=logger,
            on_death=self._on_death,
        )
        self.metrics = Metrics()
        self.access = Access(
            KeyRing(KeyFile(state), settings.admin_key),
            listens_to_others=not hosts.is_loopback(settings.host),
            allow_anonymous=settings.allow_anonymous,
            rate=RateLimit(settings.rate_limit, clock=time.monotonic) if settings.rate_limit else None,
        )
        self.catalog = Catalog(
            sources or [built_in_sample(settings)],
            folder=state / "snapshots",
            ingestor=data_ingestor(settings),
            open_blocks=OpenBlocks(settings.cells_memory_mb),
            on_death=self._on_death,
            downloads=SourceDownloads(
                state / "downloads", limit_mb=settings.download_limit_mb, reserve_mb=settings.disk_reserve_mb
            ),
            shelf=_shelf(settings),
        )
        self.uploads = (
            Uploads(state / "uploads", limit_mb=settings.upload_limit_mb, reserve_mb=settings.disk_reserve_mb)
            if settings.uploads
            else None
        )
        for uploaded in self.uploads.sources() if self.uploads else ():
            if uploaded.name in self.catalog.names:
                what = "an uploaded table is not served, because the server was started with one of its name"
                _log.warning(what, dataset=uploaded.name)
            else:
                self.catalog.add(uploaded)
        self.compute = LocalCompute(self.catalog, cost_limits(settings), repair=self.catalog.repair)
        results = ResultFiles(state / "results")  # before the store, whose thread runs from its making on
        shared = self._shared_jobs(settings, settings.host_address or listens_at) if settings.jobs else None
        self._jobs: JobStore = shared or SqliteJobStore(
            state / "jobs.sqlite3", on_broken=on_fatal, watched=(LOCK_NAME,)
        )
        self.host_results = self._host_results(settings, shared, results) if shared else None
        self.engine = create_engine(
            jobs=self._jobs,
            hosts=shared,
            elsewhere=self.host_results,
            can_answer=partial(can_answer, self.catalog, state / "snapshots"),
            results=FreshResults(results),
            compute=self.compute,
            gate=self.catalog,
            clock=time.time,
            threads=settings.threads,
            queue_limit=settings.queue_limit,
            job_time_limit_s=settings.job_time_limit_s,
            keep_ended_s=settings.keep_ended_s,
            keep_ended_jobs=settings.keep_ended_jobs,
            observer=self.metrics,
            on_fatal=on_fatal,
            notes=LastSeenFile(state / "last-seen"),
        )
        self._logged_progress = ("", "", 0)
        self._logged_ready: dict[str, Snapshot] = {}

    def _shared_jobs(self, settings: Settings, address: str) -> PostgresJobStore:
        try:
            from meantime.stores.postgres.store import PostgresJobStore
        except ImportError as error:
            raise PackageMissing(
                "The setting jobs needs the package psycopg. Install it with: pip install 'meantime[postgres]'"
            ) from error
        return PostgresJobStore(
            settings.jobs or "",
            name=host_name(settings.state_dir.resolve()),
            address=address,
            lease_s=settings.lease_s,
            on_broken=self._on_fatal,
            on_death=self._on_death,
        )

    def _host_results(self, settings: Settings, shared: PostgresJobStore, results: ResultFiles) -> PostgresResults:
        from meantime.stores.postgres.host_results import PostgresResults

        if not settings.shelf:
            return PostgresResults(shared, results)
        from meantime.stores.postgres.result_shelf import ResultShelf

        return PostgresResults(shared, results, shelf=ResultShelf(settings.shelf, group=shared.group))

    def start(self) -> None:
        """Take up the jobs of the last run. Files are read after ``load``.

        Raises:
            SettingInvalid: webserver.log cannot be written.
            StoreBroken: the jobs cannot be read.
        """
        with self._stopped_on_error():
            try:
                self.log.start()
            except OSError as error:
                raise SettingInvalid(
                    f"The log cannot be written in the state_dir: {error}. Remove what is there, or set another one."
                ) from error
            if self._descriptor_limit < descriptors.LOW:
                _log.warning(
                    "few files may be open at once; raise the limit (ulimit -n, LimitNOFILE)",
                    limit=self._descriptor_limit,
                    connections=self.max_connections,
                )
            self.catalog.on_change(self._log_change)
            self.engine.start()

    def load(self, *, on_change: Callable[[str, Status], None] | None = None) -> None:
        """Start to read the files; ``on_change`` shows the progress, without it the log has lines of it."""
        with self._stopped_on_error():
            self.catalog.on_change(on_change or self._log_progress)
            self.catalog.start()

    @property
    def max_connections(self) -> int:
        """How many connections a listener may have open, so that enough descriptors are left for everything else."""
        return descriptors.connections_for(self._descriptor_limit)

    def reload(self) -> None:
        """Have every data set read again whose files have changed. The log has the outcome."""
        for name in self.catalog.names:
            self.catalog.reload(name)

    def failed(self) -> dict[str, MeantimeError]:
        """Return why each data set failed whose files are at fault, and that is not just being read again."""
        statuses = self.catalog.statuses()
        return {
            name: status.error
            for name, status in statuses.items()
            if isinstance(status, Failed) and status.is_by_files and status.reloading is None
        }

    @contextmanager
    def _stopped_on_error(self) -> Iterator[None]:
        """Stop what was started, if not all of it could be: its threads would keep the process alive for ever."""
        try:
            yield
        except BaseException:
            self.stop(wait_s=0)
            raise

    def stop(self, *, wait_s: float) -> int:
        """Give back what runs, stop reading, close everything; return how many threads still run.

        With any, the process ends only by os._exit: they compute without checking whether they should stop.
        """
        still_running = self.engine.stop(wait_s=wait_s)
        if self.host_results is not None:
            self.host_results.close()
        self.catalog.close()
        renderer.end_kept()
        _log.info("stopped", unfinished=self.engine.unfinished)
        self.log.close()
        self._lock.release()
        return still_running

    def _log_change(self, name: str, status: Status) -> None:
        match status:
            case _ if _is_being_read(status):
                return
            case Ready(reload_error=MeantimeError() as error):
                what = "reload failed; the previous content is still served"
                _log.error(what, dataset=name, reason=error.operator_reason)
            case Ready(snapshot=snapshot) if self._logged_ready.get(name) is snapshot:
                _log.info("nothing to reload", dataset=name, fingerprint=snapshot.fingerprint)
            case Ready(snapshot=snapshot):
                self._logged_ready[name] = snapshot
                _log.info(
                    "data set ready",
                    dataset=name,
                    rows=snapshot.about.rows,
                    rejected=snapshot.about.rejected_total,
                    synthetic=snapshot.about.synthetic,
                    fingerprint=snapshot.fingerprint,
                )
            case Failed():
                _log.error("data set failed to load", dataset=name, reason=status.operator_reason)
        if not any(isinstance(other, Loading) for other in self.catalog.statuses().values()):
            # Not before every data set is decided: until then the sweep would not know which snapshots are current.
            with contextlib.suppress(StorePaused):  # until the next time
                self.catalog.sweep(self._jobs.fingerprints())

    def _log_progress(self, name: str, status: Status) -> None:
        progress = progress_of(status)
        if progress is None or not _is_being_read(status):
            return
        # A line for each phase and each tenth: enough to see that it goes on, few enough to read.
        step = (name, progress.phase, int(progress.share * 10))
        if step != self._logged_progress:
            self._logged_progress = step
            _log.info("loading", dataset=name, phase=progress.phase, percent=int(progress.share * 100))

    def _on_death(self, role: str, error: BaseException) -> None:
        if role != "log":  # which has said so itself
            _log.error("a thread died", role=role, exc_info=error)
        self._on_fatal(error)


def _is_being_read(status: Status) -> bool:
    """Whether this reports on reading, and not on its outcome. That another reading waits is neither."""
    return isinstance(status, Loading) or progress_of(status) not in (None, WAITING)
