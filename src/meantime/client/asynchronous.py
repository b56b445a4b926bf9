"""The client that does not block: the same conversations, awaited. ``blocking`` says what each call does."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from datetime import datetime
from types import TracebackType
from typing import Any, Literal, TypeVar, overload

import httpx

from meantime.client import conversation
from meantime.client.bar import bar
from meantime.client.described import Dataset, Explanation, Statistic, StatisticInShort
from meantime.client.exchange import DEFAULT_URL, Conversation, Patience, Pause, check_address
from meantime.client.result import Result
from meantime.client.seen import Ask, Known, Standing
from meantime.errors import MeantimeError

T = TypeVar("T")


class AsyncClient:
    """Asks one server, as ``Client`` does, from a coroutine: what it returns there is awaited here.

    Several coroutines may use one. Close it, or use it in an ``async with``.
    """

    def __init__(
        self,
        url: str = DEFAULT_URL,
        *,
        retry_for_s: float = 30.0,
        transport: httpx.AsyncBaseTransport | None = None,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
        clock: Callable[[], float] = time.monotonic,
        random: Callable[[], float] = random.random,
    ) -> None:
        self.url = check_address(url)
        self._http = httpx.AsyncClient(base_url=url, transport=transport)
        self._patience = Patience(retry_for_s=retry_for_s, clock=clock, random=random)
        self._sleep = sleep

    async def __aenter__(self) -> AsyncClient:
        return self

    async def __aexit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        await self.close()

    def __repr__(self) -> str:
        return f"<AsyncClient of {self.url}>"

    async def close(self) -> None:
        """Close the connections. May be called twice."""
        await self._http.aclose()

    @property
    def datasets(self) -> Awaitable[dict[str, Dataset]]:
        """As ``Client.datasets``: ``await client.datasets``."""
        return self._run(conversation.datasets(self._patience))

    async def dataset(self, name: str | None = None) -> Dataset:
        """As ``Client.dataset``."""
        return await self._run(conversation.dataset(name, self._patience))

    @property
    def statistics(self) -> Awaitable[dict[str, StatisticInShort]]:
        """As ``Client.statistics``: ``await client.statistics``."""
        return self._run(conversation.statistics(self._patience))

    async def statistic(self, name: str) -> Statistic:
        """As ``Client.statistic``."""
        return await self._run(conversation.statistic(name, self._patience))

    async def ask(
        self,
        statistic: str,
        /,
        *,
        dataset: str | None = None,
        label: str | None = None,
        timeout_s: float | None = None,
        **parameters: Any,
    ) -> Result:
        """As ``Client.ask``."""
        question = Ask(statistic, dataset=dataset, label=label, **parameters)
        return await self._run(conversation.ask(question, self._patience, timeout_s=timeout_s))

    @overload
    async def ask_all(
        self, questions: Iterable[Ask], *, keep_errors: Literal[False] = False, progress: bool = True
    ) -> list[Result]: ...
    @overload
    async def ask_all(
        self, questions: Iterable[Ask], *, keep_errors: Literal[True], progress: bool = True
    ) -> list[Result | MeantimeError]: ...
    async def ask_all(
        self, questions: Iterable[Ask], *, keep_errors: bool = False, progress: bool = True
    ) -> list[Result] | list[Result | MeantimeError]:
        """As ``Client.ask_all``."""
        questions = list(questions)
        with bar("asking", len(questions), is_wanted=progress) as advance:
            answers = await self._run(conversation.ask_all(questions, self._patience, on_answer=advance))
        return answers if keep_errors else conversation.without_errors(answers)

    async def submit(
        self, statistic: str, /, *, dataset: str | None = None, label: str | None = None, **parameters: Any
    ) -> AsyncJob:
        """As ``Client.submit``."""
        question = Ask(statistic, dataset=dataset, label=label, **parameters)
        return self._job(await self._run(conversation.submit(question, self._patience)))

    async def job(self, job_id: str) -> AsyncJob:
        """As ``Client.job``."""
        return self._job(await self._run(conversation.look(job_id, self._patience)))

    async def jobs(
        self,
        *,
        state: str | Iterable[str] | None = None,
        statistic: str | None = None,
        dataset: str | None = None,
        label: str | None = None,
        created_after: datetime | None = None,
        created_before: datetime | None = None,
    ) -> AsyncIterator[AsyncJob]:
        """As ``Client.jobs``: ``async for job in client.jobs(state="done")``."""
        named = {"statistic": statistic, "dataset": dataset, "label": label}
        query = conversation.filters(state, created_after, created_before, named)
        cursor = None
        while True:
            page = await self._run(conversation.page(query, cursor, self._patience))
            for standing in page.jobs:
                yield self._job(standing)
            if (cursor := page.next) is None:
                return

    def _job(self, standing: Standing) -> AsyncJob:
        return AsyncJob(standing, run=self._run, patience=self._patience)

    async def _run(self, talk: Conversation[T]) -> T:
        try:
            step = next(talk)
            while True:
                if isinstance(step, Pause):
                    await self._sleep(step.seconds)
                    step = talk.send(None)
                    continue
                try:
                    response = await self._http.send(step.request(self._http))
                except httpx.RequestError as error:
                    step = talk.throw(error)
                else:
                    step = talk.send(response)
        except StopIteration as end:
            answer: T = end.value
            return answer


class AsyncJob(Known):
    """A job at a server, as ``Job``: what is called there is awaited here."""

    def __init__(
        self, standing: Standing, *, run: Callable[[Conversation[Any]], Awaitable[Any]], patience: Patience
    ) -> None:
        super().__init__(standing)
        self._run = run
        self._patience = patience

    async def refresh(self) -> AsyncJob:
        """As ``Job.refresh``."""
        self.standing = await self._run(conversation.look(self.id, self._patience))
        return self

    async def wait(
        self, timeout_s: float | None = None, *, on_look: Callable[[AsyncJob], object] | None = None
    ) -> AsyncJob:
        """As ``Job.wait``."""

        def look(standing: Standing) -> None:
            self.standing = standing
            if on_look is not None:
                on_look(self)

        self.standing = await self._run(
            conversation.wait(self.id, self._patience, timeout_s=timeout_s, on_look=None if on_look is None else look)
        )
        return self

    async def result(self, timeout_s: float | None = None) -> Result:
        """As ``Job.result``."""
        result: Result = await self._run(conversation.result(self.id, self._patience, timeout_s=timeout_s))
        return result

    async def rows_behind(self, row: int | None = None) -> Result:
        """As ``Job.rows_behind``."""
        rows: Result = await self._run(conversation.rows_behind(self.id, row, self._patience))
        return rows

    async def explanation(self, row: int = 0) -> Explanation:
        """As ``Job.explanation``."""
        told: Explanation = await self._run(conversation.explanation(self.id, row, self._patience))
        return told

    async def cancel(self) -> str:
        """As ``Job.cancel``."""
        dismissal = await self._run(conversation.cancel(self.id, self._patience))
        self.standing = dismissal.job
        return str(dismissal.outcome)
