"""A synthetic table in the CDC's schema with known true values: for trying Meantime, load tests and validation."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import BinaryIO

import numpy as np

from meantime.dataset.samples.csv_lines import HEADER, SOURCE_NAME, TRUTH_HEADER, LinePieces, csv_lines, truth_rows
from meantime.dataset.samples.scheme import YEARS, Scheme
from meantime.dataset.samples.simulation import Integers, create_world, draw_estimates, random_stream
from meantime.errors import SettingInvalid

# With fewer rows, the cells that every statistic needs do not fit: all years overall, and all strata of the last year.
LEAST_ROWS = 20_000
# About 35 GB of text. The writer could go on, but a typo should not.
MOST_ROWS = 100_000_000

# The sample that is served if no file is named: enough for every statistic, and made in well under a second.
DEFAULT_ROWS = LEAST_ROWS
DEFAULT_SEED = 1

# Drawn and written at a time, with its own random stream: neither the bytes nor the memory depend on how many rows
# follow. A pass over all cells is a whole number of batches. Changing this number changes every sample.
_GROUPS_IN_BATCH = 364


def write_sample(
    out: BinaryIO,
    *,
    rows: int,
    seed: int,
    truth: BinaryIO | None = None,
    on_progress: Callable[[float], None] = lambda _share: None,
) -> None:
    """Write a synthetic table as CSV, with the same bytes for the same seed.

    A shorter sample is the beginning of a longer one. The overall strata of all years come first, then the other
    strata, latest year first. After all 180,180 cells they come again, newly drawn each time. ``truth`` gets the true
    percent of every cell of the table, suppressed ones included. ``on_progress`` gets the share written, from 0 to 1.

    Raises:
        SettingInvalid: ``rows`` or ``seed`` is out of range.
    """
    if not LEAST_ROWS <= rows <= MOST_ROWS:
        raise SettingInvalid(f"rows is {rows:,}, but a sample can have from {LEAST_ROWS:,} to {MOST_ROWS:,} rows.")
    if seed < 0:
        raise SettingInvalid(f"seed is {seed}, but it must be 0 or a larger whole number.")
    scheme = Scheme.load()
    world = create_world(scheme, seed)
    pieces = LinePieces.of(scheme)
    groups = _groups(scheme)
    cells = len(groups) * len(scheme.locations)
    out.write(csv_lines([HEADER]))
    if truth is not None:
        truth.write(csv_lines([TRUTH_HEADER]))
    written = 0
    for batch, rng in enumerate(_streams(seed)):
        in_batch = groups[_group_indices(batch, len(groups))]
        survey = world.survey(in_batch)
        count = min(survey.respondents.size, rows - written)
        out.write(pieces.join(in_batch, survey, draw_estimates(survey, rng), count))
        if truth is not None and written < cells:
            truth.write(csv_lines(truth_rows(scheme, in_batch, survey, count)))
        written += count
        on_progress(written / rows)
        if written == rows:
            return


def is_synthetic(datasource: str) -> bool:
    """Whether a row with this ``Datasource`` was made by ``write_sample``.

    >>> is_synthetic(SOURCE_NAME), is_synthetic("BRFSS"), is_synthetic("")
    (True, False, False)
    """
    return datasource.strip() == SOURCE_NAME


def _groups(scheme: Scheme) -> Integers:
    """Return (question, year, stratum) in the order of the table: what the shortest sample needs comes first."""
    questions, years = range(len(scheme.questions)), range(len(YEARS) - 1, -1, -1)
    is_overall = [stratum.category == "Total" for stratum in scheme.strata]
    overall = [index for index, whether in enumerate(is_overall) if whether]
    others = [index for index, whether in enumerate(is_overall) if not whether]
    order = [
        (question, year, stratum)
        for strata in (overall, others)
        for year in years
        for question in questions
        for stratum in strata
    ]
    return np.array(order, dtype=np.int64)


def _group_indices(batch: int, groups: int) -> Integers:
    first = batch * _GROUPS_IN_BATCH
    return np.arange(first, first + _GROUPS_IN_BATCH) % groups


def _streams(seed: int) -> Iterator[np.random.Generator]:
    number = 0
    while True:
        number += 1
        yield random_stream(seed, number)
