"""Differences are made of published limits, so that whoever has the file can make them again by hand."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from meantime.statistics.families import change, comparison, disparity, distribution, ranking, target, trend
from meantime.statistics.methods.differences import Estimates, difference
from meantime.statistics.methods.standard_errors import Scale, limits, limits_for_differences
from meantime.table import Table
from tests.support import factories

Cells = dict[str, tuple[float, float, float]]


def rows(cells: Cells, **more: Any) -> list[dict[str, Any]]:
    return [
        factories.row(location=name, value=f"{value:.1f}", low=low, high=high, **more)
        for name, (value, low, high) in cells.items()
    ]


def by_hand(one: tuple[float, float, float], other: tuple[float, float, float]) -> tuple[float, float]:
    (v1, l1, u1), (v2, l2, u2) = one, other
    d = v1 - v2
    return d - math.hypot(v1 - l1, u2 - v2), d + math.hypot(u1 - v1, v2 - l2)


def interval(table: Table, of: str = "difference", row: int = 0) -> tuple[Any, Any]:
    return table.column(f"{of}_low")[row], table.column(f"{of}_high")[row]


PAIRS = [
    ((40.7, 38.0, 43.4), (33.5, 32.8, 34.2)),
    ((3.1, 2.4, 4.0), (8.8, 7.4, 10.4)),
    ((91.0, 88.6, 92.9), (70.0, 66.6, 73.2)),
]


@pytest.mark.parametrize(("one", "other"), PAIRS)
def test_every_difference_is_that_of_the_limits_in_the_file(one: Any, other: Any) -> None:
    expected = pytest.approx(by_hand(one, other), abs=1e-9)
    snapshot = factories.snapshot(rows({"Ohio": one, "Utah": other}))
    compared = comparison.STATISTIC.answer(snapshot, comparison.Comparison(question="Q", reference="Utah"))
    assert interval(compared) == expected
    years = factories.snapshot(rows({"Ohio": one}, period=(2022, 2022)) + rows({"Ohio": other}, period=(2020, 2020)))
    changed = change.STATISTIC.answer(years, change.Change(question="Q", years="2022", since="2020"))
    assert interval(changed, "change") == expected
    of_group = {"Women": one, "Men": other}
    groups = [row for name, cell in of_group.items() for row in rows({"Ohio": cell}, category="Sex", stratum=name)]
    asked = disparity.Disparity(question="Q", category="Sex", reference_stratum="Men")
    gaps = disparity.STATISTIC.answer(factories.snapshot(groups), asked)
    assert interval(gaps, row=gaps.column("stratum").index("Women")) == expected
    against = target.STATISTIC.answer(snapshot, target.Target(question="Q", target=36.0))
    assert interval(against) == pytest.approx((one[1] - 36.0, one[2] - 36.0))


@pytest.mark.parametrize(
    ("zero", "other", "hundred"),
    [
        ((0.0, 0.0, 3.6), (10.0, 8.1, 12.3), (100.0, 96.4, 100.0)),
        ((0.0, 0.0, 7.1), (55.0, 50.0, 59.9), (100.0, 98.5, 100.0)),
    ],
)
def test_zeros_and_hundreds_stay_in_with_their_published_limits(zero: Any, other: Any, hundred: Any) -> None:
    snapshot = factories.snapshot(rows({"Iowa": other, "Ohio": hundred, "Utah": zero}), polarity={"Q": "lower"})
    compared = comparison.STATISTIC.answer(snapshot, comparison.Comparison(question="Q", reference="Iowa"))
    assert compared.column("verdict") == ["worse", "better"]
    assert interval(compared) == pytest.approx(by_hand(hundred, other))
    assert interval(compared, row=1) == pytest.approx(by_hand(zero, other))
    ranked = ranking.STATISTIC.answer(snapshot, ranking.Ranking(question="Q"))
    assert ranked.column("location") == ["Utah", "Iowa", "Ohio"]
    assert ranked.column("rank_high_all") == [1, 2, 3]
    figures = distribution.STATISTIC.answer(snapshot, distribution.Distribution(question="Q", show="figures"))
    (tau,) = figures.column("tau")
    assert float(str(tau)) > 10


@pytest.mark.parametrize("first", [(0.0, 0.0, 3.6), (0.0, 0.0, 1.2)])
def test_a_year_at_0_is_in_the_trend(first: Any) -> None:
    cells = [first, (1.0, 0.4, 2.4), (2.0, 1.1, 3.6), (3.0, 1.8, 4.9), (4.0, 2.6, 6.1), (5.0, 3.4, 7.3)]
    years = [row for year, cell in enumerate(cells, 2012) for row in rows({"Ohio": cell}, period=(year, year))]
    table = trend.STATISTIC.answer(factories.snapshot(years), trend.Trend(question="Q"))
    assert (table.column("first_year"), table.column("years")) == ([2012], [6])
    assert table.column("verdict") == ["rising"]


@pytest.mark.parametrize("scale", ["logit", "linear"])
@pytest.mark.parametrize("value", [0.0, 100.0])
def test_the_p_value_of_a_zero_is_where_its_interval_touches_no_difference(value: float, scale: Any) -> None:
    for other, is_beyond in ((4.2, False), (10.4, True)):
        cell = (other, other - 2.4, other + 2.4)
        ends = (0.0, 0.0, 3.6)
        if value == 100:
            cell, ends = (100 - other, 97.6 - other, 102.4 - other), (100.0, 96.4, 100.0)
        snapshot = factories.snapshot(rows({"Iowa": cell, "Utah": ends}))
        table = comparison.STATISTIC.answer(
            snapshot, comparison.Comparison(question="Q", reference="Iowa", interval_scale=scale)
        )
        low, high = interval(table)
        (p,) = table.column("p")
        assert (float(str(p)) < 0.05) is is_beyond
        assert (low > 0 or high < 0) is is_beyond


@pytest.mark.parametrize(("percent", "n"), [(10.0, 200), (5.0, 400)])
def test_weighted_samples_with_few_cases_differ_by_chance_in_no_more_than_5_percent(percent: float, n: int) -> None:
    rng, k = np.random.default_rng(n), 8000
    sides, published = [], []
    for _ in range(2):
        w, yes = rng.lognormal(0, np.sqrt(np.log(2)), (k, n)), rng.random((k, n)) < percent / 100
        total = w.sum(axis=1)
        share = (w * yes).sum(axis=1) / total
        value = 100 * share
        se = 100 * np.sqrt(((w * (yes - share[:, None])) ** 2).sum(axis=1)) / total
        low, high = limits(value, se, scale=Scale.LOGIT)
        used_low, used_high = limits_for_differences(value, low, high, se, scale=Scale.LOGIT, step=0.1)
        sides.append(Estimates(value=value, se=se, scale=Scale.LOGIT, low=used_low, high=used_high))
        published.append(Estimates(value=value, se=se, scale=Scale.LOGIT, low=low, high=high))
    assert np.nanmean(difference(*sides).p < 0.05) <= 0.058
    assert np.nanmean(difference(*published).p < 0.05) >= 0.056
