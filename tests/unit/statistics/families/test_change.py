from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import stats

from meantime.dataset.samples import example
from meantime.dataset.snapshot import Snapshot
from meantime.statistics.families.change import STATISTIC, Change
from meantime.table import Table
from tests.support import factories
from tests.support.answers import problems


def made(values: dict[str, dict[int, float | None]]) -> Snapshot:
    rows = []
    for name, by_year in values.items():
        for year, value in by_year.items():
            # Whole numbers, so values are taken to be rounded to 1.
            limits: dict[str, Any] = {} if value is None else {"low": value - 1.0, "high": value + 1.0}
            told = None if value is None else f"{value:.1f}"
            rows.append(factories.row(location=name, value=told, reason="~", period=(year, year), **limits))
    return factories.snapshot(rows)


SNAPSHOT = made(
    {
        "National": {2018: 30.0, 2019: 30.0, 2023: 31.0},
        "Iowa": {2018: 25.0, 2019: 25.0, 2023: 30.0},
        "Ohio": {2018: 35.0, 2019: 35.0, 2023: 31.0},
        "Utah": {2018: 28.0, 2019: None, 2023: 29.0},
        "Guam": {2018: 28.0, 2019: 28.0},
    }
)


def of(snapshot: Snapshot = SNAPSHOT, **asked: Any) -> Table:
    given = Change(**{"question": "Q", "since": "2018", "years": "2023", "interval_scale": "linear", **asked})
    assert problems(STATISTIC, snapshot, given) == ()
    return STATISTIC.answer(snapshot, given)


def pointers(snapshot: Snapshot | None = SNAPSHOT, **asked: Any) -> list[tuple[str, str]]:
    given = Change(**{"question": "Q", "since": "2018", "years": "2023", **asked})
    return [(problem.pointer, problem.code) for problem in problems(STATISTIC, snapshot, given)]


def test_the_change_is_that_of_two_separate_surveys() -> None:
    table = of()
    assert table.column("location") == ["Iowa", "National", "Ohio", "Utah"]
    assert table.column("change") == [5.0, 1.0, -4.0, 1.0]
    z = stats.norm.ppf(0.975)
    se = np.sqrt(2 * ((1 / z) ** 2 + 1 / 12))
    assert table.column("change_high") == pytest.approx([d + z * se for d in (5, 1, -4, 1)])
    assert table.column("p") == pytest.approx([2 * stats.norm.sf(abs(d) / se) for d in (5, 1, -4, 1)], rel=1e-5)
    assert table.column("verdict") == ["risen", "no clear change", "fallen", "no clear change"]
    assert set(table.column("beyond_reference")) == {None}
    assert "Earlier years: 2018." in table.notes


def test_the_relative_change_is_in_percent_of_the_earlier_value_with_the_interval_of_the_ratio() -> None:
    table = of()
    before, after = np.array([25.0, 30.0, 35.0, 28.0]), np.array([30.0, 31.0, 31.0, 29.0])
    assert table.column("relative_change") == pytest.approx(100 * (after / before - 1))
    z = stats.norm.ppf(0.975)
    se = np.sqrt((1 / z) ** 2 + 1 / 12)
    reach = z * se * np.sqrt(1 / before**2 + 1 / after**2)
    assert table.column("relative_change_low") == pytest.approx(100 * (after / before * np.exp(-reach) - 1))
    assert table.column("relative_change_high") == pytest.approx(100 * (after / before * np.exp(reach) - 1))
    assert {column.unit for column in table.columns if column.name.startswith("relative_")} == {"percent"}


def test_there_is_no_relative_change_from_or_to_zero() -> None:
    table = of(made({"Iowa": {2018: 0.0, 2023: 3.0}, "Ohio": {2018: 4.0, 2023: 0.0}, "Utah": {2018: 4.0, 2023: 5.0}}))
    for name in ("relative_change", "relative_change_low", "relative_change_high"):
        assert [cell is None for cell in table.column(name)] == [True, True, False]


def test_findings_say_what_rose_and_what_fell() -> None:
    told = of().findings
    assert told[0] == (
        '"Q" rose in 1 of the 3 states between 2018 and 2023 and fell in 1 (Holm-adjusted); in 1 no change is detected.'
    )
    start = 'The two changes in "Q" between 2018 and 2023, in percentage points (Holm-adjusted; 95% CIs unadjusted), '
    assert told[1].startswith(f"{start}largest first: Iowa +5.0, from ")
    assert "; Ohio −4.0, from " in told[1]


def test_a_change_beside_that_of_the_reference_is_a_difference_of_differences() -> None:
    told = of(reference="National", locations=("Iowa",)).findings
    assert told[-1].startswith('"Q" rose by 5.0 percentage points in Iowa and by ')
    assert " nationally between 2018 and 2023: " in told[-1]
    assert " more (Holm-adjusted p " in told[-1]
    several = of(reference="National").findings
    assert any(
        each.startswith('The change in "Q" between 2018 and 2023 was above that of the nation (+') for each in several
    )
    fell = of(reference="National", locations=("Ohio",)).findings[-1]
    assert fell.startswith('"Q" changed by −4.0 percentage points in Ohio and by +')
    assert ": a difference of −" in fell


def test_of_one_place_whose_change_differs_from_that_of_the_reference_both_are_said() -> None:
    steady: dict[str, dict[int, float | None]] = {
        name: {2018: 30.0, 2023: 31.0} for name in ("National", "Ohio", "Utah")
    }
    told = of(made(steady | {"Iowa": {2018: 30.0, 2023: 50.0}}), reference="National").findings
    assert told[-1].startswith('"Q" rose by 20.0 percentage points in Iowa and by 1.0 nationally between 2018 and 2023')


def test_two_that_fell_are_compared_by_how_much() -> None:
    falling = made({"National": {2018: 30.0, 2023: 25.0}, "Iowa": {2018: 30.0, 2023: 28.0}})
    assert ": 3.0 less (" in of(falling, reference="National", locations=("Iowa",)).findings[-1]


def test_where_no_change_differs_from_that_of_the_reference_that_is_said() -> None:
    same = made({name: {2018: 30.0, 2023: 25.0} for name in ("National", "Iowa", "Ohio")})
    assert of(same, reference="National").findings[-1] == (
        'These data do not show that the change in "Q" between 2018 and 2023 differs from that of the nation (−5.0 '
        "percentage points) in any of the 2 states (Holm-adjusted)."
    )
    assert (
        of(same, reference="National", locations=("Iowa",))
        .findings[-1]
        .endswith(", which is too close to distinguish.")
    )


def test_one_of_several_differs_and_of_one_no_count_is_told() -> None:
    assert of(locations=("Iowa", "Utah")).findings[0].startswith('"Q" rose in 1 of the 2 states between 2018 and 2023')
    (told,) = of(locations=("Iowa",)).findings
    assert told.startswith('"Q" in Iowa rose by 5.0 percentage points, from ')
    assert told.endswith(" in 2023 (95% CI 3.4 to 6.6).")


def test_an_aggregate_is_no_location_in_the_count_and_told_after_them() -> None:
    of_states: dict[str, dict[int, float | None]] = {
        name: {2018: 25.0, 2023: 30.0} for name in ("National", "Iowa", "Ohio", "Utah", "Maine", "Texas")
    }
    told = of(made(of_states | {"Ohio": {2018: 25.0, 2023: 25.0}})).findings
    assert told[0].startswith('"Q" rose in 4 of the 5 states between 2018 and 2023 and fell in none (Holm-adjusted)')
    assert told[-1] == (
        '"Q" nationally rose by 5.0 percentage points, from 25.0% in 2018 to 30.0% in 2023 (Holm-adjusted p < 0.001; '
        "unadjusted 95% CI 3.4 to 6.6)."
    )
    alone = of(made(of_states), locations=("National",)).findings
    assert alone == (
        '"Q" nationally rose by 5.0 percentage points, from 25.0% in 2018 to 30.0% in 2023 (95% CI 3.4 to 6.6).',
    )


def test_whether_a_change_differs_from_that_of_the_reference() -> None:
    table = of(reference="National")
    assert table.column("beyond_reference") == [4.0, None, -5.0, 0.0]
    z = stats.norm.ppf(0.975)
    se = np.sqrt(4 * ((1 / z) ** 2 + 1 / 12))
    p = table.column("beyond_reference_p")
    assert p[0] == pytest.approx(2 * stats.norm.sf(4 / se), rel=1e-5)
    assert p[1] is None  # its own change against itself
    high = table.column("beyond_reference_high")
    assert high[0] == pytest.approx(4 + z * se)
    assert any("respondents do not show whether" in note for note in table.notes)
    assert len([note for note in table.notes if "National" in note]) == 1  # of both years once


def country() -> Snapshot:
    """Two states which are the country, in two years; the larger one is a quarter of the sample."""
    rows = [
        factories.row(
            location=name,
            value=f"{value:.1f}",
            low=value - half,
            high=value + half,
            sample_size=size,
            period=(year, year),
        )
        for year, more in ((2018, 0.0), (2023, 2.5))
        for name, value, half, size in (
            ("National", 30.5, 1.5, 4000.0),
            ("Iowa", 26.5 + more, 2.5, 3000.0),
            ("Ohio", 31.5, 3.5, 1000.0),
        )
    ]
    return factories.snapshot(rows)


def test_with_shares_what_a_location_has_in_common_with_the_country_is_taken_out_year_by_year() -> None:
    plain, shared = of(country(), reference="National"), of(country(), reference="National", shares="geography")
    z = stats.norm.ppf(0.975)
    w = np.array([3190369, 11799448]) / (3190369 + 11799448)
    own, whole = (np.array([2.5, 3.5]) / z) ** 2, (1.5 / z) ** 2
    rounded = (own + 0.01 / 12) / (whole + 0.01 / 12)
    # Ohio's share of the people is larger than its standard error allows: its correlation is held at 0.99.
    r = np.minimum(w * np.sqrt(rounded), 0.99)
    a_year = own + whole - 2 * r * np.sqrt(own * whole)

    def half(table: Table) -> list[float]:
        value, high = table.column("beyond_reference"), table.column("beyond_reference_high")
        return [float(high[place] or 0) - float(value[place] or 0) for place in (0, 2)]

    assert half(shared) == pytest.approx(z * np.sqrt(2 * a_year))
    assert half(plain) == pytest.approx(z * np.sqrt(2 * (own + whole)))
    assert any("2020 Census" in note for note in shared.notes)
    assert any("That is not taken into account" in note for note in plain.notes)


def test_all_p_values_are_one_family() -> None:
    table, alone = of(reference="National"), of()
    # Seven of them, where there were four: the least is multiplied by seven.
    assert float(table.column("p_adjusted")[0] or 0) == pytest.approx(
        7 / 4 * float(alone.column("p_adjusted")[0] or 0), rel=1e-6
    )


def test_pools_of_years_are_compared_and_who_lacks_a_year_is_left_out() -> None:
    table = of(since="2018..2019")
    assert table.column("location") == ["Iowa", "National", "Ohio"]
    assert 'Guam has no 2023 value; Utah is suppressed or missing in 2019 ("~")' in table.warnings[0]
    assert "Earlier years: 2018–2019." in table.notes


def test_where_nothing_changed_that_is_said() -> None:
    [told] = of(locations=("Utah",)).findings
    assert told.startswith('These data do not show a change in "Q" in Utah between 2018 (')
    still = made({name: {2018: 30.0, 2023: 30.0} for name in ("Iowa", "Ohio")})
    assert of(still).findings == (
        'These data do not show a change in "Q" between 2018 and 2023 in any of the 2 states (Holm-adjusted).',
    )


def test_what_has_no_standard_error_is_not_tested() -> None:
    bare = factories.snapshot(factories.row(value="30", period=(year, year)) for year in (2018, 2023))
    table = of(bare)
    assert table.column("verdict") == ["not tested"]
    assert table.findings == ()


def test_what_is_wrong_is_refused() -> None:
    assert pointers(since="2018..2023") == [("/since", "contradiction")]
    assert pointers(since="1999") == [("/years", "absent")]
    assert pointers(reference="Guam") == [("/reference", "absent")]
    assert pointers(None) == []
    assert pointers(example.snapshot(), question=example.BREAKFAST, years="2020", since="2020") == [
        ("/since", "contradiction")
    ]


def test_equal_requests_are_written_in_one_way() -> None:
    assert Change(question="Q", since=2018) == Change(question="Q", since=" 2018")


def test_periods_that_have_a_year_in_common_are_no_two_surveys() -> None:
    rows = [factories.row(location="Ohio", value="30.0", period=(year, year + 2)) for year in (2016, 2018, 2020)]
    rolling = factories.snapshot(rows)
    assert pointers(rolling, since="2016-2018", years="2018-2020") == [("/since", "contradiction")]
    assert pointers(rolling, since="2016-2018", years="2020-2022") == []
