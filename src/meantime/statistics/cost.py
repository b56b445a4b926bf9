"""What an answer costs, stated before it is computed, and how much a limit lets through.

A cost is counted in what a computation goes through, which is the same on every machine: cells, pairs, draws, and bytes
of the answer. Seconds follow from these by the constants below, so a limit in seconds means the same on every machine
too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypedDict

import msgspec

from meantime import text
from meantime.table import Column, Kind

# Seconds of processor time, measured on 2 cores (Python 3.11) at 55 to 72,000 locations. For an answer as a whole they
# are right within a factor of three or so; what takes less than a few milliseconds has costs of its own.
# A cell of the question is compared with what is asked for.
_SEARCHED_S = 3e-7
# A cell becomes an estimate: it is pooled, and gets its standard error and limits.
_CELL_S = 3e-6
# A cell, or an entry of a marginal, is added to others.
_SUM_S = 1e-6
# A row of the file is read again by DuckDB.
_ROW_S = 1e-7
# A pair is compared at a few critical values: one for all pairs, and those of Holm's method. Measured: 10 to 18 ns from
# 10,000 to 30,000 locations, and 18 to 34 at 3,144, where what is done for each location counts more.
_PAIR_S = 1.7e-8
# A random number is drawn, and put in order among the others; that of a ranking is put in two orders, as integers.
_DRAW_S = 7e-8
# A byte of the answer is part of a number that becomes a Python object, is checked, and is written as text.
_BYTE_S = 2.5e-8

# Widths of cells in JSON, with the comma. Estimates have 4 digits as published and 17 as computed: 12 is within a
# factor of 2 of both, with the name of the column before it.
_NUMBER_BYTES = 13
_INTEGER_BYTES = 5
_WORD_BYTES = 12  # a verdict, a flag, or neither
# Findings, notes, warnings and citation: between five and fifteen sentences.
_SENTENCES_BYTES = 1_100
# Labels that are looked at for the length of a name; they are sorted, so every n-th is a fair sample.
_NAMES_SEEN = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What the computation of an answer goes through."""

    searched: int = 0  # cells of the questions, among which the request selects
    cells: int = 0  # that estimates are made of
    sums: int = 0  # cells, or entries of a marginal, that are added up
    rows: int = 0  # of the file that are read again, since cells do not tell the values
    pairs: int = 0  # of estimates that are compared with each other
    draws: int = 0  # of random numbers
    answer_rows: int = 0  # of the answer's table
    answer_bytes: int = 0  # of the answer as a JSON document, within a factor of two

    @property
    def seconds(self) -> float:
        """About how long it takes on one core."""
        read = self.searched * _SEARCHED_S + self.cells * _CELL_S + self.sums * _SUM_S + self.rows * _ROW_S
        return read + self.pairs * _PAIR_S + self.draws * _DRAW_S + self.answer_bytes * _BYTE_S

    @property
    def values(self) -> int:
        """How many values the answer is made of."""
        return self.rows or self.cells + self.sums


class AnswerCost(TypedDict):
    """What of a cost depends on the table of the answer; the keys are fields of ``Cost``."""

    answer_rows: int
    answer_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CostLimit:
    """The most that an answer may cost."""

    seconds: float
    answer_bytes: int

    def allows(self, cost: Cost) -> bool:
        """Whether an answer of this cost is within the limit."""
        return cost.seconds <= self.seconds and cost.answer_bytes <= self.answer_bytes

    def __str__(self) -> str:
        return f"{self.seconds:,g} s of computing and {self.answer_bytes / _MEGABYTE:,g} MB"


@dataclass(frozen=True, slots=True, kw_only=True)
class CostLimits:
    """The most that an answer may cost, by how it is asked for. The settings of these names have the same defaults."""

    # People wait so long without wondering whether it works, and a browser shows so much without trouble.
    at_once: CostLimit = CostLimit(seconds=1.5, answer_bytes=4_000_000)
    # After so long a job is stopped (the setting job_time_limit_s). While it is computed, an answer takes about four
    # times its bytes of memory: a gigabyte.
    job: CostLimit = CostLimit(seconds=600.0, answer_bytes=256_000_000)


COST_LIMITS = CostLimits()


def in_words(statistic: str, cost: Cost, *, is_least: bool = False) -> str:
    """Say what an answer costs; ``is_least``: what it costs at least.

    >>> in_words("ranking", Cost(cells=100, pairs=4_950, answer_bytes=6_000_000))
    'This ranking reads 100 values and compares 4,950 pairs, about 0.2 s of computing; its answer has about 6.0 MB.'
    >>> in_words("states_mean", Cost(sums=1, answer_bytes=1_000))
    'This states mean reads 1 value, less than 0.1 s of computing; its answer has less than 1 MB.'

    >>> in_words("estimate", Cost(cells=35_000, answer_bytes=8_000_000), is_least=True)
    'This estimate reads at least 35,000 values, about 0.3 s of computing; its answer has at least about 8.0 MB.'

    The least cost, of which no more is known:

    >>> in_words("trend", Cost(searched=90_000_000))
    'This trend goes through 90,000,000 values, about 27 s of computing.'
    """
    least = "at least " if is_least else ""
    if not cost.answer_bytes:
        through = f"goes through {text.count(cost.searched, 'value')}, {_seconds(cost.seconds)} of computing"
        return f"This {statistic.replace('_', ' ')} {through}."
    compares = f" and compares {text.count(cost.pairs, 'pair')}" if cost.pairs else ""
    reads = f"This {statistic.replace('_', ' ')} reads {least}{text.count(cost.values, 'value')}{compares}"
    return f"{reads}, {_seconds(cost.seconds)} of computing; its answer has {least}{_megabytes(cost.answer_bytes)}."


_MEGABYTE = 1_000_000
# Below so much the unit is divided, so that what is just beyond a limit does not look like the limit.
_DIVIDED = 10


def _seconds(seconds: float) -> str:
    return f"about {seconds:,.{int(seconds < _DIVIDED)}f} s" if seconds >= 0.1 else "less than 0.1 s"


def _megabytes(size_bytes: int) -> str:
    size = size_bytes / _MEGABYTE
    return f"about {size:,.{int(size < _DIVIDED)}f} MB" if size >= 1 else "less than 1 MB"


def name_bytes(names: Sequence[str]) -> int:
    """Return how long a name is on average, in bytes of UTF-8; 0 without names.

    >>> name_bytes(["Ohio", "Utah", "Guam", "Åland"]), name_bytes([])
    (4, 0)
    """
    seen = names[:: max(len(names) // _NAMES_SEEN, 1)]
    return len("".join(seen).encode()) // max(len(seen), 1)


def document_bytes(
    columns: Sequence[Column], parameters: msgspec.Struct, *, rows: int, location_bytes: int, listed_bytes: int = 0
) -> int:
    """Return about how many bytes an answer has as a JSON document.

    ``location_bytes``: of the name of a location; ``listed_bytes``: of the lists of names in it.
    """
    widths = {Kind.NUMBER: _NUMBER_BYTES, Kind.INTEGER: _INTEGER_BYTES, Kind.TEXT: _WORD_BYTES}
    row = sum(
        len(column.name) + 4 + (location_bytes if column.name in ("location", "reference") else widths[column.kind])
        for column in columns
    )
    head = len(msgspec.json.encode([parameters, [(each.name, each.unit, each.meaning) for each in columns]]))
    # Each column is described with four names of its own.
    return _SENTENCES_BYTES + head + 45 * len(columns) + rows * row + listed_bytes
