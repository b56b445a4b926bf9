"""The nine functions: order, ties, what is left out, and what their tables say of themselves."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from meantime.dataset.snapshot import Snapshot
from meantime.statistics.check import check
from meantime.statistics.families import classic
from meantime.statistics.registry import STATISTICS
from meantime.table import Kind, Table
from tests.support.factories import row, snapshot

NINE = [name for name, each in STATISTICS.items() if each.compute.__module__ == classic.__name__]


def compute(name: str, of: Snapshot, *, state: str = "Utah", question: str = "Q") -> Table:
    statistic = STATISTICS[name]
    raw = {"question": question, "state": state}
    return statistic.answer(of, msgspec.convert(raw, statistic.parameters))


def pairs(table: Table, of: str = "mean") -> list[tuple[Any, Any]]:
    return list(zip(table.column("location"), table.column(of), strict=True))


SEVEN = [row(location=name, value=value) for name, value in zip("GFEDCBA", "1223334", strict=True)]


def test_states_are_ordered_by_mean_and_tied_ones_by_name() -> None:
    assert "".join(name for name, _ in pairs(compute("states_mean", snapshot(SEVEN)))) == "GEFBCDA"


@pytest.mark.parametrize(
    ("polarity", "best", "worst"),
    [("lower", "GEFBC", "ABCDE"), ("higher", "ABCDE", "GEFBC")],
)
def test_best_and_worst_are_five_by_polarity_and_tied_ones_by_name(polarity: Any, best: str, worst: str) -> None:
    table = snapshot(SEVEN, polarity={"Q": polarity})
    assert "".join(name for name, _ in pairs(compute("best5", table))) == best
    assert "".join(name for name, _ in pairs(compute("worst5", table))) == worst


@pytest.mark.parametrize("name", ["best5", "worst5"])
def test_polarity_is_never_guessed(name: str) -> None:
    with pytest.raises(ValueError, match="polarity"):
        compute(name, snapshot(SEVEN))


def test_names_are_ordered_by_code_point_as_python_does() -> None:
    names = ["Ohio", "ohio", "Óbuda", "Äland", "Zürich"]
    table = compute("states_mean", snapshot([row(location=name) for name in names]))
    assert table.column("location") == sorted(names)


def test_a_location_with_more_rows_counts_more_in_the_global_mean() -> None:
    table = snapshot([row(location="A", value="1")] * 3 + [row(location="National", value="5")])
    assert list(compute("global_mean", table).rows()) == [(2.0, 4, 0)]


def test_a_difference_is_that_of_the_exact_means_rounded_once() -> None:
    # Of the rounded means, 0.1 - 0.3 would be -0.19999999999999998.
    table = snapshot([row(location="Utah", value="0.3"), row(location="Ohio", value="-0.1")])
    assert pairs(compute("state_diff_from_mean", table), "difference") == [("Utah", -0.2)]


def test_sums_beyond_64_bits_are_exact_too() -> None:
    huge = 10**20  # its doubles are 16,384 apart
    table = snapshot([row(location="Utah", value=str(huge + 2)), row(location="Ohio", value=str(huge))])
    assert pairs(compute("diff_from_mean", table), "difference") == [("Ohio", 1.0), ("Utah", -1.0)]


def test_rows_without_a_category_are_in_no_group_but_in_the_mean() -> None:
    table = snapshot([row(value="1"), row(value="3", category="Sex", stratum="Male")])
    assert pairs(compute("state_mean", table)) == [("Utah", 2.0)]
    for name in ("mean_by_category", "state_mean_by_category"):
        assert list(compute(name, table).rows()) == [("Utah", "Sex", "Male", 3.0, 1, 0)]


def test_a_category_without_a_stratum_has_an_empty_one_and_comes_first() -> None:
    table = snapshot([row(value="3", category="Sex", stratum="Male"), row(value="1", category="Sex")])
    assert compute("mean_by_category", table).column("stratum") == ["", "Male"]


def test_a_state_is_found_among_others_at_every_place() -> None:
    names = ["A", "B", "C", "D"]
    table = snapshot([row(location=name, value=str(place), category="T") for place, name in enumerate(names)])
    for place, name in enumerate(names):
        assert pairs(compute("state_mean", table, state=name)) == [(name, float(place))]
        assert compute("state_mean_by_category", table, state=name).column("mean") == [float(place)]


def test_a_state_of_another_question_has_no_row() -> None:
    table = snapshot([row(), row(question="R", location="Ohio")])
    assert len(compute("state_mean", table, state="Ohio")) == 0


@pytest.mark.parametrize("name", NINE)
def test_nothing_but_withheld_values_gives_a_table_without_rows(name: str) -> None:
    table = snapshot([row(value=None, category="Sex"), row(question="R")], polarity={"Q": "lower"})
    answer = compute(name, table)
    assert len(answer) == 0
    assert answer.warnings[-1] == "Withheld rows, which count nowhere: 1 of the question's 1."


@pytest.mark.parametrize("name", NINE)
def test_what_the_snapshot_does_not_have_raises(name: str) -> None:
    with pytest.raises(KeyError):
        compute(name, snapshot([row()]), question="R")


@pytest.mark.parametrize("name", NINE)
def test_a_table_says_what_was_averaged_in_which_unit_and_that_it_is_a_poor_estimate(name: str) -> None:
    table = compute(name, snapshot([row(category="Sex")], polarity={"Q": "lower"}, unit="cups"))
    assert "over strata and years" in table.notes[0]
    assert "poor estimate" in table.warnings[0]
    for column in table.columns:
        assert column.meaning
        is_about_rows = column.kind is not Kind.NUMBER
        assert column.unit == (None if is_about_rows else "cups")


def test_a_difference_of_percents_is_in_percentage_points() -> None:
    [column] = (c for c in compute("diff_from_mean", snapshot([row()])).columns if c.name == "difference")
    assert column.unit == "percentage points"


def test_rows_and_withheld_rows_are_counted_beside_each_mean() -> None:
    table = compute("states_mean", snapshot([row(), row(), row(value=None)]))
    assert (table.column("count"), table.column("withheld")) == ([2], [1])
    assert table.warnings[1:] == ("Withheld rows, which count nowhere: 1 of the question's 3.",)


def test_synthetic_data_is_said_to_be_so() -> None:
    real = snapshot([row()])
    made_up = Snapshot(
        fingerprint=real.fingerprint, cube=real.cube, about=msgspec.structs.replace(real.about, synthetic=True)
    )
    assert not any("Synthetic" in note for note in compute("global_mean", real).notes)
    assert any("Synthetic" in note for note in compute("global_mean", made_up).notes)


def test_values_of_different_kinds_are_said_to_be_averaged_together() -> None:
    rows = [row(value_type="Crude Prevalence", unit="%"), row(value_type="Mean"), row(), row(question="R")]
    table = snapshot(rows)
    assert compute("global_mean", table).warnings[-1] == (
        "Values of different kinds are averaged together: unnamed, Crude Prevalence in %, Mean."
    )
    assert len(compute("global_mean", table, question="R").warnings) == 1


def test_parameters_are_frozen() -> None:
    asked: Any = classic.OfQuestion(question="Q")
    with pytest.raises(AttributeError):
        asked.question = "R"


def test_means_by_category_read_as_many_groups_as_the_question_has() -> None:
    rows = [row(stratum=name, category="Sex") for name in ("Male", "Female", "Male")] + [row("R")]
    of = snapshot(rows)
    costs = [check("mean_by_category", {"question": each}, of).cost for each in ("Q", "R")]
    assert [cost.sums for cost in costs] == [2, 1]
