from __future__ import annotations

import asyncio
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest

from meantime.web.http.loop_bridge import FutureBridge


def test_many_futures_that_are_done_together_wake_the_loop_once(monkeypatch: pytest.MonkeyPatch) -> None:
    async def story() -> int:
        loop = asyncio.get_running_loop()
        calls = 0
        call = loop.call_soon_threadsafe

        def counted(*args: Any) -> Any:
            nonlocal calls
            calls += 1
            return call(*args)

        monkeypatch.setattr(loop, "call_soon_threadsafe", counted)
        bridge = FutureBridge()
        futures: list[Future[int]] = [Future() for _ in range(100)]
        waiters = [asyncio.ensure_future(bridge.wait(future)) for future in futures]
        await asyncio.sleep(0)  # each begins to wait
        for number, future in enumerate(futures):  # as a commit does; the loop cannot look in between
            future.set_result(number)
        await asyncio.gather(*waiters)
        return calls

    assert asyncio.run(story()) == 1


def test_no_waiter_is_missed_when_threads_complete_futures_at_any_time() -> None:
    async def story() -> None:
        bridge = FutureBridge()
        with ThreadPoolExecutor(4) as pool:
            for _ in range(50):
                futures: list[Future[int]] = [Future() for _ in range(40)]
                waiters = [asyncio.ensure_future(bridge.wait(future)) for future in futures]
                for future in futures:
                    pool.submit(future.set_result, 1)
                await asyncio.wait_for(asyncio.gather(*waiters), 30)

    asyncio.run(story())


def test_a_future_that_failed_and_one_that_is_done_already_end_the_wait() -> None:
    async def story() -> None:
        bridge = FutureBridge()
        failed: Future[int] = Future()
        failed.set_exception(ValueError("no"))
        await asyncio.wait_for(bridge.wait(failed), 30)

    asyncio.run(story())


def test_a_client_that_went_away_is_passed_over() -> None:
    async def story() -> None:
        bridge = FutureBridge()
        gone, stays = Future[int](), Future[int]()
        leaving, waiting = (asyncio.ensure_future(bridge.wait(each)) for each in (gone, stays))
        await asyncio.sleep(0)  # both begin to wait
        leaving.cancel()
        gone.set_result(1)
        stays.set_result(2)
        await asyncio.wait_for(waiting, 30)
        assert not gone.cancelled()

    asyncio.run(story())


def test_after_the_loop_has_closed_a_result_is_nobodys_business() -> None:
    late: Future[int] = Future()

    async def story() -> None:
        waiting = asyncio.ensure_future(FutureBridge().wait(late))
        await asyncio.sleep(0)  # it begins to wait
        waiting.cancel()

    asyncio.run(story())
    late.set_result(1)  # raises nothing
