"""Which of the periods of a question a request is about."""

from __future__ import annotations

import numpy as np

from meantime import text
from meantime.dataset.cube import ABSENT
from meantime.statistics.cells.cell_parameters import check_form
from meantime.statistics.cells.draft import LOCATION, PERIOD, Draft
from meantime.statistics.cells.periods import (
    MOST_HAVE,
    RequestedYears,
    latest,
    matching,
    parse,
    periods_text,
    sharing,
)
from meantime.statistics.cells.selection import Booleans
from meantime.statistics.parameters import period_text


def chosen_periods(draft: Draft, of_basis: Booleans, chosen: Booleans) -> list[int]:
    """Return the codes of the requested periods, in the order of time.

    Which years there are is seen in all locations, so that one that lacks a year is told to lack it; the latest one
    is that of the locations that are asked for.
    """
    years = parse(str(draft.parameters.years))
    if years is None:
        draft.problems += check_form(draft.parameters)
        return []
    with_value = (chosen if years.is_latest else of_basis) & draft.has_value
    # One more for each, since ABSENT is below 0.
    codes = (np.flatnonzero(np.bincount(draft.keys[with_value, PERIOD] - ABSENT)) + ABSENT).tolist()
    if ABSENT in codes:
        return _without_years(draft, years, codes)
    if not codes:
        _refuse_no_value(draft)
        return []
    there = [draft.cube.labels.periods[code] for code in codes]
    if years.is_latest:
        return [_latest(draft, of_basis & draft.has_value, with_value)]
    indices, absent = matching(years, there)
    if absent or not indices:
        named = periods_text(absent) if absent else "these years"
        draft.refuse("/years", "absent", f"The question has no value for {named}. It has: {periods_text(there)}.")
    return [codes[index] for index in indices]


def refuse_shared_years(draft: Draft, codes: list[int]) -> None:
    """Refuse overlapping periods: as separate surveys they would look more precise than they are."""
    shared = sharing([draft.cube.labels.periods[code] for code in codes if code != ABSENT])
    if shared is not None:
        detail = (
            f"{periods_text(shared)} have years in common, so they are not separate surveys. Choose periods that share "
            "no year."
        )
        draft.refuse("/years", "contradiction", detail)


def _without_years(draft: Draft, years: RequestedYears, codes: list[int]) -> list[int]:
    if len(codes) > 1 or years.named or years.ranges:
        draft.refuse("/years", "absent", 'The rows of this question have no year. Use "latest".')
    return codes[:1]


def _refuse_no_value(draft: Draft) -> None:
    if not draft.problems:
        draft.refuse(
            "/question",
            "absent",
            "The question has no value for this selection. Choose another group, or other locations.",
        )


def _latest(draft: Draft, everywhere: Booleans, chosen: Booleans) -> int:
    """Return the code of the latest period of the chosen cells; say so where all locations have a later one."""
    code, having, locations = _latest_of(draft, chosen)
    if having < MOST_HAVE * locations:
        draft.warnings.append(
            f"No year has values for nine in ten of the locations; {period_text(draft.cube.labels.periods[code])} has "
            f"them for most ({having:,} of {locations:,})."
        )
    of_all = code if np.array_equal(everywhere, chosen) else _latest_of(draft, everywhere)[0]
    if draft.cube.labels.periods[of_all].last > draft.cube.labels.periods[code].last:
        _say_why_earlier(draft, chosen, code, of_all)
    return code


def _latest_of(draft: Draft, cells: Booleans) -> tuple[int, int, int]:
    """Return the code of the latest period, how many cells have it, and how many there are to have it."""
    # Counted, not sorted: there may be a million cells.
    by_code = np.bincount(draft.keys[cells, PERIOD])
    codes = np.flatnonzero(by_code).tolist()
    having = by_code[codes].tolist()
    # Each location counts as often as it has strata, in what it has and in what there is.
    all_of_them = max(having) if draft.by_stratum else int((np.bincount(draft.keys[cells, LOCATION]) > 0).sum())
    index = latest([draft.cube.labels.periods[code] for code in codes], having, all_of_them)
    return codes[index], having[index], all_of_them


def _say_why_earlier(draft: Draft, chosen: Booleans, code: int, later: int) -> None:
    labels = draft.cube.labels
    at, at_later = (
        np.bincount(draft.keys[chosen & (draft.keys[:, PERIOD] == each), LOCATION], minlength=len(labels.locations))
        for each in (code, later)
    )
    lacking = [labels.locations[index] for index in np.flatnonzero(at_later < at).tolist()]
    year, later_year = (text.years(*labels.periods[each]) for each in (code, later))
    verb = "has" if len(lacking) == 1 else "have"
    what = f"no {later_year} value" if not draft.by_stratum else f"values of fewer groups in {later_year}"
    draft.warnings.append(f"The latest year shown is {year}, because {text.listed(lacking)} {verb} {what}.")
    if at_later.any():
        draft.later_years = period_text(labels.periods[later])
