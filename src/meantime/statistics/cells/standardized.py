"""From the strata of locations to one standardized value for each location and period.

The value is the weighted sum of its groups, the weights being the standard's shares, and SE^2 = sum w^2 SE^2, since
groups are samples of different people. Pooling, differences, ranks and slopes then work on it as on a published value.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from meantime.dataset.cube import ABSENT, Doubles
from meantime.statistics.cells.selection import Selection, flags_of
from meantime.statistics.cells.standardized_groups import StandardizedGroups, StandardWeights
from meantime.statistics.methods.reliability import IMPOSSIBLE
from meantime.statistics.methods.standard_errors import limits, limits_for_differences
from meantime.statistics.methods.standardisation import standardised as weighted_sums
from meantime.statistics.methods.ties import settled


def standardized(strata: Selection, standard: StandardWeights) -> Selection:
    """Return the standardized value of each location and period; NaN where a group is missing."""
    locations = np.unique(strata.locations)
    groups = list(standard.shares)
    used = strata[np.array([name in standard.shares for _, name in strata.stratum_names], dtype=bool)]
    row = np.searchsorted(locations, used.locations)
    column = np.array([groups.index(name) for _, name in used.stratum_names], dtype=np.int64)
    shape = (len(locations), len(strata.periods), len(groups))

    def grid(numbers: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> Doubles:
        made = np.full(shape, np.nan)
        made[row, :, column] = numbers
        return made

    cell = np.full(shape, ABSENT, dtype=np.int64)
    cell[row, :, column] = used.cell
    values = grid(used.value)
    flat = (len(locations) * len(strata.periods), len(groups))
    sums, errors = weighted_sums(values.reshape(flat), grid(used.se).reshape(flat), standard.weights)
    value, se = settled(sums).reshape(shape[:2]), errors.reshape(shape[:2])
    low, high = limits(value, se, scale=strata.scale, is_percent=strata.is_percent)
    used_low, used_high = limits_for_differences(
        value, low, high, se, scale=strata.scale, step=0.0, is_percent=strata.is_percent
    )
    respondents = grid(used.respondents).sum(axis=2)
    flags = np.nan_to_num(grid(used.flags.astype(np.float64))).astype(np.int8)
    # Where a group is missing, that group's cell, which tells the reason.
    first = np.isnan(values).argmax(axis=2)
    nowhere = np.full(len(locations), ABSENT, dtype=np.int64)
    selection = replace(
        strata,
        locations=locations,
        categories=nowhere,
        strata=nowhere,
        cell=np.take_along_axis(cell, first[:, :, None], axis=2)[:, :, 0],
        value=value,
        se=se,
        low=low,
        high=high,
        used_low=used_low,
        used_high=used_high,
        respondents=respondents,
        # 0 is that of two published limits; what has another one has it in some group.
        origin=np.nan_to_num(grid(used.origin.astype(np.float64))).max(axis=2).astype(np.int8),
        standardized=StandardizedGroups(
            standard=standard, cell=cell, flagged=np.asarray((flags != 0).sum(axis=2), dtype=np.int64)
        ),
        notes=(*strata.notes, *standard.notes),
    )
    impossible = np.bitwise_or.reduce(flags & np.int8(IMPOSSIBLE), axis=2)
    return replace(selection, flags=flags_of(selection, value, se, low, high, respondents) | impossible)
