"""A standard population, to which others are weighted for comparison, and the ages of its groups."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import msgspec

_RANGE = re.compile(r"(\d{1,3})(?: ?(?:-|\u2013|to) ?(\d{1,3}))?")
_FROM = re.compile(r"(?:>=|\u2265) ?(\d{1,3})|(\d{1,3}) ?(?:\+|(?:years? )?(?:or|and) (?:older|over))")
_BELOW = re.compile(r"(?:<|under) ?(\d{1,3})")
# A group of at most so many years may be cut by a border, and counts by its share of years: 18 and 19 of 15 to 19.
_MOST_YEARS_CUT = 5


class Ages(NamedTuple):
    """Ages from and to, both included; None where there is no end."""

    first: int
    last: int | None


class StandardPopulation(msgspec.Struct, frozen=True, kw_only=True):
    """A standard population. Part of the manifest on disk, so field names are kept."""

    name: str
    title: str
    source: str  # with author and year
    weights: dict[str, float]  # by age group; their sum does not matter

    def weights_of(self, strata: Sequence[str]) -> dict[str, float]:
        """Return the weight of each stratum of a table, put together from the age groups of the standard.

        Where the strata are no age groups that follow each other up to the oldest, or cut a wide group of the standard,
        the weights are those of the standard's own groups.

        >>> from meantime.dataset.facts.standard_populations import built_in_populations
        >>> built_in_populations()["us_2000"].weights_of(["Age 18-44", "Age 45-64", "Age >=65"])
        {'Age 18-44': 108150.0, 'Age 45-64': 60991.0, 'Age >=65': 34710.0}
        """
        if set(strata) <= self.weights.keys():
            return self.weights
        ages = {stratum: ages_of(stratum) for stratum in strata}
        known = sorted((each for each in ages.values() if each is not None), key=lambda each: each.first)
        follow = all(one.last is not None and other.first == one.last + 1 for one, other in pairwise(known))
        if not known or len(known) < len(strata) or not follow or known[-1].last is not None:
            return self.weights
        weights = {stratum: self._within(each) for stratum, each in ages.items() if each is not None}
        found = {stratum: weight for stratum, weight in weights.items() if weight}
        return found if len(found) == len(strata) else self.weights

    def _within(self, ages: Ages) -> float | None:
        """Return how many people of the standard are of some ages; None if that cannot be known."""
        total = 0.0
        for group, weight in self.weights.items():
            of_group = ages_of(group)
            if of_group is None:
                return None
            first, last = of_group
            if (ages.last is not None and first > ages.last) or (last is not None and last < ages.first):
                continue
            if first >= ages.first and (ages.last is None or (last is not None and last <= ages.last)):
                total += weight
            elif last is None or last - first + 1 > _MOST_YEARS_CUT:
                return None
            else:
                years = (last if ages.last is None else min(last, ages.last)) - max(first, ages.first) + 1
                total += weight * years / (last - first + 1)
        return total


def ages_of(stratum: str) -> Ages | None:
    """Return the ages that the name of a stratum says; None if it says none.

    >>> [tuple(ages_of(name)) for name in ("18 - 24", "Age 18-44", "65 or older", "Age >=65", "Under 5")]
    [(18, 24), (18, 44), (65, None), (65, None), (0, 4)]
    >>> ages_of("Data not reported") is None
    True
    """
    name = re.sub(r"^ages? | ?(?:years?|yrs?)(?: old)?$", "", " ".join(stratum.casefold().split()))
    if match := _RANGE.fullmatch(name):
        return Ages(int(match[1]), int(match[2] or match[1]))
    if match := _FROM.fullmatch(name):
        return Ages(int(match[1] or match[2]), None)
    match = _BELOW.fullmatch(name)
    return Ages(0, int(match[1]) - 1) if match else None
