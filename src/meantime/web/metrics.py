"""What the server counts, in Prometheus' text format. Its own registry: nothing global, so two servers never mix."""

from __future__ import annotations

import platform
from collections.abc import Iterator
from importlib import metadata

import structlog
from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily, InfoMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.registry import Collector

from meantime.dataset.catalog import Catalog
from meantime.dataset.load_status import Failed, Loading, Ready
from meantime.dataset.summary import count
from meantime.engine.engine import Engine
from meantime.model import JobRecord, JobState
from meantime.text import visible
from meantime.web.http.replies import Reply

_log = structlog.get_logger("meantime.jobs")

# From the time of a status request to the patience of a client; submitting a durable job takes 1 to 10 ms.
_REQUEST_BUCKETS_S = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10)
# A job on a small table takes about 0.1 ms; the default time limit is 600 s. A job may wait while a large file is read.
_JOB_BUCKETS_S = (0.0001, 0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10, 60, 300, 600)


class Metrics:
    """Counts requests and jobs, and reads the state of the engine and the catalog when metrics are requested.

    It observes the engine, so it is created first; ``watch`` adds the engine and the catalog afterwards.
    """

    def __init__(self) -> None:
        self._registry = CollectorRegistry(auto_describe=False)
        self._requests = Counter(
            "meantime_http_requests", "Requests answered", ("route", "method", "status"), registry=self._registry
        )
        self._latency = Histogram(
            "meantime_http_request_seconds",
            "Time from a request's headers to its answer",
            ("route", "method"),
            buckets=_REQUEST_BUCKETS_S,
            registry=self._registry,
        )
        self._wait = Histogram(
            "meantime_job_wait_seconds",
            "Time from the acceptance of a job to the start of work on it",
            buckets=_JOB_BUCKETS_S,
            registry=self._registry,
        )
        self._run = Histogram(
            "meantime_job_run_seconds",
            "Time of work on a job that ended",
            ("state",),
            buckets=_JOB_BUCKETS_S,
            registry=self._registry,
        )
        self._job_errors = Counter(
            "meantime_job_trouble", "Errors around jobs; the log has the details", ("error",), registry=self._registry
        )
        # Looking up a labeled child takes a lock and a check each time; a plain dict is ten times cheaper. There are
        # few keys: routes, methods and statuses.
        self._answered: dict[tuple[str, str, int], Counter] = {}
        self._timed: dict[tuple[str, str], Histogram] = {}

    def watch(self, engine: Engine, catalog: Catalog) -> None:
        """Include the current state of these whenever metrics are read."""
        self._registry.register(_CurrentState(engine, catalog))

    def request_answered(self, route: str, method: str, status: int, seconds: float) -> None:
        """Count a request. ``route`` is a template, never a path: the number of paths has no limit."""
        counter = self._answered.get((route, method, status))
        if counter is None:
            counter = self._answered[route, method, status] = self._requests.labels(route, method, str(status))
        counter.inc()
        histogram = self._timed.get((route, method))
        if histogram is None:
            histogram = self._timed[route, method] = self._latency.labels(route, method)
        histogram.observe(seconds)

    def job_started(self, wait_s: float) -> None:
        """Count how long a job waited."""
        self._wait.observe(wait_s)

    def job_ended(self, state: JobState, run_s: float) -> None:
        """Count how long a job was worked on, by how it ended."""
        self._run.labels(str(state)).observe(run_s)

    def job_trouble(self, job: JobRecord, error: BaseException) -> None:
        """Count an error around a job, and log its details."""
        self._job_errors.labels(type(error).__name__).inc()
        _log.error(
            "trouble with a job",
            job_id=job.id,
            statistic=job.request.statistic,
            attempts=job.attempts,
            exc_info=error,
        )

    def clock_jumped(self, ahead_s: float) -> None:
        """Log that no job is removed for its age for a while."""
        _log.warning(
            "the clock is ahead of where it should be; expired jobs are kept for another day. Is it right?",
            ahead_hours=round(ahead_s / 3600, 1),
        )

    def read(self) -> Reply:
        """Return everything as text."""
        return Reply(200, generate_latest(self._registry), content_type=CONTENT_TYPE_LATEST)


class _CurrentState(Collector):
    """The state at the time of reading; nothing is counted here."""

    def __init__(self, engine: Engine, catalog: Catalog) -> None:
        self._engine = engine
        self._catalog = catalog

    def describe(self) -> Iterator[Metric]:
        return iter(())  # otherwise the registry would read everything at registration

    def collect(self) -> Iterator[Metric]:
        yield InfoMetricFamily(
            "meantime_build",
            "Versions of Meantime and Python",
            value={"version": metadata.version("meantime"), "python": platform.python_version()},
        )
        yield from self._jobs()
        yield from self._datasets()

    def _jobs(self) -> Iterator[Metric]:
        stats = self._engine.stats()
        jobs = GaugeMetricFamily("meantime_jobs", "Jobs kept, by state", labels=["state"])
        for state in JobState:
            jobs.add_metric([str(state)], stats.jobs.get(state, 0))
        yield jobs
        yield GaugeMetricFamily("meantime_queue_depth", "Jobs that are waiting for a thread", stats.queue_depth)
        yield GaugeMetricFamily("meantime_threads_working", "Threads that are working on a job", stats.working)
        yield GaugeMetricFamily("meantime_threads", "Threads for jobs", stats.threads)
        yield GaugeMetricFamily(
            "meantime_removal_held",
            "1 while no job is removed for its age, because the clock has jumped ahead",
            int(self._engine.removal_held_s > 0),
        )
        yield GaugeMetricFamily("meantime_accepting", "1 while new jobs are accepted", int(self._engine.is_accepting))

    def _datasets(self) -> Iterator[Metric]:
        state = GaugeMetricFamily(
            "meantime_dataset_state", "1 for the state that a data set is in", labels=["dataset", "state"]
        )
        progress = GaugeMetricFamily("meantime_dataset_progress", "Share of the loading done", labels=["dataset"])
        gauges = {
            name: GaugeMetricFamily(f"meantime_dataset_{name}", text, labels=["dataset"])
            for name, text in (
                ("rows", "Rows in the snapshot"),
                ("cells", "Cells that the rows are aggregated to"),
                ("questions", "Questions"),
                ("locations", "Locations"),
                ("withheld_rows", "Rows with a suppressed or missing value"),
                ("rejected_lines", "Lines that could not be read as a row"),
                ("reload_failed", "1 if the last reload failed, so that older data is served"),
            )
        }
        for known, status in self._catalog.statuses().items():
            name = visible(known)
            for word, kind in (("loading", Loading), ("ready", Ready), ("failed", Failed)):
                state.add_metric([name, word], int(isinstance(status, kind)))
            if isinstance(status, Loading):
                progress.add_metric([name], status.progress.share)
            elif isinstance(status, Ready):
                progress.add_metric([name], 1)
                totals = count(status.snapshot)
                gauges["rows"].add_metric([name], totals.rows)
                gauges["cells"].add_metric([name], totals.cells)
                gauges["questions"].add_metric([name], totals.question_count)
                gauges["locations"].add_metric([name], totals.location_count)
                gauges["withheld_rows"].add_metric([name], totals.withheld)
                gauges["rejected_lines"].add_metric([name], totals.rejected)
                gauges["reload_failed"].add_metric([name], int(status.reload_error is not None))
        yield state
        yield progress
        yield from gauges.values()
