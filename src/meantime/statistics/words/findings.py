"""Sentences about results, from one table of messages, so that equal findings are said in equal words.

A sentence is made only of a tested statement, and is as sure as the test: where nothing is significant it says that
nothing can be told apart, never that things are equal. A sentence about several locations rests on what holds for all
of them at once: adjusted p-values, or the simultaneous interval.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from meantime.text import with_interval

# More would be the table again.
MOST_OF_A_KIND = 5

_MESSAGES = {
    "estimate": "{location}: {value}, {years}.",
    "differs": "{location} is {side} {reference} by {difference}.",
    "none_differs": "No {what} can be told apart from {reference} ({tested} compared, {adjustment}).",
    "some_differ": "{differing} of {tested} {what}s {verb} from {reference} ({adjustment}): {above} above, "
    "{below} below.",
    "similar": "{location} is similar to {reference}: the 90% CI of the difference lies within {margin}.",
    "no_gaps": "In no location can the groups of {category} be told apart (Cochran's Q, {tested} tested, {by}).",
    "some_gaps": "In {differing} of {tested} locations the groups of {category} differ by more than chance "
    "(Cochran's Q, {by}).",
    "gap": "In {location} the groups of {category} differ by more than chance: {highest} is {gap} above {lowest} "
    "({interval}); corrected in part for having been chosen, {corrected}.",
    "two_groups": "In {differing} of {tested} locations {stratum} differs from {reference} ({by}): {above} above, "
    "{below} below.",
    "no_two_groups": "In no location can {stratum} be told apart from {reference} ({tested} tested, {by}).",
    "gaps_noise": "The ranking shows no real differences: what {estimates} gaps differ by is what chance alone would "
    "make of equal ones (Cochran's Q, {p}).",
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
    "trend": "{location} {verb} by {change}, {years}.",
    "one_not_straight": "The years do not follow a straight line (p below 0.01).",
    "not_straight": "In {bent} of {tested} the years do not follow a straight line (p below 0.01 in each).",
    "changed": "{location} {verb} by {change} from {since} to {years}.",
    "some_changed": "{changed} of {tested} locations changed ({by}): {rose} rose, {fell} fell.",
    "none_changed": "No location can be said to have changed from {since} to {years} ({tested} tested, {by}).",
    "association": "Where the one is higher, the other is {side}: {coefficient} {r} across {locations} locations.",
    "no_association": "No association of the two can be seen across {locations} locations.",
    "spread_is_real": "The locations really differ: their true values have a standard deviation of about {tau}, the "
    "estimates of {sd}.",
    "spread_is_noise": "The {estimates} estimates are spread no wider than chance alone would spread equal ones "
    "(Cochran's Q, {p}).",
    "outlier": "{location} lies far {side} the median of {median}, by {difference}.",
    "no_outlier": "No location lies far out from the median of {median} and differs from it for certain.",
    "standardised": "{location}: {value}, {years}, if its strata had the shares of the standard.",
    "best_under_all": "Among the best {k} under each of {methods} methods, by their estimates: {locations}.",
    "no_best_under_all": "No location is among the best {k} under each of {methods} methods.",
    "same_order": "Each of {methods} methods gives the same order.",
    "moves_most": "With the method alone, {location} moves from place {best} to place {worst}; none moves further.",
    "least_like": "Least like the ranking as asked is {method}: Kendall's tau {tau}; the best {k} of both have "
    "{shared} in common.",
    "all_noise": "The ranking shows no real differences: what {estimates} estimates differ by is what chance alone "
    "would make of equal ones (Cochran's Q, {p}).",
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

    >>> say("differs", location="Utah", side="below", reference="National",
    ...     difference=size_of_difference(-3.14, -4.3, -1.9, "percentage points"))
    'Utah is below National by 3.1 percentage points (95% CI 1.9 to 4.3).'
    """
    return _MESSAGES[message].format(**values)


def size_of_difference(value: float, low: float, high: float, unit: str | None, *, tested: int = 1) -> str:
    """Write the size of a difference with its interval; where several were tested, say that it is unadjusted.

    That there is a difference is adjusted for all that were tested; how large it is, is not.

    >>> size_of_difference(-3.1, -4.26, -1.94, "percentage points")
    '3.1 percentage points (95% CI 1.9 to 4.3)'
    >>> size_of_difference(3.1, 1.94, 4.26, None, tested=52)
    '3.10 (unadjusted 95% CI 1.94 to 4.26)'
    """
    low, high = (low, high) if value >= 0 else (-high, -low)
    return with_interval(abs(value), low, high, unit, kind="unadjusted" if tested > 1 else "")


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


def strongest(z: Any, is_told: Any) -> list[int]:
    """Return the places of the few findings with the largest z, the strongest first; ties keep their order."""
    told = np.flatnonzero(is_told)
    return [int(place) for place in told[np.argsort(-np.asarray(z)[told], kind="stable")][:MOST_OF_A_KIND]]


def strongest_apart(z: Any, is_told: Any, is_counted: Any) -> list[int]:
    """Return the strongest of the counted, and after them those of the others."""
    return strongest(z, is_told & is_counted) + strongest(z, is_told & ~is_counted)
