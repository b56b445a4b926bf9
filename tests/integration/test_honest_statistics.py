"""The honest statistics over the real file by sex: they run for every question, and say what is known of it."""

from __future__ import annotations

from typing import Any

import pytest

from meantime.dataset.snapshot import Snapshot
from meantime.model import Unwatched
from meantime.statistics.check import check
from meantime.table import Table
from tests.support.real_data import BY_SEX, real_file
from tests.support.table_files import read

OBESITY = "Percent of adults aged 18 years and older who have obesity"
INACTIVITY = "Percent of adults who engage in no leisure-time physical activity"
OVERWEIGHT = "Percent of adults aged 18 years and older who have an overweight classification"
WOMEN = {"category": "Sex", "stratum": "Female"}


@pytest.fixture(scope="module")
def snapshot(tmp_path_factory: pytest.TempPathFactory) -> Snapshot:
    return read(real_file(BY_SEX), into=tmp_path_factory.mktemp("by-sex"))


def ask(snapshot: Snapshot, statistic: str, **parameters: Any) -> Table:
    return check(statistic, {**WOMEN, **parameters}, snapshot, refuse_unknown=True).compute(Unwatched())


def numbers(table: Table, name: str) -> list[float]:
    return [cell for cell in table.column(name) if isinstance(cell, (int, float))]


@pytest.mark.parametrize("statistic", ["estimate", "comparison", "ranking"])
def test_it_runs_for_every_question(snapshot: Snapshot, statistic: str) -> None:
    for question in snapshot.cube.labels.questions:
        # Overweight has no direction of its own.
        better = {"better": "lower"} if statistic == "ranking" and question == OVERWEIGHT else {}
        table = ask(snapshot, statistic, question=question, **better)
        assert len(table) >= 52
        assert "Not shown: Kentucky and Pennsylvania have no 2023 value" in table.warnings[0]


@pytest.mark.parametrize(
    ("statistic", "parameters"),
    [("trend", {"years": "all"}), ("change", {"since": "2011", "years": "2019"}), ("target", {"target": 36.0})],
)
def test_so_do_those_over_years_and_against_a_target(
    snapshot: Snapshot, statistic: str, parameters: dict[str, Any]
) -> None:
    for question in snapshot.cube.labels.questions:
        assert len(ask(snapshot, statistic, question=question, **parameters)) >= 51


def test_inactivity_which_alternates_between_odd_and_even_years_has_no_clear_trend(snapshot: Snapshot) -> None:
    table = ask(snapshot, "trend", question="Percent of adults who engage in no leisure-time physical activity")
    verdicts = list(table.column("verdict"))
    assert verdicts.count("no clear trend") >= len(verdicts) - 2
    assert "scatters about a straight line by more than sampling error" in table.findings[-1]


def test_the_limits_are_logit_ones(snapshot: Snapshot) -> None:
    for question in snapshot.cube.labels.questions:
        assert any("(logit scale)" in note for note in ask(snapshot, "estimate", question=question).notes)


def test_overweight_of_women_in_2023_differs_from_the_country_nowhere(snapshot: Snapshot) -> None:
    table = ask(snapshot, "comparison", question=OVERWEIGHT, years="2023")
    assert set(table.column("verdict")) == {"no clear difference"}
    assert table.findings == (
        "These data do not show that overweight among women differs from the national figure of 29.7% in any of the 52 "
        "states and territories (2023; Holm-adjusted).",
    )


def test_the_country_contains_its_states_by_exact_sums_in_every_cell(snapshot: Snapshot) -> None:
    for question in snapshot.cube.labels.questions:
        table = ask(snapshot, "comparison", question=question)
        assert any("National contains the locations." in note for note in table.notes)
        pooled = ask(snapshot, "comparison", question=question, years="2011..2023")
        assert any("National contains the locations." in note for note in pooled.notes)


def test_ranks_of_obesity_among_women_in_2023_are_31_places_wide(snapshot: Snapshot) -> None:
    table = ask(snapshot, "ranking", question=OBESITY, years="2023")

    def width(low: str, high: str) -> float:
        """Places on average, both ends included."""
        ends = zip(numbers(table, low), numbers(table, high), strict=True)
        return sum(greatest - least + 1 for least, greatest in ends) / len(table)

    assert width("rank_low", "rank_high") == pytest.approx(31, abs=1)
    assert width("rank_low_all", "rank_high_all") == pytest.approx(37, abs=1)


@pytest.mark.parametrize(
    ("statistic", "more"),
    [
        ("estimate", {}),
        ("ranking", {}),
        ("comparison", {}),
        ("change", {"since": "2011"}),
        ("target", {"target": 30.0}),
        ("trend", {}),
        ("distribution", {}),
        ("sensitivity", {}),
        ("association", {"other": INACTIVITY}),
        ("detectable", {}),
    ],
)
def test_a_bare_question_is_answered_for_the_first_group_and_says_so(
    snapshot: Snapshot, statistic: str, more: dict[str, Any]
) -> None:
    bare = check(statistic, {"question": OBESITY, **more}, snapshot).compute(Unwatched())
    named = check(statistic, {"question": OBESITY, **more, **WOMEN}, snapshot).compute(Unwatched())
    # Simulated columns come after the first four; their seed depends on the parameters as they were sent.
    assert [row[:4] for row in bare.rows()] == [row[:4] for row in named.rows()]
    assert bare.warnings == named.warnings
    assert bare.findings[0] == (
        f"{named.findings[0]} No group was requested, so this is about women, the first one; there are figures for men "
        "too."
    )
    assert bare.findings[1:] == named.findings[1:]
