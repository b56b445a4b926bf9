"""The tables of the classic statistics, made from entries of the cube's marginals."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from meantime.dataset.cube import ABSENT, Integers, Marginal
from meantime.dataset.snapshot import Snapshot
from meantime.statistics import columns
from meantime.statistics.words import warnings
from meantime.table import Cell, Column, Table

_OVER_ROWS = (
    "Means of the file's rows as they come, over strata and years; each row counts once, whatever its sample size."
)
_POOR_ESTIMATE = (
    "A poor estimate of the population: overall figures, their breakdowns and different years are averaged together. "
    "Do not rank by it."
)


_COUNTS = (columns.COUNT, columns.WITHHELD)
_MEAN_OF_LOCATION = columns.number("mean", "mean of the location's rows")
MEANS = (columns.LOCATION, _MEAN_OF_LOCATION, *_COUNTS)
MEAN_OF_ALL = (columns.number("mean", "mean of all rows of the question"), *_COUNTS)
DIFFERENCES = (
    columns.LOCATION,
    columns.number(
        "difference",
        "mean of all rows of the question minus the mean of the location's rows",
        unit=columns.OF_DIFFERENCE,
    ),
    _MEAN_OF_LOCATION,
    columns.number("global_mean", "mean of all rows of the question"),
    *_COUNTS,
)
MEANS_OF_GROUPS = (
    columns.LOCATION,
    columns.CATEGORY,
    columns.STRATUM,
    columns.number("mean", "mean of the group's rows"),
    *_COUNTS,
)


class LocationTables:
    """The entries of a question by location, those with a value, in the order of the names."""

    def __init__(self, snapshot: Snapshot, question: str, entries: Integers) -> None:
        self._snapshot = snapshot
        self._question = snapshot.cube.question_codes[question]
        self._marginal = snapshot.cube.block(self._question).by_location
        self.entries = entries

    def ascending(self) -> Integers:
        """Return the entries in ascending order of the mean."""
        # Stable, over entries that are in the order of the names: ties are by name.
        order: Integers = self.entries[np.argsort(self._marginal.mean[self.entries], kind="stable")]
        return order

    def descending(self) -> Integers:
        """Return the entries in descending order of the mean."""
        # Not the reverse of ascending(), which would turn the tied ones around too.
        order: Integers = self.entries[np.argsort(-self._marginal.mean[self.entries], kind="stable")]
        return order

    def table(self, order: Integers) -> Table:
        """Return the means of some entries."""
        return self._table(MEANS, (self._marginal.mean[order].tolist(),), order)

    def differences(self, order: Integers) -> Table:
        """Return how far the means of some entries are from that of all rows."""
        mean_of_all = float(self._snapshot.cube.by_question.mean[self._question])
        data = (self._exact_differences(order), self._marginal.mean[order].tolist(), [mean_of_all] * len(order))
        return self._table(DIFFERENCES, data, order)

    def _exact_differences(self, order: Integers) -> list[float]:
        overall = self._snapshot.cube.by_question.moments
        n_all, total_all = int(overall.count[self._question]), int(overall.total[self._question])
        unit_of_scale = 10**self._snapshot.cube.scale
        moments = self._marginal.moments
        # Python's integers: the products may not fit in 64 bits, and their division rounds once.
        return [
            (total_all * n - total * n_all) / (n_all * n * unit_of_scale)
            for n, total in zip(moments.count[order].tolist(), moments.total[order].tolist(), strict=True)
        ]

    def _table(self, described: tuple[Column, ...], data: tuple[Sequence[Cell], ...], order: Integers) -> Table:
        names = self._snapshot.cube.labels.locations
        return Table(
            columns=columns.of_question(described, _unit(self._snapshot, self._question)),
            data=(
                [names[code] for code in self._marginal.keys[order, 1].tolist()],
                *data,
                *_counts(self._marginal, order),
            ),
            notes=_notes(self._snapshot),
            warnings=_warnings(self._snapshot, self._question),
        )


def mean_of_all(snapshot: Snapshot, question: str, entries: Integers) -> Table:
    """Return the mean of all rows of a question."""
    marginal = snapshot.cube.by_question
    code = snapshot.cube.question_codes[question]
    return Table(
        columns=columns.of_question(MEAN_OF_ALL, _unit(snapshot, code)),
        data=(marginal.mean[entries].tolist(), *_counts(marginal, entries)),
        notes=_notes(snapshot),
        warnings=_warnings(snapshot, code),
    )


def means_of_groups(snapshot: Snapshot, question: str, entries: Integers) -> Table:
    """Return the means of some entries by location, category and stratum; rows without a category are in no group."""
    labels = snapshot.cube.labels
    question_code = snapshot.cube.question_codes[question]
    marginal = snapshot.cube.block(question_code).by_stratum
    entries = entries[marginal.keys[entries, 2] != ABSENT]
    _, locations, categories, strata = marginal.keys[entries].T.tolist()
    # One name more, at the end, where the code of a stratum that is absent (-1) finds it.
    stratum_names = (*labels.strata, "")
    return Table(
        columns=columns.of_question(MEANS_OF_GROUPS, _unit(snapshot, question_code)),
        data=(
            [labels.locations[code] for code in locations],
            [labels.categories[code] for code in categories],
            [stratum_names[code] for code in strata],
            marginal.mean[entries].tolist(),
            *_counts(marginal, entries),
        ),
        notes=_notes(snapshot),
        warnings=_warnings(snapshot, question_code),
    )


def _unit(snapshot: Snapshot, question: int) -> str | None:
    return snapshot.about.questions[question].unit


def _counts(marginal: Marginal, order: Integers) -> tuple[list[int], list[int]]:
    return marginal.moments.count[order].tolist(), marginal.moments.withheld[order].tolist()


def _notes(snapshot: Snapshot) -> tuple[str, ...]:
    return tuple(filter(None, (_OVER_ROWS, warnings.synthetic(snapshot))))


def _warnings(snapshot: Snapshot, question: int) -> tuple[str, ...]:
    moments = snapshot.cube.by_question.moments
    withheld, rows = int(moments.withheld[question]), int(moments.withheld[question] + moments.count[question])
    possible = (
        _POOR_ESTIMATE,
        warnings.withheld(withheld, rows),
        warnings.kinds_of_value(snapshot, question),
        warnings.rows_of_a_cell(snapshot, question),
    )
    return tuple(filter(None, possible))
