"""Flags: which estimates not to lean on, and why.

They warn and hide nothing. ``brfss`` is the practice of those who publish the survey, as far as known: fewer than 50
respondents, an interval wider than 10 points on either side, a relative standard error of 30% or more. The last is
measured on the smaller of a percent and its complement, since "5% do" and "95% do not" are one statement.
``nchs_2017`` are the standards of the National Center for Health Statistics: Parker et al., National Center for
Health Statistics data presentation standards for proportions, Vital and Health Statistics 2(175) (2017). They are
defined over Clopper-Pearson intervals after Korn and Graubard; here they are applied to the interval at hand.
"""

from __future__ import annotations

from enum import StrEnum

import numpy as np
import numpy.typing as npt

from meantime.dataset.cube import Doubles
from meantime.statistics.methods.standard_errors import is_at_end

Flags = npt.NDArray[np.int8]


class Standard(StrEnum):
    """Whose rules the flags follow."""

    BRFSS = "brfss"
    NCHS_2017 = "nchs_2017"


# Each flag is a bit; the text is what a table says.
FEW_RESPONDENTS, WIDE, RELATIVE_ERROR, BOUNDARY, NO_ERROR, IMPOSSIBLE = (1 << bit for bit in range(6))
TEXTS = {
    FEW_RESPONDENTS: "few respondents",
    WIDE: "wide interval",
    RELATIVE_ERROR: "large relative error",
    BOUNDARY: "boundary",
    NO_ERROR: "no standard error",
    IMPOSSIBLE: "impossible",
}

_BRFSS_LEAST_RESPONDENTS = 50
_BRFSS_MOST_HALF_WIDTH = 10.0  # points
_BRFSS_MOST_RELATIVE = 0.3
_NCHS_LEAST_RESPONDENTS = 30
# Whatever the estimate, an interval wider than 30 points is not reliable and one of at most 5 is; between them it is,
# up to 130% of the estimate.
_NCHS_MOST_WIDTH, _NCHS_NARROW, _NCHS_MOST_RELATIVE = 30.0, 5.0, 1.3


def flags(
    value: Doubles,
    se: Doubles,
    low: Doubles,
    high: Doubles,
    respondents: Doubles,
    *,
    standard: Standard = Standard.BRFSS,
) -> Flags:
    """Return the flags of each percent, as bits; what is not known is not flagged.

    >>> v, se = np.array([30.0, 30.0, 2.0, 0.0]), np.array([1.0, 6.0, 0.9, np.nan])
    >>> n = np.array([900.0, 40.0, 400.0, 90.0])
    >>> [names(each) for each in flags(v, se, v - 2 * se, v + 2 * se, n)]
    ['', 'few respondents, wide interval', 'large relative error', 'boundary']
    """
    smaller = np.minimum(value, 100 - value)
    with np.errstate(divide="ignore", invalid="ignore"):
        if standard is Standard.BRFSS:
            few = respondents < _BRFSS_LEAST_RESPONDENTS
            wide = (high - low) / 2 > _BRFSS_MOST_HALF_WIDTH
            relative = se >= _BRFSS_MOST_RELATIVE * smaller
        else:
            few = respondents < _NCHS_LEAST_RESPONDENTS
            wide = high - low >= _NCHS_MOST_WIDTH
            relative = (high - low > _NCHS_NARROW) & (high - low > _NCHS_MOST_RELATIVE * smaller)
    at_boundary = is_at_end(value)
    # Relative to 0 every error is large.
    relative &= ~at_boundary
    unknown = np.isnan(se) & ~at_boundary & ~np.isnan(value)
    bits = np.zeros(value.shape, dtype=np.int8)
    of_flags = ((few, FEW_RESPONDENTS), (wide, WIDE), (relative, RELATIVE_ERROR), (at_boundary, BOUNDARY))
    for flagged, bit in (*of_flags, (unknown, NO_ERROR)):
        if flagged.any():
            bits += flagged * np.int8(bit)
    return bits


def names(bits: int) -> str:
    """Put the flags into words: "" where there is none."""
    return ", ".join(text for bit, text in TEXTS.items() if int(bits) & bit)
