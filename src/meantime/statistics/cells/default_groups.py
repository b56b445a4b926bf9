"""Which groups an answer is about where a request names none: one rule for every way to ask.

First is what comes first by name, and not in the order of the file's rows: the same content has the same answers,
whatever the order of its rows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from meantime.dataset.cube import ABSENT, Cube
from meantime.dataset.facts.titles import is_called_everybody, is_everybody

# Strata that are no groups of people: shown, and left out of comparisons of groups.
_NO_GROUPS = frozenset({"data not reported", "not reported", "unknown", "missing", "don't know", "refused"})

StrataByCategory = Mapping[str, list[str]]


class DefaultGroup(NamedTuple):
    """A group that stands for those that a request does not name."""

    category: str
    stratum: str


class QuestionGroups(NamedTuple):
    """What requests about a question are about where they name no group."""

    has_total: bool  # whether there are values for everyone
    group: DefaultGroup | None  # of statistics of one group; None where that is everyone
    reference: DefaultGroup | None  # of statistics that compare groups; None where no category has two


def question_groups(cube: Cube, question: int) -> QuestionGroups:
    """Return what a question's groups are by default.

    >>> from meantime.dataset.samples import survey_example
    >>> question_groups(survey_example.snapshot().cube, 0)
    QuestionGroups(has_total=True, group=None, reference=DefaultGroup(category='Sex', stratum='Female'))
    """
    pairs = every_pair(cube, question)
    has_total = any(pair == (ABSENT, ABSENT) or is_overall(cube, *pair) for pair in pairs)
    known = strata_by_category(cube, with_values(cube, question))
    return QuestionGroups(has_total, None if has_total else default_group(known), default_reference(known))


def default_group(strata: StrataByCategory) -> DefaultGroup:
    """Return the first group of people of the first category that has one; else the first stratum."""
    every = [DefaultGroup(category, stratum) for category, members in strata.items() for stratum in members]
    return next((each for each in every if is_group_of_people(each.stratum)), every[0])


def default_reference(strata: StrataByCategory) -> DefaultGroup | None:
    """Return the first group of the first category that has two; None where none has."""
    for category in comparable(strata):
        return DefaultGroup(category, groups_among(strata[category])[0])
    return None


def comparable(strata: StrataByCategory) -> list[str]:
    """Return the categories that have two groups or more, in their order."""
    return [category for category, members in strata.items() if len(groups_among(members)) > 1]


def groups_among(strata: list[str]) -> list[str]:
    """Return the strata that are groups of people, and not everyone.

    >>> groups_among(["Data not reported", "Female", "Male", "Overall"])
    ['Female', 'Male']
    """
    return [each for each in strata if is_group_of_people(each) and not is_called_everybody(each)]


def is_group_of_people(stratum: str) -> bool:
    """Whether a stratum is a group of people, and not those of whom it is not known.

    >>> is_group_of_people("Female"), is_group_of_people("Data not reported")
    (True, False)
    """
    return stratum.casefold() not in _NO_GROUPS


def every_pair(cube: Cube, question: int) -> list[tuple[int, int]]:
    """Return the categories and strata of a question, as codes in their order."""
    return [(group.category, group.stratum) for group in cube.outline(question).groups]


def with_values(cube: Cube, question: int) -> list[tuple[int, int]]:
    """Return the categories and strata of a question that have a value; all where none has."""
    groups = cube.outline(question).groups
    return [(each.category, each.stratum) for each in groups if each.with_value] or every_pair(cube, question)


def strata_by_category(cube: Cube, pairs: Sequence[tuple[int, int]]) -> dict[str, list[str]]:
    """Return the strata of some categories and strata by category, in the order of the names."""
    labels = cube.labels
    categories, strata = (*labels.categories, ""), (*labels.strata, "")
    by_category: dict[str, list[str]] = {}
    for category, stratum in pairs:
        by_category.setdefault(categories[category], []).append(strata[stratum])
    return by_category


def is_overall(cube: Cube, category: int, stratum: int) -> bool:
    """Whether a category and stratum, of which there is one, are everyone."""
    if (category, stratum) == (ABSENT, ABSENT):
        return False
    return is_everybody(*names_of(cube, category, stratum))


def names_of(cube: Cube, category: int, stratum: int) -> tuple[str, str]:
    """Return what a category and a stratum are called; "" where there is none."""
    categories, strata = cube.labels.categories, cube.labels.strata
    return "" if category == ABSENT else categories[category], "" if stratum == ABSENT else strata[stratum]
