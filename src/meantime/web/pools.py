"""The threads that make answers. Whatever takes more than a moment is made here, so that the event loop stays free.

There are few threads, since they share the interpreter, and each may take a core and much memory. Requests wait for
them in a short queue in which clients take turns; beyond it they are refused with 503, so that nobody waits in vain.
Short answers have threads of their own, and do not wait for long ones.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from typing import TypeVar

from meantime.errors import AnswersBusy
from meantime.formats.writers import renderer
from meantime.web.http.replies import ClientGone
from meantime.web.http.request import HttpRequest
from meantime.web.turns import TurnQueue

T = TypeVar("T")


class AnswerPool:
    """A few threads, and the requests that wait for them. Used in the event loop only.

    ``waiting`` requests may wait, each for up to ``wait_s`` seconds; ``instead`` says what a refused client can do.
    """

    def __init__(self, name: str, *, at_once: int, waiting: int, wait_s: float, instead: str) -> None:
        self._name = name
        self._at_once = at_once
        self._wait_s = wait_s
        self._instead = instead
        # The interpreter joins these threads at exit.
        self._threads = ThreadPoolExecutor(at_once, thread_name_prefix=name)
        self._taken = 0  # threads that have work, also when its client has left
        self._line: TurnQueue[asyncio.Future[None]] = TurnQueue(waiting)

    async def run(self, request: HttpRequest, work: Callable[[], T], *, stop: Callable[[], None] | None = None) -> T:
        """Do some work in a thread, when it is this client's turn, and return its result.

        ``stop`` is called if nobody waits for the result any more; the work should then end soon. Its thread is taken
        until it has.

        Raises:
            AnswersBusy: too many wait, or it took too long until the turn came. The work was not begun.
            ClientGone: the client disconnected.
            Exception: whatever the work raises.
        """
        leaving = asyncio.ensure_future(request.disconnected())
        try:
            await self._turn(request.caller.client, leaving)
            working = self._begin(work)
            try:
                await asyncio.wait((leaving, working), return_when=asyncio.FIRST_COMPLETED)
                if working.done():
                    return working.result()
            finally:
                # Also if the server cancels the request.
                if not working.done():
                    working.cancel()  # nobody hears what the thread raises
                    if stop is not None:
                        stop()
            leaving.result()  # raises if the check itself failed
            raise ClientGone
        finally:
            leaving.cancel()

    async def _turn(self, client: str, leaving: asyncio.Future[None]) -> None:
        """Wait until a thread is free for this client, and take it."""
        if self._taken < self._at_once:
            self._taken += 1
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        if (refused := self._line.add(client, turn)) is not None:
            if refused is turn:
                raise self._busy()
            refused.set_exception(self._busy())
        try:
            await asyncio.wait((leaving, turn), timeout=self._wait_s, return_when=asyncio.FIRST_COMPLETED)
            if turn.done():
                turn.result()
                return
            if leaving.done():
                leaving.result()
                raise ClientGone
            raise self._busy()
        except BaseException:
            self._line.discard(client, turn)
            if turn.done() and turn.exception() is None:  # it came while this was cancelled
                self._free()
            raise

    def _begin(self, work: Callable[[], T]) -> asyncio.Future[T]:
        loop = asyncio.get_running_loop()
        working = self._threads.submit(work)

        def end(_: Future[T]) -> None:
            # Not by the future of the event loop: it may be cancelled long before the thread ends. If the loop is
            # closed, nobody waits.
            with suppress(RuntimeError):
                loop.call_soon_threadsafe(self._free)
                return
            self._taken -= 1

        working.add_done_callback(end)
        return asyncio.wrap_future(working)

    def _free(self) -> None:
        """Give a thread that is free to whose turn it is."""
        while self._line:
            turn = self._line.pop()
            if not turn.done():
                turn.set_result(None)
                return
        self._taken -= 1

    def _busy(self) -> AnswersBusy:
        # A long answer takes a second or two.
        wait_s = 1 + len(self._line) // self._at_once
        return AnswersBusy(
            f"The server makes {self._at_once} {self._name} at once, and {len(self._line)} more wait. Try again in "
            f"{wait_s} s, {self._instead}.",
            retry_after_s=wait_s,
        )


class AnswerPools:
    """One pool for each kind of work, so that none waits for another that takes longer."""

    def __init__(self) -> None:
        as_job = "or POST the same question to /v1/jobs, where it waits its turn"
        # A few milliseconds each. In two threads each would take twice as long, since they share the interpreter. Many
        # may wait: in a second there is room for all of them.
        self.short = AnswerPool("short answers", at_once=1, waiting=256, wait_s=5, instead=as_job)
        # Up to a second or two each, and half a gigabyte. With 16 that wait, the last one waits for a few seconds; who
        # waits for more than five has no time left for the answer itself.
        self.long = AnswerPool("long answers", at_once=2, waiting=16, wait_s=5, instead=as_job)
        # Results in other formats, source rows, descriptions of data sets: usually milliseconds, a workbook of a
        # million rows half a minute.
        self.documents = AnswerPool("documents", at_once=4, waiting=64, wait_s=10, instead="or ask for JSON")
        # Each has a process that takes a core for a second; see `renderer`.
        self.pictures = AnswerPool(
            "pictures",
            at_once=renderer.AT_ONCE,
            waiting=16,
            wait_s=10,
            instead="or take the chart as vl.json and draw it yourself",
        )
