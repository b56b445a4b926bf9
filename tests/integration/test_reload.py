"""Reloading under load: real files, the real reading process, a real store; jobs are submitted all the while."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec

from meantime.compute.local import LocalCompute
from meantime.dataset.catalog import Catalog
from meantime.dataset.load_status import Loading, ReloadOutcome, Status
from meantime.dataset.reading.ingestor import DataIngestor
from meantime.dataset.reading.source import Source
from meantime.engine.wiring import create_engine
from meantime.model import Request
from meantime.stores.result_files import ResultFiles
from meantime.stores.sqlite import SqliteJobStore
from tests.support.waiting import PATIENCE_S, poll

QUESTION = "Cups of tea a day"
ROUNDS = 3
# Each content comes twice, so that one that was replaced becomes current again.
CONTENTS = 2
THREADS = 2


def write(path: Path, mean: int) -> None:
    """Replace an old file by a new one, as a careful writer does."""
    new = path.with_suffix(".new")
    new.write_text(f"Question,LocationDesc,Data_Value\n{QUESTION},Utah,{mean}\n")
    new.replace(path)


def test_jobs_submitted_while_files_are_reloaded_are_answered_from_the_snapshot_that_took_them(tmp_path: Path) -> None:
    path = tmp_path / "tea.csv"
    write(path, 0)
    catalog = Catalog(
        [Source(name="tea", path=str(path))],
        folder=tmp_path / "snapshots",
        ingestor=DataIngestor(memory_mb=512, rejected_limit=0.05),
        on_death=lambda _role, error: failures.append(error),
    )
    failures: list[BaseException] = []
    jobs = SqliteJobStore(tmp_path / "jobs.sqlite3", on_broken=failures.append)
    engine = create_engine(
        jobs=jobs,
        results=ResultFiles(tmp_path / "results"),
        compute=LocalCompute(catalog),
        gate=catalog,
        clock=time.time,
        threads=2,
        queue_limit=100_000,
        job_time_limit_s=60,
        keep_ended_s=3600,
        keep_ended_jobs=1_000_000,
        on_fatal=failures.append,
    )
    means: dict[str | None, float] = {}  # what was written, by the fingerprint that it got

    def sweep(_name: str, status: Status) -> None:
        if not isinstance(status, Loading):
            catalog.sweep(jobs.fingerprints())

    def note(mean: int) -> None:
        assert catalog.reload("tea").result(PATIENCE_S) is ReloadOutcome.REPLACED
        means[catalog.snapshot("tea").fingerprint] = mean

    catalog.on_change(sweep)
    engine.start()
    first = catalog.reload("tea")
    catalog.start()
    assert first.result(PATIENCE_S) is ReloadOutcome.REPLACED
    means[catalog.snapshot("tea").fingerprint] = 0
    accepted: list[int] = []  # appended to by all threads
    are_enough = threading.Event()

    def submit_until_enough(_thread: int) -> None:
        # One after another: a client waits for its acknowledgement. Without a pause they would take all processors.
        while not are_enough.wait(0.01):
            request = Request(dataset="tea", statistic="global_mean", parameters={"question": QUESTION})
            accepted.extend(job.number for job in engine.submit([request]).result(PATIENCE_S))

    def wait_for_a_job_of_this_content() -> None:
        # Those that each thread was about to submit may be of the one before; the next one is of this.
        enough = len(accepted) + THREADS + 1
        poll(lambda: len(accepted), lambda count: count >= enough)

    try:
        with ThreadPoolExecutor(THREADS) as pool:
            submitting = [pool.submit(submit_until_enough, thread) for thread in range(THREADS)]
            try:
                for number in range(1, ROUNDS + 1):
                    write(path, number % CONTENTS)
                    note(number % CONTENTS)
                    wait_for_a_job_of_this_content()
            finally:
                are_enough.set()
            for one in submitting:
                one.result(PATIENCE_S)
        assert engine.wait_drained(PATIENCE_S)
        answered: dict[str | None, set[float]] = {job.request.fingerprint: set() for job in jobs.jobs()}
        for job in jobs.jobs():
            assert job.failure is None
            result = msgspec.json.decode(engine.read_result(job.number).result(PATIENCE_S))
            answered[job.request.fingerprint].add(result["global_mean"])
        assert sorted(job.number for job in jobs.jobs()) == sorted(accepted)
        assert answered == {fingerprint: {means[fingerprint]} for fingerprint in answered}
        assert len(answered) == CONTENTS
    finally:
        engine.stop()
        catalog.close()
    assert not failures
