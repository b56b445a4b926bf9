from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from meantime.dataset.samples import survey_example
from meantime.dataset.snapshot import Snapshot
from meantime.statistics.families.trend import STATISTIC, Trend
from meantime.statistics.methods.slopes import Errors
from meantime.table import Table
from tests.support import factories
from tests.support.answers import pointers, problems

YEARS = range(2011, 2021)


def made(values: dict[str, list[float]], first: int = 2011) -> Snapshot:
    return factories.snapshot(
        factories.row(
            location=name, value=f"{value:.1f}", low=round(value - 1, 1), high=round(value + 1, 1), period=(year, year)
        )
        for name, row in values.items()
        for year, value in enumerate(row, start=first)
    )


def of(snapshot: Snapshot, **asked: Any) -> Table:
    given = Trend(question="Q", **asked)
    assert problems(STATISTIC, snapshot, given) == ()
    return STATISTIC.answer(snapshot, given)


UP, DOWN, FLAT = [20.0 + n for n in range(10)], [40.0 - n for n in range(10)], [30.0] * 10
THREE = made({"Down": DOWN, "Flat": FLAT, "Up": UP})


def test_verdicts_follow_the_adjusted_p() -> None:
    table = of(THREE)
    assert table.column("verdict") == ["falling", "no clear trend", "rising"]
    assert table.column("slope") == pytest.approx([-1.0, 0.0, 1.0], abs=0.02)
    assert table.column("theil_sen") == [-1.0, 0.0, 1.0]
    assert table.columns[4].unit == "percentage points a year"
    assert (table.column("first_year"), table.column("last_year")) == ([2011] * 3, [2020] * 3)


def test_findings_say_what_rises_and_falls() -> None:
    told = of(THREE).findings
    assert told[0] == (
        '"Q" rose in 1 of the 3 places between 2011 and 2020 and fell in 1 (Holm-adjusted); in 1 no trend is detected.'
    )
    start = 'The two trends in "Q" between 2011 and 2020, in percentage points a year (Holm-adjusted; 95% CIs'
    assert told[1].startswith(start)
    assert {name for name in ("Up +1.00 (", "Down −1.00 (") if name in told[1]} == {"Up +1.00 (", "Down −1.00 ("}


def test_the_steepest_trend_is_listed_first() -> None:
    steep = [20.0 + 2 * place for place in range(10)]
    told = of(made({"Flat": FLAT, "Steep": steep, "Up": UP})).findings
    assert "largest first" not in told[1]
    assert told[1].index("Steep +2.00") < told[1].index("Up +1.00")


def test_one_of_several_has_a_trend_and_of_one_no_count_is_told() -> None:
    told = of(made({"Flat": FLAT, "Up": UP})).findings
    assert told[0].startswith('"Q" rose in 1 of the 2 places between 2011 and 2020 and fell in none (Holm-adjusted)')
    assert told[1].startswith(
        '"Q" in Up rose by 1.00 percentage points a year from 2011 to 2020 (Holm-adjusted p < 0.001'
    )
    assert (
        of(made({"Up": UP}))
        .findings[0]
        .startswith('"Q" in Up rose by 1.00 percentage points a year from 2011 to 2020 (95% CI ')
    )
    assert of(made({"Flat": FLAT})).findings[0].startswith('These data do not show a trend in "Q" in Flat from 2011 to')


def test_an_aggregate_is_no_location_in_the_count_and_told_after_them() -> None:
    names = ("National", "Iowa", "Maine", "Ohio", "Texas", "Utah")
    told = of(made(dict.fromkeys(names, UP) | {"Ohio": FLAT})).findings
    assert told[0].startswith('"Q" rose in 4 of the 5 states between 2011 and 2020 and fell in none (Holm-adjusted)')
    assert told[-1].startswith(
        '"Q" nationally rose by 1.00 percentage points a year from 2011 to 2020 (Holm-adjusted p'
    )


def test_years_that_follow_no_straight_line_are_said_to() -> None:
    bent = made({"Bent": [20.0, 20.0, 20.0, 20.0, 20.0, 35.0, 35.0, 35.0, 35.0, 20.0]})
    table = of(bent)
    assert float(table.column("fit_p")[0] or 0) < 0.01
    assert table.column("fit")[0] == "scatter beyond sampling error"
    assert table.findings[-1] == (
        '"Q" in Bent scatters about a straight line by more than sampling error between 2011 and 2020 (p < 0.01).'
    )
    assert table.findings[0].startswith('These data do not show a trend in "Q" in Bent from 2011 to 2020: ')


def test_below_five_years_there_is_no_verdict() -> None:
    table = of(made({"Up": UP[:4]}))
    assert table.column("verdict") == ["too few years"]
    assert table.column("p") == [None]
    assert table.column("slope")[0] == pytest.approx(1.0, abs=0.02)
    assert table.findings == ()


def test_below_three_years_there_is_no_trend_at_all() -> None:
    (problem,) = problems(STATISTIC, made({"Up": UP[:2]}), Trend(question="Q"))
    assert (problem.pointer, problem.code) == ("/years", "absent")
    assert problem.detail.startswith("A trend needs at least three years, not 2011–2012.")
    timeless = factories.snapshot([factories.row(value="30")])
    (problem,) = problems(STATISTIC, timeless, Trend(question="Q"))
    assert "not values without a year." in problem.detail
    assert pointers(STATISTIC, None, Trend(question="Q", years="soon")) == ["/years"]


def test_no_slope_crosses_a_break() -> None:
    jump = made({"A": [20.0, 21.0, 22.0, 23.0, 24.0, 14.0, 15.0, 16.0, 17.0, 18.0], "B": FLAT})
    table = of(jump, breaks=(2016,))
    assert table.column("location") == ["A", "A", "B", "B"]
    assert table.column("first_year") == [2011, 2016, 2011, 2016]
    assert table.column("slope") == pytest.approx([1.0, 1.0, 0.0, 0.0], abs=0.03)
    assert table.column("verdict") == ["rising", "rising", "no clear trend", "no clear trend"]
    assert table.findings[0].startswith('"Q" rose in 1 of the 2 places between 2011 and 2015 and fell in none')
    assert any(
        each.startswith('"Q" in A rose by 1.00 percentage points a year from 2016 to') for each in table.findings
    )


def test_breaks_outside_the_years_make_no_stretch_and_are_written_in_one_way() -> None:
    assert of(THREE, breaks=(1990, 2030)) == of(THREE)
    assert Trend(question="Q", breaks=(2016, 2012, 2016)).breaks == (2012, 2016)


def test_a_location_without_any_value_has_no_ends() -> None:
    snapshot = made({"A": UP, "B": UP[:1]}, first=2011)
    table = of(snapshot, breaks=(2015,))
    rows = list(zip(table.column("location"), table.column("first_year"), table.column("years"), strict=True))
    assert rows == [("A", 2011, 4), ("A", 2015, 6), ("B", 2011, 1), ("B", None, 0)]


def test_a_percent_change_is_that_of_the_logarithm() -> None:
    table = of(made({"A": [20 * 1.03**n for n in range(10)]}))
    assert table.column("percent_change")[0] == pytest.approx(3.0, abs=0.1)


def test_the_average_over_stretches_is_that_of_clegg_and_others() -> None:
    before, after = [20 * 1.03**n for n in range(6)], [30 * 0.99**n for n in range(4)]
    table = of(made({"A": [*before, *after], "B": [*before, *after[:2]]}), breaks=(2017,))
    # Five steps at 3% and three at -1%; the one from 2016 to 2017 is in none.
    expected = 100 * (np.exp((5 * np.log(1.03) + 3 * np.log(0.99)) / 8) - 1)
    average = table.column("average_percent_change")
    assert average[0] == average[1] == pytest.approx(expected, abs=0.1)
    low, high = table.column("average_percent_change_low"), table.column("average_percent_change_high")
    logs = [np.log1p(float(each or 0) / 100) for each in (low[0], high[0])]
    ends = [
        [np.log1p(float(cell or 0) / 100) for cell in table.column(name)[:2]]
        for name in ("percent_change_low", "percent_change_high")
    ]
    widths = np.array(ends[1]) - np.array(ends[0])
    assert logs[1] - logs[0] == pytest.approx(np.hypot(5 * widths[0], 3 * widths[1]) / 8, rel=1e-9)
    assert average[2:] == [None, None]  # two years after the break are no stretch with a slope
    assert "Stretches, each with a line of its own: 2011–2016; 2017–2020." in table.notes


def test_without_breaks_there_is_nothing_to_average() -> None:
    table = of(THREE)
    assert set(table.column("average_percent_change")) == {None}
    assert not any(note.startswith("Stretches") for note in table.notes)


def test_the_interval_of_the_average_holds_the_truth_as_often_as_it_says() -> None:
    rng = np.random.default_rng(8)
    truth = np.concatenate([30 * 1.02 ** np.arange(7), 25 * 1.01 ** np.arange(6)])
    values = {f"L{n}": list(np.round(truth + 0.51 * rng.standard_normal(13), 1)) for n in range(400)}
    table = of(made(values), breaks=(2018,))
    average = 100 * (np.exp((6 * np.log(1.02) + 5 * np.log(1.01)) / 11) - 1)
    ends = zip(table.column("average_percent_change_low"), table.column("average_percent_change_high"), strict=True)
    held = [float(low or 0) <= average <= float(high or 0) for low, high in ends]
    assert 0.94 <= np.mean(held) <= 0.995


def test_pure_noise_is_called_a_trend_in_at_most_one_of_twenty_requests() -> None:
    rng = np.random.default_rng(3)
    clear = 0
    for _ in range(40):
        values = {f"L{n}": [round(30 + 0.51 * each, 1) for each in rng.standard_normal(10)] for n in range(10)}
        clear += set(of(made(values)).column("verdict")) != {"no clear trend"}
    assert clear <= 5


def test_the_example_of_a_survey_runs() -> None:
    given = Trend(question=survey_example.SOUP)
    assert len(STATISTIC.answer(survey_example.snapshot(), given)) == 5


# Waves about a rising line: what one year has, the next has too.
WAVES = [20.0, 22.2, 23.4, 22.8, 22.1, 23.0, 25.2, 28.0, 29.4, 28.8]


@pytest.mark.parametrize("values", [WAVES, [60.0 - value for value in WAVES]])
def test_scatter_that_carries_over_is_reported_and_allowed_for_where_that_is_asked(values: list[float]) -> None:
    snapshot = made({"Ohio": values, "Utah": UP})
    classic, wider = of(snapshot), of(snapshot, errors=Errors.AUTOCORRELATED)
    rho = classic.column("autocorrelation")
    assert rho == wider.column("autocorrelation")
    assert float(str(rho[0])) > 0.5
    assert classic.column("slope") == wider.column("slope")
    for end, sign in (("slope_low", 1), ("slope_high", -1), ("percent_change_low", 1), ("percent_change_high", -1)):
        assert sign * float(str(classic.column(end)[0])) > sign * float(str(wider.column(end)[0]))
    assert any("errors=autocorrelated allows for it" in note for note in classic.notes)
    assert any("allow for scatter that carries over" in note for note in wider.notes)


def test_of_few_years_nothing_is_said_of_autocorrelation() -> None:
    table = of(made({"Ohio": [20.0, 21.0, 22.0]}))
    assert table.column("autocorrelation") == [None]
    assert not any("autocorrelation" in note for note in table.notes)
