"""GET .../explanation: how a row of an answer was computed."""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import urlencode

import msgspec

from meantime.errors import (
    Problem,
    RequestInvalid,
)
from meantime.statistics.explain.source_rows import row_asked, row_of
from meantime.web.backend import Backend
from meantime.web.http import conditional
from meantime.web.http.replies import Reply
from meantime.web.http.request import HttpRequest
from meantime.web.v1.provenance.query import (
    EXPLANATION_NAMES,
    AnswerWithSource,
    RowQuery,
    answer_of_job,
    answer_of_statistic,
)
from meantime.web.v1.results import handlers as results
from meantime.web.v1.statistics import handlers as statistics


class StepResource(msgspec.Struct, frozen=True, kw_only=True):
    """One step from the rows of the file to the number."""

    text: Annotated[str, msgspec.Meta(description="The step in words.")]
    formula: Annotated[str | None, msgspec.Meta(description="The formula with the numbers filled in, rounded.")]
    numbers: Annotated[
        dict[str, float], msgspec.Meta(description="The numbers in full precision, by column or symbol.")
    ]


class ProgramsResource(msgspec.Struct, frozen=True, kw_only=True):
    """Programs that compute the number from the file, without Meantime."""

    python: Annotated[str, msgspec.Meta(description="Uses numpy and pandas. The variable `result` has the outcome.")]
    r: Annotated[str, msgspec.Meta(description="Uses base R.")]
    computes: Annotated[list[str], msgspec.Meta(description="The columns of the answer that they compute.")]
    leaves_out: Annotated[list[str], msgspec.Meta(description="What they do not compute, and why.")]


class ExplanationLinks(msgspec.Struct, frozen=True, kw_only=True):
    """Related addresses."""

    rows: Annotated[str, msgspec.Meta(description="The rows of the file that the number is computed from.")]


class ExplanationResource(msgspec.Struct, frozen=True, kw_only=True):
    """How a row of an answer was computed."""

    title: str
    statistic: str
    parameters: dict[str, Any]
    dataset: str
    fingerprint: str
    method_version: int
    row: Annotated[int, msgspec.Meta(description="Number of the row in the answer, from 0.", ge=0)]
    values: Annotated[dict[str, str | int | float | None], msgspec.Meta(description="The row itself.")]
    number: Annotated[
        str | None,
        msgspec.Meta(description="The column that the weights of its rows add up to; null if there is none."),
    ]
    steps: list[StepResource]
    assumptions: list[str]
    warnings: Annotated[list[str], msgspec.Meta(description="The warnings of the answer.")]
    sources: Annotated[list[str], msgspec.Meta(description="Where the method is published.")]
    programs: ProgramsResource
    citation: str
    links: ExplanationLinks


async def get_statistic_explanation(backend: Backend, request: HttpRequest) -> Reply:
    """GET /v1/statistics/{name}/explanation?...: how a row of an answer was computed."""
    answered, row_query = await answer_of_statistic(backend, request, EXPLANATION_NAMES)
    base = f"/v1/statistics/{answered.document.statistic}/rows"
    return await _explanation_reply(backend, request, answered, row_query, base, cache_control=statistics.REVALIDATE)


async def get_job_explanation(backend: Backend, request: HttpRequest) -> Reply:
    """GET /v1/jobs/{job_id}/explanation: how a row of a result was computed."""
    answered, row_query = await answer_of_job(backend, request, EXPLANATION_NAMES)
    base = f"/v1/jobs/{request.path_params['job_id']}/rows"
    return await _explanation_reply(backend, request, answered, row_query, base, cache_control=results.CACHE_CONTROL)


async def _explanation_reply(
    backend: Backend,
    request: HttpRequest,
    answered: AnswerWithSource,
    row_query: RowQuery,
    base: str,
    *,
    cache_control: str,
) -> Reply:
    answer = answered.document
    row_index = row_asked(answer.table, row=row_query.row, key=row_query.key) or 0
    if not len(answer.table):
        detail = "The answer has no row to explain."
        raise RequestInvalid(detail, problems=(Problem(pointer="/row", code="range", detail=detail),))
    query = [pair for pair in request.query if pair[0] not in ("row", "key")]

    def make() -> bytes:
        resource = _explanation(answered, row_index, f"{base}?{urlencode([*query, ('row', row_index)])}")
        return _ENCODER.encode(resource)

    body = await backend.pools.documents.run(request, make)
    return conditional.answer(request, body, cache_control=cache_control)


def _explanation(answered: AnswerWithSource, row_index: int, rows: str) -> ExplanationResource:
    answer, row = answered.document, row_of(answered.document.table, row_index)
    explanation = answered.prepared.explain(answer.table, row)
    return ExplanationResource(
        title=explanation.title,
        statistic=answer.statistic,
        parameters=dict(answer.parameters),
        dataset=answer.dataset,
        fingerprint=answer.fingerprint,
        method_version=answer.method_version,
        row=row_index,
        values=row,
        number=explanation.number,
        steps=[StepResource(text=step.text, formula=step.formula, numbers=step.numbers) for step in explanation.steps],
        assumptions=list(explanation.assumptions),
        warnings=list(explanation.warnings),
        sources=list(explanation.sources),
        programs=ProgramsResource(
            python=explanation.python,
            r=explanation.r,
            computes=list(explanation.computes),
            leaves_out=list(explanation.leaves_out),
        ),
        citation=answer.citation,
        links=ExplanationLinks(rows=rows),
    )


_ENCODER = msgspec.json.Encoder()
