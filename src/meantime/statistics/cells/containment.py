"""Whether the reference of a comparison contains the locations that are compared with it.

A country contains its states: part of a state's sampling error is in the country's figure too, and the difference is
surer than that of two separate surveys. With population share w, Var(d) = SE_s^2 (1 - 2w) + SE_N^2, and the
difference from the rest of the country is d / (1 - w). Without shares w is taken for 0, which is conservative: at
most 14% too wide for a state of an eighth of the country, under 2% for one of a hundredth.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import msgspec
import numpy as np

from meantime.dataset.cube import Doubles
from meantime.statistics.cells.cell_parameters import WithReference
from meantime.statistics.cells.locations import locations_of
from meantime.statistics.cells.pooled import Pooled, pool_periods
from meantime.statistics.cells.refusals import refusal
from meantime.statistics.cells.select import select
from meantime.statistics.cells.selection import Selection
from meantime.text import amount, quoted

# Categories whose groups are about the same part of every location, and what those of totals are called.
_LIKE_EVERYBODY = frozenset({"sex", "gender", "total", "overall"})
# Shares of less than this say nothing of whether they fit.
_NEARLY_ALL = 0.95


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Containment:
    """Each location's share in the reference: 0 where it is not contained, or the share is not known."""

    share: Doubles  # of the locations other than the reference
    notes: tuple[str, ...]
    warnings: tuple[str, ...] = ()


def containment(pooled: Pooled, at: int, parameters: WithReference) -> Containment:
    """Say which locations the reference (the one at this index) contains, and by which share.

    Shares are those of all residents. They fit groups that make up about the same part of every location, which sexes
    do, and races and ages do not: of these they are refused. Whether the values, weighted by them, give the reference
    is checked.

    Recognised where the reference's respondents are exactly the sum of those of its members that are there, in every
    period; or declared. Seen in the cells of all locations, since who was not asked for, or lacks a year, is a part of
    the reference in the others all the same.
    """
    names = pooled.groups.names
    reference = names[at]
    others = [name for index, name in enumerate(names) if index != at]
    members = set(pooled.groups.geography.members(reference))
    nothing = np.zeros(len(others))
    if parameters.contains is False or not members.intersection(others):
        return Containment(share=nothing, notes=())
    everybody = _everybody(pooled.selection, members, parameters)
    is_member = np.array([name in members for name in everybody.names], dtype=bool)
    sums = np.nansum(everybody.respondents[is_member], axis=0)
    is_their_sum = bool((sums == pooled.groups.respondents[at]).all())
    if parameters.contains is None and not is_their_sum:
        note = (
            f"The respondents do not show whether {reference} contains the locations; they are treated as separate "
            "samples."
        )
        return Containment(share=nothing, notes=(note,))
    if parameters.shares == "none":
        note = (
            f"{reference} contains the locations. That is not taken into account, so intervals are somewhat too wide "
            "and p-values somewhat too large."
        )
        return Containment(share=nothing, notes=(note,))
    _refuse_shares_of_others(pooled)
    present = [name for name in everybody.names if name in members]
    # Where it is only declared, the reference may contain members that the table does not have.
    known = pooled.groups.geography.shares(present if is_their_sum else sorted(members))
    population = pooled.groups.geography.population
    source = "" if population is None else f" ({population.source})"
    note = f"{reference} contains the locations, by their shares of the population{source}."
    share = np.array([known.get(name, 0.0) for name in others])
    return Containment(share=share, notes=(note,), warnings=_check_of_shares(pooled[[at]], everybody, known))


def _refuse_shares_of_others(pooled: Pooled) -> None:
    for category, stratum in pooled.groups.distinct_strata:
        if category and category.casefold() not in _LIKE_EVERYBODY:
            detail = (
                f"The population shares of the geography are those of all residents, and may be others for "
                f'{quoted(stratum)} of {quoted(category)}. Use shares "none".'
            )
            raise refusal("/shares", "contradiction", detail)


def _check_of_shares(reference: Pooled, everybody: Selection, known: Mapping[str, float]) -> tuple[str, ...]:
    """Warn where the locations' values, weighted by their shares, do not give the reference's: they do not fit then."""
    of_all = pool_periods(everybody)
    weights = np.array([known.get(name, 0.0) for name in of_all.groups.names])
    if weights.sum() < _NEARLY_ALL or np.isnan(reference.se[0]):
        return ()
    average, value = float((weights * of_all.value).sum() / weights.sum()), float(reference.value[0])
    if abs(average - value) <= 3 * float(reference.se[0]) + reference.groups.step:
        return ()
    unit = reference.groups.unit
    return (
        f"Weighted by the population shares, the locations average {amount(average, unit)}, but "
        f"{reference.groups.names[0]} is {amount(value, unit)}: the shares may not fit those who are counted here.",
    )


def correlation_with(others: Pooled, reference: Pooled, contained: Containment) -> Doubles:
    """Return how estimates and reference are correlated: a location with share w moves the reference by w."""
    with np.errstate(divide="ignore", invalid="ignore"):
        shared_variance = contained.share * (others.weights * reference.weights * others.groups.se**2).sum(axis=1)
        r = shared_variance / (others.se * reference.se)
    # A share that does not fit the standard errors must not make the reference a copy of the location.
    return np.where(contained.share > 0, np.clip(r, 0.0, 0.99), 0.0)


def _everybody(selection: Selection, members: set[str], parameters: WithReference) -> Selection:
    """Return the cells of all members: those at hand, unless the request left some out."""
    if members.intersection(locations_of(selection.snapshot.cube, selection.question)) <= selection.asked_for:
        return selection
    # In the very years that were found.
    everybody = msgspec.structs.replace(parameters, locations=("all",), years=selection.years_parameter)
    return select(selection.snapshot, everybody)
