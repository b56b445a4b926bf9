"""GET /v1/jobs and /v1/jobs/{job_id}."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple
from urllib.parse import urlencode

import msgspec

from meantime.did_you_mean import closest
from meantime.engine.ports import JobFilter
from meantime.model import JobState
from meantime.text import quoted
from meantime.web.backend import Backend
from meantime.web.http import cursor as cursors
from meantime.web.http.prefer import applied, preferred_wait
from meantime.web.http.query import Query
from meantime.web.http.replies import Reply
from meantime.web.http.request import HttpRequest
from meantime.web.v1.job_parameters import job_number_of
from meantime.web.v1.jobs.parameters import LIST_PARAMETERS, PAGE, PAGE_LIMIT
from meantime.web.v1.jobs.resource import NO_STORE, JobPage, PageLinks, job_resource

_ENCODER = msgspec.json.Encoder()


async def get_job(backend: Backend, request: HttpRequest) -> Reply:
    """GET /v1/jobs/{job_id}: the state of a job, after waiting for its end if the client prefers that."""
    Query(request.query, ()).check()
    wait_s = preferred_wait(request.header("prefer"))
    engine = backend.engine
    detail = await backend.waiters.wait_for_end(
        engine, job_number_of(request), within_s=wait_s or 0, disconnected=request.disconnected
    )
    return Reply(
        200,
        _ENCODER.encode(job_resource(detail, keep_ended_s=backend.keep_ended_s)),
        headers=(*applied(wait_s), *NO_STORE),
        job_id=detail.record.id,
    )


class JobListQuery(NamedTuple):
    """The parameters of a list of jobs."""

    job_filter: JobFilter
    limit: int = PAGE
    cursor: str | None = None


async def list_jobs(backend: Backend, request: HttpRequest) -> Reply:
    """GET /v1/jobs: a page of jobs, newest first."""
    list_query = read_list_query(request.query, tuple(parameter.name for parameter in LIST_PARAMETERS))
    before = None if list_query.cursor is None else cursors.decode(list_query.cursor, _list_of(list_query.job_filter))

    def page() -> JobPage:
        # One more than fits on the page shows whether there is another page.
        jobs = backend.engine.find(list_query.job_filter, before=before, limit=list_query.limit + 1)
        shown = jobs[: list_query.limit]
        is_last = len(jobs) <= list_query.limit
        cursor = None if is_last else cursors.encode(shown[-1].record.number, _list_of(list_query.job_filter))
        return JobPage(
            jobs=[job_resource(detail, keep_ended_s=backend.keep_ended_s) for detail in shown],
            next=cursor,
            links=PageLinks(next=None if cursor is None else _url_of_next(request.query, cursor)),
        )

    def answer() -> Reply:
        made = page()
        link = () if made.links.next is None else (("link", f'<{made.links.next}>; rel="next"'),)
        return Reply(200, _ENCODER.encode(made), headers=(*link, NO_STORE[0]))

    return await asyncio.to_thread(answer)


def read_list_query(pairs: Sequence[tuple[str, str]], names: Sequence[str]) -> JobListQuery:
    """Read the filters and the page. Only ``state`` may be repeated; jobs in any of these states match.

    ``names`` are the parameters of the endpoint.

    Raises:
        RequestInvalid: with all problems.
    """
    query = Query(pairs, names)
    list_query = JobListQuery(
        job_filter=JobFilter(
            states=_states(query),
            statistic=query.one("statistic"),
            dataset=query.one("dataset"),
            label=query.one("label"),
            created_after_s=_since(query, "created_after"),
            created_before_s=_since(query, "created_before"),
        ),
        limit=query.number("limit", default=PAGE, up_to=PAGE_LIMIT),
        cursor=query.one("cursor"),
    )
    query.check()
    return list_query


def _states(query: Query) -> frozenset[JobState] | None:
    states = set()
    for text in query.all("state"):
        try:
            states.add(JobState(text))
        except ValueError:
            known = [str(state) for state in JobState]
            detail = f"There is no state {quoted(text)}; there are {', '.join(known)}."
            query.wrong("state", "unknown", detail, closest(text, known))
    return frozenset(states) or None


def _since(query: Query, name: str) -> float | None:
    text = query.one(name)
    if text is None:
        return None
    if re.search(r":[0-9.]+ [0-9]{2}:[0-9]{2}$", text):
        text = f"{text[:-6]}+{text[-5:]}"  # an unescaped plus of the time zone has become a space
    try:
        moment = msgspec.convert(text, datetime)
    except msgspec.ValidationError:
        moment = None
    if moment is None or moment.tzinfo is None:
        detail = f'"{name}" must be a time with its zone, such as 2026-11-24T09:30:00Z, not {quoted(text)}.'
        query.wrong(name, "type", detail)
        return None
    return moment.timestamp()


def _url_of_next(query: Sequence[tuple[str, str]], cursor: str) -> str:
    pairs = [(name, value) for name, value in query if name != "cursor"]
    return "/v1/jobs?" + urlencode([*pairs, ("cursor", cursor)])


def _list_of(job_filter: JobFilter) -> list[Any]:
    """Return what identifies the list for a cursor: another filter makes another list."""
    return [sorted(job_filter.states or ()), *msgspec.structs.astuple(job_filter)[1:]]
