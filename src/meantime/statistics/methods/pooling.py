"""Several years of one location as one estimate.

Estimate = sum w v / sum w, SE^2 = sum w^2 SE^2 / (sum w)^2. Years are surveys of different people, hence independent.

Not among the weights: 1 / SE^2. The standard error of a percent falls with the percent, so years that came out low by
chance would count more: intervals cover 91% at 100 respondents, and 71 to 77% at a percent of 5. ``effective_size``
is what remains of that idea when its dependence on v is taken out.

Source: Korn and Graubard, Analysis of Health Surveys (1999), chapter 8, on combining surveys.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from meantime.dataset.cube import Doubles


class Weights(StrEnum):
    """How much each year counts."""

    EQUAL = "equal"  # every location gets the same mix of years, so that they can be compared
    SAMPLE_SIZE = "sample_size"  # by respondents: narrower, and each location gets another mix
    EFFECTIVE_SIZE = "effective_size"  # by v (100 - v) / SE^2: respondents, less what the design costs


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PooledValues:
    """One estimate a row."""

    value: Doubles
    se: Doubles
    weights: Doubles  # as (rows, years), adding up to 1


def pool(value: Doubles, se: Doubles, respondents: Doubles, *, weights: Weights) -> PooledValues:
    """Combine the years of each row; both arrays are (rows, years).

    >>> v, se, n = np.array([[20.0, 30.0]]), np.array([[1.0, 2.0]]), np.array([[300.0, 100.0]])
    >>> pooled = pool(v, se, n, weights=Weights.EQUAL)
    >>> pooled.value, pooled.se.round(3)
    (array([25.]), array([1.118]))
    >>> pool(v, se, n, weights=Weights.SAMPLE_SIZE).value
    array([22.5])

    A year without a value, without what the weight needs, or with a percent of 0 or 100 under ``effective_size``,
    makes the whole estimate NaN: to leave the year out would be to change what is estimated, and that is for whoever
    asks to say. A year without a standard error leaves a value without one.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        if weights is Weights.EQUAL:
            raw = np.ones_like(value)
        elif weights is Weights.SAMPLE_SIZE:
            raw = respondents
        else:
            raw = value * (100 - value) / se**2
        share = raw / raw.sum(axis=1, keepdims=True)
        return PooledValues(
            value=(share * value).sum(axis=1), se=np.sqrt((share**2 * se**2).sum(axis=1)), weights=np.asarray(share)
        )
