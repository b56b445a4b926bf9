from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from meantime.dataset.samples import example, survey_example
from meantime.dataset.snapshot import Snapshot
from meantime.statistics.families.ranking import STATISTIC, Ranking
from meantime.statistics.methods.pooling import Weights
from meantime.table import Table
from tests.support import factories
from tests.support.answers import pointers, problems

NAMES = [f"L{number:02}" for number in range(30)]


def made(values: Any, half: float = 2.0, names: list[str] = NAMES, **more: Any) -> Snapshot:
    rows = [
        factories.row(location=name, value=f"{value:.1f}", low=round(value - half, 1), high=round(value + half, 1))
        for name, value in zip(names, values, strict=False)
    ]
    return factories.snapshot(rows, **{"polarity": {"Q": "lower"}, **more})


def of(snapshot: Snapshot, **asked: Any) -> Table:
    given = Ranking(**{"question": "Q", **asked})
    assert problems(STATISTIC, snapshot, given) == ()
    return STATISTIC.answer(snapshot, given)


SPREAD = made(np.linspace(20, 40, 30))


def test_the_best_come_first_as_it_is_known_or_asked() -> None:
    assert of(SPREAD).column("location")[0] == "L00"
    assert of(SPREAD, better="higher").column("location")[0] == "L29"
    assert of(made([20.0, 30.0], polarity={"Q": "higher"})).column("location") == ["L01", "L00"]


def test_what_is_good_must_be_known() -> None:
    (problem,) = problems(STATISTIC, made([20.0, 30.0], polarity={}), Ranking(question="Q"))
    assert (problem.pointer, problem.code) == ("/better", "no-polarity")
    assert of(made([20.0, 30.0], polarity={}), better="lower").column("rank") == [1, 2]


def test_aggregates_and_what_has_no_standard_error_are_left_out_by_name() -> None:
    rows = [
        factories.row(location=name, value=f"{value:.1f}", low=value - 2.0, high=value + 2.0)
        for name, value in (("National", 30.0), ("Ohio", 25.0), ("Utah", 35.0))
    ]
    table = of(factories.snapshot([*rows, factories.row(location="Iowa", value="0.0")], polarity={"Q": "lower"}))
    assert table.column("location") == ["Ohio", "Utah"]
    assert "Not shown: National is an aggregate; Iowa has no standard error." in table.warnings


def test_tied_ones_share_a_rank_and_stand_by_name() -> None:
    table = of(made([30.0, 20.0, 30.0, 40.0]))
    assert table.column("rank") == [1, 2, 2, 4]
    assert table.column("location") == ["L01", "L00", "L02", "L03"]


def test_the_rank_lies_within_its_interval_and_that_within_the_simultaneous_one() -> None:
    table = of(SPREAD)
    for rank, low, high, low_all, high_all in zip(
        *(table.column(name) for name in ("rank", "rank_low", "rank_high", "rank_low_all", "rank_high_all")),
        strict=True,
    ):
        assert isinstance(rank, int)
        assert low_all <= low <= rank <= high <= high_all


def test_those_it_cannot_be_told_apart_from_are_named_and_counted() -> None:
    table = of(SPREAD)
    for count, names in zip(table.column("alike"), table.column("cannot_be_told_apart_from"), strict=True):
        assert len(str(names).split("; ")) == count
    first = str(table.column("cannot_be_told_apart_from")[0]).split("; ")
    assert first == NAMES[1 : len(first) + 1]


def test_without_real_differences_the_finding_says_so() -> None:
    rng = np.random.default_rng(5)
    table = of(made(30 + 1.02 * rng.standard_normal(30)))
    assert table.findings[1].startswith('These data do not show that the 30 places differ in "Q" (Q test, p = ')
    assert table.findings[1].endswith("; that is not proof that they are equal.")
    assert table.findings[4] == 'No place is among the five lowest for "Q" with 95% confidence (all pairs compared).'
    assert set(table.column("rank_low_all")) == {1}


def test_with_real_differences_they_are_told_as_far_as_they_are_sure() -> None:
    told = of(SPREAD).findings
    assert told[0] == '"Q" ranges from 20.0% in L00 to 40.0% in L29.'
    assert told[1].startswith('About 97% of the variance in "Q" between places is beyond sampling error (95% CI ')
    assert told[2].startswith('L00 has the lowest figure for "Q"; 7 other places cannot be distinguished from it (95%')
    assert told[3].startswith('L29 has the highest figure for "Q"; 7 other places cannot be distinguished from it')
    assert told[4] == 'No place is among the five lowest for "Q" with 95% confidence (all pairs compared).'
    clear = of(made([10.0, 20.0, 30.0, 40.0]), best=2).findings
    assert clear[2] == (
        'L00 has the lowest figure for "Q"; every other place is higher (95% confidence, all pairs compared).'
    )
    assert clear[4] == 'With 95% confidence, L00 and L01 are among the two lowest for "Q" (all pairs compared).'


def test_the_end_that_is_good_comes_first() -> None:
    told = of(made([10.0, 20.0, 30.0, 40.0], polarity={"Q": "higher"}), best=2).findings
    assert told[2].startswith("L03 has the highest figure")
    assert told[4].startswith("With 95% confidence, L03 and L02 are among the two highest")


def test_what_stands_out_is_said_also_where_the_q_test_shows_no_differences() -> None:
    told = of(made([30.0] * 29 + [36.0])).findings
    assert "though single ones stand out when all pairs are compared." in told[1]
    assert told[3].startswith('L29 has the highest figure for "Q"')
    assert "equal" not in told[1]


def test_ties_at_an_end_are_named_together_and_the_country_beside_the_range() -> None:
    names = ["National", "Colorado", "Hawaii", "Utah"]
    told = of(made([31.0, 25.0, 25.0, 35.0], names=names)).findings
    assert told[0] == '"Q" ranges from 25.0% in Colorado and Hawaii to 35.0% in Utah; nationally it is 31.0%.'
    assert told[2].startswith('Colorado and Hawaii have the lowest figure for "Q"; every other state is higher')


def test_the_header_has_q_and_reliability() -> None:
    (note,) = [note for note in of(SPREAD).notes if note.startswith("Cochran")]
    assert "on 29 degrees of freedom (p < 0.001)" in note
    assert "; reliability 0.97 (95% CI 0.9" in note
    (noise,) = [note for note in of(made([30.0, 30.1, 30.2])).notes if note.startswith("Cochran")]
    assert "(p = 0.99)" in noise
    cups = made([300.0, 310.0], unit="cups")
    assert not any("points" in note for note in of(cups).notes if note.startswith("Cochran"))


def test_chances_come_from_the_request_alone() -> None:
    one, same = of(SPREAD), of(SPREAD)
    assert one == same
    chances = one.column("p_best")
    assert np.sum(np.array(chances, dtype=float)) == pytest.approx(5)
    assert of(SPREAD, best=1).column("p_best")[0] != chances[0]


def test_one_location_or_none_is_no_ranking_and_no_error() -> None:
    alone = of(made([30.0]))
    assert alone.column("rank") == [1]
    assert alone.column("p_best") == [None]
    assert alone.findings == ('"Q" in L00 is 30.0% (95% CI 28.0 to 32.0).',)
    none = of(example.snapshot(), question=example.BREAKFAST)
    assert len(none) == 0
    assert none.findings == ()


def test_before_the_data_are_there_only_the_form_is_checked() -> None:
    assert problems(STATISTIC, None, Ranking(question="Q")) == ()
    assert pointers(STATISTIC, None, Ranking(question="Q", years="soon")) == ["/years"]
    assert (
        problems(STATISTIC, survey_example.snapshot(), Ranking(question=survey_example.SOUP, years="1999"))[0].pointer
        == "/years"
    )


def test_one_other_is_one_other_and_that_all_are_among_all_is_not_told() -> None:
    told = of(made([29.0, 30.0, 50.0, 60.0]), best=4).findings
    assert told[2] == (
        'L00 has the lowest figure for "Q"; 1 other place cannot be distinguished from it (95% confidence, all pairs '
        "compared)."
    )
    assert len(told) == 4


STATES = ["National", "Ohio", "Utah", "Iowa"]
REFERENCE = ("reference", "reference_estimate", "reference_low", "reference_high")


def references(table: Table) -> set[tuple[Any, ...]]:
    return set(zip(*(table.column(name) for name in REFERENCE), strict=True))


def test_every_location_stands_beside_the_aggregate_which_is_not_ranked() -> None:
    table = of(made([30.0, 25.0, 35.0, 20.0], names=STATES))
    assert references(table) == {("National", 30.0, 28.0, 32.0)}
    assert "National" not in table.column("location")


def test_a_reference_may_be_named_and_is_ranked_only_where_it_is_asked_for() -> None:
    snapshot = made([30.0, 25.0, 35.0, 20.0], names=STATES)
    table = of(snapshot, reference="Utah", locations=("Ohio", "Iowa"))
    assert references(table) == {("Utah", 35.0, 33.0, 37.0)}
    assert table.column("location") == ["Iowa", "Ohio"]
    assert "Utah" in of(snapshot, reference="Utah").column("location")
    # What is shown beside them moves no chance of anybody.
    assert of(snapshot, reference="Utah").column("p_best") == of(snapshot).column("p_best")


def test_without_an_aggregate_of_these_years_there_is_no_reference() -> None:
    assert references(of(SPREAD)) == {(None, None, None, None)}
    rows = [
        factories.row(location=name, value="30.0", low=28.0, high=32.0, period=(year, year))
        for name, year in (("National", 2019), ("Ohio", 2020), ("Utah", 2020), ("Iowa", 2020))
    ]
    snapshot = factories.snapshot(rows, polarity={"Q": "lower"})
    assert references(of(snapshot, years="2020")) == {(None, None, None, None)}
    (problem,) = problems(STATISTIC, snapshot, Ranking(question="Q", years="2020", reference="National"))
    assert (problem.pointer, problem.code) == ("/reference", "absent")
    assert "National" in problem.detail


def test_a_reference_that_is_withheld_is_refused_where_it_is_named_and_left_away_where_it_is_not() -> None:
    rows = [
        factories.row(location=name, value="30.0", low=28.0, high=32.0, period=(2020, 2020))
        for name in ("Ohio", "Utah", "Iowa")
    ]
    withheld = factories.row("Q", "National", None, period=(2020, 2020), reason="~")
    snapshot = factories.snapshot([*rows, withheld], polarity={"Q": "lower"})
    assert references(of(snapshot)) == {(None, None, None, None)}
    (problem,) = problems(STATISTIC, snapshot, Ranking(question="Q", reference="National"))
    assert problem.pointer == "/reference"
    assert "suppressed or missing in 2020" in problem.detail


def test_the_reference_is_of_the_very_years_of_the_ranked() -> None:
    rows = [
        factories.row(location=name, value=f"{value}", low=value - 2, high=value + 2, period=(year, year))
        for name, value, year in (
            *(("National", 30.0, 2019), ("National", 40.0, 2020), ("National", 50.0, 2021)),
            *((name, 30.0, year) for name in ("Ohio", "Utah", "Iowa") for year in (2019, 2020)),
        )
    ]
    snapshot = factories.snapshot(rows, polarity={"Q": "lower"})
    asked = {"locations": ("Ohio", "Utah", "Iowa")}
    assert {each[:2] for each in references(of(snapshot, years="2019..2020", **asked))} == {("National", 35.0)}
    assert {each[:2] for each in references(of(snapshot, **asked))} == {("National", 40.0)}


# Of each pair the sums over three years are equal, and their doubles in the order of the years are not.
TIES_OF_YEARS = [
    ((27.6, 28.0, 27.9), (27.9, 27.7, 27.9)),
    ((1.1, 2.2, 3.3), (3.3, 2.2, 1.1)),
    ((0.1, 0.2, 0.3), (0.3, 0.2, 0.1)),
]


@pytest.mark.parametrize("pair", TIES_OF_YEARS)
def test_values_that_are_equal_over_years_share_a_rank(pair: tuple[tuple[float, ...], ...]) -> None:
    rows = [
        factories.row(location=name, value=f"{value:.1f}", low=0.1, high=60.0, period=(year, year))
        for name, values in zip(("Ohio", "Utah"), pair, strict=True)
        for year, value in enumerate(values, 2020)
    ]
    table = of(factories.snapshot(rows, polarity={"Q": "lower"}), years="2020..2022")
    assert table.column("rank") == [1, 1]
    assert len(set(table.column("estimate"))) == 1


@pytest.mark.parametrize("value", [27.8, 0.7, 61.3])
def test_values_that_never_change_share_a_rank_whatever_their_years_weigh(value: float) -> None:
    rows = [
        factories.row(location=name, value=f"{value:.1f}", low=0.1, high=high, period=(year, year))
        for name, highs in (("Iowa", (64, 70, 90)), ("Ohio", (73, 65, 81)), ("Utah", (88, 92, 67)))
        for year, high in enumerate(highs, 2020)
    ]
    snapshot = factories.snapshot(rows, polarity={"Q": "lower"})
    table = of(snapshot, years="2020..2022", weights=Weights.EFFECTIVE_SIZE)
    assert table.column("rank") == [1, 1, 1]
    assert table.column("estimate") == [value] * 3


@pytest.mark.parametrize(
    "aggregates",
    [
        ["West", "South", "United States, DC & Territories"],
        ["Mountain", "Pacific Division", "Midwest Region"],
        ["HHS Region 8", "All States and DC (median) **", "US"],
    ],
)
def test_regions_totals_and_medians_are_not_ranked_beside_states(aggregates: list[str]) -> None:
    states = ["Utah", "Ohio", "Iowa", "Maine"]
    table = of(made([20.0, 30.0, 31.0, 32.0, 33.0, 21.0, 22.0], names=[*aggregates, *states]))
    assert set(table.column("location")) == set(states)
    assert all(any(name in warning for warning in table.warnings) for name in aggregates)


@pytest.mark.parametrize("seed", range(3))
def test_what_cannot_be_distinguished_is_one_symmetrical_relation(seed: int) -> None:
    rng = np.random.default_rng(seed)
    halves = rng.choice([0.9, 2.0, 4.0], 30)
    values = np.round(30 + 4 * rng.standard_normal(30), 1)
    rows = [
        factories.row(location=name, value=f"{value:.1f}", low=round(value - half, 1), high=round(value + half, 1))
        for name, value, half in zip(NAMES, values, halves, strict=True)
    ]
    table = of(factories.snapshot(rows, polarity={"Q": "lower"}))
    others = {
        str(name): set(filter(None, str(text).split("; ")))
        for name, text in zip(table.column("location"), table.column("cannot_be_told_apart_from"), strict=True)
    }
    assert any(others.values())
    for name, named in others.items():
        assert all(name in others[other] for other in named), name
    # The finding counts the same ones.
    count = len(others[str(table.column("location")[0])])
    assert table.findings[2].split("; ")[1].startswith(f"{count} other place" if count else "every other place")
