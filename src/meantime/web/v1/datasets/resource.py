"""Data sets as clients see them."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec

from meantime.dataset.snapshot import Polarity


def described(description: str, **more: Any) -> msgspec.Meta:
    """Describe a field, for the document."""
    return msgspec.Meta(description=description, **more)


class Reading(msgspec.Struct, frozen=True, kw_only=True):
    """How far the reading of files is."""

    phase: Annotated[str, described("waiting: other data sets are read first.")]
    share: Annotated[float, described("Share of the whole that is done.", ge=0, le=1)]
    rows: Annotated[int | None, described("Rows found so far; null while that is not known.")]


class Trouble(msgspec.Struct, frozen=True, kw_only=True):
    """Why files could not be read."""

    code: Annotated[str, described("The kind of trouble, for programs.")]
    reason: Annotated[str, described("What it is, and what to do.")]


class DatasetLinks(msgspec.Struct, frozen=True, kw_only=True):
    """Where to go on from a data set."""

    self_: str = msgspec.field(name="self")
    coverage: Annotated[str, described("Needs a question: ?question=...")]
    rejected: str
    reload: Annotated[str, described("POST, for the operator.")]


class DatasetSummary(msgspec.Struct, frozen=True, kw_only=True):
    """A data set as it stands. What its files would have to tell is null until they have been read."""

    name: str
    is_default: Annotated[bool, described("Whether it is asked where no data set is named, and by the classic API.")]
    status: Annotated[
        Literal["loading", "ready", "failed"],
        described("loading: jobs are accepted, and wait. failed: its files could not be read; `failure` says why."),
    ]
    reading: Annotated[
        Reading | None,
        described(
            "The reading that is under way. Of one that is ready it is a reload: what is served is the older one."
        ),
    ]
    failure: Annotated[
        Trouble | None,
        described("Why the last reading failed. Of one that is ready: what is served is older than its files."),
    ]
    title: str | None
    fingerprint: Annotated[str | None, described("Names the content: equal for equal content.")]
    synthetic: Annotated[bool | None, described("Made up by a program: no number in it is about the real world.")]
    rows: Annotated[int | None, described("Rows of its files, withheld ones included.")]
    cells: Annotated[int | None, described("What they are rolled up to: one for each full key.")]
    withheld: Annotated[int | None, described("Rows whose value is not given.")]
    rejected: Annotated[int | None, described("Lines that could not be read as a row.")]
    links: DatasetLinks


class Years(msgspec.Struct, frozen=True, kw_only=True):
    """A first and a last year."""

    first: int
    last: int


class ValueTypeResource(msgspec.Struct, frozen=True, kw_only=True):
    """What kind of number a value is."""

    name: Annotated[str, described("Empty where the files do not say.")]
    unit: Annotated[str, described("Empty where the files do not say.")]


class QuestionResource(msgspec.Struct, frozen=True, kw_only=True):
    """An indicator that can be asked about."""

    text: str
    topic: str
    unit: str | None
    polarity: Annotated[Polarity | None, described("Which values are good; null where nobody has said.")]
    has_total: Annotated[bool, described("Whether it has values of everybody; else a basis must be named: a stratum.")]
    years: Annotated[Years | None, described("From the first year that it was asked in to the last.")]
    cells: int
    rows: int
    withheld: int
    value_types: list[ValueTypeResource]


class PointResource(msgspec.Struct, frozen=True, kw_only=True):
    """A place on the earth, in degrees."""

    latitude: Annotated[float, described("Degrees north.", ge=-90, le=90)]
    longitude: Annotated[float, described("Degrees east.", ge=-180, le=180)]


class LocationResource(msgspec.Struct, frozen=True, kw_only=True):
    """A place."""

    name: str
    cells: int
    is_aggregate: Annotated[bool, described("Whether it is known to be made of others, as a country is of its states.")]
    point: Annotated[PointResource | None, described("Where it lies, where all its rows that say so agree.")]
    no_point: Annotated[str | None, described("Why it has none; null where it has one.")]


class CategoryResource(msgspec.Struct, frozen=True, kw_only=True):
    """A way to divide people, and what they are divided into."""

    name: str
    strata: list[str]
    cells: int


class DatasetResource(DatasetSummary, frozen=True, kw_only=True):
    """A data set with all that is known of it. What its files would have to tell is null until they have been read."""

    withheld_by_reason: Annotated[dict[str, int] | None, described("Rows by reason, the most frequent first.")]
    roles: Annotated[dict[str, str] | None, described("What each column that is used was taken for: role and column.")]
    columns: Annotated[list[str] | None, described("All columns of its files, in their order.")]
    questions: list[QuestionResource] | None
    locations: list[LocationResource] | None
    categories: list[CategoryResource] | None
    periods: list[Years] | None
    files: Annotated[list[str] | None, described("Names of its files, without their folders.")]
    encoding: str | None
    delimiter: str | None
    decimal_mark: str | None
    citation: Annotated[str | None, described("How to name it elsewhere.")]
    warnings: Annotated[list[str] | None, described("What a reader should know of how the files were understood.")]
