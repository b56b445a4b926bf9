"""The endpoints of rows and explanations."""

from __future__ import annotations

import dataclasses
from typing import Annotated, Literal

import msgspec

from meantime.errors import (
    CursorInvalid,
    MeantimeError,
    NotAcceptable,
    PathUnknown,
    RangeInvalid,
    RequestInvalid,
    SnapshotDamaged,
    TableNotReadable,
)
from meantime.formats.registry import formats_of
from meantime.web.http import conditional
from meantime.web.http.endpoint import Endpoint, Header, Outcome, Parameter
from meantime.web.v1.figures import PARAMETERS as FIGURE
from meantime.web.v1.job_parameters import JOB_ID
from meantime.web.v1.provenance.explanation import ExplanationResource, get_job_explanation, get_statistic_explanation
from meantime.web.v1.provenance.query import NO_CHART, PAGE, PAGE_LIMIT, ROW_DIGITS
from meantime.web.v1.provenance.rows import get_job_rows, get_statistic_rows
from meantime.web.v1.results import description
from meantime.web.v1.results import endpoints as result_endpoints
from meantime.web.v1.results.description import ACCEPT, CHART, CONDITIONS
from meantime.web.v1.statistics import endpoints as statistic_endpoints
from meantime.web.v1.statistics.endpoints import NAME, QUERY

_ROW = Parameter(
    name="row",
    where="query",
    kind=Annotated[int, msgspec.Meta(ge=0, le=10**ROW_DIGITS - 1)],
    description="Number of a row of the answer; the first one is 0. Left out, with `key` too: all of the answer, "
    "without weights, unless it has one row only.",
    example=0,
)
_KEY = Parameter(
    name="key",
    where="query",
    kind=list[str],
    description="The row by its labels instead: location, category, stratum and period, as far as the answer has "
    "them, in the order of its columns. Repeat the parameter for each label. The first row with these "
    "labels is used.",
)
_CURSOR = Parameter(name="cursor", where="query", kind=str, description="Cursor of the page, from the header `Link`.")
_PAGE_ROWS = Parameter(
    name="page_rows",
    where="query",
    kind=Annotated[int, msgspec.Meta(ge=1, le=PAGE_LIMIT)],
    description=f"Maximum number of rows of the file on a page; {PAGE} by default.",
    example=PAGE,
)
_IN_DATABASE = Parameter(
    name="in_database",
    where="query",
    kind=Literal["yes", "no"],
    description="Of a data set that is a table in a database: the rows as the database has them now, instead of the "
    "lines that were counted, with the number of rows of each line then and now. At most 1,000 rows a page.",
    example="no",
)
_FORMS = formats_of(NO_CHART)
_SUFFIX = Parameter(
    name="suffix",
    where="path",
    kind=Annotated[str, msgspec.Meta(pattern=f"^({'|'.join(_FORMS)})$")],
    description=f"One of {', '.join(_FORMS)}.",
    required=True,
    example="csv",
)
_QUESTION = tuple(each for each in QUERY if each not in (CHART, *FIGURE))
_PAGING = (_ROW, _KEY, _CURSOR, _PAGE_ROWS, _IN_DATABASE)
_READING = (CursorInvalid, SnapshotDamaged, TableNotReadable)
_NEXT = Header(name="Link", description='The next page: `<...>; rel="next"`.', required=False)

_ROWS = (
    "The rows of the file that a number is computed from: file name and physical line, all columns exactly as in "
    "the file, and the weight of each row. If the number is a weighted sum (a mean, a pooled estimate, a "
    "difference, a slope), the sum of weight times value over all pages is that number; a note says which one. "
    "Rows with a suppressed or missing value are included, without a weight and with the reason. Rows are in the "
    "order of the file; the header `Link` leads to the next page."
)
_BY_ACCEPT = "`Accept` chooses the format; the default is JSON."
_BY_SUFFIX = "The suffix chooses the format, whatever `Accept` says."


def _outcomes() -> tuple[Outcome, ...]:
    return description.outcomes(_NEXT)


_EXPLANATION = (
    "How a row of the answer was computed: step by step from the rows of the file, in words and as formulas with "
    "the numbers filled in; the assumptions, where the method is published, and programs in Python and R that "
    "compute the same."
)
_ROW_EXPLAINED = (
    dataclasses.replace(
        _ROW, description="Number of a row of the answer, from 0. Without `row` and `key`: the first one."
    ),
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


def _explaining(problems: tuple[type[MeantimeError], ...]) -> tuple[type[MeantimeError], ...]:
    """Leave out what only an answer in several formats can have, and not an explanation."""
    return tuple(each for each in problems if each not in (*description.DRAWING, RangeInvalid))


ENDPOINTS: tuple[Endpoint, ...] = (
    Endpoint(
        name="get_statistic_rows",
        method="GET",
        path="/v1/statistics/{name}/rows",
        tag="statistics",
        summary="Get the source rows of an answer",
        description=f"{_ROWS} The query is the same as for the answer. {_BY_ACCEPT}",
        handle=get_statistic_rows,
        parameters=(NAME, *_QUESTION, *_PAGING, ACCEPT, *CONDITIONS),
        outcomes=_outcomes(),
        problems=(*statistic_endpoints.PROBLEMS, *_READING, NotAcceptable),
    ),
    Endpoint(
        name="get_statistic_rows_as",
        method="GET",
        path="/v1/statistics/{name}/rows.{suffix}",
        tag="statistics",
        summary="Get the source rows of an answer as a file",
        description=f"{_ROWS} The query is the same as for the answer. {_BY_SUFFIX}",
        handle=get_statistic_rows,
        parameters=(NAME, _SUFFIX, *_QUESTION, *_PAGING, *CONDITIONS),
        outcomes=_outcomes(),
        problems=(*statistic_endpoints.PROBLEMS, *_READING, PathUnknown),
    ),
    Endpoint(
        name="get_job_rows",
        method="GET",
        path="/v1/jobs/{job_id}/rows",
        tag="results",
        summary="Get the source rows of a result",
        description=f"{_ROWS} {_BY_ACCEPT}",
        handle=get_job_rows,
        parameters=(JOB_ID, *_PAGING, ACCEPT, *CONDITIONS),
        outcomes=_outcomes(),
        problems=(
            *result_endpoints.PROBLEMS,
            RequestInvalid,
            CursorInvalid,
            SnapshotDamaged,
            TableNotReadable,
            NotAcceptable,
        ),
    ),
    Endpoint(
        name="get_job_rows_as",
        method="GET",
        path="/v1/jobs/{job_id}/rows.{suffix}",
        tag="results",
        summary="Get the source rows of a result as a file",
        description=f"{_ROWS} {_BY_SUFFIX}",
        handle=get_job_rows,
        parameters=(JOB_ID, _SUFFIX, *_PAGING, *CONDITIONS),
        outcomes=_outcomes(),
        problems=(
            *result_endpoints.PROBLEMS,
            RequestInvalid,
            CursorInvalid,
            SnapshotDamaged,
            TableNotReadable,
            PathUnknown,
        ),
    ),
    Endpoint(
        name="get_statistic_explanation",
        method="GET",
        path="/v1/statistics/{name}/explanation",
        tag="statistics",
        summary="Explain an answer",
        description=f"{_EXPLANATION} The query is the same as for the answer.",
        handle=get_statistic_explanation,
        parameters=(NAME, *_QUESTION, *_ROW_EXPLAINED, conditional.IF_NONE_MATCH),
        outcomes=_EXPLANATIONS,
        problems=_explaining(statistic_endpoints.PROBLEMS),
    ),
    Endpoint(
        name="get_job_explanation",
        method="GET",
        path="/v1/jobs/{job_id}/explanation",
        tag="results",
        summary="Explain a result",
        description=_EXPLANATION,
        handle=get_job_explanation,
        parameters=(JOB_ID, *_ROW_EXPLAINED, conditional.IF_NONE_MATCH),
        outcomes=_EXPLANATIONS,
        problems=_explaining(result_endpoints.PROBLEMS),
    ),
)
