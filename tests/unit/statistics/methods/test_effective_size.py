from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from meantime.dataset.cube import Doubles
from meantime.statistics.methods.effective_size import effective_size, errors_if_equal, errors_if_gaps_equal
from meantime.statistics.methods.heterogeneity import heterogeneity
from meantime.statistics.methods.standard_errors import Z95, wilson_reach

Drawn = tuple[Doubles, Doubles]
Survey = Callable[[np.random.Generator, float, int, int], Drawn]


def binomial(rng: np.random.Generator, percent: float, n: int, k: int) -> Drawn:
    """Draw a survey whose design effect is 2 and known."""
    value = 100 * np.maximum(rng.binomial(n // 2, percent / 100, k), 1) / (n // 2)
    return value, np.sqrt(value * (100 - value) / (n // 2))


def weighted(rng: np.random.Generator, percent: float, n: int, k: int) -> Drawn:
    """Draw a survey of persons with lognormal weights (coefficient of variation 1) and linearized standard errors."""
    w, yes = rng.lognormal(0, np.sqrt(np.log(2)), (k, n)), rng.random((k, n)) < percent / 100
    total = w.sum(axis=1)
    share = (w * yes).sum(axis=1) / total
    variance = ((w * (yes - share[:, None])) ** 2).sum(axis=1) / total**2
    # Nobody said yes: the standard error of a file without limits.
    at_zero = wilson_reach(np.array(n / 2)) / (2 * Z95)
    return 100 * share, np.where(share > 0, 100 * np.sqrt(variance), at_zero)


@pytest.mark.parametrize(
    ("survey", "percent", "n"), [(binomial, 3, 400), (binomial, 10, 200), (weighted, 10, 200), (weighted, 3, 200)]
)
def test_equal_locations_are_seldom_said_to_differ(survey: Survey, percent: float, n: int) -> None:
    rng, k, runs = np.random.default_rng(11), 51, 300
    respondents = np.full(k, float(n))
    p, p_as_published = np.empty(runs), np.empty(runs)
    for run in range(runs):
        value, se = survey(rng, percent, n, k)
        p[run] = heterogeneity(value, errors_if_equal(value, se, respondents, is_percent=True)).p
        p_as_published[run] = heterogeneity(value, se).p
    assert (p < 0.05).mean() <= 0.09
    assert (p_as_published < 0.05).mean() >= 0.13


def test_design_effects_that_vary_and_go_with_size_are_no_false_alarm() -> None:
    rng, runs = np.random.default_rng(12), 400
    n = np.exp(rng.uniform(np.log(300), np.log(6000), 51))
    size = np.rint(n / (2 * np.exp(0.4 * rng.standard_normal(51))))
    p = np.empty(runs)
    for run in range(runs):
        value = 100 * np.maximum(rng.binomial(size.astype(int), 0.05), 1) / size
        se = np.sqrt(value * (100 - value) / size)
        p[run] = heterogeneity(value, errors_if_equal(value, se, n, is_percent=True)).p
    assert (p < 0.05).mean() <= 0.08


def test_without_respondents_the_errors_are_taken_at_the_mean() -> None:
    value, size = np.array([5.0, 10.0, 15.0, np.nan]), np.array([200.0, 300.0, 400.0, 100.0])
    se = np.sqrt(value * (100 - value) / size)
    found = errors_if_equal(value, se, np.array([400.0, np.nan, 800.0, 200.0]), is_percent=True)
    assert found[:3] == pytest.approx(np.sqrt(10 * 90 / size[:3]))
    assert np.isnan(found[3])


@pytest.mark.parametrize("respondents", [[2_000.0, 2_000.0, 1_000_000.0], [2_000.0, 200.0, 4_000.0]])
def test_design_effects_that_no_survey_has_are_not_shared(respondents: list[float]) -> None:
    value, size = np.array([5.0, 10.0, 15.0]), np.array([1_000.0, 1_000.0, 2_000.0])
    se = np.sqrt(value * (100 - value) / size)
    found = errors_if_equal(value, se, np.array(respondents), is_percent=True)
    assert found == pytest.approx(np.sqrt(10 * 90 / size))


def test_the_design_effect_of_one_case_does_not_decide_for_all() -> None:
    # The one case of the first location has a weight of a tenth, so its design effect comes out as a tenth, too.
    value, n = np.array([0.05, 3.0, 4.0]), np.full(3, 200.0)
    effect = np.array([0.1, 2.0, 2.0])
    se = np.sqrt(value * (100 - value) * effect / n)
    found = errors_if_equal(value, se, n, is_percent=True)
    # Not moved to the others, its standard error would be 0.21 times theirs.
    assert found[0] > 0.35 * found[1]
    assert found[1] == pytest.approx(found[2])


def test_what_is_no_percent_keeps_its_errors() -> None:
    value, se, n = np.array([880.0, 910.0]), np.array([10.0, 12.0]), np.full(2, 400.0)
    assert errors_if_equal(value, se, n, is_percent=False) is se
    gaps = errors_if_gaps_equal((value, se, n), (value, se, n), is_percent=False)
    assert gaps == pytest.approx(se * np.sqrt(2))


def test_of_nothing_known_there_are_no_errors() -> None:
    nothing = np.array([np.nan, np.nan])
    assert np.isnan(errors_if_equal(nothing, nothing, nothing, is_percent=True)).all()
    side = (nothing, nothing, nothing)
    assert np.isnan(errors_if_gaps_equal(side, side, is_percent=True)).all()


def test_where_everybody_said_no_the_errors_are_those_of_the_limits() -> None:
    value, n = np.zeros(3), np.full(3, 200.0)
    se = np.full(3, 1.8 / (2 * Z95))
    assert errors_if_equal(value, se, n, is_percent=True) == pytest.approx(se)


def test_a_percent_of_0_has_the_effective_size_of_its_wilson_limit() -> None:
    upper = 100 * Z95**2 / (250 + Z95**2)
    se = np.array([upper / (2 * Z95)])
    assert effective_size(np.array([0.0]), se) == pytest.approx([250])
    assert effective_size(np.array([100.0]), se) == pytest.approx([250])
    assert np.isnan(effective_size(np.array([120.0]), se)).all()


def test_equal_gaps_at_unequal_levels_are_seldom_said_to_differ() -> None:
    rng, k, n, runs = np.random.default_rng(13), 51, 200, 300
    level = rng.uniform(4, 30, k)
    respondents = np.full(k, 2.0 * n)
    p = np.empty(runs)
    for run in range(runs):
        sides = []
        for shift in (1.0, -1.0):
            value = 100 * np.maximum(rng.binomial(n, (level + shift) / 100), 1) / n
            sides.append((value, np.sqrt(value * (100 - value) / n), respondents))
        errors = errors_if_gaps_equal(sides[0], sides[1], is_percent=True)
        p[run] = heterogeneity(sides[0][0] - sides[1][0], errors).p
    assert (p < 0.05).mean() <= 0.09
