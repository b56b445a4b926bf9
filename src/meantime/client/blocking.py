"""The client that blocks: it does what a conversation says, and waits meanwhile."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterable, Iterator
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


class Client:
    """Asks one server.

    Every call raises, beside what it says itself, the problem that the server answers with, as the error of ``errors``
    that has its code: RequestInvalid with all that is wrong with a question, JobUnknown, QueueFull and so on. And it
    raises ServerUnreachable where nothing answers, NotMeantime where something else does.

    A server that cannot be reached, or says "not now", is asked again for up to ``retry_for_s``. Since every
    submission has an idempotency key, no job is made twice by that.

    Several threads may use one. Close it, or use it in a ``with``.
    """

    def __init__(
        self,
        url: str = DEFAULT_URL,
        *,
        retry_for_s: float = 30.0,
        transport: httpx.BaseTransport | None = None,
        sleep: Callable[[float], object] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
        random: Callable[[], float] = random.random,
    ) -> None:
        self.url = check_address(url)
        self._http = httpx.Client(base_url=url, transport=transport)
        self._patience = Patience(retry_for_s=retry_for_s, clock=clock, random=random)
        self._sleep = sleep

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<Client of {self.url}>"

    def close(self) -> None:
        """Close the connections. May be called twice."""
        self._http.close()

    @property
    def datasets(self) -> dict[str, Dataset]:
        """What is served, by name; the first is asked where none is named. Looked up each time."""
        return self._run(conversation.datasets(self._patience))

    def dataset(self, name: str | None = None) -> Dataset:
        """Look a data set up, or the one that is asked where none is named.

        Raises:
            DatasetUnknown: there is none of this name.
        """
        return self._run(conversation.dataset(name, self._patience))

    @property
    def statistics(self) -> dict[str, StatisticInShort]:
        """What can be asked, by name, each in short. Looked up each time."""
        return self._run(conversation.statistics(self._patience))

    def statistic(self, name: str) -> Statistic:
        """Look a statistic up: its parameters, its columns, an example.

        Raises:
            StatisticUnknown: there is none of this name.
        """
        return self._run(conversation.statistic(name, self._patience))

    def ask(
        self,
        statistic: str,
        /,
        *,
        dataset: str | None = None,
        label: str | None = None,
        timeout_s: float | None = None,
        **parameters: Any,
    ) -> Result:
        """Ask, wait, and return the result.

        Raises:
            RequestInvalid: it cannot be answered; ``problems`` has everything that is wrong with it.
            JobFailed, JobCancelled: the job ended without a result.
            ResultNotReady: ``timeout_s`` is over; the job goes on.
        """
        question = Ask(statistic, dataset=dataset, label=label, **parameters)
        return self._run(conversation.ask(question, self._patience, timeout_s=timeout_s))

    @overload
    def ask_all(
        self, questions: Iterable[Ask], *, keep_errors: Literal[False] = False, progress: bool = True
    ) -> list[Result]: ...
    @overload
    def ask_all(
        self, questions: Iterable[Ask], *, keep_errors: Literal[True], progress: bool = True
    ) -> list[Result | MeantimeError]: ...
    def ask_all(
        self, questions: Iterable[Ask], *, keep_errors: bool = False, progress: bool = True
    ) -> list[Result] | list[Result | MeantimeError]:
        """Ask many questions and return the results in their order, with a progress bar at a terminal or in a notebook.

        With ``keep_errors`` a job that ends without a result has its error in the result's place; without, the first
        such error is raised when all have ended.

        Raises:
            RequestInvalid: a question cannot be answered. Of its thousand none was asked, and none behind.
            JobFailed, JobCancelled, JobUnknown, ResultGone: without ``keep_errors``.
        """
        questions = list(questions)
        with bar("asking", len(questions), is_wanted=progress) as advance:
            answers = self._run(conversation.ask_all(questions, self._patience, on_answer=advance))
        return answers if keep_errors else conversation.without_errors(answers)

    def submit(
        self, statistic: str, /, *, dataset: str | None = None, label: str | None = None, **parameters: Any
    ) -> Job:
        """Have a job made, and return it. When this returns, the job survives a crash of the server.

        Raises:
            RequestInvalid: it cannot be answered; ``problems`` has everything that is wrong with it.
        """
        question = Ask(statistic, dataset=dataset, label=label, **parameters)
        return self._job(self._run(conversation.submit(question, self._patience)))

    def job(self, job_id: str) -> Job:
        """Find a job by its id.

        Raises:
            JobUnknown: there is none, or not any more.
        """
        return self._job(self._run(conversation.look(job_id, self._patience)))

    def jobs(
        self,
        *,
        state: str | Iterable[str] | None = None,
        statistic: str | None = None,
        dataset: str | None = None,
        label: str | None = None,
        created_after: datetime | None = None,
        created_before: datetime | None = None,
    ) -> Iterator[Job]:
        """Go through the jobs, the newest first; pages are read as they are needed."""
        named = {"statistic": statistic, "dataset": dataset, "label": label}
        query = conversation.filters(state, created_after, created_before, named)
        cursor = None
        while True:
            page = self._run(conversation.page(query, cursor, self._patience))
            yield from map(self._job, page.jobs)
            if (cursor := page.next) is None:
                return

    def _job(self, standing: Standing) -> Job:
        return Job(standing, run=self._run, patience=self._patience)

    def _run(self, talk: Conversation[T]) -> T:
        try:
            step = next(talk)
            while True:
                if isinstance(step, Pause):
                    self._sleep(step.seconds)
                    step = talk.send(None)
                    continue
                try:
                    response = self._http.send(step.request(self._http))
                except httpx.RequestError as error:
                    step = talk.throw(error)
                else:
                    step = talk.send(response)
        except StopIteration as end:
            answer: T = end.value
            return answer


class Job(Known):
    """A job at a server, as it was when last looked at: by ``refresh``, ``wait`` or ``cancel``."""

    def __init__(self, standing: Standing, *, run: Callable[[Conversation[Any]], Any], patience: Patience) -> None:
        super().__init__(standing)
        self._run = run
        self._patience = patience

    def refresh(self) -> Job:
        """Look again."""
        self.standing = self._run(conversation.look(self.id, self._patience))
        return self

    def wait(self, timeout_s: float | None = None, *, on_look: Callable[[Job], object] | None = None) -> Job:
        """Wait for the end, or until the time is over; ``state`` says which it was.

        With ``on_look`` it looks every second and hands over this job, for whoever wants to show its progress.
        """

        def look(standing: Standing) -> None:
            self.standing = standing
            if on_look is not None:
                on_look(self)

        self.standing = self._run(
            conversation.wait(self.id, self._patience, timeout_s=timeout_s, on_look=None if on_look is None else look)
        )
        return self

    def result(self, timeout_s: float | None = None) -> Result:
        """Wait for the result.

        Raises:
            JobFailed, JobCancelled, ResultGone: there will be none.
            ResultNotReady: the time is over; the job goes on.
        """
        result: Result = self._run(conversation.result(self.id, self._patience, timeout_s=timeout_s))
        return result

    def rows_behind(self, row: int | None = None) -> Result:
        """Read the rows of the file that its result rests on, or row number ``row`` of it (the first one is 0).

        With the weight of each, file and physical line, and every column of the file as text.
        """
        rows: Result = self._run(conversation.rows_behind(self.id, row, self._patience))
        return rows

    def explanation(self, row: int = 0) -> Explanation:
        """Read how row number ``row`` of its result came about: in words, and as programs."""
        told: Explanation = self._run(conversation.explanation(self.id, row, self._patience))
        return told

    def cancel(self) -> str:
        """Cancel it and return what came of that: "cancelled", "cancelling" (it stops at its next check) or "ended".

        One that has ended is left as it is, with its result.
        """
        dismissal = self._run(conversation.cancel(self.id, self._patience))
        self.standing = dismissal.job
        return str(dismissal.outcome)
