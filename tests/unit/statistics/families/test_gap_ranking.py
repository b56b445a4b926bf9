from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import stats

from meantime.dataset.snapshot import Snapshot
from meantime.statistics.families.gap_ranking import STATISTIC, GapRanking
from meantime.table import Table
from tests.support import factories
from tests.support.answers import problems
from tests.support.whole import whole

Z = stats.norm.ppf(0.975)
SE = np.sqrt((1 / Z) ** 2 + 1 / 12)  # limits 1 away, and values rounded to 1

Groups = dict[str, dict[int, tuple[float | None, float | None]]]


def made(groups: Groups) -> Snapshot:
    rows = []
    for place, years in groups.items():
        for year, values in years.items():
            for name, value in zip(("Women", "Men"), values, strict=True):
                if value is not None:
                    limits: dict[str, Any] = {"low": value - 1, "high": value + 1}
                    labels: dict[str, Any] = {"category": "Sex", "stratum": name, "period": (year, year)}
                    rows.append(factories.row(location=place, value=f"{value:.0f}", **labels, **limits))
    return factories.snapshot(rows)


def of(snapshot: Snapshot, **asked: Any) -> Table:
    given = parameters(**asked)
    assert problems(STATISTIC, snapshot, given) == ()
    return STATISTIC.answer(snapshot, given)


def parameters(**asked: Any) -> GapRanking:
    named = {"question": "Q", "category": "Sex", "stratum": "Women", "reference_stratum": "Men"}
    return GapRanking(**{**named, "interval_scale": "linear", "years": "2020", **asked})


FOUR = made(
    {
        "National": {2010: (30.0, 30.0), 2020: (30.0, 28.0)},
        "Iowa": {2010: (30.0, 30.0), 2020: (30.0, 30.0)},
        "Ohio": {2010: (30.0, 29.0), 2020: (40.0, 30.0)},
        "Utah": {2010: (30.0, 28.0), 2020: (30.0, 30.0)},
        "Guam": {2020: (33.0, 30.0)},
        "Maine": {2010: (30.0, 30.0), 2020: (30.0, None)},
    }
)


def test_the_widest_gap_comes_first_and_tied_ones_share_a_rank() -> None:
    table = of(FOUR)
    assert table.column("location") == ["Ohio", "Guam", "Iowa", "Utah"]
    assert table.column("rank") == [1, 2, 3, 3]
    assert table.column("gap") == [10.0, 3.0, 0.0, 0.0]
    assert table.column("gap_high")[0] == pytest.approx(10 + Z * SE * np.sqrt(2))
    assert "Not shown: National is an aggregate; Maine lacks one of the two groups." in table.warnings


def test_the_relative_gap_is_in_percent_of_the_reference_group_with_the_interval_of_the_ratio() -> None:
    table = of(FOUR)
    assert table.column("relative_gap") == pytest.approx([100 / 3, 10.0, 0.0, 0.0])
    reach = Z * SE * np.sqrt(1 / 40**2 + 1 / 30**2)
    assert table.column("relative_gap_low")[0] == pytest.approx(100 * (4 / 3 * np.exp(-reach) - 1))
    assert table.column("relative_gap_high")[0] == pytest.approx(100 * (4 / 3 * np.exp(reach) - 1))


def test_ranks_are_counted_from_the_side_on_which_the_gaps_lie() -> None:
    table = of(FOUR, stratum="Men", reference_stratum="Women")
    assert table.column("location") == ["Ohio", "Guam", "Iowa", "Utah"]
    assert table.column("gap") == [-10.0, -3.0, 0.0, 0.0]
    same = ("rank", "rank_low", "rank_high", "rank_low_all", "rank_high_all", "cannot_be_told_apart_from")
    assert [table.column(name) for name in same] == [of(FOUR).column(name) for name in same]
    assert any("On average they are negative, so rank 1 is the lowest." in note for note in table.notes)


def test_rank_intervals_count_the_gaps_that_differ() -> None:
    table = of(FOUR)
    # Two gaps differ by d with standard error 2 SE: 10 against the others for sure, 3 against 0 by Holm
    # over one location's own three alone.
    z = np.array([[abs(a - b) / (2 * SE) for b in (10, 3, 0, 0)] for a in (10, 3, 0, 0)])
    differs = z > stats.studentized_range.ppf(0.95, 4, np.inf) / np.sqrt(2)
    assert table.column("rank_low_all") == [1 + int(differs[0, 1:].sum() == 0), 2, 2, 2]
    assert table.column("rank_high_all") == [4 - int(differs[0].sum()), 4, 4, 4]
    assert table.column("cannot_be_told_apart_from") == ["", "Iowa; Utah", "Guam; Utah", "Guam; Iowa"]
    assert table.column("alike") == [0, 2, 2, 2]


def test_the_change_of_a_gap_is_tested_as_the_difference_of_two_gaps() -> None:
    table = of(FOUR, since=2010)
    assert table.column("location") == ["Ohio", "Iowa", "Utah"]
    assert table.column("gap_before") == [1.0, 0.0, 2.0]
    assert table.column("gap_change") == [9.0, 0.0, -2.0]
    assert table.column("gap_change_high")[0] == pytest.approx(9 + Z * 2 * SE)
    assert table.column("gap_change_p")[2] == pytest.approx(2 * stats.norm.sf(2 / (2 * SE)), rel=1e-5)
    assert table.column("gap_change_verdict") == ["risen", "no clear change", "no clear change"]
    assert table.findings[-1].endswith(
        "went up in 1 of the 3 states and down in none between 2010 and 2020 (Holm-adjusted)."
    )
    one = of(FOUR, since=2010, locations=("Ohio",)).findings
    assert one[-1].endswith(" went up in Ohio between 2010 and 2020 (Holm-adjusted).")
    assert "Earlier years: 2010." in table.notes
    assert set(of(FOUR).column("gap_change_verdict")) == {None}


def test_a_gap_that_closes_has_fallen() -> None:
    table = of(FOUR, since="2020", years="2010", locations=("Ohio", "Iowa"))
    assert dict(zip(table.column("location"), table.column("gap_change_verdict"), strict=True)) == {
        "Ohio": "fallen",
        "Iowa": "no clear change",
    }


def test_findings_say_how_many_have_a_gap_and_what_is_sure_of_the_widest() -> None:
    told = of(FOUR).findings
    gap = 'the gap in "Q" between people (Sex: Women) and people (Sex: Men)'
    assert f"{gap} (people (Sex: Women) minus people (Sex: Men)) ranges from 0.0 in Iowa and Utah to 10.0" in told[0]
    assert (
        "higher among people (Sex: Women) than among people (Sex: Men) in 2 of the 4 states and territories" in told[1]
    )
    assert f"of the variance in {gap} between states and territories is beyond" in told[2]
    assert told[3].startswith(f"Ohio has the highest value of {gap} in 2020; every other state or territory is lower")
    tied = made({"Iowa": {2020: (40.0, 30.0)}, "Ohio": {2020: (40.0, 30.0)}, "Utah": {2020: (30.0, 30.0)}})
    assert of(tied).findings[3].startswith(f"Iowa and Ohio have the highest value of {gap} in 2020;")


def test_where_nothing_is_sure_that_is_said() -> None:
    equal = made({"Iowa": {2010: (30.0, 30.0), 2020: (30.0, 30.0)}, "Utah": {2010: (30.0, 30.0), 2020: (30.0, 30.0)}})
    told = of(equal, since="2010").findings
    assert told[1].endswith('differ in "Q" in any of the 2 states (2020; Holm-adjusted).')
    assert told[2].startswith("These data do not show that the 2 states differ in the gap")
    assert told[-1].endswith("changed in any of the 2 states between 2010 and 2020 (Holm-adjusted).")


def test_of_one_location_there_is_no_order_and_of_none_nothing_to_say() -> None:
    assert len(of(FOUR, locations=("Ohio",)).findings) == 1
    assert of(FOUR, locations=("National",)).findings == ()
    assert len(of(FOUR, locations=("National",))) == 0


def test_years_that_are_among_both_are_refused() -> None:
    (problem,) = problems(STATISTIC, FOUR, parameters(since="2010..2020"))
    assert (problem.pointer, problem.code) == ("/since", "contradiction")


def test_with_all_gaps_equal_every_rank_interval_holds_every_rank_in_19_of_20_requests() -> None:
    rng = np.random.default_rng(12)
    wrong = 0
    for _ in range(60):
        drawn = np.round(np.array([40.0, 30.0]) + rng.standard_normal((12, 2)) / Z)
        table = of(made({f"L{n:02}": {2020: (float(a), float(b))} for n, (a, b) in enumerate(drawn)}))
        wrong += set(table.column("rank_low_all")) != {1} or set(table.column("rank_high_all")) != {12}
    assert wrong <= 7


def test_a_gap_rests_on_both_groups_of_its_later_years() -> None:
    [own, other] = STATISTIC.prepared(FOUR, parameters()).rests_on({"location": "Ohio"}).parts
    means = whole(FOUR.cube).cells.moments[np.concatenate([own.cells, other.cells])].means(FOUR.cube.scale)
    assert float(np.concatenate([own.weights, other.weights]) @ means) == 10.0
    [later, earlier] = STATISTIC.prepared(FOUR, parameters(since="2010")).rests_on(None).parts
    assert (len(later.cells), len(earlier.cells)) == (11, 10)
    assert len(STATISTIC.prepared(FOUR, parameters()).rests_on(None).parts) == 1


@pytest.mark.parametrize(
    "pairs",
    [
        ((29.4, 27.2), (27.3, 25.1), (3.4, 1.2)),
        ((0.3, 0.1), (0.4, 0.2), (33.5, 33.3)),
        ((35.1, 36.7), (20.6, 22.2), (8.7, 10.3)),
    ],
)
def test_gaps_that_are_equal_share_a_rank(pairs: tuple[tuple[float, float], ...]) -> None:
    gaps = {one - other for one, other in pairs}
    assert len(gaps) > 1  # to the last bit of a double
    rows = [
        factories.row(
            location=place, value=f"{value:.1f}", low=value - 1, high=value + 1, category="Sex", stratum=name,
            period=(2020, 2020),
        )
        for place, pair in zip(("Iowa", "Ohio", "Utah"), pairs, strict=True)
        for name, value in zip(("Women", "Men"), pair, strict=True)
    ]  # fmt: skip
    table = of(factories.snapshot(rows))
    assert table.column("rank") == [1, 1, 1]
    assert table.column("location") == ["Iowa", "Ohio", "Utah"]
