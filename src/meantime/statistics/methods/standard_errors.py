"""Standard errors from published limits, and limits from standard errors.

A published percent v with 95% limits l and u tells its standard error. The CDC's limits are logit intervals, so the
width is taken where they are symmetrical: logitSE = (logit(u) - logit(l)) / 2z, and by the delta method SE = v (1 -
v/100) logitSE. Taken on the scale of the percents, (u - l) / 2z, intervals cover 91 to 93% at 50 to 100 respondents;
this way 94 to 96%.

Limits tell a standard error only if they hold the value and have width; others, and what was published without limits,
leave it to the respondents.

Values are rounded when published, to a step d. A value rounded evenly is off by an error of variance d^2 / 12, which
is added.

At 0 and 100 a percent has no logit, and one limit. Half the distance to it over z stands for the standard error; where
no limit is published it is Wilson's, of the effective size n / design effect. With them a percent of 0 stays in: of 100
and 100 asked, at 3%, comparisons that leave zeros out lose 38% of all pairs.

Sources: Korn and Graubard, Analysis of Health Surveys (1999), on logit intervals, and Confidence intervals for
proportions with small expected number of positive counts, Survey Methodology 24 (1998); Agresti, Categorical Data
Analysis (2013), on the delta method; Sheppard (1898) on rounding; Wilson, Probable inference, the law of succession,
and statistical inference, Journal of the American Statistical Association 22 (1927).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import numpy.typing as npt

from meantime.dataset.cube import Doubles
from meantime.later import special

# The 97.5% quantile of the normal distribution: what a 95% interval is wide by, on each side. Written out, since
# scipy takes a quarter of a second to import.
Z95 = 1.959963984540054

# Limits that were made on the linear scale have, rounded, several times less asymmetry there.
_CLEARLY = 1.5

# A percent with fewer effective cases than this, of those who say yes or of those who say no, is rare.
_FEW_CASES = 20.0

# Limits that are so even about their values, relative to their distance, are as good on either scale.
_ALIKE = 0.05

# A published side of an interval counts as it is if it is at least so many steps of rounding wide.
_LEAST_STEPS = 5

# How much larger a variance is than in a simple random sample of as many people, where a file does not let us know.
# The median of the CDC's table.
DESIGN_EFFECT = 2.0


class Scale(StrEnum):
    """Where an interval is symmetrical about its estimate."""

    LOGIT = "logit"  # log(v / (100 - v)) of percents: never below 0 or above 100
    LOG = "log"  # of positive quantities that are no percents, such as rates: never below 0
    LINEAR = "linear"  # the value itself


class Origin(StrEnum):
    """Where a standard error comes from."""

    LIMITS = "limits"  # both published limits
    ONE_LIMIT = "one limit"  # one of them: the other is absent, or at 0 or 100, where a logit has no end
    SAMPLE_SIZE = "sample size"  # respondents and an assumed design effect
    BOUNDARY = "boundary"  # the one limit that a percent of 0 or 100 has, or its respondents; else nowhere
    NOTHING = "nothing"  # nowhere: neither limits nor respondents were published


# In the order in which a standard error's code counts.
ORIGINS = tuple(Origin)
_LIMITS, _ONE_LIMIT, _SAMPLE_SIZE, _BOUNDARY, _NOTHING = (np.int8(code) for code in range(len(ORIGINS)))


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


def wilson_reach(size: Doubles, z: Doubles | float = Z95) -> Doubles:
    """Return how far the limit of a percent of 0 reaches when so many were asked, and that of 100, downward.

    >>> wilson_reach(np.array([100.0])).round(1)
    array([3.7])
    """
    return np.asarray(100 * np.square(z) / (size + np.square(z)), dtype=np.float64)


def wilson_size(reach: Doubles, z: float = Z95) -> Doubles:
    """Return how many asked make the limit of a percent of 0 reach so far.

    >>> wilson_size(np.array([3.7])).round(0)
    array([100.])
    """
    return np.asarray(z**2 * (100 - reach) / reach, dtype=np.float64)


def fitting_scale(value: Doubles, low: Doubles, high: Doubles, *, is_percent: bool) -> Scale:
    """Return the scale on which published limits lie more evenly about their values.

    Logit for percents, and linear for anything else, unless the limits are clearly more even on the other scale: linear
    for percents, and the logarithm for positive quantities that are no percents.

    >>> v, l, u = np.array([21.7, 3.0]), np.array([19.1, 2.0]), np.array([24.6, 4.5])
    >>> str(fitting_scale(v, l, u, is_percent=True))
    'logit'
    >>> str(fitting_scale(v, v - 1, v + 1, is_percent=True))
    'linear'
    >>> str(fitting_scale(np.array([880.0]), np.array([860.0]), np.array([901.0]), is_percent=False))
    'linear'
    >>> str(fitting_scale(np.array([1.1, 4.0]), np.array([0.2, 1.9]), np.array([4.4, 8.1]), is_percent=False))
    'log'
    """
    inside = (low > 0) & (low < value) & (value < high)
    if not is_percent:
        if not inside.any() or (value < 0).any():
            return Scale.LINEAR
        v, lower, upper = value[inside], low[inside], high[inside]
        if (np.abs(upper + lower - 2 * v) / (upper - lower)).mean() < _ALIKE:
            return Scale.LINEAR
        # Relative to the value: large values must not decide for small ones.
        straight = np.abs(upper + lower - 2 * v) / v
        curved = np.abs(np.log(upper) + np.log(lower) - 2 * np.log(v))
        return Scale.LOG if _CLEARLY * curved.mean() < straight.mean() else Scale.LINEAR
    inside &= high < 100
    if not inside.any():
        return Scale.LOGIT
    v, lower, upper = value[inside], low[inside], high[inside]
    linear = np.abs(upper + lower - 2 * v)
    # In points, so that the two can be compared: a step of the logit is v (1 - v/100) points.
    curved = np.abs(logit(upper) + logit(lower) - 2 * logit(v)) * v * (1 - v / 100)
    # Near 50% the scales are alike, and rounding alone would decide; so for another scale than that of most percents
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
    used. Limits that do not hold the value, or have no width, say nothing.

    >>> v, l, u = np.array([21.7, 21.7, 0.3, 0.0]), np.array([19.1, np.nan, 0.0, 0.0]), np.array([24.6, 24.6, 0.9, 1.2])
    >>> found = standard_errors(v, l, u, np.full(4, np.nan), scale=Scale.LOGIT, is_percent=True, step=0.1)
    >>> found.se.round(2)
    array([1.4 , 1.41, 0.17, 0.31])
    >>> [str(ORIGINS[code]) for code in found.origin]
    ['limits', 'one limit', 'one limit', 'boundary']

    >>> nothing = np.array([np.nan])
    >>> standard_errors(
    ...     np.array([20.0]), nothing, nothing, np.array([800.0]), scale=Scale.LOGIT, is_percent=True, step=0.1
    ... ).se.round(2)
    array([2.])
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        low, high = _telling(value, low, high)
        at, stretch = _on(scale, value)
        below, above = at - _on(scale, low)[0], _on(scale, high)[0] - at
        has_below, has_above = np.isfinite(below), np.isfinite(above)
        width = np.where(has_below & has_above, (below + above) / 2, np.where(has_below, below, above)) / Z95
        sampling = width * stretch
        by_limits = np.isfinite(sampling) & (sampling > 0)
        origin = np.where(by_limits, np.where(has_below & has_above, _LIMITS, _ONE_LIMIT), _NOTHING)
        is_end = is_at_end(value)
        # Most tables have limits for every value; then half of the time is saved.
        if not (is_end | (np.isfinite(value) & ~by_limits)).any():
            return StandardErrors(se=_with_rounding(np.where(by_limits, sampling, np.nan), step), origin=origin)
        is_possible = is_percent & (value >= 0) & (value <= 100)
        sampled = np.where(is_possible, np.sqrt(design_effect * value * (100 - value) / respondents), np.nan)
        by_size = ~by_limits & np.isfinite(sampled)
        at_end = is_possible & is_end
        published = np.where(value == 0, high, 100 - low)
        # Limits from 0 to 100 tell nothing.
        by_size_reach = np.where(respondents > 0, wilson_reach(respondents / design_effect), np.nan)
        end = np.where((published > 0) & (published < 100), published, by_size_reach) / (2 * Z95)
    se = _with_rounding(np.where(by_limits, sampling, np.where(by_size, sampled, np.nan)), step)
    origin = np.where(at_end, _BOUNDARY, np.where(by_size, _SAMPLE_SIZE, origin))
    return StandardErrors(se=np.where(at_end, end, se), origin=origin)


def is_at_end(value: Doubles) -> npt.NDArray[np.bool_]:
    """Whether a percent is 0 or 100, where it has a limit on one side only.

    >>> is_at_end(np.array([0.0, 0.1, 100.0, np.nan]))
    array([ True, False,  True, False])
    """
    return np.asarray((value == 0) | (value == 100), dtype=np.bool_)


def _with_rounding(se: Doubles, step: float) -> Doubles:
    """Add the error of rounding to standard errors."""
    return np.asarray(np.sqrt(se**2 + step**2 / 12), dtype=np.float64)


def limits(
    value: Doubles, se: Doubles, *, scale: Scale, z: float = Z95, is_percent: bool = False
) -> tuple[Doubles, Doubles]:
    """Return the limits z standard errors away from the values, symmetrical on the scale.

    ``is_percent``: on the linear scale too a value of 0 or 100 has one limit.

    >>> low, high = limits(np.array([21.7]), np.array([1.4]), scale=Scale.LOGIT)
    >>> low.round(1), high.round(1)
    (array([19.1]), array([24.6]))

    What has no standard error has no limits. A percent of 0 has one limit, and 100 the other:

    >>> low, high = limits(np.array([0.0]), np.array([0.94]), scale=Scale.LOGIT)
    >>> low, high.round(1)
    (array([0.]), array([3.7]))
    """
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        at, stretch = _on(scale, value)
        width = z * se / stretch
        low, high = _off(scale, at - width), _off(scale, at + width)
        if scale is not Scale.LOG and not is_at_end(value).any():
            return low, high
        if scale is Scale.LOGIT:
            reach = wilson_reach(wilson_size(2 * Z95 * se), z)
            low = np.where(value == 0, 0.0 * se, np.where(value == 100, 100 - reach, low))
            high = np.where(value == 100, 100 + 0.0 * se, np.where(value == 0, reach, high))
        if scale is Scale.LINEAR and is_percent:
            low = np.where(value == 0, 0.0 * se, np.where(value == 100, 100 - 2 * z * se, low))
            high = np.where(value == 100, 100 + 0.0 * se, np.where(value == 0, 2 * z * se, high))
        if scale is Scale.LOG:
            low = np.where(value > 0, low, value - z * se)
            high = np.where(value > 0, high, value + z * se)
        return low, high


def limits_for_differences(
    value: Doubles,
    low: Doubles,
    high: Doubles,
    se: Doubles,
    *,
    scale: Scale,
    step: float,
    is_percent: bool = True,
    computed: tuple[Doubles, Doubles] | None = None,
) -> tuple[Doubles, Doubles]:
    """Return the 95% limits that differences are made of: the published ones where they can be, else others.

    ``computed``: what ``limits`` returns for these, where it is known.

    Percents with fewer than 20 effective cases (``has_few_cases``) have these or the limits of Korn and Graubard,
    which are Clopper and Pearson's for the effective sample size, on each side whichever are wider. Logit limits
    assume that the design effect is known. Where weights vary (coefficient of variation 1), tests at 5% by them reject
    8.5% with 3% of 200 and 200 respondents, 6.6% with 5% of 400, 6.4% with 10% of 200; this way 5.9, 4.9 and 4.9%.
    Against a reference that is known they reject 8.7, 7.0 and 6.6%; this way 7.0, 5.6 and 5.6%. Korn and Graubard's
    alone would be narrower above, and reject 0.81 instead of 0.38% at 0.1%, with 3% of 200. Beyond 20 cases they are
    alike.

    Published limits are used if both hold the value strictly and lie at least five steps of rounding away from it; of a
    percent of 0 or 100 its one limit. Nearer ones are made again from the standard error, which has the rounding in it:
    with 3% of 20,000 effective respondents, tests by limits of one decimal reject 6.3% where 5% are promised, and 5.0%
    this way. A limit at 0 or 100 has no logit, and one at 0 no logarithm: then both are made again, too.

    >>> v, l, u = np.array([30.0, 30.0, 0.0]), np.array([27.1, 29.8, 0.0]), np.array([33.2, 30.3, 3.6])
    >>> se = np.array([1.56, 0.13, 0.92])
    >>> used_low, used_high = limits_for_differences(v, l, u, se, scale=Scale.LOGIT, step=0.1)
    >>> used_low.round(2), used_high.round(2)
    (array([27.1 , 29.75,  0.  ]), array([33.2 , 30.26,  3.6 ]))

    Of 200 effective respondents 10 say yes, and their logit limits are 2.7 to 9.1:

    >>> few, se = np.array([5.0]), np.array([1.54])
    >>> used = limits_for_differences(few, np.array([2.7]), np.array([9.1]), se, scale=Scale.LOGIT, step=0.1)
    >>> [float(end.round(1)[0]) for end in used]
    [2.4, 9.1]
    """
    computed_low, computed_high = computed or limits(value, se, scale=scale, is_percent=is_percent)
    least = _LEAST_STEPS * step * (1 - 1e-9)
    with np.errstate(invalid="ignore"):
        is_wide = (value - low >= least) & (high - value >= least)
        if scale is not Scale.LINEAR:
            is_wide &= low > 0
        if scale is Scale.LOGIT:
            is_wide &= high < 100
        if is_percent and is_at_end(value).any():
            is_none, is_all = value == 0, value == 100
            is_wide = np.where(is_none, (high > 0) & (high < 100), np.where(is_all, (low > 0) & (low < 100), is_wide))
            low, high = np.where(is_none, 0.0, low), np.where(is_all, 100.0, high)
        is_used = is_wide & np.isfinite(se)
    low, high = np.where(is_used, low, computed_low), np.where(is_used, high, computed_high)
    if scale is not Scale.LOGIT:
        return low, high
    few = has_few_cases(value, se)
    if not few.any():
        return low, high
    exact_low, exact_high = _korn_graubard(value[few], se[few])
    low[few], high[few] = np.fmin(exact_low, low[few]), np.fmax(exact_high, high[few])
    return low, high


def has_few_cases(value: Doubles, se: Doubles) -> npt.NDArray[np.bool_]:
    """Say which percents have fewer than 20 effective cases of the rarer answer, and some.

    >>> has_few_cases(np.array([5.0, 95.0, 30.0, 0.0]), np.array([1.54, 1.54, 1.54, 1.5]))
    array([ True,  True, False, False])
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        cases = value * (100 - value) / se**2 * np.minimum(value, 100 - value) / 100
        return np.asarray((value > 0) & (value < 100) & (cases < _FEW_CASES), dtype=np.bool_)


def _korn_graubard(value: Doubles, se: Doubles) -> tuple[Doubles, Doubles]:
    """Return these limits of percents strictly between 0 and 100."""
    size = value * (100 - value) / se**2
    cases = size * value / 100
    low = special.betaincinv(cases, size - cases + 1, 0.025)
    high = special.betaincinv(cases + 1, size - cases, 0.975)
    return 100 * low, 100 * high


def _telling(value: Doubles, low: Doubles, high: Doubles) -> tuple[Doubles, Doubles]:
    """Return limits, NaN where they do not hold the value, or have no width."""
    tell = ~((low > value) | (high < value) | (low >= high))
    return np.where(tell, low, np.nan), np.where(tell, high, np.nan)


def _on(scale: Scale, value: Doubles) -> tuple[Doubles, Doubles]:
    """Return values on a scale, and how many units of the value one unit of the scale is there."""
    if scale is Scale.LOGIT:
        return logit(value), value * (1 - value / 100)
    if scale is Scale.LOG:
        return np.log(value), value
    return value, np.ones_like(value)


def _off(scale: Scale, at: Doubles) -> Doubles:
    return expit(at) if scale is Scale.LOGIT else np.exp(at) if scale is Scale.LOG else at
