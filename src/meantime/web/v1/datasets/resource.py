"""Data sets in the JSON of the API."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec

from meantime.dataset.snapshot import Polarity


def described(description: str, **more: Any) -> msgspec.Meta:
    """Return the description of a field, for the OpenAPI document."""
    return msgspec.Meta(description=description, **more)


class Reading(msgspec.Struct, frozen=True, kw_only=True):
    """Progress of reading files."""

    phase: Annotated[str, described("The current phase. waiting: other data sets are being read first.")]
    share: Annotated[float, described("Share of the work that is done, from 0 to 1.", ge=0, le=1)]
    rows: Annotated[int | None, described("Rows read so far; null if that is not known yet.")]


class Trouble(msgspec.Struct, frozen=True, kw_only=True):
    """Why files could not be read."""

    code: Annotated[str, described("Error code, for programs.")]
    reason: Annotated[str, described("What is wrong, and what to do.")]


class DatasetLinks(msgspec.Struct, frozen=True, kw_only=True):
    """Related addresses."""

    self_: str = msgspec.field(name="self")
    coverage: Annotated[str, described("Requires a question: ?question=...")]
    rejected: str
    reload: Annotated[str, described("POST; for the operator only.")]


class DatasetSummary(msgspec.Struct, frozen=True, kw_only=True):
    """The current state of a data set. Fields that depend on its files are null until these have been read."""

    name: str
    is_default: Annotated[bool, described("Whether it is used if no data set is named, and by the classic API.")]
    uploaded: Annotated[bool, described("Whether it was uploaded, and so can be removed.")]
    status: Annotated[
        Literal["loading", "ready", "failed"],
        described("loading: jobs are accepted, and wait. failed: its files could not be read; see `failure`."),
    ]
    reading: Annotated[
        Reading | None,
        described(
            "Progress while files are being read. If `status` is ready this is a reload, and the previous data is "
            "still served."
        ),
    ]
    failure: Annotated[
        Trouble | None,
        described("Why the last attempt to read the files failed. If `status` is ready, older data is still served."),
    ]
    title: str | None
    fingerprint: Annotated[str | None, described("Identifies the content: equal content has the same fingerprint.")]
    synthetic: Annotated[
        bool | None, described("Whether the data was generated, and says nothing about the real world.")
    ]
    rows: Annotated[int | None, described("Rows in its files, including those with a suppressed or missing value.")]
    cells: Annotated[
        int | None, described("Cells that the rows are aggregated to: one for each combination of labels.")
    ]
    withheld: Annotated[int | None, described("Rows with a suppressed or missing value.")]
    rejected: Annotated[int | None, described("Lines that could not be read as a row.")]
    links: DatasetLinks


class Years(msgspec.Struct, frozen=True, kw_only=True):
    """A first and a last year."""

    first: int
    last: int


class ValueTypeResource(msgspec.Struct, frozen=True, kw_only=True):
    """What kind of number a value is."""

    name: Annotated[str, described("Empty if the files do not say.")]
    unit: Annotated[str, described("Empty if the files do not say.")]


class GroupResource(msgspec.Struct, frozen=True, kw_only=True):
    """A group of people."""

    category: Annotated[str, described("Empty if its rows have none.")]
    stratum: Annotated[str, described("Empty if its rows have none.")]


class QuestionResource(msgspec.Struct, frozen=True, kw_only=True):
    """An indicator in the data."""

    text: str
    title: Annotated[str, described("A short title; the text in quotation marks where none is known.")]
    topic: str
    unit: str | None
    polarity: Annotated[
        Polarity | None, described("Whether lower or higher values are better; null if that is not known.")
    ]
    has_total: Annotated[bool, described("Whether there are values for the whole population.")]
    default_group: Annotated[
        GroupResource | None,
        described("The group that statistics are about if none is requested; null if that is the whole population."),
    ]
    default_reference: Annotated[
        GroupResource | None,
        described(
            "The group that the others of its category are compared with, if none is requested; null if no category "
            "has two groups."
        ),
    ]
    years: Annotated[Years | None, described("The first and the last year with data.")]
    cells: int
    rows: int
    withheld: int
    value_types: list[ValueTypeResource]


class PointResource(msgspec.Struct, frozen=True, kw_only=True):
    """A point on the earth."""

    latitude: Annotated[float, described("Degrees north.", ge=-90, le=90)]
    longitude: Annotated[float, described("Degrees east.", ge=-180, le=180)]


class LocationResource(msgspec.Struct, frozen=True, kw_only=True):
    """A location."""

    name: str
    cells: int
    is_aggregate: Annotated[
        bool, described("Whether it is an aggregate of other locations, as a country is of its states.")
    ]
    point: Annotated[PointResource | None, described("Its coordinates, if its rows agree on them.")]
    no_point: Annotated[str | None, described("Why it has no point; null if it has one.")]


class CategoryResource(msgspec.Struct, frozen=True, kw_only=True):
    """A way of grouping people, and its groups."""

    name: str
    strata: Annotated[list[str], described("In their natural order: by age, income, years of schooling.")]
    cells: int


class DatasetResource(DatasetSummary, frozen=True, kw_only=True):
    """Everything about a data set. Fields that depend on its files are null until these have been read."""

    withheld_by_reason: Annotated[
        dict[str, int] | None, described("Number of rows for each reason, most frequent first.")
    ]
    roles: Annotated[dict[str, str] | None, described("The role of each column that is used: role and column name.")]
    columns: Annotated[list[str] | None, described("All columns of its files, in order.")]
    questions: list[QuestionResource] | None
    locations: list[LocationResource] | None
    maps: Annotated[
        list[str] | None,
        described("The charts that are maps of at least half of its locations: state_map has outlines, map has tiles."),
    ]
    categories: list[CategoryResource] | None
    periods: list[Years] | None
    files: Annotated[list[str] | None, described("Names of its files, without folders.")]
    encoding: str | None
    delimiter: str | None
    decimal_mark: str | None
    origin: Annotated[
        dict[str, str] | None,
        described("Where it is from, as far as its description says: source, publisher, url, license, updated."),
    ]
    citation: Annotated[str | None, described("How to cite it.")]
    warnings: Annotated[list[str] | None, described("What readers should know about how the files were interpreted.")]
