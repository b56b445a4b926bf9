"""Whether the reference of a comparison contains the locations that are compared with it.

A country contains its states: part of a state's sampling error is in the country's figure too, and the difference is
surer than that of two separate surveys. With population share w, Var(d) = SE_s^2 (1 - 2w) + SE_N^2, and the
difference from the rest of the country is d / (1 - w). Without shares w is taken for 0, which is conservative: at
most 14 % too wide for a state of an eighth of the country, under 2 % for one of a hundredth.
"""

from __future__ import annotations

from dataclasses import dataclass

import msgspec
import numpy as np

from meantime.dataset.cube import Doubles
from meantime.statistics.cells.cell_parameters import WithReference
from meantime.statistics.cells.locations import locations_of
from meantime.statistics.cells.pooled import Pooled
from meantime.statistics.cells.select import select
from meantime.statistics.cells.selection import Selection


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Containment:
    """Each location's share in the reference: 0 where it is not contained, or the share is not known."""

    share: Doubles  # of the locations other than the reference
    notes: tuple[str, ...]


def containment(pooled: Pooled, at: int, parameters: WithReference) -> Containment:
    """Say which locations the reference (the one at this place) contains, and by which share.

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
            f"Whether {reference} contains the locations could not be told from its respondents; they were taken for "
            "separate."
        )
        return Containment(share=nothing, notes=(note,))
    if parameters.shares == "none":
        note = (
            f"{reference} contains the locations. That is not taken into account, so the intervals are somewhat too "
            "wide."
        )
        return Containment(share=nothing, notes=(note,))
    present = [name for name in everybody.names if name in members]
    # Where it is only declared, the reference may contain members that the table does not have.
    known = pooled.groups.geography.shares(present if is_their_sum else sorted(members))
    population = pooled.groups.geography.population
    source = "" if population is None else f" ({population.source})"
    note = f"{reference} contains the locations, by their shares of the population{source}."
    return Containment(share=np.array([known.get(name, 0.0) for name in others]), notes=(note,))


def correlation_with(others: Pooled, reference: Pooled, contained: Containment) -> Doubles:
    """Return how estimates and reference are correlated: a location with share w moves the reference by w."""
    with np.errstate(divide="ignore", invalid="ignore"):
        shared_variance = contained.share * (others.weights * reference.weights * others.groups.se**2).sum(axis=1)
        r = shared_variance / (others.se * reference.se)
    # A share that does not fit the standard errors must not make the reference a copy of the location.
    return np.where(contained.share > 0, np.clip(r, 0.0, 0.99), 0.0)


def _everybody(selection: Selection, members: set[str], parameters: WithReference) -> Selection:
    """Return the cells of all members that there are: those at hand, unless some were not asked for."""
    if members.intersection(locations_of(selection.snapshot.cube, selection.question)) <= selection.asked_for:
        return selection
    # In the very years that were found.
    everybody = msgspec.structs.replace(parameters, locations=("all",), years=selection.years_parameter)
    return select(selection.snapshot, everybody)
