from __future__ import annotations

import numpy as np
import pytest

from meantime.dataset.cube import Doubles, Integers
from meantime.statistics.methods import blocks, rank_intervals
from meantime.statistics.methods.differences import Estimates
from meantime.statistics.methods.pairs import Different, Pairs, pairs, pairs_of_gaps
from meantime.statistics.methods.rank_intervals import differ, indistinguishable, like_any, marginal, simultaneous
from meantime.statistics.methods.standard_errors import Scale
from tests.support.pair_squares import PairSquare, square_of, square_of_gaps

EVERY_SIZE = pytest.mark.parametrize("k", [2, 3, 55])
# So many that Holm's critical values are more than the steps at which pairs are counted.
MANY = 300


def _drawn(k: int, scale: Scale, seed: int = 1, *, spread: float = 3.0) -> Estimates:
    """Estimates of one decimal, so that many are tied, some known without error, with unlike standard errors."""
    rng = np.random.default_rng(seed)
    value: Doubles = np.round(np.clip(rng.normal(8.0, spread, k), 0.1, 99.9), 1).astype(np.float64)
    se = np.exp(rng.uniform(-2.0, 1.0, k)) * np.where(rng.random(k) < 0.05, 0.0, 1.0)
    return Estimates(value=value, se=se, scale=scale)


def _with_ends(k: int) -> Estimates:
    """Percents of which some are 0 or 100, and some have limits that are no mirror images of each other."""
    of = _drawn(k, Scale.LOGIT)
    low, high = of.limits
    value, low, high = of.value.copy(), low * 0.9, high.copy()
    value[::7], low[::7], high[::7] = 0.0, 0.0, 3.7
    value[1::11], low[1::11], high[1::11] = 100.0, 92.0, 100.0
    return Estimates(value=value, se=of.se, scale=Scale.LOGIT, low=low, high=high)


def _assert_same(found: Different, expected: tuple[Integers, Integers]) -> None:
    np.testing.assert_array_equal(found.lower, expected[0])
    np.testing.assert_array_equal(found.higher, expected[1])


def _assert_as_square(compared: Pairs, square: PairSquare) -> None:
    _assert_same(simultaneous(compared), square.counts(square.simultaneous))
    _assert_same(marginal(compared), square.counts(square.marginal))


@EVERY_SIZE
@pytest.mark.parametrize("scale", Scale)
@pytest.mark.parametrize("spread", [0.3, 3.0])
def test_counts_at_a_critical_value_are_those_of_the_table_of_all_pairs(k: int, scale: Scale, spread: float) -> None:
    of = _drawn(k, scale, spread=spread)
    _assert_as_square(pairs(of), square_of(of))


@pytest.mark.parametrize("scale", Scale)
def test_so_they_are_where_some_pairs_lie_between_two_steps(monkeypatch: pytest.MonkeyPatch, scale: Scale) -> None:
    monkeypatch.setattr(rank_intervals, "_MOST_STEPS", 12)
    of = _drawn(MANY, scale)
    _assert_as_square(pairs(of), square_of(of))


def test_so_they_are_of_gaps_where_some_pairs_lie_between_two_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rank_intervals, "_MOST_STEPS", 5)
    upper, lower = _drawn(100, Scale.LOGIT, spread=10.0), _drawn(100, Scale.LOGIT, seed=2)
    _assert_as_square(pairs_of_gaps(upper, lower), square_of_gaps(upper, lower))


def test_so_they_are_of_500_places() -> None:
    of = _drawn(500, Scale.LINEAR)
    _assert_as_square(pairs(of), square_of(of))


@EVERY_SIZE
def test_so_they_are_of_percents_of_0_and_100_and_of_uneven_limits(k: int) -> None:
    of = _with_ends(k)
    _assert_as_square(pairs(of), square_of(of))


@EVERY_SIZE
@pytest.mark.parametrize("scale", Scale)
def test_so_they_are_of_gaps(k: int, scale: Scale) -> None:
    upper, lower = _drawn(k, scale), _drawn(k, scale, seed=2)
    _assert_as_square(pairs_of_gaps(upper, lower), square_of_gaps(upper, lower))


def test_estimates_without_a_standard_error_differ_from_nothing_and_count_in_no_adjustment() -> None:
    of = _drawn(55, Scale.LOGIT)
    value, se = of.value.copy(), of.se.copy()
    value[3], se[[5, 40]] = np.nan, np.nan
    of = Estimates(value=value, se=se, scale=Scale.LOGIT)
    _assert_as_square(pairs(of), square_of(of))
    assert not differ(pairs(of), np.array([3, 5])).any()
    assert differ(pairs(of), np.arange(55)).tolist() == square_of(of).simultaneous.tolist()
    many = _drawn(MANY, Scale.LOGIT)
    assert differ(pairs(many), np.array([7, 0])).tolist() == square_of(many).simultaneous[[7, 0]].tolist()


@pytest.mark.parametrize("value", [[], [30.0], [np.nan, np.nan], [30.0, np.nan]])
def test_where_there_is_no_pair_nothing_differs(value: list[float]) -> None:
    compared = pairs(Estimates(value=np.array(value), se=np.ones(len(value)), scale=Scale.LOGIT))
    assert simultaneous(compared).number.tolist() == marginal(compared).number.tolist() == [0] * len(value)


@pytest.mark.parametrize("steps", [2, 256])
@pytest.mark.parametrize("size", [1, 300, 1_000_000])
def test_counts_do_not_depend_on_the_size_of_blocks(monkeypatch: pytest.MonkeyPatch, size: int, steps: int) -> None:
    monkeypatch.setattr(blocks, "MOST_IN_A_BLOCK", size)
    monkeypatch.setattr(rank_intervals, "_MOST_STEPS", steps)
    of = _drawn(55, Scale.LOGIT)
    _assert_as_square(pairs(of), square_of(of))
    square = square_of(of).simultaneous
    order = np.argsort(of.value, kind="stable")
    alike = ~(square | np.eye(55, dtype=bool))
    rows = np.array([4, 0, 54])
    expected = [np.flatnonzero(alike[row, order]).tolist() for row in rows]
    assert list(indistinguishable(pairs(of), rows, order)) == expected
    assert like_any(pairs(of), rows) == int((alike[rows].any(axis=0) & ~np.isin(np.arange(55), rows)).sum())


@pytest.mark.parametrize("few", [0, 256])
def test_if_one_differs_from_another_the_other_differs_from_the_one_to_the_last_bit(
    monkeypatch: pytest.MonkeyPatch, few: int
) -> None:
    """At z itself of a pair, where the last bit decides, and at its neighbours; in rows, and in whole blocks."""
    monkeypatch.setattr("meantime.statistics.methods.pairs._FEW", few)
    of = _drawn(40, Scale.LOGIT)
    compared, square = pairs(of), square_of(of)
    for z in square.z[0, 1:]:
        for near in (np.nextafter(z, 0.0), z, np.nextafter(z, 99.0)):
            found = compared.differ(np.arange(40), float(near))
            np.testing.assert_array_equal(found, found.T)


def test_no_more_than_a_block_of_pairs_is_worked_on_between_two_checks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blocks, "MOST_IN_A_BLOCK", 200)
    compared, checks = pairs(_drawn(50, Scale.LOGIT)), 0

    def check() -> None:
        nonlocal checks
        checks += 1

    simultaneous(compared, check=check)
    assert checks >= 50 * 50 / 200


def test_a_check_stops_the_counting() -> None:
    class Stopped(Exception):
        pass

    def check() -> None:
        raise Stopped

    for count in (simultaneous, marginal):
        with pytest.raises(Stopped):
            count(pairs(_drawn(50, Scale.LOGIT)), check=check)
