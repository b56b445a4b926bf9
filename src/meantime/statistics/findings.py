"""Sentences about results, from one table of messages, so that equal findings are said in equal words.

A sentence is made only of a tested statement, and is as sure as the test: where nothing is significant it says that
nothing can be told apart, never that things are equal. A sentence about several locations rests on what holds for all
of them at once: adjusted p-values, or the simultaneous interval.
"""

from __future__ import annotations

from typing import Any

import numpy as np

# More would be the table again.
MOST_OF_A_KIND = 5

_MESSAGES = {
    "estimate": "{location}: {value} ({interval}), {years}.",
    "differs": "{location} is {side} {reference} by {difference} ({interval}).",
    "none_differs": "No {what} can be told apart from {reference} ({tested} compared, {adjustment}).",
    "some_differ": "{differing} of {tested} {what}s {verb} from {reference} ({adjustment}): {above} above, "
    "{below} below.",
    "similar": "{location} is similar to {reference}: the 90 % interval of the difference lies within {margin}.",
    "no_gaps": "In no location can the groups of {category} be told apart (Cochran's Q, {tested} tested, {by}).",
    "some_gaps": "In {differing} of {tested} locations the groups of {category} differ by more than chance "
    "(Cochran's Q, {by}).",
    "gap": "In {location} the groups of {category} differ by more than chance: {highest} is {gap} above {lowest} "
    "({interval}); corrected in part for having been chosen, {corrected}.",
    "two_groups": "In {differing} of {tested} locations {stratum} differs from {reference} ({by}): {above} above, "
    "{below} below.",
    "no_two_groups": "In no location can {stratum} be told apart from {reference} ({tested} tested, {by}).",
    "gaps_noise": "The ranking shows no real differences: what {estimates} gaps differ by is what chance alone would "
    "make of equal ones (Cochran's Q, p = {p}).",
    "gaps_spread": "The gaps really differ: of the variance between them {share} is real, the rest is chance.",
    "largest_gap": "The gap is widest in {location}, {stratum} {gap} {side} {reference}: every other gap differs from "
    "it, also when all pairs are compared at once.",
    "not_largest_gap": "{location} has the widest estimated gap, {stratum} {gap} {side} {reference}, and cannot be "
    "told apart from {others} when all pairs are compared at once.",
    "gaps_changed": "In {changed} of {tested} locations the gap changed from {since} to {years} ({by}): {rose} rose, "
    "{fell} fell.",
    "no_gap_changed": "In no location can the gap be said to have changed from {since} to {years} ({tested} tested, "
    "{by}).",
    "some_trends": "{clear} of {tested} {what} {verb} a clear trend ({by}): {rising} rising, {falling} falling.",
    "no_trends": "No location has a clear trend ({tested} tested, {by}).",
    "trend": "{location} {verb} by {change} a year ({interval}), {first} to {last}.",
    "one_not_straight": "The years do not follow a straight line (p below 0.01).",
    "not_straight": "In {bent} of {tested} the years do not follow a straight line (p below 0.01 in each).",
    "changed": "{location} {verb} by {change} ({interval}) from {since} to {years}.",
    "some_changed": "{changed} of {tested} locations changed ({by}): {rose} rose, {fell} fell.",
    "none_changed": "No location can be said to have changed from {since} to {years} ({tested} tested, {by}).",
    "association": "Where the one is higher, the other is {side}: {coefficient} {r} (95 % interval {low} to {high}) "
    "across {locations} locations.",
    "no_association": "No association of the two can be seen across {locations} locations.",
    "spread_is_real": "The locations really differ: their true values have a standard deviation of about {tau}, the "
    "estimates of {sd}.",
    "spread_is_noise": "The {estimates} estimates are spread no wider than chance alone would spread equal ones "
    "(Cochran's Q, p = {p}).",
    "outlier": "{location} lies far {side} the median of {median}, by {difference} ({interval}).",
    "no_outlier": "No location lies far out from the median of {median} and differs from it for certain.",
    "standardised": "{location}: {value} ({interval}), {years}, if its strata had the shares of the standard.",
    "best_under_all": "Among the best {k} under each of {methods} methods, by their estimates: {locations}.",
    "no_best_under_all": "No location is among the best {k} under each of {methods} methods.",
    "same_order": "Each of {methods} methods gives the same order.",
    "moves_most": "With the method alone, {location} moves from place {best} to place {worst}; none moves further.",
    "least_like": "Least like the ranking as asked is {method}: Kendall's tau {tau}; the best {k} of both have "
    "{shared} in common.",
    "all_noise": "The ranking shows no real differences: what {estimates} estimates differ by is what chance alone "
    "would make of equal ones (Cochran's Q, p = {p}).",
    "real_spread": "The locations really differ: of the variance between their estimates {share} is real, the rest "
    "is chance.",
    "first": "{location} is first: every other location differs from it, also when all pairs are compared at once.",
    "not_first": "{location} has the best estimate, and cannot be told apart from {others} when all pairs are compared "
    "at once.",
    "best_k": "Surely among the best {k}, when all pairs are compared at once: {locations}.",
    "no_best_k": "No location is surely among the best {k} when all pairs are compared at once.",
}


def say(message: str, **values: Any) -> str:
    """Return a sentence.

    >>> say("differs", location="Utah", side="below", reference="National", difference=points(3.14, "percent"),
    ...     interval=interval(1.9, 4.3))
    'Utah is below National by 3.1 points (95 % interval 1.9 to 4.3).'
    """
    return _MESSAGES[message].format(**values)


def points(difference: float, unit: str | None) -> str:
    """Write a difference with its unit.

    >>> points(3.14, "percent"), points(3.14, "cups"), points(3.14, None)
    ('3.1 points', '3.1 cups', '3.1')
    """
    named = "points" if unit == "percent" else unit
    return f"{number(difference)} {named}" if named else number(difference)


def amount(value: float, unit: str | None) -> str:
    """Write a value with its unit.

    >>> amount(31.04, "percent"), amount(3.0, None)
    ('31.0 %', '3.0')
    """
    sign = "%" if unit == "percent" else unit
    return f"{number(value)} {sign}" if sign else number(value)


def interval(low: float, high: float, level: int = 95) -> str:
    """Write an interval, both ends with as many decimals.

    >>> interval(1.94, 4.26), interval(0.68, 0.9)
    ('95 % interval 1.9 to 4.3', '95 % interval 0.68 to 0.90')
    """
    decimals = max(len(number(end).partition(".")[2]) for end in (low, high))
    return f"{level} % interval {low:.{decimals}f} to {high:.{decimals}f}"


def interval_of_one(low: float, high: float, *, among: int) -> str:
    """Write the interval of one of several findings: it holds for that one alone, and the sentence must say so.

    That there is a difference is adjusted for all that were tested; how large it is, is not.

    >>> interval_of_one(1.94, 4.26, among=1), interval_of_one(1.94, 4.26, among=52)
    ('95 % interval 1.9 to 4.3', 'unadjusted 95 % interval 1.9 to 4.3')
    """
    return interval(low, high) if among == 1 else f"unadjusted {interval(low, high)}"


def others(count: int) -> str:
    """Count others.

    >>> others(1), others(2)
    ('1 other', '2 others')
    """
    return "1 other" if count == 1 else f"{count} others"


def counted(is_tested: Any, is_aggregate: Any) -> Any:
    """Return which of the tested are counted as locations: aggregates are not, unless nothing else is there.

    >>> counted(np.array([True, True, False]), np.array([True, False, False])).tolist()
    [False, True, False]
    >>> counted(np.array([True]), np.array([True])).tolist()
    [True]
    """
    locations = is_tested & ~is_aggregate
    return locations if locations.any() else is_tested


def told_names(names: list[str], is_counted: Any, is_aggregate: Any) -> list[str]:
    """Return the names, those of aggregates that are told beside the locations as such.

    >>> told_names(["National", "Utah"], np.array([False, True]), np.array([True, False]))
    ['National (an aggregate)', 'Utah']
    """
    beside = np.asarray(is_aggregate & ~is_counted).tolist()
    return [f"{name} (an aggregate)" if apart else name for name, apart in zip(names, beside, strict=True)]


def number(value: float) -> str:
    """Write a number with one decimal, or with two digits that say something where it is small.

    >>> [number(each) for each in (31.04, 0.9999, 0.25, 0.0123, -0.04, 0.0)]
    ['31.0', '1.0', '0.25', '0.012', '-0.04', '0.0']
    """
    return f"{value:.1f}" if value == 0 or abs(value) >= 0.95 else f"{value:.2g}"


def probability(p: float) -> str:
    """Write a p-value.

    >>> probability(0.0432), probability(1e-9), probability(0.5)
    ('0.043', 'below 0.001', '0.50')
    """
    return "below 0.001" if p < 0.001 else f"{p:.2g}" if p < 0.1 else f"{p:.2f}"


def strongest(z: Any, is_told: Any) -> list[int]:
    """Return the places of the few findings with the largest z, the strongest first; ties keep their order."""
    told = np.flatnonzero(is_told)
    return [int(place) for place in told[np.argsort(-np.asarray(z)[told], kind="stable")][:MOST_OF_A_KIND]]


def strongest_apart(z: Any, is_told: Any, is_counted: Any) -> list[int]:
    """Return the strongest of the counted, and after them those of the others."""
    return strongest(z, is_told & is_counted) + strongest(z, is_told & ~is_counted)
