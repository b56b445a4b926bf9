"""The profile of a place has the numbers that the statistics have, and words for what it has not."""

from __future__ import annotations

from typing import Any

import pytest

from meantime.dataset.samples import survey_example
from meantime.dataset.snapshot import Snapshot
from meantime.model import Unwatched
from meantime.statistics.check import check
from meantime.statistics.profile import Profile, ProfileQuestion
from meantime.table import Cell
from tests.support.factories import row, snapshot
from tests.support.many_places import places

DANCE = "Percent of adults who dance"


def first(of: Snapshot, location: str = "Utah", **more: Any) -> ProfileQuestion:
    """The first question at a place."""
    return next(Profile(snapshot=of, location=location, **{"limit_s": 1.0, **more}).questions([0]))


def survey(*locations: str) -> list[dict[str, Any]]:
    """Rows of everyone and both sexes in 2020 and 2021, each place a point above the one before it."""
    made = []
    for index, location in enumerate(locations):
        for year in (2020, 2021):
            for shift, stratum in ((0, None), (5, "Female"), (-5, "Male")):
                value = 30 + index + shift
                group = {"category": "Sex", "stratum": stratum} if stratum else {}
                limits = {"low": value - 2.0, "high": value + 2.0, "sample_size": 900}
                made.append(row(DANCE, location, str(value), period=(year, year), **limits, **group))
    return made


STATES = ("Alabama", "Iowa", "Maine", "National", "Ohio", "Texas", "Utah")


def record(of: Snapshot, statistic: str, location: str, **parameters: Any) -> dict[str, Cell]:
    """The row of a statistic about a place."""
    raw = {"question": of.cube.labels.questions[0], **parameters}
    table = check(statistic, raw, of, refuse_unknown=True).compute(Unwatched())
    index = list(table.column("location")).index(location)
    return {column.name: cells[index] for column, cells in zip(table.columns, table.data, strict=True)}


def test_a_profile_has_the_numbers_of_the_statistics_that_it_is_made_of() -> None:
    of, name = snapshot(survey(*STATES), polarity={DANCE: "lower"}), "Iowa"
    known, compared, ranked = (record(of, each, name) for each in ("estimate", "comparison", "ranking"))
    gap = record(of, "disparity", name, category="Sex", locations=[name])
    found = first(of, name)
    assert found.value is not None
    assert (found.value.period, found.value.estimate) == ("2021", known["estimate"])
    assert (found.value.low, found.value.high) == (known["low"], known["high"])
    assert [each.period for each in found.series] == ["2020", "2021"]
    assert found.reference is not None
    assert (found.reference.kind, found.reference.location) == ("location", "National")
    assert found.reference.words == "the nation"
    assert found.reference.estimate == compared["reference_estimate"]
    assert (found.reference.difference, found.reference.difference_low, found.reference.difference_high) == tuple(
        compared[each] for each in ("difference", "difference_low", "difference_high")
    )
    assert found.rank is not None
    assert (found.rank.rank, found.rank.rank_low, found.rank.rank_high) == tuple(
        ranked[each] for each in ("rank", "rank_low", "rank_high")
    )
    assert (found.rank.places, found.rank.better) == (len(STATES) - 1, "lower")
    assert [each.category for each in found.gaps] == ["Sex"]
    assert (found.gaps[0].gap, found.gaps[0].gap_low, found.gaps[0].p) == (gap["gap"], gap["gap_low"], gap["gap_p"])
    assert (found.gaps[0].highest.people, found.gaps[0].lowest.people) == ("women", "men")


@pytest.mark.parametrize("number", [3, 400])
def test_the_interval_of_one_place_s_rank_is_that_of_the_ranking_of_all(number: int) -> None:
    of = places(number)
    for name in ("County 00000", "County 00002"):
        ranked = record(of, "ranking", name)
        found = first(of, name).rank
        assert found is not None
        assert (found.rank, found.rank_low, found.rank_high) == tuple(
            ranked[each] for each in ("rank", "rank_low", "rank_high")
        )


def test_the_whole_itself_is_beside_nothing_and_has_no_rank() -> None:
    found = first(snapshot(survey(*STATES), polarity={DANCE: "lower"}), "National")
    assert found.value is not None
    assert found.reference is None
    assert found.rank is None
    assert found.no_rank == "Not ranked: National is an aggregate."


def test_without_a_whole_a_place_is_beside_the_median_of_all_places() -> None:
    found = first(snapshot(survey("Avalon", "Borduria", "Cockaigne"), polarity={DANCE: "lower"}), "Avalon")
    assert found.reference is not None
    assert (found.reference.kind, found.reference.places, found.reference.estimate) == ("median", 3, 31.0)
    assert (found.reference.difference, found.reference.difference_low) == (-1.0, None)
    assert found.reference.words == "the median of 3 places"


def test_the_only_place_is_beside_nothing() -> None:
    found = first(snapshot(survey("Avalon")), "Avalon")
    assert (found.reference, found.rank) == (None, None)
    assert found.no_rank == "Not ranked: no other place has a value with a standard error."
    assert [each.gap for each in found.gaps] == [10.0]


def test_there_is_no_rank_where_nobody_said_which_values_are_better_or_how_certain_they_are() -> None:
    unsaid = first(snapshot(survey("Avalon", "Borduria")), "Avalon")
    assert unsaid.no_rank == "Not ranked: it is not set whether lower or higher values are better."
    bare = [row("Q", name, "3", period=(2020, 2020)) for name in ("Avalon", "Borduria")]
    uncertain = first(snapshot(bare, polarity={"Q": "lower"}), "Avalon")
    assert uncertain.rank is None
    assert uncertain.no_rank == "Not ranked: Avalon has no standard error."


def test_the_year_is_the_last_that_the_place_has_and_that_of_the_others_is_said() -> None:
    found = first(survey_example.snapshot(), "Erewhon")
    assert found.value is not None
    assert (found.value.period, found.last_period) == ("2019", "2020")
    assert found.reference is not None
    assert found.reference.places == 5  # those with 2019, and not the four with 2020


def test_the_years_are_named_from_which_values_were_measured_in_another_way() -> None:
    fruit = "Percent of adults who report consuming fruit less than one time daily"
    assert first(snapshot([row(fruit, "Utah", "30", period=(2019, 2019))])).breaks == [2011, 2017]
    assert first(snapshot(survey("Utah"))).breaks == []


def test_a_suppressed_year_is_in_the_series_with_the_words_of_the_file() -> None:
    rows = [
        row("Q", "Utah", "30", period=(2019, 2019), low=28.0, high=32.0),
        row("Q", "Utah", None, period=(2020, 2020), reason="~"),
        row("Q", "Ohio", "30", period=(2020, 2020), low=28.0, high=32.0),
    ]
    found = first(snapshot(rows))
    assert [(each.period, each.estimate, each.withheld) for each in found.series] == [
        ("2019", 30.0, None),
        ("2020", None, '"~"'),
    ]
    assert (found.rows, found.withheld, found.withheld_by_reason) == (2, 1, {"~": 1})


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        ([row("Q", "Ohio")], "The table has no row about Utah."),
        ([row("Q", "Utah", None, reason="~")], 'All values are suppressed or missing: 1 row "~".'),
        (
            [row("Q", "Ohio"), row("Q", "Utah", None, reason="~"), row("Q", "Utah", category="Sex", stratum="Male")],
            'No value for everyone. The table has 2 rows about Utah; suppressed or missing: 1 row "~".',
        ),
        (
            [
                row("Q", "Ohio", category="Sex", stratum="Female"),
                row("Q", "Utah", category="Sex", stratum="Male"),
            ],
            "No value for people (Sex: Female). The table has 1 row about Utah.",
        ),
    ],
)
def test_a_place_without_a_value_says_why(rows: list[dict[str, Any]], says: str) -> None:
    found = first(snapshot([*rows, row("R", "Utah")]))
    assert (found.value, found.gaps) == (None, [])
    assert found.no_value == says


def test_rows_of_which_nobody_knows_the_estimate_are_not_averaged() -> None:
    mixed = [row("Q", "Utah", value, period=(2020, 2020)) for value in ("1", "2")]
    assert "nothing says which row is the estimate" in str(first(snapshot(mixed)).no_value)


def test_such_rows_of_another_place_cost_this_one_its_rank_alone() -> None:
    mixed = [row("Q", "Ohio", value, period=(2020, 2020)) for value in ("1", "2")]
    found = first(snapshot([*mixed, row("Q", "Utah", "3", period=(2020, 2020), low=2.0, high=4.0)]))
    assert found.value is not None
    assert (found.reference, found.rank) == (None, None)
    assert str(found.no_rank).startswith("Not ranked. 1 of the 2 cells have several rows")


def test_of_several_types_of_value_one_is_shown_and_named() -> None:
    rows = [
        row("Q", "Utah", value, value_type=kind, unit="percent", period=(2020, 2020))
        for kind, value in (("Age-adjusted", "7"), ("Crude", "8"))
    ]
    found = first(snapshot(rows))
    assert found.value is not None
    assert (found.value_type, found.value.estimate) == ("Age-adjusted in percent", 7.0)
    assert first(snapshot(rows[1:])).value_type is None


def test_a_group_alone_has_no_gap() -> None:
    rows = [row for row in survey("Avalon", "Borduria") if row.get("stratum") != "Male" or row["location"] != "Avalon"]
    assert first(snapshot(rows), "Avalon").gaps == []
    assert len(first(snapshot(rows), "Borduria").gaps) == 1


def test_values_alone_have_no_gaps_no_reference_and_no_rank() -> None:
    found = first(places(5), "County 00001", is_brief=True)
    assert found.value is not None
    assert (found.reference, found.rank, found.no_rank, found.gaps) == (None, None, None, [])


def test_a_question_that_costs_too_much_says_so_and_is_not_opened() -> None:
    found = first(places(5), "County 00001", limit_s=1e-9)
    assert found.no_value == (
        "This question goes through 18 values, less than 0.1 s of computing. That is too much for a profile."
    )


def test_the_cost_of_a_profile_grows_with_its_questions() -> None:
    of = places(200)
    profile = Profile(snapshot=of, location="County 00001", limit_s=1.0)
    costs = [0.0]
    for code in (0, 1):
        assert list(profile.questions([code]))
        costs.append(profile.cost_s)
    assert costs[1] > profile.least_cost_s(0)
    assert costs[2] > 1.5 * costs[1]
