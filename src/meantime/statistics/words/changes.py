"""Changes between two years, and whether they were those of a reference."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from meantime import text
from meantime.dataset.cube import Doubles
from meantime.statistics.methods.differences import Compared
from meantime.statistics.words.comparisons import UNADJUSTED, signed_and_interval, size_and_interval
from meantime.statistics.words.conclusions import ADJUSTED, LEVEL, AdjustedTests
from meantime.statistics.words.findings import MOST_OF_A_KIND, counted
from meantime.statistics.words.subject import (
    Subject,
    both_counts,
    by_size,
    capitalized,
    change_text,
    here,
    in_list,
    list_of_largest,
    named,
)


def between(since: str, until: str) -> str:
    """Return the span of a change."""
    return f"between {since} and {until}"


def change_sentences(
    subject: Subject,
    names: Sequence[str],
    before: Doubles,
    after: Doubles,
    d: Compared,
    tests: AdjustedTests,
    *,
    since: str,
    is_aggregate: Any,
) -> list[str]:
    """Say in how many places the value rose and fell, and where most; nothing where nothing was tested."""
    is_tested = ~np.isnan(tests.p_adjusted)
    is_counted = counted(is_tested, is_aggregate)
    one_by_one = np.flatnonzero(is_tested & ~is_counted).tolist()
    sentences: list[str] = []
    if is_counted.sum() == 1:
        one_by_one = [*np.flatnonzero(is_counted).tolist(), *one_by_one]
    elif is_counted.any():
        sentences = _of_several(subject, names, before, after, d, tests, is_counted, since)
    return sentences + [_of_one(subject, names, before, after, d, tests, index, since) for index in one_by_one]


def _of_several(
    subject: Subject,
    names: Sequence[str],
    before: Doubles,
    after: Doubles,
    d: Compared,
    tests: AdjustedTests,
    is_counted: Any,
    since: str,
) -> list[str]:
    who = [names[index] for index in np.flatnonzero(is_counted).tolist()]
    nouns, span = subject.nouns(who), between(since, subject.years)
    changed = is_counted & (tests.p_adjusted < LEVEL)
    rose, fell = int((changed & (d.value > 0)).sum()), int((changed & (d.value < 0)).sum())
    if not rose + fell:
        return [
            f"These data do not show a change in {subject} {span} in any of the {len(who):,} {nouns} "
            f"({ADJUSTED[tests.adjust]})."
        ]
    rest = len(who) - rose - fell
    unclear = f"; in {rest:,} no change is detected" if rest else ""
    count = (
        f"{subject} {both_counts((rose, 'rose', 'rose'), (fell, 'fell', 'fell'), len(who), nouns, f' {span}')} "
        f"({ADJUSTED[tests.adjust]}){unclear}."
    )
    chosen = by_size(d.value, np.flatnonzero(changed).tolist(), MOST_OF_A_KIND)
    if len(chosen) == 1:
        return [capitalized(count), _moved(subject, names[chosen[0]], before, after, d, tests, chosen[0], since)]
    unit = subject.difference_unit
    places = text.decimals([float(each[i]) for i in chosen for each in (d.value, d.low, d.high)], unit)
    of_values = text.decimals([float(each[i]) for i in chosen for each in (before, after)], subject.unit)
    written = [
        f"{named(names[i])} {change_text(float(d.value[i]), places)}, from "
        f"{in_list(float(before[i]), subject.unit, of_values)} to {in_list(float(after[i]), subject.unit, of_values)} "
        f"({text.number(float(d.low[i]), places)} to {text.number(float(d.high[i]), places)})"
        for i in chosen
    ]
    what = f"changes in {subject} {span}{subject.in_difference_unit} ({ADJUSTED[tests.adjust]}; {UNADJUSTED})"
    return [capitalized(count), list_of_largest(rose + fell, what, written)]


def _moved(
    subject: Subject,
    name: str,
    before: Doubles,
    after: Doubles,
    d: Compared,
    tests: AdjustedTests,
    index: int,
    since: str,
) -> str:
    size, interval = size_and_interval(subject, d, index)
    places = text.decimals([float(before[index]), float(after[index])], subject.unit)
    return capitalized(
        f"{subject} {here(name)} {'rose' if d.value[index] > 0 else 'fell'} by {size}, from "
        f"{subject.value(float(before[index]), places)} in {since} to {subject.value(float(after[index]), places)} in "
        f"{subject.years} ({tests.certainty(interval, index)})."
    )


def _of_one(
    subject: Subject,
    names: Sequence[str],
    before: Doubles,
    after: Doubles,
    d: Compared,
    tests: AdjustedTests,
    index: int,
    since: str,
) -> str:
    if tests.is_clear(index):
        return _moved(subject, names[index], before, after, d, tests, index, since)
    size, interval = signed_and_interval(subject, d, index)
    places = text.decimals([float(before[index]), float(after[index])], subject.unit)
    return (
        f"These data do not show a change in {subject} {here(names[index])} between {since} "
        f"({subject.value(float(before[index]), places)}) and {subject.years} "
        f"({subject.value(float(after[index]), places)}): {size} ({tests.certainty(interval, index)})."
    )


def beyond_sentences(
    subject: Subject,
    names: Sequence[str],
    d: Compared,
    beyond: Compared,
    tests: AdjustedTests,
    *,
    reference: int,
    since: str,
    is_aggregate: Any,
) -> list[str]:
    """Say where the change was another than that of the reference: the differences of differences."""
    is_tested = ~np.isnan(tests.p_adjusted)
    is_counted = counted(is_tested, is_aggregate)
    tested = np.flatnonzero(is_counted).tolist()
    if len(tested) <= 1:
        return [_beyond_of_one(subject, names, d, beyond, tests, index, reference, since) for index in tested]
    who, span = [names[index] for index in tested], between(since, subject.years)
    nouns, unit = subject.nouns(who), subject.difference_unit
    differs = is_counted & (tests.p_adjusted < LEVEL)
    more, less = int((differs & (beyond.value > 0)).sum()), int((differs & (beyond.value < 0)).sum())
    own = float(d.value[reference])
    changed = change_text(own, text.decimals([own], unit)) + (f" {unit}" if unit else "")
    of_reference = f"that of {named(names[reference])} ({changed})"
    if not more + less:
        return [
            f"These data do not show that the change in {subject} {span} differs from {of_reference} in any of the "
            f"{len(who):,} {nouns} ({ADJUSTED[tests.adjust]})."
        ]
    rest = len(who) - more - less
    cannot = f"; {rest:,} cannot be distinguished from it" if rest else ""
    above, below = (more, f"above {of_reference}", "above it"), (less, f"below {of_reference}", "below it")
    count = (
        f"The change in {subject} {span} was {both_counts(above, below, len(who), nouns)} "
        f"({ADJUSTED[tests.adjust]}){cannot}."
    )
    chosen = by_size(beyond.value, np.flatnonzero(differs).tolist(), MOST_OF_A_KIND)
    if len(chosen) == 1:
        return [count, _beyond_of_one(subject, names, d, beyond, tests, chosen[0], reference, since)]
    places = text.decimals([float(each[i]) for i in chosen for each in (beyond.value, beyond.low, beyond.high)], unit)
    written = [
        f"{named(names[i])} {change_text(float(beyond.value[i]), places)} "
        f"({text.number(float(beyond.low[i]), places)} to {text.number(float(beyond.high[i]), places)})"
        for i in chosen
    ]
    what = (
        f"differences from the change of {named(names[reference])} in {subject} {span}"
        f"{subject.in_difference_unit} ({ADJUSTED[tests.adjust]}; {UNADJUSTED})"
    )
    return [count, list_of_largest(more + less, what, written)]


def _beyond_of_one(
    subject: Subject,
    names: Sequence[str],
    d: Compared,
    beyond: Compared,
    tests: AdjustedTests,
    index: int,
    reference: int,
    since: str,
) -> str:
    own, other, unit = float(d.value[index]), float(d.value[reference]), subject.difference_unit
    given = [float(each[index]) for each in (beyond.value, beyond.low, beyond.high)]
    places = text.decimals([own, other, *given], unit)
    place, of_reference = here(names[index]), here(names[reference])
    cannot = "" if tests.is_clear(index) else ", which is too close to distinguish"
    if own * other > 0:
        sign = 1.0 if own > 0 else -1.0
        low, high = sorted((sign * given[1], sign * given[2]))
        value = sign * given[0]
        low, high = (low, high) if value >= 0 else (-high, -low)
        more = f"{text.number(abs(value), places)} {'more' if value >= 0 else 'less'}"
        return capitalized(
            f"{subject} {'rose' if own > 0 else 'fell'} by {text.amount(abs(own), unit, places=places)} {place} and by "
            f"{text.number(abs(other), places)} {of_reference} {between(since, subject.years)}: {more} "
            f"({tests.certainty(text.interval(low, high, places=places), index)}){cannot}."
        )
    with_unit = f" {unit}" if unit else ""
    return capitalized(
        f"{subject} changed by {change_text(own, places)}{with_unit} {place} and by {change_text(other, places)} "
        f"{of_reference} {between(since, subject.years)}: a difference of {change_text(given[0], places)} "
        f"({tests.certainty(text.interval(given[1], given[2], places=places), index)}){cannot}."
    )
