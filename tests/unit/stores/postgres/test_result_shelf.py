"""What a host has when it stops is on the shelf, for those that lack it; what is damaged there is not believed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import pytest
from structlog.testing import capture_logs

from meantime.engine.ports import EncodedResult
from meantime.model import JobRecord, Receipt
from meantime.stores.memory import MemoryResultStore
from tests.support.engine_fakes import request as job_request
from tests.support.object_storage import Bucket
from tests.support.shelves import AnyShelf, needs_object_storage

if TYPE_CHECKING:
    from meantime.stores.postgres.result_shelf import ResultShelf

pytestmark = needs_object_storage


def opened(address: str, *, group: str = "ours") -> ResultShelf:
    from meantime.stores.postgres.result_shelf import ResultShelf

    return ResultShelf(address, group=group)


class Host:
    """A host with results, and jobs that others know too."""

    def __init__(self, *numbers: int) -> None:
        self.results = MemoryResultStore()
        self.jobs = done(*numbers)
        for job in self.jobs:
            self.results.put(job.number, result_of(job.number))

    def stop(self, address: str, *, group: str = "ours", jobs: Sequence[JobRecord] | None = None) -> None:
        def kept() -> Iterator[JobRecord]:
            return iter(self.jobs if jobs is None else jobs)

        opened(address, group=group).keep(kept, self.results.open)


def result_of(number: int) -> EncodedResult:
    return EncodedResult(f"the result of {number}".encode(), 1)


def accepted(number: int) -> JobRecord:
    [job] = JobRecord.accepted([job_request()], first=number, at_s=1.0, idempotency_key=None, started=0, host=None)
    return job


def done(*numbers: int) -> list[JobRecord]:
    jobs = [accepted(number).start(at_s=2.0, host=1) for number in numbers]
    return [job.finish(result_of(job.number).receipt(), at_s=3.0) for job in jobs]


def receipt(job: JobRecord) -> Receipt:
    assert job.receipt is not None
    return job.receipt


def test_results_of_a_host_that_stopped_are_found_by_another(shelf: AnyShelf) -> None:
    host = Host(*range(1, 41))
    host.stop(shelf.address, jobs=[*host.jobs, accepted(41), *done(42)])  # nobody here has the result of 42
    other = opened(shelf.address)
    assert [other.get(job, receipt(job)) for job in host.jobs] == [result_of(job.number).body for job in host.jobs]
    [lost] = done(42)
    assert other.get(lost, receipt(lost)) is None


def test_what_is_there_is_not_put_again_and_goes_with_its_job(shelf: AnyShelf) -> None:
    host = Host(1, 2)
    host.stop(shelf.address)
    assert len(shelf.names("results/ours/")) == 2
    with capture_logs() as events:
        host.stop(shelf.address)
    assert events == []
    # Another host has removed the first one.
    Host(3).stop(shelf.address, jobs=[host.jobs[1], *done(3)])
    assert [name.rsplit("/", 1)[1].split("-")[0] for name in shelf.names("results/ours/")] == ["2", "3"]


def test_groups_that_share_a_shelf_leave_the_results_of_others_alone(shelf: AnyShelf) -> None:
    host = Host(1)
    host.stop(shelf.address)
    Host().stop(shelf.address, group="theirs")
    assert len(shelf.names("results/ours/")) == 1
    assert opened(shelf.address, group="theirs").get(host.jobs[0], receipt(host.jobs[0])) is None


@pytest.mark.parametrize("body", [b"the result of 2", b"longer than it should be", b""])
def test_a_damaged_result_is_refused_and_put_again_by_whoever_has_it(shelf: AnyShelf, body: bytes) -> None:
    host = Host(1)
    host.stop(shelf.address)
    [name], [job] = shelf.names("results/"), host.jobs
    shelf.write(name, body)
    with capture_logs() as events:
        assert opened(shelf.address).get(job, receipt(job)) is None
    assert [event["event"] for event in events] == ["a result on the shelf is damaged, and removed there"]
    host.stop(shelf.address)
    assert opened(shelf.address).get(job, receipt(job)) == result_of(1).body


def test_a_storage_that_is_away_is_logged_and_keeps_nobody(bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    host = Host(1)
    with capture_logs() as events:
        host.stop(bucket.address("shelf"))
        assert opened(bucket.address("shelf")).get(host.jobs[0], receipt(host.jobs[0])) is None
    assert [event["event"] for event in events] == [
        "not all results could be put on the shelf",
        "a result could not be taken from the shelf",
    ]
    assert all("cannot be reached" in event["reason"] for event in events)


def test_a_storage_that_says_nothing_keeps_nobody_longer_than_the_bound(
    bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    import socket

    from meantime.stores.postgres import result_shelf

    monkeypatch.setattr(result_shelf, "_KEEP_WITHIN_S", 0.01)
    with socket.create_server(("127.0.0.1", 0)) as silent, capture_logs() as events:
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{silent.getsockname()[1]}")
        Host(1).stop(bucket.address("shelf"))
    assert [event["reason"] for event in events] == ["It took longer than 0.01 s."]
