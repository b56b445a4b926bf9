"""/rows and /explanation, of jobs and of statistics: from a number to the rows of the file, and how it was made."""

from __future__ import annotations

import asyncio
import dataclasses
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, NamedTuple
from urllib.parse import urlencode

import msgspec

from meantime.errors import (
    CursorInvalid,
    DatasetNotReady,
    NotAcceptable,
    PathUnknown,
    Problem,
    RangeInvalid,
    RequestInvalid,
    ResultGone,
    SnapshotDamaged,
)
from meantime.formats import document as documents
from meantime.formats.document import Document
from meantime.formats.forms import Form, forms_of
from meantime.model import JobRecord, Unwatched
from meantime.statistics.explain.source_rows import Page, page, row_asked, row_of
from meantime.statistics.explain.steps import explain
from meantime.statistics.registry import STATISTICS
from meantime.statistics.statistic import AnyPrepared
from meantime.web.backend import Backend
from meantime.web.http import conditional
from meantime.web.http import cursor as cursors
from meantime.web.http.endpoint import Endpoint, Header, Outcome, Parameter
from meantime.web.http.query import Query
from meantime.web.http.replies import Reply, Stream
from meantime.web.http.request import HttpRequest
from meantime.web.v1 import results, statistics
from meantime.web.v1.representation import choose, represent, stem_of
from meantime.web.v1.results import ACCEPT, CHART, CONDITIONS, JOB_ID
from meantime.web.v1.statistics import NAME, QUERY

# Rows of a page: as many as people look through, and at most some megabytes.
_PAGE = 100
_PAGE_LIMIT = 10_000

# In a table of more, a page is one of the few long answers at a time: among five million rows it takes 0.2 to 0.5 s to
# find (30 ms in the CDC's table), and up to half a gigabyte.
_LONG_ROWS = 1_000_000

# What a query has beside the question itself.
_OURS = ("row", "key", "cursor", "page_rows")
# Rows of the file are of no statistic that has a chart.
_NO_CHART = "rows"
# Of the number of a row: no answer has a billion.
_ROW_DIGITS = 9


class _Asked(NamedTuple):
    """Which row of the answer is asked after, and which page of what it rests on."""

    row: int | None
    key: tuple[str, ...]
    cursor: str | None
    page_rows: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _Answered:
    """An answer, with what it was made from."""

    prepared: AnyPrepared
    document: Document


def _read(pairs: Sequence[tuple[str, str]], names: Sequence[str]) -> _Asked:
    query = Query(pairs, names)
    row = query.one("row")
    if row is not None and not (row.isascii() and row.isdecimal() and len(row) <= _ROW_DIGITS):
        query.wrong("row", "type", '"row" must be the number of a row of the answer; the first one is 0.')
        row = None
    asked = _Asked(
        row=None if row is None else int(row),
        key=tuple(query.all("key")),
        cursor=query.one("cursor"),
        page_rows=query.number("page_rows", default=_PAGE, up_to=_PAGE_LIMIT),
    )
    query.check()
    return asked


# Where the answer comes from


async def _of_statistic(backend: Backend, request: HttpRequest, names: Sequence[str]) -> tuple[_Answered, _Asked]:
    statistic = statistics.statistic_of(request)
    # A chart is no part of what is asked here, and so refused with what else is unknown.
    ours = [pair for pair in request.query if pair[0] in (*names, CHART.name)]
    asked = _read(ours, names)
    theirs = [pair for pair in request.query if pair not in ours]
    question = await statistics.read(theirs, statistic, backend.catalog)
    making = statistics.Making(backend, question)
    try:
        document = await asyncio.to_thread(making.document)
    finally:
        # Where the client has left, or the server gives up: the thread is to know.
        making.work.stop()
    return _Answered(prepared=question.prepared, document=document), asked


async def _of_job(backend: Backend, request: HttpRequest, names: Sequence[str]) -> tuple[_Answered, _Asked]:
    asked = _read(request.query, names)
    detail = backend.engine.describe(results.number_of(request))
    receipt, job = results.receipt_of(detail), detail.record
    statistic = STATISTICS.get(job.request.statistic)
    if statistic is None or statistic.method_version != receipt.method_version:
        raise ResultGone(
            f"{job.id} was answered by version {receipt.method_version} of {job.request.statistic}, which this server "
            "does not have any more, so it cannot say what it rests on. Submit the request again."
        )
    prepared = await asyncio.to_thread(_prepared, backend, job)
    if job.request.view == "document":
        document = documents.decode(await results.kept(backend, job, receipt))
    else:
        # Its file has the classic JSON, which says less.
        document = await asyncio.to_thread(backend.compute.document, prepared, job.request.dataset, Unwatched())
    return _Answered(prepared=prepared, document=document), asked


def _prepared(backend: Backend, job: JobRecord) -> AnyPrepared:
    try:
        return backend.compute.prepare(job.request)
    except (SnapshotDamaged, DatasetNotReady) as error:
        raise ResultGone(
            f"The snapshot that {job.id} was answered from is not there any more, and with it the rows are gone that "
            "the result rests on. Submit the request again."
        ) from error


# Rows


async def get_statistic_rows(backend: Backend, request: HttpRequest) -> Reply | Stream:
    """GET /v1/statistics/{name}/rows?...: the rows of the file that an answer rests on."""
    form = choose(request.header("accept"), request.path_params.get("suffix"), _NO_CHART)
    answered, asked = await _of_statistic(backend, request, _OURS)
    # Not for ever, also where a fingerprint is named: it is that of the content, and lines may change their order.
    base = f"/v1/statistics/{answered.document.statistic}/rows"
    return await _rows(backend, request, answered, asked, form=form, base=base, cache_control=statistics.ASK_AFTER)


async def get_job_rows(backend: Backend, request: HttpRequest) -> Reply | Stream:
    """GET /v1/jobs/{job_id}/rows: the rows of the file that a result rests on."""
    form = choose(request.header("accept"), request.path_params.get("suffix"), _NO_CHART)
    answered, asked = await _of_job(backend, request, _OURS)
    base = f"/v1/jobs/{request.path_params['job_id']}/rows"
    return await _rows(backend, request, answered, asked, form=form, base=base, cache_control=results.CACHE_CONTROL)


async def _rows(
    backend: Backend,
    request: HttpRequest,
    answered: _Answered,
    asked: _Asked,
    *,
    form: Form,
    base: str,
    cache_control: str,
) -> Reply | Stream:
    answer = answered.document
    place = row_asked(answer.table, row=asked.row, key=asked.key)
    list_of = [answer.statistic, answer.parameters, answer.fingerprint, place]
    after = None if asked.cursor is None else cursors.read(asked.cursor, list_of)

    is_long = answered.prepared.snapshot.about.rows > _LONG_ROWS
    slots = statistics.answers_of(backend.catalog).slots if is_long else None

    def make() -> Page:
        row = None if place is None else row_of(answer.table, place)
        with statistics.slot(slots):
            return page(answered.prepared, row, after=after, limit=asked.page_rows)

    found = await asyncio.to_thread(make)
    made = dataclasses.replace(answer, table=found.table)
    suffix = f".{request.path_params['suffix']}" if "suffix" in request.path_params else ""
    link = () if found.after is None else (_link(request, f"{base}{suffix}", cursors.write(found.after, list_of)),)
    return await represent(
        request,
        form=form,
        tag=hashlib.blake2b(documents.encode(made), digest_size=16).hexdigest(),
        document=lambda: made,
        cache_control=cache_control,
        headers=link,
        stem=stem_of(f"{answer.statistic}-rows", answer.dataset, answer.fingerprint),
        is_quick=asked.page_rows <= _PAGE,
    )


def _link(request: HttpRequest, path: str, cursor: str) -> tuple[str, str]:
    pairs = [(name, value) for name, value in request.query if name != "cursor"]
    return "link", f'<{path}?{urlencode([*pairs, ("cursor", cursor)])}>; rel="next"'


# Explanations


class StepResource(msgspec.Struct, frozen=True, kw_only=True):
    """One step from the rows of the file to the number."""

    text: Annotated[str, msgspec.Meta(description="In words.")]
    formula: Annotated[str | None, msgspec.Meta(description="With the numbers in it, rounded for the eye.")]
    numbers: Annotated[dict[str, float], msgspec.Meta(description="The same in full, by column or symbol.")]


class ProgramsResource(msgspec.Struct, frozen=True, kw_only=True):
    """Programs that compute the number again from the file, with nothing of Meantime."""

    python: Annotated[str, msgspec.Meta(description="With numpy and pandas. `result` is what it comes to.")]
    r: Annotated[str, msgspec.Meta(description="With base R.")]
    computes: Annotated[list[str], msgspec.Meta(description="Columns of the answer that they give.")]
    leaves_out: Annotated[list[str], msgspec.Meta(description="What they do not compute, and why.")]


class ExplanationLinks(msgspec.Struct, frozen=True, kw_only=True):
    """Where to go on from an explanation."""

    rows: Annotated[str, msgspec.Meta(description="The rows of the file that the number rests on.")]


class ExplanationResource(msgspec.Struct, frozen=True, kw_only=True):
    """How a row of an answer came about."""

    title: str
    statistic: str
    parameters: dict[str, Any]
    dataset: str
    fingerprint: str
    method_version: int
    row: Annotated[int, msgspec.Meta(description="Number of the row in the answer; the first one is 0.", ge=0)]
    values: Annotated[dict[str, str | int | float | None], msgspec.Meta(description="The row itself.")]
    number: Annotated[
        str | None,
        msgspec.Meta(description="The column that the weights of its rows add up to; null if there is none."),
    ]
    steps: list[StepResource]
    assumptions: list[str]
    warnings: Annotated[list[str], msgspec.Meta(description="Those of the answer.")]
    sources: Annotated[list[str], msgspec.Meta(description="Where the method is published.")]
    programs: ProgramsResource
    citation: str
    links: ExplanationLinks


async def get_statistic_explanation(backend: Backend, request: HttpRequest) -> Reply:
    """GET /v1/statistics/{name}/explanation?...: how a row of an answer came about."""
    answered, asked = await _of_statistic(backend, request, _OURS_OF_EXPLANATION)
    base = f"/v1/statistics/{answered.document.statistic}/rows"
    return await _explained(request, answered, asked, base, cache_control=statistics.ASK_AFTER)


async def get_job_explanation(backend: Backend, request: HttpRequest) -> Reply:
    """GET /v1/jobs/{job_id}/explanation: how a row of a result came about."""
    answered, asked = await _of_job(backend, request, _OURS_OF_EXPLANATION)
    base = f"/v1/jobs/{request.path_params['job_id']}/rows"
    return await _explained(request, answered, asked, base, cache_control=results.CACHE_CONTROL)


async def _explained(
    request: HttpRequest, answered: _Answered, asked: _Asked, base: str, *, cache_control: str
) -> Reply:
    answer = answered.document
    place = row_asked(answer.table, row=asked.row, key=asked.key) or 0
    if not len(answer.table):
        detail = "The answer has no row that could be explained."
        raise RequestInvalid(detail, problems=(Problem(pointer="/row", code="range", detail=detail),))
    query = [pair for pair in request.query if pair[0] not in ("row", "key")]

    def make() -> bytes:
        resource = _explanation(answered, place, f"{base}?{urlencode([*query, ('row', place)])}")
        return _ENCODER.encode(resource)

    return conditional.answer(request, await asyncio.to_thread(make), cache_control=cache_control)


def _explanation(answered: _Answered, place: int, rows: str) -> ExplanationResource:
    answer, row = answered.document, row_of(answered.document.table, place)
    made = explain(answered.prepared, answer.table, row)
    return ExplanationResource(
        title=made.title,
        statistic=answer.statistic,
        parameters=dict(answer.parameters),
        dataset=answer.dataset,
        fingerprint=answer.fingerprint,
        method_version=answer.method_version,
        row=place,
        values=row,
        number=made.number,
        steps=[StepResource(text=step.text, formula=step.formula, numbers=step.numbers) for step in made.steps],
        assumptions=list(made.assumptions),
        warnings=list(made.warnings),
        sources=list(made.sources),
        programs=ProgramsResource(
            python=made.python, r=made.r, computes=list(made.computes), leaves_out=list(made.leaves_out)
        ),
        citation=answer.citation,
        links=ExplanationLinks(rows=rows),
    )


_ENCODER = msgspec.json.Encoder()
_OURS_OF_EXPLANATION = ("row", "key")


# What the document tells

_ROW = Parameter(
    name="row",
    where="query",
    kind=Annotated[int, msgspec.Meta(ge=0, le=10**_ROW_DIGITS - 1)],
    description="Number of a row of the answer; the first one is 0. Left out, with `key` too: all of the answer, "
    "without weights, unless it has one row only.",
    example=0,
)
_KEY = Parameter(
    name="key",
    where="query",
    kind=list[str],
    description="The row by its labels instead: its location, category, stratum and period, as far as the answer has "
    "them, in the order of its columns, by repetition. The first row that has them is taken.",
)
_CURSOR = Parameter(
    name="cursor", where="query", kind=str, description="Where the list goes on: that of the header `Link`."
)
_PAGE_ROWS = Parameter(
    name="page_rows",
    where="query",
    kind=Annotated[int, msgspec.Meta(ge=1, le=_PAGE_LIMIT)],
    description=f"How many rows of the file a page has; left out, {_PAGE}.",
    example=_PAGE,
)
_FORMS = forms_of(_NO_CHART)
_SUFFIX = Parameter(
    name="suffix",
    where="path",
    kind=Annotated[str, msgspec.Meta(pattern=f"^({'|'.join(_FORMS)})$")],
    description=f"One of {', '.join(_FORMS)}.",
    required=True,
    example="csv",
)
_QUESTION = tuple(each for each in QUERY if each is not CHART)
_PAGING = (_ROW, _KEY, _CURSOR, _PAGE_ROWS)
_NEXT = Header(name="Link", description='The next page: `<...>; rel="next"`.', required=False)

_ROWS = (
    "The very rows of the file that a number rests on: file name and physical line, all columns as text as they stand "
    "there, and the weight of each. Where the number is a weighted sum (a mean, a pooled estimate, a difference, a "
    "slope), weight times value, added up over all pages, is that number; a note says which one. Withheld rows are "
    "there too, without a weight and with the reason. Pages come in the order of the file; the header `Link` leads on."
)
_BY_ACCEPT = "The form is the one that `Accept` wants most, JSON if it does not say."
_BY_SUFFIX = "The suffix names the form, whatever `Accept` says."


def _outcomes() -> tuple[Outcome, ...]:
    return results.outcomes(_NEXT)


_EXPLANATION = (
    "How a row of the answer came about: the formula with the numbers in it, in words, step by step from the rows of "
    "the file; what is assumed, where the method is published, and programs in Python and R that compute the same."
)
_ROW_EXPLAINED = (
    dataclasses.replace(_ROW, description="Number of a row of the answer; left out, with `key` too: the first one, 0."),
    _KEY,
)
_EXPLANATIONS = (
    Outcome(
        status=200,
        description="The explanation.",
        content={"application/json": ExplanationResource},
        headers=(conditional.ETAG, conditional.CACHE_CONTROL),
    ),
    conditional.NOT_MODIFIED,
)

ENDPOINTS: tuple[Endpoint, ...] = (
    Endpoint(
        name="get_statistic_rows",
        method="GET",
        path="/v1/statistics/{name}/rows",
        tag="statistics",
        summary="Read the rows that an answer rests on",
        description=f"{_ROWS} The query is that of the answer. {_BY_ACCEPT}",
        handle=get_statistic_rows,
        parameters=(NAME, *_QUESTION, *_PAGING, ACCEPT, *CONDITIONS),
        outcomes=_outcomes(),
        problems=(*statistics.PROBLEMS, CursorInvalid, SnapshotDamaged, NotAcceptable),
    ),
    Endpoint(
        name="get_statistic_rows_as",
        method="GET",
        path="/v1/statistics/{name}/rows.{suffix}",
        tag="statistics",
        summary="Read the rows that an answer rests on as a file",
        description=f"{_ROWS} The query is that of the answer. {_BY_SUFFIX}",
        handle=get_statistic_rows,
        parameters=(NAME, _SUFFIX, *_QUESTION, *_PAGING, *CONDITIONS),
        outcomes=_outcomes(),
        problems=(*statistics.PROBLEMS, CursorInvalid, SnapshotDamaged, PathUnknown),
    ),
    Endpoint(
        name="get_job_rows",
        method="GET",
        path="/v1/jobs/{job_id}/rows",
        tag="results",
        summary="Read the rows that a result rests on",
        description=f"{_ROWS} {_BY_ACCEPT}",
        handle=get_job_rows,
        parameters=(JOB_ID, *_PAGING, ACCEPT, *CONDITIONS),
        outcomes=_outcomes(),
        problems=(*results.PROBLEMS, RequestInvalid, CursorInvalid, SnapshotDamaged, NotAcceptable),
    ),
    Endpoint(
        name="get_job_rows_as",
        method="GET",
        path="/v1/jobs/{job_id}/rows.{suffix}",
        tag="results",
        summary="Read the rows that a result rests on as a file",
        description=f"{_ROWS} {_BY_SUFFIX}",
        handle=get_job_rows,
        parameters=(JOB_ID, _SUFFIX, *_PAGING, *CONDITIONS),
        outcomes=_outcomes(),
        problems=(*results.PROBLEMS, RequestInvalid, CursorInvalid, SnapshotDamaged, PathUnknown),
    ),
    Endpoint(
        name="get_statistic_explanation",
        method="GET",
        path="/v1/statistics/{name}/explanation",
        tag="statistics",
        summary="Read how an answer came about",
        description=f"{_EXPLANATION} The query is that of the answer.",
        handle=get_statistic_explanation,
        parameters=(NAME, *_QUESTION, *_ROW_EXPLAINED, conditional.IF_NONE_MATCH),
        outcomes=_EXPLANATIONS,
        problems=tuple(each for each in statistics.PROBLEMS if each not in (*results.DRAWING[:2], RangeInvalid)),
    ),
    Endpoint(
        name="get_job_explanation",
        method="GET",
        path="/v1/jobs/{job_id}/explanation",
        tag="results",
        summary="Read how a result came about",
        description=_EXPLANATION,
        handle=get_job_explanation,
        parameters=(JOB_ID, *_ROW_EXPLAINED, conditional.IF_NONE_MATCH),
        outcomes=_EXPLANATIONS,
        problems=tuple(each for each in results.PROBLEMS if each not in (*results.DRAWING, RangeInvalid)),
    ),
)
