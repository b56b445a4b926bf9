"""Describes data sets to clients."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

import msgspec

from meantime.dataset.catalog import Catalog
from meantime.dataset.cube import Period
from meantime.dataset.facts import shapes_of_places, tile_grids
from meantime.dataset.facts.titles import in_natural_order, title_of
from meantime.dataset.load_status import Failed, Loading, Ready, Status, progress_of
from meantime.dataset.reading.progress import Progress
from meantime.dataset.snapshot import Snapshot
from meantime.dataset.summary import LocationSummary, QuestionSummary, count, summarize
from meantime.errors import MeantimeError
from meantime.formats import citation
from meantime.statistics.cells.default_groups import DefaultGroup, QuestionGroups, question_groups
from meantime.statistics.words.subject import capitalized
from meantime.text import writable
from meantime.web.v1.datasets.pages import DatasetList
from meantime.web.v1.datasets.resource import (
    CategoryResource,
    DatasetLinks,
    DatasetResource,
    DatasetSummary,
    GroupResource,
    LocationResource,
    PointResource,
    QuestionResource,
    Reading,
    Trouble,
    ValueTypeResource,
    Years,
)


def path_of(name: str) -> str:
    """Return the address of a data set."""
    return f"/v1/datasets/{quote(name, safe='')}"


def list_of(catalog: Catalog, *, may_reload: bool, may_upload: bool) -> DatasetList:
    """Describe every data set briefly."""
    return DatasetList(
        may_reload=may_reload,
        may_upload=may_upload,
        datasets=[DatasetSummary(**_summary(catalog, name, status)) for name, status in catalog.statuses().items()],
    )


def resource_of(catalog: Catalog, name: str) -> DatasetResource:
    """Describe a data set in full. A few milliseconds for the CDC's tables; the time grows with the cells."""
    status = catalog.status(name)
    details = _details(name, status.snapshot) if isinstance(status, Ready) else dict.fromkeys(_DETAILS)
    return DatasetResource(**_summary(catalog, name, status), **details)


def location_resource(location: LocationSummary) -> LocationResource:
    """Describe a location to clients."""
    point, no_point = location.point, location.no_point
    return LocationResource(
        name=location.name,
        cells=location.cells,
        is_aggregate=location.is_aggregate,
        point=None if point is None else PointResource(latitude=point.latitude, longitude=point.longitude),
        no_point=no_point and writable(no_point),
    )


def _summary(catalog: Catalog, name: str, status: Status) -> dict[str, Any]:
    path = path_of(name)
    totals = count(status.snapshot) if isinstance(status, Ready) else None
    return {
        "name": name,
        "is_default": name == catalog.default,
        "uploaded": catalog.is_uploaded(name),
        "status": {Loading: "loading", Ready: "ready", Failed: "failed"}[type(status)],
        "reading": _reading(progress_of(status)),
        "failure": _failure(status),
        **{total: totals and getattr(totals, total) for total in _TOTALS},
        "links": DatasetLinks(
            self_=path, coverage=f"{path}/coverage", rejected=f"{path}/rejected", reload=f"{path}/reload"
        ),
    }


def _reading(progress: Progress | None) -> Reading | None:
    if progress is None:
        return None
    return Reading(phase=progress.phase, share=progress.share, rows=progress.rows)


def _failure(status: Status) -> Trouble | None:
    match status:
        case Failed(error=error):
            return Trouble(code=error.code, reason=writable(status.reason))
        case Ready(reload_error=MeantimeError() as error):
            return Trouble(code=error.code, reason=writable(error.reason))
        case _:
            return None


def _details(name: str, snapshot: Snapshot) -> dict[str, Any]:
    about, summary = snapshot.about, summarize(snapshot)
    return {
        "withheld_by_reason": summary.withheld_by_reason,
        "roles": about.roles,
        "columns": list(about.columns),
        "questions": [
            _question(question, question_groups(snapshot.cube, code)) for code, question in enumerate(summary.questions)
        ],
        "locations": [location_resource(location) for location in summary.locations],
        "maps": _maps([location.name for location in summary.locations]),
        "categories": [
            CategoryResource(name=category.name, strata=in_natural_order(category.strata), cells=category.cells)
            for category in summary.categories
        ],
        "periods": [_years(period) for period in snapshot.cube.labels.periods],
        "files": [writable(file) for file in about.files],
        "encoding": about.encoding,
        "delimiter": about.delimiter,
        "decimal_mark": about.decimal_mark,
        "origin": {name: writable(text) for name, text in msgspec.to_builtins(about.origin).items()},
        "citation": citation.suggest_for_dataset(
            name=name,
            title=writable(about.title),
            fingerprint=snapshot.fingerprint,
            synthetic=about.synthetic,
            source=writable(str(about.origin)),
        ),
        "warnings": [writable(warning) for warning in about.warnings],
    }


_TOTALS = ("title", "fingerprint", "synthetic", "rows", "cells", "withheld", "rejected")
_DETAILS = tuple(name for name in DatasetResource.__struct_fields__ if name not in DatasetSummary.__struct_fields__)


def _question(question: QuestionSummary, groups: QuestionGroups) -> QuestionResource:
    return QuestionResource(
        text=question.text,
        title=capitalized(title_of(question.text).topic),
        topic=question.topic,
        unit=question.unit,
        polarity=question.polarity,
        has_total=groups.has_total,
        default_group=_group(groups.group),
        default_reference=_group(groups.reference),
        years=question.years and _years(question.years),
        cells=question.cells,
        rows=question.rows,
        withheld=question.withheld,
        value_types=[ValueTypeResource(name=each.name, unit=each.unit) for each in question.value_types],
    )


def _group(group: DefaultGroup | None) -> GroupResource | None:
    return None if group is None else GroupResource(category=group.category, stratum=group.stratum)


def _maps(locations: Sequence[str]) -> list[str]:
    known = {"state_map": shapes_of_places.for_locations(locations), "map": tile_grids.for_locations(locations)}
    return [name for name, places in known.items() if places is not None]


def _years(period: Period) -> Years:
    return Years(first=period.first, last=period.last)
