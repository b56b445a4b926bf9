"""Statistics in the JSON of the API."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Annotated, Any
from urllib.parse import urlencode

import msgspec

from meantime.charts.registry import CHARTS
from meantime.statistics.registry import STATISTICS
from meantime.statistics.statistic import AnyStatistic
from meantime.web.v1.results.description import (
    ResultColumn,
)

_ENCODER = msgspec.json.Encoder()


class ChartResource(msgspec.Struct, frozen=True, kw_only=True):
    """A chart of its results."""

    name: Annotated[str, msgspec.Meta(description="Name for the query, as in `chart=map`.")]
    meaning: Annotated[str, msgspec.Meta(description="What it shows.")]


class ExampleResource(msgspec.Struct, frozen=True, kw_only=True):
    """An example request."""

    parameters: dict[str, Any]
    href: Annotated[str, msgspec.Meta(description="The same as an address, for the first data set.")]
    rows: Annotated[
        list[dict[str, Any]],
        msgspec.Meta(description="The first rows of the answer for the synthetic table that `meantime sample` writes."),
    ]


class StatisticLinks(msgspec.Struct, frozen=True, kw_only=True):
    """Related addresses."""

    self_: str = msgspec.field(name="self")


class StatisticSummary(msgspec.Struct, frozen=True, kw_only=True):
    """A statistic in brief."""

    name: str
    help: Annotated[str, msgspec.Meta(description="What it computes.")]
    estimates: Annotated[str, msgspec.Meta(description="What its numbers estimate, and what they do not.")]
    links: StatisticLinks


class StatisticList(msgspec.Struct, frozen=True, kw_only=True):
    """All statistics."""

    statistics: list[StatisticSummary]


class StatisticResource(msgspec.Struct, frozen=True, kw_only=True):
    """A statistic: its parameters, its columns and what it means."""

    name: str
    help: Annotated[str, msgspec.Meta(description="What it computes.")]
    estimates: Annotated[str, msgspec.Meta(description="What its numbers estimate, and what they do not.")]
    parameters: Annotated[dict[str, Any], msgspec.Meta(description="JSON Schema of its parameters.")]
    columns: Annotated[
        list[ResultColumn],
        msgspec.Meta(
            description="Columns of the answer. For summary: of an answer to a request with nothing but a question."
        ),
    ]
    method_version: Annotated[
        int,
        msgspec.Meta(
            description="Increases when the same question about the same data may get a different answer.", ge=1
        ),
    ]
    answers_at_once: Annotated[
        bool,
        msgspec.Meta(
            description="Whether it always can; otherwise a question about very many locations or rows must be "
            "submitted as a job."
        ),
    ]
    needs_polarity: Annotated[
        bool, msgspec.Meta(description="Whether it needs to know if lower or higher values are better.")
    ]
    charts: Annotated[
        list[ChartResource],
        msgspec.Meta(description="Charts that vl.json, svg and png can show; the first one is the default."),
    ]
    example: ExampleResource
    links: StatisticLinks


def statistic_resource(row: AnyStatistic) -> StatisticResource:
    """Describe a statistic to clients."""
    query = urlencode(_pairs(row.example))
    names = [column.name for column in row.columns_of(msgspec.convert(row.example, row.parameters))]
    return StatisticResource(
        name=row.name,
        help=row.help,
        estimates=row.estimates,
        parameters=row.parameters_schema,
        columns=[
            ResultColumn(name=each.name, kind=each.kind, unit=each.unit, meaning=each.meaning) for each in row.columns
        ],
        method_version=row.method_version,
        answers_at_once=row.is_small,
        needs_polarity=row.needs_polarity,
        charts=[ChartResource(name=name, meaning=CHARTS[name].meaning) for name in row.charts],
        example=ExampleResource(
            parameters=dict(row.example),
            href=f"/v1/statistics/{row.name}?{query}",
            rows=[dict(zip(names, each, strict=True)) for each in row.example_rows],
        ),
        links=links_of(row),
    )


def links_of(row: AnyStatistic) -> StatisticLinks:
    """Return the links of a statistic."""
    return StatisticLinks(self_=f"/v1/statistics/{row.name}")


def _pairs(parameters: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """Return parameters as pairs of a query. Lists are repeated, because names may contain commas."""
    return [
        (name, each)
        for name, value in parameters.items()
        for each in (value if isinstance(value, list | tuple) else [value])
    ]


STATISTIC_LIST = _ENCODER.encode(
    StatisticList(
        statistics=[
            StatisticSummary(name=row.name, help=row.help, estimates=row.estimates, links=links_of(row))
            for row in STATISTICS.values()
        ]
    )
)


@cache
def statistic_description(name: str) -> bytes:
    """Return the description of a statistic as JSON."""
    return _ENCODER.encode(statistic_resource(STATISTICS[name]))
