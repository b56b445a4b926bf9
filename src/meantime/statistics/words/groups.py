"""Differences between groups of people, in each place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from meantime import text
from meantime.dataset.cube import Doubles
from meantime.dataset.facts.titles import Title
from meantime.statistics.methods.differences import Compared
from meantime.statistics.methods.multiplicity import Adjustment
from meantime.statistics.words.comparisons import UNADJUSTED, limits, side, signed_and_interval, size_and_interval
from meantime.statistics.words.conclusions import ADJUSTED, LEVEL, AdjustedTests
from meantime.statistics.words.findings import MOST_OF_A_KIND, counted
from meantime.statistics.words.subject import (
    Subject,
    both_counts,
    by_size,
    capitalized,
    here,
    list_of_largest,
    named,
    some_of,
)


def group_sentences(
    subject: Subject,
    names: Sequence[str],
    groups: Sequence[str],
    d: Compared,
    tests: AdjustedTests,
    *,
    category: str,
    reference: str,
    is_aggregate: Any,
) -> list[str]:
    """Say where groups differ from the reference group, and where most; ``groups`` and ``reference`` are in words.

    Aggregates are not counted among the places; of one group they have a sentence of their own.
    """
    is_tested = ~np.isnan(tests.p_adjusted)
    if not is_tested.any():
        return []
    is_counted = counted(is_tested, is_aggregate)
    tested = np.flatnonzero(is_counted).tolist()
    rest = np.flatnonzero(is_tested & ~is_counted).tolist()
    sentences = (
        [_of_one(subject, names, groups, d, tests, tested[0], reference)]
        if len(tested) == 1
        else _of_several(subject, names, groups, d, tests, tested, category, reference)
    )
    if len({groups[index] for index in rest}) == 1:
        sentences += [_of_one(subject, names, groups, d, tests, index, reference) for index in rest]
    return sentences


def _of_one(
    subject: Subject,
    names: Sequence[str],
    groups: Sequence[str],
    d: Compared,
    tests: AdjustedTests,
    index: int,
    reference: str,
) -> str:
    topic, where = subject.title.topic, here(names[index])
    size, interval = size_and_interval(subject, d, index)
    facts = subject.with_years(tests.certainty(interval, index))
    if tests.is_clear(index):
        than = f"among {groups[index]} than among {reference}"
        return f"{capitalized(where)}, {topic} is {size} {side(d, index)} {than}{facts}."
    size, interval = signed_and_interval(subject, d, index)
    facts = subject.with_years(tests.certainty(interval, index))
    return (
        f"{capitalized(where)}, {groups[index]} and {reference} are too close to distinguish in {topic}: {size}{facts}."
    )


def _of_several(
    subject: Subject,
    names: Sequence[str],
    groups: Sequence[str],
    d: Compared,
    tests: AdjustedTests,
    tested: Sequence[int],
    category: str,
    reference: str,
) -> list[str]:
    topic, who = subject.title.topic, list(dict.fromkeys(names[index] for index in tested))
    labels = list(dict.fromkeys(groups[index] for index in tested))
    clear = [index for index in tested if tests.is_clear(index)]
    above = sum(bool(d.value[index] > 0) for index in clear)
    below, rest = len(clear) - above, len(tested) - len(clear)
    nouns, facts = subject.nouns(who), subject.with_years(ADJUSTED[tests.adjust])
    places = f"the {len(who):,} {nouns}"
    any_other = f"that any of the {len(labels):,} other groups of {category} differs from {reference} in {topic}"
    if len(labels) == 1:
        what, than, scope = topic, f"among {labels[0]} than among {reference}", (len(who), nouns)
        none = f"that {labels[0]} differ from {reference} in {topic} in any of {places}"
        label = [named(names[index]) for index in clear]
    elif len(who) == 1:
        what, than = f"{here(who[0])}, {topic}", f"than among {reference}"
        scope = (len(labels), f"other groups of {category}")
        none = f"{any_other} {here(who[0])}"
        label = [groups[index] for index in clear]
    else:
        what, than = topic, f"than among {reference}"
        scope = (len(tested), f"comparisons ({len(labels):,} groups of {category}, {len(who):,} {nouns})")
        none = f"{any_other} in any of {places}"
        label = [f"{groups[index]} {here(names[index])}" for index in clear]
    if not clear:
        return [f"These data do not show {none}{facts}."]
    cannot = f"; {rest:,} cannot be distinguished" if rest else ""
    counts = both_counts((above, f"is higher {than}", "higher"), (below, f"is lower {than}", "lower"), *scope)
    count = capitalized(f"{what} {counts}{facts}{cannot}.")
    if len(clear) == 1:
        return [count, _of_one(subject, names, groups, d, tests, clear[0], reference)]
    chosen = by_size([float(d.value[index]) for index in clear], range(len(clear)), MOST_OF_A_KIND)
    unit = subject.difference_unit
    given = [float(each[clear[at]]) for at in chosen for each in (d.value, d.low, d.high)]
    decimals = text.decimals(given, unit)
    written = [
        f"{label[at]} {side(d, clear[at])} by {text.number(abs(float(d.value[clear[at]])), decimals)} "
        f"({limits(d, clear[at], decimals)})"
        for at in chosen
    ]
    pair = f"between {labels[0]} and {reference}" if len(labels) == 1 else f"from {reference}"
    facts = subject.with_years(ADJUSTED[tests.adjust], UNADJUSTED)
    what = f"differences {pair} in {topic}{subject.in_difference_unit}{facts}"
    return [count, list_of_largest(len(clear), what, written)]


def gaps_sentence(subject: Subject, category: str, names: Sequence[str], differ: int, adjust: Adjustment) -> str:
    """Say in how many places the groups of a category differ at all."""
    facts = subject.with_years(f"Q test, {ADJUSTED[adjust]}")
    places, topic = f"{len(names):,} {subject.nouns(names)}", subject.title.topic
    one = len(names) == 1
    if not differ:
        where = here(names[0]) if one else f"in any of the {places}"
        return f"These data do not show that the groups of {category} differ in {topic} {where}{facts}."
    where = here(names[0]) if one else f"in {some_of(differ, len(names), subject.nouns(names))}"
    return f"The groups of {category} differ in {topic} {where}{facts}."


def gap_sentence(
    subject: Subject,
    name: str,
    category: str,
    ends: tuple[tuple[str, float], tuple[str, float]],
    gap: tuple[float, float, float, float],
) -> str:
    """Say between which groups of a category one place has its gap.

    ``ends``: the highest and the lowest group with their values; ``gap``: the gap, its limits, and the gap corrected.
    """
    (highest, high), (lowest, low) = ends
    size, gap_low, gap_high, corrected = gap
    unit = subject.difference_unit
    places = text.decimals([size, gap_low, gap_high, corrected], unit)
    of_values = text.decimals([high, low], subject.unit)
    facts = subject.with_years(text.interval(gap_low, gap_high, places=places))
    return capitalized(
        f"{here(name)}, {subject.title.topic} by {category} is highest among {highest} "
        f"({subject.value(high, of_values)}) and lowest among {lowest} ({subject.value(low, of_values)}): a gap of "
        f"{text.amount(size, unit, places=places)}{facts}, or {text.number(corrected, places)} after a partial "
        "correction for picking the extremes."
    )


def gap_subject(subject: Subject, group: str, reference: str, *, with_sign: bool = False) -> Subject:
    """Return what sentences about gaps are about: the difference of two groups; and which is taken from which."""
    sign = f" ({group} minus {reference})" if with_sign else ""
    topic = f"the gap in {subject.title.topic} between {group} and {reference}{sign}"
    return replace(subject, title=Title(topic=topic), group="", unit=subject.difference_unit)


def gap_count_sentence(
    subject: Subject,
    names: Sequence[str],
    gap: Doubles,
    p_adjusted: Doubles,
    *,
    group: str,
    reference: str,
    adjust: Adjustment,
) -> str:
    """Say in how many places two groups differ."""
    topic, facts = subject.title.topic, subject.with_years(ADJUSTED[adjust])
    where = here(names[0]) if len(names) == 1 else f"in any of the {len(names):,} {subject.nouns(names)}"
    clear = p_adjusted < LEVEL
    above, below = int((clear & (gap > 0)).sum()), int((clear & (gap < 0)).sum())
    if not above + below:
        return f"These data do not show that {group} and {reference} differ in {topic} {where}{facts}."
    if len(names) == 1:
        side_ = "higher" if above else "lower"
        return capitalized(f"{topic} is {side_} among {group} than among {reference} {where}{facts}.")
    scope = len(names), subject.nouns(names)
    rest = len(names) - above - below
    cannot = f"; in {rest:,} they cannot be distinguished" if rest else ""
    among = f"among {group} than among {reference}"
    counts = both_counts((above, f"is higher {among}", "higher"), (below, f"is lower {among}", "lower"), *scope)
    return capitalized(f"{topic} {counts}{facts}{cannot}.")


def gap_change_sentence(
    subject: Subject, names: Sequence[str], change: Doubles, p_adjusted: Doubles, *, since: str, adjust: Adjustment
) -> str:
    """Say in how many places the gap became another one; ``subject`` is that of the gaps."""
    clear, span = p_adjusted < LEVEL, f"between {since} and {subject.years} ({ADJUSTED[adjust]})"
    rose, fell = int((clear & (change > 0)).sum()), int((clear & (change < 0)).sum())
    one = len(names) == 1
    if not rose + fell:
        where = here(names[0]) if one else f"in any of the {len(names):,} {subject.nouns(names)}"
        return f"These data do not show that {subject} changed {where} {span}."
    if one:
        return capitalized(f"{subject} went {'up' if rose else 'down'} {here(names[0])} {span}.")
    counts = both_counts((rose, "went up", "up"), (fell, "went down", "down"), len(names), subject.nouns(names))
    return capitalized(f"{subject} {counts} {span}.")
