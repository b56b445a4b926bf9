"""The endpoints of statistics."""

from __future__ import annotations

from typing import Annotated

import msgspec

from meantime.errors import (
    AskAsJob,
    DatasetLoading,
    DatasetNotReady,
    DatasetUnknown,
    PathUnknown,
    RangeInvalid,
    RequestInvalid,
    SnapshotDamaged,
    StatisticUnknown,
)
from meantime.statistics.parameters import fields
from meantime.statistics.registry import STATISTICS
from meantime.web.http import conditional
from meantime.web.http.endpoint import Endpoint, Link, Outcome, Parameter
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
from meantime.web.v1.statistics.resource import STATISTIC_LIST, StatisticList, StatisticResource, parameters_schema


def _query_parameters() -> tuple[Parameter, ...]:
    """Return the parameters that any statistic has; which are needed depends on the statistic."""
    found: dict[str, Parameter] = {}
    for row in STATISTICS.values():
        schema = parameters_schema(row)
        parameters: type[msgspec.Struct] = row.parameters
        for field in fields(parameters):
            about = schema["properties"][field.name]
            found.setdefault(
                field.name,
                Parameter(
                    name=field.name,
                    where="query",
                    kind=field.type,
                    description=f"{about['description']} A parameter of {_takers(field.name)}.",
                    example=about["examples"][0],
                ),
            )
    return tuple(found.values())


def _takers(name: str) -> str:
    takers = [row.name for row in STATISTICS.values() if name in row.parameters.__struct_fields__]
    return "every statistic" if len(takers) == len(STATISTICS) else ", ".join(takers)


NAME = Parameter(
    name="name",
    where="path",
    kind=Annotated[str, msgspec.Meta(pattern=f"^({'|'.join(STATISTICS)})$")],
    description="One of GET /v1/statistics.",
    required=True,
    example="states_mean",
)
QUERY = (
    Parameter(
        name="dataset",
        where="query",
        kind=str,
        description="One of GET /v1/datasets; left out, the first.",
    ),
    Parameter(
        name="fingerprint",
        where="query",
        kind=Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")],
        description="Of the snapshot that is to answer, also where it is not the current one any more. The answer then "
        "never changes, and may be kept for ever.",
    ),
    CHART,
    *_query_parameters(),
)
PROBLEMS = (
    StatisticUnknown,
    RequestInvalid,
    AskAsJob,
    DatasetUnknown,
    DatasetLoading,
    DatasetNotReady,
    # Its rows are read from disk by some; their file may have been taken away.
    SnapshotDamaged,
    RangeInvalid,
    *DRAWING,
)
_ANSWER = (
    "The answer comes at once, without a job. Lists are given by repeating the name: `location=Utah&location=Ohio`. "
    "Equal questions have one ETag, in whatever order and spelling they are sent. What would take too long is a "
    "problem `ask-as-job`; POST it to /v1/jobs."
)

ENDPOINTS: tuple[Endpoint, ...] = (
    Endpoint(
        name="list_statistics",
        method="GET",
        path="/v1/statistics",
        tag="statistics",
        summary="List what can be asked",
        description="Every statistic with what it gives and what its numbers are an estimate of.",
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
                        description="What the first one is.",
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
        summary="Ask a statistic, or what it is",
        description="Without a query: what it estimates, its parameters as JSON Schema, its columns with units, the "
        f"version of its method, an example. With a query: its answer. {_ANSWER} The form is the one that `Accept` "
        "wants most, JSON if it does not say.",
        handle=get_statistic,
        parameters=(
            NAME,
            *QUERY,
            ACCEPT,
            *CONDITIONS,
        ),
        # As JSON it is either what the statistic is, or its answer.
        outcomes=outcomes(json=(ResultDocument, StatisticResource)),
        problems=PROBLEMS,
    ),
    Endpoint(
        name="get_statistic_as",
        method="GET",
        path="/v1/statistics/{name}.{suffix}",
        tag="statistics",
        summary="Ask a statistic for a file",
        description=f"{_ANSWER} The suffix names the form, whatever `Accept` says.",
        handle=answer_statistic,
        parameters=(NAME, SUFFIX, *QUERY, *CONDITIONS),
        outcomes=outcomes(),
        problems=(*PROBLEMS, PathUnknown),
    ),
)
