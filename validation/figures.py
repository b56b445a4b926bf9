"""What a simulation finds: figures with their own error, and what they must be.

A share that was simulated is itself an estimate. A criterion counts as kept within two Monte Carlo errors, and the
table says where it was kept only so.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple, TypedDict

# Two of a normal's: one in twenty figures that lie exactly on a bound would be called missed with one error less.
_ERRORS_ALLOWED = 2.0


class Effort(NamedTuple):
    """How much is simulated."""

    cells: int  # replications of what is one array operation
    rankings: int  # replications of what is computed ranking by ranking
    samples: int  # synthetic samples that are written, read and asked

    def told(self) -> str:
        """Say it in words."""
        return f"{self.cells:,} replications of cells, {self.rankings:,} of rankings, {self.samples} synthetic samples"


# A full run takes some ten minutes on two cores; the small one half a minute.
FULL = Effort(cells=100_000, rankings=8_000, samples=20)
SMALL = Effort(cells=4_000, rankings=60, samples=1)


class Promise(TypedDict, total=False):
    """What a figure must be; of what is empty nothing is promised."""

    least: float
    most: float
    known: bool


class Figure(NamedTuple):
    """One line of a table."""

    names: tuple[str, ...]  # of the design point, a cell each
    percent: float
    error: float  # one Monte Carlo standard error
    least: float | None = None  # what it must be; None where nothing is promised
    most: float | None = None
    known: bool = False  # that it misses, and why: docs/validation.md tells

    def misses(self, *, errors: float = _ERRORS_ALLOWED) -> bool:
        """Whether it is outside of what it must be by more than so many of its errors."""
        return self._beyond() > errors * self.error

    @property
    def verdict(self) -> str:
        """Say whether the criterion is kept; "" where there is none."""
        if self.least is None and self.most is None:
            return ""
        if self.misses():
            return "**missed**, see above" if self.known else "**missed**"
        return "kept" if self._beyond() <= 0 else "kept within its error"

    @property
    def criterion(self) -> str:
        """Say what it must be."""
        if self.least is None:
            return "" if self.most is None else f"at most {self.most:g}"
        return f"at least {self.least:g}" if self.most is None else f"{self.least:g} to {self.most:g}"

    def _beyond(self) -> float:
        below = -math.inf if self.least is None else self.least - self.percent
        above = -math.inf if self.most is None else self.percent - self.most
        return max(below, above)


class Section(NamedTuple):
    """A table with what is to be said of it."""

    title: str
    text: str
    heads: tuple[str, ...]  # of the names
    figures: tuple[Figure, ...]
    measure: str = "covers %"  # what the percent is


# Every family is a list of these: a function of effort and seed, so that they can run side by side.
Simulation = Callable[[Effort, int], Section]


def share(
    names: Sequence[str],
    hits: int,
    of: int,
    *,
    least: float | None = None,
    most: float | None = None,
    known: bool = False,
) -> Figure:
    """Return the figure of how often something happened.

    The error is that of a share a little inside, so that one of 0 or 100% is not taken for certain:

    >>> share(("a",), 50, 100)
    Figure(names=('a',), percent=50.0, error=4.950737714883371, least=None, most=None, known=False)
    >>> share(("a",), 100, 100, least=95).verdict, share(("a",), 91, 100, least=95).verdict
    ('kept', 'kept within its error')
    >>> share(("a",), 80, 100, least=95).verdict
    '**missed**'
    """
    inside = (hits + 1) / (of + 2)
    error = 100 * math.sqrt(inside * (1 - inside) / (of + 2))
    return Figure(tuple(names), 100 * hits / of, error, least, most, known)
