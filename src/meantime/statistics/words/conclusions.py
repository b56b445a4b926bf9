"""Conclusions about tested differences: a word for each, and sentences for the clearest."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from meantime.dataset.cube import Doubles
from meantime.dataset.snapshot import Polarity
from meantime.statistics.methods.differences import Compared
from meantime.statistics.methods.multiplicity import Adjustment
from meantime.statistics.words.findings import counted, size_of_difference, strongest_apart, told_names
from meantime.table import Cell, Column, Kind
from meantime.text import unit_of_difference

# The significance level of adjusted p-values.
LEVEL = 0.05

VERDICT = Column(
    name="verdict",
    kind=Kind.TEXT,
    meaning="better or worse (above or below, where it is not known what is good), similar, no clear difference; not "
    "tested, where there is no standard error",
)

# How an adjustment is named in a sentence.
ADJUSTED_BY = {
    Adjustment.HOLM: "p adjusted by Holm",
    Adjustment.BENJAMINI_HOCHBERG: "p adjusted by Benjamini-Hochberg",
}


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


DIFFERENCE_FINDINGS = {
    "none_differs": "No {what} can be told apart from {reference} ({tested} compared, {adjustment}).",
    "some_differ": "{differing} of {tested} {what}s {verb} from {reference} ({adjustment}): {above} above, {below} "
    "below.",
    "differs": "{location} is {side} {reference} by {difference}.",
}


def sentences(
    names: list[str],
    d: Compared,
    p_adjusted: Doubles,
    *,
    reference: str,
    unit: str | None,
    adjust: Adjustment,
    is_aggregate: npt.NDArray[np.bool_] | None = None,
    what: str = "location",
) -> list[str]:
    """Say how many differ from the reference, and which most clearly; nothing where nothing was tested.

    Aggregates are not counted among the locations, and told after them.
    """
    is_tested = ~np.isnan(p_adjusted)
    if not is_tested.any():
        return []
    aggregate = np.zeros(len(names), dtype=bool) if is_aggregate is None else is_aggregate
    is_counted = counted(is_tested, aggregate)
    names = told_names(names, is_counted, aggregate)
    differs, by = p_adjusted < LEVEL, ADJUSTED_BY[adjust]
    tested = int(is_counted.sum())
    values = {"what": what, "reference": reference, "tested": tested, "adjustment": by}
    above, below = (int((differs & is_counted & side).sum()) for side in (d.value > 0, d.value < 0))
    findings = []
    if not above + below:
        findings.append(DIFFERENCE_FINDINGS["none_differs"].format(**values))
    elif tested > 1:  # of one, the sentence on it says all
        verb = "differs" if above + below == 1 else "differ"
        findings.append(
            DIFFERENCE_FINDINGS["some_differ"].format(
                differing=above + below, verb=verb, above=above, below=below, **values
            )
        )
    for index in strongest_apart(d.z, differs, is_counted):
        findings.append(
            DIFFERENCE_FINDINGS["differs"].format(
                location=names[index],
                side="above" if d.value[index] > 0 else "below",
                reference=reference,
                difference=size_of_difference(
                    float(d.value[index]),
                    float(d.low[index]),
                    float(d.high[index]),
                    unit_of_difference(unit),
                    tested=int(is_tested.sum()),
                ),
            )
        )
    return findings
