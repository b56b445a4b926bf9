from __future__ import annotations

import asyncio
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest

from meantime.web.landing import Landing


def test_many_that_are_decided_together_wake_the_loop_once(monkeypatch: pytest.MonkeyPatch) -> None:
    async def story() -> int:
        loop = asyncio.get_running_loop()
        calls = 0
        call = loop.call_soon_threadsafe

        def counted(*given: Any) -> Any:
            nonlocal calls
            calls += 1
            return call(*given)

        monkeypatch.setattr(loop, "call_soon_threadsafe", counted)
        landing = Landing(loop)
        futures: list[Future[int]] = [Future() for _ in range(100)]
        waiters = [landing.wait(future) for future in futures]
        for number, future in enumerate(futures):  # as a commit does; the loop cannot look in between
            future.set_result(number)
        await asyncio.gather(*waiters)
        return calls

    assert asyncio.run(story()) == 1


def test_nobody_is_left_standing_when_threads_decide_at_any_time() -> None:
    async def story() -> None:
        landing = Landing(asyncio.get_running_loop())
        with ThreadPoolExecutor(4) as pool:
            for _ in range(50):
                futures: list[Future[int]] = [Future() for _ in range(40)]
                waiters = [landing.wait(future) for future in futures]
                for future in futures:
                    pool.submit(future.set_result, 1)
                await asyncio.wait_for(asyncio.gather(*waiters), 30)

    asyncio.run(story())


def test_one_that_failed_lands_too_and_one_that_is_decided_already() -> None:
    async def story() -> None:
        landing = Landing(asyncio.get_running_loop())
        failed: Future[int] = Future()
        failed.set_exception(ValueError("no"))
        await asyncio.wait_for(landing.wait(failed), 30)

    asyncio.run(story())


def test_a_client_that_went_away_is_passed_over() -> None:
    async def story() -> None:
        landing = Landing(asyncio.get_running_loop())
        gone, stays = Future[int](), Future[int]()
        leaving, waiting = landing.wait(gone), landing.wait(stays)
        leaving.cancel()
        gone.set_result(1)
        stays.set_result(2)
        await asyncio.wait_for(waiting, 30)
        assert not gone.cancelled()

    asyncio.run(story())


def test_after_the_loop_has_closed_a_decision_is_nobodys_business() -> None:
    late: Future[int] = Future()

    async def story() -> None:
        Landing(asyncio.get_running_loop()).wait(late)

    asyncio.run(story())
    late.set_result(1)  # raises nothing
