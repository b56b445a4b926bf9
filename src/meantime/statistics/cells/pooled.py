"""One estimate for each group of a selection: of its one period, or of all of its periods together."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from meantime.dataset.cube import ABSENT, Doubles, Integers
from meantime.statistics.cells.selection import LeftOut, Selection, flags_of, no_value
from meantime.statistics.methods.differences import Estimates
from meantime.statistics.methods.effective_size import errors_if_equal
from meantime.statistics.methods.heterogeneity import Heterogeneity, heterogeneity
from meantime.statistics.methods.pooling import Weights, pool
from meantime.statistics.methods.reliability import IMPOSSIBLE, Flags
from meantime.statistics.methods.standard_errors import limits, limits_for_differences
from meantime.statistics.methods.ties import settled
from meantime.statistics.parameters import period_text
from meantime.statistics.words.breaks import pooled_across
from meantime.text import quoted

_OF_GROUPS = (
    *("groups", "value", "se", "low", "high", "used_low", "used_high"),
    *("respondents", "weights", "flagged", "flags"),
)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Pooled:
    """One estimate for each group: that of its only period, or pooled over all."""

    selection: Selection  # all that was selected, incomplete groups too
    groups: Selection  # the groups that are complete, in the same order
    value: Doubles
    se: Doubles
    low: Doubles
    high: Doubles
    used_low: Doubles  # what differences are made of
    used_high: Doubles
    respondents: Doubles
    weights: Doubles  # (groups, periods), adding up to 1
    flagged: Integers  # how many of the cells have a flag of their own
    flags: Flags
    left_out: tuple[LeftOut, ...]

    def __len__(self) -> int:
        return len(self.value)

    def __getitem__(self, rows: Any) -> Pooled:
        return replace(self, **{name: getattr(self, name)[rows] for name in _OF_GROUPS})

    @property
    def estimates(self) -> Estimates:
        """What comparisons are made of."""
        return Estimates(value=self.value, se=self.se, scale=self.groups.scale, low=self.used_low, high=self.used_high)

    @property
    def heterogeneity(self) -> Heterogeneity:
        """Whether they differ by more than sampling error, by the errors that they would have if they were equal."""
        errors = errors_if_equal(self.value, self.se, self.respondents, is_percent=self.groups.is_percent)
        return heterogeneity(self.value, errors)

    def with_left_out(self, left_out: tuple[LeftOut, ...]) -> Pooled:
        """Return the same, with more locations listed as left out."""
        return replace(self, left_out=tuple(sorted({*self.left_out, *left_out})))

    def without(self, rows: Any, reason: str) -> Pooled:
        """Leave some groups out, by name."""
        rows = np.asarray(rows, dtype=bool)
        if not rows.any():
            return self
        named = tuple(LeftOut(name, reason) for name, out in zip(self.groups.names, rows.tolist(), strict=True) if out)
        return replace(self[~rows], left_out=self.left_out + named)


def pool_periods(selection: Selection, weights: Weights | None = None) -> Pooled:
    """Return one estimate for each group, over all periods; a group that lacks one is left out, and named.

    Without ``weights`` the periods count as the request says.
    """
    has_all = ~np.isnan(selection.value).any(axis=1)
    missing = _missing(selection, np.flatnonzero(~has_all))
    groups = selection if has_all.all() else selection[has_all]
    across = pooled_across(selection.breaks, selection.periods)
    if across:
        groups = replace(groups, warnings=(*groups.warnings, *across))
    is_single = len(groups.periods) == 1
    chosen = Weights.EQUAL if is_single else weights or selection.parameters.weights
    made = pool(groups.value, groups.se, groups.respondents, weights=chosen)
    if is_single:
        # The value and the limits as published, so that a reader finds in the answer what is in the file.
        value, low, high = made.value, groups.low[:, 0], groups.high[:, 0]
        used_low, used_high = groups.used_low[:, 0], groups.used_high[:, 0]
    else:
        # What was added up may be equal, and must then be the same number.
        value = settled(made.value)
        low, high = computed = limits(value, made.se, scale=groups.scale, is_percent=groups.is_percent)
        used_low, used_high = limits_for_differences(
            value, *computed, made.se, scale=groups.scale, step=0.0, is_percent=groups.is_percent, computed=computed
        )
    respondents = groups.respondents.sum(axis=1)
    return Pooled(
        selection=selection,
        groups=groups,
        value=value,
        se=made.se,
        low=low,
        high=high,
        used_low=used_low,
        used_high=used_high,
        respondents=respondents,
        weights=made.weights,
        flagged=np.asarray(groups.flagged.sum(axis=1), dtype=np.int64),
        flags=flags_of(selection, value, made.se, low, high, respondents)
        | np.bitwise_or.reduce(groups.flags & np.int8(IMPOSSIBLE), axis=1),
        left_out=selection.left_out + missing,
    )


def without_empty(selection: Selection) -> Selection:
    """Leave out, by name, the groups that have no value in any period."""
    is_empty = np.isnan(selection.value).all(axis=1)
    return replace(selection[~is_empty], left_out=selection.left_out + _missing(selection, np.flatnonzero(is_empty)))


def _missing(selection: Selection, rows: Integers) -> tuple[LeftOut, ...]:
    """Say of some groups which period each lacks, and why."""
    if not len(rows):
        return ()
    lacking = selection[rows]
    names = lacking.names
    if len(np.unique(selection.strata)) > 1:
        names = [f"{stratum} in {name}" for name, (_, stratum) in zip(names, lacking.stratum_names, strict=True)]
    return tuple(LeftOut(name, missing_reason(lacking, row)) for row, name in enumerate(names))


def missing_reason(selection: Selection, row: int, group: str = "") -> str:
    """Return the reason why a group lacks a period; ``group`` is named in it, as is one that a standard needs."""
    index = int(np.flatnonzero(np.isnan(selection.value[row]))[0])
    period = selection.periods[index]
    when = "" if period is None else period_text(period)
    group = group or selection.missing_group(row, index)
    if selection.cell[row, index] == ABSENT:
        return no_value(when, group)
    missing = f"is suppressed or missing{f' for {quoted(group)}' if group else ''}{f' in {when}' if when else ''}"
    return f"{missing} ({selection.reason(row, index)})"
