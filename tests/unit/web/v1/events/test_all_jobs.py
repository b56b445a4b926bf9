from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from meantime.engine.engine import JobDetail
from meantime.errors import RequestInvalid
from meantime.model import JobState
from meantime.web.backend import Backend
from meantime.web.event_log import REMEMBERED_EVENTS
from meantime.web.http.replies import Reply
from meantime.web.v1.events import all_jobs, one_job
from meantime.web.v1.jobs.deletion import delete_job
from meantime.web.v1.jobs.resource import job_resource
from tests.support.engine_fakes import HeldTask
from tests.support.http_requests import job_request
from tests.support.v1_calls import (
    FakeEngine,
    RunningBackend,
    events,
    running_backend,
    taken,
)
from tests.support.waiting import run

QUEUED, RUNNING, DONE = JobState.QUEUED, JobState.RUNNING, JobState.DONE


async def follow_all(backend: Backend, query: str = "", **headers: str) -> AsyncIterator[bytes]:
    """Follow all jobs; the first piece, which has no event, is taken."""
    answer = await all_jobs.follow_jobs(backend, job_request(query=query, **headers))
    [first] = await taken(answer.pieces)
    assert first.startswith(b"retry: 2000\n")
    return answer.pieces


async def next_events(pieces: AsyncIterator[bytes]) -> list[tuple[str, str]]:
    """What is in the next piece: kind and id of job."""
    return [(event["event"], event["data"]["id"]) for event in events(await taken(pieces))]


async def rest(pieces: AsyncIterator[bytes]) -> list[dict[str, Any]]:
    return events([piece async for piece in pieces])


def kinds(received: list[dict[str, Any]]) -> list[str]:
    return [event["event"] for event in received]


def test_all_that_happens_from_now_on_is_told_as_it_happens() -> None:
    held = HeldTask()

    async def story(api: RunningBackend) -> None:
        pieces = await follow_all(api.backend)
        api.submit(label="mine")
        held.wait_begun()
        received: list[dict[str, Any]] = []
        while "started" not in kinds(received):
            received += events(await taken(pieces))
        held.go_on.set()
        while "ended" not in kinds(received):
            received += events(await taken(pieces))
        await delete_job(api.backend, job_request("DELETE", job_id="job_id_2"))
        received += events(await taken(pieces))
        assert [kind for kind in kinds(received) if kind != "progress"] == ["accepted", "started", "ended", "removed"]
        assert {event["data"]["id"] for event in received} == {"job_id_2"}
        assert {event["data"]["label"] for event in received} == {"mine"}

    with running_backend(tasks={"states_mean": held}) as api:
        api.done(statistic="global_mean")  # of which nobody hears
        run(story(api))


def test_only_what_is_wanted_is_told() -> None:
    async def story() -> None:
        engine = FakeEngine()
        pieces = await follow_all(engine.backend, "state=done&state=failed&label=mine&statistic=echo&dataset=toys")
        engine.happen(number=1, label="mine", state=QUEUED)
        engine.happen("ended", number=2, label="mine", state=JobState.CANCELLED)
        engine.happen("ended", number=3, label="theirs", state=DONE)
        engine.happen("ended", number=4, label="mine", state=DONE, statistic="other")
        engine.happen("ended", number=5, label="mine", state=DONE)
        engine.happen("ended", number=6, label="mine", state=JobState.FAILED)
        assert await next_events(pieces) == [("ended", "job_id_5"), ("ended", "job_id_6")]
        assert [label async for label in _labels(engine, "dataset=elsewhere")] == []

    run(story())


async def _labels(engine: FakeEngine, query: str) -> AsyncIterator[str]:
    pieces = await follow_all(engine.backend, query)
    engine.happen()
    engine.waiters.close()
    for event in await rest(pieces):
        yield event["data"]["label"]


@pytest.mark.parametrize("query", ["state=ended", "limit=1", "created_after=2026-11-24T09:30:00Z", "label=a&label=b"])
def test_what_cannot_be_asked_of_events_is_refused(query: str) -> None:
    async def story() -> None:
        with pytest.raises(RequestInvalid):
            await all_jobs.follow_jobs(FakeEngine().backend, job_request(query=query))

    run(story())


def test_a_client_that_was_cut_off_goes_on_where_it_was() -> None:
    async def story() -> None:
        engine = FakeEngine()
        pieces = await follow_all(engine.backend)
        engine.happen(number=1)
        engine.happen(number=2)
        [first, _] = events(await taken(pieces))
        engine.happen(number=3)
        pieces = await follow_all(engine.backend, last_event_id=first["id"])
        assert await next_events(pieces) == [("accepted", "job_id_2"), ("accepted", "job_id_3")]

    run(story())


def test_a_client_that_was_cut_off_before_the_first_event_misses_none() -> None:
    async def story() -> None:
        engine = FakeEngine()
        answer = await all_jobs.follow_jobs(engine.backend, job_request())
        [first] = await taken(answer.pieces)
        [position] = [line[4:] for line in first.decode().splitlines() if line.startswith("id: ")]
        engine.happen(number=7)
        assert await next_events(await follow_all(engine.backend, last_event_id=position)) == [("accepted", "job_id_7")]

    run(story())


@pytest.mark.parametrize(
    "known", ["0badc0de-0", "-1", "", "done", "x" * 10_000, "{name}-5", "{name}-99999999999999999999"]
)
def test_a_client_that_comes_from_elsewhere_is_told_to_list_again_and_then_goes_on(known: str) -> None:
    async def story() -> None:
        engine = FakeEngine()
        log = engine.waiters.events(engine.engine)
        engine.happen(number=1)
        pieces = await follow_all(engine.backend, last_event_id=known.format(name=log.name))
        [reset] = events(await taken(pieces))
        assert (reset["event"], reset["id"]) == ("reset", f"{log.name}-1")
        engine.happen(number=2)
        assert await next_events(pieces) == [("accepted", "job_id_2")]

    run(story())


def test_a_client_that_is_too_far_behind_is_told_to_list_again() -> None:
    async def story() -> None:
        engine = FakeEngine()
        pieces = await follow_all(engine.backend)
        for _ in range(REMEMBERED_EVENTS + 1):
            engine.happen()
        [reset] = events(await taken(pieces))
        assert reset["event"] == "reset"
        engine.happen(number=2)
        assert await next_events(pieces) == [("accepted", "job_id_2")]

    run(story())


def test_progress_behind_which_something_newer_of_the_job_comes_is_passed_over() -> None:
    async def story() -> None:
        engine = FakeEngine()
        pieces = await follow_all(engine.backend)
        for percent in range(10):
            engine.happen("progress", number=1, state=RUNNING, progress=percent / 100)
            engine.happen("progress", number=2, state=RUNNING, progress=percent / 100)
        engine.happen("ended", number=2, state=DONE)
        received = events(await taken(pieces))
        assert [(event["event"], event["data"]["id"], event["data"]["progress"]) for event in received] == [
            ("progress", "job_id_1", 0.09),
            ("ended", "job_id_2", 0.0),
        ]

    run(story())


def test_many_events_come_in_pieces_of_bounded_length_and_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("meantime.web.event_log._EVENTS_MOST", 3)
    monkeypatch.setattr("meantime.web.event_log._EVENTS_LEAST", 1)

    async def story() -> None:
        engine = FakeEngine()
        pieces = await follow_all(engine.backend)
        for number in range(1, 9):
            engine.happen(number=number)
        received = [await next_events(pieces) for _ in range(3)]
        assert [len(each) for each in received] == [3, 3, 2]
        assert [job_id for each in received for _, job_id in each] == [f"job_id_{number}" for number in range(1, 9)]

    run(story())


def test_an_event_is_written_once_however_many_hear_it(monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[int] = []

    def counted(detail: JobDetail, **more: Any) -> Any:
        written.append(detail.record.number)
        return job_resource(detail, **more)

    monkeypatch.setattr("meantime.web.v1.events.stream.job_resource", counted)

    async def story() -> None:
        engine = FakeEngine()
        clients = [await follow_all(engine.backend) for _ in range(10)]
        engine.happen()
        for pieces in clients:
            assert await next_events(pieces) == [("accepted", "job_id_1")]

    run(story())
    assert written == [1]


def test_a_silent_stream_says_where_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("meantime.web.v1.events.all_jobs.HEARTBEAT_S", 0)

    async def story() -> None:
        engine = FakeEngine()
        log = engine.waiters.events(engine.engine)
        pieces = await follow_all(engine.backend, "label=mine")
        assert await taken(pieces) == [f":\nid: {log.name}-0\n\n".encode()]
        engine.happen(label="theirs")
        assert await taken(pieces) == [f":\nid: {log.name}-1\n\n".encode()]

    run(story())


def test_streams_of_all_jobs_end_when_the_server_stops() -> None:
    async def story() -> None:
        engine = FakeEngine()
        pieces = await follow_all(engine.backend)
        waiting = asyncio.ensure_future(rest(pieces))
        await asyncio.sleep(0)
        await asyncio.to_thread(engine.waiters.close)
        assert await waiting == []
        assert await rest(await follow_all(engine.backend)) == []

    run(story())


def test_a_head_is_answered_without_a_look_at_what_happens() -> None:
    async def story() -> None:
        engine = FakeEngine()
        for answer in (
            await one_job.follow_job(engine.backend, job_request("HEAD", job_id="job_id_1")),
            await all_jobs.follow_jobs(engine.backend, job_request("HEAD")),
        ):
            assert not isinstance(answer, Reply)
            await answer.pieces.aclose()  # type: ignore[attr-defined]  # unread, as the server does
        assert engine.watches == 0

    run(story())
