"""Reads which row of which answer a request is about."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from meantime.charts.figure import PREFIX
from meantime.errors import (
    DatasetNotReady,
    ResultGone,
    SnapshotDamaged,
)
from meantime.formats import document as documents
from meantime.formats.document import Document
from meantime.model import JobRecord, Unwatched
from meantime.statistics.registry import STATISTICS
from meantime.statistics.statistic import AnyPrepared
from meantime.web.backend import Backend
from meantime.web.http.query import Query
from meantime.web.http.request import HttpRequest
from meantime.web.v1 import job_parameters
from meantime.web.v1.results import handlers as results
from meantime.web.v1.results.description import CHART
from meantime.web.v1.statistics import handlers as statistics
from meantime.web.v1.statistics import immediate
from meantime.web.v1.statistics import query as statistic_query

# Rows on a page: as many as people look through, and at most a few megabytes.
PAGE = 100
PAGE_LIMIT = 10_000

# Parameters apart from those of the statistic.
ROW_NAMES = ("row", "key", "cursor", "page_rows", "in_database")
# A name without charts, for the formats of source rows.
NO_CHART = "rows"
# The digits of a row number: no answer has a billion rows.
ROW_DIGITS = 9


class RowQuery(NamedTuple):
    """The requested row of the answer, and the page of its source rows."""

    row: int | None
    key: tuple[str, ...]
    cursor: str | None
    page_rows: int
    in_database: bool  # the rows as the database has them now, not the lines that were counted


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerWithSource:
    """An answer, with the prepared request that it was computed from."""

    prepared: AnyPrepared
    document: Document


def _read(pairs: Sequence[tuple[str, str]], names: Sequence[str]) -> RowQuery:
    query = Query(pairs, names)
    row = query.one("row")
    if row is not None and not (row.isascii() and row.isdecimal() and len(row) <= ROW_DIGITS):
        query.wrong("row", "type", '"row" must be the number of a row of the answer; the first one is 0.')
        row = None
    row_query = RowQuery(
        row=None if row is None else int(row),
        key=tuple(query.all("key")),
        cursor=query.one("cursor"),
        page_rows=query.number("page_rows", default=PAGE, up_to=PAGE_LIMIT),
        in_database=_yes_or_no(query, "in_database"),
    )
    query.check()
    return row_query


def _yes_or_no(query: Query, name: str) -> bool:
    text = query.one(name)
    if text not in (None, "yes", "no"):
        query.wrong(name, "type", f'"{name}" must be yes or no.')
    return text == "yes"


async def answer_of_statistic(
    backend: Backend, request: HttpRequest, names: Sequence[str]
) -> tuple[AnswerWithSource, RowQuery]:
    """Return the answer to the question in the query, and the requested row."""
    statistic = statistics.statistic_of(request)
    # There are no charts here, so their parameters are refused like any unknown one.
    row_pairs = [pair for pair in request.query if pair[0] in (*names, CHART.name) or pair[0].startswith(PREFIX)]
    row_query = _read(row_pairs, names)
    statistic_pairs = [pair for pair in request.query if pair not in row_pairs]
    question = await statistic_query.read_question(statistic_pairs, statistic, backend.catalog)
    answer = immediate.ImmediateAnswer(backend, question)
    document = await answer.run(request, answer.document, stop=answer.work.stop)
    return AnswerWithSource(prepared=answer.prepare(), document=document), row_query


async def answer_of_job(
    backend: Backend, request: HttpRequest, names: Sequence[str]
) -> tuple[AnswerWithSource, RowQuery]:
    """Return the result of the job in the path, and the requested row."""
    row_query = _read(request.query, names)
    detail = backend.engine.describe(job_parameters.job_number_of(request))
    receipt, job = results.receipt_of(detail), detail.record
    statistic = STATISTICS.get(job.request.statistic)
    if statistic is None or statistic.method_version != receipt.method_version:
        raise ResultGone(
            f"{job.id} was computed with version {receipt.method_version} of {job.request.statistic}, which this "
            "server no longer has, so it cannot say how. Submit the request again."
        )
    # The file of a classic job contains the classic JSON, which has less information.
    is_kept = job.request.view == "document"
    body = await results.read_result_file(backend, job, receipt) if is_kept else None

    def answer() -> AnswerWithSource:
        prepared = _prepared(backend, job)
        if body is None:
            document = backend.compute.document(prepared, job.request.dataset, Unwatched())
        else:
            document = documents.decode(body)
        return AnswerWithSource(prepared=prepared, document=document)

    return await backend.pools.documents.run(request, answer), row_query


def _prepared(backend: Backend, job: JobRecord) -> AnyPrepared:
    try:
        return backend.compute.prepare(job.request)
    except (SnapshotDamaged, DatasetNotReady) as error:
        raise ResultGone(
            f"The snapshot that {job.id} was computed from is no longer there, and neither are the rows behind its "
            "result. Submit the request again."
        ) from error


EXPLANATION_NAMES = ("row", "key")
