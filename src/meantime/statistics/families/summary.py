"""``summary``: what the rows of a question are like, in all, or by location, category, stratum and period.

Counts, means, deviations, least and most come from the cube's exact sums. Quantiles need the values themselves: cells
of up to three rows tell them, and of others the rows are read (``dataset.row_values``). Everything is computed with
integers and rounded once, at the end.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Any, Literal

import msgspec
import numpy as np

from meantime.dataset.cube import ABSENT, AXES, Exact, Integers, Moments, add_up
from meantime.dataset.snapshot import Snapshot
from meantime.dataset.value_counts import ValueCounts, cells_hold_every_value, count_in_cells, count_in_rows
from meantime.model import Work
from meantime.statistics import columns
from meantime.statistics.cells.filters import FilteredCells, filter_cells, label_texts
from meantime.statistics.cells.provenance import Provenance, of_mean, unweighted
from meantime.statistics.cost import Cost
from meantime.statistics.explain.explanation import ExplanationBuilder
from meantime.statistics.explain.means import explain_mean
from meantime.statistics.methods.exact import exact_share, quantile, square_root
from meantime.statistics.parameters import (
    CategoryName,
    LocationName,
    Names,
    PeriodText,
    QuestionText,
    StratumName,
    period_of,
    period_text,
)
from meantime.statistics.statistic import EXAMPLE, Prepared, Statistic
from meantime.statistics.words import warnings
from meantime.table import Cell, Column, Table

# Names in one filter: as many as fit into an address, and a look-up of each takes a microsecond.
_MOST_NAMES = 1_000
# Each is compared with every period that there is.
_MOST_SPANS = 100
# Percentiles from 0 to 100 are 101.
_MOST_QUANTILES = 101
# Groups that are computed between two looks at whether to stop: some 10 ms.
_GROUPS_AT_A_TIME = 2_000

_ROWS = (
    "Each row of the file with a value counts once, whatever its sample size. The standard deviation is that of the "
    "rows, with n - 1; quantiles are interpolated between neighbouring values (type 7 of Hyndman and Fan)."
)

Axis = Literal["location", "category", "stratum", "period"]


class Summary(msgspec.Struct, frozen=True, kw_only=True):
    """Parameters of summary. The order of names in a filter, and their repetition, mean nothing."""

    question: QuestionText
    by: Annotated[
        tuple[Axis, ...],
        msgspec.Meta(
            max_length=4,
            description="What to group rows by, in this order. Default: all rows are one group.",
            examples=[["location"], ["period", "location"]],
        ),
    ] = ()
    location: Annotated[
        tuple[LocationName, ...],
        msgspec.Meta(
            max_length=_MOST_NAMES,
            description="Only rows of these locations. Default: all.",
            examples=[["Utah", "Ohio"]],
        ),
    ] = ()
    category: Annotated[
        tuple[CategoryName, ...],
        msgspec.Meta(
            max_length=_MOST_NAMES,
            description='Only rows of these categories; "" means rows without a category. Default: all.',
            examples=[["Total"]],
        ),
    ] = ()
    stratum: Annotated[
        tuple[StratumName, ...],
        msgspec.Meta(
            max_length=_MOST_NAMES,
            description='Only rows of these strata; "" means rows without a stratum. Default: all.',
            examples=[["Male", "Female"]],
        ),
    ] = ()
    period: Annotated[
        tuple[PeriodText, ...],
        msgspec.Meta(
            max_length=_MOST_SPANS,
            description="Only rows of these years, or of periods within these spans. Default: all.",
            examples=[["2019", "2021-2023"]],
        ),
    ] = ()
    quantiles: Annotated[
        tuple[Annotated[float, msgspec.Meta(ge=0, le=1)], ...],
        msgspec.Meta(
            max_length=_MOST_QUANTILES,
            description="Quantiles as shares from 0 to 1; 0.5 is the median. Each is a column: median, or q and the "
            "decimals, as in q05 and q975.",
            examples=[[0.05, 0.5, 0.95]],
        ),
    ] = (0.5,)
    order: Annotated[
        tuple[Annotated[str, Names.COLUMN], ...],
        msgspec.Meta(
            max_length=20,
            description='Columns to sort by, the most important first, with "-" in front for descending order. Nulls'
            " come last, and ties are sorted by the names of the groups. Default: by the names of the "
            "groups.",
            examples=[["-mean"]],
        ),
    ] = ()
    limit: Annotated[
        Annotated[int, msgspec.Meta(ge=1, le=1_000_000)] | None,
        msgspec.Meta(description="The largest number of rows to return. Default: all.", examples=[10]),
    ] = None

    def __post_init__(self) -> None:
        """Write equal questions in one way: they are then one answer, and one entry of every cache."""
        for name in ("location", "category", "stratum"):
            self._put(name, tuple(sorted(set(getattr(self, name)))))
        spans = {period_of(str(each)) for each in self.period}
        self._put("period", tuple(period_text(span) for span in sorted(spans)))
        self._put("by", tuple(dict.fromkeys(self.by)))
        self._put("quantiles", tuple(sorted({each + 0.0 for each in self.quantiles})))

    def _put(self, name: str, value: Any) -> None:
        msgspec.structs.force_setattr(self, name, value)


_BY = {
    "location": columns.LOCATION,
    "category": columns.CATEGORY,
    "stratum": columns.STRATUM,
    "period": columns.PERIOD,
}
_NUMBERS = (
    columns.COUNT,
    columns.number("mean", "mean of the group's rows; null where there is no value"),
    columns.number("sd", "standard deviation of the group's rows, with n - 1; null where there are fewer than two"),
    columns.number("min", "smallest value"),
    columns.number("max", "largest value"),
)


def columns_for(parameters: Summary) -> tuple[Column, ...]:
    """Return the columns of the answer.

    >>> [column.name for column in columns_for(Summary(question="Q", by=("period",), quantiles=(0.05, 0.5, 0.975)))]
    ['period', 'count', 'mean', 'sd', 'min', 'max', 'q05', 'median', 'q975', 'withheld']
    """
    quantiles = (columns.number(_quantile_name(share), _quantile_meaning(share)) for share in parameters.quantiles)
    return (*(_BY[axis] for axis in parameters.by), *_NUMBERS, *quantiles, columns.WITHHELD)


def prepare(snapshot: Snapshot, parameters: Summary) -> FilteredCells:
    """Select the cells that the filters let through."""
    names = {"location": parameters.location, "category": parameters.category, "stratum": parameters.stratum}
    return filter_cells(snapshot.cube, parameters.question, names, [str(each) for each in parameters.period])


def summary(prepared: Prepared[Summary, FilteredCells], work: Work) -> Table:
    """Describe the rows of a question: how many, mean, deviation, least, most and quantiles, by group.

    A group is there if it has a row; one with nothing but withheld rows has a count of 0 and no numbers, and stands
    last where it is sorted by one. Without ``order`` groups come by name, as tied ones do, and years one after another:

    >>> from meantime.dataset.samples import example
    >>> def show(**parameters):
    ...     parameters = Summary(question=example.BREAKFAST, **parameters)
    ...     for row in STATISTIC.answer(example.snapshot(), parameters).rows():
    ...         print(*row)
    >>> show(by=("location",), order=("-mean",))  # location, count, mean, sd, min, max, median, withheld
    Cockaigne 2 31.55 2.1920310216782974 30.0 33.1 31.55 0
    Avalon 2 21.0 1.4142135623730951 20.0 22.0 21.0 1
    Borduria 1 21.0 None 21.0 21.0 21.0 0
    Dorado 0 None None None None None 1
    >>> show(location=("Avalon",), by=("category", "stratum"), quantiles=())
    Sex Female 1 22.0 None 22.0 22.0 0
    Sex Male 0 None None None None 1
    Total Total 1 20.0 None 20.0 20.0 0
    >>> show(quantiles=(0.25,), period=("2020",))
    4 23.25 4.573474244670748 20.0 30.0 20.75 2

    A name that the snapshot does not have raises KeyError. Where nothing is left by the filters, the answer has no row:

    >>> show(location=("Borduria",), category=("Sex",))
    """
    snapshot, parameters = prepared.snapshot, prepared.parameters
    groups = _Groups(prepared)
    scale = snapshot.cube.scale
    numbers = [
        groups.moments.count.tolist(),
        [None if math.isnan(mean) else mean for mean in groups.moments.means(scale).tolist()],
        _deviations(groups.moments, scale, work),
        _at_scale(groups.moments.minimum, groups.moments.count, scale),
        _at_scale(groups.moments.maximum, groups.moments.count, scale),
        *_quantiles(groups, work),
        groups.moments.withheld.tolist(),
    ]
    described = columns_for(parameters)
    data = dict(zip((column.name for column in described), [*groups.labels(), *numbers], strict=True))
    order = _ordered(data, groups.ranks(), parameters)
    return Table(
        columns=columns.of_question(described, snapshot.about.questions[groups.question].unit),
        data=tuple([cells[index] for index in order] for cells in data.values()),
        notes=tuple(filter(None, (_ROWS, warnings.synthetic(snapshot)))),
        warnings=groups.warnings(),
    )


def cost(prepared: Prepared[Summary, FilteredCells]) -> Cost:
    """State what a summary costs: its cells, and where those do not tell the values, every row of the table."""
    snapshot, parameters, cells = prepared.snapshot, prepared.parameters, prepared.data.cells
    picked = snapshot.cube.pick(cells)
    is_in_cells = not parameters.quantiles or cells_hold_every_value(picked.moments)
    groups = _number_of_groups(picked.keys[:, [_PLACES[axis] for axis in parameters.by]])
    rows = groups if parameters.limit is None else min(groups, parameters.limit)
    return Cost(
        sums=len(cells),
        rows=0 if is_in_cells else snapshot.about.rows,
        **prepared.answer_cost(rows),
    )


def _number_of_groups(keys: Integers) -> int:
    """Count the distinct keys."""
    if not keys.size:
        return min(len(keys), 1)
    # As one number each, which is faster to sort than rows.
    spans = keys.max(axis=0) + 2
    numbers = np.zeros(len(keys), dtype=np.int64)
    for axis, span in zip(keys.T, spans.tolist(), strict=True):
        numbers = numbers * span + axis + 1
    return len(np.unique(numbers))


def rests_on(prepared: Prepared[Summary, FilteredCells], row: Mapping[str, Cell] | None) -> Provenance:
    """Say what the numbers of a group rest on: its rows that the filters let through; they add up to its mean."""
    snapshot, cells = prepared.snapshot, prepared.data.cells
    if row is None:
        return Provenance(number=None, parts=(unweighted(cells),))
    keys = snapshot.cube.pick(cells).keys
    kept = np.ones(len(keys), dtype=bool)
    for axis in prepared.parameters.by:
        label = row[axis]
        code = ABSENT if label is None else list(label_texts(snapshot.cube, axis)).index(str(label))
        kept &= keys[:, _PLACES[axis]] == code
    return Provenance(number="mean", parts=(of_mean(snapshot, cells[kept]),))


class _Groups:
    """The cells that are asked about, and the groups that they are in, ordered by key."""

    def __init__(self, prepared: Prepared[Summary, FilteredCells]) -> None:
        self._snapshot = prepared.snapshot
        self.parameters = prepared.parameters
        self.question, self.codes, cells = prepared.data
        picked = self._snapshot.cube.pick(cells)
        self._keys, self._cells = picked.keys, picked.moments
        self._by = self._keys[:, [_PLACES[axis] for axis in self.parameters.by]]
        self.keys, self.moments = add_up(self._by, self._cells)

    def counted(self, work: Work) -> ValueCounts:
        """Count the different values of each group."""
        if cells_hold_every_value(self._cells):
            return count_in_cells(self._by, self._cells)
        return count_in_rows(self._snapshot, self.parameters.question, self.parameters.by, self.codes, work)

    @property
    def scale(self) -> int:
        return self._snapshot.cube.scale

    def labels(self) -> list[list[Cell]]:
        """Return the names of the groups, one list an axis; None where the rows have none."""
        labels: list[list[Cell]] = []
        for axis, codes in zip(self.parameters.by, self.keys.T, strict=True):
            names = label_texts(self._snapshot.cube, axis)
            labels.append([None if code == ABSENT else names[code] for code in codes.tolist()])
        return labels

    def ranks(self) -> dict[str, list[int | None]]:
        """Return what the groups are sorted by where it is by name: years by number, and not by their digits."""
        return {
            axis: [None if code == ABSENT else code for code in codes.tolist()]
            for axis, codes in zip(self.parameters.by, self.keys.T, strict=True)
        }

    def warnings(self) -> tuple[str, ...]:
        mixed = [
            words
            for axis, words in _MIXED.items()
            if axis not in self.parameters.by and self._has_several(_PLACES[axis])
        ]
        given, withheld = int(self._cells.count.sum()), int(self._cells.withheld.sum())
        told = (
            f"Groups may have rows of several {' and of several '.join(mixed)}, which are counted as if they were of "
            "one kind; no number is then a rate of the population." * bool(mixed),
            f"Withheld rows, which count nowhere: {withheld:,} of {given + withheld:,}." * bool(withheld),
            warnings.kinds_of_value(self._snapshot, self.question),
        )
        return tuple(filter(None, told))

    def _has_several(self, index: int) -> bool:
        codes = self._keys[:, index]
        return bool(len(codes)) and bool(codes.min() != codes.max())


_PLACES = {axis: index for index, axis in enumerate(AXES)}
_MIXED = {"stratum": "strata", "period": "periods"}


def _deviations(moments: Moments, scale: int, work: Work) -> list[float | None]:
    unit = 10 ** (2 * scale)
    deviations: list[float | None] = []
    sums = zip(moments.count.tolist(), moments.total.tolist(), moments.squares.tolist(), strict=True)
    for index, (n, total, squares) in enumerate(sums):
        if index % _GROUPS_AT_A_TIME == 0:
            work.check()
        deviations.append(square_root(n * squares - total * total, n * (n - 1) * unit) if n > 1 else None)
    return deviations


def _at_scale(numbers: Exact, count: Integers, scale: int) -> list[float | None]:
    unit = 10**scale
    pairs = zip(numbers.tolist(), count.tolist(), strict=True)
    return [number / unit if n else None for number, n in pairs]


def _quantiles(groups: _Groups, work: Work) -> list[list[float | None]]:
    """Return a column for each quantile."""
    shares = [exact_share(share) for share in groups.parameters.quantiles]
    if not shares:
        return []
    counted = groups.counted(work)
    starts = _starts(counted, groups.keys)
    # How many rows there are up to each value.
    ends = np.cumsum(counted.counts)
    quantiles: list[list[float | None]] = [[] for _ in shares]
    for group, n in enumerate(groups.moments.count.tolist()):
        if group % _GROUPS_AT_A_TIME == 0:
            work.check()
        first, last = int(starts[group]), int(starts[group + 1])
        offset = int(ends[first - 1]) if first else 0

        def value_at(row: int, first: int = first, last: int = last, offset: int = offset) -> int:
            index = first + int(np.searchsorted(ends[first:last], row + offset, side="right"))
            return int(counted.values[index])

        for column, share in zip(quantiles, shares, strict=True):
            column.append(quantile(value_at, n, share, groups.scale) if n else None)
    return quantiles


def _starts(counted: ValueCounts, keys: Integers) -> Integers:
    """Return where the values of each group begin, and where the last ones end. Both are in the order of their keys."""
    if not len(counted) or not keys.shape[1]:
        return np.array([0, *[len(counted)] * len(keys)], dtype=np.int64)
    is_new = np.ones(len(counted), dtype=bool)
    is_new[1:] = (counted.keys[1:] != counted.keys[:-1]).any(axis=1)
    firsts = [*np.flatnonzero(is_new).tolist(), len(counted)]
    starts, passed = [], 0
    # Groups without a value have none here, and begin where the next one does.
    heads = counted.keys[is_new].tolist()
    for key in keys.tolist():
        starts.append(firsts[passed])
        if passed < len(heads) and heads[passed] == key:
            passed += 1
    return np.array([*starts, len(counted)], dtype=np.int64)


def _quantile_name(share: float) -> str:
    """Return the name of a quantile's column.

    >>> [_quantile_name(share) for share in (0.0, 0.05, 0.1, 0.5, 0.975, 1.0)]
    ['q00', 'q05', 'q10', 'median', 'q975', 'q100']
    """
    if share in (0.5, 1.0):
        return "median" if share < 1 else "q100"
    return "q" + format(Decimal(repr(share)), "f").partition(".")[2].ljust(2, "0")


def _quantile_meaning(share: float) -> str:
    if share == 0.5:
        return "median: half of the values are below, half above"
    return f"quantile {share}: that share of the values is below"


def _ordered(data: dict[str, list[Any]], ranks: dict[str, list[int | None]], parameters: Summary) -> list[int]:
    """Return the positions of the groups in the requested order.

    They are sorted by the last column first, since sorting keeps ties in order.
    """
    order = list(range(len(data["count"])))
    for column in reversed((*parameters.order, *parameters.by)):
        name = column.removeprefix("-")
        cells = ranks.get(name, data[name])
        with_value = [index for index in order if cells[index] is not None]
        with_value.sort(key=cells.__getitem__, reverse=column.startswith("-"))
        order = with_value + [index for index in order if cells[index] is None]
    return order[: parameters.limit]


def explain(explanation: ExplanationBuilder[Summary, FilteredCells]) -> None:
    """Explain the mean of a group."""
    explain_mean(explanation)
    explanation.leaves_out.append("Everything but the mean: deviation, least, most and quantiles are of the same rows.")


STATISTIC = Statistic(
    name="summary",
    order=100,
    parameters=Summary,
    prepare=prepare,
    cost=cost,
    compute=summary,
    rests_on=rests_on,
    explain=explain,
    help="count, mean, standard deviation, least, most and quantiles of the rows, grouped and filtered as asked",
    estimates="how the published values are spread, not how people are: each row of a group counts once; with one "
    "stratum and one period in each group these are the published numbers themselves",
    columns=columns_for(Summary(question="")),
    columns_for=columns_for,
    example={
        **EXAMPLE,
        "by": ["location"],
        "category": ["Total"],
        "quantiles": [0.25, 0.5, 0.75],
        "order": ["-mean"],
        "limit": 3,
    },
    example_rows=(
        ("Maine", 13, 37.53846153846154, 2.110504861219412, 35.0, 41.6, 35.9, 37.6, 38.9, 0),
        ("Washington", 13, 36.684615384615384, 1.8586940549061832, 33.5, 40.1, 36.1, 36.7, 37.2, 0),
    ),
    method_version=1,
)
