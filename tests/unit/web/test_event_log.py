"""Clients that follow all jobs are woken in rounds: what they cost does not grow with the number of events."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import ExitStack
from typing import Any

import pytest

from meantime.engine.engine import Event
from meantime.web import event_log
from meantime.web.event_log import EventLog
from meantime.web.v1.events import all_jobs
from tests.support.http_requests import job_request
from tests.support.v1_calls import FakeEngine, detail, events, taken
from tests.support.waiting import run


async def follow(engine: FakeEngine, query: str = "") -> Any:
    """Follow all jobs; the first piece, which has no event, is taken."""
    answer = await all_jobs.follow_jobs(engine.backend, job_request(query=query))
    await taken(answer.pieces)
    return answer.pieces


async def next_piece(pieces: Any) -> bytes:
    piece: bytes = await anext(pieces)
    return piece


async def all_wait(tasks: Sequence[asyncio.Future[bytes]]) -> None:
    """Let every client come to where it waits for the next round."""
    for _ in range(5):
        await asyncio.sleep(0)
    assert not any(task.done() for task in tasks)


def test_many_events_are_one_piece_for_each_client_and_made_once_for_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event_log, "_PACE_S", 0)

    async def story() -> None:
        engine = FakeEngine()
        clients = [await follow(engine) for _ in range(30)] + [await follow(engine, "label=mine")]
        waiting = [asyncio.ensure_future(next_piece(each)) for each in clients]
        await all_wait(waiting)
        for number in range(1, 51):
            engine.happen(number=number)
        engine.happen(number=51, label="mine")
        first, *others, filtered = await asyncio.gather(*waiting)
        assert len(events([first])) == 51
        assert all(each is first for each in others)
        assert [event["data"]["id"] for event in events([filtered])] == ["job_id_51"]

    run(story())


@pytest.mark.parametrize(("clients", "most"), [(1, 250), (8, 250), (20, 100), (40, 50), (400, 50)])
def test_the_more_clients_follow_the_fewer_events_each_gets_in_a_round(clients: int, most: int) -> None:
    log = EventLog(wake_loop=lambda: None)
    with ExitStack() as following:
        for _ in range(clients):
            following.enter_context(log.client())
        assert log.events_per_round == most


def test_the_event_loop_is_woken_once_for_all_events_before_a_round() -> None:
    async def story() -> None:
        calls: list[None] = []
        log = EventLog(wake_loop=lambda: calls.append(None))
        waiting = asyncio.ensure_future(log.wait_for(0, within_s=60))
        await asyncio.sleep(0)
        for _ in range(100):
            log.add(Event("accepted", detail(1)))
        assert len(calls) == 1
        log.wake()
        assert await waiting
        log.add(Event("accepted", detail(1)))  # nobody waits
        assert len(calls) == 1

    run(story())


@pytest.mark.parametrize(("clients", "pause_s"), [(1, 100), (120, 240)])
def test_after_a_round_the_next_one_waits_longer_the_more_clients_there_are(
    monkeypatch: pytest.MonkeyPatch, clients: int, pause_s: float
) -> None:
    monkeypatch.setattr(event_log, "_PACE_S", 100)
    monkeypatch.setattr(event_log, "_PACE_PER_CLIENT_S", 2)

    async def story() -> None:
        engine = FakeEngine()
        log = engine.waiters.events(engine.engine)
        streams = [await follow(engine) for _ in range(clients)]
        waiting = [asyncio.ensure_future(next_piece(each)) for each in streams]
        await all_wait(waiting)
        before_s = asyncio.get_running_loop().time()
        engine.happen()
        await asyncio.gather(*waiting)  # the first round begins at once
        after_s = asyncio.get_running_loop().time()
        again = [asyncio.ensure_future(next_piece(each)) for each in streams]
        engine.happen()
        await all_wait(again)
        assert isinstance(log._round, asyncio.TimerHandle)
        assert before_s + pause_s <= log._round.when() <= after_s + pause_s
        engine.waiters.close()
        assert set(await asyncio.gather(*again, return_exceptions=True)) != {None}  # the last round does not wait

    run(story())


def test_others_get_their_turn_while_many_clients_are_woken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event_log, "_WOKEN_PER_TURN", 3)

    async def story() -> None:
        log = EventLog(wake_loop=lambda: None)
        waiting = [asyncio.ensure_future(log.wait_for(0, within_s=60)) for _ in range(10)]
        await asyncio.sleep(0)
        log.add(Event("accepted", detail(1)))
        log.wake()
        seen = []
        while not all(each.done() for each in waiting):
            seen.append(len(log._woken))
            await asyncio.sleep(0)
        assert {7, 4, 1} <= set(seen)

    run(story())


def test_who_comes_back_during_a_round_is_woken_in_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event_log, "_WOKEN_PER_TURN", 1)
    monkeypatch.setattr(event_log, "_PACE_S", 0)

    async def story() -> None:
        log = EventLog(wake_loop=lambda: None)
        first, second = (asyncio.ensure_future(log.wait_for(0, within_s=60)) for _ in range(2))
        await asyncio.sleep(0)
        log.add(Event("accepted", detail(1)))
        log.wake()
        assert await first
        log.add(Event("accepted", detail(1)))
        assert await log.wait_for(1, within_s=60)
        assert await second

    run(story())
