"""Over HTTP, a job that several remove at the same time is announced as removed once."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import httpx
import pytest

from meantime.model import JobRecord
from tests.support.engine_fakes import ControlledJobStore
from tests.support.waiting import PATIENCE_S
from tests.support.web_app import OBESITY
from tests.support.wire import on_a_wire

SUBMISSION = {"statistic": "states_mean", "parameters": {"question": OBESITY}}
# In which order those who remove hear that their removals are committed.
either_order = pytest.mark.parametrize("is_last_first", [False, True], ids=["in order", "last first"])


class CommittingStore(ControlledJobStore):
    """A store that commits the removals it holds as soon as the next client has looked at a job."""

    def get(self, number: int) -> JobRecord | None:
        job = super().get(number)
        for held in self.held:
            held.commit()
        return job


class Removal(NamedTuple):
    """A server whose store holds removals back, and somebody who follows all jobs."""

    jobs: ControlledJobStore
    client: httpx.Client
    events: Iterator[str]

    def wait_held(self) -> None:
        assert self.jobs.holding.acquire(timeout=PATIENCE_S), "no removal reached the store in time"

    def release(self, *, is_last_first: bool) -> None:
        self.jobs.holds_on = lambda *_: False
        for release in reversed(self.jobs.held) if is_last_first else self.jobs.held:
            release()

    def run_job(self) -> None:
        ran = self.client.post("/v1/jobs", json=SUBMISSION, headers={"prefer": f"wait={PATIENCE_S:.0f}"})
        assert ran.status_code == 200, ran.text

    def events_until(self, kind: str, job_id: str) -> list[tuple[str, str]]:
        """Read on until this has happened to this job, and return what has happened to which job until then."""
        seen: list[tuple[str, str]] = []
        while (kind, job_id) not in seen:
            seen.append((self._next("event: "), json.loads(self._next("data: "))["id"]))
        return seen

    def _next(self, prefix: str) -> str:
        # The client's timeout is the bound: it raises when nothing comes.
        return next(line for line in self.events if line.startswith(prefix)).removeprefix(prefix)


@contextmanager
def one_job_done(tmp_path: Path, jobs: ControlledJobStore) -> Iterator[Removal]:
    """Serve a job that is done. One ended job is kept."""
    with (
        on_a_wire(tmp_path, jobs=jobs, keep_ended_jobs=1) as wire,
        httpx.Client(base_url=f"http://127.0.0.1:{wire.port}", timeout=PATIENCE_S) as client,
    ):
        removal = Removal(jobs, client, iter(()))
        removal.run_job()
        with client.stream("GET", "/v1/jobs/events") as stream:
            jobs.holds_on = lambda kind, _: kind == "remove"
            yield removal._replace(events=stream.iter_lines())


@either_order
def test_a_job_that_a_client_and_retention_remove_at_once_is_announced_once(
    tmp_path: Path, is_last_first: bool
) -> None:
    with one_job_done(tmp_path, ControlledJobStore()) as removal, ThreadPoolExecutor() as clients:
        deletion = clients.submit(removal.client.delete, "/v1/jobs/job_id_1")
        removal.wait_held()
        removal.jobs.held[0].commit()
        removal.run_job()  # so that one too many are kept
        removal.wait_held()
        removal.release(is_last_first=is_last_first)
        assert deletion.result(PATIENCE_S).json()["outcome"] == "removed"
        assert removal.client.get("/v1/jobs/job_id_1").status_code == 404
        removal.run_job()
        # Retention removes the second job after it is through with the first.
        assert removal.events_until("removed", "job_id_2").count(("removed", "job_id_1")) == 1


@either_order
def test_a_job_that_two_clients_delete_at_once_is_announced_once(tmp_path: Path, is_last_first: bool) -> None:
    with one_job_done(tmp_path, CommittingStore()) as removal, ThreadPoolExecutor() as clients:
        deletions = []
        for _ in range(2):
            deletions.append(clients.submit(removal.client.delete, "/v1/jobs/job_id_1"))
            removal.wait_held()
        removal.release(is_last_first=is_last_first)
        assert [deletion.result(PATIENCE_S).json()["outcome"] for deletion in deletions] == ["removed", "removed"]
        removal.run_job()
        assert removal.events_until("ended", "job_id_2").count(("removed", "job_id_1")) == 1
