"""Whatever a survey publishes of its uncertainty becomes 95% limits: what the statistics read.

A standard error, a margin of error, a coefficient of variation and a variance say the same: SE = margin / z(level) =
cv x value = sqrt(variance). The limits are symmetrical on the logit scale for percents, as they are where a survey
publishes limits, so that a table gives the same answers whichever of them it has. Limits of another level are moved out
or in on the scale on which they are even.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import NormalDist

import numpy as np
import numpy.typing as npt

from meantime.dataset.cube import AXES, Cells, Doubles, Integers, Labels
from meantime.dataset.snapshot import QuestionMetadata
from meantime.text import PERCENT, listed

# The roles that say how uncertain a value is, other than its limits: the first one that a row has is used.
ROLES = ("standard_error", "margin_of_error", "cv", "variance")
_WORDS = {
    "standard_error": "standard errors",
    "margin_of_error": "margins of error",
    "cv": "coefficients of variation",
    "variance": "variances",
}
LEVEL = 95.0
# What limits of another level are computed from: not a role of a column.
OWN_LIMITS = "limits"
# Rounded limits are more even on one scale by chance; on another scale than the usual one they must be so clearly.
_CLEARLY = 1.5

Booleans = npt.NDArray[np.bool_]
Transform = Callable[[Doubles], Doubles]


@dataclass(frozen=True, slots=True, kw_only=True)
class Levels:
    """How often published intervals hold the true value, in percent."""

    limits: float = LEVEL
    margins: float = LEVEL


def with_limits(
    cells: Cells,
    published: Mapping[str, Doubles],
    labels: Labels,
    questions: Sequence[QuestionMetadata],
    *,
    scale: int,
    levels: Levels,
    is_cv_ratio: bool,
) -> tuple[Cells, set[str]]:
    """Return the cells with 95% limits, and the roles that these were computed from ("low" of another level).

    A row's own limits come first, at their level; else the other columns tell them. ``published`` has the numbers of
    each role of ROLES, for each of the cells.
    """
    if levels.limits == LEVEL and not any(np.isfinite(numbers).any() for numbers in published.values()):
        return cells, set()
    value = cells.moments.means(scale)
    codes, kinds = (cells.keys[:, list(AXES).index(axis)] for axis in ("question", "value_type"))
    units = [[(question.unit or kind.unit) == PERCENT for kind in labels.value_types] for question in questions]
    is_percent = np.array(units, dtype=bool).reshape(len(questions), len(labels.value_types))[codes, kinds]
    low, high = cells.low.copy(), cells.high.copy()
    if levels.limits != LEVEL:
        ratio = _z(LEVEL) / _z(levels.limits)
        for rows in _by_question_and_unit(codes, is_percent):
            low[rows], high[rows] = _stretched(value[rows], low[rows], high[rows], ratio, is_percent[rows][0])
    absent = np.isnan(low) & np.isnan(high)
    se = standard_errors(value, published, margin_level=levels.margins, is_cv_ratio=is_cv_ratio)
    computed_low, computed_high = _limits(value, se, is_percent)
    used = {role for role in ROLES if role in published and bool((published[role][absent] > 0).any())}
    if levels.limits != LEVEL and bool(np.isfinite(cells.low).any() or np.isfinite(cells.high).any()):
        used.add(OWN_LIMITS)
    low, high = np.where(absent, computed_low, low), np.where(absent, computed_high, high)
    return replace(cells, low=low, high=high), used


def limits_words(computed_from: Collection[str], levels: Levels) -> str:
    """Say what 95% limits were computed from; "" where all are those of the file.

    >>> limits_words({"cv", OWN_LIMITS}, Levels(limits=90))
    '90% limits and coefficients of variation'
    """
    words = {OWN_LIMITS: f"{levels.limits:g}% limits", **_WORDS}
    return listed(text for role, text in words.items() if role in computed_from)


def standard_errors(
    value: Doubles, published: Mapping[str, Doubles], *, margin_level: float = LEVEL, is_cv_ratio: bool = False
) -> Doubles:
    """Return the standard error that a row's other columns tell; NaN where they tell none.

    With ``is_cv_ratio``, a coefficient of variation of 0.05 is 5%.

    >>> one = np.array([20.0])
    >>> [
    ...     float(standard_errors(one, {role: np.array([number])}, margin_level=90)[0].round(3))
    ...     for role, number in (("standard_error", 1.2), ("margin_of_error", 1.974), ("cv", 6.0), ("variance", 1.44))
    ... ]
    [1.2, 1.2, 1.2, 1.2]
    """
    nothing = np.full(len(value), np.nan)
    numbers = {role: published.get(role, nothing) for role in ROLES}
    of_cv = numbers["cv"] if is_cv_ratio else numbers["cv"] / 100
    with np.errstate(invalid="ignore"):
        told = (
            numbers["standard_error"],
            numbers["margin_of_error"] / _z(margin_level),
            of_cv * np.abs(value),
            np.sqrt(numbers["variance"]),
        )
    se = nothing
    for each in told:
        se = np.where(np.isnan(se) & (each > 0), each, se)
    return se


def _limits(value: Doubles, se: Doubles, is_percent: Booleans) -> tuple[Doubles, Doubles]:
    low, high = value - _z(LEVEL) * se, value + _z(LEVEL) * se
    with np.errstate(all="ignore"):
        half = _z(LEVEL) * se / (value * (1 - value / 100))
        center = _logit(value)
        inside = is_percent & (value > 0) & (value < 100)
        low = np.where(inside, _expit(center - half), np.where(is_percent, np.maximum(low, 0), low))
        high = np.where(inside, _expit(center + half), np.where(is_percent, np.minimum(high, 100), high))
    return low, high


def _stretched(value: Doubles, low: Doubles, high: Doubles, ratio: float, is_percent: bool) -> tuple[Doubles, Doubles]:
    """Move each limit away from its value, on the scale on which the limits of the question are even."""
    to, back = _even_scale(value, low, high, is_percent=is_percent)
    with np.errstate(divide="ignore", invalid="ignore"):
        moved = (back(to(value) + (to(limit) - to(value)) * ratio) for limit in (low, high))
        # A limit or value at the end of the scale has no distance there: it is moved as it is.
        new_low, new_high = (
            np.where(np.isfinite(limit), limit, value + (old - value) * ratio)
            for limit, old in zip(moved, (low, high), strict=True)
        )
    if is_percent:
        new_low, new_high = np.maximum(new_low, 0), np.minimum(new_high, 100)
    return new_low, new_high


def _even_scale(value: Doubles, low: Doubles, high: Doubles, *, is_percent: bool) -> tuple[Transform, Transform]:
    curved: tuple[Transform, Transform] = (_logit, _expit) if is_percent else (np.log, np.exp)
    linear: tuple[Transform, Transform] = (lambda x: x, lambda x: x)
    inside = (low > 0) & (low < value) & (value < high) & ((high < 100) | (not is_percent))
    if not inside.any():
        return curved if is_percent else linear
    v, lower, upper = value[inside], low[inside], high[inside]
    to = curved[0]
    slope = v * (1 - v / 100) if is_percent else v
    off_curved = float(np.mean(np.abs(to(upper) + to(lower) - 2 * to(v)) * slope))
    off_linear = float(np.mean(np.abs(upper + lower - 2 * v)))
    if is_percent:
        return linear if _CLEARLY * off_linear < off_curved else curved
    return curved if _CLEARLY * off_curved < off_linear else linear


def _by_question_and_unit(codes: Integers, is_percent: Booleans) -> list[Integers]:
    groups = codes * 2 + is_percent
    return [np.flatnonzero(groups == group) for group in np.unique(groups).tolist()]


def _z(level: float) -> float:
    return NormalDist().inv_cdf(0.5 + level / 200)


# By hand: commands that read files must not wait for SciPy.
def _logit(percent: Doubles) -> Doubles:
    return np.log(percent / (100 - percent))


def _expit(x: Doubles) -> Doubles:
    return 100 / (1 + np.exp(-x))
