"""The groups of one category, side by side: one estimate a stratum of each location, and what it is compared with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Annotated, NamedTuple

import msgspec
import numpy as np

from meantime.dataset.cube import Integers
from meantime.dataset.facts.titles import title_of
from meantime.dataset.snapshot import Snapshot
from meantime.errors import RequestInvalid
from meantime.statistics.cells.cell_parameters import WithAdjustment
from meantime.statistics.cells.default_groups import comparable, groups_among, strata_by_category, with_values
from meantime.statistics.cells.pooled import Pooled, pool_periods
from meantime.statistics.cells.refusals import groups_to_choose, refusal
from meantime.statistics.cells.select import select
from meantime.statistics.cells.selection import Selection
from meantime.statistics.parameters import CategoryName, StratumName
from meantime.statistics.words import defaults as words
from meantime.statistics.words.subject import Subject
from meantime.text import listed, quoted


class OfCategory(WithAdjustment, frozen=True, kw_only=True):
    """Parameters of statistics about the groups of one category."""

    category: Annotated[
        CategoryName | None,
        msgspec.Meta(
            description="The category of the groups. Default: the first one, by name, that has two groups or more.",
            examples=["Sex"],
        ),
    ] = None
    reference_stratum: Annotated[
        StratumName | None,
        msgspec.Meta(
            description="The group that the others are compared with. Default: the category's first one, by name.",
            examples=["Male"],
        ),
    ] = None


class ChosenGroups(NamedTuple):
    """The groups that are compared: those that the request names, and the first ones where it names none."""

    category: str
    reference: str
    stratum: str | None  # the only one that is compared with the reference; None where all are
    by_default: str  # what the request does not name, in sentences


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PooledGroups(Pooled):
    """One estimate for each group of a category in each location."""

    chosen: ChosenGroups


def chosen_groups(snapshot: Snapshot, parameters: OfCategory, *, one_stratum: bool = False) -> ChosenGroups:
    """Return the groups that a request is about; ``one_stratum``: of which one is compared with the reference.

    Raises:
        RequestInvalid: no category of the question has two groups, or not those that are named.
    """
    cube = snapshot.cube
    strata_of = strata_by_category(cube, with_values(cube, cube.question_codes[parameters.question]))
    named = {each for each in (parameters.stratum, parameters.reference_stratum) if each is not None}
    said: list[str] = []
    category = parameters.category
    if category is None:
        fitting = [each for each in comparable(strata_of) if named <= set(groups_among(strata_of[each]))]
        if not fitting:
            raise _no_category(strata_of, named)
        category, *others = fitting
        said.append(words.default_category(category, others))
    subject = Subject(title=title_of(parameters.question))
    free = [each for each in groups_among(strata_of.get(category, [])) if each not in named]

    def first_free(what: str) -> str:
        if not free:
            detail = f"{quoted(category)} has no group to compare that is not named. {groups_to_choose(strata_of)}"
            raise refusal("/category", "absent", detail)
        chosen = free.pop(0)
        said.append(words.default_member(subject, what, category, chosen, free))
        return chosen

    reference, stratum = parameters.reference_stratum, parameters.stratum
    reference = first_free("reference") if reference is None else reference
    stratum = first_free("group") if stratum is None and one_stratum else stratum
    return ChosenGroups(category, reference, stratum, " ".join(said))


def _no_category(strata_of: Mapping[str, list[str]], named: set[str]) -> RequestInvalid:
    among_them = f", with {listed(map(quoted, sorted(named)))} among them" if named else ""
    detail = f"No category of the question has two groups to compare{among_them}. {groups_to_choose(strata_of)}"
    return refusal("/category", "absent", detail)


def strata(snapshot: Snapshot, parameters: OfCategory, chosen: ChosenGroups | None = None) -> PooledGroups:
    """Return the estimates of the category's strata by location: of all, or of the two that are named.

    >>> from meantime.dataset.samples import survey_example
    >>> parameters = OfCategory(question=survey_example.SOUP, category="Sex", reference_stratum="Male")
    >>> pooled = strata(survey_example.snapshot(), parameters)
    >>> pooled.groups.names, names(pooled.groups), pooled.value.tolist()
    (['Avalon', 'Avalon', 'Borduria', 'Borduria'], ['Female', 'Male', 'Female', 'Male'], [18.0, 23.8, 27.0, 26.2])

    Raises:
        RequestInvalid: the request cannot be answered, or the reference is no group of the category.
    """
    found = chosen or chosen_groups(snapshot, parameters)
    pooled = pool_periods(_cells(snapshot, parameters, found))
    return PooledGroups(chosen=found, **{field.name: getattr(pooled, field.name) for field in fields(pooled)})


def _cells(snapshot: Snapshot, parameters: OfCategory, of: ChosenGroups) -> Selection:
    if parameters.basis not in (None, "stratum"):
        raise refusal("/basis", "contradiction", 'Groups are compared on the basis "stratum" only. Remove the basis.')
    every = msgspec.structs.replace(parameters, category=of.category, stratum=None)
    chosen = replace(select(snapshot, every, by_stratum=True), by_default=of.by_default)
    for pointer, name in (("/reference_stratum", of.reference), ("/stratum", of.stratum)):
        if name is not None:
            _refuse_no_group(chosen, pointer, name)
    if of.stratum == of.reference:
        raise refusal("/stratum", "contradiction", "A group cannot be compared with itself. Name another group.")
    if of.stratum is not None:
        chosen = chosen[[name in (of.stratum, of.reference) for name in names(chosen)]]
    return chosen


def names(of: Selection) -> list[str]:
    """Return the stratum of each group."""
    return [stratum for _, stratum in of.stratum_names]


def counterparts(pooled: Pooled, reference: str) -> Integers:
    """Return for each group the index of its location's reference stratum; -1 if the location has none."""
    codes = pooled.groups.locations.tolist()
    at = {
        code: index
        for index, (code, name) in enumerate(zip(codes, names(pooled.groups), strict=True))
        if name == reference
    }
    return np.array([at.get(code, -1) for code in codes], dtype=np.int64)


def without_reference(pooled: Pooled, reference: str) -> str:
    """List the locations that have groups but not the reference stratum; "" if there are none."""
    lacking = {
        name for name, at in zip(pooled.groups.names, counterparts(pooled, reference).tolist(), strict=True) if at == -1
    }
    if not lacking:
        return ""
    verb = "has" if len(lacking) == 1 else "have"
    return f"Not compared: {listed(sorted(lacking))} {verb} no value for {quoted(reference)}."


def _refuse_no_group(of: Selection, pointer: str, name: str) -> None:
    there = dict(zip(names(of), of.is_group.tolist(), strict=True))
    if there.get(name, False):
        return
    groups = ", ".join(quoted(each) for each, is_group in there.items() if is_group)
    why = (
        "is not a group of people"
        if name in there
        else f"is not a group of {quoted(of.parameters.category or '')} there"
    )
    raise refusal(pointer, "absent", f"{quoted(name)} {why}. There are: {groups}.")
