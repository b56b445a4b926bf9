from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import stats

from meantime.dataset.samples import example, survey_example
from meantime.dataset.snapshot import Snapshot
from meantime.statistics.families.comparison import STATISTIC, Comparison
from meantime.statistics.methods.differences import Estimates, difference, equivalence_p
from meantime.statistics.methods.multiplicity import Adjustment
from meantime.statistics.methods.standard_errors import Z95, Scale
from meantime.table import Table
from tests.support import factories
from tests.support.answers import pointers, problems

STATES = ("Iowa", "Ohio", "Utah")


def row(location: str, value: float, half: float, size: float, year: int = 2020) -> dict[str, Any]:
    return factories.row(
        location=location,
        value=str(value),
        low=value - half,
        high=value + half,
        sample_size=size,
        period=(year, year),
        category="Total",
        stratum="Total",
    )


def country(sum_of_sizes: float = 6000.0, **more: Any) -> Snapshot:
    return factories.snapshot(
        [
            row("National", 30.0, 1.0, sum_of_sizes),
            row("Iowa", 26.0, 2.0, 1000.0),
            row("Ohio", 30.5, 1.5, 3000.0),
            row("Utah", 34.0, 2.0, 2000.0),
        ],
        **{"polarity": {"Q": "lower"}, **more},
    )


def of(snapshot: Snapshot, **asked: Any) -> Table:
    given = Comparison(**{"question": "Q", "interval_scale": "linear", **asked})
    assert problems(STATISTIC, snapshot, given) == ()
    return STATISTIC.answer(snapshot, given)


def wrong(snapshot: Snapshot, **asked: Any) -> list[tuple[str, str]]:
    return [
        (problem.pointer, problem.code)
        for problem in problems(STATISTIC, snapshot, Comparison(**{"question": "Q", **asked}))
    ]


def column(table: Table, name: str) -> list[float]:
    return [cell for cell in table.column(name) if isinstance(cell, float)]


def test_the_aggregate_is_the_reference_where_none_is_named() -> None:
    table = of(country())
    assert tuple(table.column("location")) == STATES
    assert set(table.column("reference")) == {"National"}
    assert table.column("difference") == [-4.0, 0.5, 4.0]
    assert "Compared with the nation: 30.0% (95% CI 29.0 to 31.0)." in table.notes


def test_on_the_linear_scale_it_is_the_z_test() -> None:
    table = of(country())
    z = stats.norm.ppf(0.975)
    se = np.sqrt((np.array([2.0, 1.5, 2.0]) / z) ** 2 + (1 / z) ** 2)
    np.testing.assert_allclose(column(table, "p"), 2 * stats.norm.sf(np.array([4, 0.5, 4]) / se), rtol=1e-6)
    # By the published limits: the rounding that the standard errors have in them is in no limit.
    np.testing.assert_allclose(column(table, "difference_high"), np.array([-4, 0.5, 4]) + z * se)


def test_verdicts_follow_the_adjusted_p_and_the_polarity() -> None:
    assert of(country()).column("verdict") == ["better", "no clear difference", "worse"]
    assert of(country(polarity={"Q": "higher"})).column("verdict") == ["worse", "no clear difference", "better"]
    assert of(country(polarity={})).column("verdict") == ["below", "no clear difference", "above"]


def test_findings_say_what_differs_strongest_first_and_by_which_adjustment() -> None:
    table = of(country(), adjust=Adjustment.BENJAMINI_HOCHBERG)
    assert table.findings[0] == (
        '"Q" is above the national figure of 30.0% in 1 of the 3 states and below it in 1 '
        "(2020; Benjamini-Hochberg-adjusted); 1 cannot be distinguished from it."
    )
    assert table.findings[1] == (
        'The two differences from the national figure of 30.0% in "Q", in percentage points (2020; Benjamini-Hochberg-'
        "adjusted; 95% CIs unadjusted), largest first: Iowa lower by 4.0 (1.8 to 6.2); Utah higher by 4.0 (1.8 to 6.2)."
    )


def test_where_nothing_differs_that_is_said_and_never_that_all_are_equal() -> None:
    snapshot = factories.snapshot([row(name, 30.0, 2.0, 1000.0) for name in ("National", *STATES)])
    assert of(snapshot).findings == (
        'These data do not show that "Q" differs from the national figure of 30.0% in any of the 3 states (2020; '
        "Holm-adjusted).",
    )
    [one] = of(snapshot, locations=("Utah",)).findings
    start = 'Utah (30.0%) and the nation (30.0%) are too close to distinguish in "Q": 0.0 percentage points'
    assert one.startswith(f"{start} (2020; 95% CI −")


def test_similar_is_only_said_within_a_margin_that_is_named() -> None:
    table = of(country(), margin=3.0)
    assert table.column("verdict")[1] == "similar"
    assert table.findings[-1] == (
        '"Q" is within 3.0 percentage points of the national figure of 30.0% in 1 of the 3 states (2020; two one-sided '
        "tests, Holm-adjusted): Ohio."
    )
    assert of(country(), margin=1.0).column("verdict")[1] == "no clear difference"


@pytest.mark.parametrize(("half", "count"), [(1.4, 51), (2.3, 30)])
def test_of_many_equal_at_the_margin_one_is_called_similar_in_one_of_twenty_answers(half: float, count: int) -> None:
    rng, se, false = np.random.default_rng(3), half / Z95, 0
    runs = 60
    for _ in range(runs):
        values = 31.0 + 2.0 + se * rng.standard_normal(count)
        rows = [row(f"L{number}", round(float(value), 1), half, 1000.0) for number, value in enumerate(values)]
        table = of(factories.snapshot([row("Ohio", 31.0, 0.5, 90000.0), *rows]), reference="Ohio", margin=2.0)
        false += "similar" in table.column("verdict")
    assert false <= 9  # of 60, at 5 %; unadjusted 87 % of the answers have one


def test_a_margin_is_ruled_out_where_the_90_percent_interval_lies_within_it() -> None:
    one, other = (Estimates(value=np.array([v]), se=np.array([0.9]), scale=Scale.LOGIT) for v in (31.0, 30.2))
    d = difference(one, other, level_z=float(stats.norm.ppf(0.95)))
    edge = float(max(-d.low[0], d.high[0]))
    assert equivalence_p(one, other, edge)[0] == pytest.approx(0.05)
    assert equivalence_p(one, other, edge + 0.1)[0] < 0.05
    assert equivalence_p(one, other, 0.5)[0] == 1
    assert np.isnan(equivalence_p(one, Estimates(value=other.value, se=other.se * np.nan, scale=Scale.LOGIT), 2.0))


@pytest.mark.parametrize(("category", "stratum"), [("Race/Ethnicity", "Hispanic"), ("Age (years)", "65 or older")])
def test_shares_of_all_residents_are_refused_for_groups_that_are_other_parts_elsewhere(
    category: str, stratum: str
) -> None:
    rows = [
        row(name, value, half, size) | {"category": category, "stratum": stratum}
        for name, value, half, size in (
            ("National", 30.0, 1.0, 3000.0),
            ("Iowa", 26.0, 2.0, 1000.0),
            ("Utah", 32.0, 2.0, 2000.0),
        )
    ]
    asked = {"category": category, "stratum": stratum}
    assert wrong(factories.snapshot(rows), shares="geography", **asked) == [("/shares", "contradiction")]
    assert wrong(factories.snapshot(rows), **asked) == []
    sexes = [each | {"category": "Sex", "stratum": "Female"} for each in rows]
    assert wrong(factories.snapshot(sexes), shares="geography", category="Sex", stratum="Female") == []


@pytest.mark.parametrize("national", [30.3, 24.0])
def test_shares_that_do_not_give_the_reference_are_warned_of(national: float) -> None:
    rows = [
        row("National", national, 0.5, 6000.0), row("Iowa", 26.0, 2.0, 1000.0), row("Ohio", 30.5, 1.5, 3000.0),
        row("Utah", 34.0, 2.0, 2000.0),
    ]  # fmt: skip
    warned = [each for each in of(factories.snapshot(rows), shares="geography").warnings if "average 30.3%" in each]
    assert len(warned) == (national != 30.3)


def test_any_location_can_be_the_reference_and_is_added_to_those_asked_for() -> None:
    table = of(country(), locations=("Iowa",), reference="Utah")
    assert (table.column("location"), table.column("estimate")) == (["Iowa"], [26.0])
    assert table.column("difference") == [-8.0]
    assert table.column("difference_from_rest") == [None]
    assert not any("contains" in note for note in table.notes)


def test_a_reference_that_contains_the_locations_is_recognised_by_its_respondents() -> None:
    conservative = (
        "National contains the locations. That is not taken into account, so intervals are somewhat too wide and "
        "p-values somewhat too large."
    )
    assert conservative in of(country()).notes
    assert (
        "The respondents do not show whether National contains the locations; they are treated as separate samples."
    ) in of(country(sum_of_sizes=6001.0)).notes
    declared = of(country(sum_of_sizes=6001.0), contains=True)
    assert conservative in declared.notes
    assert not any("contain" in note for note in of(country(), contains=False).notes)


def test_with_shares_the_variance_is_that_of_a_part_and_its_whole() -> None:
    plain, shared = of(country()), of(country(), shares="geography")
    z = stats.norm.ppf(0.975)
    w = np.array([3190369, 11799448, 3271616]) / (3190369 + 11799448 + 3271616)
    ses = np.sqrt((np.array([2.0, 1.5, 2.0]) / z) ** 2 + 0.01 / 12)
    whole = (1 / z) ** 2 + 0.01 / 12
    # Ohio has two thirds of the people and a larger standard error than that allows: its correlation is held at 0.99.
    r = np.minimum(w * ses / np.sqrt(whole), 0.99)
    own, all_of_it = np.array([2.0, 1.5, 2.0]) / z, 1 / z
    expected = np.sqrt(own**2 + all_of_it**2 - 2 * r * own * all_of_it)
    half = (np.array(column(shared, "difference_high")) - column(shared, "difference_low")) / 2
    np.testing.assert_allclose(half, z * expected, rtol=1e-9)
    assert (half < (np.array(column(plain, "difference_high")) - column(plain, "difference_low")) / 2).all()
    np.testing.assert_allclose(column(shared, "difference_from_rest"), np.array([-4, 0.5, 4]) / (1 - w))
    assert any("2020 Census" in note for note in shared.notes)


def test_what_has_no_standard_error_is_not_tested() -> None:
    table = of(example.snapshot(), question=example.BREAKFAST, reference="Avalon")
    assert table.column("verdict") == ["not tested"]
    assert table.column("p") == [None]
    assert table.findings == ()
    assert "Compared with Avalon: 20.0%." in table.notes


def test_the_ratio_is_given_with_its_interval_and_of_a_zero_there_is_none() -> None:
    asked = Comparison(question=survey_example.SINGING, reference="Avalon", years="2019")
    table = STATISTIC.answer(survey_example.snapshot(), asked)
    assert table.column("ratio")[0] == pytest.approx(0.78)
    assert table.column("ratio")[3] is None
    # The zero has a limit, so that its difference is tested.
    assert table.column("verdict") == ["worse", "worse", "worse", "worse"]
    assert table.column("difference_low")[3] is not None


def test_without_an_aggregate_the_reference_must_be_named() -> None:
    snapshot = survey_example.snapshot()
    assert wrong(snapshot, question=survey_example.SOUP) == [("/reference", "missing")]


def test_a_reference_that_lacks_the_year_is_refused() -> None:
    snapshot = survey_example.snapshot()
    asked: dict[str, Any] = {"question": survey_example.SOUP, "years": "2020", "reference": "Erewhon"}
    assert wrong(snapshot, **asked) == [("/reference", "absent")]
    withheld = {**asked, "years": "2018", "reference": "Cockaigne"}
    (problem,) = problems(STATISTIC, snapshot, Comparison(**withheld))
    assert 'is suppressed or missing in 2018 ("~")' in problem.detail


def test_what_cannot_be_selected_is_refused_and_before_the_data_are_there_only_the_form() -> None:
    assert wrong(country(), years="soon") == [("/years", "type")]
    assert problems(STATISTIC, None, Comparison(question="Q")) == ()
    assert pointers(STATISTIC, None, Comparison(question="Q", years="soon")) == ["/years"]


def test_who_was_not_asked_for_or_lacks_a_year_is_a_part_of_the_country_all_the_same() -> None:
    assert any("contains the locations." in note for note in of(country(), locations=("Iowa",)).notes)
    snapshot = factories.snapshot(
        [
            row("National", 30.5, 1.0, 4000.0, 2019),
            row("National", 30.0, 1.0, 3000.0),
            row("Iowa", 26.0, 2.0, 1000.0, 2019),
            row("Iowa", 26.0, 2.0, 1000.0),
            row("Ohio", 30.5, 1.5, 3000.0, 2019),
            row("Utah", 34.0, 2.0, 2000.0),
        ]
    )
    table = of(snapshot, years="2019..2020")
    assert table.column("location") == ["Iowa"]
    assert any("contains the locations." in note for note in table.notes)


def test_a_country_that_is_declared_to_contain_a_few_states_has_the_others_too() -> None:
    # Three states of fifty-one: among themselves Ohio would be two thirds of a country that it is a thirtieth of.
    declared = of(country(sum_of_sizes=6001.0), contains=True, shares="geography")
    rest = np.array(column(declared, "difference_from_rest"))
    assert (np.abs(rest / np.array([-4, 0.5, 4]) - 1) < 0.04).all()
    one_state = factories.snapshot([row("National", 30.0, 1.0, 9000.0), row("Utah", 26.0, 2.0, 900.0)])
    assert np.isfinite(column(of(one_state, contains=True, shares="geography"), "difference_from_rest")).all()


def test_a_country_of_one_state_has_no_rest_to_differ_from() -> None:
    alone = factories.snapshot([row("National", 30.0, 1.0, 900.0), row("Utah", 30.0, 1.0, 900.0)])
    table = of(alone, shares="geography")
    assert any("by their shares of the population" in note for note in table.notes)
    assert table.column("difference_from_rest") == [None]


def test_of_one_location_it_is_not_counted_how_many_differ() -> None:
    [finding] = of(country(), locations=("Utah",)).findings
    assert finding.startswith(
        '"Q" is 4.0 percentage points higher in Utah (34.0%) than nationally (30.0%) in 2020 (95% CI '
    )


@pytest.mark.parametrize("country", ["United States, DC & Territories", "US"])
def test_the_country_is_the_reference_also_where_regions_are_aggregates_too(country: str) -> None:
    rows = [
        factories.row(location=name, value=str(value), low=value - 1, high=value + 1)
        for name, value in ((country, 31), ("West", 28), ("HHS Region 4", 34), ("Utah", 30), ("Ohio", 35))
    ]
    table = STATISTIC.answer(factories.snapshot(rows), Comparison(question="Q"))
    assert set(table.column("reference")) == {country}


def test_of_one_location_similarity_is_said_of_it() -> None:
    said = of(country(), locations=("Ohio",), margin=3.0).findings[-1]
    assert said.startswith('"Q" in Ohio is within 3.0 percentage points of the national figure of 30.0% (')
    assert said.endswith("two one-sided tests).")
