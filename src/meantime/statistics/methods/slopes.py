"""How values change over years: a straight line with an honest width, and two ways that assume less.

Weighted least squares with w = 1 / SE^2, the standard errors of percents taken at the mean of the location's years:
SE_t sqrt(m (100 - m) / (v_t (100 - v_t))). As published they follow the value, v (100 - v) / n: years that came out
low by chance have small ones and count more, the flaw for which pooling refuses such weights, and the more so the more
the years scatter. At 10% and two standard errors of scatter about the line, intervals by the errors as published
cover 89.9% at 400 respondents and 93.8% at 1,200; taken at the mean, 95.0% at both. So a year counts by v (100 - v)
/ SE^2, its effective size. The logarithm of a percent, whose errors SE / v follow the value the other way, has the
same flaw and the same remedy: all of it at the mean. What is no percent keeps its errors, for how they follow the
value is not known.

The years scatter about the line by more than their standard errors, as a rule (chi-squared over T - 2, called phi: 1.1
to 1.3, for some questions 5 to 10), and a slope that takes the standard errors at their word is significant almost
everywhere. So half the width of the 95% interval is max(t(T - 2) sqrt(phi), z) SE0, and p is the larger of both: the
scatter is believed where it is larger, and never where it came out smaller by chance.

Where the noise of one year carries over into the next, classic errors are too small; ``Errors.AUTOCORRELATED`` allows
for that (``autocorrelation.py`` has what was measured).

Sources: Aitken (1935) on weighted least squares; McCullagh and Nelder, Generalized Linear Models (1989), on phi;
Mann, Nonparametric tests against trend, Econometrica 13 (1945); Kendall, Rank Correlation Methods (1975); Sen,
Estimates of the regression coefficient based on Kendall's tau, Journal of the American Statistical Association 63
(1968); Clegg, Hankey, Tiwari, Feuer and Edwards, Estimating average annual per cent change in trend analysis,
Statistics in Medicine 28 (2009).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

import numpy as np

from meantime.dataset.cube import Doubles, Integers
from meantime.later import special
from meantime.statistics.methods.autocorrelation import CarriedOver, carried_over
from meantime.statistics.methods.blocks import Check, blocks, unchecked
from meantime.statistics.methods.effective_size import effective_size
from meantime.statistics.methods.standard_errors import Z95

# Of fewer years the residuals tell nothing of autocorrelation, and no slope is tested.
_LEAST_YEARS = 5


class Errors(StrEnum):
    """What the errors of a slope allow for."""

    CLASSIC = "classic"  # scatter of each year by itself
    AUTOCORRELATED = "autocorrelated"  # scatter that carries over into the next year; never narrower


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Lines:
    """A straight line a row; NaN where there are not three years."""

    years: Integers  # T: how many years have a value and a standard error
    slope: Doubles  # a year
    se: Doubles  # half-width over z, so that what comes after may treat it as any standard error
    low: Doubles
    high: Doubles
    p: Doubles  # of no change
    phi: Doubles  # scatter about the line over what the standard errors let expect
    fit_p: Doubles  # of the years lying on a straight line


def lines(
    year: Doubles,
    value: Doubles,
    se: Doubles,
    *,
    is_percent: bool,
    errors: Errors = Errors.CLASSIC,
    check: Check = unchecked,
) -> Lines:
    """Fit a line to each row of (rows, years), over the years in which it has a value and a standard error.

    >>> year = np.arange(2015.0, 2021.0)
    >>> value = np.array([[20.1, 21.9, 24.2, 25.8, 28.1, 29.9]])
    >>> found = lines(year, value, np.full((1, 6), 0.5), is_percent=True)
    >>> found.slope.round(2), found.low.round(2), found.high.round(2), found.phi.round(2)
    (array([1.98]), array([1.74]), array([2.21]), array([0.11]))

    Two years are a difference and no line:

    >>> lines(year[:2], value[:, :2], np.full((1, 2), 0.5), is_percent=True).slope
    array([nan])
    """
    return _fitted(year, value, at_the_mean(value, se)[0] if is_percent else se, errors, check)


def autocorrelation(
    year: Doubles, value: Doubles, se: Doubles, *, is_percent: bool, check: Check = unchecked
) -> Doubles:
    """Return the lag-1 autocorrelation of each row's scatter about its line; NaN below five years.

    That of one year and the next that has a value, corrected for what residuals of a line have by themselves.

    >>> value = np.array([[20.1, 21.2, 21.4, 20.8, 21.8, 23.0, 24.8, 26.6], [20.0, 21.0, np.nan, 22.0] + [np.nan] * 4])
    >>> autocorrelation(np.arange(8.0), value, np.full((2, 8), 0.5), is_percent=True).round(2)
    array([0.95,  nan])
    """
    se = at_the_mean(value, se)[0] if is_percent else se
    return _carried_over(year, value, se, check).rho


def at_the_mean(value: Doubles, se: Doubles) -> tuple[Doubles, Doubles]:
    """Return the standard errors of percents as they would be at the mean of their row, and these means, as a column.

    Of equally many respondents, the year that came out low has the smaller error as published, and the same here:

    >>> value = np.array([[8.0, 10.0, 12.0]])
    >>> published = np.sqrt(value * (100 - value) / 400)
    >>> published.round(2), at_the_mean(value, published)[0].round(2)
    (array([[1.36, 1.5 , 1.62]]), array([[1.5, 1.5, 1.5]]))

    A year without a value or an error counts in no mean. One at 0 or 100 counts with the size that its limit tells.
    """
    size = effective_size(value, se)
    known = np.isfinite(value) & np.isfinite(size)
    with np.errstate(invalid="ignore"):
        mean = np.where(known, value, 0.0).sum(axis=1, keepdims=True) / known.sum(axis=1, keepdims=True)
        carried = np.sqrt(mean * (100 - mean) / np.where(known, size, np.nan))
        # Where every year is 0, or 100, the mean has no spread, and the errors are those of the limits.
        return np.where(known & (carried == 0), se, carried), mean


def pulls(year: Doubles, value: Doubles, se: Doubles, *, is_percent: bool) -> Doubles:
    """Return how each year pulls at the slope: pull times value, added up, is the slope. NaN where ``lines`` has none.

    >>> value = np.array([20.0, 23.0, 24.0])
    >>> pulls(np.array([2018.0, 2019.0, 2020.0]), value, np.full(3, 0.5), is_percent=False)
    array([-0.5,  0. ,  0.5])
    """
    se = at_the_mean(value[None, :], se[None, :])[0][0] if is_percent else se
    known = np.isfinite(value) & np.isfinite(se)
    with np.errstate(divide="ignore", invalid="ignore"):
        w = np.where(known, 1 / se**2, 0.0)
        x = year - (w * year).sum() / w.sum()
        pull = w * x / (w * x * x).sum()
    return np.where(known & (known.sum() > 2), pull, np.nan)


def log_lines(
    year: Doubles,
    value: Doubles,
    se: Doubles,
    *,
    is_percent: bool,
    errors: Errors = Errors.CLASSIC,
    check: Check = unchecked,
) -> Lines:
    """Fit lines to the logarithms; NaN where a value is not above 0, for that has none.

    >>> year = np.array([2018.0, 2019.0, 2020.0])
    >>> value, se = np.array([[20.0, 22.0, 24.2], [20.0, 0.0, 24.2]]), np.full((2, 3), 0.5)
    >>> log_lines(year, value, se, is_percent=True).slope.round(4)
    array([0.0953,    nan])
    """
    if is_percent:
        se, where = at_the_mean(value, se)
    else:
        where = value
    with np.errstate(divide="ignore", invalid="ignore"):
        positive = value > 0
        # A year that is left out of the logarithms alone would make another line of it, so the whole row is.
        complete = ~(np.isfinite(value) & ~positive).any(axis=1, keepdims=True)
        return _fitted(year, np.where(positive & complete, np.log(value), np.nan), se / where, errors, check)


def annual_percent_change(of_logs: Lines) -> tuple[Doubles, Doubles, Doubles]:
    """Return the slopes of ``log_lines`` and their limits as percents a year (APC).

    >>> year = np.array([2018.0, 2019.0, 2020.0])
    >>> of_logs = log_lines(year, np.array([[20.0, 22.0, 24.2]]), np.full((1, 3), 0.5), is_percent=True)
    >>> annual_percent_change(of_logs)[0].round(3)
    array([10.])
    """
    return _percent(of_logs.slope), _percent(of_logs.low), _percent(of_logs.high)


def average_annual_percent_change(of_logs: Doubles, se: Doubles, steps: Doubles) -> tuple[Doubles, Doubles, Doubles]:
    """Return the mean of slopes of logarithms over stretches, with its limits, as percents a year (AAPC).

    Each array is (rows, stretches); ``steps`` are the years from the first to the last of a stretch, by which its slope
    counts. A step from one stretch to the next is in none: it is where the survey changed. NaN where a stretch has no
    slope. 10% a year for four years and 5% for one make 9% a year:

    >>> slopes, steps = np.log([[1.10, 1.05]]), np.array([[4.0, 1.0]])
    >>> found = average_annual_percent_change(slopes, np.array([[0.01, 0.02]]), steps)
    >>> [float(each.round(2)[0]) for each in found]
    [8.98, 7.09, 10.91]
    """
    with np.errstate(invalid="ignore"):
        share = steps / steps.sum(axis=1, keepdims=True)
    mean = (share * of_logs).sum(axis=1)
    half = Z95 * np.sqrt((share**2 * se**2).sum(axis=1))
    return _percent(mean), _percent(mean - half), _percent(mean + half)


def mann_kendall(value: Doubles) -> Doubles:
    """Return the p-value of no monotone trend of each row, in order; NaN for fewer than four values.

    Exact without ties; with ties normal, corrected for them and for continuity.

    >>> mann_kendall(np.array([[20.0, 21.0, 22.0, 23.0, 24.0], [20.0, 21.0, 21.0, 23.0, 24.0]])).round(4)
    array([0.0167, 0.0433])
    >>> mann_kendall(np.array([[20.0, 21.0, 22.0, np.nan]]))
    array([nan])
    """
    p = np.empty(len(value))
    for block in blocks(len(value), value.shape[1] ** 2):
        p[block] = _mann_kendall(value[block])
    return p


def _mann_kendall(value: Doubles) -> Doubles:
    one, other = _pairs(value.shape[1])
    s = np.abs(np.nansum(np.sign(value[:, other] - value[:, one]), axis=1))
    t = np.isfinite(value).sum(axis=1)
    # Of each value, how often it is there: a value without a tie is there once, NaN not at all.
    alike = (value[:, :, None] == value[:, None, :]).sum(axis=2)
    ties = np.where(alike > 1, (alike - 1) * (2 * alike + 5), 0).sum(axis=1)
    variance = (t * (t - 1) * (2 * t + 5) - ties) / 18
    # All values equal: no trend, and no variance either.
    z = np.where(s > 0, (s - 1) / np.sqrt(np.where(variance > 0, variance, 1.0)), 0.0)
    p = np.where(s > 0, 2 * special.ndtr(-z), 1.0)
    is_exact = (ties == 0) & (t >= 4)
    p[is_exact] = [_exact_p(t_, int(s_)) for t_, s_ in zip(t[is_exact].tolist(), s[is_exact].tolist(), strict=True)]
    return np.where(t >= 4, p, np.nan)


def theil_sen(year: Doubles, value: Doubles) -> Doubles:
    """Return the median of the slopes between all pairs of years of each row; NaN for fewer than two.

    One year that is far off moves it little:

    >>> theil_sen(np.arange(5.0), np.array([[20.0, 21.0, 22.0, 40.0, 24.0], [20.0, np.nan, np.nan, np.nan, np.nan]]))
    array([ 1., nan])
    """
    found = np.empty(len(value))
    for block in blocks(len(value), len(year) ** 2):
        found[block] = _theil_sen(year, value[block])
    return found


def _theil_sen(year: Doubles, value: Doubles) -> Doubles:
    one, other = _pairs(len(year))
    slopes = np.sort((value[:, other] - value[:, one]) / (year[other] - year[one]), axis=1)
    known = np.isfinite(slopes).sum(axis=1)
    # NaN is sorted to the end, so the middle is that of what is known.
    rows, last = np.arange(len(value)), np.maximum(known - 1, 0)
    middle = (slopes[rows, last // 2] + slopes[rows, (last + 1) // 2]) / 2 if slopes.shape[1] else np.nan * rows
    return np.asarray(np.where(known > 0, middle, np.nan), dtype=np.float64)


def _carried_over(year: Doubles, value: Doubles, se: Doubles, check: Check) -> CarriedOver:
    """Measure each row; NaN where it has not years enough."""
    known = np.isfinite(value) & np.isfinite(se)
    years = known.sum(axis=1)
    found = CarriedOver(np.full(len(value), np.nan), np.full(len(value), np.nan))
    for count in np.unique(years[years >= _LEAST_YEARS]).tolist():
        # Rows with equally many years, whichever these are: one year and the next that has a value are neighbors.
        rows = np.flatnonzero(years == count)
        row, column = (index.reshape(-1, count) for index in np.nonzero(known[rows]))
        t, v, w = year[column], value[rows[row], column], 1 / se[rows[row], column] ** 2
        total = w.sum(axis=1, keepdims=True)
        x = t - (w * t).sum(axis=1, keepdims=True) / total
        slope = (w * x * v).sum(axis=1, keepdims=True) / (w * x * x).sum(axis=1, keepdims=True)
        residual = v - (w * v).sum(axis=1, keepdims=True) / total - slope * x
        found.rho[rows], found.se[rows] = carried_over(x, residual, w, check)
    return found


def _fitted(year: Doubles, value: Doubles, se: Doubles, errors: Errors, check: Check) -> Lines:
    known = np.isfinite(value) & np.isfinite(se)
    with np.errstate(divide="ignore", invalid="ignore"):
        w = np.where(known, 1 / se**2, 0.0)
        v = np.where(known, value, 0.0)
        count = np.asarray(known.sum(axis=1), dtype=np.int64)
        total = w.sum(axis=1)
        x = year - ((w * year).sum(axis=1) / total)[:, None]
        spread = (w * x * x).sum(axis=1)
        slope = (w * x * v).sum(axis=1) / spread
        level = (w * v).sum(axis=1) / total
        chi2 = (w * (v - level[:, None] - slope[:, None] * x) ** 2).sum(axis=1)
        freedom = count - 2
        phi = np.where(freedom > 0, chi2 / freedom, np.nan)
        se0 = 1 / np.sqrt(spread)
        scattered = special.stdtrit(freedom, 0.975) * np.sqrt(phi)
        half = np.maximum(scattered, Z95) * se0
        z = np.abs(slope) / se0
        p = np.maximum(2 * special.stdtr(freedom, -z / np.sqrt(phi)), 2 * special.ndtr(-z))
        if errors is Errors.AUTOCORRELATED:
            carried_se = _carried_over(year, value, se, check).se
            half = np.fmax(half, special.stdtrit(freedom, 0.975) * carried_se)
            p = np.fmax(p, 2 * special.stdtr(freedom, -np.abs(slope) / carried_se))
    enough = freedom > 0

    def of(numbers: Doubles) -> Doubles:
        return np.where(enough, numbers, np.nan)

    return Lines(
        years=count,
        slope=of(slope),
        se=of(half / Z95),
        low=of(slope - half),
        high=of(slope + half),
        p=of(p),
        phi=phi,
        fit_p=of(special.chdtrc(np.maximum(freedom, 1), chi2)),
    )


def _percent(of_logs: Doubles) -> Doubles:
    return np.asarray(100 * np.expm1(of_logs), dtype=np.float64)


@lru_cache(maxsize=64)
def _pairs(years: int) -> tuple[Integers, Integers]:
    """Return the places of the earlier and of the later year of each pair."""
    return np.triu_indices(years, 1)


@lru_cache(maxsize=4096)
def _exact_p(t: int, s: int) -> float:
    counts = _orders_by_inversions(t)
    # S = pairs - 2 inversions: as far from 0 or farther, on either side.
    farthest = (len(counts) - 1 - s) // 2
    return min(1.0, 2 * sum(counts[: farthest + 1]) / sum(counts))


@lru_cache(maxsize=64)
def _orders_by_inversions(t: int) -> tuple[int, ...]:
    """Count the orders of t values by the number of pairs that stand the wrong way round."""
    counts = [1]
    for size in range(2, t + 1):
        longer = [0] * (len(counts) + size - 1)
        for inversions, orders in enumerate(counts):
            for more in range(size):
                longer[inversions + more] += orders
        counts = longer
    return tuple(counts)
