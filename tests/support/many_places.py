"""Tables of any number of places, made at once: as many cells as places, groups and years."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from meantime.dataset.cube import Cells, Labels, Moments, Period, ValueType
from meantime.dataset.rolling_up import roll_up
from meantime.dataset.snapshot import Snapshot
from tests.support.factories import snapshot_of

QUESTIONS = ("Percent of adults who dance", "Percent of adults who sing")
NATION = "National"
TOTAL = ("Total", "Total")
SEXES = (("Sex", "Female"), ("Sex", "Male"))


def places(
    number: int,
    *,
    groups: Sequence[tuple[str, str]] = (TOTAL, *SEXES),
    years: Sequence[int] = (2019,),
    spread: float = 6.0,
) -> Snapshot:
    """Return a table of so many places and the nation, with two questions; every cell has a value and its limits.

    ``spread``: the standard deviation of the values between places, whose standard errors are about 1.
    """
    names = [*(f"County {index:05}" for index in range(number)), NATION]
    categories = sorted({category for category, _ in groups})
    strata = sorted({stratum for _, stratum in groups})
    axes = np.meshgrid(*(np.arange(len(each)) for each in (QUESTIONS, names, groups, years)), indexing="ij")
    question, location, group, year = (axis.ravel() for axis in axes)
    category = np.array([categories.index(each) for each, _ in groups])[group]
    stratum = np.array([strata.index(each) for _, each in groups])[group]
    rng = np.random.default_rng(number)
    level = rng.normal(30, spread, len(names))
    value = np.clip(level[location] + rng.normal(0, 1, len(location)) + question, 3, 80).round(1)
    tenths = np.rint(value * 10).astype(np.int64)
    one = np.ones(len(value), dtype=np.int64)
    none = np.empty(0, dtype=np.int64)
    cells = Cells(
        keys=np.stack([question, location, category, stratum, np.zeros_like(question), year], axis=1),
        moments=Moments(
            count=one, total=tenths, squares=tenths**2, minimum=tenths, maximum=tenths, withheld=np.zeros_like(one)
        ),
        low=(value - 1.9).round(1),
        high=(value + 2.0).round(1),
        sample_size=np.full(len(value), 1_000.0),
        footnote=np.full(len(value), -1),
        copies=np.zeros_like(one),
        withheld_cell=none,
        withheld_reason=none,
        withheld_count=none,
    )
    labels = Labels(
        questions=QUESTIONS,
        value_types=(ValueType("", ""),),
        locations=tuple(names),
        categories=tuple(categories),
        strata=tuple(strata),
        periods=tuple(Period(each, each) for each in years),
        reasons=(),
        footnotes=(),
    )
    return snapshot_of(roll_up(labels, cells, scale=1), polarity=dict.fromkeys(QUESTIONS, "lower"))
