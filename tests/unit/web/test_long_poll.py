from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meantime.engine.engine import Engine, Event, JobDetail
from meantime.errors import JobUnknown
from meantime.model import JobState
from meantime.web.event_log import EventLog
from meantime.web.http.replies import ClientGone
from meantime.web.long_poll import JobWaiters
from tests.support import engine_fakes
from tests.support.engine_fakes import FakeCompute, HeldTask
from tests.support.v1_calls import FakeEngine, JobWatcher, detail, turns_until
from tests.support.waiting import PATIENCE_S, join, run


async def stays() -> None:
    """A client that does not leave."""
    await asyncio.get_running_loop().create_future()


def waits(
    waiters: JobWaiters, fake: FakeEngine, number: int = 1, *, disconnected: Callable[[], Awaitable[None]] = stays
) -> asyncio.Task[JobDetail]:
    return asyncio.ensure_future(waiters.wait_for_end(fake.engine, number, within_s=60, disconnected=disconnected))


async def all_wait(waiters: JobWaiters, fake: FakeEngine, jobs: int) -> None:
    await turns_until(lambda: waiters.watched == jobs)
    assert fake.watches == jobs


async def nothing_is_left(waiters: JobWaiters, fake: FakeEngine) -> None:
    await turns_until(lambda: asyncio.all_tasks() == {asyncio.current_task()})
    assert (waiters.watched, fake.watchers) == (0, {})


# For the end of a job


def test_who_waits_is_answered_at_the_end_and_not_before() -> None:
    async def story() -> None:
        waiters, fake = JobWaiters(), FakeEngine()
        waiting = waits(waiters, fake)
        await all_wait(waiters, fake, 1)
        for share in (0.0, 0.5):
            fake.tell(state=JobState.RUNNING, progress=share)
        await asyncio.sleep(0)
        assert not waiting.done()
        fake.tell()
        assert (await waiting).state is JobState.DONE
        await nothing_is_left(waiters, fake)

    run(story())


@pytest.mark.parametrize("state", [JobState.DONE, JobState.FAILED, JobState.CANCELLED])
def test_nobody_waits_for_a_job_that_has_ended(state: JobState) -> None:
    async def story() -> None:
        waiters, fake = JobWaiters(), FakeEngine()
        fake.tell(state=state)
        assert (await waits(waiters, fake)).state is state
        assert fake.watches == 0

    run(story())


def test_who_waits_a_moment_waits_for_the_end_and_no_longer_than_the_moment() -> None:
    async def story() -> None:
        waiters, fake = JobWaiters(), FakeEngine()
        waiting = asyncio.ensure_future(waiters.wait_a_moment(fake.engine, 1, within_s=60))
        await all_wait(waiters, fake, 1)
        fake.tell(state=JobState.RUNNING)
        await asyncio.sleep(0)
        assert not waiting.done()
        fake.tell()
        await waiting
        await nothing_is_left(waiters, fake)
        fake.tell(state=JobState.RUNNING)
        await asyncio.wait_for(waiters.wait_a_moment(fake.engine, 1, within_s=0), PATIENCE_S)
        await nothing_is_left(waiters, fake)
        waiters.close()
        await asyncio.wait_for(waiters.wait_a_moment(fake.engine, 1, within_s=60), PATIENCE_S)
        await nothing_is_left(waiters, fake)

    run(story())


def test_who_grants_no_time_is_answered_at_once() -> None:
    async def story() -> None:
        waiters, fake = JobWaiters(), FakeEngine()
        assert (await waiters.wait_for_end(fake.engine, 1, within_s=0, disconnected=stays)).state is JobState.QUEUED
        assert fake.watches == 0

    run(story())


def test_after_the_wait_a_client_gets_the_current_state_of_the_job() -> None:
    async def story() -> None:
        waiters, fake = JobWaiters(), FakeEngine()
        waiting = asyncio.ensure_future(waiters.wait_for_end(fake.engine, 1, within_s=1e-9, disconnected=stays))
        await asyncio.sleep(0)
        fake.tell(state=JobState.RUNNING, progress=0.5)
        assert (await waiting).progress == 0.5
        await nothing_is_left(waiters, fake)

    run(story())


def test_there_is_no_waiting_for_a_job_that_there_is_not() -> None:
    async def story() -> None:
        waiters, fake = JobWaiters(), FakeEngine()
        with pytest.raises(JobUnknown):
            await waits(waiters, fake, 7)
        await nothing_is_left(waiters, fake)

    run(story())


def test_a_job_that_is_removed_before_it_can_be_watched_leaves_nothing_behind() -> None:
    class Fleeting(FakeEngine):
        def describe(self, number: int) -> JobDetail:
            described = super().describe(number)
            del self.standing[number]
            return described

    async def story() -> None:
        waiters, fake = JobWaiters(), Fleeting()
        with pytest.raises(JobUnknown):
            await waits(waiters, fake)
        await nothing_is_left(waiters, fake)

    run(story())


def test_a_job_that_ends_before_it_can_be_watched_is_not_missed() -> None:
    class Quick(FakeEngine):
        def watch(self, number: int, callback: JobWatcher) -> Callable[[], None]:
            self.tell(number)
            return super().watch(number, callback)

    async def story() -> None:
        waiters, fake = JobWaiters(), Quick()
        assert (await waits(waiters, fake)).state is JobState.DONE
        await nothing_is_left(waiters, fake)

    run(story())


def test_ten_clients_that_wait_for_one_job_watch_it_once_and_get_the_same_answer() -> None:
    async def story() -> None:
        waiters, fake = JobWaiters(), FakeEngine()
        clients = [waits(waiters, fake) for _ in range(10)]
        await all_wait(waiters, fake, 1)
        fake.tell()
        assert {id(answer) for answer in await asyncio.gather(*clients)} == {id(fake.standing[1])}
        await nothing_is_left(waiters, fake)

    run(story())


@pytest.mark.parametrize("jobs", [1, 2000], ids=["one job", "as many jobs"])
def test_thousands_may_wait(jobs: int) -> None:
    async def story() -> None:
        waiters, fake = JobWaiters(), FakeEngine(jobs)
        clients = [waits(waiters, fake, 1 + number % jobs) for number in range(2000)]
        await all_wait(waiters, fake, jobs)
        # FakeEngine in another thread, as the engine does.
        await asyncio.to_thread(fake.tell_all)
        assert sorted(answer.record.number for answer in await asyncio.gather(*clients)) == sorted(
            1 + number % jobs for number in range(2000)
        )
        await nothing_is_left(waiters, fake)

    run(story())


def test_others_get_their_turn_while_many_are_notified(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("meantime.web.long_poll._CALLS_PER_TURN", 3)

    async def story() -> None:
        waiters, fake = JobWaiters(), FakeEngine()
        answered: list[int] = []
        clients = [waits(waiters, fake) for _ in range(10)]
        for client in clients:
            client.add_done_callback(lambda _: answered.append(1))
        await all_wait(waiters, fake, 1)
        fake.tell()
        seen = [0]
        while seen[-1] < 10:
            await asyncio.sleep(0)
            if len(answered) != seen[-1]:
                seen.append(len(answered))
        assert seen == [0, 3, 6, 9, 10]

    run(story())


def test_others_get_their_turn_while_many_changes_are_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("meantime.web.long_poll._CALLS_PER_TURN", 3)

    async def story() -> None:
        waiters, fake = JobWaiters(), FakeEngine(10)
        clients = [waits(waiters, fake, number) for number in fake.standing]
        await all_wait(waiters, fake, 10)
        fake.tell_all()
        seen = [10]
        while waiters.watched:
            await asyncio.sleep(0)
            if waiters.watched != seen[-1]:
                seen.append(waiters.watched)
        assert seen == [10, 7, 4, 1, 0]
        await asyncio.gather(*clients)

    run(story())


def test_the_loop_is_woken_once_for_all_that_has_changed_meanwhile(monkeypatch: pytest.MonkeyPatch) -> None:
    async def story() -> None:
        waiters, fake = JobWaiters(), FakeEngine(50)
        clients = [waits(waiters, fake, number) for number in fake.standing]
        await all_wait(waiters, fake, 50)
        loop = asyncio.get_running_loop()
        calls, call = [], loop.call_soon_threadsafe

        def counted(*args: Any, **more: Any) -> Any:
            calls.append(args)
            return call(*args, **more)

        monkeypatch.setattr(loop, "call_soon_threadsafe", counted)
        fake.tell_all(JobState.RUNNING)  # nobody waits for that
        assert calls == []
        fake.tell_all()
        assert len(calls) == 1
        await asyncio.gather(*clients)

    run(story())


def test_a_client_that_leaves_is_waited_for_no_more_and_the_others_are() -> None:
    async def story() -> None:
        waiters, fake = JobWaiters(), FakeEngine()
        left = asyncio.Event()

        async def leaves() -> None:
            await left.wait()

        leaving, staying = waits(waiters, fake, disconnected=leaves), waits(waiters, fake)
        await all_wait(waiters, fake, 1)
        left.set()
        with pytest.raises(ClientGone):
            await leaving
        fake.tell()
        assert (await staying).state is JobState.DONE
        await nothing_is_left(waiters, fake)

    run(story())


def test_the_last_client_that_leaves_ends_the_watch() -> None:
    async def story() -> None:
        waiters, fake = JobWaiters(), FakeEngine()

        async def leaves() -> None:
            await asyncio.sleep(0)

        with pytest.raises(ClientGone):
            await waits(waiters, fake, disconnected=leaves)
        await nothing_is_left(waiters, fake)

    run(story())


def test_what_goes_wrong_with_looking_for_the_client_is_not_that_it_left() -> None:
    async def broken() -> None:
        raise OSError("of the test")

    async def story() -> None:
        waiters, fake = JobWaiters(), FakeEngine()
        with pytest.raises(OSError, match="of the test"):
            await waits(waiters, fake, disconnected=broken)
        await nothing_is_left(waiters, fake)

    run(story())


def test_a_request_that_is_given_up_leaves_nothing_behind() -> None:
    async def story() -> None:
        waiters, fake = JobWaiters(), FakeEngine()
        client = waits(waiters, fake)
        await all_wait(waiters, fake, 1)
        client.cancel()
        with pytest.raises(asyncio.CancelledError):
            await client
        await nothing_is_left(waiters, fake)

    run(story())


def test_a_client_that_comes_before_the_end_is_announced_is_notified_too() -> None:
    async def story() -> None:
        waiters, fake = JobWaiters(), FakeEngine()
        first: list[JobDetail | None] = []
        second: list[JobDetail | None] = []
        waiters.listen(fake.engine, 1, first.append, to_end_only=True)
        fake.tell()
        waiters.listen(fake.engine, 1, second.append, to_end_only=True)
        await asyncio.sleep(0)
        assert first == second == [fake.standing[1]]

    run(story())


# For each change


def test_a_listener_is_notified_of_each_change_in_order_until_it_leaves() -> None:
    async def story() -> None:
        waiters, fake = JobWaiters(), FakeEngine()
        heard: list[JobDetail | None] = []
        leave = waiters.listen(fake.engine, 1, heard.append, to_end_only=False)
        steps = [(JobState.RUNNING, 0.0), (JobState.RUNNING, 0.5), (JobState.QUEUED, 0.0), (JobState.RUNNING, 0.1)]
        for state, progress in steps:
            fake.tell(state=state, progress=progress)
        await asyncio.sleep(0)
        assert [(each.state, each.progress) for each in heard if each is not None] == steps
        leave()
        leave()
        fake.tell()
        await asyncio.sleep(0)
        assert len(heard) == len(steps)
        await nothing_is_left(waiters, fake)

    run(story())


def test_who_leaves_does_not_end_the_watch_of_those_who_came_after_the_end() -> None:
    async def story() -> None:
        waiters, fake = JobWaiters(), FakeEngine()
        early = waiters.listen(fake.engine, 1, lambda _: None, to_end_only=False)
        fake.tell()
        await asyncio.sleep(0)
        fake.standing[1] = detail(1)  # as a number never is again: but nothing here hangs on that
        waiters.listen(fake.engine, 1, lambda _: None, to_end_only=False)
        early()
        assert waiters.watched == 1

    run(story())


# The server stops


def test_all_that_wait_are_let_go_with_what_there_is() -> None:
    async def story() -> None:
        fake = FakeEngine(3)
        waiters = fake.waiters
        clients = [waits(waiters, fake, number) for number in (1, 2, 3, 3)]
        heard: list[JobDetail | None] = []
        waiters.listen(fake.engine, 1, heard.append, to_end_only=False)
        await all_wait(waiters, fake, 3)
        await asyncio.to_thread(fake.waiters.close)
        assert [answer.state for answer in await asyncio.gather(*clients)] == [JobState.QUEUED] * 4
        assert heard == [None]

    run(story())


def test_nobody_waits_at_a_server_that_stops() -> None:
    async def story() -> None:
        fake = FakeEngine()
        fake.waiters.close()
        waiters = fake.waiters
        assert waiters.is_closed
        assert (await waits(waiters, fake)).state is JobState.QUEUED
        heard: list[JobDetail | None] = []
        waiters.listen(fake.engine, 1, heard.append, to_end_only=False)()
        assert heard == [None]
        assert fake.watches == 0

    run(story())


def test_nobody_is_notified_after_the_loop_has_ended() -> None:
    waiters, fake = JobWaiters(), FakeEngine()
    heard: list[JobDetail | None] = []

    async def story() -> None:
        waiters.listen(fake.engine, 1, heard.append, to_end_only=False)

    run(story())
    fake.tell()
    waiters.close()
    assert heard == []


def test_the_next_loop_starts_without_waiters() -> None:
    waiters, fake = JobWaiters(), FakeEngine()

    async def abandons() -> None:
        waiters.listen(fake.engine, 1, lambda _: None, to_end_only=False)
        fake.tell(state=JobState.RUNNING)

    async def story() -> None:
        waiting = waits(waiters, fake)
        await turns_until(lambda: waiters.watched == 1)
        fake.tell()
        assert (await waiting).state is JobState.DONE

    run(abandons())
    run(story())


# For news of all jobs


def event(number: int = 1) -> Event:
    return Event("accepted", detail(number))


def numbers(ring: EventLog, after: int, *, limit: int = 100) -> list[int] | None:
    entries = ring.since(after, limit=limit)
    return None if entries is None else [entry.event.detail.record.number for entry in entries]


@given(size=st.integers(1, 6), added=st.integers(0, 12), after=st.integers(-2, 14), limit=st.integers(1, 8))
def test_a_ring_gives_what_came_from_a_place_on_or_says_that_it_is_gone(
    size: int, added: int, after: int, limit: int
) -> None:
    ring = EventLog(wake_loop=lambda: None, size=size)
    for number in range(added):
        ring.add(event(number + 1))
    is_there = max(0, added - size) <= after <= added
    assert numbers(ring, after, limit=limit) == (list(range(after + 1, added + 1))[:limit] if is_there else None)
    assert ring.end == added


def test_places_have_the_order_of_the_ring_whichever_threads_add() -> None:
    ring = EventLog(wake_loop=lambda: None)

    def add() -> None:
        for _ in range(200):
            ring.add(event())

    threads = [threading.Thread(target=add) for _ in range(4)]
    for thread in threads:
        thread.start()
    join(*threads)
    entries = ring.since(0, limit=1000)
    assert entries is not None
    assert [entry.index for entry in entries] == list(range(800))


def test_news_are_waited_for_and_those_that_are_there_are_not() -> None:
    async def story() -> None:
        waiters, fake = JobWaiters(), FakeEngine()
        ring = waiters.events(fake.engine)
        assert waiters.events(fake.engine) is ring
        assert len(fake.followers) == 1
        waiting = [asyncio.ensure_future(ring.wait_for(0, within_s=60)) for _ in range(10)]
        await asyncio.sleep(0)
        await asyncio.to_thread(fake.happen)
        assert await asyncio.gather(*waiting) == [True] * 10
        assert numbers(ring, 0) == [1]
        assert await ring.wait_for(0, within_s=0)
        assert not await ring.wait_for(1, within_s=0)

    run(story())


def test_who_waits_for_news_is_let_go_when_the_server_stops() -> None:
    async def story() -> None:
        waiters, fake = JobWaiters(), FakeEngine()
        waiting = asyncio.ensure_future(waiters.events(fake.engine).wait_for(0, within_s=60))
        await asyncio.sleep(0)
        await asyncio.to_thread(waiters.close)
        assert await waiting

    run(story())


def test_events_that_nobody_waits_for_wake_nobody() -> None:
    calls: list[None] = []
    ring = EventLog(wake_loop=lambda: calls.append(None))
    ring.add(event())
    assert calls == []


# With an engine


def test_clients_of_a_real_engine_are_answered_when_their_job_has_ended() -> None:
    held = HeldTask()

    async def story(engine: Engine) -> None:
        waiters = JobWaiters()
        clients = [
            asyncio.ensure_future(waiters.wait_for_end(engine, 1 + number % 10, within_s=60, disconnected=stays))
            for number in range(100)
        ]
        await turns_until(lambda: waiters.watched == 10)
        held.go_on.set()
        ended = await asyncio.gather(*clients)
        assert [each.record.number for each in ended] == [1 + number % 10 for number in range(100)]
        assert {each.state for each in ended} == {JobState.DONE}
        assert waiters.watched == 0

    with engine_fakes.running(compute=FakeCompute(hold=held)) as engine:
        engine_fakes.submit(engine, *[engine_fakes.request("hold")] * 10)
        run(story(engine))
