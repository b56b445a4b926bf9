"""Differences from a reference that were tested: how many there are, and the largest of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from meantime import text
from meantime.dataset.cube import Doubles
from meantime.dataset.facts.titles import place_words
from meantime.statistics.methods.differences import Compared
from meantime.statistics.methods.multiplicity import Adjustment
from meantime.statistics.words.conclusions import ADJUSTED, LEVEL, AdjustedTests
from meantime.statistics.words.extremes import ReferenceValue
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

UNADJUSTED = "95% CIs unadjusted"


def comparison_sentences(
    subject: Subject,
    names: Sequence[str],
    value: Doubles,
    d: Compared,
    p_adjusted: Doubles,
    *,
    reference: ReferenceValue,
    adjust: Adjustment,
    is_aggregate: Any,
) -> list[str]:
    """Say how many places differ from the reference, and which most; nothing where nothing was tested.

    Aggregates are not counted among the places, and have a sentence of their own.
    """
    is_tested = ~np.isnan(p_adjusted)
    is_counted = counted(is_tested, is_aggregate)
    one_by_one = np.flatnonzero(is_tested & ~is_counted).tolist()
    tests = AdjustedTests(p_adjusted=p_adjusted, adjust=adjust, number=int(is_tested.sum()))
    sentences: list[str] = []
    if is_counted.sum() == 1:
        one_by_one = [*np.flatnonzero(is_counted).tolist(), *one_by_one]
    elif is_counted.any():
        sentences = _of_several(subject, names, value, d, tests, is_counted, reference)
    return sentences + [_of_one(subject, names, value, d, index, reference, tests) for index in one_by_one]


def similar_sentence(
    subject: Subject,
    names: Sequence[str],
    is_similar: Any,
    tests: AdjustedTests,
    margin: float,
    reference: ReferenceValue,
) -> str:
    """Say how many places differ from the reference by less than the margin; "" where none does."""
    similar = [names[index] for index in np.flatnonzero(is_similar).tolist()]
    if not similar:
        return ""
    within = f"within {text.amount(margin, subject.difference_unit)} of {_figure(subject, reference)}"
    if tests.number == 1:
        return capitalized(f"{subject} {here(similar[0])} is {within}{subject.with_years('two one-sided tests')}.")
    facts = subject.with_years(f"two one-sided tests, {ADJUSTED[tests.adjust]}")
    places = some_of(len(similar), tests.number, subject.nouns(names))
    listed = "" if len(similar) == tests.number else f": {text.listed(similar)}"
    return capitalized(f"{subject} is {within} in {places}{facts}{listed}.")


def _figure(subject: Subject, reference: ReferenceValue) -> str:
    return place_words(reference.name).with_figure(subject.value(reference.value))


def _of_several(
    subject: Subject,
    names: Sequence[str],
    value: Doubles,
    d: Compared,
    tests: AdjustedTests,
    is_counted: Any,
    reference: ReferenceValue,
) -> list[str]:
    who = [names[index] for index in np.flatnonzero(is_counted).tolist()]
    nouns, figure = subject.nouns(who), _figure(subject, reference)
    differs = is_counted & (tests.p_adjusted < LEVEL)
    above, below = int((differs & (d.value > 0)).sum()), int((differs & (d.value < 0)).sum())
    facts = subject.with_years(ADJUSTED[tests.adjust])
    if not above + below:
        return [
            f"These data do not show that {subject} differs from {figure} in any of the {len(who):,} {nouns}{facts}."
        ]
    rest = len(who) - above - below
    cannot = f"; {rest:,} cannot be distinguished from it" if rest else ""
    higher, lower = (above, f"is above {figure}", "above it"), (below, f"is below {figure}", "below it")
    count = capitalized(f"{subject} {both_counts(higher, lower, len(who), nouns)}{facts}{cannot}.")
    if above + below == 1:
        (index,) = np.flatnonzero(differs).tolist()
        return [count, _of_one(subject, names, value, d, index, reference, tests)]
    chosen = by_size(d.value, np.flatnonzero(differs).tolist(), MOST_OF_A_KIND)
    facts = subject.with_years(ADJUSTED[tests.adjust], UNADJUSTED)
    what = f"differences from {figure} in {subject}{subject.in_difference_unit}{facts}"
    return [
        count,
        list_of_largest(above + below, what, entries([named(names[index]) for index in chosen], d, chosen, subject)),
    ]


def entries(labels: Sequence[str], d: Compared, indexes: Sequence[int], subject: Subject) -> list[str]:
    """Write differences for a list, all with as many decimals."""
    given = [float(each[index]) for index in indexes for each in (d.value, d.low, d.high)]
    places = text.decimals(given, subject.difference_unit)
    return [
        f"{label} {side(d, index)} by {text.number(abs(float(d.value[index])), places)} ({limits(d, index, places)})"
        for label, index in zip(labels, indexes, strict=True)
    ]


def side(d: Compared, index: int) -> str:
    """Return whether a value is higher or lower."""
    return "higher" if d.value[index] > 0 else "lower"


def limits(d: Compared, index: int, places: int) -> str:
    """Write the limits of the size of a difference."""
    low, high = float(d.low[index]), float(d.high[index])
    low, high = (low, high) if d.value[index] > 0 else (-high, -low)
    return f"{text.number(low, places)} to {text.number(high, places)}"


def size_and_interval(subject: Subject, d: Compared, index: int) -> tuple[str, str]:
    """Write the size of a difference, and the interval of that size."""
    value, unit = abs(float(d.value[index])), subject.difference_unit
    places = text.decimals([value, float(d.low[index]), float(d.high[index])], unit)
    return text.amount(value, unit, places=places), f"95% CI {limits(d, index, places)}"


def _of_one(
    subject: Subject,
    names: Sequence[str],
    value: Doubles,
    d: Compared,
    index: int,
    reference: ReferenceValue,
    tests: AdjustedTests,
) -> str:
    name, own, other = names[index], subject.value(float(value[index])), subject.value(reference.value)
    if tests.is_clear(index):
        size, interval = size_and_interval(subject, d, index)
        where = f"{here(name)} ({own}) than {here(reference.name)} ({other})"
        facts = f"{subject.during} ({tests.certainty(interval, index)})"
        return capitalized(f"{subject} is {size} {side(d, index)} {where}{facts}.")
    size, interval = signed_and_interval(subject, d, index)
    return (
        f"{capitalized(named(name))} ({own}) and {named(reference.name)} ({other}) are too close to distinguish in "
        f"{subject}: {size}{subject.with_years(tests.certainty(interval, index))}."
    )


def signed_and_interval(subject: Subject, d: Compared, index: int) -> tuple[str, str]:
    """Write a difference with its sign, and its interval."""
    value, low, high = (float(each[index]) for each in (d.value, d.low, d.high))
    unit = subject.difference_unit
    places = text.decimals([value, low, high], unit)
    return text.amount(value, unit, places=places), text.interval(low, high, places=places)
