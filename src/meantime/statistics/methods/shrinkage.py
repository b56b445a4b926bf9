"""What a model says of the true values: empirical Bayes, for chances that are named as the model's.

The true values are taken to be normal about their mean mu with standard deviation tau, both estimated. Then each is
normal about mu + B (v - mu) with variance B SE^2, B = tau^2 / (tau^2 + SE^2): an estimate with a large standard error
is drawn to the mean. Ranks of draws answer "how likely among the best five"; they are no confidence intervals, and
hold as far as the model does.

Draws come in pairs, the second as far on the other side of the means as the first. What is high in one is low in the
other, so that their mean is nearer to what is drawn than that of two separate draws, and half of the numbers are drawn.

Source: Efron and Morris, Data analysis using Stein's estimator and its generalizations, Journal of the American
Statistical Association 70 (1975); Laird and Louis, Empirical Bayes ranking methods, Journal of Educational Statistics
14 (1989); Hammersley and Morton, A new Monte Carlo technique: antithetic variates, Proceedings of the Cambridge
Philosophical Society 52 (1956).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from meantime.dataset.cube import Doubles, Integers
from meantime.statistics.methods.blocks import MOST_IN_A_BLOCK, Check, blocks, unchecked
from meantime.statistics.methods.heterogeneity import Heterogeneity

# A share of draws is off by 0.8 points at most (one standard error, at one half); four times as many would halve that
# and not fit the time.
DRAWS = 4_000
# The numbers drawn for each location: one for two draws.
DRAWN = DRAWS // 2
# Beyond the middle 95% lie 2.5% of the draws at each end; the next rank is that of the end.
_AN_END = DRAWS // 40 + 1
# Ranks that are kept to find the ends: 64 MB, which up to 4,000 locations have all of theirs in.
_MOST_KEPT = 2**24
# How far from its mean a value is drawn at most, in standard deviations: what numpy draws in single precision, of 24
# bits that are not all 0, ends at 8.3.
_FARTHEST = 8.5
# So many steps are as far: single precision has them all, with both signs.
_MOST_STEPS = 2**22


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ModelRanks:
    """What the draws' ranks say; one entry a location."""

    expected: Doubles  # mean rank
    p_best: Doubles  # share of draws among the best k
    least: Integers  # ranks between which the middle 95% of the draws lie
    greatest: Integers


def shrunk(value: Doubles, se: Doubles, about: Heterogeneity) -> tuple[Doubles, Doubles]:
    """Return mean and standard deviation of each true value, as the model has them.

    >>> from meantime.statistics.methods.heterogeneity import heterogeneity
    >>> value, se = np.array([20.0, 25.0, 30.0]), np.array([5.0, 1.0, 1.0])
    >>> mean, sd = shrunk(value, se, heterogeneity(value, se))
    >>> mean.round(1)
    array([24. , 25.1, 29.8])
    """
    b = about.tau**2 / (about.tau**2 + se**2)
    return about.mean + b * (value - about.mean), np.sqrt(b) * se


def model_ranks(
    value: Doubles,
    se: Doubles,
    about: Heterogeneity,
    *,
    best: int,
    is_lower_better: bool,
    rng: np.random.Generator,
    check: Check = unchecked,
) -> ModelRanks:
    """Draw the true values and rank them.

    With no differences but chance (tau 0) the model has all true values equal, and every order of them is as likely:

    >>> from meantime.statistics.methods.heterogeneity import heterogeneity
    >>> value, se = np.array([20.0, 20.1, 19.9]), np.ones(3)
    >>> found = model_ranks(
    ...     value, se, heterogeneity(value, se), best=1, is_lower_better=True, rng=np.random.default_rng(1)
    ... )
    >>> found.expected.round(1), found.p_best.round(1)
    (array([2., 2., 2.]), array([0.3, 0.3, 0.3]))
    """
    k = len(value)
    # With tau 0 all true values are one value, which would make every order a tie, broken by place.
    mean, sd = shrunk(value, se, about) if about.tau > 0 else (np.zeros(k), np.ones(k))
    mean = (mean - (mean.min() + mean.max()) / 2) * (1 if is_lower_better else -1)
    steps = _MOST_STEPS / (mean.max() + _FARTHEST * sd.max())
    # In single precision: it is drawn faster, and 24 bits are more than the model has.
    mean, sd = (mean * steps).astype(np.float32), (sd * steps).astype(np.float32)
    is_few = k * k <= MOST_IN_A_BLOCK
    ranks = _Tally(k, best) if is_few else _Outermost(k, best)
    sorting = _Sorting(k, is_few=is_few)
    # Half a block, since each number also has a place in the order: beyond, memory is given back and fetched each time.
    for block in blocks(DRAWN, 4 * k, check):
        # The same numbers, however they are cut into blocks.
        away = rng.standard_normal((block.stop - block.start, k), dtype=np.float32)
        away *= sd
        ranks.add(sorting.order(np.concatenate([mean + away, mean - away])), check)
    return ranks.found(check)


class _Sorting:
    """Sorts draws as integers, in a fraction of the time: the place of each location is in their last bits.

    So ties are broken by place, on every processor. What sorts doubles breaks them in one way or the other.
    """

    def __init__(self, k: int, *, is_few: bool) -> None:
        self._places = np.arange(k, dtype=np.int32 if is_few else np.int64)
        self._beyond = 2**8 if is_few else 2**32  # any place; times _MOST_STEPS it fits into these integers

    def order(self, drawn: npt.NDArray[np.float32]) -> npt.NDArray[Any]:
        """Return of each draw (row) which location has each rank."""
        keys: npt.NDArray[Any] = drawn.astype(self._places.dtype)
        keys *= self._beyond
        keys += self._places
        keys.sort(axis=1)
        keys &= self._beyond - 1
        return keys


class _Tally:
    """How often each rank (row) is that of each location (column), for so few that all of it is a block."""

    def __init__(self, k: int, best: int) -> None:
        self._best = min(best, k)
        self._number = np.zeros((k, k), dtype=np.int64)
        self._starts = np.arange(0, k * k, k)

    def add(self, order: npt.NDArray[Any], _: Check) -> None:
        """Add draws (rows): which location has each rank."""
        at = order + self._starts
        self._number += np.bincount(at.ravel(), minlength=self._number.size).reshape(self._number.shape)

    def found(self, _: Check) -> ModelRanks:
        """Return what all draws say."""
        up_to = np.cumsum(self._number, axis=0)
        return ModelRanks(
            expected=np.arange(1, len(up_to) + 1) @ self._number / DRAWS,
            p_best=up_to[self._best - 1] / DRAWS,
            least=1 + (up_to < _AN_END).sum(axis=0),
            greatest=1 + (up_to <= DRAWS - _AN_END).sum(axis=0),
        )


class _Outermost:
    """Sums over the draws, and the smallest and the greatest ranks of each location, as many as both ends need.

    Ranks are collected, and now and then all are dropped but the outermost: memory grows with the locations alone.
    """

    def __init__(self, k: int, best: int) -> None:
        self._best = min(best, k)
        self._in_order = np.arange(1, k + 1).astype(np.min_scalar_type(k))
        self._total, self._among_best = np.zeros((2, k), dtype=np.int64)
        room = max(_MOST_KEPT // max(1, k), 4 * _AN_END)
        self._ranks: npt.NDArray[Any] = np.empty((k, min(DRAWS, room)), dtype=self._in_order.dtype)
        # Integers of 16 bits and less are sorted by radix, in a third of the time.
        self._sorting: Literal["stable", "quicksort"] = "stable" if self._ranks.itemsize <= 2 else "quicksort"
        self._filled = 0

    def add(self, order: npt.NDArray[Any], check: Check) -> None:
        """Add draws (rows): which location has each rank."""
        rank = np.empty(order.shape, dtype=self._in_order.dtype)
        np.put_along_axis(rank, order, self._in_order[None, :], axis=1)
        self._total += rank.sum(axis=0, dtype=np.int64)
        self._among_best += (rank <= self._best).sum(axis=0)
        while len(rank):
            if self._filled == self._ranks.shape[1]:
                self._sort(check)
                self._ranks[:, _AN_END : 2 * _AN_END] = self._ranks[:, -_AN_END:]
                self._filled = 2 * _AN_END
            fits = rank[: self._ranks.shape[1] - self._filled]
            self._ranks[:, self._filled : self._filled + len(fits)] = fits.T
            self._filled += len(fits)
            rank = rank[len(fits) :]

    def found(self, check: Check) -> ModelRanks:
        """Return what all draws say; of each end the rank that is furthest inside."""
        self._ranks = self._ranks[:, : self._filled]
        self._sort(check)
        return ModelRanks(
            expected=self._total / DRAWS,
            p_best=self._among_best / DRAWS,
            least=self._ranks[:, _AN_END - 1].astype(np.int64),
            greatest=self._ranks[:, -_AN_END].astype(np.int64),
        )

    def _sort(self, check: Check) -> None:
        for block in blocks(len(self._ranks), self._ranks.shape[1], check):
            self._ranks[block].sort(axis=1, kind=self._sorting)
