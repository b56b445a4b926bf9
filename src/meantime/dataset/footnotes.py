"""The footnotes of published values, which their publisher asks to show with the numbers."""

from __future__ import annotations

import numpy as np

from meantime.dataset.cube import ABSENT, AXES, Cube, Integers
from meantime.text import count, listed, quoted, years

# Different footnotes that are quoted, and values that are named of each; the rest is counted.
_FOOTNOTES = 3
_VALUES = 3
_LONGEST = 200


def footnote_warnings(cube: Cube, cells: Integers) -> list[str]:
    """Say which values among some cells have which footnote, the most frequent footnotes first.

    >>> from meantime.dataset.samples import survey_example
    >>> footnote_warnings(survey_example.snapshot().cube, np.arange(3))
    []
    """
    picked = cube.pick(cells)
    has_one = (picked.footnote != ABSENT) & (picked.count > 0)
    if not has_one.any():
        return []
    footnotes, keys = picked.footnote[has_one], picked.keys[has_one]
    codes, rows = np.unique(footnotes, return_counts=True)
    order = np.lexsort((codes, -rows))
    warnings = []
    for at in order[:_FOOTNOTES].tolist():
        named = [_named(cube, key) for key in keys[footnotes == codes[at]][:_VALUES].tolist()]
        more = int(rows[at]) - len(named)
        places = listed(named) if not more else f"{', '.join(named)} and {more:,} more"
        warnings.append(f"The publisher's footnote to {places}: {quoted(cube.labels.footnotes[codes[at]], _LONGEST)}.")
    if len(order) > _FOOTNOTES:
        left = int(rows[order[_FOOTNOTES:]].sum())
        warnings.append(f"{count(left, 'more value')} {'has' if left == 1 else 'have'} other footnotes.")
    return warnings


def _named(cube: Cube, key: list[int]) -> str:
    labels, code = cube.labels, dict(zip(AXES, key, strict=True))
    stratum = "" if code["stratum"] == ABSENT else f", {labels.strata[code['stratum']]}"
    if code["period"] == ABSENT:
        return f"{labels.locations[code['location']]}{stratum}"
    return f"{labels.locations[code['location']]}{stratum} ({years(*labels.periods[code['period']])})"
