"""Describes data sets to clients, from what the catalog knows of them."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import numpy as np

from meantime.dataset.catalog import Catalog
from meantime.dataset.cube import ABSENT, AXES, Cube, Integers
from meantime.dataset.facts import geography
from meantime.dataset.load_status import Failed, Loading, Ready, Status, progress_of
from meantime.dataset.reading.progress import Progress
from meantime.dataset.snapshot import About, Snapshot
from meantime.errors import MeantimeError
from meantime.formats import citation
from meantime.statistics.cells.basis import has_total
from meantime.text import writable
from meantime.web.v1.datasets.resource import (
    CategoryResource,
    DatasetLinks,
    DatasetResource,
    DatasetSummary,
    LocationResource,
    PointResource,
    QuestionResource,
    Reading,
    Trouble,
    ValueTypeResource,
    Years,
)


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
    known = geography.for_locations(cube.labels.locations)
    return {
        "withheld_by_reason": cube.withheld_by_reason(),
        "roles": about.roles,
        "columns": list(about.columns),
        "questions": [_question(snapshot, code) for code in range(len(cube.labels.questions))],
        "locations": [
            location_of(about, name, cells, is_aggregate=known.is_aggregate(name))
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
