"""Many tests at once: p-values that stay honest when there are many of them.

With 51 comparisons at 5% each, two or three "differences" come out where there is none. ``holm`` keeps the chance of
any false one below the level; ``benjamini_hochberg`` keeps the share of false ones among those told below it.

Sources: Holm, A simple sequentially rejective multiple test procedure, Scandinavian Journal of Statistics 6 (1979);
Benjamini and Hochberg, Controlling the false discovery rate, Journal of the Royal Statistical Society B 57 (1995).
"""

from __future__ import annotations

from enum import StrEnum

import numpy as np

from meantime.dataset.cube import Doubles


class Adjustment(StrEnum):
    """How p-values are adjusted."""

    HOLM = "holm"
    BENJAMINI_HOCHBERG = "benjamini_hochberg"


def adjusted(p: Doubles, *, by: Adjustment = Adjustment.HOLM) -> Doubles:
    """Return adjusted p-values, along the last axis; what is NaN was not tested, stays so and does not count.

    >>> adjusted(np.array([0.01, np.nan, 0.04, 0.03])).round(4)
    array([0.03,  nan, 0.06, 0.06])
    >>> adjusted(np.array([0.01, np.nan, 0.04, 0.03]), by=Adjustment.BENJAMINI_HOCHBERG).round(4)
    array([0.03,  nan, 0.04, 0.04])
    >>> adjusted(np.array([]))
    array([], dtype=float64)
    """
    order = np.argsort(p, axis=-1)  # NaN at the end
    ordered = np.take_along_axis(p, order, axis=-1)
    tested = (~np.isnan(p)).sum(axis=-1, keepdims=True)
    index = np.arange(p.shape[-1])
    if by is Adjustment.HOLM:
        stepped = np.maximum.accumulate(ordered * (tested - index), axis=-1)
    else:
        scaled = np.where(np.isnan(ordered), np.inf, ordered * tested / (index + 1))
        stepped = np.minimum.accumulate(scaled[..., ::-1], axis=-1)[..., ::-1]
        stepped = np.where(np.isnan(ordered), np.nan, stepped)
    result = np.empty_like(p)
    np.put_along_axis(result, order, np.minimum(stepped, 1.0), axis=-1)
    return result
