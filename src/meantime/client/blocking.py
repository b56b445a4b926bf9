"""The blocking client."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterable, Iterator
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


class Client:
    """A client of one server.

    Every call may raise the error that the server answers with, as the class of ``errors`` that has its code:
    RequestInvalid with everything that is wrong in a request, JobUnknown, QueueFull and so on. It raises
    ServerUnreachable if nothing answers, and NotMeantime if something else does.

    ``key`` is the key that the server's operator has given you; by default that of the environment variable
    MEANTIME_KEY. A server without keys ignores it.

    A server that cannot be reached, or says "not now", is tried again for up to ``retry_for_s``. Every submission has
    an idempotency key, so this never creates a job twice.

    Several threads may share one. Close it, or use it in a ``with``.
    """

    def __init__(
        self,
        url: str = DEFAULT_URL,
        *,
        key: str | None = None,
        retry_for_s: float = 30.0,
        transport: httpx.BaseTransport | None = None,
        sleep: Callable[[float], object] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
        random: Callable[[], float] = random.random,
    ) -> None:
        self.url = check_address(url)
        self._http = httpx.Client(base_url=url, transport=transport, headers=key_headers(key))
        self._timing = RetryTiming(retry_for_s=retry_for_s, clock=clock, random=random)
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
        """Close the connections. Safe to call twice."""
        self._http.close()

    @property
    def datasets(self) -> dict[str, DatasetInfo]:
        """The data sets by name. Requested each time."""
        return self._run(requests.datasets(self._timing))

    def dataset(self, name: str | None = None) -> DatasetInfo:
        """Describe a data set, or the default one.

        Raises:
            DatasetUnknown: there is no data set of this name.
        """
        return self._run(requests.dataset(name, self._timing))

    @property
    def statistics(self) -> dict[str, StatisticEntry]:
        """The statistics by name, in short. Requested each time."""
        return self._run(requests.statistics(self._timing))

    def statistic(self, name: str) -> StatisticInfo:
        """Describe a statistic: its parameters, its columns, an example.

        Raises:
            StatisticUnknown: there is no statistic of this name.
        """
        return self._run(requests.statistic(name, self._timing))

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
        """Submit, wait, and return the result.

        Raises:
            RequestInvalid: it cannot be answered; ``problems`` lists everything that is wrong.
            JobFailed, JobCancelled: the job ended without a result.
            ResultNotReady: ``timeout_s`` is over; the job continues.
        """
        question = Ask(statistic, dataset=dataset, label=label, **parameters)
        return self._run(requests.ask(question, self._timing, timeout_s=timeout_s))

    @overload
    def ask_all(
        self,
        questions: Iterable[Ask],
        *,
        keep_errors: Literal[False] = False,
        resume: str | None = None,
        progress: bool = True,
    ) -> list[Result]: ...
    @overload
    def ask_all(
        self, questions: Iterable[Ask], *, keep_errors: Literal[True], resume: str | None = None, progress: bool = True
    ) -> list[Result | MeantimeError]: ...
    def ask_all(
        self, questions: Iterable[Ask], *, keep_errors: bool = False, resume: str | None = None, progress: bool = True
    ) -> list[Result] | list[Result | MeantimeError]:
        """Ask many questions and return the results in their order, with a progress bar in a terminal or notebook.

        ``keep_errors``: what cannot be answered has its error in the list instead, which begins with its index
        ("ask 17: ..."); otherwise the first such error is raised when all jobs have ended.

        ``resume``: a name of your choice for this list. Called again with the same name and the same list, after
        Ctrl-C or a crash, it submits nothing twice, and collects the results of the jobs that it had submitted. That
        holds as long as the server keeps its jobs; to ask anew, take another name.

        Raises:
            RequestInvalid: without ``keep_errors``: a question cannot be answered. Nothing of its batch of a thousand,
                or after it, was submitted.
            JobFailed, JobCancelled, JobUnknown, ResultGone: without ``keep_errors``.
            KeyboardInterrupt: on Ctrl-C; says how to go on.
        """
        questions = list(questions)
        answered = 0

        def count() -> None:
            nonlocal answered
            answered += 1
            advance()

        try:
            with progress_bar("asking", len(questions), is_wanted=progress) as advance:
                flow = requests.ask_all(
                    questions, self._timing, keep_errors=keep_errors, resume=resume, on_answer=count
                )
                answers = self._run(flow)
        except KeyboardInterrupt:
            raise KeyboardInterrupt(_how_to_go_on(answered, len(questions), resume)) from None
        return answers if keep_errors else requests.without_errors(answers)

    def submit(
        self, statistic: str, /, *, dataset: str | None = None, label: str | None = None, **parameters: Any
    ) -> Job:
        """Submit a job and return it. Once this returns, the job survives a crash of the server.

        Raises:
            RequestInvalid: it cannot be answered; ``problems`` lists everything that is wrong.
        """
        question = Ask(statistic, dataset=dataset, label=label, **parameters)
        return self._job(self._run(requests.submit(question, self._timing)))

    def start(
        self,
        statistic: str,
        /,
        *,
        wait_s: int = 1,
        dataset: str | None = None,
        label: str | None = None,
        **parameters: Any,
    ) -> Result | Job:
        """Submit a job, and return its result if it is ready within ``wait_s`` seconds, else the job.

        Raises:
            RequestInvalid: it cannot be answered; ``problems`` lists everything that is wrong.
            JobFailed, JobCancelled: the job ended without a result.
        """
        question = Ask(statistic, dataset=dataset, label=label, **parameters)
        started = self._run(requests.start(question, self._timing, wait_s=wait_s))
        return started if isinstance(started, Result) else self._job(started)

    def job(self, job_id: str) -> Job:
        """Find a job by its id.

        Raises:
            JobUnknown: there is no such job, or it has been removed.
        """
        return self._job(self._run(requests.job_status(job_id, self._timing)))

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
        """Iterate over the jobs, newest first; pages are read as they are needed."""
        texts = {"statistic": statistic, "dataset": dataset, "label": label}
        query = requests.job_filters(state, created_after, created_before, texts)
        cursor = None
        while True:
            page = self._run(requests.jobs_page(query, cursor, self._timing))
            yield from map(self._job, page.jobs)
            if (cursor := page.next) is None:
                return

    def _job(self, status: JobStatus) -> Job:
        return Job(status, run=self._run, timing=self._timing)

    def _run(self, flow: RequestFlow[T]) -> T:
        try:
            step = next(flow)
            while True:
                if isinstance(step, Delay):
                    self._sleep(step.seconds)
                    step = flow.send(None)
                    continue
                try:
                    response = self._http.send(step.build(self._http))
                except httpx.RequestError as error:
                    step = flow.throw(error)
                else:
                    step = flow.send(response)
        except StopIteration as end:
            outcome: T = end.value
            return outcome


class Job(JobHandle):
    """A job, as it was when last updated by ``refresh``, ``wait`` or ``cancel``."""

    def __init__(self, status: JobStatus, *, run: Callable[[RequestFlow[Any]], Any], timing: RetryTiming) -> None:
        super().__init__(status)
        self._run = run
        self._timing = timing

    def refresh(self) -> Job:
        """Update it from the server."""
        self.standing = self._run(requests.job_status(self.id, self._timing))
        return self

    def wait(self, timeout_s: float | None = None, *, on_look: Callable[[Job], object] | None = None) -> Job:
        """Wait until it ends or the time is over; ``state`` tells which.

        ``on_look`` is called with this job every second, to show its progress.
        """

        def update(status: JobStatus) -> None:
            self.standing = status
            if on_look is not None:
                on_look(self)

        self.standing = self._run(
            requests.wait(self.id, self._timing, timeout_s=timeout_s, on_look=None if on_look is None else update)
        )
        return self

    def result(self, timeout_s: float | None = None) -> Result:
        """Wait for the result.

        Raises:
            JobFailed, JobCancelled, ResultGone: there will be no result.
            ResultNotReady: the time is over; the job continues.
        """
        result: Result = self._run(requests.result(self.id, self._timing, timeout_s=timeout_s))
        return result

    def rows_behind(self, row: int | None = None, *, in_database: bool = False) -> Result:
        """Read the source rows of its result, or of row number ``row`` of it (the first is 0).

        Each with its weight, file, line number, and every column of the file as text. Of a table in a database, these
        are lines of the tally; ``in_database`` asks for its rows as they are now, with all its columns.
        """
        rows: Result = self._run(requests.rows_behind(self.id, row, self._timing, in_database=in_database))
        return rows

    def explanation(self, row: int = 0, timeout_s: float | None = None) -> RowExplanation:
        """Wait for the result, and read how row number ``row`` of it was computed: in words, and as programs.

        Raises:
            JobFailed, JobCancelled, ResultGone: there will be no result.
            ResultNotReady: the time is over; the job continues.
        """
        flow = requests.explanation(self.id, row, self._timing, timeout_s=timeout_s)
        explanation: RowExplanation = self._run(flow)
        return explanation

    def cancel(self) -> str:
        """Cancel it and return the outcome: "cancelled", "cancelling" (it stops at its next check) or "ended".

        A job that has already ended is left as it is, with its result.
        """
        outcome = self._run(requests.cancel(self.id, self._timing))
        self.standing = outcome.job
        return str(outcome.outcome)


def _how_to_go_on(answered: int, asked: int, resume: str | None) -> str:
    """Say after Ctrl-C what becomes of the jobs.

    >>> print(_how_to_go_on(17, 588, "batch-50"))
    Interrupted after 17 of 588 answers. The jobs continue; call ask_all again with resume="batch-50" to collect them.
    """
    done = f"Interrupted after {answered:,} of {asked:,} answers. The jobs"
    if resume is not None:
        return f'{done} continue; call ask_all again with resume="{resume}" to collect them.'
    return (
        f'{done} that were submitted continue. With resume="NAME", ask_all could be called again without asking twice.'
    )
