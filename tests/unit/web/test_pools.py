"""Threads that make answers: few, shared by clients in turns, and free again whatever happens to the request."""

from __future__ import annotations

import asyncio
import threading
from functools import partial
from unittest.mock import ANY

import pytest

from meantime.errors import AnswersBusy
from meantime.web.http.access import Caller
from meantime.web.http.replies import ClientGone
from meantime.web.pools import AnswerPool
from tests.support.http_requests import FakeRequest
from tests.support.waiting import PATIENCE_S, run, wait_until


def pool_of(*, at_once: int = 1, waiting: int = 10, wait_s: float = PATIENCE_S) -> AnswerPool:
    return AnswerPool("answers", at_once=at_once, waiting=waiting, wait_s=wait_s, instead="or ask later")


class Request(FakeRequest):
    """A request of a client with a name."""

    def __init__(self, client: str = "one") -> None:
        super().__init__()
        self.caller = Caller(client=client)


class Held:
    """Work that waits for the test, and notes in which order it was done."""

    def __init__(self) -> None:
        self.begun = asyncio.Event()
        self.go_on = threading.Event()
        self.done: list[str] = []
        self._loop = asyncio.get_running_loop()

    def work(self, name: str) -> str:
        self._loop.call_soon_threadsafe(self.begun.set)
        assert self.go_on.wait(PATIENCE_S)
        self.done.append(name)
        return name


async def settled() -> None:
    """Let everything go on that can."""
    for _ in range(5):
        await asyncio.sleep(0)


def test_work_is_done_in_a_thread_and_its_result_or_error_returned() -> None:
    async def tell() -> None:
        pool = pool_of()
        assert await pool.run(Request(), threading.current_thread) is not threading.current_thread()
        with pytest.raises(ZeroDivisionError):
            await pool.run(Request(), partial(divmod, 1, 0))
        assert await pool.run(Request(), partial(divmod, 7, 2)) == (3, 1)

    run(tell())


def test_clients_take_turns_for_the_threads() -> None:
    async def tell() -> None:
        pool, held = pool_of(), Held()
        tasks = []
        for name in ("a1", "a2", "a3", "b1", "b2", "c1"):
            tasks.append(asyncio.ensure_future(pool.run(Request(name[0]), partial(held.work, name))))
            await settled()
        held.go_on.set()
        await asyncio.gather(*tasks)
        assert held.done == ["a1", "a2", "b1", "c1", "a3", "b2"]

    run(tell())


def test_beyond_those_who_may_wait_a_client_is_refused_unless_it_has_fewer_than_another() -> None:
    async def tell() -> None:
        pool, held = pool_of(waiting=2), Held()
        first, second, third = (
            asyncio.ensure_future(pool.run(Request("a"), partial(held.work, name))) for name in ("a1", "a2", "a3")
        )
        await held.begun.wait()
        with pytest.raises(
            AnswersBusy, match=r"makes 1 answers at once, and 2 more wait\. Try again in 3 s, or ask"
        ) as no:
            await pool.run(Request("a"), partial(held.work, "a4"))
        assert no.value.retry_after_s == 3
        other = asyncio.ensure_future(pool.run(Request("b"), partial(held.work, "b1")))
        with pytest.raises(AnswersBusy):
            await third
        held.go_on.set()
        await asyncio.gather(first, second, other)
        assert held.done == ["a1", "a2", "b1"]

    run(tell())


def test_who_waits_too_long_is_refused_and_the_work_not_begun() -> None:
    async def tell() -> None:
        pool, held = pool_of(wait_s=0.01), Held()
        first = asyncio.ensure_future(pool.run(Request(), partial(held.work, "first")))
        await held.begun.wait()
        with pytest.raises(AnswersBusy):
            await pool.run(Request(), partial(held.work, "second"))
        held.go_on.set()
        await first
        assert held.done == ["first"]

    run(tell())


def test_clients_that_leave_are_out_of_the_line_and_their_work_is_stopped() -> None:
    async def tell() -> None:
        pool, held, stopped = pool_of(), Held(), list[str]()
        working, waiting, staying = Request(), Request(), Request()
        tasks = [
            asyncio.ensure_future(
                pool.run(each, partial(held.work, name), stop=partial(stopped.append, f"{name} stopped"))
            )
            for name, each in (("working", working), ("waiting", waiting), ("staying", staying))
        ]
        await held.begun.wait()
        working.left.set()
        waiting.left.set()
        for task in tasks[:2]:
            with pytest.raises(ClientGone):
                await task
        assert stopped == ["working stopped"]
        assert not tasks[2].done()  # the thread is taken until its work has ended
        held.go_on.set()
        assert await tasks[2] == "staying"
        assert held.done == ["working", "staying"]

    run(tell())


def test_a_request_that_is_cancelled_when_its_turn_comes_gives_it_to_the_next() -> None:
    async def tell() -> None:
        pool, held = pool_of(), Held()
        tasks = [asyncio.ensure_future(pool.run(Request(), partial(held.work, name))) for name in "abc"]
        await held.begun.wait()
        held.go_on.set()
        while len(pool._line) == 2:
            await asyncio.sleep(0)
        tasks[1].cancel()
        assert await asyncio.gather(*tasks, return_exceptions=True) == ["a", ANY, "c"]
        assert tasks[1].cancelled()
        assert await pool.run(Request(), partial(held.work, "d")) == "d"

    run(tell())


def test_a_thread_whose_event_loop_is_closed_is_free_when_its_work_ends() -> None:
    pool, go_on = pool_of(), threading.Event()

    async def leave() -> None:
        begun = asyncio.Event()
        loop = asyncio.get_running_loop()

        def work() -> None:
            loop.call_soon_threadsafe(begun.set)
            go_on.wait(PATIENCE_S)

        task = asyncio.ensure_future(pool.run(Request(), work))
        await begun.wait()
        task.cancel()

    run(leave())
    go_on.set()
    wait_until(lambda: not pool._taken, "the thread is still taken")

    async def ask() -> tuple[int, int]:
        return await pool.run(Request(), partial(divmod, 7, 2))

    assert run(ask()) == (3, 1)
