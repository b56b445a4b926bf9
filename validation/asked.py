"""The same through the front door: files written, read and asked, as the server does it.

The synthetic sample has 55 locations, nine questions and a truth with all that a real one has, and its answers are
compared with that. A drawn grid shows that what the other simulations compute array by array is what a request gets.
"""

from __future__ import annotations

import csv
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import numpy as np

from meantime.dataset.cube import Doubles
from meantime.dataset.reading.source import Source
from meantime.dataset.reading.source_reader import ReadingTask, read_source
from meantime.dataset.samples.scheme import YEARS
from meantime.dataset.samples.synthetic import write_sample
from meantime.dataset.snapshot import Snapshot
from meantime.dataset.snapshot_folder import open_snapshot
from meantime.model import Unwatched
from meantime.statistics.check import check
from meantime.statistics.methods.differences import difference
from meantime.statistics.methods.multiplicity import adjusted
from meantime.statistics.methods.pairs import pairs
from meantime.statistics.methods.pooling import Weights, pool
from meantime.statistics.methods.rank_intervals import marginal, rank_interval, simultaneous
from meantime.statistics.methods.slopes import lines
from meantime.table import Table
from validation.figures import Effort, Promise, Section, share
from validation.survey import Published, generator, publish

# All totals of all years, and half of the strata of the last one.
_ROWS = 20_000
_LEAST_ON_A_SIDE = 10
_NATIONAL, _UTAH = "National", "Utah"
_QUESTION = "Percent of adults who take part in a simulation"
_TOLERANCE = 1e-9


class _Cell(NamedTuple):
    percent: float
    on_a_side: float  # effective respondents


# By question, location, category, stratum and year.
_Truth = dict[tuple[str, str, str, str, int], _Cell]


class _Tally:
    """Counts what was covered, by name."""

    def __init__(self) -> None:
        self.hits: Counter[tuple[str, ...]] = Counter()
        self.of: Counter[tuple[str, ...]] = Counter()

    def add(self, *names: str, covered: bool) -> None:
        self.hits[names] += covered
        self.of[names] += 1


def samples(effort: Effort, seed: int) -> Section:
    """Synthetic samples, asked all that they can be asked."""
    tally = _Tally()
    for number in range(effort.samples):
        with _sample(seed + number) as (snapshot, truth):
            for question in snapshot.cube.labels.questions:
                _estimates(tally, snapshot, truth, question)
                _differences(tally, snapshot, truth, question)
                _rankings(tally, snapshot, truth, question)
    promised: dict[str, Promise] = {
        "estimate": {"least": 94.0, "most": 96.0},
        "comparison": {"least": 94.0, "most": 96.0},
        "change": {"least": 94.0, "most": 96.0},
        "ranking": {"least": 95.0},
    }
    figures = [
        share(names, tally.hits[names], tally.of[names], **({} if _UNPROMISED in names[1] else promised[names[0]]))
        for names in sorted(tally.of)
    ]
    return Section(
        "Synthetic samples, asked as the server asks",
        f"Each of {_ROWS:,} rows, written with `meantime sample --truth`, read, and asked by the registry's functions. "
        f"Comparisons with {_NATIONAL}, which contains its states, are conservative. Answers of one sample are not "
        "independent of each other where they share a reference, so the errors are somewhat larger than told.",
        ("statistic", "of what"),
        tuple(figures),
    )


def agreement(effort: Effort, seed: int) -> Section:
    """Requests over drawn grids get what the arrays give."""
    rng, tally = generator(seed, "agreement"), _Tally()
    for _ in range(max(effort.samples, 3)):
        truth = np.clip(30 + 4 * rng.standard_normal((40, 1)) + 0.3 * np.arange(5), 2, 98)
        grid = publish(rng, truth, np.rint(np.exp(rng.uniform(6, 9, (40, 5)))))
        with tempfile.TemporaryDirectory() as folder:
            snapshot = _read(_write(Path(folder), grid), Path(folder))
            for what, is_same in _compared(snapshot, grid):
                tally.add(what, covered=is_same)
    figures = [
        # Not a matter of chance: one that differs is one too many.
        share(names, tally.hits[names], tally.of[names], least=100.0)._replace(error=0.0)
        for names in sorted(tally.of)
    ]
    return Section(
        "Requests and arrays agree",
        "Drawn tables of 40 locations and 5 years, written as CSV, read, and asked: every number is the one that the "
        f"functions give that the other simulations call, to {_TOLERANCE:g}.",
        ("what",),
        tuple(figures),
        measure="agree %",
    )


SIMULATIONS = (samples, agreement)

# In the name of what nothing is promised of.
_UNPROMISED = "nothing promised"


@contextmanager
def _sample(seed: int) -> Iterator[tuple[Snapshot, _Truth]]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        table, beside = folder / "sample.csv", folder / "truth.csv"
        with table.open("wb") as out, beside.open("wb") as truth:
            write_sample(out, rows=_ROWS, seed=seed, truth=truth)
        yield _read(table, folder), _truth(beside)


def _read(table: Path, folder: Path) -> Snapshot:
    into, work = folder / "snapshots", folder / "work"
    into.mkdir()
    work.mkdir()
    source = Source(name="validation", path=str(table), columns={})
    job = ReadingTask(source=source, into=str(into), work=str(work), memory_mb=512, rejected_limit=0.0)
    return open_snapshot(read_source(job, lambda _: None))


def _truth(beside: Path) -> _Truth:
    found: _Truth = {}
    with beside.open(encoding="utf-8", newline="") as lines_:
        for row in csv.DictReader(lines_):
            percent = float(row["True_Percent"])
            effective = float(row["Sample_Size"]) / float(row["Design_Effect"] or "inf")
            key = (row["Question"], row["LocationDesc"], row["StratificationCategory1"], row["Stratification1"])
            found[*key, int(row["YearStart"])] = _Cell(percent, effective * min(percent, 100 - percent) / 100)
    return found


def _ask(snapshot: Snapshot, statistic: str, **asked: object) -> Table:
    return check(statistic, {"question": _QUESTION, **asked}, snapshot, refuse_unknown=True).compute(Unwatched())


def _estimates(tally: _Tally, snapshot: Snapshot, truth: _Truth, question: str) -> None:
    for asked, of in (({"years": "all"}, "totals"), ({"years": str(YEARS[-1])}, "strata")):
        by = ("period",) if of == "totals" else ("stratum", "period")
        table = _ask(snapshot, "estimate", question=question, by=by, **asked)
        names = zip(*(_column(table, name) for name in ("location", "category", "stratum", "period")), strict=True)
        for (location, category, stratum, year), low, high in zip(
            names, table.column("low"), table.column("high"), strict=True
        ):
            cell = truth[question, str(location), str(category), str(stratum), int(str(year))]
            if isinstance(low, float) and isinstance(high, float):
                enough = "" if cell.on_a_side >= _LEAST_ON_A_SIDE else f", few on a side ({_UNPROMISED})"
                tally.add("estimate", of + enough, covered=low <= cell.percent <= high)
    pooled = _ask(snapshot, "estimate", question=question, years="2019..2023")
    for location, low, high in _rows(pooled, "low", "high"):
        mean = np.mean([_total(truth, question, location, year) for year in range(2019, 2024)])
        tally.add("estimate", "five years pooled", covered=bool(low <= mean <= high))


def _differences(tally: _Tally, snapshot: Snapshot, truth: _Truth, question: str) -> None:
    for reference in (_NATIONAL, _UTAH):
        for year in (2011, 2017, 2023):
            table = _ask(snapshot, "comparison", question=question, years=str(year), reference=reference)
            for location, low, high in _rows(table, "difference_low", "difference_high"):
                if {location, reference} == {_NATIONAL, _UTAH} and reference == _UTAH:
                    continue
                d = _total(truth, question, location, year) - _total(truth, question, reference, year)
                tally.add("comparison", f"difference from {reference}", covered=low <= d <= high)
    table = _ask(snapshot, "change", question=question, since="2015", years="2023")
    for location, low, high in _rows(table, "change_low", "change_high"):
        d = _total(truth, question, location, 2023) - _total(truth, question, location, 2015)
        tally.add("change", "2015 to 2023", covered=low <= d <= high)


def _rankings(tally: _Tally, snapshot: Snapshot, truth: _Truth, question: str) -> None:
    for year in YEARS:
        table = _ask(snapshot, "ranking", question=question, years=str(year), better="lower")
        true = np.array([_total(truth, question, location, year) for location in map(str, _column(table, "location"))])
        rank = (true[None, :] < true[:, None]).sum(axis=1) + 1
        for of, suffix in (("one location", ""), ("all at once", "_all")):
            low, high = (np.array(_column(table, f"rank_{end}{suffix}")) for end in ("low", "high"))
            holds = (low <= rank) & (rank <= high)
            if suffix:
                tally.add("ranking", "all locations of a ranking at once", covered=bool(holds.all()))
            else:
                for covered in holds.tolist():
                    tally.add("ranking", f"rank of {of}", covered=covered)


def _total(truth: _Truth, question: str, location: str, year: int) -> float:
    return truth[question, location, "Total", "Total", year].percent


def _column(table: Table, name: str) -> list[object]:
    """Return a column; what is not asked by stratum is of the total."""
    if name in ("category", "stratum") and name not in {column.name for column in table.columns}:
        return ["Total"] * len(table)
    return list(table.column(name))


def _rows(table: Table, low: str, high: str) -> Iterator[tuple[str, float, float]]:
    for location, one, other in zip(table.column("location"), table.column(low), table.column(high), strict=True):
        if isinstance(one, float) and isinstance(other, float):
            yield str(location), one, other


def _write(folder: Path, grid: Published) -> Path:
    path = folder / "grid.csv"
    head = ("Question", "LocationDesc", "YearStart", "YearEnd", "Data_Value_Unit", "Data_Value")
    with path.open("w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out)
        writer.writerow((*head, "Low_Confidence_Limit", "High_Confidence_Limit", "Sample_Size"))
        for place, year in np.ndindex(grid.value.shape):
            numbers = [f"{each[place, year]:.1f}" for each in (grid.value, grid.low, grid.high)]
            who = (_QUESTION, f"Place {place:02}", 2015 + year, 2015 + year, "%")
            writer.writerow((*who, *numbers, int(grid.respondents[place, year])))
    return path


def _compared(snapshot: Snapshot, grid: Published) -> Iterator[tuple[str, bool]]:
    """Say of each statistic whether it gives what the functions give."""
    last = Published(*(each[:, -1] for each in grid))
    one_year, all_years = {"years": "2019"}, {"years": "all"}
    table = _ask(snapshot, "estimate", **all_years)
    yield "auto takes the logit scale", any("(logit scale)" in note for note in table.notes)
    for weights in Weights:
        pooled = pool(grid.value, grid.se, grid.respondents, weights=weights)
        table = _ask(snapshot, "estimate", weights=str(weights), **all_years)
        yield f"estimate, {weights}", _same(table, estimate=pooled.value, se=pooled.se)
    d = difference(last.estimates[1:], last.estimates[[0]])
    table = _ask(snapshot, "comparison", reference="Place 00", **one_year)
    numbers = {"difference": d.value, "difference_low": d.low, "difference_high": d.high, "p": d.p}
    yield "comparison", _same(table, **numbers, p_adjusted=adjusted(d.p))
    yield "ranking", _same_ranks(_ask(snapshot, "ranking", better="lower", **one_year), last)
    fitted = lines(np.arange(2015.0, 2020.0), grid.value, grid.se, is_percent=True)
    table = _ask(snapshot, "trend", **all_years)
    yield "trend", _same(table, slope=fitted.slope, slope_low=fitted.low, slope_high=fitted.high, p=fitted.p)


def _same(table: Table, **numbers: Doubles) -> bool:
    return all(
        bool(np.allclose(np.array(table.column(name), dtype=np.float64), wanted, rtol=0, atol=_TOLERANCE))
        for name, wanted in numbers.items()
    )


def _same_ranks(table: Table, last: Published) -> bool:
    compared = pairs(last.estimates)
    given = dict(zip(table.column("location"), zip(*(table.column(name) for name in _RANKS), strict=True), strict=True))
    alone, together = (
        rank_interval(different, is_lower_better=True) for different in (marginal(compared), simultaneous(compared))
    )
    wanted = np.column_stack([alone.least, alone.greatest, together.least, together.greatest]).tolist()
    return all(list(given[f"Place {place:02}"]) == row for place, row in enumerate(wanted))


_RANKS = ("rank_low", "rank_high", "rank_low_all", "rank_high_all")
