"""What results and immediate answers share in the OpenAPI document."""

from __future__ import annotations

import re
from typing import Annotated, Any

import msgspec

from meantime.charts.registry import CHARTS
from meantime.errors import NotAcceptable, PictureFailed
from meantime.formats.registry import FORMATS
from meantime.table import Heading, Kind
from meantime.web.http.endpoint import Header, Outcome, Parameter


class ResultColumn(msgspec.Struct, frozen=True, kw_only=True):
    """A column of a result."""

    name: str
    kind: Annotated[Kind, msgspec.Meta(description="number is a double, integer has 64 bits.")]
    unit: Annotated[str | None, msgspec.Meta(description="Null for labels and counts.")]
    meaning: str


class ResultDocument(msgspec.Struct, frozen=True, kw_only=True):
    """A result as JSON, with everything about it."""

    statistic: str
    parameters: Annotated[
        dict[str, Any], msgspec.Meta(description="The parameters after validation, with defaults filled in.")
    ]
    dataset: Annotated[str, msgspec.Meta(description="Name of the data set.")]
    fingerprint: Annotated[str, msgspec.Meta(description="Fingerprint of the snapshot that was used.")]
    method_version: Annotated[int, msgspec.Meta(description="Version of the statistic's method.", ge=1)]
    columns: list[ResultColumn]
    rows: Annotated[
        list[dict[str, str | int | float | None]],
        msgspec.Meta(description="Each row has every column, in order; null means that there is no value."),
    ]
    about: Annotated[
        Heading | msgspec.UnsetType,
        msgspec.Meta(
            description="What the numbers are about, in words for a heading; absent from results of the nine classic "
            "statistics, and from those that are older than this field."
        ),
    ] = msgspec.UNSET
    findings: Annotated[
        list[str],
        msgspec.Meta(description="What the numbers say, in words; absent from results that are older than this field."),
    ] = []
    notes: list[str]
    warnings: list[str]
    source: Annotated[
        str | msgspec.UnsetType,
        msgspec.Meta(description="Where the data set is from, as its description says; absent where it says nothing."),
    ] = msgspec.UNSET
    citation: Annotated[str, msgspec.Meta(description="How to cite it.")]


RESULT_EXAMPLE = {
    "statistic": "global_mean",
    "parameters": {"question": "Percent of adults aged 18 years and older who have obesity"},
    "dataset": "cdc",
    "fingerprint": "9f2c" * 16,
    "method_version": 1,
    "columns": [{"name": "mean", "kind": "number", "unit": "percent", "meaning": "mean of all rows"}],
    "rows": [{"mean": 28.8}],
    "findings": [],
    "notes": [],
    "warnings": [],
    "citation": 'global_mean (method version 1; question "Percent of adults aged 18 years and older who have obesity") '
    f'of the data set "cdc", fingerprint {"9f2c" * 16}. Computed by Meantime.',
}

HEADERS = (
    Header(
        name="ETag",
        description="Identifies exactly these bytes: each format and each encoding has its own. Equal questions "
        "about equal data have the same ETag, however they are written.",
    ),
    Header(name="Cache-Control", description="May be cached, and must be revalidated with `If-None-Match`."),
    Header(name="Vary", description="The request headers that the response depends on."),
    Header(name="Accept-Ranges", description="`bytes`: ranges are supported.", required=False),
    Header(name="Content-Disposition", description="A file name.", required=False),
    Header(name="Content-Encoding", description="gzip, if it is compressed.", required=False),
)
CONDITIONS = (
    Parameter(
        name="If-None-Match",
        where="header",
        kind=str,
        description="ETags that the client has cached; if one of them still matches, the response is 304 without "
        "a body.",
    ),
    Parameter(
        name="Range",
        where="header",
        kind=str,
        description="One range of bytes of the uncompressed representation.",
        example="bytes=0-1023",
    ),
    Parameter(
        name="If-Range",
        where="header",
        kind=str,
        description="The ETag of the representation that `Range` refers to; if it has changed, the whole is sent.",
    ),
)
ACCEPT = Parameter(
    name="Accept",
    where="header",
    kind=str,
    description="The accepted media types, with weights.",
    example="text/csv",
)
SUFFIX = Parameter(
    name="suffix",
    where="path",
    kind=Annotated[str, msgspec.Meta(pattern=f"^({'|'.join(map(re.escape, FORMATS))})$")],
    description=f"One of {', '.join(FORMATS)}.",
    required=True,
    example="csv",
)
CHART = Parameter(
    name="chart",
    where="query",
    kind=Annotated[str, msgspec.Meta(pattern=f"^({'|'.join(CHARTS)})$")],
    description="Which chart vl.json, svg, png and pdf show; GET /v1/statistics/{name} lists them. By default the "
    "first one. Other formats contain everything anyway.",
    example="map",
)


def whole_outcome(status: int, description: str, headers: tuple[Header, ...], *, json: Any = ResultDocument) -> Outcome:
    """Return the outcome of a request for a whole result in any format; ``json`` is the type of its JSON."""
    content = {**dict.fromkeys((form.media_type for form in FORMATS.values()), None), "application/json": json}
    return Outcome(
        status=status,
        description=description,
        content=content,
        example=RESULT_EXAMPLE if json is ResultDocument else None,
        headers=headers,
    )


def outcomes(*more: Header, json: Any = ResultDocument) -> tuple[Outcome, ...]:
    """Return the outcomes of a request for a result: whole, a range, or unchanged; ``more`` are additional headers."""
    headers = (*HEADERS, *more)
    return (
        whole_outcome(200, "The result.", headers, json=json),
        Outcome(
            status=206,
            description="The requested range.",
            content=dict.fromkeys((form.media_type for form in FORMATS.values()), None),
            headers=(*headers, Header(name="Content-Range", description="The range, and the total number of bytes.")),
        ),
        Outcome(status=304, description="The client's copy is current.", headers=HEADERS[:3]),
    )


# Problems of every answer that may be a chart.
DRAWING = (NotAcceptable, PictureFailed)
