from __future__ import annotations

import asyncio
import gzip
import threading
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import msgspec
import pytest

from meantime.engine.ports import EncodedResult
from meantime.errors import (
    DatasetNotReady,
    JobCancelled,
    JobFailed,
    JobUnknown,
    NotAcceptable,
    PathUnknown,
    RangeInvalid,
    RequestInvalid,
    ResultGone,
    ResultNotReady,
)
from meantime.formats import document
from meantime.formats.registry import FORMATS
from meantime.formats.writers import renderer
from meantime.model import JobState, Receipt, Request, Work
from meantime.statistics.registry import STATISTICS
from meantime.stores.memory import MemoryResultStore
from meantime.web.http.replies import ClientGone, Reply, Stream
from meantime.web.v1.jobs import deletion
from meantime.web.v1.results import description
from meantime.web.v1.results import handlers as results
from tests.support.engine_fakes import HeldTask
from tests.support.http_requests import job_request
from tests.support.v1_calls import SUBMISSION, RunningBackend, body_of, headers_of, running_backend, turns_until
from tests.support.v1_jobs import failing_task
from tests.support.waiting import PATIENCE_S


def read(api: RunningBackend, job_id: str, suffix: str | None = None, *, method: str = "GET", **headers: str) -> Reply:
    return api.run(results.get_result, lambda: job_request(method, job_id=job_id, suffix=suffix, **headers))


@pytest.fixture(scope="module", autouse=True)
def quick_pictures() -> Iterator[None]:
    """Draw nothing: a picture is its specification. That a drawing always has the same bytes is in test_images.py."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(renderer, "render", lambda spec, kind, **_: f"{kind} {spec}".encode())
        yield


@pytest.fixture(scope="module")
def done() -> Iterator[RunningBackend]:
    """Two jobs that are done: the first of v1, the second of the classic API."""
    with running_backend() as api:
        api.done()
        api.done(view="classic")
        yield api


# Forms


def test_a_result_is_a_document_that_says_where_it_comes_from(done: RunningBackend) -> None:
    reply = read(done, "job_id_1")
    result = body_of(reply)
    assert (reply.status, reply.content_type, reply.job_id) == (200, "application/json", "job_id_1")
    assert (result["statistic"], result["parameters"]) == (SUBMISSION["statistic"], SUBMISSION["parameters"])
    assert (result["dataset"], result["fingerprint"]) == ("table", "f" * 64)
    assert [row["location"] for row in result["rows"]] == ["Utah", "National", "Ohio"]
    assert set(result["rows"][0]) == {column["name"] for column in result["columns"]}
    assert msgspec.to_builtins(msgspec.convert(result, description.ResultDocument)) == result


def test_the_document_is_the_file_of_the_result_byte_by_byte() -> None:
    kept = MemoryResultStore()
    with running_backend(results=kept) as api:
        reply = read(api, api.done())
        receipt = api.engine.describe(1).record.receipt
        assert receipt is not None
        assert reply.body == kept.open(1, receipt)
        assert receipt.checksum in headers_of(reply)["etag"]


@pytest.mark.parametrize("suffix", FORMATS)
@pytest.mark.parametrize("job_id", ["job_id_1", "job_id_2"], ids=["of v1", "classic"])
def test_every_form_is_had_by_suffix_and_by_accept_of_jobs_of_both_apis(
    done: RunningBackend, suffix: str, job_id: str
) -> None:
    form = FORMATS[suffix]
    by_suffix = read(done, job_id, suffix, accept="image/gif")
    by_accept = read(done, job_id, accept=form.media_type)
    assert by_suffix.body == by_accept.body == b"".join(form.pieces(document.decode(read(done, job_id).body)))
    assert by_suffix.content_type == by_accept.content_type == form.content_type
    if form.is_repeatable:
        assert headers_of(by_suffix)["etag"] == headers_of(by_accept)["etag"]
    assert (headers_of(by_suffix)["vary"], headers_of(by_accept)["vary"]) == (
        "Accept-Encoding",
        "Accept, Accept-Encoding",
    )


def test_a_classic_job_is_answered_with_what_the_same_job_of_v1_is(done: RunningBackend) -> None:
    assert read(done, "job_id_2").body == read(done, "job_id_1").body


def test_a_file_is_named_after_statistic_data_set_and_fingerprint(done: RunningBackend) -> None:
    headers = headers_of(read(done, "job_id_1", "xlsx"))
    assert headers["content-disposition"] == 'inline; filename="states_mean-table-ffffffff.xlsx"'


def test_another_chart_than_the_usual_one_is_named_in_the_query(done: RunningBackend) -> None:
    usual, named = (read(done, "job_id_1", "vl.json", query=query) for query in ("", "chart=means"))
    assert usual.body == named.body
    lit = read(done, "job_id_1", "vl.json", query="chart.highlight=Utah&chart.title=Naps")
    assert b'"value":"Utah"' in lit.body.replace(b'"value": "', b'"value":"')
    assert b"Naps" in lit.body
    with pytest.raises(RequestInvalid, match=r"2 things.*chart.width"):
        read(done, "job_id_1", "csv", query="chart.width=9&chart.scale=x")
    with pytest.raises(RequestInvalid, match=r"no location .Utha"):
        read(done, "job_id_1", "vl.json", query="chart.highlight=Utha")
    with pytest.raises(RequestInvalid, match=r"no chart .*pie"):
        read(done, "job_id_1", "vl.json", query="chart=pie")
    with pytest.raises(RequestInvalid, match="only once"):
        read(done, "job_id_1", "vl.json", query="chart=means&chart=map")


def test_a_form_that_there_is_not_is_refused(done: RunningBackend) -> None:
    with pytest.raises(PathUnknown):
        read(done, "job_id_1", "gif")
    with pytest.raises(NotAcceptable):
        read(done, "job_id_1", accept="image/gif")


# Conditions and parts


@pytest.mark.parametrize("suffix", [None, *(suffix for suffix, form in FORMATS.items() if form.is_repeatable)])
@pytest.mark.parametrize("job_id", ["job_id_1", "job_id_2"], ids=["of v1", "classic"])
def test_a_client_that_has_the_result_is_not_sent_it_again(
    done: RunningBackend, suffix: str | None, job_id: str
) -> None:
    known = headers_of(read(done, job_id, suffix))["etag"]
    reply = read(done, job_id, suffix, if_none_match=known)
    assert (reply.status, reply.body, headers_of(reply)["etag"]) == (304, b"", known)


def test_what_has_other_bytes_each_time_has_another_etag_each_time(done: RunningBackend) -> None:
    known = headers_of(read(done, "job_id_1", "pdf"))["etag"]
    assert read(done, "job_id_1", "pdf", if_none_match=known).status == 200


def test_a_result_may_be_kept_by_its_reader_and_is_asked_after(done: RunningBackend) -> None:
    assert headers_of(read(done, "job_id_1"))["cache-control"] == "private, no-cache"


def test_two_results_have_two_etags(done: RunningBackend) -> None:
    job_id = done.done(statistic="global_mean")
    assert headers_of(read(done, job_id))["etag"] != headers_of(read(done, "job_id_1"))["etag"]


def test_parts_are_of_the_form_that_is_asked_for(done: RunningBackend) -> None:
    whole = read(done, "job_id_1", "csv").body
    reply = read(done, "job_id_1", "csv", range="bytes=3-")
    assert (reply.status, reply.body) == (206, whole[3:])
    with pytest.raises(RangeInvalid) as refused:
        read(done, "job_id_1", "csv", range="bytes=99999999-")
    assert refused.value.size_bytes == len(whole)


def test_a_result_is_packed_for_who_wants_it(done: RunningBackend) -> None:
    reply = read(done, "job_id_1", accept_encoding="gzip")
    assert gzip.decompress(reply.body) == read(done, "job_id_1").body


def test_head_has_the_headers_of_get(done: RunningBackend) -> None:
    for suffix in (None, "csv", "parquet"):
        got, looked = (read(done, "job_id_1", suffix, method=method) for method in ("GET", "HEAD"))
        assert (looked.status, headers_of(looked)) == (200, headers_of(got))


# Long ones


LONG = b'{"long":"' + b"x" * 2_000_000 + b'"}'


class Long:
    """Answers with a document of 2 MB. Nothing here reads it, so it need not be a true one."""

    def compute(self, request: Request, work: Work) -> EncodedResult:  # noqa: ARG002 - the port has them
        return EncodedResult(LONG, 1)


class Noting(MemoryResultStore):
    """Notes in which threads results are read."""

    def __init__(self) -> None:
        super().__init__()
        self.threads: list[int] = []

    def open(self, number: int, receipt: Receipt) -> bytes | None:
        self.threads.append(threading.get_ident())
        return super().open(number, receipt)


@pytest.mark.parametrize("is_long", [True, False])
def test_a_long_result_is_read_in_a_thread_and_sent_in_pieces(is_long: bool) -> None:
    store = Noting()

    async def story(api: RunningBackend) -> None:
        answer = await results.get_result(api.backend, job_request(job_id="job_id_1"))
        assert isinstance(answer, Stream) == is_long
        assert (store.threads == [threading.get_ident()]) == (not is_long)
        if isinstance(answer, Stream):
            pieces = [piece async for piece in answer.pieces]
            assert b"".join(pieces) == LONG
            assert max(map(len, pieces)) < 500_000

    settings: dict[str, Any] = {"compute": Long()} if is_long else {}
    with running_backend(results=store, **settings) as api:
        api.done()
        store.threads.clear()
        asyncio.run(story(api))


# No result


def test_a_job_that_has_not_ended_has_no_result_yet_and_says_when_to_ask_again() -> None:
    held = HeldTask()
    with running_backend(tasks={"states_mean": held}, threads=1) as api:
        running, queued = api.submit(), api.submit()
        held.wait_begun()
        for job_id, state in ((running, "running"), (queued, "queued")):
            with pytest.raises(ResultNotReady, match=f"{job_id} is {state}") as refused:
                read(api, job_id)
            assert refused.value.retry_after_s == 1
        held.go_on.set()


def test_a_failed_job_says_why_it_has_no_result() -> None:
    with running_backend(tasks={"states_mean": failing_task}) as api:
        job_id = api.done()
        for suffix in (None, "csv"):
            with pytest.raises(JobFailed, match=r"job_id_1 failed.*RuntimeError") as failed:
                read(api, job_id, suffix)
            assert failed.value.failure == api.engine.describe(1).record.failure


def test_a_cancelled_job_has_no_result() -> None:
    held = HeldTask()
    with running_backend(tasks={"states_mean": held}) as api:
        job_id = api.submit()
        held.wait_begun()
        api.run(deletion.delete_job, lambda: job_request("DELETE", job_id=job_id))
        with pytest.raises(JobCancelled, match="job_id_1 was cancelled"):
            read(api, job_id)


@pytest.mark.parametrize("job_id", ["job_id_3", "job_id_0", "x"])
def test_there_is_no_result_of_a_job_that_there_is_not(job_id: str) -> None:
    with running_backend() as api, pytest.raises(JobUnknown):
        read(api, job_id)


def test_a_removed_job_takes_its_result_with_it() -> None:
    with running_backend() as api:
        job_id = api.done()
        api.run(deletion.delete_job, lambda: job_request("DELETE", job_id=job_id))
        with pytest.raises(JobUnknown):
            read(api, job_id)


def test_a_lost_result_is_made_again() -> None:
    kept = MemoryResultStore()
    with running_backend(results=kept) as api:
        job_id = api.done()
        before = read(api, job_id)
        kept.remove(1)
        again = read(api, job_id)
    assert (again.body, headers_of(again)) == (before.body, headers_of(before))


def test_a_classic_result_of_an_older_method_is_not_written_anew_with_other_numbers(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with running_backend() as api:
        job_id = api.done(view="classic")
        newer = replace(STATISTICS["states_mean"], method_version=2)
        monkeypatch.setattr("meantime.web.v1.results.handlers.STATISTICS", {"states_mean": newer})
        with pytest.raises(ResultGone, match="/api/get_results/job_id_1"):
            read(api, job_id)


def test_a_classic_result_of_a_statistic_that_there_is_no_more_is_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("meantime.web.v1.results.handlers.STATISTICS", {})
    with running_backend() as api, pytest.raises(ResultGone):
        read(api, api.done(view="classic"))


def test_a_classic_result_whose_snapshot_is_not_there_any_more_is_gone() -> None:
    with running_backend() as api:
        job_id = api.done(view="classic")
        api.tables.failed.add("table")
        with pytest.raises(ResultGone, match="snapshot") as gone:
            read(api, job_id, "csv")
    assert isinstance(gone.value.__cause__, DatasetNotReady)


# Waiting for it


def test_who_waits_gets_the_result_when_it_is_there() -> None:
    held = HeldTask()

    async def story(api: RunningBackend) -> Any:
        call = job_request(job_id="job_id_1", suffix="csv", prefer="wait=30")
        waiting = asyncio.ensure_future(results.get_result(api.backend, call))
        await turns_until(lambda: api.backend.waiters.watched == 1)
        held.go_on.set()
        return await asyncio.wait_for(waiting, PATIENCE_S)

    with running_backend(tasks={"states_mean": held}) as api:
        api.submit()
        reply = asyncio.run(story(api))
    assert (reply.status, headers_of(reply)["preference-applied"]) == (200, "wait=30")
    assert headers_of(reply)["vary"] == "Accept-Encoding, Prefer"


def test_who_waits_for_a_job_that_fails_is_told_that() -> None:
    held = HeldTask()

    def fails_then(request: Request, work: Work) -> bytes:
        held(request, work)
        raise RuntimeError("a bug of ours")

    async def story(api: RunningBackend) -> None:
        call = job_request(job_id="job_id_1", prefer="wait=30")
        waiting = asyncio.ensure_future(results.get_result(api.backend, call))
        await turns_until(lambda: api.backend.waiters.watched == 1)
        held.go_on.set()
        with pytest.raises(JobFailed):
            await asyncio.wait_for(waiting, PATIENCE_S)

    with running_backend(tasks={"states_mean": fails_then}) as api:
        api.submit()
        asyncio.run(story(api))


@pytest.mark.parametrize("leaves", [True, False])
def test_who_leaves_is_waited_for_no_more_and_who_stays_when_the_server_stops_is_told_to_come_again(
    leaves: bool,
) -> None:
    held = HeldTask()

    async def story(api: RunningBackend) -> None:
        call = job_request(job_id="job_id_1", prefer="wait=30")
        waiting = asyncio.ensure_future(results.get_result(api.backend, call))
        await turns_until(lambda: api.backend.waiters.watched == 1)
        if leaves:
            call.left.set()
        else:
            api.backend.waiters.close()
        with pytest.raises(ClientGone if leaves else ResultNotReady):
            await asyncio.wait_for(waiting, PATIENCE_S)

    with running_backend(tasks={"states_mean": held}) as api:
        api.submit()
        asyncio.run(story(api))
        held.go_on.set()
        assert api.engine.wait_drained(PATIENCE_S)
        assert api.engine.describe(1).state is JobState.DONE
