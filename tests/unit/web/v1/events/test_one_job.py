from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from meantime.engine.engine import JobDetail
from meantime.errors import JobUnknown
from meantime.model import JobState
from meantime.web.backend import Backend
from meantime.web.http.replies import Stream
from meantime.web.v1.events import all_jobs, one_job
from tests.support.engine_fakes import HeldTask
from tests.support.http_requests import job_request
from tests.support.v1_calls import (
    FakeEngine,
    RunningBackend,
    detail,
    events,
    headers_of,
    running_backend,
    taken,
    turns_until,
)
from tests.support.waiting import run

QUEUED, RUNNING, DONE = JobState.QUEUED, JobState.RUNNING, JobState.DONE


async def follow_one(backend: Backend, job_id: str = "job_id_1", **headers: str) -> AsyncIterator[bytes]:
    """Follow a job; the first piece, which has no event, is taken."""
    answer = await one_job.follow_job(backend, job_request(job_id=job_id, **headers))
    assert isinstance(answer, Stream)
    assert await taken(answer.pieces) == [b"retry: 2000\n\n"]
    return answer.pieces


async def rest(pieces: AsyncIterator[bytes]) -> list[dict[str, Any]]:
    return events([piece async for piece in pieces])


def kinds(received: list[dict[str, Any]]) -> list[str]:
    return [event["event"] for event in received]


def test_a_job_is_followed_from_how_it_stands_to_its_end() -> None:
    held = HeldTask()

    async def story(api: RunningBackend) -> None:
        pieces = await follow_one(api.backend, "job_id_2")
        [accepted] = events(await taken(pieces))
        assert (accepted["event"], accepted["id"], accepted["data"]["position"]) == ("accepted", "queued", 0)
        held.go_on.set()
        received = await rest(pieces)
        assert [kind for kind in kinds(received) if kind != "progress"] in (["started", "ended"], ["ended"])
        assert (received[-1]["id"], received[-1]["data"]["state"]) == ("done", "done")
        assert received[-1]["data"]["ended_at"] is not None
        assert api.backend.waiters.watched == 0

    with running_backend(tasks={"states_mean": held}, threads=1) as api:
        api.submit()
        held.wait_begun()
        api.submit()
        run(story(api))


def test_a_job_that_has_ended_is_followed_by_one_event_and_the_end() -> None:
    async def story(api: RunningBackend) -> None:
        assert kinds(await rest(await follow_one(api.backend))) == ["ended"]

    with running_backend() as api:
        api.done()
        run(story(api))


def test_a_browser_that_knows_the_end_is_told_not_to_connect_again() -> None:
    with running_backend() as api:
        job_id = api.done()
        reply = api.run(one_job.follow_job, lambda: job_request(job_id=job_id, last_event_id="done"))
    assert (reply.status, reply.body) == (204, b"")


def test_every_event_carries_the_whole_job() -> None:
    async def story(api: RunningBackend) -> None:
        [event] = await rest(await follow_one(api.backend))
        assert event["data"]["links"]["results"] == "/v1/jobs/job_id_1/results"
        assert event["data"]["expires_at"] is not None

    with running_backend() as api:
        api.done()
        run(story(api))


def test_an_answer_of_events_is_neither_kept_nor_gathered() -> None:
    async def story() -> None:
        one = await one_job.follow_job(FakeEngine().backend, job_request(job_id="job_id_1"))
        every = await all_jobs.follow_jobs(FakeEngine().backend, job_request())
        assert (one.job_id, every.job_id) == ("job_id_1", None)
        for answer in (one, every):
            assert answer.content_type == "text/event-stream"
            assert headers_of(answer) == {"cache-control": "no-store", "x-accel-buffering": "no"}

    run(story())


def test_a_job_that_there_is_not_is_not_followed() -> None:
    with running_backend() as api, pytest.raises(JobUnknown):
        api.run(one_job.follow_job, lambda: job_request(job_id="job_id_1"))


def test_a_job_that_is_removed_before_the_first_event_ends_the_stream() -> None:
    async def story() -> None:
        for is_removed_early in (True, False):
            engine = FakeEngine()
            answer = await one_job.follow_job(engine.backend, job_request(job_id="job_id_1"))
            assert isinstance(answer, Stream)
            if not is_removed_early:
                await taken(answer.pieces)
            del engine.standing[1]
            assert [piece async for piece in answer.pieces] == []
            assert (engine.waiters.watched, engine.watchers) == (0, {})

    run(story())


@pytest.mark.parametrize(
    ("known", "standing", "expected"),
    [
        (None, detail(state=QUEUED), "accepted"),
        (None, detail(state=RUNNING), "started"),
        (None, detail(state=RUNNING, progress=0.5), "progress"),
        (None, detail(state=DONE), "ended"),
        ("queued", detail(state=QUEUED), None),
        ("queued", detail(state=RUNNING), "started"),
        ("queued", detail(state=RUNNING, progress=0.5), "started"),
        ("queued", detail(state=JobState.CANCELLED), "ended"),
        ("running.1.50", detail(state=RUNNING, progress=0.509), None),
        ("running.1.50", detail(state=RUNNING, progress=0.25), None),  # what led to it
        ("running.1.50", detail(state=RUNNING, progress=0.51), "progress"),
        ("running.1.50", detail(state=RUNNING, progress=0.1, attempts=2), "started"),
        ("running.1.50", detail(state=QUEUED), "given-back"),
        ("running.1.50", detail(state=JobState.FAILED), "ended"),
        ("done", detail(state=RUNNING), "started"),  # of another server, at the same address
        ("nonsense", detail(state=QUEUED), "accepted"),
        ("running.1.x", detail(state=RUNNING), "started"),
    ],
)
def test_a_client_that_comes_back_is_told_what_it_does_not_know(
    known: str | None, standing: JobDetail, expected: str | None
) -> None:
    async def story() -> None:
        engine = FakeEngine()
        engine.standing[1] = standing
        pieces = await follow_one(engine.backend, **({} if known is None else {"last_event_id": known}))
        if expected is not None:
            [event] = events(await taken(pieces))
            assert event["event"] == expected
        engine.tell(state=DONE)
        assert kinds(await rest(pieces)) == ([] if expected == "ended" else ["ended"])

    run(story())


def test_progress_that_was_not_taken_gives_way_to_newer() -> None:
    async def story() -> None:
        engine = FakeEngine()
        pieces = await follow_one(engine.backend)
        assert kinds(events(await taken(pieces))) == ["accepted"]
        for percent in range(50):
            engine.tell(state=RUNNING, progress=percent / 100)
        assert [event["data"]["progress"] for event in events(await taken(pieces))] == [0.49]
        engine.tell(state=RUNNING, progress=0.6)
        engine.tell(state=DONE, progress=1.0)
        assert [(event["event"], event["id"]) for event in await rest(pieces)] == [
            ("progress", "running.1.60"),
            ("ended", "done"),
        ]

    run(story())


def test_of_very_many_changes_a_slow_client_gets_the_last_ones() -> None:
    async def story() -> None:
        engine = FakeEngine()
        pieces = await follow_one(engine.backend)
        await taken(pieces)
        for attempt in range(500):
            engine.tell(state=RUNNING, attempts=attempt + 1)
            engine.tell(state=QUEUED, attempts=attempt)
        engine.tell(state=DONE, attempts=500)
        for _ in range(100):  # more turns than the telling takes
            await asyncio.sleep(0)
        received = await rest(pieces)
        assert 1 < len(received) < 100
        assert received[-1]["event"] == "ended"

    run(story())


def test_a_silent_stream_is_kept_alive_by_comments(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("meantime.web.v1.events.one_job.HEARTBEAT_S", 0)

    async def story() -> None:
        engine = FakeEngine()
        pieces = await follow_one(engine.backend)
        await taken(pieces)
        assert await taken(pieces, 3) == [b":\n\n"] * 3
        engine.tell()
        assert kinds(await rest(pieces)) == ["ended"]

    run(story())


def test_a_client_that_leaves_is_not_told_any_more() -> None:
    async def story() -> None:
        engine = FakeEngine()
        pieces = await follow_one(engine.backend)
        await taken(pieces)
        waiting = asyncio.ensure_future(anext(pieces))
        await turns_until(lambda: bool(engine.watchers))
        await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        assert (engine.waiters.watched, engine.watchers) == (0, {})

    run(story())


def test_streams_of_one_job_end_when_the_server_stops() -> None:
    async def story() -> None:
        engine = FakeEngine()
        pieces = await follow_one(engine.backend)
        await taken(pieces)
        await asyncio.to_thread(engine.waiters.close)
        assert await rest(pieces) == []
        # Whoever comes now learns how the job stands, and no more.
        assert kinds(await rest(await follow_one(engine.backend))) == ["accepted"]

    run(story())
