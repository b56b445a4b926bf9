"""Standard errors from published limits, and limits from standard errors.

A published percent v with 95 % limits l and u tells its standard error. The CDC's limits are logit intervals, so the
width is taken where they are symmetrical: logitSE = (logit(u) - logit(l)) / 2z, and by the delta method SE = v (1 -
v/100) logitSE. Taken on the scale of the percents, (u - l) / 2z, intervals cover 91 to 93 % at 50 to 100 respondents;
this way 94 to 96 %.

Values are rounded when published, to a step d. A value rounded evenly is off by an error of variance d^2 / 12, which
is added: limits of no width are those of a large survey, not of a perfect one.

Sources: Korn and Graubard, Analysis of Health Surveys (1999), on logit intervals; Agresti, Categorical Data Analysis
(2013), on the delta method; Sheppard (1898) on rounding.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from scipy import special

from meantime.dataset.cube import Doubles

# The 97.5 % quantile of the normal distribution: what a 95 % interval is wide by, on each side.
Z95 = float(special.ndtri(0.975))

# Limits that were made on the linear scale have, rounded, several times less asymmetry there.
_CLEARLY = 1.5

# How much larger a variance is than in a simple random sample of as many people, where a file does not let us know.
# The median of the CDC's table.
DESIGN_EFFECT = 2.0


class Scale(StrEnum):
    """Where an interval is symmetrical about its estimate."""

    LOGIT = "logit"  # log(v / (100 - v)) of percents: never below 0 or above 100
    LINEAR = "linear"  # the value itself


class Origin(StrEnum):
    """Where a standard error comes from."""

    LIMITS = "limits"  # both published limits
    ONE_LIMIT = "one limit"  # one of them: the other is absent, or at 0 or 100, where a logit has no end
    SAMPLE_SIZE = "sample size"  # respondents and an assumed design effect
    BOUNDARY = "boundary"  # nowhere: at 0 or 100 a percent has none
    NOTHING = "nothing"  # nowhere: neither limits nor respondents were published


# In the order in which a standard error's code counts.
ORIGINS = tuple(Origin)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class StandardErrors:
    """Standard errors, NaN where there is none, and of each where it comes from, as the place in ORIGINS."""

    se: Doubles
    origin: np.ndarray[tuple[int, ...], np.dtype[np.int8]]


def logit(percent: Doubles) -> Doubles:
    """Return log(v / (100 - v)): minus and plus infinity at 0 and 100, NaN beyond.

    >>> logit(np.array([0.0, 50.0, 75.0]))
    array([      -inf, 0.        , 1.09861229])
    """
    return np.asarray(special.logit(percent / 100), dtype=np.float64)


def expit(x: Doubles) -> Doubles:
    """Return the percent whose logit this is.

    >>> expit(logit(np.array([12.5])))
    array([12.5])
    """
    return np.asarray(100 * special.expit(x), dtype=np.float64)


def fitting_scale(value: Doubles, low: Doubles, high: Doubles, *, is_percent: bool) -> Scale:
    """Return the scale on which published limits lie more evenly about their values: clearly so, or logit for percents.

    Without limits that could tell: logit for percents, linear for anything else.

    >>> v, l, u = np.array([21.7, 3.0]), np.array([19.1, 2.0]), np.array([24.6, 4.5])
    >>> str(fitting_scale(v, l, u, is_percent=True))
    'logit'
    >>> str(fitting_scale(v, v - 1, v + 1, is_percent=True))
    'linear'
    >>> str(fitting_scale(np.array([880.0]), np.array([860.0]), np.array([901.0]), is_percent=False))
    'linear'
    """
    if not is_percent:
        return Scale.LINEAR
    inside = (low > 0) & (low < value) & (value < high) & (high < 100)
    if not inside.any():
        return Scale.LOGIT
    v, lower, upper = value[inside], low[inside], high[inside]
    linear = np.abs(upper + lower - 2 * v)
    # In points, so that the two can be compared: a step of the logit is v (1 - v/100) points.
    curved = np.abs(logit(upper) + logit(lower) - 2 * logit(v)) * v * (1 - v / 100)
    # Near 50 % the scales are alike, and rounding alone would decide; so for another scale than that of most percents
    # the evidence must be clear.
    return Scale.LINEAR if _CLEARLY * linear.mean() < curved.mean() else Scale.LOGIT


def standard_errors(
    value: Doubles,
    low: Doubles,
    high: Doubles,
    respondents: Doubles,
    *,
    scale: Scale,
    is_percent: bool,
    step: float,
    design_effect: float = DESIGN_EFFECT,
) -> StandardErrors:
    """Return the standard error of each value, from its limits, else from its respondents, else none (NaN).

    ``step`` is what the values are rounded to: 0.1 where they have one decimal. Both limits are used where both say
    something; a limit at 0 or 100 says nothing on the logit scale, nor does an absent one, and then the other one is
    used. Limits in the wrong order say nothing.

    >>> v, l, u = np.array([21.7, 21.7, 0.3, 0.0]), np.array([19.1, np.nan, 0.0, 0.0]), np.array([24.6, 24.6, 0.9, 1.2])
    >>> found = standard_errors(v, l, u, np.full(4, np.nan), scale=Scale.LOGIT, is_percent=True, step=0.1)
    >>> found.se.round(2)
    array([1.4 , 1.41, 0.17,  nan])
    >>> [str(ORIGINS[code]) for code in found.origin]
    ['limits', 'one limit', 'one limit', 'boundary']

    >>> nothing = np.array([np.nan])
    >>> standard_errors(
    ...     np.array([20.0]), nothing, nothing, np.array([800.0]), scale=Scale.LOGIT, is_percent=True, step=0.1
    ... ).se.round(2)
    array([2.])
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        if scale is Scale.LOGIT:
            below, above, stretch = logit(value) - logit(low), logit(high) - logit(value), value * (1 - value / 100)
        else:
            below, above, stretch = value - low, high - value, np.ones_like(value)
        has_below, has_above = np.isfinite(below), np.isfinite(above)
        width = np.where(has_below & has_above, (below + above) / 2, np.where(has_below, below, above)) / Z95
        sampling = width * stretch
        by_limits = np.isfinite(sampling) & (sampling >= 0)
        sampled = np.sqrt(design_effect * value * (100 - value) / respondents)
    by_size = ~by_limits & np.isfinite(sampled) if is_percent else np.zeros_like(by_limits)
    at_boundary = ((value <= 0) | (value >= 100)) if is_percent else np.zeros_like(by_limits)
    se = np.where(by_limits, sampling, np.where(by_size, sampled, np.nan))
    origin = np.select(
        [at_boundary, by_limits & has_below & has_above, by_limits, by_size],
        [ORIGINS.index(each) for each in (Origin.BOUNDARY, Origin.LIMITS, Origin.ONE_LIMIT, Origin.SAMPLE_SIZE)],
        ORIGINS.index(Origin.NOTHING),
    ).astype(np.int8)
    return StandardErrors(se=np.where(at_boundary, np.nan, np.sqrt(se**2 + step**2 / 12)), origin=origin)


def limits(value: Doubles, se: Doubles, *, scale: Scale, z: float = Z95) -> tuple[Doubles, Doubles]:
    """Return the limits z standard errors away from the values, symmetrical on the scale.

    >>> low, high = limits(np.array([21.7]), np.array([1.4]), scale=Scale.LOGIT)
    >>> low.round(1), high.round(1)
    (array([19.1]), array([24.6]))

    What has no standard error has no limits; nor has a percent of 0 or 100 on the logit scale.
    """
    if scale is Scale.LINEAR:
        return value - z * se, value + z * se
    with np.errstate(divide="ignore", invalid="ignore"):
        centre, width = logit(value), z * se / (value * (1 - value / 100))
        return expit(centre - width), expit(centre + width)
