"""The list of all jobs: written in a thread, once for all who ask, and again when a job has come, ended or gone."""

from __future__ import annotations

import asyncio
import threading
from functools import partial
from typing import Any

import pytest

from meantime.model import JobState
from meantime.web.classic import contract
from meantime.web.http.replies import Reply
from meantime.web.job_list import KeptJobList
from tests.support.waiting import run, wait_for


class Jobs:
    """An engine with jobs that come when the test says; a listing waits for the test."""

    def __init__(self) -> None:
        self.changes = 0
        self.listings = 0
        self.is_listing, self.go_on = threading.Event(), threading.Event()
        self.go_on.set()
        self.error: Exception | None = None
        self.thread = threading.current_thread()

    def jobs(self) -> list[tuple[int, JobState]]:
        self.listings += 1
        self.thread = threading.current_thread()
        seen = self.changes
        self.is_listing.set()
        wait_for(self.go_on, "the test has not let the jobs be listed")
        if self.error is not None:
            raise self.error
        return [(number, JobState.DONE) for number in range(1, seen + 1)]


def listed(reply: Reply) -> int:
    return reply.body.count(b"job_id_")


async def listing(jobs: Jobs) -> None:
    while not jobs.is_listing.is_set():
        await asyncio.sleep(0)
    jobs.is_listing.clear()


def test_the_list_is_written_in_a_thread_and_kept_until_something_changes() -> None:
    async def story() -> None:
        jobs: Any = Jobs()
        kept = KeptJobList()
        first = await kept.reply(jobs, partial(contract.jobs, engine=jobs))
        assert (listed(first), jobs.listings) == (0, 1)
        assert jobs.thread is not threading.current_thread()
        assert await kept.reply(jobs, partial(contract.jobs, engine=jobs)) is first
        jobs.changes = 2
        second = await kept.reply(jobs, partial(contract.jobs, engine=jobs))
        assert (listed(second), jobs.listings) == (2, 2)
        assert second == contract.jobs(engine=jobs)

    run(story())


def test_many_who_ask_at_once_are_answered_with_one_list_and_those_who_come_later_with_the_next() -> None:
    async def story() -> None:
        jobs: Any = Jobs()
        jobs.go_on.clear()
        kept = KeptJobList()
        early = [asyncio.ensure_future(kept.reply(jobs, partial(contract.jobs, engine=jobs))) for _ in range(8)]
        await listing(jobs)
        jobs.changes = 1
        late = [asyncio.ensure_future(kept.reply(jobs, partial(contract.jobs, engine=jobs))) for _ in range(8)]
        early[0].cancel()  # the others still get what it has asked for
        jobs.go_on.set()
        assert [listed(each) for each in await asyncio.gather(*early[1:])] == [0] * 7
        assert [listed(each) for each in await asyncio.gather(*late)] == [1] * 8
        assert jobs.listings == 2

    run(story())


def test_a_list_that_could_not_be_written_is_written_again() -> None:
    async def story() -> None:
        jobs: Any = Jobs()
        jobs.error = MemoryError()
        kept = KeptJobList()
        with pytest.raises(MemoryError):
            await kept.reply(jobs, partial(contract.jobs, engine=jobs))
        jobs.error = None
        assert listed(await kept.reply(jobs, partial(contract.jobs, engine=jobs))) == 0

    run(story())
