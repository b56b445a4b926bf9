"""Trends: in how many places a value rose and fell, how steeply, and where a straight line does not describe it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from meantime import text
from meantime.dataset.cube import Doubles
from meantime.statistics.words.comparisons import UNADJUSTED
from meantime.statistics.words.conclusions import ADJUSTED, LEVEL, AdjustedTests
from meantime.statistics.words.findings import MOST_OF_A_KIND, counted
from meantime.statistics.words.subject import (
    Subject,
    both_counts,
    by_size,
    capitalized,
    change_text,
    here,
    list_of_largest,
    named,
)
from meantime.table import Cell

# From which p of the test of fit on a straight line is let pass. Stricter than 5 %: it is made for every location.
FIT_LEVEL = 0.01


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Slopes:
    """The lines of the places over one stretch of years."""

    names: Sequence[str]
    slope: Doubles
    low: Doubles
    high: Doubles
    tests: AdjustedTests
    first_year: Sequence[Any]
    last_year: Sequence[Any]
    departs: Any  # which scatter about the line by more than sampling error


def trend_sentences(subject: Subject, of: Slopes, *, is_aggregate: Any) -> list[str]:
    """Say in how many places the value rose and fell, and where most steeply; nothing where nothing was tested."""
    is_tested = ~np.isnan(of.tests.p_adjusted)
    if not is_tested.any():
        return []
    is_counted = counted(is_tested, is_aggregate)
    one_by_one = np.flatnonzero(is_tested & ~is_counted).tolist()
    sentences: list[str] = []
    if is_counted.sum() == 1:
        one_by_one = [*np.flatnonzero(is_counted).tolist(), *one_by_one]
    else:
        sentences = _of_several(subject, of, is_counted)
    sentences += [_of_one(subject, of, index) for index in one_by_one]
    return [*sentences, *_departures(subject, of, is_counted)]


def _span(of: Slopes, indexes: Sequence[int]) -> str:
    first = min({of.first_year[index] for index in indexes})
    last = max({of.last_year[index] for index in indexes})
    return f"between {first} and {last}"


def _of_several(subject: Subject, of: Slopes, is_counted: Any) -> list[str]:
    tested = np.flatnonzero(is_counted).tolist()
    who, span = [of.names[index] for index in tested], _span(of, tested)
    nouns, clear = subject.nouns(who), is_counted & (of.tests.p_adjusted < LEVEL)
    rose, fell = int((clear & (of.slope > 0)).sum()), int((clear & (of.slope < 0)).sum())
    if not rose + fell:
        return [
            f"These data do not show a trend in {subject} {span} in any of the {len(who):,} {nouns} "
            f"({ADJUSTED[of.tests.adjust]})."
        ]
    rest = len(who) - rose - fell
    unclear = f"; in {rest:,} no trend is detected" if rest else ""
    count = capitalized(
        f"{subject} {both_counts((rose, 'rose', 'rose'), (fell, 'fell', 'fell'), len(who), nouns, f' {span}')} "
        f"({ADJUSTED[of.tests.adjust]}){unclear}."
    )
    chosen = by_size(of.slope, np.flatnonzero(clear).tolist(), MOST_OF_A_KIND)
    if len(chosen) == 1:
        return [count, _moved(subject, of, chosen[0])]
    unit = text.unit_a_year(subject.unit)
    places = text.decimals([float(each[i]) for i in chosen for each in (of.slope, of.low, of.high)], unit)
    written = [
        f"{named(of.names[i])} {change_text(float(of.slope[i]), places)} "
        f"({text.number(float(of.low[i]), places)} to {text.number(float(of.high[i]), places)})"
        for i in chosen
    ]
    what = f"trends in {subject} {span}{subject.in_difference_unit} a year ({ADJUSTED[of.tests.adjust]}; {UNADJUSTED})"
    return [count, list_of_largest(rose + fell, what, written, largest="steepest")]


def _moved(subject: Subject, of: Slopes, index: int) -> str:
    value, low, high = (float(each[index]) for each in (of.slope, of.low, of.high))
    low, high = (low, high) if value > 0 else (-high, -low)
    unit = text.unit_a_year(subject.unit)
    places = text.decimals([value, low, high], unit)
    return capitalized(
        f"{subject} {here(of.names[index])} {'rose' if value > 0 else 'fell'} by "
        f"{text.amount(abs(value), unit, places=places)} from {of.first_year[index]} to {of.last_year[index]} "
        f"({of.tests.certainty(text.interval(low, high, places=places), index)})."
    )


def _of_one(subject: Subject, of: Slopes, index: int) -> str:
    if of.tests.is_clear(index):
        return _moved(subject, of, index)
    value, low, high = (float(each[index]) for each in (of.slope, of.low, of.high))
    unit = text.unit_a_year(subject.unit)
    places = text.decimals([value, low, high], unit)
    return (
        f"These data do not show a trend in {subject} {here(of.names[index])} from {of.first_year[index]} to "
        f"{of.last_year[index]}: {change_text(value, places)} {unit} "
        f"({of.tests.certainty(text.interval(low, high, places=places), index)})."
    )


def _departures(subject: Subject, of: Slopes, is_counted: Any) -> list[str]:
    departing = np.flatnonzero(is_counted & of.departs).tolist()
    if not departing:
        return []
    tested = np.flatnonzero(is_counted).tolist()
    if len(tested) == 1:
        where, p = here(of.names[tested[0]]), "p < 0.01"
    else:
        where = f"in {len(departing):,} of the {len(tested):,} {subject.nouns([of.names[i] for i in tested])}"
        p = "p < 0.01 in each, unadjusted"
    scatters = "scatters about a straight line by more than sampling error"
    return [capitalized(f"{subject} {where} {scatters} {_span(of, departing)} ({p}).")]


def trend_verdicts(p: Doubles, p_adjusted: Doubles, slope: Doubles) -> list[Cell]:
    """Say of each slope whether it rises or falls; of one without p that it has too few years."""
    words = np.select(
        [np.isnan(p), (p_adjusted < LEVEL) & (slope > 0), p_adjusted < LEVEL],
        ["too few years", "rising", "falling"],
        "no clear trend",
    )
    return list(words.tolist())


def fits_in_words(p: Doubles, fits: Doubles) -> list[Cell]:
    """Say of each line whether the years follow it; None where it is not tested at all."""
    words = np.where(fits < FIT_LEVEL, "scatter beyond sampling error", "no departure from a line detected")
    is_tested = (~np.isnan(p)).tolist()
    return [word if tested else None for tested, word in zip(is_tested, words.tolist(), strict=True)]
