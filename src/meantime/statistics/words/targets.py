"""Whether a target is met, by the direction that is good for the question."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from meantime.dataset.cube import Doubles
from meantime.dataset.snapshot import Polarity
from meantime.statistics.methods.differences import Compared
from meantime.statistics.methods.multiplicity import Adjustment
from meantime.statistics.words.comparisons import UNADJUSTED, entries, side, size_and_interval
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
)


def target_sentences(
    subject: Subject,
    names: Sequence[str],
    value: Doubles,
    d: Compared,
    p_adjusted: Doubles,
    *,
    target: float,
    polarity: Polarity | None,
    adjust: Adjustment,
    is_aggregate: Any,
) -> list[str]:
    """Say how many places meet the target and miss it, and which are furthest from it.

    Where it is not known which values are good, it is only said on which side of it they lie.
    """
    is_tested = ~np.isnan(p_adjusted)
    is_counted = counted(is_tested, is_aggregate)
    one_by_one = np.flatnonzero(is_tested & ~is_counted).tolist()
    tests = AdjustedTests(p_adjusted=p_adjusted, adjust=adjust, number=int(is_tested.sum()))
    sentences: list[str] = []
    if is_counted.sum() == 1:
        one_by_one = [*np.flatnonzero(is_counted).tolist(), *one_by_one]
    elif is_counted.any():
        sentences = _of_several(subject, names, value, d, tests, is_counted, target, polarity)
    return sentences + [_of_one(subject, names, value, d, index, target, polarity, tests) for index in one_by_one]


def _target(subject: Subject, target: float, polarity: Polarity | None) -> str:
    limit = {"lower": "at most ", "higher": "at least "}.get(polarity or "", "")
    return f"the target of {limit}{subject.value(target)}"


def _of_several(
    subject: Subject,
    names: Sequence[str],
    value: Doubles,
    d: Compared,
    tests: AdjustedTests,
    is_counted: Any,
    target: float,
    polarity: Polarity | None,
) -> list[str]:
    who = [names[index] for index in np.flatnonzero(is_counted).tolist()]
    nouns, of_target = subject.nouns(who), _target(subject, target, polarity)
    differs = is_counted & (tests.p_adjusted < LEVEL)
    above, below = int((differs & (d.value > 0)).sum()), int((differs & (d.value < 0)).sum())
    facts, rest = subject.with_years(ADJUSTED[tests.adjust]), len(who) - above - below
    if polarity is None:
        if not above + below:
            places = f"in any of the {len(who):,} {nouns}"
            return [f"These data do not show that {subject} is above or below {of_target} {places}{facts}."]
        unclear = f"; {rest:,} cannot be distinguished from it" if rest else ""
        higher, lower = (above, f"is above {of_target}", "above it"), (below, f"is below {of_target}", "below it")
        what = both_counts(higher, lower, len(who), nouns)
    else:
        met, missed = (below, above) if polarity == "lower" else (above, below)
        unclear = f"; for {rest:,} it is unclear" if rest else ""
        hits, misses = (met, f"meets {of_target}", "meets it"), (missed, f"misses {of_target}", "misses it")
        what = both_counts(hits, misses, len(who), nouns)
    count = capitalized(f"{subject} {what}{facts}{unclear}.")
    chosen = by_size(d.value, np.flatnonzero(differs).tolist(), MOST_OF_A_KIND)
    if not chosen:
        return [count]
    facts = subject.with_years(ADJUSTED[tests.adjust], UNADJUSTED)
    what = f"differences from {of_target} in {subject}{subject.in_difference_unit}{facts}"
    if above + below == 1:
        return [count, _of_one(subject, names, value, d, chosen[0], target, polarity, tests)]
    written = entries([named(names[index]) for index in chosen], d, chosen, subject)
    return [count, list_of_largest(above + below, what, written)]


def _of_one(
    subject: Subject,
    names: Sequence[str],
    value: Doubles,
    d: Compared,
    index: int,
    target: float,
    polarity: Polarity | None,
    tests: AdjustedTests,
) -> str:
    is_higher = bool(d.value[index] > 0)
    of_target, own = _target(subject, target, polarity), subject.value(float(value[index]))
    distance = f"{own}{subject.with_years()}"
    if d.value[index]:
        size, interval = size_and_interval(subject, d, index)
        distance = f"{own}, {size} {side(d, index)}{subject.with_years(tests.certainty(interval, index))}"
    who = f"{subject} {here(names[index])}"
    if not tests.is_clear(index):
        question = "meets" if polarity is not None else "lies above or below"
        return f"Whether {who} {question} {of_target} is unclear: {distance}."
    if polarity is None:
        return capitalized(f"{who} is {'above' if is_higher else 'below'} {of_target}: {distance}.")
    return capitalized(f"{who} {'misses' if is_higher == (polarity == 'lower') else 'meets'} {of_target}: {distance}.")
