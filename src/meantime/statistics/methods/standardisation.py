"""Direct standardisation: what a location's percent would be if its age groups were those of a standard population.

Estimate = sum w v, SE^2 = sum w^2 SE^2, the weights being the standard's shares of the strata, which are disjoint.

Source: Klein and Schoenborn, Age adjustment using the 2000 projected U.S. population, Healthy People Statistical
Notes 20 (2001).
"""

from __future__ import annotations

import numpy as np

from meantime.dataset.cube import Doubles


def standardised(value: Doubles, se: Doubles, weights: Doubles) -> tuple[Doubles, Doubles]:
    """Return estimate and standard error of each row of (locations, strata); the weights are scaled to add up to 1.

    A location that lacks a stratum has no standardised value (NaN), for the standard has people in it:

    >>> value, se = np.array([[10.0, 30.0], [10.0, np.nan]]), np.ones((2, 2))
    >>> found, error = standardised(value, se, np.array([300.0, 100.0]))
    >>> found, error.round(3)
    (array([15., nan]), array([0.791, 0.791]))

    Raises:
        ValueError: a weight is negative, or all are 0.
    """
    if (weights < 0).any() or not weights.sum() > 0:
        raise ValueError("the weights of a standard population must be 0 or more, and not all 0")
    share = weights / weights.sum()
    # No part of a stratum that the standard has nobody in, whether it is known or not.
    used = share > 0
    return value[:, used] @ share[used], np.sqrt(se[:, used] ** 2 @ share[used] ** 2)
