from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import stats

from meantime.dataset.samples import example
from meantime.dataset.snapshot import Snapshot
from meantime.statistics.families.distribution import STATISTIC, Distribution
from meantime.table import Table
from tests.support import factories
from tests.support.answers import pointers, problems

VALUES = np.round(30 + 2 * np.random.default_rng(3).uniform(-1, 1, 20), 1)


def made(values: Any, half: float = 1.0, **more: Any) -> Snapshot:
    rows = [
        factories.row(location=f"L{place:02}", value=f"{value:.1f}", low=value - half, high=value + half)
        for place, value in enumerate(values)
    ]
    return factories.snapshot(rows, **more)


def of(snapshot: Snapshot, **asked: Any) -> Table:
    given = Distribution(**{"question": "Q", "interval_scale": "linear", **asked})
    assert problems(STATISTIC, snapshot, given) == ()
    return STATISTIC.answer(snapshot, given)


def figures(snapshot: Snapshot, **asked: Any) -> dict[str, Any]:
    table = of(snapshot, show="figures", **asked)
    return dict(zip((column.name for column in table.columns), next(iter(table.rows())), strict=True))


def test_the_figures_are_numpys_and_those_of_cochran() -> None:
    found = figures(made(VALUES))
    assert found["locations"] == 20
    for name, at in (("minimum", 0), ("quantile_10", 0.1), ("median", 0.5), ("quantile_90", 0.9), ("maximum", 1)):
        assert found[name] == pytest.approx(np.quantile(VALUES, at))
    assert found["mean"] == pytest.approx(VALUES.mean())
    assert found["sd"] == pytest.approx(VALUES.std(ddof=1))
    variance = (1 / stats.norm.ppf(0.975)) ** 2 + 0.01 / 12
    # Nearly equal standard errors: the true variance is that of the estimates less that of one of them.
    assert found["tau"] == pytest.approx(np.sqrt(VALUES.var(ddof=1) - variance), rel=1e-3)
    assert found["q"] == pytest.approx(19 * VALUES.var(ddof=1) / variance, rel=1e-3)
    assert found["tau_low"] < found["tau"] < found["tau_high"]
    assert found["reliability_low"] < found["reliability"] < found["reliability_high"]
    assert found["p"] == pytest.approx(stats.chi2.sf(found["q"], 19))


def test_an_outlier_is_far_out_and_differs_from_the_median() -> None:
    far = np.append(VALUES, [60.0, 5.0])
    table = of(made(far))
    told = zip(table.column("location"), table.column("outlier"), strict=True)
    assert [pair for pair in told if pair[1]] == [("L20", "high"), ("L21", "low")]
    assert table.findings[0] == '"Q" ranges from 5.0% in L21 to 60.0% in L20.'
    assert table.findings[2].startswith(
        'Beyond sampling error, "Q" varies between places with a standard deviation of '
    )
    assert table.findings[3].startswith('"Q" in L20 is far above the median of 29.')
    assert table.findings[4].startswith('"Q" in L21 is far below the median of 29.')


def test_what_is_far_out_by_chance_alone_is_no_outlier() -> None:
    table = of(made(np.append(VALUES, 60.0), half=40.0))
    assert abs(np.array(table.column("modified_z"), dtype=float)[-1]) > 3.5
    assert not any(table.column("outlier"))
    assert table.findings[1].startswith('These data do not show that the 21 places differ in "Q" (Q test, p > ')
    assert table.findings[2].startswith('No place is an outlier in "Q": none is both far from the median of 29.')


def test_of_few_locations_or_without_a_spread_it_is_not_said_that_none_lies_far_out() -> None:
    assert any("outlier" in said for said in of(made(VALUES[:10])).findings)
    assert not any("outlier" in said for said in of(made(VALUES[:9])).findings)
    # More than half are the same: there is no median distance to measure by.
    assert not any("outlier" in said for said in of(made(np.append(np.full(15, 30.5), VALUES[:5]))).findings)


def test_differences_from_the_median_are_z_tests_adjusted_by_holm() -> None:
    table = of(made(VALUES))
    se = 1 / stats.norm.ppf(0.975)
    p = 2 * stats.norm.sf(np.abs(VALUES - np.median(VALUES)) / se)
    np.testing.assert_allclose(np.array(table.column("p"), dtype=float), p, rtol=1e-6)
    order = np.argsort(p)
    stepped = np.minimum(np.maximum.accumulate(p[order] * np.arange(20, 0, -1)), 1)
    np.testing.assert_allclose(np.array(table.column("p_adjusted"), dtype=float)[order], stepped, rtol=1e-6)


def test_aggregates_are_left_out_by_name() -> None:
    rows = [factories.row(location=name, value="20", low=17.0, high=23.0) for name in ("National", "Ohio", "Utah")]
    table = of(factories.snapshot(rows))
    assert table.column("location") == ["Ohio", "Utah"]
    assert table.warnings == ("Not shown: National is an aggregate.",)


def test_without_standard_errors_there_are_quantiles_and_nothing_is_tested() -> None:
    found = figures(example.snapshot(), question=example.BREAKFAST, years="2020")
    assert (found["locations"], found["median"], found["tau"]) == (2, 20.5, None)
    [only_the_range] = of(example.snapshot(), question=example.BREAKFAST, years="2020").findings
    assert " ranges from 20.0% in Avalon to 21.0% in Borduria (2020)." in only_the_range


def test_of_one_location_there_is_no_spread_and_of_none_there_is_nothing() -> None:
    alone = figures(made([30.0]))
    assert (alone["median"], alone["sd"], alone["q"]) == (30.0, None, None)
    nobody = factories.snapshot([factories.row(location="National", low=0.5, high=1.5)])
    assert figures(nobody)["locations"] == 0
    assert figures(nobody)["mean"] is None
    assert len(of(nobody)) == 0


def test_what_cannot_be_selected_is_refused() -> None:
    assert pointers(STATISTIC, made(VALUES), Distribution(question="Q", years="soon")) == ["/years"]
    assert problems(STATISTIC, None, Distribution(question="Q")) == ()
