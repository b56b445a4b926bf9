"""The requests that each call of a client sends, in order. Without I/O: both clients share them (see ``retries``)."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from itertools import chain
from typing import Any
from urllib.parse import parse_qsl, quote, urlsplit
from uuid import uuid4

import msgspec

from meantime.client.jobs import AcceptedJobs, Ask, CancelOutcome, JobListPage, JobStatus
from meantime.client.models import (
    DatasetEntries,
    DatasetEntry,
    DatasetInfo,
    RowExplanation,
    StatisticEntries,
    StatisticEntry,
    StatisticInfo,
)
from meantime.client.problems import decode
from meantime.client.result import Result
from meantime.client.retries import ApiRequest, Delay, RequestFlow, RetryTiming, send
from meantime.errors import (
    JobFailed,
    JobInterrupted,
    JobUnknown,
    MeantimeError,
    Problem,
    RequestInvalid,
    ResultGone,
    ResultNotReady,
)
from meantime.text import listed

# The server waits for at most 60 s; proxies and mobile networks cut connections that are silent for 30.
_WAIT_S = 25
# How old progress may be while somebody watches it.
_WATCHED_WAIT_S = 1
# Between two waits. It hardly delays a job of half a minute, and keeps us from polling without a pause when the server
# does not wait: while it is stopping, or when a proxy drops the header.
_WAIT_DELAY_S = 0.2
# The server's limit for a batch.
_BATCH = 1000
# Source rows in one answer; the most that the server sends.
_PAGE_ROWS = 10_000
# Errors of one result that do not concern the others.
_FAILED_ALONE = (JobFailed, JobInterrupted, JobUnknown, ResultGone)

# Jobs


def submit(ask: Ask, timing: RetryTiming) -> RequestFlow[JobStatus]:
    """Submit a job. Its key makes sure that there is only one, however often the request arrives."""
    response = yield from send(_submission(ask), timing)
    return decode(response, JobStatus)


def job_status(job_id: str, timing: RetryTiming) -> RequestFlow[JobStatus]:
    """Return the status of a job."""
    response = yield from send(ApiRequest(method="GET", path=_job_path(job_id)), timing)
    return decode(response, JobStatus)


def wait(
    job_id: str,
    timing: RetryTiming,
    *,
    timeout_s: float | None = None,
    on_look: Callable[[JobStatus], object] | None = None,
) -> RequestFlow[JobStatus]:
    """Wait until a job ends or the time is over, and return its status then."""
    deadline = _Deadline(timeout_s, timing)
    longest_s = _WAIT_S if on_look is None else _WATCHED_WAIT_S
    while True:
        request = ApiRequest(method="GET", path=_job_path(job_id), wait_s=deadline.seconds_up_to(longest_s))
        status = decode((yield from send(request, timing)), JobStatus)
        if on_look is not None:
            on_look(status)
        if status.state.is_ended or deadline.is_over:
            return status
        yield Delay(_WAIT_DELAY_S)


def cancel(job_id: str, timing: RetryTiming) -> RequestFlow[CancelOutcome]:
    """Cancel a job unless it has ended. ``outcome``: cancelled, cancelling (it stops at its next check) or ended.

    A plain DELETE of a job that has ended would remove it with its result, so the server is asked to leave such a job
    alone. Hence this may be sent again when the answer is lost; a job that the first one cancelled then has ``ended``.
    """
    request = ApiRequest(method="DELETE", path=_job_path(job_id), query=(("if", "unfinished"),), is_idempotent=True)
    return decode((yield from send(request, timing)), CancelOutcome)


def rows_behind(job_id: str, row: int | None, timing: RetryTiming, *, in_database: bool) -> RequestFlow[Result]:
    """Read the source rows of a job's result, or of one row of it, page by page, and join the pages."""
    query = (*(() if row is None else (("row", str(row)),)), ("page_rows", str(_PAGE_ROWS)))
    if in_database:
        query = (*query, ("in_database", "yes"))
    pages: list[Result] = []
    while True:
        request = ApiRequest(method="GET", path=f"{_job_path(job_id)}/rows", query=query)
        response = yield from send(request, timing)
        pages.append(Result.read(response.content))
        next_link = response.links.get("next")
        if next_link is None:
            return _join(pages)
        query = tuple(parse_qsl(urlsplit(next_link["url"]).query))


def _join(pages: Sequence[Result]) -> Result:
    first = pages[0].document
    columns = zip(*(page.document.table.data for page in pages), strict=True)
    data = tuple(list(chain.from_iterable(cells)) for cells in columns)
    return Result(dataclasses.replace(first, table=dataclasses.replace(first.table, data=data)))


def explanation(
    job_id: str, row: int, timing: RetryTiming, *, timeout_s: float | None = None
) -> RequestFlow[RowExplanation]:
    """Wait for a job's end, and read how a row of its result was computed.

    Raises:
        ResultNotReady: the time is over; the job continues.
        JobFailed, JobCancelled, ResultGone: there will be no result.
    """
    request = ApiRequest(method="GET", path=f"{_job_path(job_id)}/explanation", query=(("row", str(row)),))
    try:
        response = yield from send(request, timing)
    except ResultNotReady:
        yield from wait(job_id, timing, timeout_s=timeout_s)
        response = yield from send(request, timing)
    return decode(response, RowExplanation)


def jobs_page(query: Sequence[tuple[str, str]], cursor: str | None, timing: RetryTiming) -> RequestFlow[JobListPage]:
    """Read a page of the list of jobs."""
    more = () if cursor is None else (("cursor", cursor),)
    response = yield from send(ApiRequest(method="GET", path="/v1/jobs", query=(*query, *more)), timing)
    return decode(response, JobListPage)


def job_filters(
    state: str | Iterable[str] | None,
    created_after: datetime | None,
    created_before: datetime | None,
    texts: Mapping[str, str | None],
) -> tuple[tuple[str, str], ...]:
    """Return the filters of a list of jobs as query parameters.

    >>> job_filters(["done", "failed"], None, None, {"label": "mine", "dataset": None})
    (('state', 'done'), ('state', 'failed'), ('label', 'mine'))
    """
    states = () if state is None else (state,) if isinstance(state, str) else tuple(state)
    times = {"created_after": created_after, "created_before": created_before}
    return (
        *(("state", str(each)) for each in states),
        *((name, text) for name, text in texts.items() if text is not None),
        # A time without a zone is in this machine's, as it is for datetime itself.
        *((name, time.astimezone().isoformat()) for name, time in times.items() if time is not None),
    )


# Data sets and statistics


def datasets(timing: RetryTiming) -> RequestFlow[dict[str, DatasetInfo]]:
    """Describe every data set, in the server's order."""
    described = {}
    for each in (yield from _dataset_entries(timing)):
        described[each.name] = yield from _dataset(each.name, timing)
    return described


def dataset(name: str | None, timing: RetryTiming) -> RequestFlow[DatasetInfo]:
    """Describe a data set, or the default one."""
    if name is None:
        name = next(each.name for each in (yield from _dataset_entries(timing)) if each.is_default)
    return (yield from _dataset(name, timing))


def _dataset_entries(timing: RetryTiming) -> RequestFlow[tuple[DatasetEntry, ...]]:
    response = yield from send(ApiRequest(method="GET", path="/v1/datasets"), timing)
    return decode(response, DatasetEntries).datasets


def _dataset(name: str, timing: RetryTiming) -> RequestFlow[DatasetInfo]:
    response = yield from send(ApiRequest(method="GET", path=f"/v1/datasets/{quote(name, safe='')}"), timing)
    return decode(response, DatasetInfo)


def statistics(timing: RetryTiming) -> RequestFlow[dict[str, StatisticEntry]]:
    """List every statistic, in short."""
    response = yield from send(ApiRequest(method="GET", path="/v1/statistics"), timing)
    return {each.name: each for each in decode(response, StatisticEntries).statistics}


def statistic(name: str, timing: RetryTiming) -> RequestFlow[StatisticInfo]:
    """Describe a statistic."""
    response = yield from send(ApiRequest(method="GET", path=f"/v1/statistics/{quote(name, safe='')}"), timing)
    return decode(response, StatisticInfo)


# Results


def start(question: Ask, timing: RetryTiming, *, wait_s: int) -> RequestFlow[Result | JobStatus]:
    """Submit a job, and return its result if it is ready within these seconds, else its status."""
    response = yield from send(_submission(question, wait_s=wait_s), timing)
    return Result.read(response.content) if response.status_code == 200 else decode(response, JobStatus)


def ask(question: Ask, timing: RetryTiming, *, timeout_s: float | None = None) -> RequestFlow[Result]:
    """Submit a job and wait for its result, in one request if it is ready soon."""
    deadline = _Deadline(timeout_s, timing)
    started = yield from start(question, timing, wait_s=deadline.seconds_up_to(_WAIT_S))
    if isinstance(started, Result):
        return started
    return (yield from _result(started.id, timing, deadline))


def result(job_id: str, timing: RetryTiming, *, timeout_s: float | None = None) -> RequestFlow[Result]:
    """Wait for a job's result.

    Raises:
        ResultNotReady: the time is over; the job continues.
        JobFailed, JobCancelled, ResultGone: there will be no result.
    """
    return (yield from _result(job_id, timing, _Deadline(timeout_s, timing)))


def _result(job_id: str, timing: RetryTiming, deadline: _Deadline) -> RequestFlow[Result]:
    while True:
        path = f"{_job_path(job_id)}/results"
        request = ApiRequest(method="GET", path=path, wait_s=deadline.seconds_up_to(_WAIT_S))
        try:
            return Result.read((yield from send(request, timing)).content)
        except ResultNotReady as error:
            if deadline.is_over:
                raise ResultNotReady(
                    f"{job_id} has not ended after {deadline.timeout_s:.3g} s. It continues: wait again by its id, "
                    "or cancel it."
                ) from error
        yield Delay(_WAIT_DELAY_S)


def ask_all(
    questions: Sequence[Ask],
    timing: RetryTiming,
    *,
    keep_errors: bool = False,
    resume: str | None = None,
    on_answer: Callable[[], object] | None = None,
) -> RequestFlow[list[Result | MeantimeError]]:
    """Submit in batches, and return each result, or why there is none, in the order of the questions.

    A batch is submitted when the one before it is answered, so that thousands of questions do not fill the queue.
    Under the same name in ``resume``, equal batches are the same jobs.

    Raises:
        RequestInvalid: a question cannot be answered, without ``keep_errors``; ``problems`` lists everything that is
            wrong in its batch.
    """
    answers: list[Result | MeantimeError] = []
    numbered = list(enumerate(questions))
    for first in range(0, len(numbered), _BATCH):
        batch = numbered[first : first + _BATCH]
        jobs, refused = yield from _submit_batch(batch, timing, keep_errors=keep_errors, resume=resume)
        for index, _ in batch:
            if index in jobs:
                answers.append((yield from _answer(index, jobs[index], timing)))
            else:
                answers.append(refused[index])
            if on_answer is not None:
                on_answer()
    return answers


def _answer(index: int, job: JobStatus, timing: RetryTiming) -> RequestFlow[Result | MeantimeError]:
    try:
        return (yield from result(job.id, timing))
    except _FAILED_ALONE as error:
        error.args = (f"ask {index}: {error.reason}",)
        return error


def without_errors(answers: Sequence[Result | MeantimeError]) -> list[Result]:
    """Return the results, or raise the first error among them."""
    results = []
    for answer in answers:
        if isinstance(answer, MeantimeError):
            raise answer
        results.append(answer)
    return results


def _submit_batch(
    batch: Sequence[tuple[int, Ask]], timing: RetryTiming, *, keep_errors: bool, resume: str | None
) -> RequestFlow[tuple[dict[int, JobStatus], dict[int, MeantimeError]]]:
    """Submit up to a thousand jobs, and return them by index; to keep errors, without those that are refused."""
    refused: dict[int, MeantimeError] = {}
    while batch:
        try:
            jobs = yield from _submit_all(batch, timing, resume=resume)
        except RequestInvalid as error:
            by_index = _by_index(error.problems)
            if not keep_errors or not by_index:
                raise
            for index, problems in by_index.items():
                refused[index] = RequestInvalid(_message(problems), problems=problems)
            batch = [(index, question) for index, question in batch if index not in by_index]
        else:
            return {index: job for (index, _), job in zip(batch, jobs, strict=True)}, refused
    return {}, refused


def _submit_all(
    batch: Sequence[tuple[int, Ask]], timing: RetryTiming, *, resume: str | None
) -> RequestFlow[list[JobStatus]]:
    """Submit jobs: all are accepted, or none. Problems have the indexes of the whole list."""
    body = _json({"requests": [question.submission() for _, question in batch]})
    key = str(uuid4()) if resume is None else _key_of(resume, batch[0][0], body)
    request = ApiRequest(method="POST", path="/v1/jobs/batch", body=body, key=key)
    try:
        response = yield from send(request, timing)
    except RequestInvalid as error:
        problems = tuple(_of_whole_list(each, batch) for each in error.problems)
        raise RequestInvalid(_message(problems) or error.reason, problems=problems) from error
    return decode(response, AcceptedJobs).jobs


def _key_of(resume: str, first: int, body: bytes) -> str:
    """Return the idempotency key of a batch: the same for the same name, place in the list, and questions."""
    return hashlib.blake2b(b"\0".join((resume.encode(), str(first).encode(), body)), digest_size=20).hexdigest()


def _submission(ask: Ask, wait_s: int | None = None) -> ApiRequest:
    body = _json(ask.submission())
    return ApiRequest(method="POST", path="/v1/jobs", body=body, wait_s=wait_s, key=str(uuid4()))


def _json(submission: object) -> bytes:
    try:
        # Not msgspec, which writes NaN as null: a request without a year is another request.
        return json.dumps(submission, default=_plain_value, allow_nan=False).encode()
    except ValueError as error:
        raise ValueError(f"A parameter cannot be NaN or infinite. Leave out missing values ({error}).") from error


def _plain_value(value: Any) -> Any:
    """Convert numbers, arrays and series of numpy and pandas, so that parameters may come from a data frame."""
    if hasattr(value, "tolist"):
        return value.tolist()
    raise TypeError(f"A parameter cannot be {value!r}. JSON has text, numbers, true, false, null and lists of these.")


_REQUEST_INDEX = re.compile("^/requests/([0-9]+)", re.ASCII)


def _of_whole_list(problem: Problem, batch: Sequence[tuple[int, Ask]]) -> Problem:
    """Let a problem point to its question in the whole list instead of its batch."""
    pointer = _REQUEST_INDEX.sub(lambda match: f"/requests/{batch[int(match[1])][0]}", problem.pointer)
    return msgspec.structs.replace(problem, pointer=pointer)


def _by_index(problems: Iterable[Problem]) -> dict[int, list[Problem]]:
    found: dict[int, list[Problem]] = {}
    for problem in problems:
        if (match := _REQUEST_INDEX.match(problem.pointer)) is not None:
            found.setdefault(int(match[1]), []).append(problem)
    return found


def _message(problems: Iterable[Problem]) -> str:
    """Say what is wrong with which questions, each sentence once.

    >>> wrong = [Problem(pointer=f"/requests/{at}/parameters/years", code="absent", detail="No 2021.") for at in (3, 5)]
    >>> print(_message([*wrong, Problem(pointer="/requests/7/statistic", code="missing", detail="No statistic.")]))
    asks 3 and 5: No 2021.
    ask 7: No statistic.
    """
    asks: dict[str, list[str]] = {}
    for problem in problems:
        match = _REQUEST_INDEX.match(problem.pointer)
        asks.setdefault(problem.detail, []).extend([match[1]] if match else [])
    lines = []
    for detail, indexes in asks.items():
        one_or_more = "ask" if len(indexes) == 1 else "asks"
        lines.append(f"{one_or_more} {listed(indexes)}: {detail}" if indexes else detail)
    return "\n".join(lines)


def _job_path(job_id: str) -> str:
    # Quoted, so that whatever was typed as an id cannot name anything but a job.
    return f"/v1/jobs/{quote(job_id, safe='')}"


class _Deadline:
    """The end of the time that a caller wants to wait."""

    def __init__(self, timeout_s: float | None, timing: RetryTiming) -> None:
        self.timeout_s = timeout_s
        self._clock = timing.clock
        self._end_s = None if timeout_s is None else timing.clock() + timeout_s

    @property
    def seconds_left(self) -> float | None:
        return None if self._end_s is None else max(0.0, self._end_s - self._clock())

    @property
    def is_over(self) -> bool:
        return self.seconds_left == 0

    def seconds_up_to(self, longest_s: int) -> int:
        """Return how long to wait now, in whole seconds as the header needs them."""
        seconds = self.seconds_left
        return longest_s if seconds is None else min(longest_s, -int(-seconds // 1))
