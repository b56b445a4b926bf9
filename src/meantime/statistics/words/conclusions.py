"""What is said of each difference that was tested, in a word."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from meantime.dataset.cube import Doubles
from meantime.dataset.snapshot import Polarity
from meantime.statistics.methods.differences import Compared
from meantime.statistics.methods.multiplicity import Adjustment
from meantime.table import Cell, Column, Kind
from meantime.text import p_equals

# The significance level of adjusted p-values.
LEVEL = 0.05

VERDICT = Column(
    name="verdict",
    kind=Kind.TEXT,
    meaning="better or worse (above or below, where it is not known what is good), similar, no clear difference; not "
    "tested, where there is no standard error",
)

# How an adjustment is named in a sentence.
ADJUSTED = {Adjustment.HOLM: "Holm-adjusted", Adjustment.BENJAMINI_HOCHBERG: "Benjamini-Hochberg-adjusted"}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class AdjustedTests:
    """The adjusted p-values of an answer, NaN where nothing was tested."""

    p_adjusted: Doubles
    adjust: Adjustment
    number: int  # of all tests of the answer

    def is_clear(self, index: int) -> bool:
        """Whether a difference is statistically different from none."""
        return bool(self.p_adjusted[index] < LEVEL)

    def certainty(self, interval: str, index: int) -> str:
        """Return what says how sure a difference is: of one of several, the adjusted p; its interval is of it alone.

        >>> one, two = (
        ...     AdjustedTests(p_adjusted=np.array([0.01]), adjust=Adjustment.HOLM, number=number) for number in (1, 2)
        ... )
        >>> one.certainty("95% CI 0.8 to 2.0", 0), two.certainty("95% CI 0.8 to 2.0", 0)
        ('95% CI 0.8 to 2.0', 'Holm-adjusted p = 0.01; unadjusted 95% CI 0.8 to 2.0')
        """
        if self.number == 1:
            return interval
        return f"{ADJUSTED[self.adjust]} {p_equals(float(self.p_adjusted[index]))}; unadjusted {interval}"


def verdicts(
    d: Compared, p_adjusted: Doubles, *, polarity: Polarity | None, is_similar: npt.NDArray[np.bool_] | None = None
) -> list[Cell]:
    """Return the verdict of each difference; a polarity that nobody has said is not guessed."""
    low, high = {"lower": ("better", "worse"), "higher": ("worse", "better")}.get(polarity or "", ("below", "above"))
    words = np.select(
        [
            np.isnan(p_adjusted),
            (p_adjusted < LEVEL) & (d.value < 0),
            p_adjusted < LEVEL,
            np.zeros(len(p_adjusted), dtype=bool) if is_similar is None else is_similar,
        ],
        ["not tested", low, high, "similar"],
        "no clear difference",
    )
    return list(words.tolist())
