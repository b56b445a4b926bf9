"""Standard errors of percents at another value than their own, by the effective size of each sample.

A percent's standard error follows the percent: v (100 - v) / SE^2, the effective size, does not. It is what a simple
random sample of the same precision would have asked. A test of equality needs standard errors as they would be if the
null hypothesis were true, at the common mean: as published, estimates that came out low by chance have small ones.

At 0 and 100 the standard error is half the width of a one-sided Wilson interval, so the effective size follows from it.

Source: Wilson, Probable inference, the law of succession, and statistical inference, Journal of the American
Statistical Association 22 (1927).
"""

from __future__ import annotations

import numpy as np

from meantime.dataset.cube import Doubles
from meantime.statistics.methods.standard_errors import Z95, is_at_end, wilson_size

# Design effects of surveys. Those of the CDC's table are 1.2 to 5.4.
_PLAUSIBLE = (0.3, 30.0)
# Fewer cases than this on the smaller side of a percent tell nothing about its design effect.
_FEW_CASES = 10


def effective_size(value: Doubles, se: Doubles) -> Doubles:
    """Return how many people a simple random sample of this precision asks; NaN where it is not known.

    >>> effective_size(np.array([20.0, 20.0, np.nan]), np.array([2.0, np.nan, 1.0]))
    array([400.,  nan,  nan])

    None of 100 asked has a Wilson interval up to 3.7%:

    >>> effective_size(np.array([0.0, 100.0]), np.array([3.7, 3.7]) / (2 * Z95)).round(0)
    array([100., 100.])
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        size = value * (100 - value) / se**2
        is_end = is_at_end(value)
        if is_end.any():
            size = np.where(is_end, np.maximum(wilson_size(2 * Z95 * se), 1.0), size)
        return np.where((value >= 0) & (value <= 100) & (se > 0), size, np.nan)


def errors_if_equal(value: Doubles, se: Doubles, respondents: Doubles, *, is_percent: bool) -> Doubles:
    """Return the standard errors that estimates would have if their true values were equal.

    Percents take them at their mean, and share what the samples tell of the design effect, since that of one sample is
    poorly known: each design effect is moved halfway, on the logarithmic scale, to the others. With weights that vary
    (coefficient of variation 1) Cochran's Q of 51 equal locations then rejects 4 to 7%, from 3% of 200 respondents to
    30% of 1,000; with errors as published 7 to 73%, and at the mean alone 3 to 45%. Design effects that do vary (by
    40%) leave it at 4 to 5%. Below 10 cases a design effect may be anything by chance, and counts as 0.3 or 30 if it is
    beyond. Without respondents there is nothing to share, nor where one of more cases is beyond, which says that its
    limits or respondents are something else.

    >>> value, se, n = np.array([8.0, 12.0]), np.array([1.36, 1.62]), np.array([800.0, 800.0])
    >>> errors_if_equal(value, se, n, is_percent=True).round(2)
    array([1.5 , 1.49])
    >>> errors_if_equal(value, se, np.full(2, np.nan), is_percent=True).round(2)
    array([1.5, 1.5])

    What is no percent keeps its errors, for how they follow the value is not known.
    """
    known = np.isfinite(value) & np.isfinite(effective_size(value, se))
    if not is_percent or not known.any():
        return se
    return _errors_at(np.full_like(value, value[known].mean()), value, se, respondents)


def errors_if_gaps_equal(
    upper: tuple[Doubles, Doubles, Doubles], lower: tuple[Doubles, Doubles, Doubles], *, is_percent: bool
) -> Doubles:
    """Return the standard errors that gaps would have if all were equal; each side is value, SE and respondents.

    Levels may differ between locations, so each side takes its error where it would be with the mean gap, at the middle
    that its location has.

    >>> n = np.full(2, np.nan)
    >>> one, other = (np.array([24.0, 36.0]), np.ones(2), n), (np.array([20.0, 30.0]), np.ones(2), n)
    >>> errors_if_gaps_equal(one, other, is_percent=True).round(2)
    array([1.41, 1.42])
    """
    one, other = upper[0], lower[0]
    gap = one - other
    known = np.isfinite(gap) & np.isfinite(effective_size(one, upper[1]) + effective_size(other, lower[1]))
    if not is_percent or not known.any():
        return np.hypot(upper[1], lower[1])
    half = float(gap[known].mean()) / 2
    middle = (one + other) / 2
    # Within what a percent can be: a location at 1% has no room for half a gap of 10.
    at = [np.clip(middle + shift, 0.1, 99.9) for shift in (half, -half)]
    return np.hypot(*(_errors_at(each, *side) for each, side in zip(at, (upper, lower), strict=True)))


def _errors_at(at: Doubles, value: Doubles, se: Doubles, respondents: Doubles) -> Doubles:
    """Return the standard errors at other values, design effects moved halfway to each other where they are known."""
    size = effective_size(value, se)
    known = np.isfinite(size)
    n = np.where(known, respondents, 1.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        effect = np.where(known, n / size, 1.0)
        # That of a few cases may be anything by chance, and must not decide for all.
        is_few = ~known | (n * np.minimum(value, 100 - value) / 100 < _FEW_CASES)
        if not (is_few | (effect >= _PLAUSIBLE[0]) & (effect <= _PLAUSIBLE[1])).all():
            return np.where(known, np.sqrt(at * (100 - at) / size), np.nan)
        effect = np.clip(effect, *_PLAUSIBLE)
        # At 0 and 100 the variance that a sample shows is 0.
        shown = np.where(known, effect * value * (100 - value), 0.0)
        halfway = np.sqrt(effect) * at * (100 - at)
        # So that the variances add up to those that were published: n of a mean weighs as in an analysis of variance.
        factor = (n * shown).sum() / np.where(known, n * halfway, 0.0).sum()
        # Where everybody said the same there is no variance to share.
        variance = halfway * factor / n if factor > 0 else np.maximum(at * (100 - at) / size, se**2)
    return np.where(known, np.sqrt(variance), np.nan)
