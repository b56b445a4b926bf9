"""Statistics as clients see them."""

from __future__ import annotations

from collections.abc import Mapping
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

    name: Annotated[str, msgspec.Meta(description="For the query: `chart=map`.")]
    meaning: Annotated[str, msgspec.Meta(description="What one sees.")]


class ExampleResource(msgspec.Struct, frozen=True, kw_only=True):
    """How it may be asked."""

    parameters: dict[str, Any]
    href: Annotated[str, msgspec.Meta(description="The same as an address, of the first data set.")]
    rows: Annotated[
        list[dict[str, Any]],
        msgspec.Meta(description="The first rows of the answer, of the synthetic table that `meantime sample` writes."),
    ]


class StatisticLinks(msgspec.Struct, frozen=True, kw_only=True):
    """Where to go on from a statistic."""

    self_: str = msgspec.field(name="self")


class StatisticSummary(msgspec.Struct, frozen=True, kw_only=True):
    """A statistic in short."""

    name: str
    help: Annotated[str, msgspec.Meta(description="What it gives.")]
    estimates: Annotated[
        str, msgspec.Meta(description="What its numbers are an estimate of, and so what they are not.")
    ]
    links: StatisticLinks


class StatisticList(msgspec.Struct, frozen=True, kw_only=True):
    """All that can be asked."""

    statistics: list[StatisticSummary]


class StatisticResource(msgspec.Struct, frozen=True, kw_only=True):
    """A statistic: what it takes, gives and means."""

    name: str
    help: Annotated[str, msgspec.Meta(description="What it gives.")]
    estimates: Annotated[
        str, msgspec.Meta(description="What its numbers are an estimate of, and so what they are not.")
    ]
    parameters: Annotated[dict[str, Any], msgspec.Meta(description="JSON Schema of its parameters.")]
    columns: Annotated[
        list[ResultColumn],
        msgspec.Meta(description="Of the answer. Of summary: of that to what is asked with nothing but a question."),
    ]
    method_version: Annotated[
        int,
        msgspec.Meta(description="Counts up when the same question of the same data may have another answer.", ge=1),
    ]
    answers_at_once: Annotated[
        bool,
        msgspec.Meta(description="Whether it always does; else a question of very many rows is to be asked as a job."),
    ]
    needs_polarity: Annotated[bool, msgspec.Meta(description="Whether it must be known which values are good.")]
    charts: Annotated[
        list[ChartResource],
        msgspec.Meta(description="What vl.json, svg and png may show of its results, the usual one first."),
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
        parameters=parameters_schema(row),
        columns=[
            ResultColumn(name=each.name, kind=each.kind, unit=each.unit, meaning=each.meaning) for each in row.columns
        ],
        method_version=row.method_version,
        answers_at_once=row.is_instant,
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
    """Return where to go on from a statistic."""
    return StatisticLinks(self_=f"/v1/statistics/{row.name}")


def parameters_schema(row: AnyStatistic) -> dict[str, Any]:
    """Return the schema of a statistic's parameters, whole, without a reference."""
    schema: dict[str, Any] = msgspec.json.schema(row.parameters)["$defs"][row.parameters.__name__]
    return schema


def _pairs(parameters: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """Write parameters as a query has them: lists by repetition, since names may have commas in them."""
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
_DESCRIPTIONS = {name: _ENCODER.encode(statistic_resource(row)) for name, row in STATISTICS.items()}
