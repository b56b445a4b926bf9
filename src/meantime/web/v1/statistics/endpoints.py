"""The endpoints of statistics."""

from __future__ import annotations

from typing import Annotated

import msgspec

from meantime.errors import (
    AnswersBusy,
    AskAsJob,
    DatasetLoading,
    DatasetNotReady,
    DatasetUnknown,
    PathUnknown,
    RangeInvalid,
    RequestInvalid,
    SnapshotDamaged,
    StatisticUnknown,
    StoreFull,
    StorePaused,
)
from meantime.statistics.parameters import described, fields
from meantime.statistics.registry import STATISTICS
from meantime.web.http import conditional
from meantime.web.http.endpoint import Endpoint, Link, Outcome, Parameter
from meantime.web.v1.figures import PARAMETERS as FIGURE
from meantime.web.v1.results.description import (
    ACCEPT,
    CHART,
    CONDITIONS,
    DRAWING,
    SUFFIX,
    ResultDocument,
    outcomes,
)
from meantime.web.v1.statistics.handlers import answer_statistic, get_statistic, list_statistics
from meantime.web.v1.statistics.resource import STATISTIC_LIST, StatisticList, StatisticResource


def _query_parameters() -> tuple[Parameter, ...]:
    """Return the parameters of all statistics; which ones are required depends on the statistic."""
    parameters_by_name: dict[str, Parameter] = {}
    for row in STATISTICS.values():
        parameters: type[msgspec.Struct] = row.parameters
        for field in fields(parameters):
            description, example = described(field)
            parameters_by_name.setdefault(
                field.name,
                Parameter(
                    name=field.name,
                    where="query",
                    kind=field.type,
                    description=f"{description} A parameter of {_takers(field.name)}.",
                    example=example,
                ),
            )
    return tuple(parameters_by_name.values())


def _takers(name: str) -> str:
    takers = [row.name for row in STATISTICS.values() if name in row.parameters.__struct_fields__]
    return "every statistic" if len(takers) == len(STATISTICS) else ", ".join(takers)


NAME = Parameter(
    name="name",
    where="path",
    kind=Annotated[str, msgspec.Meta(pattern=f"^({'|'.join(STATISTICS)})$")],
    description="A name from GET /v1/statistics.",
    required=True,
    example="states_mean",
)
QUERY = (
    Parameter(
        name="dataset",
        where="query",
        kind=str,
        description="A name from GET /v1/datasets; the first one by default.",
    ),
    Parameter(
        name="fingerprint",
        where="query",
        kind=Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")],
        description="Fingerprint of the snapshot to use, which need not be the current one. The answer then never "
        "changes, and may be cached forever.",
    ),
    CHART,
    *FIGURE,
    *_query_parameters(),
)
PROBLEMS = (
    StatisticUnknown,
    RequestInvalid,
    AskAsJob,
    DatasetUnknown,
    DatasetLoading,
    DatasetNotReady,
    # Some statistics read rows from disk, and the file may be gone.
    SnapshotDamaged,
    # Rows, and formats that are written to a file first, need descriptors and space on the disk.
    StorePaused,
    StoreFull,
    RangeInvalid,
    *DRAWING,
    AnswersBusy,
)
_ANSWER = (
    "The answer is immediate, without a job. To give a list, repeat the name: `location=Utah&location=Ohio`. "
    "Equal questions have the same ETag, however they are written. A question that costs more than an immediate answer "
    "may is refused with `ask-as-job`, which says what it costs: POST it to /v1/jobs."
)

ENDPOINTS: tuple[Endpoint, ...] = (
    Endpoint(
        name="list_statistics",
        method="GET",
        path="/v1/statistics",
        tag="statistics",
        summary="List statistics",
        description="Every statistic, with what it computes and what its numbers estimate.",
        handle=list_statistics,
        parameters=(conditional.IF_NONE_MATCH,),
        outcomes=(
            Outcome(
                status=200,
                description="The statistics.",
                content={"application/json": StatisticList},
                example=msgspec.json.decode(STATISTIC_LIST),
                headers=(conditional.ETAG, conditional.CACHE_CONTROL),
                links=(
                    Link(
                        name="statistic",
                        operation="get_statistic",
                        parameters={"name": "$response.body#/statistics/0/name"},
                        description="The first statistic.",
                    ),
                ),
            ),
            conditional.NOT_MODIFIED,
        ),
    ),
    Endpoint(
        name="get_statistic",
        method="GET",
        path="/v1/statistics/{name}",
        tag="statistics",
        summary="Get an answer, or a description of the statistic",
        description="Without a query: what the statistic estimates, its parameters as JSON Schema, its columns "
        f"with units, the version of its method, and an example. With a query: the answer. {_ANSWER} "
        "`Accept` chooses the format; the default is JSON.",
        handle=get_statistic,
        parameters=(
            NAME,
            *QUERY,
            ACCEPT,
            *CONDITIONS,
        ),
        # JSON is either a description of the statistic or an answer.
        outcomes=outcomes(json=(ResultDocument, StatisticResource)),
        problems=PROBLEMS,
    ),
    Endpoint(
        name="get_statistic_as",
        method="GET",
        path="/v1/statistics/{name}.{suffix}",
        tag="statistics",
        summary="Get an answer as a file",
        description=f"{_ANSWER} The suffix chooses the format, whatever `Accept` says.",
        handle=answer_statistic,
        parameters=(NAME, SUFFIX, *QUERY, *CONDITIONS),
        outcomes=outcomes(),
        problems=(*PROBLEMS, PathUnknown),
    ),
)
