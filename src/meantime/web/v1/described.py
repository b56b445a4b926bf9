"""What a data set tells of itself under /v1: how it stands, what is in it, how its files were understood."""

from __future__ import annotations

from typing import Annotated, Any, Literal
from urllib.parse import quote

import msgspec
import numpy as np

from meantime.dataset import geography
from meantime.dataset.catalog import Catalog, Failed, Loading, Ready, Status, progress_of
from meantime.dataset.cube import ABSENT, AXES, Cube, Integers
from meantime.dataset.ingest import Progress
from meantime.dataset.snapshot import About, Polarity, Snapshot
from meantime.errors import MeantimeError
from meantime.formats import citation
from meantime.statistics.cells.selection import has_total
from meantime.text import writable


def said(description: str, **more: Any) -> msgspec.Meta:
    """Describe a field, for the document."""
    return msgspec.Meta(description=description, **more)


class Reading(msgspec.Struct, frozen=True, kw_only=True):
    """How far the reading of files is."""

    phase: Annotated[str, said("waiting: other data sets are read first.")]
    share: Annotated[float, said("Share of the whole that is done.", ge=0, le=1)]
    rows: Annotated[int | None, said("Rows found so far; null while that is not known.")]


class Trouble(msgspec.Struct, frozen=True, kw_only=True):
    """Why files could not be read."""

    code: Annotated[str, said("The kind of trouble, for programs.")]
    reason: Annotated[str, said("What it is, and what to do.")]


class DatasetLinks(msgspec.Struct, frozen=True, kw_only=True):
    """Where to go on from a data set."""

    self_: str = msgspec.field(name="self")
    coverage: Annotated[str, said("Needs a question: ?question=...")]
    rejected: str
    reload: Annotated[str, said("POST, for the operator.")]


class DatasetSummary(msgspec.Struct, frozen=True, kw_only=True):
    """A data set as it stands. What its files would have to tell is null until they have been read."""

    name: str
    is_default: Annotated[bool, said("Whether it is asked where no data set is named, and by the classic API.")]
    status: Annotated[
        Literal["loading", "ready", "failed"],
        said("loading: jobs are accepted, and wait. failed: its files could not be read; `failure` says why."),
    ]
    reading: Annotated[
        Reading | None,
        said("The reading that is under way. Of one that is ready it is a reload: what is served is the older one."),
    ]
    failure: Annotated[
        Trouble | None,
        said("Why the last reading failed. Of one that is ready: what is served is older than its files."),
    ]
    title: str | None
    fingerprint: Annotated[str | None, said("Names the content: equal for equal content.")]
    synthetic: Annotated[bool | None, said("Made up by a program: no number in it is about the real world.")]
    rows: Annotated[int | None, said("Rows of its files, withheld ones included.")]
    cells: Annotated[int | None, said("What they are rolled up to: one for each full key.")]
    withheld: Annotated[int | None, said("Rows whose value is not given.")]
    rejected: Annotated[int | None, said("Lines that could not be read as a row.")]
    links: DatasetLinks


class Years(msgspec.Struct, frozen=True, kw_only=True):
    """A first and a last year."""

    first: int
    last: int


class ValueTypeResource(msgspec.Struct, frozen=True, kw_only=True):
    """What kind of number a value is."""

    name: Annotated[str, said("Empty where the files do not say.")]
    unit: Annotated[str, said("Empty where the files do not say.")]


class QuestionResource(msgspec.Struct, frozen=True, kw_only=True):
    """An indicator that can be asked about."""

    text: str
    topic: str
    unit: str | None
    polarity: Annotated[Polarity | None, said("Which values are good; null where nobody has said.")]
    has_total: Annotated[bool, said("Whether it has values of everybody; else a basis must be named: a stratum.")]
    years: Annotated[Years | None, said("From the first year that it was asked in to the last.")]
    cells: int
    rows: int
    withheld: int
    value_types: list[ValueTypeResource]


class PointResource(msgspec.Struct, frozen=True, kw_only=True):
    """A place on the earth, in degrees."""

    latitude: Annotated[float, said("Degrees north.", ge=-90, le=90)]
    longitude: Annotated[float, said("Degrees east.", ge=-180, le=180)]


class LocationResource(msgspec.Struct, frozen=True, kw_only=True):
    """A place."""

    name: str
    cells: int
    is_aggregate: Annotated[bool, said("Whether it is known to be made of others, as a country is of its states.")]
    point: Annotated[PointResource | None, said("Where it lies, where all its rows that say so agree.")]
    no_point: Annotated[str | None, said("Why it has none; null where it has one.")]


class CategoryResource(msgspec.Struct, frozen=True, kw_only=True):
    """A way to divide people, and what they are divided into."""

    name: str
    strata: list[str]
    cells: int


class DatasetResource(DatasetSummary, frozen=True, kw_only=True):
    """A data set with all that is known of it. What its files would have to tell is null until they have been read."""

    withheld_by_reason: Annotated[dict[str, int] | None, said("Rows by reason, the most frequent first.")]
    roles: Annotated[dict[str, str] | None, said("What each column that is used was taken for: role and column.")]
    columns: Annotated[list[str] | None, said("All columns of its files, in their order.")]
    questions: list[QuestionResource] | None
    locations: list[LocationResource] | None
    categories: list[CategoryResource] | None
    periods: list[Years] | None
    files: Annotated[list[str] | None, said("Names of its files, without their folders.")]
    encoding: str | None
    delimiter: str | None
    decimal_mark: str | None
    citation: Annotated[str | None, said("How to name it elsewhere.")]
    warnings: Annotated[list[str] | None, said("What a reader should know of how the files were understood.")]


def location_of(about: About, name: str, cells: int, *, is_aggregate: bool = False) -> LocationResource:
    """Describe a place, with the point where it lies, or why there is none."""
    if (point := about.points.of.get(name)) is not None:
        there = PointResource(latitude=point.latitude, longitude=point.longitude)
        return LocationResource(name=name, cells=cells, is_aggregate=is_aggregate, point=there, no_point=None)
    nobody = "no row names one" if "point" in about.roles else "the table has no column of points"
    why = about.points.unknown.get(name, nobody)
    return LocationResource(name=name, cells=cells, is_aggregate=is_aggregate, point=None, no_point=writable(why))


def path_of(name: str) -> str:
    """Return where a data set lives."""
    return f"/v1/datasets/{quote(name, safe='')}"


def summary_of(catalog: Catalog, name: str) -> DatasetSummary:
    """Describe a data set that is served, in short."""
    return DatasetSummary(**_summary(catalog, name, catalog.status(name)))


def resource_of(catalog: Catalog, name: str) -> DatasetResource:
    """Describe a data set that is served. A few milliseconds for the CDC's tables; it grows with the cells."""
    status = catalog.status(name)
    facts = _facts(name, status.snapshot) if isinstance(status, Ready) else dict.fromkeys(_FACTS)
    return DatasetResource(**_summary(catalog, name, status), **facts)


def _summary(catalog: Catalog, name: str, status: Status) -> dict[str, Any]:
    path = path_of(name)
    snapshot = status.snapshot if isinstance(status, Ready) else None
    about, cube = (snapshot.about, snapshot.cube) if snapshot else (None, None)
    return {
        "name": name,
        "is_default": name == catalog.default,
        "status": {Loading: "loading", Ready: "ready", Failed: "failed"}[type(status)],
        "reading": _reading(progress_of(status)),
        "failure": _trouble(status),
        "title": about and about.title,
        "fingerprint": snapshot and snapshot.fingerprint,
        "synthetic": about and about.synthetic,
        "rows": about and about.rows,
        "cells": cube and len(cube.cells),
        "withheld": cube and int(cube.by_question.moments.withheld.sum()),
        "rejected": about and about.rejected_total,
        "links": DatasetLinks(
            self_=path, coverage=f"{path}/coverage", rejected=f"{path}/rejected", reload=f"{path}/reload"
        ),
    }


def _reading(progress: Progress | None) -> Reading | None:
    if progress is None:
        return None
    return Reading(phase=progress.phase, share=progress.share, rows=progress.rows)


def _trouble(status: Status) -> Trouble | None:
    match status:
        case Failed(error=error) | Ready(reload_error=MeantimeError() as error):
            return Trouble(code=error.code, reason=writable(error.reason))
        case _:
            return None


def _facts(name: str, snapshot: Snapshot) -> dict[str, Any]:
    about, cube = snapshot.about, snapshot.cube
    aggregates = geography.of(cube.labels.locations).aggregates
    return {
        "withheld_by_reason": cube.withheld_by_reason(),
        "roles": about.roles,
        "columns": list(about.columns),
        "questions": [_question(snapshot, code) for code in range(len(cube.labels.questions))],
        "locations": [
            location_of(about, name, cells, is_aggregate=name in aggregates)
            for name, cells in zip(cube.labels.locations, _cells_by(cube, "location"), strict=True)
        ],
        "categories": _categories(cube),
        "periods": [Years(first=period.first, last=period.last) for period in cube.labels.periods],
        "files": [writable(file) for file in about.files],
        "encoding": about.encoding,
        "delimiter": about.delimiter,
        "decimal_mark": about.decimal_mark,
        "citation": citation.suggest_for_dataset(
            name=name, title=writable(about.title), fingerprint=snapshot.fingerprint, synthetic=about.synthetic
        ),
        "warnings": [writable(warning) for warning in about.warnings],
    }


_FACTS = tuple(name for name in DatasetResource.__struct_fields__ if name not in DatasetSummary.__struct_fields__)


def _codes(cube: Cube, axis: str, which: slice = slice(None)) -> Integers:
    codes: Integers = cube.cells.keys[which, list(AXES).index(axis)]
    return codes


def _cells_by(cube: Cube, axis: str) -> list[int]:
    """Count the cells of each label of an axis; those without one are left out."""
    codes = _codes(cube, axis)
    counts: list[int] = np.bincount(codes[codes != ABSENT], minlength=len(getattr(cube.labels, AXES[axis]))).tolist()
    return counts


def _question(snapshot: Snapshot, code: int) -> QuestionResource:
    cube, question = snapshot.cube, snapshot.about.questions[code]
    own = slice(int(cube.starts[code]), int(cube.starts[code + 1]))
    moments = cube.by_question.moments
    place = cube.by_question.of(code)
    periods = [cube.labels.periods[each] for each in np.unique(_codes(cube, "period", own)).tolist() if each != ABSENT]
    return QuestionResource(
        text=question.text,
        topic=question.topic,
        unit=question.unit,
        polarity=question.polarity,
        has_total=has_total(cube, code),
        years=Years(first=min(each.first for each in periods), last=max(each.last for each in periods))
        if periods
        else None,
        cells=own.stop - own.start,
        rows=int((moments.count + moments.withheld)[place].sum()),
        withheld=int(moments.withheld[place].sum()),
        value_types=[
            ValueTypeResource(name=cube.labels.value_types[each].name, unit=cube.labels.value_types[each].unit)
            for each in np.unique(_codes(cube, "value_type", own)).tolist()
        ],
    )


def _categories(cube: Cube) -> list[CategoryResource]:
    strata: dict[int, list[str]] = {code: [] for code in range(len(cube.labels.categories))}
    pairs = np.stack([_codes(cube, "category"), _codes(cube, "stratum")], axis=1)
    for category, stratum in np.unique(pairs, axis=0).tolist():
        if ABSENT not in (category, stratum):
            strata[category].append(cube.labels.strata[stratum])
    cells = _cells_by(cube, "category")
    return [
        CategoryResource(name=name, strata=strata[code], cells=cells[code])
        for code, name in enumerate(cube.labels.categories)
    ]
