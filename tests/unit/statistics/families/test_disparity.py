from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import stats

from meantime.dataset.snapshot import Snapshot
from meantime.statistics.families.disparity import STATISTIC, Disparity
from meantime.table import Cell, Table
from tests.support import factories
from tests.support.answers import problems

Z = stats.norm.ppf(0.975)


def made(groups: dict[str, dict[str, float]], half: float = 2.0) -> Snapshot:
    return factories.snapshot(
        factories.row(
            location=place, category="Race", stratum=name, value=f"{value:.1f}", low=value - half, high=value + half
        )
        for place, values in groups.items()
        for name, value in values.items()
    )


def of(snapshot: Snapshot, **asked: Any) -> Table:
    given = Disparity(
        **{"question": "Q", "category": "Race", "reference_stratum": "B", "interval_scale": "linear", **asked}
    )
    assert problems(STATISTIC, snapshot, given) == ()
    return STATISTIC.answer(snapshot, given)


THREE = {"A": 20.0, "B": 30.0, "C": 31.0}
SE = np.sqrt((2 / Z) ** 2 + 1 / 12)  # limits 2 away, and values rounded to 1


def test_each_group_is_compared_with_the_reference_group_of_its_location() -> None:
    table = of(made({"Ohio": THREE, "Utah": {"A": 34.0, "B": 24.0, "C": 24.0}}))
    assert table.column("difference") == [-10.0, None, 1.0, 10.0, None, 0.0]
    assert table.column("difference_high")[0] == pytest.approx(-10 + Z * SE * np.sqrt(2))
    assert table.column("p")[0] == pytest.approx(2 * stats.norm.sf(10 / SE / np.sqrt(2)), rel=1e-5)
    assert table.column("relative_difference")[0] == pytest.approx(-100 / 3)
    assert table.column("reference_estimate") == [30.0] * 3 + [24.0] * 3
    assert table.column("verdict") == [
        "below",
        "reference",
        "no clear difference",
        "above",
        "reference",
        "no clear difference",
    ]


def test_the_gap_of_a_location_comes_with_q_a_correction_and_an_interval_of_all_pairs() -> None:
    table = of(made({"Ohio": THREE}))
    assert table.column("gap") == [11.0] * 3
    value = np.array(list(THREE.values()))
    assert table.column("gap_p")[0] == pytest.approx(stats.chi2.sf((((value - value.mean()) / SE) ** 2).sum(), 2))
    half = stats.studentized_range.ppf(0.95, 3, np.inf) * SE
    assert table.column("gap_high")[0] == pytest.approx(11 + half, rel=1e-4)
    rng = np.random.default_rng(4)
    drawn = np.ptp(value + SE * rng.standard_normal((200_000, 3)), axis=1).mean()
    assert table.column("gap_corrected")[0] == pytest.approx(22 - drawn, abs=0.1)
    assert any("removes only a part of the bias" in note for note in table.notes)


def test_asked_again_the_answer_is_the_same() -> None:
    assert of(made({"Ohio": THREE})) == of(made({"Ohio": THREE}))


def test_what_is_no_group_is_shown_and_left_out_of_gaps() -> None:
    table = of(made({"Ohio": {"A": 29.0, "B": 30.0, "Data not reported": 60.0}}))
    assert table.column("estimate") == [29.0, 30.0, 60.0]
    assert table.column("difference")[2] is None
    assert table.column("verdict")[2] == "no group"
    assert table.column("gap") == [1.0] * 3


def test_without_the_reference_nothing_is_compared_and_that_is_said() -> None:
    table = of(made({"Iowa": {"A": 20.0}, "Ohio": THREE}))
    assert table.column("verdict")[0] == "not tested"
    assert table.column("reference_estimate")[0] is None
    assert table.column("gap")[0] is None
    assert 'Not compared: Iowa has no value for "B".' in table.warnings


def test_all_p_values_are_one_family_with_the_gap_of_a_location_once() -> None:
    table = of(made({"Ohio": THREE}))
    p = [float(cell or 0) for cell in (table.column("p")[0], table.column("gap_p")[0], table.column("p")[2])]
    least = min(p)
    adjusted = [float(cell or 0) for cell in (table.column("p_adjusted")[0], table.column("gap_p_adjusted")[0])]
    assert min(adjusted) == pytest.approx(3 * least)


def test_findings_of_one_location_name_the_groups_and_the_gap() -> None:
    told = of(made({"Ohio": THREE})).findings
    assert told[0] == (
        'In Ohio, "Q" is lower than among people (Race: B) in 1 of the 2 other groups of Race and higher in none '
        "(Holm-adjusted); 1 cannot be distinguished."
    )
    assert told[1].startswith(
        'In Ohio, "Q" is 10.0 percentage points lower among people (Race: A) than among people (Race: B) (Holm-adjusted'
    )
    assert told[2].startswith('In Ohio, "Q" by Race is highest among people (Race: C) (')
    assert ": a gap of 11.0 percentage points (95% CI " in told[2]


def test_an_aggregate_is_no_place_in_the_count_and_has_its_own_sentence() -> None:
    two = {"A": 20.0, "B": 30.0}
    told = of(made({"National": two, "Ohio": two, "Utah": two})).findings
    assert told[0] == (
        '"Q" is lower among people (Race: A) than among people (Race: B) in both states and higher in none '
        "(Holm-adjusted)."
    )
    assert told[2].startswith('Nationally, "Q" is 10.0 percentage points lower among people (Race: A) than among')


def test_findings_of_several_locations_count_those_whose_groups_differ() -> None:
    told = of(made({"Ohio": THREE, "Utah": {"A": 30.0, "B": 30.0, "C": 30.0}})).findings
    assert told[0].startswith(
        '"Q" is lower than among people (Race: B) in 1 of the 4 comparisons (2 groups of Race, 2 states'
    )
    assert told[-1] == 'The groups of Race differ in "Q" in 1 of the 2 states (Q test, Holm-adjusted).'
    equal = of(made({"Ohio": {"A": 30.0, "B": 30.0, "C": 30.0}})).findings
    assert equal == (
        'These data do not show that any of the 2 other groups of Race differs from people (Race: B) in "Q" in Ohio '
        "(Holm-adjusted).",
        'These data do not show that the groups of Race differ in "Q" in Ohio (Q test, Holm-adjusted).',
    )


def test_with_a_stratum_two_groups_are_compared_and_the_difference_says_it_all() -> None:
    table = of(made({"Ohio": THREE}), stratum="A")
    assert table.column("stratum") == ["A", "B"]
    assert len(table.findings) == 1  # a count of one would say it again


def test_the_interval_of_a_difference_holds_the_truth_as_often_as_it_says() -> None:
    rng = np.random.default_rng(11)
    held = []
    for _ in range(4):
        n, deff = 800, 2.0
        drawn = {
            f"L{k}": dict(zip("AB", 100 * rng.binomial(int(n / deff), (0.2, 0.3)) / int(n / deff), strict=True))
            for k in range(250)
        }
        rows = []
        for place, values in drawn.items():
            for name, value in values.items():
                se = np.sqrt(value * (100 - value) / (n / deff)) / (value * (1 - value / 100))
                centre = np.log(value / (100 - value))
                low, high = (float(np.round(100 / (1 + np.exp(-centre - s * Z * se)), 1)) for s in (-1, 1))
                rows.append(
                    factories.row(
                        location=place, category="Race", stratum=name, value=f"{value:.1f}", low=low, high=high
                    )
                )
        table = of(factories.snapshot(rows), interval_scale="logit", stratum="A")
        ends = zip(table.column("difference_low"), table.column("difference_high"), strict=True)
        held += [float(low) <= -10 <= float(high or 0) for low, high in ends if low is not None]
    assert 0.935 <= np.mean(held) <= 0.965


def test_a_difference_rests_on_both_groups_and_the_reference_on_itself() -> None:
    snapshot = made({"Ohio": THREE, "Utah": {"B": 24.0}})
    given = Disparity(question="Q", category="Race", reference_stratum="B")
    row: dict[str, Cell] = {"location": "Ohio", "stratum": "A", "difference": -10.0}
    found = STATISTIC.prepared(snapshot, given).rests_on(row)
    cells, weights = (np.concatenate([getattr(part, name) for part in found.parts]) for name in ("cells", "weights"))
    assert float(weights @ snapshot.cube.pick(cells).means) == -10.0
    assert found.number == "difference"
    alone = STATISTIC.prepared(snapshot, given).rests_on({**row, "stratum": "B", "difference": None})
    assert (alone.number, len(alone.parts)) == ("estimate", 1)
    assert [len(part.cells) for part in STATISTIC.prepared(snapshot, given).rests_on(None).parts] == [4]


@pytest.mark.parametrize("value", [30.0, 61.5])
def test_of_two_tied_groups_the_gap_has_the_interval_of_their_difference(value: float) -> None:
    rows = [
        factories.row(
            location="Ohio", category="Race", stratum=name, value=f"{value:.1f}", low=value - half, high=value + half
        )
        for name, half in (("A", 4.0), ("B", 9.0))
    ]
    table = of(factories.snapshot(rows))
    low, high = table.column("gap_low")[0], table.column("gap_high")[0]
    assert isinstance(low, float)
    assert isinstance(high, float)
    # Of two, all pairs are one, so that the interval is that of the difference.
    assert (low, high) == pytest.approx((table.column("difference_low")[0], table.column("difference_high")[0]))
    assert high - low > 2 * 9.0


def test_where_nothing_is_tested_nothing_is_said() -> None:
    assert of(made({"Ohio": {"A": 20.0}, "Iowa": {"B": 20.0}})).findings == ()
