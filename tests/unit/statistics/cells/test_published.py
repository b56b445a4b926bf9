"""What is decided once for a question: never by who else is asked for."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from meantime.dataset.snapshot import Snapshot
from meantime.statistics.cells.cell_parameters import CellParameters
from meantime.statistics.cells.pooled import pool_periods
from meantime.statistics.cells.select import select
from meantime.statistics.methods.standard_errors import Scale, limits
from tests.support import factories

NAMES = [f"L{number:02}" for number in range(40)]


def made(scale: Scale, values: Any, *, unit: str = "percent", places: int = 1, se: float = 2.5) -> Snapshot:
    """Publish values with limits that are symmetrical on a scale, rounded."""
    value = np.array(values, dtype=float)
    low, high = limits(value, np.full(len(value), se), scale=scale)
    rows = [
        factories.row(location=name, value=f"{v:.{places}f}", low=round(float(a), places), high=round(float(b), places))
        for name, v, a, b in zip(NAMES, value, low, high, strict=False)
    ]
    return factories.snapshot(rows, unit=unit)


@pytest.mark.parametrize(
    ("scale", "unit", "values"),
    [
        (Scale.LOGIT, "percent", np.round(np.linspace(5, 55, 40), 1)),
        (Scale.LINEAR, "percent", np.round(np.linspace(8, 92, 40), 1)),
        (Scale.LOG, "cases per 100,000", np.round(np.linspace(3, 90, 40), 1)),
    ],
)
def test_a_cell_has_one_standard_error_whoever_else_is_asked_for(scale: Scale, unit: str, values: Any) -> None:
    snapshot = made(scale, values, unit=unit)
    every = select(snapshot, CellParameters(question="Q"))
    assert every.scale is scale
    for place, name in enumerate(NAMES):
        alone = select(snapshot, CellParameters(question="Q", locations=(name,)))
        assert (alone.scale, alone.step) == (every.scale, every.step)
        assert alone.se.tolist() == [every.se[place].tolist()]


def test_a_rate_over_years_stays_above_0() -> None:
    rows = [
        factories.row(location="Ohio", value="1.1", low=0.2, high=4.4, period=(year, year)) for year in (2020, 2021)
    ]
    found = pool_periods(
        select(factories.snapshot(rows, unit="per 100,000"), CellParameters(question="Q", years="all"))
    )
    assert found.groups.scale is Scale.LOG
    assert 0.2 < found.low[0] < 1.1 < found.high[0] < 4.4


@pytest.mark.parametrize(
    ("asked", "unit", "taken"),
    [
        ("log", "percent", Scale.LOGIT),
        ("logit", "cups", Scale.LOG),
        ("log", "cups", Scale.LOG),
        ("linear", "cups", Scale.LINEAR),
    ],
)
def test_a_scale_that_the_values_cannot_have_is_not_taken(asked: Any, unit: str, taken: Scale) -> None:
    values = np.round(np.linspace(3, 60, 40), 1)
    snapshot = made(Scale.LOGIT if unit == "percent" else Scale.LOG, values, unit=unit)
    assert select(snapshot, CellParameters(question="Q", interval_scale=asked)).scale is taken


@pytest.mark.parametrize(
    ("value", "low", "high", "step"),
    [
        ("30", 28.0, 32.1, 0.1),
        ("30.0", 28.0, 32.0, 1.0),
        ("30.25", 28.0, 32.0, 0.01),
        ("30", 27.61, 32.4, 0.01),
        ("30", 28 + 1 / 3, 33.0, 1e-6),
    ],
)
def test_the_step_of_rounding_is_that_of_the_question(value: str, low: float, high: float, step: float) -> None:
    rows = [
        factories.row(location="Ohio", value=value, low=low, high=high),
        factories.row(question="With two decimals", location="Ohio", value="12.34", low=10.0, high=15.0),
    ]
    assert select(factories.snapshot(rows), CellParameters(question="Q")).step == pytest.approx(step)
