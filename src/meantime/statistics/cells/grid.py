"""From chosen cells to a selection: a grid of estimates with their standard errors."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from meantime.dataset.cube import ABSENT, Doubles, Integers, ValueType
from meantime.dataset.footnotes import footnote_warnings
from meantime.dataset.plausibility import data_problems, impossible_cells, problem_warnings
from meantime.statistics.cells.cell_parameters import IntervalScale
from meantime.statistics.cells.draft import CATEGORY, LOCATION, PERIOD, STRATUM, Draft
from meantime.statistics.cells.periods import periods_text
from meantime.statistics.cells.published import published
from meantime.statistics.cells.selection import Booleans, LeftOut, Selection, flags_of, no_value
from meantime.statistics.cells.value_types import value_type_text
from meantime.statistics.methods.reliability import IMPOSSIBLE
from meantime.statistics.methods.standard_errors import (
    ORIGINS,
    Origin,
    Scale,
    StandardErrors,
    limits,
    limits_for_differences,
    standard_errors,
)
from meantime.statistics.words import warnings
from meantime.statistics.words.subject import capitalized
from meantime.text import PERCENT, quoted

# The scales that there are for what is no percent, and for percents.
_SCALES = ((Scale.LOG, Scale.LINEAR), (Scale.LOGIT, Scale.LINEAR))


def grid_of(
    draft: Draft,
    chosen: Booleans,
    wanted: Integers,
    value_type: ValueType,
    periods: list[int],
) -> Selection:
    """Return the chosen cells as a grid, with the standard errors of their values."""
    positions = np.flatnonzero(chosen)
    keys = draft.keys[positions]
    # Cells are sorted by key, and codes of periods by time, so nothing has to be sorted or looked up.
    is_first = np.zeros(len(keys), dtype=np.bool_)
    is_first[:1] = True
    for axis in (LOCATION, CATEGORY, STRATUM):
        is_first[1:] |= keys[1:, axis] != keys[:-1, axis]
    groups, row = keys[is_first][:, [LOCATION, CATEGORY, STRATUM]], np.cumsum(is_first) - 1
    cell = np.full((len(groups), len(periods)), ABSENT, dtype=np.int64)
    cell[row, np.searchsorted(periods, keys[:, PERIOD])] = positions + draft.start
    unit = draft.unit_of(value_type)
    is_percent = unit == PERCENT
    return _estimated(draft, cell, groups, wanted, value_type, periods, unit, is_percent)


def _estimated(
    draft: Draft,
    cell: Integers,
    groups: Integers,
    wanted: Integers,
    value_type: ValueType,
    periods: list[int],
    unit: str | None,
    is_percent: bool,
) -> Selection:
    parameters = draft.parameters
    is_there = cell != ABSENT
    flat = cell[is_there]
    picked = draft.cube.pick(flat)

    def on_grid(numbers: Doubles) -> Doubles:
        grid = np.full(cell.shape, np.nan)
        grid[is_there] = numbers
        return grid

    # Rows that have a value only: the mean of one is the value itself, exactly as published.
    value = on_grid(picked.means)
    published_low, published_high = on_grid(picked.low), on_grid(picked.high)
    respondents = on_grid(picked.sample_size)
    code = draft.cube.labels.value_types.index(value_type)
    how = published(draft.snapshot, draft.question, code, is_percent=is_percent)
    scale = _scale(parameters.interval_scale, how.scale, is_percent=is_percent)
    errors = standard_errors(
        value,
        published_low,
        published_high,
        respondents,
        scale=scale,
        is_percent=is_percent,
        step=how.step,
        design_effect=parameters.design_effect,
    )
    problems = [] if how.is_plausible else data_problems(draft.cube, draft.snapshot.about.questions, flat)
    if problems:
        draft.warnings.extend(problem_warnings(draft.cube, problems))
    if how.has_footnotes:
        draft.warnings.extend(footnote_warnings(draft.cube, flat))
    impossible_ones = impossible_cells(problems)
    impossible = np.isin(cell, impossible_ones) if len(impossible_ones) else np.zeros(cell.shape, dtype=np.bool_)
    # What cannot be right is shown and not tested.
    errors = replace(errors, se=np.where(impossible, np.nan, errors.se))
    computed_low, computed_high = limits(value, errors.se, scale=scale, is_percent=is_percent)
    used_low, used_high = limits_for_differences(
        value,
        published_low,
        published_high,
        errors.se,
        scale=scale,
        step=how.step,
        is_percent=is_percent,
        computed=(computed_low, computed_high),
    )
    used_low, used_high = (np.where(impossible, np.nan, used) for used in (used_low, used_high))
    low = np.where(np.isnan(published_low), computed_low, published_low)
    high = np.where(np.isnan(published_high), computed_high, published_high)
    labels = draft.cube.labels
    _note_errors(draft, errors, np.where(impossible, np.nan, value), scale, value_type)
    selection = Selection(
        snapshot=draft.snapshot,
        parameters=parameters,
        question=draft.question,
        value_type=value_type,
        unit=unit,
        is_percent=is_percent,
        geography=draft.geography,
        scale=scale,
        step=how.step,
        periods=tuple(None if code == ABSENT else labels.periods[code] for code in periods),
        locations=groups[:, 0],
        categories=groups[:, 1],
        strata=groups[:, 2],
        cell=cell,
        value=value,
        se=errors.se,
        low=low,
        high=high,
        used_low=used_low,
        used_high=used_high,
        respondents=respondents,
        origin=errors.origin,
        flags=np.zeros(cell.shape, dtype=np.int8),
        left_out=without_row(draft, groups[:, 0], wanted, periods),
        notes=(),
        warnings=(),
        by_default=draft.by_default,
        later_years=draft.later_years,
    )
    few = warnings.few_respondents(value, errors.se, respondents) if is_percent else ""
    return replace(
        selection,
        flags=flags_of(selection, value, errors.se, low, high, respondents) | impossible * np.int8(IMPOSSIBLE),
        notes=tuple(filter(None, (_about(selection), *draft.notes, few))),
        warnings=tuple(draft.warnings),
    )


def _scale(requested: IntervalScale, fitting: Scale, *, is_percent: bool) -> Scale:
    """Return the requested scale if such values can have it, else the fitting one."""
    if requested == "auto" or Scale(requested) not in _SCALES[is_percent]:
        return fitting
    return Scale(requested)


def without_row(draft: Draft, there: Integers, wanted: Integers, periods: list[int]) -> tuple[LeftOut, ...]:
    """Name the wanted locations that have no row."""
    labels = draft.cube.labels
    when = periods_text([labels.periods[code] for code in periods if code != ABSENT])
    has_none = np.ones(len(labels.locations), dtype=np.bool_)
    has_none[there] = False
    return tuple(LeftOut(labels.locations[code], no_value(when)) for code in wanted[has_none[wanted]].tolist())


def _note_errors(
    draft: Draft,
    errors: StandardErrors,
    value: Doubles,
    scale: Scale,
    value_type: ValueType,
) -> None:
    """Note how standard errors were derived, and warn of what a reader must know about them."""
    of_values = errors.origin[~np.isnan(value)]
    counts = dict(zip(ORIGINS, np.bincount(of_values, minlength=len(ORIGINS)).tolist(), strict=True))
    if len(draft.cube.labels.value_types) > 1:
        draft.notes.append(f"Type of value: {quoted(value_type_text(value_type))}.")
    if draft.snapshot.about.questions[draft.question].is_unit_inferred:
        draft.notes.append("The values are taken for percents: the table gives no unit, and the question begins so.")
    if counts[Origin.LIMITS] or counts[Origin.ONE_LIMIT]:
        published = draft.snapshot.about.limits_from or "limits"
        published = "confidence limits" if published == "limits" else published
        chosen = ", as requested" if draft.parameters.interval_scale != "auto" else ""
        draft.notes.append(f"Standard errors are derived from the published {published} ({scale} scale{chosen}).")
    if counts[Origin.SAMPLE_SIZE]:
        draft.warnings.append(
            f"{counts[Origin.SAMPLE_SIZE]:,} of {len(of_values):,} values were published without limits; their "
            "standard errors are those of a simple random sample, with an assumed design effect of "
            f"{draft.parameters.design_effect:g}."
        )
    if counts[Origin.NOTHING]:
        draft.warnings.append(
            f"{counts[Origin.NOTHING]:,} of {len(of_values):,} values were published with neither limits nor "
            "respondents: their standard errors are not known, and nothing is tested with them."
        )
    ends = (errors.origin == ORIGINS.index(Origin.BOUNDARY)) & np.isnan(errors.se) & ~np.isnan(value)
    if ends.any():
        draft.warnings.append(
            f"{int(ends.sum()):,} of {len(of_values):,} values are 0 or 100 and were published with neither limits nor "
            "respondents, so they have no standard error."
        )
    draft.notes.append(warnings.synthetic(draft.snapshot))


def _about(selection: Selection) -> str:
    """Say about whom and about which years an answer is: "Women / 2023."."""
    who = selection.people
    return f"{' / '.join(filter(None, (capitalized(who), selection.years)))}." if who or selection.years else ""
