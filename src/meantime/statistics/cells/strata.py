"""The groups of one category, side by side: one estimate a stratum of each location, and what it is compared with."""

from __future__ import annotations

from typing import Annotated

import msgspec
import numpy as np

from meantime.dataset.cube import Integers
from meantime.dataset.snapshot import Snapshot
from meantime.statistics.cells.cell_parameters import WithAdjustment
from meantime.statistics.cells.pooled import Pooled, pool_periods
from meantime.statistics.cells.refusals import refusal
from meantime.statistics.cells.select import select
from meantime.statistics.cells.selection import Selection
from meantime.statistics.parameters import CategoryName, StratumName
from meantime.text import listed, quoted


class OfCategory(WithAdjustment, frozen=True, kw_only=True):
    """Parameters of statistics about the groups of one category."""

    category: Annotated[CategoryName, msgspec.Meta(description="The category of the groups.", examples=["Sex"])]
    reference_stratum: Annotated[
        StratumName,
        msgspec.Meta(description="The group that the others are compared with.", examples=["Male"]),
    ]


def strata(snapshot: Snapshot, parameters: OfCategory) -> Pooled:
    """Return the estimates of the category's strata by location: of all, or of the two that are named.

    >>> from meantime.dataset.samples import survey_example
    >>> parameters = OfCategory(question=survey_example.SOUP, category="Sex", reference_stratum="Male")
    >>> pooled = strata(survey_example.snapshot(), parameters)
    >>> pooled.groups.names, names(pooled.groups), pooled.value.tolist()
    (['Avalon', 'Avalon', 'Borduria', 'Borduria'], ['Female', 'Male', 'Female', 'Male'], [18.0, 23.8, 27.0, 26.2])

    Raises:
        RequestInvalid: the request cannot be answered, or the reference is no group of the category.
    """
    return pool_periods(_chosen(snapshot, parameters))


def _chosen(snapshot: Snapshot, parameters: OfCategory) -> Selection:
    if parameters.basis not in (None, "stratum"):
        raise refusal("/basis", "contradiction", 'Groups are compared on the basis "stratum" only. Remove the basis.')
    chosen = select(snapshot, msgspec.structs.replace(parameters, stratum=None), by_stratum=True)
    for pointer, name in (("/reference_stratum", parameters.reference_stratum), ("/stratum", parameters.stratum)):
        if name is not None:
            _refuse_no_group(chosen, pointer, name)
    if parameters.stratum == parameters.reference_stratum:
        raise refusal("/stratum", "contradiction", "A group cannot be compared with itself. Name another group.")
    if parameters.stratum is not None:
        chosen = chosen[[name in (parameters.stratum, parameters.reference_stratum) for name in names(chosen)]]
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
    return (
        f"Not compared, because they have no value for {quoted(reference)}: {listed(sorted(lacking))}."
        if lacking
        else ""
    )


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
