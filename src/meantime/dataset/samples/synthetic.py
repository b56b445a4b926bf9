"""A synthetic table in the CDC's schema with known true values: for trying Meantime, load tests and validation."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from typing import BinaryIO, Literal, NamedTuple

import numpy as np

from meantime.dataset.samples.area_simulation import create_area_world
from meantime.dataset.samples.areas import load_areas, most_places
from meantime.dataset.samples.csv_lines import HEADER, SOURCE_NAME, TRUTH_HEADER, LinePieces, csv_lines, truth_rows
from meantime.dataset.samples.scheme import YEARS, Scheme
from meantime.dataset.samples.simulation import Integers, Sampled, create_world, draw_estimates, random_stream
from meantime.errors import SettingInvalid

Level = Literal["state", "county", "tract"]
LEVELS: tuple[Level, ...] = ("state", "county", "tract")

# With fewer rows, the cells that every statistic needs do not fit: all years overall, and all strata of the last year.
LEAST_ROWS = 20_000
# About 35 GB of text. The writer could go on, but a typo should not.
MOST_ROWS = 100_000_000

# The sample that is served if no file is named: enough for every statistic, and made in well under a second.
DEFAULT_ROWS = LEAST_ROWS
DEFAULT_SEED = 1

# About as many rows are drawn and written at a time, with a random stream of their own: neither the bytes nor the
# memory depend on how many rows follow. A pass over all cells of states is a whole number of batches. Changing this
# number changes every sample.
_ROWS_IN_BATCH = 20_020

# What every statistic needs of a county or tract: of the first question all years overall, and the latest year by these
# categories, whose groups are large enough to be published; of the second, for associations, the latest year.
_CORE_CATEGORIES = ("Gender", "Age (years)")
# A county of every state.
_LEAST_PLACES = 51


class _Plan(NamedTuple):
    """What a sample is made of."""

    scheme: Scheme
    world: Sampled
    groups: Integers  # (question, year, stratum) in the order of the table
    cells: int  # how many cells from the beginning are written, before they are repeated


def write_sample(
    out: BinaryIO,
    *,
    rows: int,
    seed: int,
    level: Level | None = None,
    rows_per_cell: int = 1,
    truth: BinaryIO | None = None,
    on_progress: Callable[[float], None] = lambda _share: None,
) -> None:
    """Write a synthetic table as CSV, with the same bytes for the same seed.

    Places are those of the level; without one, of the first level that has enough cells. Of states, the overall strata
    of all years come first, then the other strata, latest year first. Of counties and tracts, there are as many places
    as have what every statistic needs; the order of ``_area_groups`` says which rows come with more of them. A shorter
    sample of a level is the beginning of a longer one, once all its places are in it.

    Each cell has one row. With more ``rows_per_cell``, all cells come again that often, newly drawn each time.
    ``truth`` gets the true percent of every cell of the table, suppressed ones included. ``on_progress`` gets the share
    written, from 0 to 1.

    Raises:
        SettingInvalid: ``rows``, ``rows_per_cell`` or ``seed`` is out of range, or the level has too few cells.
    """
    if not LEAST_ROWS <= rows <= MOST_ROWS:
        raise SettingInvalid(f"rows is {rows:,}, but a sample can have from {LEAST_ROWS:,} to {MOST_ROWS:,} rows.")
    if not 1 <= rows_per_cell <= rows:
        raise SettingInvalid(f"rows per cell is {rows_per_cell:,}, but it must be from 1 to the number of rows.")
    if seed < 0:
        raise SettingInvalid(f"seed is {seed}, but it must be 0 or a larger whole number.")
    plan = _plan(level, -(-rows // rows_per_cell), seed)
    pieces = LinePieces.of(plan.scheme)
    out.write(csv_lines([HEADER]))
    if truth is not None:
        truth.write(csv_lines([TRUTH_HEADER]))
    written = 0
    for start, groups, rng in _batches(plan, seed):
        survey = plan.world.survey(groups)
        count = min(survey.respondents.size, plan.cells - start, rows - written)
        out.write(pieces.join(groups, survey, draw_estimates(survey, rng), count))
        if truth is not None and written < plan.cells:
            truth.write(csv_lines(truth_rows(plan.scheme, groups, survey, count)))
        written += count
        on_progress(written / rows)
        if written == rows:
            return


def default_rows(level: Level | None) -> int:
    """Return how long a sample is if nobody says so: all places of the level, with what every statistic needs."""
    if level is None or level == "state":
        return DEFAULT_ROWS
    return _core_size(Scheme.load()) * (most_places(level) + 1)


def is_synthetic(datasource: str) -> bool:
    """Whether a row with this ``Datasource`` was made by ``write_sample``.

    >>> is_synthetic(SOURCE_NAME), is_synthetic("BRFSS"), is_synthetic("")
    (True, False, False)
    """
    return datasource.strip() == SOURCE_NAME


def _plan(level: Level | None, cells: int, seed: int) -> _Plan:
    # 100 million rows fit into those of tracts.
    enough = next(each for each in LEVELS if cells <= _most_cells(each))
    chosen = level or enough
    if cells > (most := _most_cells(chosen)):
        raise SettingInvalid(
            f"A sample of the level {chosen} has at most {most:,} cells, fewer than these {cells:,} rows. "
            f"Choose --level {enough}, or --rows-per-cell {-(-cells // most)} to repeat each cell, newly drawn."
        )
    if chosen == "state":
        scheme = Scheme.load()
        return _Plan(scheme, create_world(scheme, seed), _state_groups(scheme), cells)
    # The country is one of the locations.
    places = min(most_places(chosen), max(cells // _core_size(Scheme.load()) - 1, _LEAST_PLACES))
    areas = load_areas(chosen, places)
    return _Plan(areas.scheme, create_area_world(areas, seed), _area_groups(areas.scheme), cells)


@cache
def _most_cells(level: Level) -> int:
    if level == "state":
        scheme = Scheme.load()
        return len(_state_groups(scheme)) * len(scheme.locations)
    areas = load_areas(level, 1)
    return len(_area_groups(areas.scheme)) * (most_places(level) + 1)


def _state_groups(scheme: Scheme) -> Integers:
    """Return the groups of states: what the shortest sample needs comes first."""
    overall, others = _overall_and_others(scheme)
    order = [
        (question, year, stratum)
        for strata in (overall, others)
        for year in _latest_first()
        for question in range(len(scheme.questions))
        for stratum in strata
    ]
    return np.array(order, dtype=np.int64)


def _area_groups(scheme: Scheme) -> Integers:
    """Return the groups of counties and tracts.

    First what every statistic needs, of the first question; then the latest year of all other questions, then question
    by question what every statistic needs, then all the rest, latest year first.
    """
    questions, years = range(len(scheme.questions)), _latest_first()
    latest = years[0]
    overall, others = _overall_and_others(scheme)
    total = overall[0]
    core = [index for index in others if scheme.strata[index].category in _CORE_CATEGORIES]
    needed = [
        [(question, year, total) for year in years[1:]] + [(question, latest, stratum) for stratum in core]
        for question in questions
    ]
    order = [
        *[(question, latest, total) for question in questions[:2]],
        *needed[0],
        *[(question, latest, total) for question in questions[2:]],
        *[group for groups in needed[1:] for group in groups],
        *[(question, year, stratum) for year in years for question in questions for stratum in (total, *core, *others)],
    ]
    return np.array(list(dict.fromkeys(order)), dtype=np.int64)


def _core_size(scheme: Scheme) -> int:
    """Return how many cells each place has at least: what every statistic needs of the first two questions."""
    return 1 + len(YEARS) + sum(stratum.category in _CORE_CATEGORIES for stratum in scheme.strata)


def _latest_first() -> range:
    return range(len(YEARS) - 1, -1, -1)


def _overall_and_others(scheme: Scheme) -> tuple[list[int], list[int]]:
    overall = [index for index, stratum in enumerate(scheme.strata) if stratum.category == "Total"]
    return overall, [index for index in range(len(scheme.strata)) if index not in overall]


def _batches(plan: _Plan, seed: int) -> Iterator[tuple[int, Integers, np.random.Generator]]:
    """Yield the groups that are drawn together, with their first cell and their random stream: pass after pass."""
    locations = len(plan.scheme.locations)
    size = max(_ROWS_IN_BATCH // locations, 1)
    groups = plan.groups[: -(-plan.cells // locations)]
    number = 0
    while True:
        for first in range(0, len(groups), size):
            number += 1
            yield first * locations, groups[first : first + size], random_stream(seed, number)
