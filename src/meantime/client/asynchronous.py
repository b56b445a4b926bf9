"""The asynchronous client. ``blocking`` documents what each call does."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from datetime import datetime
from types import TracebackType
from typing import Any, Literal, TypeVar, overload

import httpx

from meantime.client import requests
from meantime.client.jobs import Ask, JobHandle, JobStatus
from meantime.client.models import DatasetInfo, RowExplanation, StatisticEntry, StatisticInfo
from meantime.client.progress import progress_bar
from meantime.client.result import Result
from meantime.client.retries import DEFAULT_URL, Delay, RequestFlow, RetryTiming, check_address, key_headers
from meantime.errors import MeantimeError

T = TypeVar("T")


class AsyncClient:
    """The asynchronous client of one server: the methods of ``Client``, to be awaited.

    Several coroutines may share one. Close it, or use it in an ``async with``.
    """

    def __init__(
        self,
        url: str = DEFAULT_URL,
        *,
        key: str | None = None,
        retry_for_s: float = 30.0,
        transport: httpx.AsyncBaseTransport | None = None,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
        clock: Callable[[], float] = time.monotonic,
        random: Callable[[], float] = random.random,
    ) -> None:
        self.url = check_address(url)
        self._http = httpx.AsyncClient(base_url=url, transport=transport, headers=key_headers(key))
        self._timing = RetryTiming(retry_for_s=retry_for_s, clock=clock, random=random)
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
        """Close the connections. Safe to call twice."""
        await self._http.aclose()

    @property
    def datasets(self) -> Awaitable[dict[str, DatasetInfo]]:
        """As ``Client.datasets``: ``await client.datasets``."""
        return self._run(requests.datasets(self._timing))

    async def dataset(self, name: str | None = None) -> DatasetInfo:
        """As ``Client.dataset``."""
        return await self._run(requests.dataset(name, self._timing))

    @property
    def statistics(self) -> Awaitable[dict[str, StatisticEntry]]:
        """As ``Client.statistics``: ``await client.statistics``."""
        return self._run(requests.statistics(self._timing))

    async def statistic(self, name: str) -> StatisticInfo:
        """As ``Client.statistic``."""
        return await self._run(requests.statistic(name, self._timing))

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
        return await self._run(requests.ask(question, self._timing, timeout_s=timeout_s))

    @overload
    async def ask_all(
        self,
        questions: Iterable[Ask],
        *,
        keep_errors: Literal[False] = False,
        resume: str | None = None,
        progress: bool = True,
    ) -> list[Result]: ...
    @overload
    async def ask_all(
        self, questions: Iterable[Ask], *, keep_errors: Literal[True], resume: str | None = None, progress: bool = True
    ) -> list[Result | MeantimeError]: ...
    async def ask_all(
        self, questions: Iterable[Ask], *, keep_errors: bool = False, resume: str | None = None, progress: bool = True
    ) -> list[Result] | list[Result | MeantimeError]:
        """As ``Client.ask_all``."""
        questions = list(questions)
        with progress_bar("asking", len(questions), is_wanted=progress) as advance:
            flow = requests.ask_all(questions, self._timing, keep_errors=keep_errors, resume=resume, on_answer=advance)
            answers = await self._run(flow)
        return answers if keep_errors else requests.without_errors(answers)

    async def submit(
        self, statistic: str, /, *, dataset: str | None = None, label: str | None = None, **parameters: Any
    ) -> AsyncJob:
        """As ``Client.submit``."""
        question = Ask(statistic, dataset=dataset, label=label, **parameters)
        return self._job(await self._run(requests.submit(question, self._timing)))

    async def start(
        self,
        statistic: str,
        /,
        *,
        wait_s: int = 1,
        dataset: str | None = None,
        label: str | None = None,
        **parameters: Any,
    ) -> Result | AsyncJob:
        """As ``Client.start``."""
        question = Ask(statistic, dataset=dataset, label=label, **parameters)
        started = await self._run(requests.start(question, self._timing, wait_s=wait_s))
        return started if isinstance(started, Result) else self._job(started)

    async def job(self, job_id: str) -> AsyncJob:
        """As ``Client.job``."""
        return self._job(await self._run(requests.job_status(job_id, self._timing)))

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
        texts = {"statistic": statistic, "dataset": dataset, "label": label}
        query = requests.job_filters(state, created_after, created_before, texts)
        cursor = None
        while True:
            page = await self._run(requests.jobs_page(query, cursor, self._timing))
            for status in page.jobs:
                yield self._job(status)
            if (cursor := page.next) is None:
                return

    def _job(self, status: JobStatus) -> AsyncJob:
        return AsyncJob(status, run=self._run, timing=self._timing)

    async def _run(self, flow: RequestFlow[T]) -> T:
        try:
            step = next(flow)
            while True:
                if isinstance(step, Delay):
                    await self._sleep(step.seconds)
                    step = flow.send(None)
                    continue
                try:
                    response = await self._http.send(step.build(self._http))
                except httpx.RequestError as error:
                    step = flow.throw(error)
                else:
                    step = flow.send(response)
        except StopIteration as end:
            outcome: T = end.value
            return outcome


class AsyncJob(JobHandle):
    """A job of an asynchronous client: the methods of ``Job``, to be awaited."""

    def __init__(
        self, status: JobStatus, *, run: Callable[[RequestFlow[Any]], Awaitable[Any]], timing: RetryTiming
    ) -> None:
        super().__init__(status)
        self._run = run
        self._timing = timing

    async def refresh(self) -> AsyncJob:
        """As ``Job.refresh``."""
        self.standing = await self._run(requests.job_status(self.id, self._timing))
        return self

    async def wait(
        self, timeout_s: float | None = None, *, on_look: Callable[[AsyncJob], object] | None = None
    ) -> AsyncJob:
        """As ``Job.wait``."""

        def update(status: JobStatus) -> None:
            self.standing = status
            if on_look is not None:
                on_look(self)

        self.standing = await self._run(
            requests.wait(self.id, self._timing, timeout_s=timeout_s, on_look=None if on_look is None else update)
        )
        return self

    async def result(self, timeout_s: float | None = None) -> Result:
        """As ``Job.result``."""
        result: Result = await self._run(requests.result(self.id, self._timing, timeout_s=timeout_s))
        return result

    async def rows_behind(self, row: int | None = None, *, in_database: bool = False) -> Result:
        """As ``Job.rows_behind``."""
        rows: Result = await self._run(requests.rows_behind(self.id, row, self._timing, in_database=in_database))
        return rows

    async def explanation(self, row: int = 0, timeout_s: float | None = None) -> RowExplanation:
        """As ``Job.explanation``."""
        flow = requests.explanation(self.id, row, self._timing, timeout_s=timeout_s)
        explanation: RowExplanation = await self._run(flow)
        return explanation

    async def cancel(self) -> str:
        """As ``Job.cancel``."""
        outcome = await self._run(requests.cancel(self.id, self._timing))
        self.standing = outcome.job
        return str(outcome.outcome)
