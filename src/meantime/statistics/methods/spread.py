"""How the values of many locations are spread: quantiles, and those that lie far out.

Sources: Hyndman and Fan, Sample quantiles in statistical packages, The American Statistician 50 (1996), whose type 7
is what R, numpy and spreadsheets give; Iglewicz and Hoaglin, How to Detect and Handle Outliers (1993), on the
modified z-score.
"""

from __future__ import annotations

import numpy as np

from meantime.dataset.cube import Doubles

# From which modified z-score a value counts as far out; by Iglewicz and Hoaglin.
FAR_OUT = 3.5


def quantiles(value: Doubles, probabilities: Doubles) -> Doubles:
    """Return quantiles of type 7; NaN is left out, and of nothing every quantile is NaN.

    >>> quantiles(np.array([10.0, 20.0, np.nan, 40.0]), np.array([0.0, 0.25, 0.5, 1.0]))
    array([10., 15., 20., 40.])
    >>> quantiles(np.array([np.nan]), np.array([0.5]))
    array([nan])
    """
    known = value[np.isfinite(value)]
    if not len(known):
        return np.full(len(probabilities), np.nan)
    return np.asarray(np.quantile(known, probabilities, method="linear"), dtype=np.float64)


def modified_z(value: Doubles) -> Doubles:
    """Return 0.6745 (v - median) / MAD: how far out each value lies, in spreads that the far ones do not widen.

    >>> modified_z(np.array([10.0, 11.0, 12.0, 13.0, 30.0])).round(2)
    array([-1.35, -0.67,  0.  ,  0.67, 12.14])

    Where more than half of the values are the same there is no such spread: NaN.

    >>> modified_z(np.array([10.0, 10.0, 10.0, 30.0]))
    array([nan, nan, nan, nan])
    """
    if not np.isfinite(value).any():
        return np.full_like(value, np.nan)
    centre = np.nanmedian(value)
    mad = np.nanmedian(np.abs(value - centre))
    return np.asarray(0.6745 * (value - centre) / mad if mad > 0 else np.full_like(value, np.nan), dtype=np.float64)
