"""What results and immediate answers have in common, for the OpenAPI document."""

from __future__ import annotations

import re
from typing import Annotated, Any

import msgspec

from meantime.charts.registry import CHARTS
from meantime.errors import (
    AnswersBusy,
    NotAcceptable,
    PictureFailed,
)
from meantime.formats.forms import FORMS
from meantime.table import Kind
from meantime.web.http.endpoint import Header, Outcome, Parameter


class ResultColumn(msgspec.Struct, frozen=True, kw_only=True):
    """A column of a result."""

    name: str
    kind: Annotated[Kind, msgspec.Meta(description="number is a double, integer one of 64 bits.")]
    unit: Annotated[str | None, msgspec.Meta(description="Null for labels and counts.")]
    meaning: str


class ResultDocument(msgspec.Struct, frozen=True, kw_only=True):
    """A result as JSON: everything about it. ``formats.document`` writes it."""

    statistic: str
    parameters: Annotated[dict[str, Any], msgspec.Meta(description="As checked, with the defaults filled in.")]
    dataset: Annotated[str, msgspec.Meta(description="Name of the data set.")]
    fingerprint: Annotated[str, msgspec.Meta(description="Of the snapshot that answered.")]
    method_version: Annotated[int, msgspec.Meta(description="Of the statistic.", ge=1)]
    columns: list[ResultColumn]
    rows: Annotated[
        list[dict[str, str | int | float | None]],
        msgspec.Meta(description="Each has every column, in their order; null where there is no value."),
    ]
    findings: Annotated[
        list[str], msgspec.Meta(description="What the numbers say, in words; not in results of before there were any.")
    ] = []
    notes: list[str]
    warnings: list[str]
    citation: Annotated[str, msgspec.Meta(description="How to name it elsewhere.")]


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
        description="Names these very bytes: another form, or coding, has another. Equal questions of equal data have "
        "the same, however they are written.",
    ),
    Header(name="Cache-Control", description="To be kept, and asked after with `If-None-Match`."),
    Header(name="Vary", description="The headers of the request that the answer depends on."),
    Header(name="Accept-Ranges", description="Parts may be asked for in bytes.", required=False),
    Header(name="Content-Disposition", description="A name for the file.", required=False),
    Header(name="Content-Encoding", description="gzip, where it is compressed.", required=False),
)
CONDITIONS = (
    Parameter(
        name="If-None-Match",
        where="header",
        kind=str,
        description="ETags of what the client has; with one that still holds the answer is 304, without a body.",
    ),
    Parameter(
        name="Range",
        where="header",
        kind=str,
        description="One range of bytes, of the form as it is without compression.",
        example="bytes=0-1023",
    ),
    Parameter(
        name="If-Range",
        where="header",
        kind=str,
        description="The ETag of which `Range` asks for a part; where it is another one now, the whole is sent.",
    ),
)
ACCEPT = Parameter(
    name="Accept",
    where="header",
    kind=str,
    description="The media types that the client takes, with their weights.",
    example="text/csv",
)
SUFFIX = Parameter(
    name="suffix",
    where="path",
    kind=Annotated[str, msgspec.Meta(pattern=f"^({'|'.join(map(re.escape, FORMS))})$")],
    description=f"One of {', '.join(FORMS)}.",
    required=True,
    example="csv",
)
CHART = Parameter(
    name="chart",
    where="query",
    kind=Annotated[str, msgspec.Meta(pattern=f"^({'|'.join(CHARTS)})$")],
    description="Which chart vl.json, svg and png are to show, of those that GET /v1/statistics/{name} lists; left "
    "out, the first. Other forms have everything anyway.",
    example="map",
)


def whole_outcome(status: int, description: str, headers: tuple[Header, ...], *, json: Any = ResultDocument) -> Outcome:
    """Return how a result may come in every form; ``json`` is its type as JSON, where that says what it is."""
    content = {**dict.fromkeys((form.media_type for form in FORMS.values()), None), "application/json": json}
    return Outcome(
        status=status,
        description=description,
        content=content,
        example=RESULT_EXAMPLE if json is ResultDocument else None,
        headers=headers,
    )


def outcomes(*more: Header, json: Any = ResultDocument) -> tuple[Outcome, ...]:
    """Return how a result may come: whole, in part, or not again; ``more`` are headers beside the usual ones."""
    headers = (*HEADERS, *more)
    return (
        whole_outcome(200, "The result.", headers, json=json),
        Outcome(
            status=206,
            description="The part that `Range` asked for.",
            content=dict.fromkeys((form.media_type for form in FORMS.values()), None),
            headers=(*headers, Header(name="Content-Range", description="Which part, and of how many bytes.")),
        ),
        Outcome(status=304, description="The client has it already.", headers=HEADERS[:3]),
    )


# Of every answer that may be a chart.
DRAWING = (NotAcceptable, PictureFailed, AnswersBusy)
