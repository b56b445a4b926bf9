"""What is said to a server, and in which order. Told once, for clients that block and for those that do not."""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from itertools import chain
from typing import Any
from urllib.parse import parse_qsl, quote, urlsplit
from uuid import uuid4

import msgspec

from meantime.client.described import Dataset, Datasets, Explanation, Named, Statistic, StatisticInShort, Statistics
from meantime.client.exchange import Conversation, Patience, Pause, Send, exchange
from meantime.client.problems import read
from meantime.client.result import Result
from meantime.client.seen import Accepted, Ask, Dismissal, Page, Standing
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

# The server lets a client wait for 60 s at most; proxies and mobile networks cut connections silent for 30.
_WAIT_S = 25
# How old progress may be that somebody watches.
_WATCHED_WAIT_S = 1
# Between two waits. It costs a job that takes half a minute nothing, and keeps us from asking without a pause a server
# that does not wait: it is stopping, or something between us drops the header.
_BREATH_S = 0.2
# The server's limit on a batch.
_BATCH = 1000
# Rows of the file in one answer; as many as the server gives.
_ROWS_A_PAGE = 10_000
# What a result may fail with that says nothing about the next one.
_FAILED_ALONE = (JobFailed, JobInterrupted, JobUnknown, ResultGone)

# Jobs


def submit(ask: Ask, patience: Patience) -> Conversation[Standing]:
    """Have a job accepted. The key makes sure that it is one, however often the request arrives."""
    response = yield from exchange(_submission(ask), patience)
    return read(response, Standing)


def look(job_id: str, patience: Patience) -> Conversation[Standing]:
    """See how a job stands."""
    response = yield from exchange(Send(method="GET", path=_of(job_id)), patience)
    return read(response, Standing)


def wait(
    job_id: str,
    patience: Patience,
    *,
    timeout_s: float | None = None,
    on_look: Callable[[Standing], object] | None = None,
) -> Conversation[Standing]:
    """Wait for the end of a job, and return how it stands then, or when the time is over."""
    left = _Left(timeout_s, patience)
    longest_s = _WAIT_S if on_look is None else _WATCHED_WAIT_S
    while True:
        send = Send(method="GET", path=_of(job_id), wait_s=left.up_to(longest_s))
        standing = read((yield from exchange(send, patience)), Standing)
        if on_look is not None:
            on_look(standing)
        if standing.state.is_ended or left.is_over:
            return standing
        yield Pause(_BREATH_S)


def cancel(job_id: str, patience: Patience) -> Conversation[Dismissal]:
    """Cancel a job unless it has ended. ``outcome``: cancelled, cancelling (it stops at its next check) or ended.

    The server is told to leave one that has ended as it is, since to delete that would be to remove it with its result.
    So this may be sent again where the answer is lost; what the first one has cancelled has then ``ended``.
    """
    send = Send(method="DELETE", path=_of(job_id), query=(("if", "unfinished"),), is_harmless_twice=True)
    return read((yield from exchange(send, patience)), Dismissal)


def rows_behind(job_id: str, row: int | None, patience: Patience) -> Conversation[Result]:
    """Read the rows of the file that a job's result rests on, or one row of it: page by page, put together."""
    query = (*(() if row is None else (("row", str(row)),)), ("page_rows", str(_ROWS_A_PAGE)))
    pages: list[Result] = []
    while True:
        send = Send(method="GET", path=f"{_of(job_id)}/rows", query=query)
        response = yield from exchange(send, patience)
        pages.append(Result.read(response.content))
        following = response.links.get("next")
        if following is None:
            return _joined(pages)
        query = tuple(parse_qsl(urlsplit(following["url"]).query))


def _joined(pages: Sequence[Result]) -> Result:
    first = pages[0].document
    columns = zip(*(page.document.table.data for page in pages), strict=True)
    data = tuple(list(chain.from_iterable(cells)) for cells in columns)
    return Result(dataclasses.replace(first, table=dataclasses.replace(first.table, data=data)))


def explanation(job_id: str, row: int, patience: Patience) -> Conversation[Explanation]:
    """Read how a row of a job's result came about."""
    send = Send(method="GET", path=f"{_of(job_id)}/explanation", query=(("row", str(row)),))
    return read((yield from exchange(send, patience)), Explanation)


def page(query: Sequence[tuple[str, str]], cursor: str | None, patience: Patience) -> Conversation[Page]:
    """Read a page of the list of jobs."""
    more = () if cursor is None else (("cursor", cursor),)
    response = yield from exchange(Send(method="GET", path="/v1/jobs", query=(*query, *more)), patience)
    return read(response, Page)


def filters(
    state: str | Iterable[str] | None,
    created_after: datetime | None,
    created_before: datetime | None,
    named: Mapping[str, str | None],
) -> tuple[tuple[str, str], ...]:
    """Write down which jobs are meant.

    >>> filters(["done", "failed"], None, None, {"label": "mine", "dataset": None})
    (('state', 'done'), ('state', 'failed'), ('label', 'mine'))
    """
    states = () if state is None else (state,) if isinstance(state, str) else tuple(state)
    moments = {"created_after": created_after, "created_before": created_before}
    return (
        *(("state", str(each)) for each in states),
        *((name, value) for name, value in named.items() if value is not None),
        # A time without a zone is this machine's, as datetime itself has it.
        *((name, moment.astimezone().isoformat()) for name, moment in moments.items() if moment is not None),
    )


# What there is


def datasets(patience: Patience) -> Conversation[dict[str, Dataset]]:
    """Describe every data set that is served, in the server's order."""
    described = {}
    for each in (yield from _names(patience)):
        described[each.name] = yield from _dataset(each.name, patience)
    return described


def dataset(name: str | None, patience: Patience) -> Conversation[Dataset]:
    """Describe a data set, or the one that is asked where none is named."""
    if name is None:
        name = next(each.name for each in (yield from _names(patience)) if each.is_default)
    return (yield from _dataset(name, patience))


def _names(patience: Patience) -> Conversation[tuple[Named, ...]]:
    response = yield from exchange(Send(method="GET", path="/v1/datasets"), patience)
    return read(response, Datasets).datasets


def _dataset(name: str, patience: Patience) -> Conversation[Dataset]:
    response = yield from exchange(Send(method="GET", path=f"/v1/datasets/{quote(name, safe='')}"), patience)
    return read(response, Dataset)


def statistics(patience: Patience) -> Conversation[dict[str, StatisticInShort]]:
    """Describe every statistic that can be asked, in short: there are many."""
    response = yield from exchange(Send(method="GET", path="/v1/statistics"), patience)
    return {each.name: each for each in read(response, Statistics).statistics}


def statistic(name: str, patience: Patience) -> Conversation[Statistic]:
    """Describe a statistic."""
    response = yield from exchange(Send(method="GET", path=f"/v1/statistics/{quote(name, safe='')}"), patience)
    return read(response, Statistic)


# Results


def ask(question: Ask, patience: Patience, *, timeout_s: float | None = None) -> Conversation[Result]:
    """Submit and wait for the result, in one exchange where it is there soon."""
    left = _Left(timeout_s, patience)
    response = yield from exchange(_submission(question, wait_s=left.up_to(_WAIT_S)), patience)
    if response.status_code == 200:
        return Result.read(response.content)
    return (yield from _result(read(response, Standing).id, patience, left))


def result(job_id: str, patience: Patience, *, timeout_s: float | None = None) -> Conversation[Result]:
    """Wait for a job's result.

    Raises:
        ResultNotReady: the time is over; the job goes on.
        JobFailed, JobCancelled, ResultGone: there will be none.
    """
    return (yield from _result(job_id, patience, _Left(timeout_s, patience)))


def _result(job_id: str, patience: Patience, left: _Left) -> Conversation[Result]:
    while True:
        send = Send(method="GET", path=f"{_of(job_id)}/results", wait_s=left.up_to(_WAIT_S))
        try:
            return Result.read((yield from exchange(send, patience)).content)
        except ResultNotReady as error:
            if left.is_over:
                raise ResultNotReady(
                    f"{job_id} has not ended in {left.timeout_s:.3g} s. It goes on: wait again by its id, or cancel it."
                ) from error
        yield Pause(_BREATH_S)


def ask_all(
    questions: Sequence[Ask], patience: Patience, *, on_answer: Callable[[], object] | None = None
) -> Conversation[list[Result | MeantimeError]]:
    """Submit in batches, and return each result, or why there is none, in the order of the questions.

    A batch is submitted when the one before it is answered, so that thousands of questions do not fill the queue.

    Raises:
        RequestInvalid: a question cannot be answered; it carries everything that is wrong with its batch.
    """
    answers: list[Result | MeantimeError] = []
    for first in range(0, len(questions), _BATCH):
        for standing in (yield from submit_all(questions[first : first + _BATCH], patience, first=first)):
            try:
                answers.append((yield from result(standing.id, patience)))
            except _FAILED_ALONE as error:
                answers.append(error)
            if on_answer is not None:
                on_answer()
    return answers


def without_errors(answers: Sequence[Result | MeantimeError]) -> list[Result]:
    """Return the results, or raise the first error among them."""
    results = []
    for answer in answers:
        if isinstance(answer, MeantimeError):
            raise answer
        results.append(answer)
    return results


def submit_all(questions: Sequence[Ask], patience: Patience, *, first: int = 0) -> Conversation[list[Standing]]:
    """Have up to a thousand jobs accepted, or none; ``first`` is the place of the first one, for problems."""
    body = _json({"requests": [question.submission() for question in questions]})
    send = Send(method="POST", path="/v1/jobs/batch", body=body, key=str(uuid4()))
    try:
        response = yield from exchange(send, patience)
    except RequestInvalid as error:
        error.problems = tuple(_further(each, first) for each in error.problems)
        raise
    return read(response, Accepted).jobs


def _submission(ask: Ask, wait_s: int | None = None) -> Send:
    body = _json(ask.submission())
    return Send(method="POST", path="/v1/jobs", body=body, wait_s=wait_s, key=str(uuid4()))


def _json(submission: object) -> bytes:
    try:
        # Not by msgspec, for which NaN is null: a question that says nothing of a year is another one.
        return json.dumps(submission, default=_of_numpy, allow_nan=False).encode()
    except ValueError as error:
        raise ValueError(f"a parameter cannot be NaN or infinite; leave out what is missing ({error})") from error


def _of_numpy(value: Any) -> Any:
    """Let parameters come out of a data frame: numpy's numbers and arrays, and series, know how to be Python's."""
    if hasattr(value, "tolist"):
        return value.tolist()
    raise TypeError(f"a parameter cannot be {value!r}: JSON has texts, numbers, true, false, null and lists of them")


_PLACE = re.compile("^/requests/([0-9]+)", re.ASCII)


def _further(problem: Problem, by: int) -> Problem:
    """Let a problem point to its place in the whole list, not in its batch."""
    pointer = _PLACE.sub(lambda found: f"/requests/{int(found[1]) + by}", problem.pointer)
    return msgspec.structs.replace(problem, pointer=pointer)


def _of(job_id: str) -> str:
    # Whatever was typed for an id, it asks for a job and for nothing else.
    return f"/v1/jobs/{quote(job_id, safe='')}"


class _Left:
    """How much is left of the time that somebody wants to wait."""

    def __init__(self, timeout_s: float | None, patience: Patience) -> None:
        self.timeout_s = timeout_s
        self._clock = patience.clock
        self._end_s = None if timeout_s is None else patience.clock() + timeout_s

    @property
    def seconds(self) -> float | None:
        return None if self._end_s is None else max(0.0, self._end_s - self._clock())

    @property
    def is_over(self) -> bool:
        return self.seconds == 0

    def up_to(self, longest_s: int) -> int:
        """Return for how many seconds to wait now: whole ones, as the header has it."""
        seconds = self.seconds
        return longest_s if seconds is None else min(longest_s, -int(-seconds // 1))
