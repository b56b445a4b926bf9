"""The gap between the highest and the lowest of several estimates, which chance alone makes.

Of six equal strata the largest and the smallest estimate still lie 2.5 standard errors apart on average. The correction
draws estimates around the estimates, sees by how much that widens the gap, and takes as much off:
max(0, 2 gap - mean gap of the draws). It is partial: for six equal strata a good half of the gap remains.

The interval is that of all pairs at once (Tukey-Kramer), since which two are the extremes was seen in the data.

Source: Efron and Tibshirani, An Introduction to the Bootstrap (1993), chapter 10, on bias; Tukey (1953) and Kramer
(1956).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce

import numpy as np

from meantime.dataset.cube import Doubles, Integers
from meantime.statistics.methods.blocks import Check, blocks, unchecked
from meantime.statistics.methods.differences import Estimates, difference
from meantime.statistics.methods.studentized_range import critical

DRAWS = 4_000


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class GreatestGaps:
    """The gap between two of several estimates, chosen for being the extremes; one entry a group of estimates."""

    highest: Integers  # indices of the two
    lowest: Integers
    gap: Doubles  # as observed
    corrected: Doubles  # less what chance made of it, as far as that can be seen
    low: Doubles
    high: Doubles


def greatest_gaps(
    estimates: Estimates, sizes: Integers, rng: np.random.Generator, *, check: Check = unchecked
) -> GreatestGaps:
    """Return the gaps between the highest and the lowest estimate of each group.

    ``sizes``: so many of the estimates are the first group, so many after them the second. Where all of a group are
    tied, the first and the last of it are taken for the extremes: a gap is between two.

    >>> from meantime.statistics.methods.standard_errors import Scale
    >>> equal = Estimates(value=np.array([29.0, 30.0, 31.0]), se=np.full(3, 1.0), scale=Scale.LOGIT)
    >>> found = greatest_gaps(equal, np.array([3]), np.random.default_rng(1))
    >>> [round(float(each[0]), 1) for each in (found.gap, found.corrected, found.low, found.high)]
    [2.0, 1.6, -1.3, 5.3]

    Raises:
        ValueError: a group has not two estimates, or an estimate has no standard error.
    """
    value, se = estimates.value, estimates.se
    if (sizes < 2).any() or not np.isfinite(value + se).all():
        raise ValueError("a gap needs two estimates, and each with its standard error")
    first = np.cumsum(sizes) - sizes
    highest, lowest = np.empty_like(first), np.empty_like(first)
    of_draws, low, high = np.empty((3, len(sizes)))
    for block in blocks(len(sizes), DRAWS * int(sizes.max(initial=0)), check):
        # In the order of the groups, so that a group gets the same draws whatever it is drawn with.
        noise = np.split(rng.standard_normal(DRAWS * int(sizes[block].sum())), DRAWS * np.cumsum(sizes[block])[:-1])
        for size in np.unique(sizes[block]).tolist():
            which = np.flatnonzero(sizes[block] == size)
            rows = first[block][which, None] + np.arange(size)
            scaled = se[rows][:, None] * np.stack([noise[index] for index in which]).reshape(-1, DRAWS, size)
            # By place in the group: a reduction over an axis of two or three takes ten times as long.
            drawn = np.moveaxis(value[rows][:, None] + scaled, 2, 0)
            of_draws[block][which] = (reduce(np.maximum, drawn) - reduce(np.minimum, drawn)).mean(axis=1)
    for size in np.unique(sizes).tolist():
        check()
        which = np.flatnonzero(sizes == size)
        of_each = value[first[which, None] + np.arange(size)]
        highest[which] = first[which] + of_each.argmax(axis=1)
        lowest[which] = first[which] + size - 1 - of_each[:, ::-1].argmin(axis=1)
        both = difference(estimates[highest[which]], estimates[lowest[which]], level_z=critical(0.95, size))
        low[which], high[which] = both.low, both.high
    gap = value[highest] - value[lowest]
    corrected = np.maximum(0.0, 2 * gap - of_draws)
    return GreatestGaps(highest=highest, lowest=lowest, gap=gap, corrected=corrected, low=low, high=high)
