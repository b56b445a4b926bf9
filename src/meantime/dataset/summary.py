"""The one description of a data set: what ``inspect``, the pages and the API show of a snapshot."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from meantime.dataset.cube import ABSENT, Cube, Period, ValueType
from meantime.dataset.facts import geography
from meantime.dataset.points import GeoPoint
from meantime.dataset.snapshot import About, Polarity, Snapshot


@dataclass(frozen=True, slots=True, kw_only=True)
class QuestionSummary:
    """An indicator and how much the table has of it."""

    text: str
    topic: str
    unit: str | None
    polarity: Polarity | None
    years: Period | None  # from the first to the last with a row; None without any
    cells: int
    rows: int
    withheld: int
    value_types: tuple[ValueType, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class LocationSummary:
    """A place, and where it is."""

    name: str
    cells: int
    is_aggregate: bool  # known to contain others, as a country contains its states
    point: GeoPoint | None
    no_point: str | None  # why it has no point


@dataclass(frozen=True, slots=True, kw_only=True)
class CategorySummary:
    """A way to divide people, and the groups."""

    name: str
    strata: tuple[str, ...]
    cells: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SnapshotTotals:
    """How much a data set contains, and what it is called."""

    title: str
    fingerprint: str
    synthetic: bool
    rows: int
    cells: int
    withheld: int
    rejected: int
    question_count: int
    location_count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SnapshotSummary(SnapshotTotals):
    """What a data set contains, in numbers and names."""

    withheld_by_reason: dict[str, int]  # most frequent first
    years: Period | None
    unused_columns: tuple[str, ...]  # columns of the file without a role
    questions: tuple[QuestionSummary, ...]
    locations: tuple[LocationSummary, ...]
    categories: tuple[CategorySummary, ...]


def count(snapshot: Snapshot) -> SnapshotTotals:
    """Return the totals alone, in microseconds whatever the size: health checks and metrics read them all the time."""
    return SnapshotTotals(**_totals(snapshot))


def summarize(snapshot: Snapshot) -> SnapshotSummary:
    """Describe a snapshot. A few milliseconds for the CDC's tables; no block is opened, whatever the number of cells.

    >>> from meantime.dataset.samples import example
    >>> summary = summarize(example.snapshot())
    >>> summary.rows, summary.cells, summary.withheld, summary.years
    (9, 9, 3, Period(first=2020, last=2021))
    >>> [(question.text, question.rows, question.withheld) for question in summary.questions][0]
    ('Cups of tea a day', 1, 0)
    >>> summary.categories[0]
    CategorySummary(name='Sex', strata=('Female', 'Male'), cells=2)
    """
    about, cube = snapshot.about, snapshot.cube
    used = set(about.roles.values())
    return SnapshotSummary(
        **_totals(snapshot),
        withheld_by_reason=cube.withheld_by_reason(),
        years=_span(cube.labels.periods),
        unused_columns=tuple(column for column in about.columns if column not in used),
        questions=tuple(_question(snapshot, code) for code in range(len(cube.labels.questions))),
        locations=_locations(snapshot),
        categories=_categories(cube),
    )


def withheld_by_location(snapshot: Snapshot) -> dict[str, int]:
    """Count suppressed and missing values by location. The blocks of questions that have some are opened.

    >>> from meantime.dataset.samples import example
    >>> withheld_by_location(example.snapshot())
    {'Avalon': 2, 'Borduria': 0, 'Cockaigne': 0, 'Dorado': 1}
    """
    counts = dict.fromkeys(snapshot.cube.labels.locations, 0)
    for (_, location), withheld in withheld_by_question_and_location(snapshot).items():
        counts[location] += withheld
    return counts


def withheld_by_question_and_location(snapshot: Snapshot) -> dict[tuple[str, str], int]:
    """Count suppressed and missing values by question and location, where there are some.

    >>> from meantime.dataset.samples import example
    >>> withheld_by_question_and_location(example.snapshot())["Percent of adults who nap", "Avalon"]
    1
    """
    cube = snapshot.cube
    labels = cube.labels
    counts: dict[tuple[str, str], int] = {}
    for question in np.flatnonzero(cube.by_question.moments.withheld).tolist():
        marginal = cube.block(question).by_location
        for entry in np.flatnonzero(marginal.moments.withheld).tolist():
            place = labels.locations[marginal.keys[entry, 1]]
            counts[labels.questions[question], place] = int(marginal.moments.withheld[entry])
    return counts


def describe_location(about: About, name: str, *, cells: int, is_aggregate: bool = False) -> LocationSummary:
    """Describe a place, with the point where it is, or the reason why it has none."""
    point = about.points.of.get(name)
    if point is None:
        default = "no row names one" if "point" in about.roles else "the table has no column of points"
        reason = about.points.unknown.get(name, default)
    else:
        reason = None
    return LocationSummary(name=name, cells=cells, is_aggregate=is_aggregate, point=point, no_point=reason)


def _totals(snapshot: Snapshot) -> dict[str, Any]:
    about, cube = snapshot.about, snapshot.cube
    return {
        "title": about.title,
        "fingerprint": snapshot.fingerprint,
        "synthetic": about.synthetic,
        "rows": about.rows,
        "cells": cube.cell_count,
        "withheld": int(cube.by_question.moments.withheld.sum()),
        "rejected": about.rejected_total,
        "question_count": len(cube.labels.questions),
        "location_count": len(cube.labels.locations),
    }


def _question(snapshot: Snapshot, code: int) -> QuestionSummary:
    cube, info = snapshot.cube, snapshot.about.questions[code]
    own, outline, moments = cube.cells_of(code), cube.outline(code), cube.by_question.moments
    withheld = int(moments.withheld[code])
    periods = [cube.labels.periods[each] for each in outline.periods if each != ABSENT]
    return QuestionSummary(
        text=info.text,
        topic=info.topic,
        unit=info.unit,
        polarity=info.polarity,
        years=_span(periods),
        cells=own.stop - own.start,
        rows=int(moments.count[code]) + withheld,
        withheld=withheld,
        value_types=tuple(cube.labels.value_types[each] for each in outline.value_types),
    )


def _locations(snapshot: Snapshot) -> tuple[LocationSummary, ...]:
    names = snapshot.cube.labels.locations
    known = geography.for_locations(names)
    return tuple(
        describe_location(snapshot.about, name, cells=cells, is_aggregate=known.is_aggregate(name))
        for name, cells in zip(names, snapshot.cube.location_cells.tolist(), strict=True)
    )


def _categories(cube: Cube) -> tuple[CategorySummary, ...]:
    labels = cube.labels
    strata: list[set[int]] = [set() for _ in labels.categories]
    cells = [0] * len(labels.categories)
    for question in range(len(labels.questions)):
        for group in cube.outline(question).groups:
            if group.category != ABSENT:
                cells[group.category] += group.cells
                strata[group.category] |= {group.stratum} - {ABSENT}
    return tuple(
        CategorySummary(
            name=name, strata=tuple(labels.strata[each] for each in sorted(strata[code])), cells=cells[code]
        )
        for code, name in enumerate(labels.categories)
    )


def _span(periods: tuple[Period, ...] | list[Period]) -> Period | None:
    if not periods:
        return None
    return Period(min(period.first for period in periods), max(period.last for period in periods))
