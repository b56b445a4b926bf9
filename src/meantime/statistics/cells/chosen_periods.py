"""Which of the periods of a question a request is about."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from meantime.dataset.cube import ABSENT, Period
from meantime.statistics.cells.cell_parameters import check_form
from meantime.statistics.cells.draft import LOCATION, PERIOD, Draft
from meantime.statistics.cells.periods import RequestedYears, latest, matching, parse, periods_text, sharing
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
    codes = np.unique(draft.keys[with_value, PERIOD]).tolist()
    if ABSENT in codes:
        return _without_years(draft, years, codes)
    if not codes:
        _refuse_no_value(draft)
        return []
    there = [draft.cube.labels.periods[code] for code in codes]
    if years.is_latest:
        having = [int((draft.keys[with_value, PERIOD] == code).sum()) for code in codes]
        return [codes[_latest(draft, there, having, len(np.unique(draft.keys[with_value, LOCATION])))]]
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


def _latest(draft: Draft, there: Sequence[Period], having: Sequence[int], locations: int) -> int:
    if draft.by_stratum:
        # Each location counts as often as it has strata, in what it has and in what there is.
        locations = max(having)
    index, is_had_by_most = latest(there, having, locations)
    if not is_had_by_most:
        draft.warnings.append(
            f"No year has values for nine in ten of the locations; {period_text(there[index])} has them for most "
            f"({having[index]:,} of {locations:,})."
        )
    return index
