from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import stats

from meantime.dataset.samples import example, survey_example
from meantime.dataset.snapshot import Snapshot
from meantime.statistics.families.sensitivity import METHODS, STATISTIC, Sensitivity
from meantime.table import Table
from meantime.text import listed
from tests.support import factories
from tests.support.answers import pointers, problems

YEARS = tuple(range(2014, 2021))
NAMES = [f"L{place:02}" for place in range(20)]
RNG = np.random.default_rng(6)
VALUES = np.round(30 + 3 * RNG.standard_normal((20, 1)) + 2 * RNG.standard_normal((20, len(YEARS))), 1)
SIZES = RNG.integers(200, 4000, (20, len(YEARS)))
HALVES = np.round(1 + 2 * RNG.random((20, len(YEARS))), 1)


def row(place: int, year: int, **more: Any) -> dict[str, Any]:
    value, half = VALUES[place, year - 2014], HALVES[place, year - 2014]
    given = {
        "location": NAMES[place],
        "value": f"{value:.1f}",
        "low": value - half,
        "high": value + half,
        "sample_size": float(SIZES[place, year - 2014]),
        "period": (year, year),
        "category": "Total",
        "stratum": "Total",
    }
    return factories.row(**{**given, **more})


def made(rows: list[dict[str, Any]] | None = None, **more: Any) -> Snapshot:
    given = [row(place, year) for place in range(20) for year in YEARS] if rows is None else rows
    return factories.snapshot(given, **{"polarity": {"Q": "lower"}, **more})


def of(snapshot: Snapshot, **asked: Any) -> Table:
    given = Sensitivity(**{"question": "Q", "interval_scale": "linear", **asked})
    assert problems(STATISTIC, snapshot, given) == ()
    return STATISTIC.answer(snapshot, given)


def by_name(table: Table, column: str) -> list[Any]:
    found = dict(zip(table.column("location"), table.column(column), strict=True))
    return [found[name] for name in NAMES]


def ranked(values: Any) -> list[int]:
    return [int(rank) for rank in stats.rankdata(np.round(values, 9), method="min")]


def test_each_rank_is_that_of_its_method_over_the_last_five_years() -> None:
    table = of(made())
    five, sizes = VALUES[:, -5:], SIZES[:, -5:]
    se2 = (HALVES[:, -5:] / stats.norm.ppf(0.975)) ** 2 + 0.01 / 12
    effective = five * (100 - five) / se2
    assert by_name(table, "rank_as_asked") == by_name(table, "rank_latest") == ranked(VALUES[:, -1])
    assert by_name(table, "rank_pooled_equal") == ranked(five.mean(axis=1))
    assert by_name(table, "rank_pooled_sample_size") == ranked((five * sizes).sum(axis=1) / sizes.sum(axis=1))
    expected = (five * effective).sum(axis=1) / effective.sum(axis=1)
    assert by_name(table, "rank_pooled_effective_size") == ranked(expected)
    assert by_name(table, "rank_all_rows") == ranked(VALUES.mean(axis=1))


def test_the_figures_are_scipys_tau_and_how_far_ranks_lie_apart() -> None:
    table, figures = of(made()), of(made(), show="figures")
    as_asked = np.array(by_name(table, "rank_as_asked"))
    assert figures.column("method") == list(METHODS)
    for place, method in enumerate(METHODS):
        other = np.array(by_name(table, f"rank_{method}"))
        assert figures.column("kendall_tau")[place] == pytest.approx(stats.kendalltau(as_asked, other).statistic)
        assert figures.column("best_shared")[place] == sum((as_asked <= 5) & (other <= 5))
        assert figures.column("moves_most")[place] == abs(as_asked - other).max()
        assert figures.column("moves_on_average")[place] == pytest.approx(abs(as_asked - other).mean())


def test_a_location_moves_between_its_best_and_its_worst_rank() -> None:
    table = of(made())
    every = np.array([by_name(table, f"rank_{method}") for method in METHODS])
    assert by_name(table, "best_rank") == every.min(axis=0).tolist()
    assert by_name(table, "worst_rank") == every.max(axis=0).tolist()
    assert by_name(table, "moves") == np.ptp(every, axis=0).tolist()


def test_several_years_are_the_window_of_every_method_but_the_classic_one() -> None:
    table = of(made(), years="2015..2017")
    assert by_name(table, "rank_as_asked") == by_name(table, "rank_pooled_equal") == ranked(VALUES[:, 1:4].mean(axis=1))
    assert by_name(table, "rank_latest") == ranked(VALUES[:, 3])
    assert "latest: 2017 alone." in table.notes


def test_years_that_few_have_are_not_pooled() -> None:
    rows = [row(place, year) for place in range(20) for year in YEARS if year != 2018 or place < 17]
    assert any(note.startswith("pooled_equal: 2015, 2016, 2017, 2019, and 2020") for note in of(made(rows)).notes)


def test_locations_that_a_method_lacks_are_left_out_and_the_others_ranked_without_them() -> None:
    rows = [row(place, year) for place in range(20) for year in YEARS if (place, year) != (3, 2018)]
    table = of(made(rows))
    assert "L03" not in table.column("location")
    assert max(int(str(rank)) for rank in table.column("rank_as_asked")) == 19
    left_out = "Not shown: L03 has no rank under pooled_equal, pooled_sample_size, pooled_effective_size."
    assert left_out in table.warnings


def test_of_one_year_nothing_is_pooled_and_that_is_told() -> None:
    table = of(made([row(place, 2020) for place in range(20)]))
    assert set(table.column("rank_pooled_equal")) == {None}
    assert any(
        note == "Not available: pooled_equal (there is no second year that nine in ten of the locations have)."
        for note in table.notes
    )
    # The only method that is left, the classic mean, is then the same one.
    assert table.findings == ()


def test_without_respondents_nothing_is_weighted_by_them() -> None:
    rows = [row(place, year, sample_size=np.nan) for place in range(20) for year in YEARS]
    figures = of(made(rows), show="figures")
    assert figures.column("not_available")[3] == (
        "only 0 of 20 locations have what it needs (2016–2020, weights by respondents)"
    )
    assert figures.column("kendall_tau")[3] is None


def test_values_of_several_types_have_no_mean_of_all_rows() -> None:
    rows = [row(place, year, value_type="Crude") for place in range(20) for year in YEARS]
    rows += [row(place, 2020, value_type="Adjusted") for place in range(20)]
    table = of(made(rows), value_type="Crude")
    assert set(table.column("rank_all_rows")) == {None}
    assert any("Values of different kinds" in note for note in table.notes)


def test_what_a_method_would_be_refused_for_makes_it_unavailable() -> None:
    twice = [row(place, year) for place in range(20) for year in YEARS] + [row(0, 2017, value="31.0")]
    snapshot = made(twice)
    assert any(note.startswith("Not available: pooled_equal (1 of the") for note in of(snapshot).notes)


def test_findings_name_those_that_stay_among_the_best_and_the_one_that_moves_most() -> None:
    table = of(made())
    always = [
        name
        for name, worst in zip(table.column("location"), table.column("worst_rank"), strict=True)
        if int(str(worst)) <= 5
    ]
    by_methods = 'among the five lowest for "Q" by each of the five methods, by their estimates (2020).'
    verb = "is" if len(always) == 1 else "are"
    assert table.findings[0] == f"{listed(map(str, always))} {verb} {by_methods}"
    moves = {name: int(str(each)) for name, each in zip(*map(table.column, ("location", "moves")), strict=True)}
    assert any(f"{name} ranks between" in table.findings[1] for name in moves if moves[name] == max(moves.values()))
    assert table.findings[1].startswith("Depending on the method, ")
    assert table.findings[2].startswith('The order in "Q" that is least like the one requested is that of ')
    none = of(made(), best=1, years="2014").findings[0]
    assert none.startswith('No place is the lowest for "Q" by each of the ')


def test_where_all_methods_agree_that_is_said() -> None:
    rows = [
        row(place, year, value=f"{value:.1f}", low=value - 2.0, high=value + 2.0)
        for place in range(20)
        for year in YEARS
        for value in (20 + place + (year - 2014) ** 2 / 10,)
    ]
    assert of(made(rows)).findings == (
        'In "Q", each of the five methods gives the same order of the 20 places (2020).',
    )


def test_a_table_without_years_is_ranked_as_it_is() -> None:
    rows = [
        factories.row(location=name, value=f"{20 + place}.0", low=19.0 + place, high=21.0 + place)
        for place, name in enumerate(NAMES)
    ]
    table = of(made(rows))
    assert table.column("rank_as_asked") == table.column("rank_latest") == list(range(1, 21))
    assert "as_asked: as requested, as published." in table.notes
    assert set(table.column("rank_pooled_equal")) == {None}


def test_of_no_location_there_is_no_ranking_and_no_error() -> None:
    table = of(example.snapshot(), question=example.BREAKFAST, show="figures")
    assert table.column("kendall_tau") == [None] * 6
    assert table.findings == ()
    assert len(of(example.snapshot(), question=example.BREAKFAST)) == 0


def test_it_needs_what_a_ranking_needs() -> None:
    snapshot = survey_example.snapshot()
    assert pointers(STATISTIC, made(polarity={}), Sensitivity(question="Q")) == ["/better"]
    assert [
        each.pointer for each in problems(STATISTIC, snapshot, Sensitivity(question=survey_example.SOUP, years="1999"))
    ] == ["/years"]
    assert problems(STATISTIC, None, Sensitivity(question="Q")) == ()


def test_values_that_are_equal_over_years_share_a_rank_under_every_method() -> None:
    values = {"Ohio": (27.6, 28.0, 27.9), "Utah": (28.0, 27.6, 27.9), "Iowa": (27.9, 27.7, 27.9)}
    rows = [
        row(0, year, location=name, value=f"{value:.1f}", low=20.0, high=35.0, sample_size=1000.0, period=(year, year))
        for name, of_years in values.items()
        for year, value in zip((2018, 2019, 2020), of_years, strict=True)
    ]
    table = of(made(rows), years="2018..2020")
    for column in ("rank_as_asked", "rank_latest", "rank_pooled_equal", "rank_all_rows"):
        assert table.column(column) == [1, 1, 1], column
